//! One SSH connection: bytes and time in, bytes and events out.
//!
//! Owns: the phases (handshake, authentication, open, ended) and the limits that hold before anybody is known. Invariants: the
//! connection protocol is reached only through a verified sign-in (P3); what may not be called in a phase cannot be: its methods
//! live on a view that [`Engine::phase`] gives out in that phase alone. Must not know: sockets, clocks, tasks.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::auth::{ClientAuth, ClientAuthEvent, ServerAuth, ServerAuthConfig, ServerAuthEvent};
use crate::connection::{ChannelId, Connection, ConnectionEvent, ConnectionLimits, GlobalRequest, Incoming, Stream};
use crate::entropy::Entropy;
use crate::error::{Error, Reason};
use crate::key::Presented;
use crate::packet::PACKET_BYTES_MAX;
use crate::role::Role;
use crate::time::Now;
use crate::transport::{Negotiated, Received, Transport};

mod config;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod hostkeys;
mod phase;

pub use config::{ClientConfig, ServerConfig, Timing};
pub use hostkeys::proven_host_keys;
pub use phase::{ClientLogin, Phase, ServerLogin};

/// Bytes that a peer may make us read before it is known (P4).
pub const EARLY_BYTES_MAX: usize = 64 * 1024;

/// What happened.
pub enum Event<'e> {
    /// A key exchange has ended, the first or a later one.
    Keys(Negotiated),
    /// Server role: somebody signs in.
    ServerAuth(ServerAuthEvent),
    /// Client role: what the server says to our sign-in.
    ClientAuth(ClientAuthEvent),
    /// Channels and requests.
    Connection(ConnectionEvent),
    /// Bytes on a channel. Say with [`Open::consume`](crate::connection::Open::consume) when they have been taken.
    Data {
        /// On which.
        channel: ChannelId,
        /// Which of its streams.
        stream: Stream,
        /// The bytes, where they were decrypted.
        bytes: &'e [u8],
    },
    /// The connection is over. Nothing follows.
    Ended(Error),
}

/// One side of one connection.
pub struct Engine {
    transport: Transport,
    state: State,
    auth: AuthSide,
    limits: ConnectionLimits,
    timing: Timing,
    events: VecDeque<Event<'static>>,
    started: Instant,
    received: usize,
    /// When the peer was last heard, or asked whether it is there.
    quiet_since: Instant,
    keepalives: u32,
}

/// What is set up once the transport is ready.
enum AuthSide {
    Server(Arc<ServerAuthConfig>),
    Client,
}

/// The phases. Each owns what exists in it alone.
enum State {
    Handshake,
    ServerAuth(Box<ServerAuth>),
    ClientAuth(Box<ClientAuth>),
    Open(Box<Connection>),
    Ended(Error),
}

/// What one step came to.
pub(crate) enum Step {
    Idle,
    Busy,
    Event(Event<'static>),
    Data { channel: ChannelId, stream: Stream, range: Range<usize> },
}

impl Engine {
    /// Somebody connected to us.
    pub fn server(config: &ServerConfig, entropy: Box<dyn Entropy>, now: Now) -> Result<Self, Error> {
        let transport = Transport::new(Role::Server, config.transport.clone(), entropy, now)?;
        let auth = AuthSide::Server(config.auth.clone());
        Ok(Self::new(transport, auth, config.connection.clone(), config.timing, now))
    }

    /// We connected to somebody.
    pub fn client(config: &ClientConfig, entropy: Box<dyn Entropy>, now: Now) -> Result<Self, Error> {
        let transport = Transport::new(Role::Client, config.transport.clone(), entropy, now)?;
        Ok(Self::new(transport, AuthSide::Client, config.connection.clone(), config.timing, now))
    }

    fn new(transport: Transport, auth: AuthSide, limits: ConnectionLimits, timing: Timing, now: Now) -> Self {
        Self {
            transport,
            state: State::Handshake,
            auth,
            limits,
            timing,
            events: VecDeque::new(),
            started: now.monotonic,
            received: 0,
            quiet_since: now.monotonic,
            keepalives: 0,
        }
    }

    // --- bytes in ---

