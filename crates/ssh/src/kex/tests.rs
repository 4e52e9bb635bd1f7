//! What the tests of this module share.

use std::fmt::Write;

/// Bytes from hexadecimal digits; white space does not count.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// SHA-256 in hexadecimal digits: a stand-in for values that are too long to print.
pub(super) fn digest(value: &[u8]) -> String {
    let mut hex = String::new();
    for byte in aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value).as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}
