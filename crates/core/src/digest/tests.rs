//! Against the examples of FIPS 180-4.

use super::*;

const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn agrees_with_the_standard() {
    assert_eq!(Digest::of(b"abc").to_string(), ABC);
    assert_eq!(Digest::of_parts(&[b"a", b"", b"bc"]).to_string(), ABC);
    assert_eq!(Digest::of(b"").to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn parses_what_it_prints_and_nothing_else() {
    assert_eq!(ABC.parse(), Ok(Digest::of(b"abc")));
    for text in [
        ABC.trim_start_matches('b'),
        &ABC.to_uppercase(),
        &format!("{ABC}0"),
        &format!("{}g", ABC.trim_start_matches('b')),
    ] {
        assert_eq!(text.parse::<Digest>(), Err(DigestError), "{text}");
    }
}
