//! A10: nothing that deceives is shown, and nothing is lost.

use super::*;
use proptest::prelude::*;

fn shown(text: &str) -> String {
    escape(text.as_bytes(), Lines::Joined)
}

#[test]
fn a10_ordinary_text_stays_as_it_is() {
    for text in [
        "disk full, INC-482",
        "Größe übertragen",
        "磁盘已满 请看",
        "ディスクが満杯です",
        "диск полон",
        "قرص ممتلئ",
        "e\u{301}",
        "x = a | b && 'c'",
        "naïve — 100 €",
        "👍",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn a10_what_deceives_is_written_out() {
    for (text, expected) in [
        ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("rm \u{202e}txt.sh", "rm \\u{202e}txt.sh"),
        ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
        ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
        ("a\u{ad}b", "a\\u{ad}b"),
        ("a\u{3164}b\u{2800}", "a\\u{3164}b\\u{2800}"),
        ("a\u{a0}b\u{2003}c", "a\\u{a0}b\\u{2003}c"),
        ("\u{e0041}", "\\u{e0041}"),
        ("\u{85}\u{2028}", "\\u{85}\\u{2028}"),
        ("\u{301}a", "\\u{301}a"),
        ("\u{e000}", "\\u{e000}"),
        ("C:\\u{41}", "C:\\\\u{41}"),
        ("\0\u{7f}\u{9b}", "\\u{0}\\u{7f}\\u{9b}"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

/// The first letter is Cyrillic.
#[test]
fn a10_a_word_of_mixed_scripts_is_marked() {
    assert_eq!(shown("go to p\u{430}ypal now"), "go to p\\u{430}ypal now");
    assert_eq!(shown("\u{3b1}\u{430}"), "\\u{3b1}\\u{430}");
    assert_eq!(
        shown("web1 \u{434}\u{438}\u{441}\u{43a}"),
        "web1 \u{434}\u{438}\u{441}\u{43a}",
        "two words, a script each"
    );
}

#[test]
fn a10_towers_of_marks_are_cut_down() {
    let tower = format!("a{}", "\u{301}".repeat(10));
    assert_eq!(shown(&tower), format!("a{}{}", "\u{301}".repeat(MARKS_MAX), "\\u{301}".repeat(10 - MARKS_MAX)));
}

#[test]
fn a10_bytes_that_are_not_text_are_written_out() {
    assert_eq!(escape(b"a\xffb\xe2\x80", Lines::Joined), "a\\xffb\\xe2\\x80");
    assert_eq!(escape(b"a\nb\r\n", Lines::Kept), "a\nb\\r\n");
}

#[test]
fn unescape_refuses_what_was_not_escaped() {
    for (text, at) in
        [("a\\q", 1), ("\\x4", 0), ("\\xg0", 0), ("\\u{110000}", 0), ("\\u{41", 0), ("ab\\", 2), ("\\xé", 0)]
    {
        assert_eq!(unescape(text), Err(UnescapeError { at }), "{text}");
    }
}

/// Text in which the dangerous characters are frequent.
fn nasty() -> impl Strategy<Value = String> {
    let dangerous = prop::sample::select(
        "\\\n\r\t\u{1b}\u{202e}\u{200d}\u{200b}\u{ad}\u{301}аap \u{3b1}漢か한\u{fe0f}xu{}0".chars().collect::<Vec<_>>(),
    );
    prop::collection::vec(prop_oneof![dangerous, any::<char>()], 0..40).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn a10_every_byte_string_maps_back(bytes: Vec<u8>, kept: bool) {
        let lines = if kept { Lines::Kept } else { Lines::Joined };
        prop_assert_eq!(unescape(&escape(&bytes, lines)).unwrap(), bytes);
    }

    #[test]
    fn a10_every_text_maps_back_and_shows_nothing_hidden(text in nasty()) {
        let shown = shown(&text);
        prop_assert_eq!(unescape(&shown).unwrap(), text.as_bytes());
        prop_assert!(shown.chars().all(|c| c == ' ' || is_visible(c)), "{:?}", shown);
        for word in text.split_whitespace().filter(|word| is_mixed(word)) {
            prop_assert!(escape(word.as_bytes(), Lines::Joined).is_ascii(), "{:?}", word);
        }
    }
}
