//! The receiving half.
//!
//! The buffer belongs to whoever reads the socket: it is taken when bytes come and given back when all of them
//! are understood, so that an idle connection holds none.

use std::ops::Range;

use zeroize::Zeroize;

use super::{PACKET_BYTES_MAX_EARLY, Volume};
use crate::cipher::Opener;
use crate::error::Error;

/// Bytes in, payloads out.
pub struct Inbox {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    opener: Opener,
    sequence: u32,
    volume: Volume,
    packet_bytes_max: usize,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            opener: Opener::Plain,
            sequence: 0,
            volume: Volume::default(),
            packet_bytes_max: PACKET_BYTES_MAX_EARLY,
        }
    }

    /// Lends a buffer to read into. Bytes that wait are moved over; the old buffer comes back.
    pub(crate) fn lend(&mut self, mut buffer: Vec<u8>) -> Vec<u8> {
        let waiting = self.end - self.start;
        if buffer.len() < waiting {
            buffer.resize(waiting, 0);
        }
        if let (Some(to), Some(from)) = (buffer.get_mut(..waiting), self.buffer.get(self.start..self.end)) {
            to.copy_from_slice(from);
        }
        self.start = 0;
        self.end = waiting;
        std::mem::replace(&mut self.buffer, buffer)
    }

    /// Bytes that the buffer at hand can hold.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Takes the buffer back if nothing waits in it; what waits is kept in as little memory as it needs.
    pub(crate) fn reclaim(&mut self) -> Vec<u8> {
        let waiting = self.end - self.start;
        if waiting == 0 {
            self.start = 0;
            self.end = 0;
            return std::mem::take(&mut self.buffer);
        }
        if self.buffer.len() == waiting {
            return Vec::new();
        }
        self.lend(vec![0; waiting])
    }

    /// Room behind the bytes that wait, at least `wanted` bytes of it.
    pub(crate) fn space(&mut self, wanted: usize) -> &mut [u8] {
        if self.buffer.len() - self.end < wanted {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.buffer.len() - self.end < wanted {
                self.buffer.resize(self.end + wanted, 0);
            }
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// `count` bytes of [`Self::space`] were filled.
    pub(crate) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// Bytes that came and are not yet understood.
    pub(crate) fn waiting(&self) -> usize {
        self.end - self.start
    }

    /// The next line up to and with its LF, if it is there within `max` bytes.
    pub(crate) fn line(&mut self, max: usize) -> Result<Option<Vec<u8>>, Error> {
        let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
        match waiting.iter().take(max).position(|byte| *byte == b'\n') {
            Some(at) => {
                let line = waiting.get(..=at).unwrap_or_default().to_vec();
                self.start += line.len();
                Ok(Some(line))
            }
            None if waiting.len() >= max => Err(Error::Limit("a line of the version exchange is too long")),
            None => Ok(None),
        }
    }

    /// Opens the next packet, if all of it has come: where in the buffer its payload lies, and its sequence number.
    pub(crate) fn packet(&mut self) -> Result<Option<(Range<usize>, u32)>, Error> {
        let waiting = self.buffer.get_mut(self.start..self.end).unwrap_or_default();
        let Some(head) = waiting.first_chunk::<4>() else {
            return Ok(None);
        };
        let shape = self.opener.shape();
        let length = self.opener.length(self.sequence, *head);
        let length = usize::try_from(length).map_err(|_| Error::Limit("packet length"))?;
        // The smallest packet holds its padding length, one byte of payload and four of padding.
        if length > self.packet_bytes_max || length < 6 || !(length + shape.padded_length).is_multiple_of(shape.block) {
            return Err(Error::Misbehaved("packet length out of bounds"));
        }
        let whole = 4 + length + shape.tag;
        let Some(packet) = waiting.get_mut(..whole) else {
            return Ok(None);
        };
        self.opener.open(self.sequence, packet)?;
        let padding = usize::from(packet.get(4).copied().unwrap_or_default());
        // RFC 4253 section 6: at least four bytes of padding, and a payload with at least its number.
        let payload_len = length.checked_sub(1 + padding).filter(|len| *len > 0 && padding >= 4);
        let payload_len = payload_len.ok_or(Error::Misbehaved("padding out of bounds"))?;
        let payload = self.start + 5..self.start + 5 + payload_len;
        let sequence = self.sequence;
        self.start += whole;
        self.sequence = self.sequence.wrapping_add(1);
        self.volume.add(whole);
        Ok(Some((payload, sequence)))
    }

    /// The payload that [`Self::packet`] found.
    pub(crate) fn payload(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Overwrites a payload that may have held a secret.
    pub(crate) fn wipe(&mut self, range: Range<usize>) {
        self.buffer.get_mut(range).unwrap_or_default().zeroize();
    }

    /// A payload that did not come through a packet.
    #[cfg(test)]
    pub(crate) fn place(&mut self, payload: &[u8]) -> Range<usize> {
        self.buffer.extend_from_slice(payload);
        self.buffer.len() - payload.len()..self.buffer.len()
    }

    /// New keys take effect with the next packet; a strict key exchange starts the numbers anew.
    pub(crate) fn rekey(&mut self, opener: Opener, numbering: Numbering) {
        self.opener = opener;
        self.volume = Volume::default();
        if numbering == Numbering::Restart {
            self.sequence = 0;
        }
    }

    #[cfg(test)]
    pub(crate) fn sequence(&self) -> u32 {
        self.sequence
    }

    pub(crate) fn volume(&self) -> Volume {
        self.volume
    }

    /// Larger packets are welcome once the peer is known.
    pub(crate) fn allow_packets_up_to(&mut self, bytes: usize) {
        self.packet_bytes_max = bytes;
    }
}

/// What NEWKEYS does to the sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// As RFC 4253 has it.
    Continue,
    /// As strict key exchange has it (OpenSSH PROTOCOL, section 1.10).
    Restart,
}
