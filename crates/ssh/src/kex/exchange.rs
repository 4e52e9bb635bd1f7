//! Both halves of a key exchange method: public values out, a shared secret at the end.
//!
//! Owns: what a method is made of and how the parts of a hybrid are joined. Invariants: an ephemeral secret is
//! used once, because using it consumes it; what is for old targets only has no answering half. Must not know:
//! messages, host keys.

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::error::Error;

use super::curve::{self, Curve};
use super::derivation::SharedSecret;
use super::group::{self, Group};
use super::kem::{Decapsulator, Kem};
use super::method::{Hash, Method};

/// The client's half, which speaks first. Owns the ephemeral secrets.
pub struct Initiator {
    hash: Hash,
    half: Half,
}

enum Half {
    Hybrid { mechanism: Kem, kem: Decapsulator, curve: curve::Half },
    Curve(curve::Half),
    Group(group::Half),
}

impl Initiator {
    /// Fresh ephemeral secrets, and our public value: the content of the field in the first message.
    pub fn start(method: Method) -> Result<(Self, Vec<u8>), Error> {
        let (half, public) = match method.parts() {
            Parts::Hybrid(mechanism) => {
                let (kem, mut public) = Decapsulator::start(mechanism)?;
                let (curve, curve_public) = curve::Half::start(Curve::X25519)?;
                public.extend_from_slice(&curve_public);
                (Half::Hybrid { mechanism, kem, curve }, public)
            }
            Parts::Curve(curve) => {
                let (half, public) = curve::Half::start(curve)?;
                (Half::Curve(half), public)
            }
            Parts::Group(group) => {
                let (half, public) = group::Half::start(group)?;
                (Half::Group(half), public)
            }
        };
        Ok((Self { hash: method.hash(), half }, public))
    }

    /// The secret that we share with whoever sent `server_public`: the content of the field in the answer.
    pub fn finish(self, server_public: &[u8]) -> Result<SharedSecret, Error> {
        match self.half {
            Half::Hybrid { mechanism, kem, curve } => {
                let (ciphertext, curve_public) = split(server_public, mechanism.ciphertext_len())?;
                // The curve first: it is the part that may refuse.
                let classical = curve.agree(curve_public)?;
                let quantum = kem.decapsulate(ciphertext)?;
                join(self.hash, &quantum, &classical)
            }
            Half::Curve(half) => SharedSecret::mpint(&half.agree(server_public)?),
            Half::Group(half) => SharedSecret::mpint(&half.agree(server_public)?),
        }
    }
}

/// The server's half: our public value, the content of the field in the answer, and the secret that we share with
/// whoever sent `client_public`.
pub fn respond(method: Method, client_public: &[u8]) -> Result<(Vec<u8>, SharedSecret), Error> {
    match method.parts() {
        Parts::Hybrid(mechanism) => {
            let (key, curve_public) = split(client_public, mechanism.public_len())?;
            let (curve, our_curve_public) = curve::Half::start(Curve::X25519)?;
            let classical = curve.agree(curve_public)?;
            let (mut public, quantum) = mechanism.encapsulate(key)?;
            public.extend_from_slice(&our_curve_public);
            Ok((public, join(method.hash(), &quantum, &classical)?))
        }
        Parts::Curve(Curve::X25519) => {
            let (half, public) = curve::Half::start(Curve::X25519)?;
            Ok((public, SharedSecret::mpint(&half.agree(client_public)?)?))
        }
        Parts::Curve(Curve::P256 | Curve::P384) | Parts::Group(_) => {
            Err(Error::Misuse("this key exchange method is for old targets only"))
        }
    }
}

/// What a method consists of.
enum Parts {
    /// A mechanism, and X25519 beside it.
    Hybrid(Kem),
    Curve(Curve),
    Group(Group),
}

impl Method {
    fn parts(self) -> Parts {
        match self {
            Self::MlKem768X25519 => Parts::Hybrid(Kem::MlKem768),
            Self::Sntrup761X25519 => Parts::Hybrid(Kem::Sntrup761),
            Self::Curve25519 => Parts::Curve(Curve::X25519),
            Self::EcdhP256 => Parts::Curve(Curve::P256),
            Self::EcdhP384 => Parts::Curve(Curve::P384),
            Self::DhGroup14 => Parts::Group(Group::Fourteen),
            Self::DhGroup16 => Parts::Group(Group::Sixteen),
        }
    }
}

/// A hybrid's public value: that of the mechanism, and behind it that of X25519, which checks its own length.
fn split(public: &[u8], mechanism_len: usize) -> Result<(&[u8], &[u8]), Error> {
    public
        .split_at_checked(mechanism_len)
        .ok_or(Error::Malformed { message: "key exchange", field: "public value has the wrong length" })
}

/// The secret of a hybrid: the hash over both secrets, as a `string` (draft-ietf-sshm-mlkem-hybrid-kex, section 2.4;
/// draft-ietf-sshm-ntruprime-ssh, section 3).
fn join(hash: Hash, quantum: &[u8], classical: &[u8]) -> Result<SharedSecret, Error> {
    let mut both = Zeroizing::new(Vec::with_capacity(quantum.len().saturating_add(classical.len())));
    both.extend_from_slice(quantum);
    both.extend_from_slice(classical);
    SharedSecret::string(digest::digest(hash.algorithm(), &both).as_ref())
}

#[cfg(test)]
mod tests;
