//! Rust source as a sequence of tokens: enough to find names, paths and the ends of functions, and no more.
//!
//! Comments and the insides of literals are left out, so that a rule never trips over prose. It must not know any rule.

/// An identifier or number, `::`, or one character of punctuation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Counted from one.
    pub(crate) line: usize,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From `fn` to the closing brace, both included.
    pub(crate) lines: usize,
}

/// The tokens of a source text.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut rest: &[char] = &chars;
    let mut after_word = false;
    while let Some(first) = rest.first() {
        let skipped = literal_length(rest, after_word);
        let length = if skipped > 0 { skipped } else { token_length(rest) };
        let (taken, left) = rest.split_at(length.min(rest.len()));
        if skipped == 0 && !first.is_whitespace() {
            tokens.push(Token { text: taken.iter().collect(), line });
        }
        line += taken.iter().filter(|c| **c == '\n').count();
        after_word = skipped == 0 && is_word(*first);
        rest = left;
    }
    tokens
}

/// The functions of a source text that have a body; nested ones too.
pub(crate) fn functions(tokens: &[Token]) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        let [keyword, name] = pair else { continue };
        let named = name.text.chars().next().is_some_and(is_word);
        if keyword.text != "fn" || !named {
            continue; // a function pointer type, or a macro's `fn $name`
        }
        if let Some(end) = body_end(tokens.iter().skip(at)) {
            let lines = end - keyword.line + 1;
            found.push(Function { name: name.text.clone(), line: keyword.line, lines });
        }
    }
    found
}

/// Every place where the tokens have this sequence, by line.
pub(crate) fn lines_with(tokens: &[Token], sequence: &[&str]) -> Vec<usize> {
    tokens
        .windows(sequence.len())
        .filter(|window| window.iter().zip(sequence).all(|(token, text)| token.text == *text))
        .filter_map(|window| window.first().map(|token| token.line))
        .collect()
}

/// What a `std::…` path or a `use std::{…}` group names directly under `std`, with the line.
pub(crate) fn std_modules(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, triple) in tokens.windows(3).enumerate() {
        let [root, colons, first] = triple else {
            continue;
        };
        if root.text != "std" || colons.text != "::" {
            continue;
        }
        if first.text != "{" {
            found.push((first.text.clone(), first.line));
            continue;
        }
        let mut depth = 0_usize;
        let mut at_start = false;
        for token in tokens.iter().skip(at + 2) {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                text if at_start => found.push((text.to_owned(), token.line)),
                _ => {}
            }
            at_start = depth == 1 && matches!(token.text.as_str(), "{" | ",");
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// The line of the brace that closes the first body, or `None` where a `;` comes first (a declaration).
fn body_end<'a>(tokens: impl Iterator<Item = &'a Token>) -> Option<usize> {
    let mut brackets = 0_usize; // `;` and `{` inside of these belong to the signature: `[u8; 32]`
    let mut braces = 0_usize;
    for token in tokens {
        match token.text.as_str() {
            "(" | "[" if braces == 0 => brackets += 1,
            ")" | "]" if braces == 0 => brackets = brackets.saturating_sub(1),
            ";" if braces == 0 && brackets == 0 => return None,
            "{" if brackets == 0 => braces += 1,
            "}" if braces == 1 => return Some(token.line),
            "}" => braces = braces.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the token that begins here. Whitespace counts as one of one character.
fn token_length(rest: &[char]) -> usize {
    match rest {
        [':', ':', ..] => 2,
        [first, ..] if is_word(*first) => rest.iter().take_while(|c| is_word(**c)).count(),
        _ => 1,
    }
}

/// The length of the comment or literal that begins here, or 0 where none does.
fn literal_length(rest: &[char], after_word: bool) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
        ['/', '*', ..] => block_comment_length(rest),
        ['"', ..] => quoted_length(rest, '"'),
        ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted_length(rest, '\''), // else it is a lifetime
        ['b' | 'c', '"', ..] if !after_word => 1 + quoted_length(rest.get(1..).unwrap_or_default(), '"'),
        ['b', '\'', ..] if !after_word => 1 + quoted_length(rest.get(1..).unwrap_or_default(), '\''),
        ['r', ..] if !after_word => raw_length(rest, 1),
        ['b' | 'c', 'r', ..] if !after_word => raw_length(rest, 2),
        _ => 0,
    }
}

fn block_comment_length(rest: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match rest.get(at..).unwrap_or_default() {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            [_, ..] => at += 1,
            [] => return at,
        }
    }
}

fn quoted_length(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    loop {
        match rest.get(at) {
            Some('\\') => at += 2,
            Some(c) if *c == quote => return at + 1,
            Some(_) => at += 1,
            None => return at,
        }
    }
}

/// A raw string whose prefix (`r`, `br`, `cr`) has this length; 0 where it is no string (`r#type`, `return`).
fn raw_length(rest: &[char], prefix: usize) -> usize {
    let after = rest.get(prefix..).unwrap_or_default();
    let hashes = after.iter().take_while(|c| **c == '#').count();
    if after.get(hashes) != Some(&'"') {
        return 0;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = prefix + hashes + 1;
    let inside = rest.get(body..).unwrap_or_default();
    let end = inside.windows(closing.len()).position(|window| window == closing);
    end.map_or(rest.len(), |end| body + end + closing.len())
}

#[cfg(test)]
mod tests;
