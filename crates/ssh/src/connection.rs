//! The connection protocol (RFC 4254), the same in both roles.
//!
//! Owns: channels, their windows, requests and replies. Invariants: a message for a channel that is not open ends the connection
//! (P3); credit returns to the peer only for bytes that were consumed; every queue has a bound; replies keep their order.
//! Must not know: sockets, keys, what a channel is used for.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::error::Error;
use crate::role::Role;

mod channel;
mod flow;
mod global;
mod incoming;
mod kind;
mod outgoing;
mod request;

use channel::{Channel, Owed};
pub use channel::{ChannelId, Stream};
use flow::Credit;
pub use global::GlobalRequest;
pub use kind::{ChannelKind, Endpoint};
pub use outgoing::{Open, Sent};
pub use request::{Pty, Request, WindowSize};

/// How much one connection may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Channels at the same time, in both directions together, those included whose bytes are not consumed yet.
    pub channels_max: u32,
    /// The receive window that a channel starts with.
    pub window_bytes_min: u32,
    /// The receive window that a busy channel grows to.
    pub window_bytes_max: u32,
    /// The sum of all receive windows: no peer can make us hold more unconsumed bytes than this. At least
    /// `channels_max` × `window_bytes_min`.
    pub credit_bytes_max: u64,
    /// The largest data packet that the peer may send.
    pub packet_bytes_max: u32,
    /// Requests of the peer that wait for our answer, for each channel and for the connection.
    pub requests_max: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            channels_max: 128,
            window_bytes_min: 64 * 1024,
            window_bytes_max: 2 * 1024 * 1024,
            credit_bytes_max: 16 * 1024 * 1024,
            packet_bytes_max: 32 * 1024,
            requests_max: 128,
        }
    }
}

/// Why a channel is not opened (RFC 4254, section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFailure(pub u32);

#[expect(missing_docs, reason = "the names are those of the RFC")]
impl OpenFailure {
    pub const ADMINISTRATIVELY_PROHIBITED: Self = Self(1);
    pub const CONNECT_FAILED: Self = Self(2);
    pub const UNKNOWN_CHANNEL_TYPE: Self = Self(3);
    pub const RESOURCE_SHORTAGE: Self = Self(4);
}

/// The peer asks for a channel. Answer with [`Open::accept`] or [`Open::refuse`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the peer waits for an answer"]
pub struct ChannelOffer {
    id: ChannelId,
    /// What for.
    pub kind: ChannelKind,
}

impl ChannelOffer {
    /// The number that the channel will have.
    #[must_use]
    pub fn id(&self) -> ChannelId {
        self.id
    }
}

/// The peer waits for success or failure of a channel request. Answer with [`Open::reply`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the peer waits for an answer"]
pub struct ReplyToken {
    channel: ChannelId,
    serial: u64,
}

/// The peer waits for the answer to a global request. Answer with [`Open::reply_global`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the peer waits for an answer"]
pub struct GlobalReplyToken {
    serial: u64,
}

/// A global request of ours, to recognise its answer by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlobalId(u64);

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// CHANNEL_SUCCESS or REQUEST_SUCCESS
    Success,
    /// CHANNEL_FAILURE or REQUEST_FAILURE
    Failure,
}

/// Whether the peer is asked for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantReply {
    /// A reply event will come.
    Yes,
    /// No answer comes.
    No,
}

/// Something happened that is not data.
#[derive(Debug, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// The peer wants a channel.
    Offer(ChannelOffer),
    /// The peer agreed to a channel that we asked for.
    Opened {
        /// Ours.
        channel: ChannelId,
    },
    /// The peer refused it.
    OpenFailed {
        /// Ours; gone.
        channel: ChannelId,
        /// Why.
        failure: OpenFailure,
        /// The peer's words: untrusted.
        text: String,
    },
    /// A request on a channel.
    Request {
        /// On which.
        channel: ChannelId,
        /// What.
        request: Request,
        /// Present if the peer wants an answer.
        reply: Option<ReplyToken>,
    },
    /// The answer to our oldest unanswered request on this channel.
    Reply {
        /// On which.
        channel: ChannelId,
        /// What the peer said.
        outcome: Outcome,
    },
    /// The peer sends no more data.
    Eof {
        /// On which.
        channel: ChannelId,
    },
    /// The peer closed the channel; ours has been closed as well, unless it is one that [lingers](Open::linger). Bytes that
    /// are not consumed yet still are to be.
    Closed {
        /// Which.
        channel: ChannelId,
    },
    /// A request about the connection.
    Global {
        /// What.
        request: GlobalRequest,
        /// Present if the peer wants an answer.
        reply: Option<GlobalReplyToken>,
    },
    /// The answer to a global request of ours.
    GlobalReply {
        /// Which.
        id: GlobalId,
        /// What the peer said.
        outcome: Outcome,
        /// The body of a success, such as the port that was chosen.
        data: Vec<u8>,
    },
}

