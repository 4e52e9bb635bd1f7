//! The sending half.
//!
//! One contiguous buffer: packets are written where they will be sent from and sealed in place, so that one
//! `write` takes all that waits.

use zeroize::Zeroizing;

use super::inbox::Numbering;
use super::{PACKET_BYTES_MAX, Volume};
use crate::cipher::Sealer;
use crate::entropy::Entropy;
use crate::error::Error;
use crate::wire::Writer;

/// Bytes of held packets above which the connection ends: the peer asked for a rekey and then talks on.
pub const HELD_BYTES_MAX: usize = 256 * 1024;
/// Above this many unsent bytes no more channel data is taken.
pub const UNSENT_BYTES_SOFT: usize = 256 * 1024;
/// Above this many unsent bytes the connection ends: the peer does not read the answers to what it asks.
pub const UNSENT_BYTES_MAX: usize = 1024 * 1024;
const PADDING_POOL: usize = 64;

/// Payloads in, bytes out.
pub struct Outbox {
    buffer: Vec<u8>,
    start: usize,
    sealer: Sealer,
    sequence: u32,
    volume: Volume,
    gate: Gate,
    entropy: Box<dyn Entropy>,
    padding: [u8; PADDING_POOL],
    padding_used: usize,
}

/// Whether messages that are not part of a key exchange may leave.
enum Gate {
    Open,
    /// We have sent KEXINIT and not yet NEWKEYS: payloads wait, each behind its length.
    /// Wiped when it goes: a password may wait here.
    Held(Zeroizing<Vec<u8>>),
}

