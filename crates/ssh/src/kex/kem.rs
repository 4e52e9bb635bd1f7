//! The key encapsulation mechanisms of the hybrid methods: ML-KEM-768 (FIPS 203) and Streamlined NTRU Prime 761.
//!
//! Owns: both halves of an encapsulation. Invariants: lengths are exact; randomness comes from the one
//! cryptographic library; a key is used once. Must not know: what the secret is mixed with.

use std::convert::Infallible;

use aws_lc_rs::{digest, kem, rand};
use rand_core::{TryCryptoRng, TryRng};
use sntrup::sntrup761;
use zeroize::Zeroizing;

use crate::error::Error;

/// A mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kem {
    MlKem768,
    Sntrup761,
}

impl Kem {
    /// The length in bytes of an encapsulation key.
    pub(super) fn public_len(self) -> usize {
        match self {
            Self::MlKem768 => 1184,
            Self::Sntrup761 => sntrup761::PUBLIC_KEY_SIZE,
        }
    }

    /// The length in bytes of a ciphertext.
    pub(super) fn ciphertext_len(self) -> usize {
        match self {
            Self::MlKem768 => 1088,
            Self::Sntrup761 => sntrup761::CIPHERTEXT_SIZE,
        }
    }

    /// A fresh secret for whoever holds the private half of `public`, and the ciphertext that carries it.
    pub(super) fn encapsulate(self, public: &[u8]) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Error> {
        let invalid = Error::Misbehaved("the encapsulation key of the key exchange is invalid");
        match self {
            Self::MlKem768 => {
                let key = kem::EncapsulationKey::new(&kem::ML_KEM_768, public).map_err(|_| invalid.clone())?;
                let (ciphertext, secret) = key.encapsulate().map_err(|_| invalid)?;
                Ok((ciphertext.as_ref().to_vec(), Zeroizing::new(secret.as_ref().to_vec())))
            }
            Self::Sntrup761 => {
                let key = sntrup761::EncapsulationKey::try_from(public).map_err(|_| invalid)?;
                let (ciphertext, secret) = drawing(|random| key.encapsulate(random))?;
                Ok((ciphertext.as_ref().to_vec(), Zeroizing::new(secret.as_ref().to_vec())))
            }
        }
    }
}

/// Our ephemeral decapsulation key. Both libraries wipe theirs.
pub(super) enum Decapsulator {
    MlKem768(kem::DecapsulationKey),
    Sntrup761(sntrup761::DecapsulationKey),
}

impl Decapsulator {
    /// A fresh key and its public half.
    pub(super) fn start(mechanism: Kem) -> Result<(Self, Vec<u8>), Error> {
        match mechanism {
            Kem::MlKem768 => {
                let failed = |_| Error::Crypto("ML-KEM key");
                let key = kem::DecapsulationKey::generate(&kem::ML_KEM_768).map_err(failed)?;
                let public = key.encapsulation_key().and_then(|public| public.key_bytes()).map_err(failed)?;
                let public = public.as_ref().to_vec();
                Ok((Self::MlKem768(key), public))
            }
            Kem::Sntrup761 => {
                let (public, key) = drawing(sntrup761::generate_key)?;
                Ok((Self::Sntrup761(key), public.as_ref().to_vec()))
            }
        }
    }

    /// The secret inside a ciphertext. One that was tampered with yields another secret, not an error: both
    /// mechanisms reject implicitly.
    pub(super) fn decapsulate(self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let invalid = Error::Misbehaved("the ciphertext of the key exchange is invalid");
        match self {
            Self::MlKem768(key) => {
                let secret = key.decapsulate(ciphertext.into()).map_err(|_| invalid)?;
                Ok(Zeroizing::new(secret.as_ref().to_vec()))
            }
            Self::Sntrup761(key) => {
                let ciphertext = sntrup761::Ciphertext::try_from(ciphertext).map_err(|_| invalid)?;
                Ok(Zeroizing::new(key.decapsulate(&ciphertext).as_ref().to_vec()))
            }
        }
    }
}

/// Runs `work` with random bytes, and refuses its result if one of them was none.
fn drawing<T>(work: impl FnOnce(&mut LibraryRandom) -> T) -> Result<T, Error> {
    let mut random = LibraryRandom { supply: Supply::Flowing };
    let result = work(&mut random);
    match random.supply {
        Supply::Flowing => Ok(result),
        Supply::Failed { .. } => Err(Error::Crypto("random generator")),
    }
}

/// The generator of the cryptographic library behind the interface that `sntrup` asks for, which has no way to fail.
struct LibraryRandom {
    supply: Supply,
}

enum Supply {
    Flowing,
    /// What follows is not random. It only has to vary, so that rejection sampling ends; its result is thrown away.
    Failed {
        counter: u64,
    },
}

impl LibraryRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        if matches!(self.supply, Supply::Flowing) {
            match rand::fill(bytes) {
                Ok(()) => return,
                Err(_) => self.supply = Supply::Failed { counter: 0 },
            }
        }
        if let Supply::Failed { counter } = &mut self.supply {
            for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
                *counter = counter.wrapping_add(1);
                let block = digest::digest(&digest::SHA256, &counter.to_be_bytes());
                chunk.iter_mut().zip(block.as_ref()).for_each(|(byte, filler)| *byte = *filler);
            }
        }
    }
}

impl TryRng for LibraryRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = Zeroizing::new([0; 4]);
        self.fill(bytes.as_mut());
        Ok(u32::from_le_bytes(*bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = Zeroizing::new([0; 8]);
        self.fill(bytes.as_mut());
        Ok(u64::from_le_bytes(*bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for LibraryRandom {}

#[cfg(test)]
mod tests;