    /// Lends a buffer to read into, unless there is one of that size. What waits is moved over.
    pub fn lend(&mut self, bytes: usize, buffer: impl FnOnce() -> Vec<u8>) {
        if self.transport.inbox.capacity() < bytes {
            self.transport.inbox.lend(buffer());
        }
    }

    /// The buffer comes back once everything in it is understood; otherwise what waits is kept in little memory.
    pub fn reclaim(&mut self) -> Vec<u8> {
        self.transport.inbox.reclaim()
    }

    /// Room for at least `wanted` bytes from the peer; from one that is not known yet, for what it may still send.
    pub fn space(&mut self, wanted: usize) -> &mut [u8] {
        let most = match self.state {
            State::Open(_) => usize::MAX,
            _ => EARLY_BYTES_MAX.saturating_sub(self.transport.inbox.waiting()),
        };
        let space = self.transport.inbox.space(wanted.min(most));
        let count = space.len().min(most);
        space.get_mut(..count).unwrap_or_default()
    }

    /// `count` bytes came into [`Self::space`].
    pub fn filled(&mut self, count: usize, now: Now) {
        self.transport.inbox.filled(count);
        self.received = self.received.saturating_add(count);
        if count > 0 {
            self.quiet_since = now.monotonic;
            self.keepalives = 0;
        }
    }

