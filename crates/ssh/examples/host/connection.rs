//! One client: its channels, its listeners, and the task that moves everything.
//!
//! Owns: the loop. Invariant: one task does all of a connection's work, and sleeps only when the client, every program and every
//! socket have nothing for it. Must not know: how programs are started or sockets reached.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Result;
use sallyport_ssh::connection::{ChannelId, ChannelKind, ChannelOffer, ConnectionEvent, Open, OpenFailure, Outcome};
use sallyport_ssh::driver::{Link, now};
use sallyport_ssh::engine::{Engine, Event};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::error::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Host;
use super::forward::Forwards;
use super::login::{Rights, welcome};
use super::session::Session;
use super::stream::READ_BYTES;
use super::tunnel::Tunnel;

/// Channels of one connection, in both directions together.
pub(crate) const CHANNELS_MAX: u32 = 128;
/// How long a client may take to read the last words.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);

/// From the first byte to the last.
pub(crate) async fn run(stream: TcpStream, source: SocketAddr, host: &Host) -> Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let engine = Engine::server(&host.server_config(source), Box::new(SystemEntropy), now())?;
    let mut link = Link::new(stream, engine);
    let Some(rights) = welcome(&mut link, &host.admission).await? else {
        return Ok(());
    };
    let mut connection = Connection {
        link,
        rights: Arc::new(rights),
        variables: variables(source, local),
        channels: BTreeMap::new(),
        forwards: Forwards::default(),
        scratch: vec![0; READ_BYTES],
    };
    let error = poll_fn(|cx| connection.poll(cx)).await;
    let Connection { link, channels, forwards, .. } = connection;
    // Programs and sockets hear of the end before we wait for the client once more.
    drop((channels, forwards));
    // Whoever does not listen is not waited for.
    let _ = timeout(FAREWELL_TIMEOUT, link.finish()).await;
    match error {
        Error::Disconnected { .. } => Ok(()),
        error => Err(error.into()),
    }
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing can be done until somebody wakes the task.
    Idle,
    /// Something was done; there may be more.
    Moved,
    /// The channel is gone.
    Over,
}

impl Turn {
    pub(crate) fn moved(moved: bool) -> Self {
        if moved { Self::Moved } else { Self::Idle }
    }
}

/// One client that came in.
struct Connection {
    link: Link<TcpStream>,
    rights: Arc<Rights>,
    variables: Vec<(OsString, OsString)>,
    channels: BTreeMap<ChannelId, Served>,
    forwards: Forwards,
    scratch: Vec<u8>,
}

/// What a channel is for.
enum Served {
    Session(Box<Session>),
    Tunnel(Tunnel),
}

