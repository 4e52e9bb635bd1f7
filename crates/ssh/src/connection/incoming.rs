//! What the peer's messages do to the channels.

use super::channel::{Channel, Closing, Half, Live, Offered};
use super::global::KEEPALIVE;
use super::kind::text_name;
use super::outgoing::{flush_replies, refuse, sending};
use super::{
    Asked, ChannelId, ChannelKind, ChannelOffer, Connection, ConnectionEvent, Forward, GlobalAnswer, GlobalId,
    GlobalReplyToken, GlobalRequest, Incoming, NOT_OPEN, OpenFailure, Outcome, ReplyToken, Request, Sessions, Stream,
};
use crate::error::Error;
use crate::message::connection as msg;
use crate::packet::Outbox;
use crate::role::Role;
use crate::wire::{Malformed, Reader};

impl Connection {
    /// Takes one message of numbers 80 to 100.
    pub(crate) fn handle(&mut self, payload: &[u8], out: &mut Outbox) -> Result<Incoming, Error> {
        let mut r = Reader::new(payload);
        let number = r.u8().map_err(Error::malformed("message"))?;
        match number {
            msg::CHANNEL_DATA => self.data(payload.len(), r, Kind::Plain),
            msg::CHANNEL_EXTENDED_DATA => self.data(payload.len(), r, Kind::Extended),
            msg::CHANNEL_WINDOW_ADJUST => self.window_adjust(r),
            msg::CHANNEL_REQUEST => self.channel_request(r, out),
            msg::CHANNEL_SUCCESS => self.channel_reply(r, Outcome::Success),
            msg::CHANNEL_FAILURE => self.channel_reply(r, Outcome::Failure),
            msg::CHANNEL_EOF => self.channel_eof(r),
            msg::CHANNEL_CLOSE => self.channel_close(r, out),
            msg::CHANNEL_OPEN => self.channel_open(r, out),
            msg::CHANNEL_OPEN_CONFIRMATION => self.open_confirmation(r),
            msg::CHANNEL_OPEN_FAILURE => self.open_failure(r),
            msg::GLOBAL_REQUEST => self.global_request(r, out),
            msg::REQUEST_SUCCESS => self.global_reply(Outcome::Success, r.take_rest()),
            msg::REQUEST_FAILURE => self.global_reply(Outcome::Failure, &[]),
            _ => Err(Error::Misbehaved("message number out of phase")),
        }
    }

    /// A channel on which the peer may still say something.
    fn speaking(&mut self, channel: ChannelId) -> Option<&mut Live> {
        self.live(channel).filter(|live| live.theirs != Half::Closed)
    }

    fn data(&mut self, payload_len: usize, mut r: Reader<'_>, kind: Kind) -> Result<Incoming, Error> {
        let malformed = || Error::malformed("channel data");
        let channel = ChannelId(r.u32().map_err(malformed())?);
        let stream = match kind {
            Kind::Plain => Stream::Data,
            Kind::Extended => Stream::Extended(r.u32().map_err(malformed())?),
        };
        let bytes = r.string().map_err(malformed())?;
        r.finish().map_err(malformed())?;
        let packet_max = self.limits.packet_bytes_max;
        let live = self.speaking(channel).ok_or(NOT_OPEN)?;
        if live.theirs != Half::Open {
            return Err(Error::Misbehaved("data after the end of data"));
        }
        if u32::try_from(bytes.len()).map_or(true, |len| len > packet_max) {
            return Err(Error::Misbehaved("more data in a packet than the channel allows"));
        }
        live.receiving.receive(bytes.len()).ok_or(Error::Misbehaved("more data than the window allows"))?;
        if live.ours == Half::Closed {
            live.receiving.consume(bytes.len());
            return Ok(Incoming::Nothing);
        }
        if bytes.is_empty() {
            return Ok(Incoming::Nothing);
        }
        Ok(Incoming::Data { channel, stream, range: payload_len - bytes.len()..payload_len })
    }

    fn window_adjust(&mut self, mut r: Reader<'_>) -> Result<Incoming, Error> {
        let mut parse = || {
            let fields = (ChannelId(r.u32()?), r.u32()?);
            r.clone().finish().map(|()| fields)
        };
        let (channel, count) = parse().map_err(Error::malformed("window adjust"))?;
        let live = self.speaking(channel).ok_or(NOT_OPEN)?;
        live.sending.grant(count).ok_or(Error::Misbehaved("a window larger than 2^32 - 1"))?;
        Ok(Incoming::Nothing)
    }

