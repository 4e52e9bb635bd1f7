//! Tests of the tokeniser: the places where a naive scanner takes text for code or code for text.

use super::{Function, functions, lines_with, std_modules, tokens};

fn words(source: &str) -> Vec<String> {
    tokens(source).into_iter().map(|token| token.text).collect()
}

#[test]
fn comments_and_literals_are_left_out() {
    assert_eq!(words("a // unsafe\nb /* unsafe /* nested */ unsafe */ c"), ["a", "b", "c"]);
    assert_eq!(words(r#"f("unsafe \" { unsafe", b"unsafe", c"unsafe")"#), ["f", "(", ",", ",", ")"]);
    assert_eq!(words(r##"x = r#"unsafe " { "# ; y = br"unsafe\" ; z"##), ["x", "=", ";", "y", "=", ";", "z"]);
    assert_eq!(words(r"['{', '\'', '\\', b'}', '\u{7d}', d]"), ["[", ",", ",", ",", ",", ",", "d", "]"]);
}

#[test]
fn lifetimes_and_raw_identifiers_are_code() {
    assert_eq!(words("&'a str"), ["&", "'", "a", "str"]);
    assert_eq!(words("r#type bar\"x\" r"), ["r", "#", "type", "bar", "r"]);
}

#[test]
fn lines_are_counted_through_literals() {
    let found = tokens("\"one\ntwo\n\" /*\n*/ three");
    assert_eq!(found.first().map(|token| (token.text.as_str(), token.line)), Some(("three", 4)));
}

#[test]
fn functions_end_at_their_own_brace() {
    let source = "trait T { fn declared(&self, key: [u8; 32]) -> [u8; 4]; }\n\
                  fn outer(f: fn(u8) -> u8) -> [u8; 2] where u8: Copy {\n\
                  if f(1) == b'}' { \"}\"; }\n\
                  fn inner() {}\n\
                  }\n\
                  fn after() {\n}\n";
    let expected = [("outer", 2, 4), ("inner", 4, 1), ("after", 6, 2)];
    let expected = expected.map(|(name, line, lines)| Function { name: name.to_owned(), line, lines });
    assert_eq!(functions(&tokens(source)), expected);
}

#[test]
fn paths_are_found_with_their_line() {
    assert_eq!(lines_with(&tokens("a\nInstant :: now()"), &["Instant", "::", "now"]), [2]);
    assert_eq!(lines_with(&tokens("instant::now()"), &["Instant", "::", "now"]), [0_usize; 0]);
}

#[test]
fn groups_name_what_is_directly_inside() {
    let source = "use std::{fmt::{self, net}, io,\n fs::File}; std::env::var(); core::net::IpAddr;";
    let expected = [("fmt", 1), ("io", 1), ("fs", 2), ("env", 2)];
    assert_eq!(std_modules(&tokens(source)), expected.map(|(name, line)| (name.to_owned(), line)));
}
