//! What the user of the engine does on an open connection.

use super::channel::{Channel, Closing, Half, Live, Offered};
use super::flow::Sending;
use super::{
    Asked, ChannelId, ChannelKind, ChannelOffer, Connection, FORWARDS_MAX, Forward, GlobalAnswer, GlobalId,
    GlobalReplyToken, GlobalRequest, OpenFailure, Outcome, ReplyToken, Request, Stream, WantReply,
};
use crate::error::Error;
use crate::message::connection as msg;
use crate::packet::Outbox;

/// The longest body of an answer to a global request; what is in use are ports and signatures.
const GLOBAL_REPLY_BYTES_MAX: usize = 32 * 1024;

/// An authenticated connection. It exists only while the engine is in that phase; nothing here can be called before.
pub struct Open<'e> {
    pub(crate) connection: &'e mut Connection,
    pub(crate) out: &'e mut Outbox,
}

impl Open<'_> {
    /// Asks the peer for a channel. The answer is [`Opened`](super::ConnectionEvent::Opened) or
    /// [`OpenFailed`](super::ConnectionEvent::OpenFailed).
    pub fn open(&mut self, kind: &ChannelKind) -> Result<ChannelId, Error> {
        let (id, receiving) = self.connection.reserve().ok_or(Error::Limit("too many channels on one connection"))?;
        let packet = self.connection.limits.packet_bytes_max;
        let asked = self.out.message(msg::CHANNEL_OPEN, |w| {
            w.string(kind.name().as_bytes()).u32(id.0).u32(receiving.window()).u32(packet);
            kind.write(w);
        });
        if let Err(error) = asked {
            self.connection.credit.close(&receiving);
            return Err(error);
        }
        self.connection.channels.insert(id.0, Channel::Opening(receiving));
        Ok(id)
    }

    /// Agrees to a channel that the peer asked for.
    pub fn accept(&mut self, offer: ChannelOffer) -> Result<ChannelId, Error> {
        let id = offer.id;
        let Some(Channel::Offered(Offered { remote, sending, receiving })) = self.connection.channels.remove(&id.0)
        else {
            return Err(Error::Misuse("the channel is not one that the peer offered"));
        };
        let packet = self.connection.limits.packet_bytes_max;
        self.out.message(msg::CHANNEL_OPEN_CONFIRMATION, |w| {
            w.u32(remote).u32(id.0).u32(receiving.window()).u32(packet);
        })?;
        self.connection.channels.insert(id.0, Channel::Live(Box::new(Live::new(remote, sending, receiving))));
        Ok(id)
    }

    /// Refuses it, with words for the person at the other end.
    pub fn refuse(&mut self, offer: ChannelOffer, failure: OpenFailure, text: &str) -> Result<(), Error> {
        let id = offer.id;
        let Some(Channel::Offered(Offered { remote, .. })) = self.connection.channels.get(&id.0) else {
            return Err(Error::Misuse("the channel is not one that the peer offered"));
        };
        let remote = *remote;
        self.connection.retire(id);
        refuse(self.out, remote, failure, text)
    }

    /// Sends as many of `bytes` as window, packet size and socket admit; answers how many. Those that were not taken
    /// wait with the caller, to be tried again when something has come from the peer or gone to the socket.
    pub fn send(&mut self, channel: ChannelId, stream: Stream, bytes: &[u8]) -> Result<usize, Error> {
        let Some(live) = self.connection.live(channel) else {
            return Ok(0);
        };
        if !live.takes_data() {
            return Ok(0);
        }
        let mut rest = bytes;
        while !rest.is_empty() && self.out.room() > 0 {
            let count = live.sending.chunk(rest.len());
            let Some((chunk, behind)) = rest.split_at_checked(count).filter(|_| count > 0) else {
                break;
            };
            let remote = live.remote;
            match stream {
                Stream::Data => self.out.message(msg::CHANNEL_DATA, |w| {
                    w.u32(remote).string(chunk);
                })?,
                Stream::Extended(code) => self.out.message(msg::CHANNEL_EXTENDED_DATA, |w| {
                    w.u32(remote).u32(code).string(chunk);
                })?,
            }
            live.sending.spend(count);
            rest = behind;
        }
        Ok(bytes.len() - rest.len())
    }

    /// Bytes that [`Self::send`] would take now.
    #[must_use]
    pub fn writable(&self, channel: ChannelId) -> usize {
        match self.connection.channels.get(&channel.0) {
            Some(Channel::Live(live)) if live.takes_data() => live.sending.window().min(self.out.room()),
            _ => 0,
        }
    }

    /// `count` bytes that came on this channel have been taken: the peer may send as many again. Bytes that are never
    /// consumed hold the channel's place for as long as the connection lives.
    pub fn consume(&mut self, channel: ChannelId, count: usize) -> Result<(), Error> {
        let connection = &mut *self.connection;
        match connection.channels.get_mut(&channel.0) {
            Some(Channel::Live(live)) => {
                live.receiving.consume(count);
                // Who has sent EOF or CLOSE sends no more: credit would be noise.
                if live.theirs != Half::Open || live.ours == Half::Closed {
                    return Ok(());
                }
                if let Some(more) = live.receiving.refill(&mut connection.credit) {
                    let remote = live.remote;
                    self.out.message(msg::CHANNEL_WINDOW_ADJUST, |w| {
                        w.u32(remote).u32(more);
                    })?;
                }
            }
            Some(Channel::Draining(receiving)) => {
                receiving.consume(count);
                if receiving.held() == 0 {
                    connection.retire(channel);
                }
            }
            Some(Channel::Opening(_) | Channel::Offered(_)) | None => {}
        }
        Ok(())
    }

    /// Sends a request. With [`WantReply::Yes`] a [`Reply`](super::ConnectionEvent::Reply) comes, in order. On a
    /// channel that is closed nothing happens; answers whether it was sent.
    pub fn request(&mut self, channel: ChannelId, request: &Request, want: WantReply) -> Result<Sent, Error> {
        let gone = |live: &Live| live.ours == Half::Closed || (want == WantReply::Yes && live.theirs == Half::Closed);
        let Some(live) = self.connection.live(channel).filter(|live| !gone(live)) else {
            return Ok(Sent::Gone);
        };
        let remote = live.remote;
        self.out.message(msg::CHANNEL_REQUEST, |w| {
            w.u32(remote).string(request.name().as_bytes()).bool(want == WantReply::Yes);
            request.write(w);
        })?;
        // Only what has left is answered.
        if want == WantReply::Yes {
            live.asked = live.asked.saturating_add(1);
        }
        Ok(Sent::Yes)
    }

    /// Answers a request of the peer. It leaves when all earlier ones have been answered.
    pub fn reply(&mut self, token: ReplyToken, outcome: Outcome) -> Result<(), Error> {
        let Some(live) = self.connection.live(token.channel) else {
            return Ok(());
        };
        live.owed.answer(token.serial, outcome == Outcome::Success);
        flush_replies(live, self.out)
    }

    /// No more data from us on this channel. Requests still may follow.
    pub fn eof(&mut self, channel: ChannelId) -> Result<(), Error> {
        let Some(live) = self.connection.live(channel).filter(|live| live.takes_data()) else {
            return Ok(());
        };
        live.ours = Half::Eof;
        let remote = live.remote;
        self.out.message(msg::CHANNEL_EOF, |w| {
            w.u32(remote);
        })
    }

    /// Closes a channel, and throws away what still comes on it. The peer's own close follows as
    /// [`Closed`](super::ConnectionEvent::Closed), unless it came before.
    pub fn close(&mut self, channel: ChannelId) -> Result<(), Error> {
        let Some(live) = self.connection.live(channel).filter(|live| live.ours != Half::Closed) else {
            return Ok(());
        };
        live.ours = Half::Closed;
        let (remote, theirs) = (live.remote, live.theirs);
        if theirs == Half::Closed {
            self.connection.retire(channel);
        }
        self.out.message(msg::CHANNEL_CLOSE, |w| {
            w.u32(remote);
        })
    }

    /// From now on neither close takes the other along, so that what is still to be said can be: a client may close its side of
    /// a session before it knows how the program ended, as OpenSSH does. After the peer's close, [`Self::close`] is up to
    /// the caller, and the channel keeps its place until it is called. After ours, requests of the peer are still shown.
    pub fn linger(&mut self, channel: ChannelId) {
        if let Some(live) = self.connection.live(channel) {
            live.closing = Closing::Lingering;
        }
    }

    /// Sends a request about the connection. With [`WantReply::Yes`] a
    /// [`GlobalReply`](super::ConnectionEvent::GlobalReply) with the answered id comes.
    pub fn global(&mut self, request: &GlobalRequest, want: WantReply) -> Result<GlobalId, Error> {
        let waiting = u64::try_from(self.connection.asked.len()).unwrap_or(u64::MAX);
        let id = GlobalId(self.connection.answered.saturating_add(waiting));
        let asked = match want {
            WantReply::Yes => Some(self.connection.may_ask(request)?),
            WantReply::No => None,
        };
        self.out.message(msg::GLOBAL_REQUEST, |w| {
            w.string(request.name().as_bytes()).bool(want == WantReply::Yes);
            request.write(w);
        })?;
        // Only what has left is answered.
        self.connection.asked.extend(asked);
        match request {
            GlobalRequest::CancelTcpipForward { host, port } => {
                self.connection.forget(&Forward::Tcp { host: host.clone(), port: *port });
            }
            GlobalRequest::CancelStreamlocalForward { path } => {
                self.connection.forget(&Forward::Streamlocal { path: path.clone() });
            }
            _ => {}
        }
        Ok(id)
    }

    /// Answers a global request of the peer; `data` is the body of a success. A body that no packet could hold becomes a failure:
    /// without any answer, the peer would take each later one for an earlier one.
    pub fn reply_global(&mut self, token: GlobalReplyToken, outcome: Outcome, data: &[u8]) -> Result<(), Error> {
        let fits = data.len() <= GLOBAL_REPLY_BYTES_MAX;
        let answer = match outcome {
            Outcome::Success if fits => GlobalAnswer::Success(data.to_vec()),
            Outcome::Success | Outcome::Failure => GlobalAnswer::Failure,
        };
        self.connection.owed.answer(token.serial, answer);
        self.connection.flush_global_replies(self.out)?;
        if fits { Ok(()) } else { Err(Error::Misuse("the answer to a global request is too long")) }
    }

    /// Channels that are open, opening, or whose bytes are not consumed yet.
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.connection.channel_count()
    }
}

