//! From a shared secret to the exchange hash and to keys (RFC 4253, sections 7.2 and 8).
//!
//! Owns: the shared secret as it is hashed, the order of what is hashed, and the letters of the keys.
//! Invariant: secrets are wiped. Must not know: how the secret came about.

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::cipher::{Cipher, KeyMaterial};
use crate::error::Error;

use super::method::Hash;

/// The shared secret K, encoded as it is hashed.
pub struct SharedSecret {
    encoded: Zeroizing<Vec<u8>>,
}

impl SharedSecret {
    /// K as a positive `mpint`, from its big-endian magnitude: Diffie-Hellman of every kind (RFC 4253, section
    /// 8; RFC 5656, section 4; RFC 8731, section 3.1).
    pub(super) fn mpint(magnitude: &[u8]) -> Result<Self, Error> {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = magnitude.get(zeros..).unwrap_or_default();
        match magnitude.first() {
            Some(first) if first & 0x80 != 0 => Self::encode(&[0], magnitude),
            _ => Self::encode(&[], magnitude),
        }
    }

    /// K as a `string`: the hybrid methods.
    pub(super) fn string(bytes: &[u8]) -> Result<Self, Error> {
        Self::encode(&[], bytes)
    }

    /// Allocates once: a vector that grows leaves copies behind.
    fn encode(sign: &[u8], value: &[u8]) -> Result<Self, Error> {
        let bytes = sign.len().saturating_add(value.len());
        let length = u32::try_from(bytes).map_err(|_| Error::Crypto("a shared secret that is too long"))?;
        let mut encoded = Zeroizing::new(Vec::with_capacity(bytes.saturating_add(4)));
        encoded.extend_from_slice(&length.to_be_bytes());
        encoded.extend_from_slice(sign);
        encoded.extend_from_slice(value);
        Ok(Self { encoded })
    }
}

/// Everything that both sides said, in the order in which it is hashed (RFC 4253, section 8; RFC 5656, section 4).
#[derive(Debug, Clone, Copy)]
pub struct Transcript<'a> {
    /// The client's version line, without the line end.
    pub client_version: &'a [u8],
    /// The server's version line, without the line end.
    pub server_version: &'a [u8],
    /// The payload of the client's KEXINIT.
    pub client_kexinit: &'a [u8],
    /// The payload of the server's KEXINIT.
    pub server_kexinit: &'a [u8],
    /// The host key or certificate, as it was presented.
    pub host_key: &'a [u8],
    /// The content of the field with the client's public value.
    pub client_public: &'a [u8],
    /// The content of the field with the server's public value.
    pub server_public: &'a [u8],
}

/// The exchange hash H. That of the first key exchange is the session identifier.
pub fn exchange_hash(hash: Hash, transcript: &Transcript<'_>, secret: &SharedSecret) -> Result<Vec<u8>, Error> {
    let mut context = digest::Context::new(hash.algorithm());
    // A public value that is an `mpint` looks like a `string` on the wire, so all seven are hashed alike.
    for part in [
        transcript.client_version,
        transcript.server_version,
        transcript.client_kexinit,
        transcript.server_kexinit,
        transcript.host_key,
        transcript.client_public,
        transcript.server_public,
    ] {
        let length = u32::try_from(part.len()).map_err(|_| Error::Misuse("a transcript that is too long"))?;
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    context.update(&secret.encoded);
    Ok(context.finish().as_ref().to_vec())
}

/// Who sends what a key protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The client sends.
    ClientToServer,
    /// The server sends.
    ServerToClient,
}

/// The keys of one direction.
pub(crate) fn derive(
    hash: Hash,
    secret: &SharedSecret,
    exchange_hash: &[u8],
    session_id: &[u8],
    cipher: Cipher,
    direction: Direction,
) -> KeyMaterial {
    let (iv, key, mac) = match direction {
        Direction::ClientToServer => (b'A', b'C', b'E'),
        Direction::ServerToClient => (b'B', b'D', b'F'),
    };
    let sizes = cipher.key_sizes();
    let expand = |letter, bytes| expand(hash, secret, exchange_hash, session_id, letter, bytes);
    KeyMaterial { key: expand(key, sizes.key), iv: expand(iv, sizes.iv), mac: expand(mac, sizes.mac) }
}

/// `K1 = HASH(K || H || letter || session_id)`, `Kn = HASH(K || H || K1 || … || Kn-1)`, cut to the length that
/// is needed.
fn expand(
    hash: Hash,
    secret: &SharedSecret,
    exchange_hash: &[u8],
    session_id: &[u8],
    letter: u8,
    bytes: usize,
) -> Zeroizing<Vec<u8>> {
    let algorithm = hash.algorithm();
    let mut start = digest::Context::new(algorithm);
    start.update(&secret.encoded);
    start.update(exchange_hash);

    let mut key = Zeroizing::new(Vec::with_capacity(bytes.saturating_add(algorithm.output_len())));
    while key.len() < bytes {
        let mut context = start.clone();
        if key.is_empty() {
            context.update(&[letter]);
            context.update(session_id);
        } else {
            context.update(&key);
        }
        key.extend_from_slice(context.finish().as_ref());
    }
    key.truncate(bytes);
    key
}

#[cfg(test)]
mod tests;
