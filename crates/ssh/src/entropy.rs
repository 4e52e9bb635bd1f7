//! Random bytes as a thing that is handed in.
//!
//! Owns: the door. The engine draws cookies and padding through it; keys are drawn by the
//! cryptographic library itself, which offers no other way.

use crate::error::Error;

/// A source of unpredictable bytes.
pub trait Entropy: Send {
    /// Fills the whole buffer or fails; a partly filled buffer is never used.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error>;
}

/// The generator of the cryptographic library, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        aws_lc_rs::rand::fill(buffer).map_err(|_| Error::Crypto("random generator"))
    }
}
