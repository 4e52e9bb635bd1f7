//! chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305): the length is encrypted with a key of
//! its own, the nonce is the sequence number.

use aws_lc_rs::aead::chacha20_poly1305_openssh::{KEY_LEN, OpeningKey, SealingKey, TAG_LEN};
use zeroize::Zeroizing;

use super::{KeyMaterial, Shape, split_tag};
use crate::error::Error;

pub(super) const SHAPE: Shape = Shape { block: 8, padded_length: 0, tag: TAG_LEN };

pub(crate) struct Sealer(SealingKey);

impl Sealer {
    pub(super) fn new(material: &KeyMaterial) -> Result<Self, Error> {
        Ok(Self(SealingKey::new(&*key(material)?)))
    }

    pub(super) fn seal(&self, sequence: u32, packet: &mut [u8]) -> Result<(), Error> {
        let (body, tag_out) = split_tag(packet, TAG_LEN)?;
        let tag_out: &mut [u8; TAG_LEN] = tag_out.try_into().map_err(|_| Error::Crypto("tag length"))?;
        if body.len() < 4 {
            return Err(Error::Crypto("packet without length"));
        }
        self.0.seal_in_place(sequence, body, tag_out);
        Ok(())
    }
}

pub(crate) struct Opener(OpeningKey);

impl Opener {
    pub(super) fn new(material: &KeyMaterial) -> Result<Self, Error> {
        Ok(Self(OpeningKey::new(&*key(material)?)))
    }

    pub(super) fn length(&self, sequence: u32, head: [u8; 4]) -> u32 {
        u32::from_be_bytes(self.0.decrypt_packet_length(sequence, head))
    }

    pub(super) fn open(&self, sequence: u32, packet: &mut [u8]) -> Result<(), Error> {
        let (body, tag) = split_tag(packet, TAG_LEN)?;
        let tag: &[u8; TAG_LEN] = (&*tag).try_into().map_err(|_| Error::Integrity)?;
        if body.len() < 4 {
            return Err(Error::Integrity);
        }
        self.0.open_in_place(sequence, body, tag).map_err(|_| Error::Integrity)?;
        Ok(())
    }
}

fn key(material: &KeyMaterial) -> Result<Zeroizing<[u8; KEY_LEN]>, Error> {
    let bytes: [u8; KEY_LEN] = material.key.as_slice().try_into().map_err(|_| Error::Crypto("ChaCha20 key"))?;
    Ok(Zeroizing::new(bytes))
}