/// What a message amounted to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Nothing,
    Event(ConnectionEvent),
    /// Data lies in this range of the payload.
    Data {
        channel: ChannelId,
        stream: Stream,
        range: Range<usize>,
    },
}

/// All channels of one connection.
pub(crate) struct Connection {
    role: Role,
    limits: ConnectionLimits,
    channels: BTreeMap<u32, Channel>,
    next: u32,
    credit: Credit,
    owed: Owed<GlobalAnswer>,
    /// Global requests of ours that wait for an answer, oldest first.
    asked: VecDeque<Asked>,
    /// How many of them have been answered so far.
    answered: u64,
    sessions: Sessions,
    /// Client role: what the server may open forwarded channels for.
    forwards: Vec<Forward>,
}

enum GlobalAnswer {
    Success(Vec<u8>),
    Failure,
}

/// A global request of ours whose answer has not come.
enum Asked {
    /// By the engine itself: its answer is no event.
    Keepalive,
    /// By the user of the engine.
    Request,
    /// A forward, remembered once the peer agrees.
    Forward(Forward),
}

/// What the client asked the server to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Forward {
    Tcp { host: Vec<u8>, port: u32 },
    Streamlocal { path: Vec<u8> },
}

/// Whether the client may open sessions: it may say that it will not (`no-more-sessions@openssh.com`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sessions {
    Allowed,
    NoMore,
}

impl Connection {
    pub(crate) fn new(role: Role, limits: ConnectionLimits) -> Self {
        let credit = Credit::new(
            limits.credit_bytes_max,
            limits.window_bytes_min.max(1),
            limits.window_bytes_max,
            limits.channels_max,
        );
        Self {
            role,
            limits,
            channels: BTreeMap::new(),
            next: 0,
            credit,
            owed: Owed::new(),
            asked: VecDeque::new(),
            answered: 0,
            sessions: Sessions::Allowed,
            forwards: Vec::new(),
        }
    }

    /// Channels that are not gone.
    pub(crate) fn channel_count(&self) -> usize {
        self.channels.len()
    }

    fn live(&mut self, id: ChannelId) -> Option<&mut channel::Live> {
        match self.channels.get_mut(&id.0)? {
            Channel::Live(live) => Some(live),
            Channel::Opening(_) | Channel::Offered(_) | Channel::Draining(_) => None,
        }
    }

    /// A number and a window for one more channel.
    fn reserve(&mut self) -> Option<(ChannelId, flow::Receiving)> {
        let next = self.next.checked_add(1)?;
        let receiving = self.credit.open()?;
        let id = ChannelId(self.next);
        self.next = next;
        Some((id, receiving))
    }

    /// Both sides have closed: the channel goes as soon as its bytes have been consumed.
    fn retire(&mut self, id: ChannelId) {
        let receiving = match self.channels.remove(&id.0) {
            Some(Channel::Live(live)) => live.receiving,
            Some(Channel::Offered(offered)) => offered.receiving,
            Some(Channel::Opening(receiving) | Channel::Draining(receiving)) => receiving,
            None => return,
        };
        if receiving.held() == 0 {
            self.credit.close(&receiving);
        } else {
            self.channels.insert(id.0, Channel::Draining(receiving));
        }
    }
}

/// Forwards that a client may have asked for at a time: each is remembered for as long as it may be used.
const FORWARDS_MAX: usize = 256;

/// A channel that the peer's message needs, or the end of the connection.
const NOT_OPEN: Error = Error::Misbehaved("message for a channel that is not open");

#[cfg(test)]
mod tests;