    /// Whether more bytes are of use now. A peer that is not known yet does not make us hold more than it may send.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        match self.state {
            State::Open(_) => true,
            State::Ended(_) => false,
            State::Handshake | State::ServerAuth(_) | State::ClientAuth(_) => {
                self.transport.inbox.waiting() < EARLY_BYTES_MAX
            }
        }
    }

    /// The other end of the byte stream is gone.
    pub fn lost(&mut self) {
        if !matches!(self.state, State::Ended(_)) {
            let reason = Reason::CONNECTION_LOST;
            self.end_with(Error::Disconnected { reason, text: "the peer closed the connection".to_owned() });
        }
    }

    // --- bytes out ---

    /// What waits for the socket.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.transport.outbox.unsent()
    }

    /// The socket took `count` bytes of it.
    pub fn sent(&mut self, count: usize) {
        self.transport.outbox.sent(count);
    }

    /// Lends a buffer to write into, where there is none.
    pub fn lend_output(&mut self, buffer: impl FnOnce() -> Vec<u8>) {
        self.transport.outbox.lend(buffer);
    }

    /// The output buffer, once all of it has been sent; empty while something waits in it.
    pub fn reclaim_output(&mut self) -> Vec<u8> {
        self.transport.outbox.reclaim()
    }

    /// Whether channel data can be sent as far as the socket and key exchanges are concerned.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.transport.outbox.room() > 0
    }

    // --- events ---

    /// The next event, or `None` when bytes, time or an answer of the caller are needed first.
    pub fn next_event(&mut self, now: Now) -> Option<Event<'_>> {
        let step = self.advance(now)?;
        self.event(step)
    }

    /// Gives a step that was taken its data.
    pub(crate) fn event(&self, step: Step) -> Option<Event<'_>> {
        match step {
            Step::Event(event) => Some(event),
            Step::Data { channel, stream, range } => {
                Some(Event::Data { channel, stream, bytes: self.transport.inbox.payload(range) })
            }
            Step::Idle | Step::Busy => None,
        }
    }

    /// Takes steps until one of them is for the caller.
    pub(crate) fn advance(&mut self, now: Now) -> Option<Step> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Step::Event(event));
            }
            match self.step(now) {
                Ok(Step::Idle) => return None,
                Ok(Step::Busy) => {}
                Ok(step) => return Some(step),
                Err(error) => self.fail(error),
            }
        }
    }

    fn step(&mut self, now: Now) -> Result<Step, Error> {
        match &mut self.state {
            State::Ended(_) => return Ok(Step::Idle),
            State::ServerAuth(auth) => {
                if let Some(event) = auth.next_event() {
                    return Ok(Step::Event(Event::ServerAuth(event)));
                }
                if auth.awaits_answer() {
                    return Ok(Step::Idle);
                }
            }
            State::ClientAuth(auth) => {
                if let Some(event) = auth.next_event() {
                    if matches!(event, ClientAuthEvent::Succeeded { .. }) {
                        self.open()?;
                    }
                    return Ok(Step::Event(Event::ClientAuth(event)));
                }
            }
            State::Handshake | State::Open(_) => {}
        }
        let received = self.transport.step(now)?;
        self.check_early()?;
        match received {
            None => Ok(Step::Idle),
            Some(received) => self.received(received, now),
        }
    }

    /// What the transport understood goes to the layer that it is for.
    fn received(&mut self, received: Received, now: Now) -> Result<Step, Error> {
        match received {
            Received::Handled => Ok(Step::Busy),
            Received::Keys => self.keys(),
            Received::Extensions => {
                if let (State::ClientAuth(auth), Some(names)) = (&mut self.state, self.transport.server_sig_algs()) {
                    auth.learn_server_sig_algs(names.to_vec());
                }
                Ok(Step::Busy)
            }
            Received::Payload(range) => self.payload(range, now),
        }
    }

    /// What an unknown peer makes us work on is bounded (P4).
    fn check_early(&self) -> Result<(), Error> {
        let early = !matches!(self.state, State::Open(_));
        if early && self.received.saturating_sub(self.transport.inbox.waiting()) > EARLY_BYTES_MAX {
            return Err(Error::Limit("too many bytes before authentication"));
        }
        Ok(())
    }

    /// A key exchange has ended; after the first one, authentication begins.
    fn keys(&mut self) -> Result<Step, Error> {
        let negotiated = self.transport.negotiated().cloned().ok_or(Error::Misuse("keys without agreement"))?;
        if matches!(self.state, State::Handshake) {
            let session_id = self.transport.session_id().ok_or(Error::Misuse("no session id"))?;
            self.state = match &self.auth {
                AuthSide::Server(config) => {
                    let host_key = self.transport.presented_by_us().ok_or(Error::Misuse("no host key"))?;
                    State::ServerAuth(Box::new(ServerAuth::new(config.clone(), session_id, host_key)))
                }
                AuthSide::Client => {
                    let mut auth = ClientAuth::new(session_id, None);
                    auth.begin(&mut self.transport.outbox)?;
                    State::ClientAuth(Box::new(auth))
                }
            };
        }
        Ok(Step::Event(Event::Keys(negotiated)))
    }

    fn payload(&mut self, range: Range<usize>, now: Now) -> Result<Step, Error> {
        let payload = self.transport.inbox.payload(range.clone());
        let out = &mut self.transport.outbox;
        match &mut self.state {
            State::ServerAuth(auth) => {
                let handled = auth.handle(payload, now, out);
                // It may have been a password; the buffer serves other connections next.
                self.transport.inbox.wipe(range);
                handled.map(|()| Step::Busy)
            }
            State::ClientAuth(auth) => auth.handle(payload).map(|()| Step::Busy),
            State::Open(connection) => match payload.first().copied().unwrap_or_default() {
                80..=100 => match connection.handle(payload, out)? {
                    Incoming::Nothing => Ok(Step::Busy),
                    Incoming::Data { channel, stream, range: inner } => {
                        let range = range.start + inner.start..range.start + inner.end;
                        Ok(Step::Data { channel, stream, range })
                    }
                    Incoming::Event(event) => self.connection_event(event),
                },
                // RFC 4252 section 5.1: requests after success are ignored silently.
                crate::message::userauth::REQUEST if self.transport.role == Role::Server => Ok(Step::Busy),
                _ => Err(Error::Misbehaved("message out of phase")),
            },
            State::Handshake | State::Ended(_) => Err(Error::Misbehaved("message out of phase")),
        }
    }

    fn connection_event(&mut self, event: ConnectionEvent) -> Result<Step, Error> {
        match (event, self.transport.role) {
            (ConnectionEvent::Global { request: GlobalRequest::HostKeysProve { keys }, reply }, Role::Server) => {
                self.prove_host_keys(&keys, reply).map(|()| Step::Busy)
            }
            (event, _) => Ok(Step::Event(Event::Connection(event))),
        }
    }

    /// Somebody is known now: the connection protocol begins.
    fn open(&mut self) -> Result<(), Error> {
        self.transport.inbox.allow_packets_up_to(PACKET_BYTES_MAX);
        self.state = State::Open(Box::new(Connection::new(self.transport.role, self.limits.clone())));
        if self.transport.role == Role::Server {
            self.tell_host_keys()?;
        }
        Ok(())
    }

    // --- time ---

    /// When [`Self::on_time`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let transport = self.transport.deadline();
        match &self.state {
            State::Ended(_) => None,
            State::Handshake => Some(transport.min(self.started + self.timing.login)),
            State::ServerAuth(auth) => {
                let own = auth.deadline().unwrap_or(transport);
                Some(transport.min(own).min(self.login_due(auth.interactive_since())))
            }
            State::ClientAuth(_) => Some(transport.min(self.login_due(None))),
            State::Open(_) => Some(self.keepalive_due().map_or(transport, |due| due.min(transport))),
        }
    }

    /// Does what is due.
    pub fn on_time(&mut self, now: Now) {
        if let Err(error) = self.tick(now) {
            self.fail(error);
        }
    }

    fn tick(&mut self, now: Now) -> Result<(), Error> {
        let interactive = match &self.state {
            State::Ended(_) => return Ok(()),
            State::ServerAuth(auth) => auth.interactive_since(),
            State::Handshake | State::ClientAuth(_) | State::Open(_) => None,
        };
        self.transport.rekey_if_due(now)?;
        let login_due = self.login_due(interactive);
        let keepalive_due = self.keepalive_due();
        match &mut self.state {
            State::Open(connection) => {
                if keepalive_due.is_some_and(|due| now.monotonic >= due) {
                    if self.keepalives >= self.timing.keepalives_max {
                        return Err(Error::Timeout("the peer does not answer any more"));
                    }
                    self.keepalives += 1;
                    self.quiet_since = now.monotonic;
                    connection.keepalive(&mut self.transport.outbox)?;
                }
                Ok(())
            }
            _ if now.monotonic >= login_due => Err(Error::Timeout("signing in took too long")),
            State::ServerAuth(auth) => auth.on_time(now, &mut self.transport.outbox),
            State::Handshake | State::ClientAuth(_) | State::Ended(_) => Ok(()),
        }
    }

    fn login_due(&self, interactive_since: Option<Instant>) -> Instant {
        interactive_since.map_or(self.started + self.timing.login, |since| since + self.timing.interactive)
    }

    fn keepalive_due(&self) -> Option<Instant> {
        (!self.timing.keepalive.is_zero()).then(|| self.quiet_since + self.timing.keepalive)
    }

    // --- the end ---

    /// Ends the connection, with words for the peer.
    pub fn end(&mut self, reason: Reason, text: &str) {
        self.fail(Error::Closed { reason, text: text.to_owned() });
    }

    /// Ends the connection because of an error, which the peer is told as far as it concerns it.
    pub fn fail(&mut self, error: Error) {
        if matches!(self.state, State::Ended(_)) {
            return;
        }
        if let Some((reason, text)) = error.farewell() {
            // If even this does not fit, the peer reads nothing and the socket's end tells it.
            let _ = self.transport.disconnect(reason, text);
        }
        self.end_with(error);
    }

    fn end_with(&mut self, error: Error) {
        self.state = State::Ended(error.clone());
        self.events.push_back(Event::Ended(error));
    }

    // --- facts ---

    /// The role of this engine.
    #[must_use]
    pub fn role(&self) -> Role {
        self.transport.role
    }

    /// What the last key exchange agreed on.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.transport.negotiated()
    }

    /// The hash of the first key exchange, which names this connection.
    #[must_use]
    pub fn session_id(&self) -> Option<&[u8]> {
        self.transport.session_id()
    }

    /// The peer's version line: untrusted.
    #[must_use]
    pub fn peer_version(&self) -> Option<&[u8]> {
        self.transport.peer_version()
    }

    /// Client role: the key or certificate that the host presented, also when it was not trusted.
    #[must_use]
    pub fn presented_host_key(&self) -> Option<&Presented> {
        self.transport.presented()
    }

    /// Client role: signature algorithms that the server says it takes.
    #[must_use]
    pub fn server_sig_algs(&self) -> Option<&[String]> {
        self.transport.server_sig_algs()
    }
}

#[cfg(test)]
pub(crate) mod tests;
