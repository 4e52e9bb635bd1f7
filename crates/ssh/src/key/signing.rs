//! Private keys: Ed25519 and nothing else.
//!
//! Owns: the seed. Invariants: it has no `Debug` or `Display`, is never copied out but by [`SigningKey::to_openssh`], and
//! is wiped. We never sign with RSA or ECDSA: one algorithm that needs no randomness per signature is enough
//! for a gateway's own identity. Must not know: files, passphrases.

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use super::error::KeyError;
use super::public::PublicKey;
use crate::wire::{self, Writer};

/// Files of private keys are far smaller.
const PEM_BYTES_MAX: usize = 64 * 1024;

/// An Ed25519 private key.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    // Wiped by the library when it is dropped.
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// A new key from the cryptographic library's generator.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(seed.as_mut_slice()).map_err(|_| KeyError::Crypto("random generator"))?;
        Self::from_seed(seed)
    }

    /// Reads an unencrypted `OPENSSH PRIVATE KEY`.
    pub fn from_openssh(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > PEM_BYTES_MAX {
            return Err(KeyError::TooLarge { what: "the private key", max: PEM_BYTES_MAX });
        }
        let key = PrivateKey::from_openssh(pem.trim()).map_err(|error| unreadable(&error))?;
        let pair = match key.key_data() {
            KeypairData::Ed25519(pair) => pair,
            KeypairData::Encrypted(_) => return Err(KeyError::Encrypted),
            _ => return Err(KeyError::NotEd25519(key.algorithm().as_str().to_owned())),
        };
        let this = Self::from_seed(Zeroizing::new(pair.private.to_bytes()))?;
        if this.pair.public_key().as_ref() != pair.public.0 {
            return Err(KeyError::PrivateKey("its public half belongs to another key".to_owned()));
        }
        Ok(this)
    }

    /// Writes an unencrypted `OPENSSH PRIVATE KEY`. A comment is one line.
    pub fn to_openssh(&self, comment: &str) -> Result<Zeroizing<String>, KeyError> {
        if comment.contains(char::is_control) {
            return Err(KeyError::Text("the comment holds control characters"));
        }
        let public = self.pair.public_key().as_ref().try_into().map_err(|_| KeyError::Crypto("public key length"))?;
        let pair =
            Ed25519Keypair { public: Ed25519PublicKey(public), private: Ed25519PrivateKey::from_bytes(&self.seed) };
        let key = PrivateKey::new(KeypairData::Ed25519(pair), comment).map_err(|error| unreadable(&error))?;
        key.to_openssh(LineEnding::LF).map_err(|error| unreadable(&error))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs, in the form of a signature blob (RFC 8709, section 6).
    #[must_use]
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(data);
        let mut blob = Vec::with_capacity(4 + 11 + 4 + 64);
        Writer::new(&mut blob).string(SignatureAlgorithm::Ed25519.name().as_bytes()).string(signature.as_ref());
        blob
    }

    fn from_seed(seed: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| KeyError::Crypto("Ed25519 key"))?;
        let fields = wire::encode(|writer| {
            writer.string(pair.public_key().as_ref());
        })
        .map_err(KeyError::malformed("public key"))?;
        let public = PublicKey::from_fields(KeyAlgorithm::Ed25519, &fields)?;
        Ok(Self { seed, pair, public })
    }
}

/// Without the features that would bring their cryptography, some types of key are simply unknown to the format crate.
fn unreadable(error: &ssh_key::Error) -> KeyError {
    match error {
        ssh_key::Error::Encrypted => KeyError::Encrypted,
        ssh_key::Error::AlgorithmUnknown => KeyError::NotEd25519("unknown or unsupported".to_owned()),
        ssh_key::Error::AlgorithmUnsupported { algorithm } => KeyError::NotEd25519(algorithm.as_str().to_owned()),
        other => KeyError::PrivateKey(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