/// Whether a request left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It did.
    Yes,
    /// The channel is closed: it did not, and no reply comes.
    Gone,
}

impl Connection {
    /// What is to be remembered of a global request whose answer is wanted, if one more may be asked.
    fn may_ask(&self, request: &GlobalRequest) -> Result<Asked, Error> {
        if self.asked.len() >= self.limits.requests_max {
            return Err(Error::Limit("the peer does not answer global requests"));
        }
        let forward = match request {
            GlobalRequest::TcpipForward { host, port } => Forward::Tcp { host: host.clone(), port: *port },
            GlobalRequest::StreamlocalForward { path } => Forward::Streamlocal { path: path.clone() },
            GlobalRequest::Keepalive => return Ok(Asked::Keepalive),
            _ => return Ok(Asked::Request),
        };
        let pending = self.asked.iter().filter(|asked| matches!(asked, Asked::Forward(_))).count();
        if self.forwards.len() + pending >= FORWARDS_MAX {
            return Err(Error::Limit("too many forwards on one connection"));
        }
        Ok(Asked::Forward(forward))
    }

    pub(super) fn forget(&mut self, forward: &Forward) {
        self.forwards.retain(|known| known != forward);
    }

    pub(super) fn flush_global_replies(&mut self, out: &mut Outbox) -> Result<(), Error> {
        while let Some(answer) = self.owed.ready() {
            match answer {
                GlobalAnswer::Success(data) => out.message(msg::REQUEST_SUCCESS, |w| {
                    w.bytes(&data);
                })?,
                GlobalAnswer::Failure => out.message(msg::REQUEST_FAILURE, |_| {})?,
            }
        }
        Ok(())
    }

