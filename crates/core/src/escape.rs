//! Shows text of strangers so that it cannot pass for something else (A10).
//!
//! Owns: the display escaper and its inverse. Invariants: what is shown holds no control, bidirectional, zero-width, invisible or
//! unassigned character, and no word that mixes scripts without being marked; nothing is dropped, so that every shown text
//! maps back to the very bytes it came from. Must not know: where it is shown (a terminal, a page), which adds an escaping of its own.
//!
//! The notation: `\\` is a backslash, `\n`, `\r` and `\t` are themselves, `\u{202e}` is a character, and `\x9b` is a byte that is not
//! UTF-8. In a word of mixed scripts every character beyond ASCII is written as `\u{…}`: that is the mark.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, ScriptExtension, UnicodeScript};

/// Marks on one letter that are shown. More are a tower that paints over other lines.
const MARKS_MAX: usize = 4;

/// What to do with line feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// Shown as lines: for a text that has a box of its own.
    Kept,
    /// Written `\n`: for a text in the middle of others.
    Joined,
}

/// A text that this escaper did not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an escaped text: at byte {at}")]
pub struct UnescapeError {
    /// Where it goes wrong.
    pub at: usize,
}

/// How these bytes are shown.
#[must_use]
pub fn escape(bytes: &[u8], lines: Lines) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for piece in chunk.valid().split_inclusive(char::is_whitespace) {
            let word = piece.trim_end_matches(char::is_whitespace);
            escape_word(word, is_mixed(word), &mut out);
            for c in piece.chars().skip(word.chars().count()) {
                escape_blank(c, lines, &mut out);
            }
        }
        for byte in chunk.invalid() {
            write_byte(*byte, &mut out);
        }
    }
    out
}

/// The bytes that are shown like this.
pub fn unescape(shown: &str) -> Result<Vec<u8>, UnescapeError> {
    let mut out = Vec::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(at) = rest.find('\\') {
        let error = UnescapeError { at: shown.len() - rest.len() + at };
        let (plain, escaped) = rest.split_at_checked(at).ok_or(error)?;
        out.extend_from_slice(plain.as_bytes());
        rest = unescape_one(escaped, &mut out).ok_or(error)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Reads one escape at the beginning of a text, and answers what follows it.
fn unescape_one<'t>(text: &'t str, out: &mut Vec<u8>) -> Option<&'t str> {
    for (written, byte) in [("\\\\", b'\\'), ("\\n", b'\n'), ("\\r", b'\r'), ("\\t", b'\t')] {
        if let Some(rest) = text.strip_prefix(written) {
            out.push(byte);
            return Some(rest);
        }
    }
    if let Some(rest) = text.strip_prefix("\\x") {
        let (digits, rest) = rest.split_at_checked(2)?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        return Some(rest);
    }
    let (digits, rest) = text.strip_prefix("\\u{")?.split_once('}')?;
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Some(rest)
}

fn escape_word(word: &str, mixed: bool, out: &mut String) {
    // A mark at the beginning would sit on what is shown before the word.
    let mut marks = MARKS_MAX;
    for c in word.chars() {
        let mark = is_mark(c);
        let too_many = mark && marks >= MARKS_MAX;
        marks = if mark { marks + 1 } else { 0 };
        if c == '\\' {
            out.push_str("\\\\");
        } else if too_many || (mixed && !c.is_ascii()) || !is_visible(c) {
            write_code(c, out);
        } else {
            out.push(c);
        }
    }
}

fn escape_blank(c: char, lines: Lines, out: &mut String) {
    match c {
        ' ' => out.push(' '),
        '\n' if lines == Lines::Kept => out.push('\n'),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        other => write_code(other, out),
    }
}

fn write_code(c: char, out: &mut String) {
    out.extend(c.escape_unicode());
}

fn write_byte(byte: u8, out: &mut String) {
    out.push_str("\\x");
    out.extend([byte >> 4, byte & 0xf].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
}

fn is_mark(c: char) -> bool {
    use GeneralCategory as Category;
    matches!(c.general_category(), Category::NonspacingMark | Category::EnclosingMark | Category::SpacingMark)
}

fn is_visible(c: char) -> bool {
    use GeneralCategory as Category;
    let hidden = matches!(
        c.general_category(),
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::PrivateUse
            | Category::SpaceSeparator
            | Category::Surrogate
            | Category::Unassigned
    );
    !hidden && !is_ignorable(c)
}

/// Characters that are shown as nothing although their category does not say so: `Default_Ignorable_Code_Point` of Unicode, without
/// those of category Cf and Cn, and the blank pattern of Braille.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Whether letters of a word belong to scripts that no language writes together (Unicode TR 39, section 5.1).
fn is_mixed(word: &str) -> bool {
    // Han is written together with the scripts of Japanese, of Korean, and of Bopomofo.
    const TOGETHER: [&[Script]; 3] = [
        &[Script::Han, Script::Hiragana, Script::Katakana],
        &[Script::Han, Script::Hangul],
        &[Script::Han, Script::Bopomofo],
    ];
    let within = |scripts: &[Script]| {
        word.chars().all(|c| {
            let extension = c.script_extension();
            extension.is_common()
                || extension.is_inherited()
                || scripts.iter().any(|one| extension.contains_script(*one))
        })
    };
    ScriptExtension::for_str(word).is_empty() && !TOGETHER.iter().any(|scripts| within(scripts))
}

#[cfg(test)]
mod tests;
