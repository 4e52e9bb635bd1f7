//! One direction of a pair of channels.
//!
//! Owns: the bytes that one side sent and the other has not taken. Invariants: what they cost is about twice their length, in
//! whatever pieces they came; each stream keeps its order, and while few chunks wait, streams keep theirs among each other.

use std::collections::VecDeque;

use crate::connection::{ReplyToken, Stream};

/// Bytes on their way, and what the two ends have said.
#[derive(Default)]
pub(super) struct Flow {
    queue: VecDeque<Chunk>,
    queued: usize,
    /// What the source has said.
    said: Said,
    /// What the sink has been told, or said itself.
    told: End,
    pub(super) sink: Sink,
    /// Requests of the source that the sink will answer, in order.
    pub(super) replies: VecDeque<ReplyToken>,
}

/// A chunk with so many bytes takes no more; packets of a busy sender are larger, and copied once.
const CHUNK_BYTES_FULL: usize = 16 * 1024;
/// With so many chunks, streams stop keeping their order among each other.
const CHUNKS_FEW: usize = 64;
/// Streams of one channel, about: SSH knows two.
const STREAMS_MAX: usize = 64;

/// Bytes came on more streams than anybody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crowded;

struct Chunk {
    stream: Stream,
    bytes: Vec<u8>,
    /// How many of them are gone.
    taken: usize,
}

/// How far a direction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum End {
    #[default]
    Flowing,
    Eof,
    Closed,
}

/// What the source has said: a close does not make an EOF before it unsaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Said {
    #[default]
    Nothing,
    Eof,
    Closed,
    EofAndClosed,
}

/// What the sink still wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sink {
    #[default]
    Everything,
    /// `eow@openssh.com`: no more of the data stream; standard error goes on.
    Extended,
    /// The channel is closed there.
    Nothing,
}

impl Flow {
    pub(super) fn wants(&self, stream: Stream) -> bool {
        match self.sink {
            Sink::Everything => true,
            Sink::Extended => stream != Stream::Data,
            Sink::Nothing => false,
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Keeps bytes for later. Small pieces share a chunk: a chunk for each byte would cost seventy times what it holds.
    pub(super) fn keep(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Crowded> {
        let same = |chunk: &Chunk| chunk.stream == stream;
        // Where many chunks wait, a piece joins the last one of its stream, also if others have come since.
        let last = match self.queue.back() {
            Some(back) if same(back) => self.queue.len().checked_sub(1),
            Some(_) if self.queue.len() >= CHUNKS_FEW => self.queue.iter().rposition(same),
            _ => None,
        };
        let crowded = self.queue.len() >= CHUNKS_FEW + STREAMS_MAX + self.queued / CHUNK_BYTES_FULL;
        match last.and_then(|at| self.queue.get_mut(at)).filter(|chunk| chunk.bytes.len() < CHUNK_BYTES_FULL) {
            Some(chunk) => chunk.bytes.extend_from_slice(bytes),
            None if crowded => return Err(Crowded),
            None => self.queue.push_back(Chunk { stream, bytes: bytes.to_vec(), taken: 0 }),
        }
        self.queued += bytes.len();
        Ok(())
    }

    /// Memory that is taken, as far as it can be counted here.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        let chunks = self.queue.capacity() * size_of::<Chunk>();
        chunks + self.queue.iter().map(|chunk| chunk.bytes.capacity()).sum::<usize>()
    }

    /// The bytes that go next.
    pub(super) fn front(&self) -> Option<(Stream, &[u8])> {
        let chunk = self.queue.front()?;
        Some((chunk.stream, chunk.bytes.get(chunk.taken..).unwrap_or_default()))
    }

    /// `count` of them are gone. Memory goes with each chunk; an empty queue keeps none.
    pub(super) fn took(&mut self, count: usize) {
        self.queued = self.queued.saturating_sub(count);
        if let Some(chunk) = self.queue.front_mut() {
            chunk.taken += count;
            if chunk.taken >= chunk.bytes.len() {
                self.queue.pop_front();
            }
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    /// The source sends no more data.
    pub(super) fn source_ended(&mut self) {
        if self.said == Said::Nothing {
            self.said = Said::Eof;
        }
    }

    /// The source closed its channel.
    pub(super) fn source_closed(&mut self) {
        self.said = match self.said {
            Said::Nothing | Said::Closed => Said::Closed,
            Said::Eof | Said::EofAndClosed => Said::EofAndClosed,
        };
    }

    /// What the sink is to be told now that nothing waits before it. Ask until there is nothing.
    pub(super) fn due(&mut self) -> Option<End> {
        if !self.queue.is_empty() {
            return None;
        }
        self.told = match (self.told, self.said) {
            (End::Flowing, Said::Eof | Said::EofAndClosed) => End::Eof,
            (End::Flowing | End::Eof, Said::Closed) | (End::Eof, Said::EofAndClosed) => End::Closed,
            _ => return None,
        };
        Some(self.told)
    }

    /// The sink closed its channel: it takes no more data, and waits for our close. That comes when the source has closed too, so
    /// that what the source still has to say, such as how a program ended, goes before it.
    pub(super) fn sink_is_gone(&mut self) {
        self.sink = Sink::Nothing;
        if self.told == End::Flowing {
            self.told = End::Eof;
        }
    }

    /// The sink reads no more of the data stream.
    pub(super) fn stop_main(&mut self) {
        if self.sink == Sink::Everything {
            self.sink = Sink::Extended;
        }
    }

    /// Both ends are closed and nothing waits.
    pub(super) fn is_over(&self) -> bool {
        let closed = matches!(self.said, Said::Closed | Said::EofAndClosed);
        closed && self.told == End::Closed && self.queue.is_empty()
    }
}
