//! Diffie-Hellman on elliptic curves: X25519 (RFC 7748, RFC 8731) and the NIST curves (RFC 5656).
//!
//! Owns: one ephemeral key and its single use. Invariants: a peer's value has the one length and form that the method
//! knows; a point off the curve and an all-zero result are refused. Must not know: what the result is mixed with.

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::error::Error;

/// A curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    X25519,
    P256,
    P384,
}

impl Curve {
    /// The length in bytes of a public value.
    pub(super) fn public_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::P256 => 65,
            Self::P384 => 97,
        }
    }

    fn algorithm(self) -> &'static agreement::Algorithm {
        match self {
            Self::X25519 => &agreement::X25519,
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
        }
    }
}

/// Our ephemeral private key.
pub(super) struct Half {
    curve: Curve,
    private: PrivateKey,
}

impl Half {
    /// A fresh key and its public value.
    pub(super) fn start(curve: Curve) -> Result<(Self, Vec<u8>), Error> {
        let private = PrivateKey::generate(curve.algorithm()).map_err(|_| Error::Crypto("ephemeral key"))?;
        Self::from_private(curve, private)
    }

    fn from_private(curve: Curve, private: PrivateKey) -> Result<(Self, Vec<u8>), Error> {
        let public = private.compute_public_key();
        let public = public.map_err(|_| Error::Crypto("ephemeral key"))?;
        Ok((Self { curve, private }, public.as_ref().to_vec()))
    }

    /// The shared value, as the curve's encoding gives it. Consumes the key: it is used once.
    pub(super) fn agree(self, theirs: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        check(self.curve, theirs)?;
        // The library checks that a point is on its curve, and that the result of X25519 is not all zeros.
        let theirs = UnparsedPublicKey::new(self.curve.algorithm(), theirs);
        let invalid = Error::Misbehaved("the public value of the key exchange is invalid");
        agreement::agree(&self.private, theirs, invalid, |secret| Ok(Zeroizing::new(secret.to_vec())))
    }
}

/// The library would take other encodings of a key as well; SSH has one for each curve. RFC 5656, section 4,
/// allows compressed points, which nobody sends.
fn check(curve: Curve, public: &[u8]) -> Result<(), Error> {
    let wrong = |field| Err(Error::Malformed { message: "key exchange", field });
    if public.len() != curve.public_len() {
        return wrong("public value has the wrong length");
    }
    match (curve, public.first()) {
        (Curve::X25519, _) | (Curve::P256 | Curve::P384, Some(4)) => Ok(()),
        (Curve::P256 | Curve::P384, _) => wrong("public value is not an uncompressed point"),
    }
}

#[cfg(test)]
mod tests;
