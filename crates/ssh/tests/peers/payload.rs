//! Bytes that no compression, no repetition and no swapped block can hide in.

/// `count` pseudo-random bytes, the same for the same seed (xorshift64*).
pub(crate) fn random_bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// One mebibyte, which is more than any window that a peer starts with here but OpenSSH's.
pub(crate) fn mebibyte(seed: u64) -> Vec<u8> {
    random_bytes(1 << 20, seed)
}

/// Compares without printing megabytes.
#[track_caller]
pub(crate) fn assert_same(got: &[u8], expected: &[u8], what: &str) {
    if got == expected {
        return;
    }
    let at = got.iter().zip(expected).position(|(a, b)| a != b);
    panic!("{what}: {} bytes came, {} were expected; the first difference is at {at:?}", got.len(), expected.len());
}
