//! Random numbers from a seed: the same on every machine and in every run.
//!
//! Owns: the generator (SplitMix64) and the entropy that engines draw padding and cookies from. Ephemeral keys come from the
//! cryptographic library and differ from run to run; their lengths do not, so the schedule of a seed stays the same.

use sallyport_ssh::entropy::Entropy;
use sallyport_ssh::error::Error;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.number() % end).unwrap()
    }

    /// One of `1..=end`, small ones as often as large ones: the number of digits is drawn first.
    pub(crate) fn up_to(&mut self, end: usize) -> usize {
        let bits = usize::BITS - end.max(1).leading_zeros();
        let most = 1_usize << (1 + self.below(usize::try_from(bits).unwrap()));
        1 + self.below(most.min(end.max(1)))
    }

    /// True in so many cases of a hundred.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Another stream, which does not depend on how much of this one is used later.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.number())
    }
}

impl Entropy for Random {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        for byte in buffer {
            *byte = self.number().to_le_bytes()[0];
        }
        Ok(())
    }
}
