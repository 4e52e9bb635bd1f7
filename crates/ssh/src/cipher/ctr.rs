//! AES-CTR (RFC 4344) with an encrypt-then-MAC HMAC (OpenSSH PROTOCOL, section 1.5), for targets that know
//! nothing better.

use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, EncryptionContext, StreamingDecryptingKey, StreamingEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::{Cipher, KeyMaterial, Mac, Shape, split_tag};
use crate::error::Error;

/// Bytes of plain or cipher text that go through the scratch buffer at once.
const CHUNK: usize = 4096;
const BLOCK: usize = 16;

pub(crate) struct Sealer {
    cipher: StreamingEncryptingKey,
    mac: MacKey,
}

impl Sealer {
    pub(super) fn new(cipher: Cipher, mac: Mac, material: &KeyMaterial) -> Result<Self, Error> {
        let context = EncryptionContext::Iv128(iv(material)?);
        let cipher = StreamingEncryptingKey::less_safe_ctr(unbound(cipher, material)?, context)
            .map_err(|_| Error::Crypto("AES-CTR key"))?;
        Ok(Self { cipher, mac: MacKey::new(mac, material) })
    }

    pub(super) fn shape(&self) -> Shape {
        self.mac.shape()
    }

    pub(super) fn seal(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Error> {
        let (body, tag_out) = split_tag(packet, self.mac.shape().tag)?;
        let (_, clear) = body.split_first_chunk_mut::<4>().ok_or(Error::Integrity)?;
        let cipher = &mut self.cipher;
        in_chunks(clear, |input, output| {
            cipher.update(input, output).map(|_| ()).map_err(|_| Error::Crypto("AES-CTR seal"))
        })?;
        tag_out.copy_from_slice(self.mac.sign(sequence, body).as_ref());
        Ok(())
    }
}

pub(crate) struct Opener {
    cipher: StreamingDecryptingKey,
    mac: MacKey,
}

impl Opener {
    pub(super) fn new(cipher: Cipher, mac: Mac, material: &KeyMaterial) -> Result<Self, Error> {
        let context = DecryptionContext::Iv128(iv(material)?);
        let cipher = StreamingDecryptingKey::ctr(unbound(cipher, material)?, context)
            .map_err(|_| Error::Crypto("AES-CTR key"))?;
        Ok(Self { cipher, mac: MacKey::new(mac, material) })
    }

    pub(super) fn shape(&self) -> Shape {
        self.mac.shape()
    }

    pub(super) fn open(&mut self, sequence: u32, packet: &mut [u8]) -> Result<(), Error> {
        let (body, tag) = split_tag(packet, self.mac.shape().tag)?;
        self.mac.verify(sequence, body, tag)?;
        let (_, sealed) = body.split_first_chunk_mut::<4>().ok_or(Error::Integrity)?;
        let cipher = &mut self.cipher;
        in_chunks(sealed, |input, output| {
            cipher.update(input, output).map(|_| ()).map_err(|_| Error::Crypto("AES-CTR open"))
        })
    }
}

struct MacKey {
    key: hmac::Key,
    tag: usize,
}

impl MacKey {
    fn new(mac: Mac, material: &KeyMaterial) -> Self {
        let algorithm = match mac {
            Mac::HmacSha256Etm => hmac::HMAC_SHA256,
            Mac::HmacSha512Etm => hmac::HMAC_SHA512,
        };
        Self { key: hmac::Key::new(algorithm, &material.mac), tag: mac.key_len() }
    }

    fn shape(&self) -> Shape {
        Shape { block: BLOCK, padded_length: 0, tag: self.tag }
    }

    fn sign(&self, sequence: u32, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&sequence.to_be_bytes());
        context.update(body);
        context.sign()
    }

    fn verify(&self, sequence: u32, body: &[u8], tag: &[u8]) -> Result<(), Error> {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.sign(sequence, body).as_ref(), tag)
            .map_err(|_| Error::Integrity)
    }
}

fn unbound(cipher: Cipher, material: &KeyMaterial) -> Result<UnboundCipherKey, Error> {
    let algorithm = if matches!(cipher, Cipher::Aes128Ctr(_)) { &AES_128 } else { &AES_256 };
    UnboundCipherKey::new(algorithm, &material.key).map_err(|_| Error::Crypto("AES-CTR key"))
}

fn iv(material: &KeyMaterial) -> Result<FixedLength<16>, Error> {
    let bytes: [u8; 16] = material.iv.as_slice().try_into().map_err(|_| Error::Crypto("AES-CTR IV"))?;
    Ok(FixedLength::from(bytes))
}

/// The library's stream ciphers do not work in place: chunks go through a buffer on the stack.
fn in_chunks(data: &mut [u8], mut step: impl FnMut(&[u8], &mut [u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut scratch = zeroize::Zeroizing::new([0u8; CHUNK + BLOCK]);
    for chunk in data.chunks_mut(CHUNK) {
        step(chunk, scratch.as_mut_slice())?;
        let done = scratch.get(..chunk.len()).ok_or(Error::Crypto("chunk"))?;
        chunk.copy_from_slice(done);
    }
    Ok(())
}
