//! One channel: its phases, its two halves, the replies that are owed and awaited.
//!
//! Owns: what is true of one channel. Invariant: replies leave in the order of the requests (RFC 4254, section 5.4),
//! whatever the order in which they are given.

use std::collections::VecDeque;

use super::flow::{Receiving, Sending};

/// Our number of a channel. Numbers are not used again within a connection, so a stale one finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(crate) u32);

impl std::fmt::Display for ChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "channel {}", self.0)
    }
}

/// Which of a channel's streams bytes belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// CHANNEL_DATA
    Data,
    /// CHANNEL_EXTENDED_DATA with its type code; 1 is standard error.
    Extended(u32),
}

impl Stream {
    /// SSH_EXTENDED_DATA_STDERR
    pub const STDERR: Self = Self::Extended(1);
}

/// A channel from its opening until nobody holds its bytes any more.
pub(super) enum Channel {
    /// We asked for it.
    Opening(Receiving),
    /// The peer asked for it and waits for an answer.
    Offered(Offered),
    /// Both sides agreed. Boxed: closing channels are many when things go wrong, and small.
    Live(Box<Live>),
    /// Both sides closed it; bytes of it are still with the user of the engine.
    Draining(Receiving),
}

/// What the peer said when it asked.
pub(super) struct Offered {
    pub(super) remote: u32,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
}

/// An open channel.
pub(super) struct Live {
    pub(super) remote: u32,
    pub(super) sending: Sending,
    pub(super) receiving: Receiving,
    /// What we may still send.
    pub(super) ours: Half,
    /// What the peer may still send.
    pub(super) theirs: Half,
    pub(super) closing: Closing,
    pub(super) owed: Owed<bool>,
    /// Requests of ours that the peer has not answered.
    pub(super) asked: u32,
}

/// What follows the peer's CLOSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// Ours, at once.
    Prompt,
    /// Ours, when the user of the engine says so.
    Lingering,
}

/// One direction of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Half {
    Open,
    Eof,
    Closed,
}

impl Live {
    pub(super) fn new(remote: u32, sending: Sending, receiving: Receiving) -> Self {
        Self {
            remote,
            sending,
            receiving,
            ours: Half::Open,
            theirs: Half::Open,
            closing: Closing::Prompt,
            owed: Owed::new(),
            asked: 0,
        }
    }

    /// Whether data of ours may be sent and is wanted.
    pub(super) fn takes_data(&self) -> bool {
        self.ours == Half::Open && self.theirs != Half::Closed
    }
}

/// Answers that are owed to the peer, in its order.
pub(super) struct Owed<A> {
    waiting: VecDeque<Option<A>>,
    /// Serial number of the first that waits.
    first: u64,
}

impl<A> Owed<A> {
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), first: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// One more is owed; its serial number.
    pub(super) fn add(&mut self, known: Option<A>) -> u64 {
        self.waiting.push_back(known);
        self.first + u64::try_from(self.waiting.len()).unwrap_or(u64::MAX) - 1
    }

    /// The answer to one of them.
    pub(super) fn answer(&mut self, serial: u64, answer: A) {
        let at = serial.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(slot) = at.and_then(|at| self.waiting.get_mut(at)) {
            *slot = Some(answer);
        }
    }

    /// The next answer that may leave.
    pub(super) fn ready(&mut self) -> Option<A> {
        self.waiting.front()?.as_ref()?;
        self.first += 1;
        self.waiting.pop_front().flatten()
    }
}