    /// The engine asks whether the peer is still there.
    pub(crate) fn keepalive(&mut self, out: &mut Outbox) -> Result<(), Error> {
        // Old devices answer none, and say other things: that they say anything is what counts.
        if self.asked.len() >= self.limits.requests_max {
            return Ok(());
        }
        Open { connection: self, out }.global(&GlobalRequest::Keepalive, WantReply::Yes).map(|_| ())
    }
}

pub(super) fn flush_replies(live: &mut Live, out: &mut Outbox) -> Result<(), Error> {
    while let Some(success) = live.owed.ready() {
        if live.ours == Half::Closed {
            continue;
        }
        let remote = live.remote;
        out.message(if success { msg::CHANNEL_SUCCESS } else { msg::CHANNEL_FAILURE }, |w| {
            w.u32(remote);
        })?;
    }
    Ok(())
}

pub(super) fn refuse(out: &mut Outbox, remote: u32, failure: OpenFailure, text: &str) -> Result<(), Error> {
    out.message(msg::CHANNEL_OPEN_FAILURE, |w| {
        w.u32(remote).u32(failure.0).string(text.as_bytes()).string(b"");
    })
}

pub(super) fn sending(window: u32, packet: u32) -> Result<Sending, Error> {
    if packet == 0 {
        return Err(Error::Misbehaved("a channel that takes only empty packets"));
    }
    Ok(Sending::new(window, packet))
}
