//! What the cryptography of a gateway costs by itself: each packet opened once and sealed once.
//!
//! Owns: the library's calls that the engine's ciphers make, on packets of the same size that lie one behind the other in a buffer of the
//! same size. Must not know: the engine.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::aead::chacha20_poly1305_openssh::{KEY_LEN, OpeningKey, SealingKey};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use sallyport_ssh::cipher::Cipher;

use crate::{cpu, cpu_since};

/// As much as the driver reads at once.
const BUFFER_BYTES: usize = 256 * 1024;
const TAG_BYTES: usize = 16;
const LENGTH_BYTES: usize = 4;
/// Length of the padding, number of the message, channel, length of the data.
const HEAD_BYTES: usize = 1 + 1 + 4 + 4;
const PADDING_BYTES_MIN: usize = 4;
const KEY: [u8; KEY_LEN] = [7; KEY_LEN];

/// CPU time to open and seal `bytes` of data in packets of `packet`.
pub(crate) fn open_and_seal(cipher: Cipher, packet: usize, bytes: u64) -> Result<Duration> {
    let block = if cipher == Cipher::ChaCha20Poly1305 { 8 } else { 16 };
    let whole = LENGTH_BYTES + (HEAD_BYTES + packet + PADDING_BYTES_MIN).next_multiple_of(block) + TAG_BYTES;
    let count = (BUFFER_BYTES / whole).max(1);
    let mut buffer = vec![0x5a; whole * count];
    let left = bytes / u64::try_from(packet)?;
    match cipher {
        Cipher::ChaCha20Poly1305 => chacha(&mut buffer, whole, left),
        Cipher::Aes128Gcm => gcm(&AES_128_GCM, &mut buffer, whole, left),
        _ => gcm(&AES_256_GCM, &mut buffer, whole, left),
    }
}

fn gcm(algorithm: &'static Algorithm, buffer: &mut [u8], whole: usize, mut left: u64) -> Result<Duration> {
    let key = KEY.get(..algorithm.key_len()).context("key length")?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).map_err(|_| anyhow!("key"))?);
    let nonce = |number: u64| {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&number.to_be_bytes());
        Nonce::assume_unique_for_key(bytes)
    };
    let mut number = 0;
    let before = cpu();
    while left > 0 {
        let first = number;
        for packet in buffer.chunks_exact_mut(whole).take(usize::try_from(left).unwrap_or(usize::MAX)) {
            let (head, rest) = packet.split_first_chunk_mut::<4>().context("packet")?;
            let (body, tag_out) = rest.split_last_chunk_mut::<TAG_BYTES>().context("packet")?;
            let tag = key.seal_in_place_separate_tag(nonce(number), Aad::from(*head), body);
            tag_out.copy_from_slice(tag.map_err(|_| anyhow!("seal"))?.as_ref());
            number += 1;
        }
        for (packet, number) in buffer.chunks_exact_mut(whole).zip(first..number) {
            let (head, rest) = packet.split_first_chunk_mut::<4>().context("packet")?;
            key.open_in_place(nonce(number), Aad::from(*head), rest).map_err(|_| anyhow!("open"))?;
        }
        left -= number - first;
    }
    Ok(cpu_since(before))
}

fn chacha(buffer: &mut [u8], whole: usize, mut left: u64) -> Result<Duration> {
    let (sealing, opening) = (SealingKey::new(&KEY), OpeningKey::new(&KEY));
    let mut number = 0_u32;
    let before = cpu();
    while left > 0 {
        let first = number;
        for packet in buffer.chunks_exact_mut(whole).take(usize::try_from(left).unwrap_or(usize::MAX)) {
            let (body, tag) = packet.split_last_chunk_mut::<TAG_BYTES>().context("packet")?;
            sealing.seal_in_place(number, body, tag);
            number += 1;
        }
        for (packet, number) in buffer.chunks_exact_mut(whole).zip(first..number) {
            let (body, tag) = packet.split_last_chunk_mut::<TAG_BYTES>().context("packet")?;
            let head = body.first_chunk::<4>().context("packet")?;
            std::hint::black_box(opening.decrypt_packet_length(number, *head));
            opening.open_in_place(number, body, tag).map_err(|_| anyhow!("open"))?;
        }
        left -= u64::from(number - first);
    }
    Ok(cpu_since(before))
}