    fn channel_request(&mut self, mut r: Reader<'_>, out: &mut Outbox) -> Result<Incoming, Error> {
        let mut parse = || Ok((ChannelId(r.u32()?), text_name(r.string()?)?, r.bool()?));
        let (channel, name, want_reply) = parse().map_err(Error::malformed("channel request"))?;
        let requests_max = self.limits.requests_max;
        let live = self.speaking(channel).ok_or(NOT_OPEN)?;
        let keepalive = name == KEEPALIVE;
        if live.ours == Half::Closed {
            // Nothing can be answered any more. How a program ended is still worth knowing to some.
            if keepalive || live.closing == Closing::Prompt {
                return Ok(Incoming::Nothing);
            }
            let request = Request::parse(&name, r.rest())?;
            return Ok(Incoming::Event(ConnectionEvent::Request { channel, request, reply: None }));
        }
        let mut reply = None;
        if want_reply {
            if live.owed.len() >= requests_max {
                return Err(Error::Limit("too many requests wait for an answer"));
            }
            let serial = live.owed.add(keepalive.then_some(false));
            reply = Some(ReplyToken { channel, serial });
        }
        if keepalive {
            flush_replies(live, out)?;
            return Ok(Incoming::Nothing);
        }
        let request = Request::parse(&name, r.rest())?;
        Ok(Incoming::Event(ConnectionEvent::Request { channel, request, reply }))
    }

    fn channel_reply(&mut self, r: Reader<'_>, outcome: Outcome) -> Result<Incoming, Error> {
        let channel = only_channel(r, "channel reply")?;
        let live = self.speaking(channel).ok_or(NOT_OPEN)?;
        live.asked = live.asked.checked_sub(1).ok_or(Error::Misbehaved("an answer to nothing"))?;
        Ok(Incoming::Event(ConnectionEvent::Reply { channel, outcome }))
    }

    fn channel_eof(&mut self, r: Reader<'_>) -> Result<Incoming, Error> {
        let channel = only_channel(r, "channel eof")?;
        let live = self.speaking(channel).ok_or(NOT_OPEN)?;
        if live.theirs != Half::Open {
            return Err(Error::Misbehaved("a second end of data"));
        }
        live.theirs = Half::Eof;
        if live.ours == Half::Closed {
            return Ok(Incoming::Nothing);
        }
        Ok(Incoming::Event(ConnectionEvent::Eof { channel }))
    }

    fn channel_close(&mut self, r: Reader<'_>, out: &mut Outbox) -> Result<Incoming, Error> {
        let channel = only_channel(r, "channel close")?;
        let live = self.speaking(channel).ok_or(NOT_OPEN)?;
        live.theirs = Half::Closed;
        if live.ours != Half::Closed && live.closing == Closing::Lingering {
            return Ok(Incoming::Event(ConnectionEvent::Closed { channel }));
        }
        if live.ours != Half::Closed {
            live.ours = Half::Closed;
            let remote = live.remote;
            out.message(msg::CHANNEL_CLOSE, |w| {
                w.u32(remote);
            })?;
        }
        self.retire(channel);
        Ok(Incoming::Event(ConnectionEvent::Closed { channel }))
    }

    fn channel_open(&mut self, mut r: Reader<'_>, out: &mut Outbox) -> Result<Incoming, Error> {
        let mut parse = || Ok((r.string()?, r.u32()?, r.u32()?, r.u32()?));
        let (name, remote, window, packet) =
            parse().map_err(|Malformed(field)| Error::Malformed { message: "channel open", field })?;
        let kind = ChannelKind::parse(name, r.rest())?;
        let sending = sending(window, packet)?;
        if let Some(why) = self.objection(&kind) {
            refuse(out, remote, OpenFailure::ADMINISTRATIVELY_PROHIBITED, why)?;
            return Ok(Incoming::Nothing);
        }
        let Some((id, receiving)) = self.reserve() else {
            refuse(out, remote, OpenFailure::RESOURCE_SHORTAGE, "too many channels on one connection")?;
            return Ok(Incoming::Nothing);
        };
        self.channels.insert(id.0, Channel::Offered(Offered { remote, sending, receiving }));
        Ok(Incoming::Event(ConnectionEvent::Offer(ChannelOffer { id, kind })))
    }

