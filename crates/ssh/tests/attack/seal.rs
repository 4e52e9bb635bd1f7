//! The attacker's own packet cryptography: it shares nothing with the engine's but the library.
//!
//! Owns: AES-256-GCM and ChaCha20-Poly1305 as SSH uses them, and the derivation of keys (RFC 4253, section 7.2).

use aws_lc_rs::aead::chacha20_poly1305_openssh::{OpeningKey, SealingKey};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};

/// A cipher that the attacker speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    Gcm,
    ChaCha,
}

impl Suite {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gcm => "aes256-gcm@openssh.com",
            Self::ChaCha => "chacha20-poly1305@openssh.com",
        }
    }
}

/// The keys of one direction.
pub(crate) enum Seal {
    None,
    Gcm { key: LessSafeKey, iv: [u8; 12] },
    ChaCha { sealing: Box<SealingKey>, opening: Box<OpeningKey> },
}

/// What keys are made from.
pub(crate) struct Secret<'s> {
    /// As it is hashed.
    pub(crate) shared: &'s [u8],
    pub(crate) hash: &'s [u8],
    pub(crate) session_id: &'s [u8],
}

impl Secret<'_> {
    fn expand(&self, letter: u8, count: usize) -> Vec<u8> {
        let mut key: Vec<u8> = Vec::new();
        while key.len() < count {
            let mut context = Context::new(&SHA256);
            context.update(self.shared);
            context.update(self.hash);
            if key.is_empty() {
                context.update(&[letter]);
                context.update(self.session_id);
            } else {
                context.update(&key);
            }
            key.extend_from_slice(context.finish().as_ref());
        }
        key.truncate(count);
        key
    }
}

impl Seal {
    /// `letters` are those of the IV and of the key.
    pub(crate) fn new(suite: Suite, secret: &Secret<'_>, letters: [u8; 2]) -> Self {
        match suite {
            Suite::Gcm => {
                let key = UnboundKey::new(&AES_256_GCM, &secret.expand(letters[1], 32)).unwrap();
                let iv = secret.expand(letters[0], 12).try_into().unwrap();
                Self::Gcm { key: LessSafeKey::new(key), iv }
            }
            Suite::ChaCha => {
                let key: [u8; 64] = secret.expand(letters[1], 64).try_into().unwrap();
                Self::ChaCha { sealing: Box::new(SealingKey::new(&key)), opening: Box::new(OpeningKey::new(&key)) }
            }
        }
    }

    pub(crate) fn tag_len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Gcm { .. } | Self::ChaCha { .. } => 16,
        }
    }

    /// Where padding must lead to: a multiple of the first, not counting so many bytes of the length.
    pub(crate) fn block(&self) -> (usize, usize) {
        match self {
            Self::None => (8, 0),
            Self::Gcm { .. } => (16, 4),
            Self::ChaCha { .. } => (8, 4),
        }
    }

    /// Seals length and body; the tag is appended.
    pub(crate) fn seal(&mut self, sequence: u32, packet: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Gcm { key, iv } => {
                let (head, body) = packet.split_at_mut(4);
                let tag = key.seal_in_place_separate_tag(nonce(iv), Aad::from(&*head), body).unwrap();
                packet.extend_from_slice(tag.as_ref());
            }
            Self::ChaCha { sealing, .. } => {
                let mut tag = [0; 16];
                sealing.seal_in_place(sequence, packet, &mut tag);
                packet.extend_from_slice(&tag);
            }
        }
    }

    pub(crate) fn length(&self, sequence: u32, head: [u8; 4]) -> usize {
        let head = match self {
            Self::ChaCha { opening, .. } => opening.decrypt_packet_length(sequence, head),
            Self::None | Self::Gcm { .. } => head,
        };
        usize::try_from(u32::from_be_bytes(head)).unwrap()
    }

    /// Opens a whole packet with its tag; what is left is padding length, payload and padding.
    pub(crate) fn open(&mut self, sequence: u32, mut packet: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => packet.split_off(4),
            Self::Gcm { key, iv } => {
                let (head, body) = packet.split_at_mut(4);
                key.open_in_place(nonce(iv), Aad::from(&*head), body).unwrap().to_vec()
            }
            Self::ChaCha { opening, .. } => {
                let tag: [u8; 16] = packet.split_off(packet.len() - 16).try_into().unwrap();
                opening.open_in_place(sequence, &mut packet, &tag).unwrap().to_vec()
            }
        }
    }
}

/// The next nonce: four bytes stay, eight count.
fn nonce(iv: &mut [u8; 12]) -> Nonce {
    let nonce = Nonce::assume_unique_for_key(*iv);
    let counter = u64::from_be_bytes(iv[4..].try_into().unwrap()).wrapping_add(1);
    iv[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}
