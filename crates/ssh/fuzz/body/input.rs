//! The bytes of one run, read as a script.
//!
//! Owns: how numbers and chunks are taken from them. Invariants: every string of bytes is a script (a chunk that promises more
//! than there is, is what there is), so that no run is wasted; reading ends.

/// A script that is being read.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// One byte, or `None` at the end.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// One byte, zero at the end.
    pub(crate) fn choice(&mut self) -> u8 {
        self.byte().unwrap_or_default()
    }

    /// Two bytes, big-endian; zeros at the end.
    pub(crate) fn number(&mut self) -> usize {
        usize::from(self.choice()) << 8 | usize::from(self.choice())
    }

    /// Bytes behind their length, which has two bytes.
    pub(crate) fn chunk(&mut self) -> &'a [u8] {
        let length = self.number().min(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}