    /// Why the protocol itself forbids this peer to open such a channel now.
    fn objection(&self, kind: &ChannelKind) -> Option<&'static str> {
        if kind.opener().is_some_and(|opener| opener == self.role) {
            return Some("this side does not serve such channels");
        }
        match kind {
            ChannelKind::Session if self.sessions == Sessions::NoMore => Some("the client said: no more sessions"),
            // RFC 4254 section 7.2: reject what was never asked for. The address may be spelled otherwise; the port counts.
            ChannelKind::ForwardedTcpip { listening, .. }
                if !self
                    .forwards
                    .iter()
                    .any(|known| matches!(known, Forward::Tcp { port, .. } if *port == listening.port)) =>
            {
                Some("no such forward was asked for")
            }
            ChannelKind::ForwardedStreamlocal { path }
                if !self.forwards.contains(&Forward::Streamlocal { path: path.clone() }) =>
            {
                Some("no such forward was asked for")
            }
            _ => None,
        }
    }

    fn open_confirmation(&mut self, mut r: Reader<'_>) -> Result<Incoming, Error> {
        // RFC 4254 section 5.1 allows data of the channel's kind behind these fields; no kind that we open has any.
        let mut parse = || Ok((ChannelId(r.u32()?), r.u32()?, r.u32()?, r.u32()?));
        let (channel, remote, window, packet) =
            parse().map_err(|Malformed(field)| Error::Malformed { message: "channel confirmation", field })?;
        let sending = sending(window, packet)?;
        match self.channels.remove(&channel.0) {
            Some(Channel::Opening(receiving)) => {
                let live = Live::new(remote, sending, receiving);
                self.channels.insert(channel.0, Channel::Live(Box::new(live)));
                Ok(Incoming::Event(ConnectionEvent::Opened { channel }))
            }
            _ => Err(NOT_OPEN),
        }
    }

    fn open_failure(&mut self, mut r: Reader<'_>) -> Result<Incoming, Error> {
        let mut parse = || Ok((ChannelId(r.u32()?), r.u32()?, r.string_max(4096)?));
        let (channel, failure, text) =
            parse().map_err(|Malformed(field)| Error::Malformed { message: "channel failure", field })?;
        if !matches!(self.channels.get(&channel.0), Some(Channel::Opening(_))) {
            return Err(NOT_OPEN);
        }
        self.retire(channel);
        let text = String::from_utf8_lossy(text).into_owned();
        Ok(Incoming::Event(ConnectionEvent::OpenFailed { channel, failure: OpenFailure(failure), text }))
    }

    fn global_request(&mut self, mut r: Reader<'_>, out: &mut Outbox) -> Result<Incoming, Error> {
        let mut parse = || Ok((text_name(r.string()?)?, r.bool()?));
        let (name, want_reply) = parse().map_err(Error::malformed("global request"))?;
        let request = GlobalRequest::parse(&name, r.rest())?;
        let answer = self.own_answer(&request);
        let shown = answer.is_none() || (self.role == Role::Server && request == GlobalRequest::NoMoreSessions);
        let mut reply = None;
        if want_reply {
            if self.owed.len() >= self.limits.requests_max {
                return Err(Error::Limit("too many requests wait for an answer"));
            }
            let answered = answer.is_some();
            let serial = self.owed.add(answer);
            if answered {
                self.flush_global_replies(out)?;
            } else {
                reply = Some(GlobalReplyToken { serial });
            }
        }
        if !shown {
            return Ok(Incoming::Nothing);
        }
        Ok(Incoming::Event(ConnectionEvent::Global { request, reply }))
    }

    /// The answer where the protocol leaves no choice.
    fn own_answer(&mut self, request: &GlobalRequest) -> Option<GlobalAnswer> {
        match (self.role, request) {
            (_, GlobalRequest::Keepalive) => Some(GlobalAnswer::Failure),
            (Role::Server, GlobalRequest::NoMoreSessions) => {
                self.sessions = Sessions::NoMore;
                Some(GlobalAnswer::Success(Vec::new()))
            }
            // What only the other role may ask.
            (
                Role::Client,
                GlobalRequest::TcpipForward { .. }
                | GlobalRequest::CancelTcpipForward { .. }
                | GlobalRequest::StreamlocalForward { .. }
                | GlobalRequest::CancelStreamlocalForward { .. }
                | GlobalRequest::HostKeysProve { .. }
                | GlobalRequest::NoMoreSessions,
            )
            | (Role::Server, GlobalRequest::HostKeys { .. }) => Some(GlobalAnswer::Failure),
            _ => None,
        }
    }

    fn global_reply(&mut self, outcome: Outcome, data: &[u8]) -> Result<Incoming, Error> {
        let asked = self.asked.pop_front().ok_or(Error::Misbehaved("an answer to nothing"))?;
        let id = GlobalId(self.answered);
        self.answered += 1;
        match asked {
            Asked::Keepalive => return Ok(Incoming::Nothing),
            Asked::Request => {}
            Asked::Forward(forward) => {
                if outcome == Outcome::Success {
                    let forward = with_chosen_port(forward, data)?;
                    self.forget(&forward);
                    self.forwards.push(forward);
                }
            }
        }
        Ok(Incoming::Event(ConnectionEvent::GlobalReply { id, outcome, data: data.to_vec() }))
    }
}

enum Kind {
    Plain,
    Extended,
}

/// Port 0 leaves the choice to the server, which then names the port (RFC 4254, section 7.1).
fn with_chosen_port(forward: Forward, data: &[u8]) -> Result<Forward, Error> {
    match forward {
        Forward::Tcp { host, port: 0 } => {
            let port = Reader::new(data).u32().map_err(Error::malformed("forward reply"))?;
            Ok(Forward::Tcp { host, port })
        }
        other => Ok(other),
    }
}

fn only_channel(mut r: Reader<'_>, message: &'static str) -> Result<ChannelId, Error> {
    let channel = r.u32().map_err(Error::malformed(message))?;
    r.finish().map_err(Error::malformed(message))?;
    Ok(ChannelId(channel))
}