impl Connection {
    /// Moves everything that can be moved. Ready when the connection is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let mut moved = false;
            loop {
                match self.poll_event(cx) {
                    Ok(Turn::Moved) => moved = true,
                    Ok(Turn::Idle | Turn::Over) => break,
                    Err(error) => return Poll::Ready(error),
                }
            }
            self.link.lend_output();
            match self.poll_channels(cx) {
                Ok(some) => moved |= some,
                Err(error) => self.link.engine.fail(error),
            }
            moved |= self.link.poll_io(cx).is_ready();
            if !moved {
                return Poll::Pending;
            }
        }
    }

    /// Takes one event of the client. What goes wrong in it ends the connection, which is an event itself.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Result<Turn, Error> {
        let outcome = match self.link.engine.next_event(now()) {
            None => return Ok(Turn::Idle),
            Some(Event::Ended(error)) => return Err(error),
            Some(Event::Data { channel, bytes, .. }) => {
                let taken = match self.channels.get_mut(&channel) {
                    Some(Served::Session(session)) => session.data(bytes, cx),
                    Some(Served::Tunnel(tunnel)) => tunnel.data(bytes, cx),
                    None => bytes.len(),
                };
                act(&mut self.link.engine, |open| open.consume(channel, taken))
            }
            Some(Event::Connection(event)) => self.event(event),
            Some(Event::Keys(_) | Event::ServerAuth(_) | Event::ClientAuth(_)) => Ok(()),
        };
        if let Err(error) = outcome {
            self.link.engine.fail(error);
        }
        Ok(Turn::Moved)
    }

    fn event(&mut self, event: ConnectionEvent) -> Result<(), Error> {
        match event {
            ConnectionEvent::Offer(offer) => self.offer(offer),
            ConnectionEvent::Opened { channel } => {
                if let Some(Served::Tunnel(tunnel)) = self.channels.get_mut(&channel) {
                    tunnel.opened();
                }
                Ok(())
            }
            ConnectionEvent::OpenFailed { channel, .. } => {
                self.channels.remove(&channel);
                Ok(())
            }
            ConnectionEvent::Request { channel, request, reply } => {
                let engine = &mut self.link.engine;
                match (self.channels.get_mut(&channel), reply) {
                    (Some(Served::Session(session)), reply) => {
                        act(engine, |open| session.request(request, reply, open))
                    }
                    (_, Some(token)) => act(engine, |open| open.reply(token, Outcome::Failure)),
                    (_, None) => Ok(()),
                }
            }
            ConnectionEvent::Eof { channel } => {
                match self.channels.get_mut(&channel) {
                    Some(Served::Session(session)) => session.eof(),
                    Some(Served::Tunnel(tunnel)) => tunnel.eof(),
                    None => {}
                }
                Ok(())
            }
            ConnectionEvent::Closed { channel } => self.closed(channel),
            ConnectionEvent::Global { request, reply } => {
                let answer = if self.rights.permit_forwards() {
                    self.forwards.request(&request)
                } else {
                    Err(io::ErrorKind::PermissionDenied.into())
                };
                let Some(token) = reply else { return Ok(()) };
                act(&mut self.link.engine, |open| match &answer {
                    Ok(data) => open.reply_global(token, Outcome::Success, data),
                    Err(_) => open.reply_global(token, Outcome::Failure, &[]),
                })
            }
            // We ask for nothing that is answered.
            ConnectionEvent::Reply { .. } | ConnectionEvent::GlobalReply { .. } => Ok(()),
        }
    }

    fn offer(&mut self, offer: ChannelOffer) -> Result<(), Error> {
        let channel = offer.id();
        if offer.kind == ChannelKind::Session {
            let session = Box::new(Session::new(channel, self.rights.clone(), self.variables.clone()));
            self.channels.insert(channel, Served::Session(session));
            return act(&mut self.link.engine, |open| {
                open.accept(offer)?;
                // A client that has heard everything may close before the program has ended, and wants to know how it ends.
                open.linger(channel);
                Ok(())
            });
        }
        if !self.rights.permit_forwards() {
            return act(&mut self.link.engine, |open| {
                open.refuse(offer, OpenFailure::ADMINISTRATIVELY_PROHIBITED, "the certificate does not permit forwards")
            });
        }
        match Tunnel::dial(offer) {
            Ok(tunnel) => {
                self.channels.insert(channel, Served::Tunnel(tunnel));
                Ok(())
            }
            Err(offer) => act(&mut self.link.engine, |open| {
                let text = "this host does not know such channels";
                open.refuse(offer, OpenFailure::UNKNOWN_CHANNEL_TYPE, text)
            }),
        }
    }

    /// The client closed a channel. What was sent to a socket still gets there.
    fn closed(&mut self, channel: ChannelId) -> Result<(), Error> {
        let turn = match (self.channels.get_mut(&channel), self.link.engine.open_phase()) {
            (Some(Served::Session(session)), Some(mut open)) => session.closed(&mut open)?,
            (Some(Served::Tunnel(tunnel)), _) => tunnel.closed(),
            _ => Turn::Idle,
        };
        if turn == Turn::Over {
            self.channels.remove(&channel);
        }
        Ok(())
    }

    /// Asks every program and every socket once.
    fn poll_channels(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let Some(mut open) = self.link.engine.open_phase() else {
            return Ok(false);
        };
        let mut moved = false;
        let mut over = Vec::new();
        for (channel, served) in &mut self.channels {
            let turn = match served {
                Served::Session(session) => session.poll(cx, &mut open, &mut self.scratch)?,
                Served::Tunnel(tunnel) => tunnel.poll(cx, &mut open, &mut self.scratch)?,
            };
            moved |= turn != Turn::Idle;
            if turn == Turn::Over {
                over.push(*channel);
            }
        }
        for channel in over {
            self.channels.remove(&channel);
        }
        // Who finds no place waits in the listener's own queue.
        while u32::try_from(open.channel_count()).is_ok_and(|count| count < CHANNELS_MAX)
            && let Poll::Ready(arrival) = self.forwards.poll(cx)
        {
            let channel = open.open(&arrival.kind)?;
            let tunnel = Tunnel::offered(channel, arrival.socket);
            self.channels.insert(channel, Served::Tunnel(tunnel));
            moved = true;
        }
        Ok(moved)
    }
}

/// Does something on a connection that is open.
fn act(engine: &mut Engine, act: impl FnOnce(&mut Open<'_>) -> Result<(), Error>) -> Result<(), Error> {
    match engine.open_phase() {
        Some(mut open) => act(&mut open),
        None => Ok(()),
    }
}

/// What programs are told of their connection, as OpenSSH tells it.
fn variables(source: SocketAddr, local: SocketAddr) -> Vec<(OsString, OsString)> {
    let (from, to) = (format!("{} {}", source.ip(), source.port()), format!("{} {}", local.ip(), local.port()));
    vec![
        ("SSH_CLIENT".into(), format!("{from} {}", local.port()).into()),
        ("SSH_CONNECTION".into(), format!("{from} {to}").into()),
    ]
}