impl Outbox {
    pub(crate) fn new(entropy: Box<dyn Entropy>) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            sealer: Sealer::Plain,
            sequence: 0,
            volume: Volume::default(),
            gate: Gate::Open,
            entropy,
            padding: [0; PADDING_POOL],
            padding_used: PADDING_POOL,
        }
    }

    /// Writes one message: its number, then what `fill` writes. Held while our key exchange runs, unless it belongs to it.
    pub(crate) fn message(&mut self, number: u8, fill: impl FnOnce(&mut Writer<'_>)) -> Result<(), Error> {
        if let Gate::Held(held) = &mut self.gate
            && !passes_during_kex(number)
        {
            return hold(held, number, fill);
        }
        let begin = self.begin();
        self.buffer.push(number);
        let mut writer = Writer::new(&mut self.buffer);
        fill(&mut writer);
        let fit = writer.finish();
        self.finish(begin, fit.is_ok())
    }

    /// Bytes of the version exchange, not packed.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// What waits for the socket.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The socket took `count` bytes. An outbox that is empty keeps no memory.
    pub fn sent(&mut self, count: usize) {
        self.start = (self.start + count).min(self.buffer.len());
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
    }

    /// Gives the buffer away when nothing waits in it.
    pub(crate) fn reclaim(&mut self) -> Vec<u8> {
        if self.unsent().is_empty() {
            self.start = 0;
            return std::mem::take(&mut self.buffer);
        }
        Vec::new()
    }

    /// Takes a buffer to write into, if it has none.
    pub(crate) fn lend(&mut self, buffer: impl FnOnce() -> Vec<u8>) {
        if self.buffer.capacity() == 0 {
            self.buffer = buffer();
            self.buffer.clear();
            self.start = 0;
        }
    }

    /// Room for channel data: none while a key exchange runs or while the socket does not keep up.
    #[must_use]
    pub fn room(&self) -> usize {
        match self.gate {
            Gate::Held(_) => 0,
            Gate::Open => UNSENT_BYTES_SOFT.saturating_sub(self.buffer.len() - self.start),
        }
    }

    /// From our KEXINIT on, everything else waits.
    pub(crate) fn hold(&mut self) {
        if matches!(self.gate, Gate::Open) {
            self.gate = Gate::Held(Zeroizing::default());
        }
    }

    /// Our NEWKEYS has been written: new keys, and what was held leaves under them.
    pub(crate) fn rekey(&mut self, sealer: Sealer, numbering: Numbering) {
        self.sealer = sealer;
        self.volume = Volume::default();
        if numbering == Numbering::Restart {
            self.sequence = 0;
        }
    }

    /// What was held leaves now.
    pub(crate) fn release(&mut self) -> Result<(), Error> {
        let Gate::Held(held) = std::mem::replace(&mut self.gate, Gate::Open) else {
            return Ok(());
        };
        let mut rest = held.as_slice();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Error::Limit("held packet"))?;
            let (payload, behind) = behind.split_at_checked(length).ok_or(Error::Misuse("held packet"))?;
            rest = behind;
            let begin = self.begin();
            self.buffer.extend_from_slice(payload);
            self.finish(begin, true)?;
        }
        Ok(())
    }

    pub(crate) fn volume(&self) -> Volume {
        self.volume
    }

    pub(crate) fn entropy(&mut self) -> &mut dyn Entropy {
        self.entropy.as_mut()
    }

    fn begin(&mut self) -> usize {
        if self.start > 0 && self.start >= self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let begin = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 5]);
        begin
    }

    fn finish(&mut self, begin: usize, fits: bool) -> Result<(), Error> {
        let shape = self.sealer.shape();
        let payload = self.buffer.len() - begin - 5;
        let padded = shape.padded_length + 1 + payload;
        let padding = shape.block - padded % shape.block;
        let padding = if padding < 4 { padding + shape.block } else { padding };
        let length = 1 + payload + padding;
        if !fits || length > PACKET_BYTES_MAX {
            self.buffer.truncate(begin);
            return Err(Error::Misuse("a message is larger than a packet may be"));
        }
        self.pad(padding)?;
        self.buffer.resize(self.buffer.len() + shape.tag, 0);
        let packet = self.buffer.get_mut(begin..).ok_or(Error::Misuse("packet"))?;
        let (head, rest) = packet.split_first_chunk_mut::<4>().ok_or(Error::Misuse("packet"))?;
        *head = u32::try_from(length).map_err(|_| Error::Misuse("packet length"))?.to_be_bytes();
        if let Some(byte) = rest.first_mut() {
            *byte = u8::try_from(padding).map_err(|_| Error::Misuse("padding"))?;
        }
        self.sealer.seal(self.sequence, packet)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.volume.add(4 + length + shape.tag);
        if self.buffer.len() - self.start > UNSENT_BYTES_MAX {
            return Err(Error::Limit("the peer does not read the answers to its requests"));
        }
        Ok(())
    }

    /// Padding SHOULD be random (RFC 4253, section 6); a pool spares a call for each packet.
    fn pad(&mut self, count: usize) -> Result<(), Error> {
        if self.padding_used + count > PADDING_POOL {
            self.entropy.fill(&mut self.padding)?;
            self.padding_used = 0;
        }
        let bytes = self.padding.get(self.padding_used..self.padding_used + count).ok_or(Error::Misuse("padding"))?;
        self.buffer.extend_from_slice(bytes);
        self.padding_used += count;
        Ok(())
    }
}

/// RFC 4253, section 7.1: DISCONNECT, IGNORE, DEBUG, UNIMPLEMENTED and the key exchange itself, but no service
/// messages. PING and PONG are above 50 and wait as well.
fn passes_during_kex(number: u8) -> bool {
    matches!(number, 1..=4 | 20..=49)
}

fn hold(held: &mut Vec<u8>, number: u8, fill: impl FnOnce(&mut Writer<'_>)) -> Result<(), Error> {
    let begin = held.len();
    held.extend_from_slice(&[0; 4]);
    held.push(number);
    let mut writer = Writer::new(held);
    fill(&mut writer);
    let fits = writer.finish().is_ok();
    let length = held.len() - begin - 4;
    if !fits || length > PACKET_BYTES_MAX {
        held.truncate(begin);
        return Err(Error::Misuse("a message is larger than a packet may be"));
    }
    if held.len() > HELD_BYTES_MAX {
        return Err(Error::Limit("too much waits for the end of a key exchange"));
    }
    let head = held.get_mut(begin..).and_then(|rest| rest.first_chunk_mut::<4>()).ok_or(Error::Misuse("held"))?;
    *head = u32::try_from(length).map_err(|_| Error::Misuse("held"))?.to_be_bytes();
    Ok(())
}
