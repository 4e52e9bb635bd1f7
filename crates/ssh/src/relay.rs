//! Joins channels of two connections, so that each sees the other's bytes.
//!
//! Owns: which channel goes with which, and the bytes that the other side has not taken yet. Invariants: credit goes back to the
//! sender only for bytes that the other side has taken, so that what waits here is bounded by the windows; the tap sees bytes
//! before they are forwarded, and what it refuses is not; data, EOF and CLOSE keep their order, requests overtake data, so that
//! a signal reaches a program that does not read. Must not know: sockets, why something is allowed.

use std::collections::BTreeMap;

use crate::connection::{
    ChannelId, ChannelKind, ChannelOffer, ConnectionEvent, GlobalId, GlobalReplyToken, GlobalRequest, OpenFailure,
    Outcome, ReplyToken, Request, Sent, Stream, WantReply,
};
use crate::engine::{Engine, Event};
use crate::error::Error;
use crate::time::Now;

mod ends;
mod flow;

use ends::{Ends, act, give_back, send};
use flow::{Crowded, End, Flow, Sink};

/// One of the two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Sees every byte before it is forwarded.
pub trait Tap {
    /// `bytes` came on `channel` of `side`. An error stops them: they are not forwarded, and both channels are closed.
    fn data(&mut self, side: Side, channel: ChannelId, stream: Stream, bytes: &[u8]) -> Result<(), Stop>;
}

/// The tap could not take the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// Forwards without looking.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTap;

impl Tap for NoTap {
    fn data(&mut self, _: Side, _: ChannelId, _: Stream, _: &[u8]) -> Result<(), Stop> {
        Ok(())
    }
}

