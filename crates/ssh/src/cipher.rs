//! Sealing and opening single packets (RFC 4253 section 6, RFC 5647, OpenSSH PROTOCOL and
//! PROTOCOL.chacha20poly1305).
//!
//! Owns: the keys of one direction. Invariants: a nonce is used once (the caller moves the sequence number on
//! and never seals twice with it; AES-GCM counts by itself); nothing is answered before it is authenticated, but
//! for the length that framing needs. Must not know: what is inside a packet.

use zeroize::Zeroizing;

use crate::error::Error;

mod chacha;
mod ctr;
mod gcm;

/// The cipher (with its integrity) of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// `aes128-gcm@openssh.com`
    Aes128Gcm,
    /// `aes256-gcm@openssh.com`
    Aes256Gcm,
    /// `chacha20-poly1305@openssh.com`
    ChaCha20Poly1305,
    /// `aes128-ctr`, for old targets only.
    Aes128Ctr(Mac),
    /// `aes256-ctr`, for old targets only.
    Aes256Ctr(Mac),
}

/// The message authentication code of a cipher that has none of its own; encrypt-then-MAC only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mac {
    /// `hmac-sha2-256-etm@openssh.com`
    HmacSha256Etm,
    /// `hmac-sha2-512-etm@openssh.com`
    HmacSha512Etm,
}

impl Mac {
    /// The name in a KEXINIT.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha256Etm => "hmac-sha2-256-etm@openssh.com",
            Self::HmacSha512Etm => "hmac-sha2-512-etm@openssh.com",
        }
    }

    pub(crate) fn key_len(self) -> usize {
        match self {
            Self::HmacSha256Etm => 32,
            Self::HmacSha512Etm => 64,
        }
    }
}

impl Cipher {
    /// The name in a KEXINIT.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "aes128-gcm@openssh.com",
            Self::Aes256Gcm => "aes256-gcm@openssh.com",
            Self::ChaCha20Poly1305 => "chacha20-poly1305@openssh.com",
            Self::Aes128Ctr(_) => "aes128-ctr",
            Self::Aes256Ctr(_) => "aes256-ctr",
        }
    }

    /// How many bytes of key, IV and MAC key the key exchange must derive.
    pub(crate) fn key_sizes(self) -> KeySizes {
        let (key, iv, mac) = match self {
            Self::Aes128Gcm => (16, 12, 0),
            Self::Aes256Gcm => (32, 12, 0),
            Self::ChaCha20Poly1305 => (64, 0, 0),
            Self::Aes128Ctr(mac) => (16, 16, mac.key_len()),
            Self::Aes256Ctr(mac) => (32, 16, mac.key_len()),
        };
        KeySizes { key, iv, mac }
    }
}

/// Lengths in bytes of what [`KeyMaterial`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeySizes {
    pub(crate) key: usize,
    pub(crate) iv: usize,
    pub(crate) mac: usize,
}

/// What a key exchange derived for one direction (RFC 4253, section 7.2).
pub(crate) struct KeyMaterial {
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) iv: Zeroizing<Vec<u8>>,
    pub(crate) mac: Zeroizing<Vec<u8>>,
}

/// The form that a cipher gives to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The padded part is a multiple of this many bytes.
    pub(crate) block: usize,
    /// Whether the four length bytes belong to the padded part.
    pub(crate) padded_length: usize,
    /// Bytes behind the packet.
    pub(crate) tag: usize,
}

const PLAIN: Shape = Shape { block: 8, padded_length: 4, tag: 0 };

/// Encrypts the packets of one direction.
pub(crate) enum Sealer {
    /// Before the first key exchange has ended.
    Plain,
    Gcm(gcm::Key),
    ChaCha(chacha::Sealer),
    Ctr(Box<ctr::Sealer>),
}

impl Sealer {
    pub(crate) fn new(cipher: Cipher, material: &KeyMaterial) -> Result<Self, Error> {
        Ok(match cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm => Self::Gcm(gcm::Key::new(cipher, material)?),
            Cipher::ChaCha20Poly1305 => Self::ChaCha(chacha::Sealer::new(material)?),
            Cipher::Aes128Ctr(mac) | Cipher::Aes256Ctr(mac) => {
                Self::Ctr(Box::new(ctr::Sealer::new(cipher, mac, material)?))
            }
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Plain => PLAIN,
            Self::Gcm(_) => gcm::SHAPE,
            Self::ChaCha(_) => chacha::SHAPE,
            Self::Ctr(sealer) => sealer.shape(),
        }
    }

    /// Seals `packet` (length, padding length, payload, padding) in place; its last `tag` bytes are
    /// room for the tag.
    pub(crate) fn seal(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Plain => Ok(()),
            Self::Gcm(key) => key.seal(packet),
            Self::ChaCha(sealer) => sealer.seal(sequence, packet),
            Self::Ctr(sealer) => sealer.seal(sequence, packet),
        }
    }
}

/// Decrypts the packets of one direction.
pub(crate) enum Opener {
    /// Before the first key exchange has ended.
    Plain,
    Gcm(gcm::Key),
    ChaCha(chacha::Opener),
    Ctr(Box<ctr::Opener>),
}

impl Opener {
    pub(crate) fn new(cipher: Cipher, material: &KeyMaterial) -> Result<Self, Error> {
        Ok(match cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm => Self::Gcm(gcm::Key::new(cipher, material)?),
            Cipher::ChaCha20Poly1305 => Self::ChaCha(chacha::Opener::new(material)?),
            Cipher::Aes128Ctr(mac) | Cipher::Aes256Ctr(mac) => {
                Self::Ctr(Box::new(ctr::Opener::new(cipher, mac, material)?))
            }
        })
    }

    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Plain => PLAIN,
            Self::Gcm(_) => gcm::SHAPE,
            Self::ChaCha(_) => chacha::SHAPE,
            Self::Ctr(opener) => opener.shape(),
        }
    }

    /// The length that the first four bytes announce. Not authenticated yet.
    pub(crate) fn length(&self, sequence: u32, head: [u8; 4]) -> u32 {
        match self {
            Self::Plain | Self::Gcm(_) | Self::Ctr(_) => u32::from_be_bytes(head),
            Self::ChaCha(opener) => opener.length(sequence, head),
        }
    }

    /// Authenticates and decrypts in place everything behind the length; `packet` ends with the tag.
    pub(crate) fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Plain => Ok(()),
            Self::Gcm(key) => key.open(packet),
            Self::ChaCha(opener) => opener.open(sequence, packet),
            Self::Ctr(opener) => opener.open(sequence, packet),
        }
    }
}

/// Splits a packet into what is before the tag and the tag.
fn split_tag(packet: &mut [u8], tag: usize) -> Result<(&mut [u8], &mut [u8]), Error> {
    let at = packet.len().checked_sub(tag).ok_or(Error::Integrity)?;
    packet.split_at_mut_checked(at).ok_or(Error::Integrity)
}

#[cfg(test)]
mod tests;
