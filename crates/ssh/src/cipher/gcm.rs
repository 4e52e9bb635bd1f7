//! AES-GCM as OpenSSH uses it (RFC 5647 with the nonce handling of OpenSSH PROTOCOL, section 1.6): the length is
//! associated data in clear, the nonce is a fixed field and an invocation counter.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{Cipher, KeyMaterial, Shape, split_tag};
use crate::error::Error;

pub(super) const SHAPE: Shape = Shape { block: 16, padded_length: 0, tag: 16 };

/// The key of one direction with its nonce.
pub(crate) struct Key {
    key: LessSafeKey,
    fixed: [u8; 4],
    counter: u64,
}

impl Key {
    pub(super) fn new(cipher: Cipher, material: &KeyMaterial) -> Result<Self, Error> {
        let algorithm = if cipher == Cipher::Aes128Gcm { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, &material.key).map_err(|_| Error::Crypto("AES-GCM key"))?;
        let (fixed, counter) = material.iv.split_first_chunk::<4>().ok_or(Error::Crypto("AES-GCM IV"))?;
        let counter = counter.first_chunk::<8>().ok_or(Error::Crypto("AES-GCM IV"))?;
        Ok(Self { key: LessSafeKey::new(key), fixed: *fixed, counter: u64::from_be_bytes(*counter) })
    }

    /// The counter wraps like OpenSSH's; a rekey comes 2^32 packets before it could meet itself.
    fn nonce(&mut self) -> Nonce {
        let mut bytes = [0; 12];
        let (fixed, counter) = bytes.split_at_mut(4);
        fixed.copy_from_slice(&self.fixed);
        counter.copy_from_slice(&self.counter.to_be_bytes());
        self.counter = self.counter.wrapping_add(1);
        Nonce::assume_unique_for_key(bytes)
    }

    pub(super) fn seal(&mut self, packet: &mut [u8]) -> Result<(), Error> {
        let nonce = self.nonce();
        let (head, rest) = packet.split_first_chunk_mut::<4>().ok_or(Error::Integrity)?;
        let (body, tag_out) = split_tag(rest, SHAPE.tag)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(*head), body)
            .map_err(|_| Error::Crypto("AES-GCM seal"))?;
        tag_out.copy_from_slice(tag.as_ref());
        Ok(())
    }

    pub(super) fn open(&mut self, packet: &mut [u8]) -> Result<(), Error> {
        let nonce = self.nonce();
        let (head, rest) = packet.split_first_chunk_mut::<4>().ok_or(Error::Integrity)?;
        self.key.open_in_place(nonce, Aad::from(*head), rest).map_err(|_| Error::Integrity)?;
        Ok(())
    }
}
