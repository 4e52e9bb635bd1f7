//! What the tests of this module share.

/// Bytes from hexadecimal digits; white space does not count.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|digit| !digit.is_ascii_whitespace())
        .collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits");
    let nibble = |digit: u8| char::from(digit).to_digit(16).expect("a hexadecimal digit") as u8;
    digits
        .chunks(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}

/// SHA-256 in hexadecimal digits: a stand-in for values that are too long to print.
pub(super) fn digest(value: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