/// Something that the relay does not decide by itself.
pub enum RelayEvent {
    /// Not data, or not on a joined channel. Offers, requests and global requests can be passed on with [`Relay::pass`].
    Event(Side, Event<'static>),
    /// Data on a channel that is not joined. It is consumed with [`Open::consume`](crate::connection::Open::consume).
    Data {
        /// Whose.
        side: Side,
        /// On which channel.
        channel: ChannelId,
        /// Which stream.
        stream: Stream,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The tap stopped a channel; both sides of it are being closed.
    Stopped {
        /// Where the bytes came from.
        side: Side,
        /// On which channel.
        channel: ChannelId,
    },
}

/// Channels of two connections, joined in pairs.
#[derive(Default)]
pub struct Relay {
    pairs: BTreeMap<u64, Pair>,
    next: u64,
    index: BTreeMap<(Side, ChannelId), u64>,
    /// Channels asked for on a side, for an offer of the other.
    opening: BTreeMap<(Side, ChannelId), ChannelOffer>,
    /// Global requests passed on to a side, for the other.
    globals: BTreeMap<(Side, GlobalId), GlobalReplyToken>,
    /// Pairs in which something waits.
    waiting: Vec<u64>,
}

struct Pair {
    a: ChannelId,
    b: ChannelId,
    from_a: Flow,
    from_b: Flow,
}

impl Pair {
    fn channel(&self, side: Side) -> ChannelId {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }

    fn flow(&mut self, from: Side) -> &mut Flow {
        match from {
            Side::A => &mut self.from_a,
            Side::B => &mut self.from_b,
        }
    }
}

/// What asking one side came to.
#[expect(clippy::large_enum_variant, reason = "it lives for one call, on the stack")]
enum Polled {
    Idle,
    Handled,
    Event(RelayEvent),
}

impl Relay {
    /// Nothing joined yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on these open channels, one of each connection, are one: neither is closed before both peers have closed it.
    pub fn join(&mut self, channels: (ChannelId, ChannelId), a: &mut Engine, b: &mut Engine) {
        self.pair(channels, &mut Ends { a, b });
    }

    /// The channel that a channel is joined with.
    #[must_use]
    pub fn joined(&self, side: Side, channel: ChannelId) -> Option<ChannelId> {
        let pair = self.pairs.get(self.index.get(&(side, channel))?)?;
        Some(pair.channel(side.other()))
    }

    /// Pairs that are joined and not yet closed on both sides.
    #[must_use]
    pub fn pair_count(&self) -> usize {
        self.pairs.len()
    }

    /// Bytes that one side sent and the other has not taken. Bounded by the receive windows of both connections.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.pairs.values().map(|pair| pair.from_a.queued() + pair.from_b.queued()).sum()
    }

    /// Moves everything that can be moved. Answers an event that needs a decision, or `None` when both connections need bytes, time or
    /// room first.
    pub fn turn(&mut self, a: &mut Engine, b: &mut Engine, tap: &mut dyn Tap, now: Now) -> Option<RelayEvent> {
        let mut ends = Ends { a, b };
        loop {
            let mut idle = true;
            for side in [Side::A, Side::B] {
                match self.poll(side, &mut ends, tap, now) {
                    Polled::Event(event) => return Some(event),
                    Polled::Handled => idle = false,
                    Polled::Idle => {}
                }
            }
            if idle {
                // Last, because what both sides have just said may have opened windows without being an event.
                self.pump(&mut ends);
                return None;
            }
        }
    }

    /// Passes an offer, a request or a global request on to the other side; its answer comes back by itself. Anything else is dropped.
    pub fn pass(&mut self, from: Side, event: ConnectionEvent, a: &mut Engine, b: &mut Engine) {
        let mut ends = Ends { a, b };
        match event {
            ConnectionEvent::Offer(offer) => self.pass_offer(from, offer, &mut ends),
            ConnectionEvent::Request { channel, request, reply } => {
                self.pass_request(from, channel, &request, reply, &mut ends);
            }
            ConnectionEvent::Global { request, reply } => {
                self.pass_global(from, &request, reply, &mut ends);
            }
            _ => {}
        }
    }

    /// Takes one event of one side.
    fn poll(&mut self, side: Side, ends: &mut Ends<'_>, tap: &mut dyn Tap, now: Now) -> Polled {
        let (from, to) = match side {
            Side::A => (&mut *ends.a, &mut *ends.b),
            Side::B => (&mut *ends.b, &mut *ends.a),
        };
        match from.next_event(now) {
            None => Polled::Idle,
            Some(Event::Data { channel, stream, bytes }) => {
                let Some(id) = self.index.get(&(side, channel)).copied() else {
                    return Polled::Event(RelayEvent::Data { side, channel, stream, bytes: bytes.to_vec() });
                };
                let count = bytes.len();
                if tap.data(side, channel, stream, bytes).is_err() {
                    give_back(from, channel, count);
                    self.stop(id, ends);
                    return Polled::Event(RelayEvent::Stopped { side, channel });
                }
                match self.forward(id, side, stream, bytes, to) {
                    Ok(taken) => give_back(from, channel, taken),
                    Err(Crowded) => from.fail(Error::Limit("data on too many streams of one channel")),
                }
                Polled::Handled
            }
            Some(Event::Connection(event)) => self.connection_event(side, event, ends),
            Some(Event::Keys(keys)) => Polled::Event(RelayEvent::Event(side, Event::Keys(keys))),
            Some(Event::ServerAuth(event)) => Polled::Event(RelayEvent::Event(side, Event::ServerAuth(event))),
            Some(Event::ClientAuth(event)) => Polled::Event(RelayEvent::Event(side, Event::ClientAuth(event))),
            Some(Event::Ended(error)) => Polled::Event(RelayEvent::Event(side, Event::Ended(error))),
        }
    }

    /// Sends what can be sent at once and keeps the rest. Answers how much needs no keeping.
    fn forward(
        &mut self,
        id: u64,
        from: Side,
        stream: Stream,
        bytes: &[u8],
        to: &mut Engine,
    ) -> Result<usize, Crowded> {
        let Some(pair) = self.pairs.get_mut(&id) else {
            return Ok(bytes.len());
        };
        let channel = pair.channel(from.other());
        let flow = pair.flow(from);
        if !flow.wants(stream) {
            return Ok(bytes.len());
        }
        let sent = if flow.queued() == 0 { send(to, channel, stream, bytes) } else { 0 };
        let rest = bytes.get(sent..).unwrap_or_default();
        if !rest.is_empty() {
            flow.keep(stream, rest)?;
            self.wait(id);
        }
        Ok(sent)
    }

    fn wait(&mut self, id: u64) {
        if !self.waiting.contains(&id) {
            self.waiting.push(id);
        }
    }

    /// Tries everything that waits once more.
    fn pump(&mut self, ends: &mut Ends<'_>) {
        for id in std::mem::take(&mut self.waiting) {
            let Some(pair) = self.pairs.get_mut(&id) else {
                continue;
            };
            let mut idle = true;
            for side in [Side::A, Side::B] {
                let (from, to) = (pair.channel(side), pair.channel(side.other()));
                let flow = pair.flow(side);
                while let Some((stream, bytes)) = flow.front() {
                    let taken = if flow.wants(stream) {
                        send(ends.engine(side.other()), to, stream, bytes)
                    } else {
                        bytes.len()
                    };
                    if taken == 0 {
                        break;
                    }
                    flow.took(taken);
                    give_back(ends.engine(side), from, taken);
                }
                while let Some(end) = flow.due() {
                    match end {
                        End::Eof => act(ends.engine(side.other()), |open| open.eof(to)),
                        End::Closed => act(ends.engine(side.other()), |open| open.close(to)),
                        End::Flowing => {}
                    }
                }
                idle = idle && flow.queued() == 0;
            }
            if pair.from_a.is_over() && pair.from_b.is_over() {
                self.index.remove(&(Side::A, pair.a));
                self.index.remove(&(Side::B, pair.b));
                self.pairs.remove(&id);
            } else if !idle {
                self.wait(id);
            }
        }
    }

    /// Closes both channels of a pair; nothing that waits is forwarded any more.
    fn stop(&mut self, id: u64, ends: &mut Ends<'_>) {
        let Some(pair) = self.pairs.get_mut(&id) else {
            return;
        };
        for side in [Side::A, Side::B] {
            let channel = pair.channel(side);
            pair.flow(side).sink = Sink::Nothing;
            act(ends.engine(side), |open| open.close(channel));
        }
        self.wait(id);
    }

    /// What the relay does by itself; the rest is for the caller.
    fn connection_event(&mut self, side: Side, event: ConnectionEvent, ends: &mut Ends<'_>) -> Polled {
        let channel = match &event {
            ConnectionEvent::Opened { channel } | ConnectionEvent::OpenFailed { channel, .. } => {
                let Some(offer) = self.opening.remove(&(side, *channel)) else {
                    return Polled::Event(RelayEvent::Event(side, Event::Connection(event)));
                };
                self.opened(side, *channel, offer, &event, ends);
                return Polled::Handled;
            }
            ConnectionEvent::GlobalReply { id, outcome, data } => {
                let Some(token) = self.globals.remove(&(side, *id)) else {
                    return Polled::Event(RelayEvent::Event(side, Event::Connection(event)));
                };
                act(ends.engine(side.other()), |open| open.reply_global(token, *outcome, data));
                return Polled::Handled;
            }
            ConnectionEvent::Reply { channel, .. }
            | ConnectionEvent::Eof { channel }
            | ConnectionEvent::Closed { channel } => *channel,
            ConnectionEvent::Offer(_) | ConnectionEvent::Request { .. } | ConnectionEvent::Global { .. } => {
                return Polled::Event(RelayEvent::Event(side, Event::Connection(event)));
            }
        };
        let Some(id) = self.index.get(&(side, channel)).copied() else {
            return Polled::Event(RelayEvent::Event(side, Event::Connection(event)));
        };
        let Some(pair) = self.pairs.get_mut(&id) else {
            return Polled::Handled;
        };
        match event {
            ConnectionEvent::Reply { outcome, .. } => {
                if let Some(token) = pair.flow(side.other()).replies.pop_front() {
                    act(ends.engine(side.other()), |open| open.reply(token, outcome));
                }
            }
            ConnectionEvent::Eof { .. } => pair.flow(side).source_ended(),
            _ => {
                pair.flow(side).source_closed();
                pair.flow(side.other()).sink_is_gone();
            }
        }
        self.wait(id);
        Polled::Handled
    }

    fn opened(
        &mut self,
        side: Side,
        channel: ChannelId,
        offer: ChannelOffer,
        event: &ConnectionEvent,
        ends: &mut Ends<'_>,
    ) {
        let asker = ends.engine(side.other());
        if let ConnectionEvent::OpenFailed { failure, text, .. } = event {
            act(asker, |open| open.refuse(offer, *failure, text));
            return;
        }
        let other = offer.id();
        act(asker, |open| open.accept(offer).map(|_| ()));
        match side {
            Side::A => self.pair((channel, other), ends),
            Side::B => self.pair((other, channel), ends),
        }
    }

    fn pair(&mut self, (a, b): (ChannelId, ChannelId), ends: &mut Ends<'_>) {
        let id = self.next;
        self.next += 1;
        for (side, channel) in [(Side::A, a), (Side::B, b)] {
            self.index.insert((side, channel), id);
            act(ends.engine(side), |open| {
                open.linger(channel);
                Ok(())
            });
        }
        self.pairs.insert(id, Pair { a, b, from_a: Flow::default(), from_b: Flow::default() });
    }

    fn pass_offer(&mut self, from: Side, mut offer: ChannelOffer, ends: &mut Ends<'_>) {
        let asked = match ends.engine(from.other()).open_phase() {
            Some(mut open) => open.open(&offer.kind),
            None => Err(Error::Misuse("the other side is not open")),
        };
        match asked {
            Ok(channel) => {
                // The answer needs its number alone; what was asked for may be long.
                offer.kind = ChannelKind::Session;
                self.opening.insert((from.other(), channel), offer);
            }
            Err(error) => {
                let text = error.to_string();
                act(ends.engine(from), |open| open.refuse(offer, OpenFailure::RESOURCE_SHORTAGE, &text));
            }
        }
    }

    fn pass_request(
        &mut self,
        from: Side,
        channel: ChannelId,
        request: &Request,
        reply: Option<ReplyToken>,
        ends: &mut Ends<'_>,
    ) {
        let pair = self.index.get(&(from, channel)).and_then(|id| self.pairs.get_mut(id));
        let want = if reply.is_some() { WantReply::Yes } else { WantReply::No };
        let sent = match (&pair, ends.engine(from.other()).open_phase()) {
            (Some(pair), Some(mut open)) => open.request(pair.channel(from.other()), request, want),
            _ => Ok(Sent::Gone),
        };
        match (sent, pair) {
            (Ok(Sent::Yes), Some(pair)) => {
                pair.flow(from).replies.extend(reply);
                if *request == Request::EndOfWrite {
                    pair.flow(from.other()).stop_main();
                    let id = self.index.get(&(from, channel)).copied();
                    if let Some(id) = id {
                        self.wait(id);
                    }
                }
            }
            _ => {
                if let Some(token) = reply {
                    act(ends.engine(from), |open| open.reply(token, Outcome::Failure));
                }
            }
        }
    }

    fn pass_global(
        &mut self,
        from: Side,
        request: &GlobalRequest,
        reply: Option<GlobalReplyToken>,
        ends: &mut Ends<'_>,
    ) {
        let want = if reply.is_some() { WantReply::Yes } else { WantReply::No };
        let asked = match ends.engine(from.other()).open_phase() {
            Some(mut open) => open.global(request, want),
            None => Err(Error::Misuse("the other side is not open")),
        };
        match (asked, reply) {
            (Ok(id), Some(token)) => {
                self.globals.insert((from.other(), id), token);
            }
            (Err(_), Some(token)) => {
                act(ends.engine(from), |open| open.reply_global(token, Outcome::Failure, &[]));
            }
            (_, None) => {}
        }
    }
}

#[cfg(test)]
mod tests;
