//! Our client role: signs in, runs a command, counts every byte.
//!
//! Owns: one connection. Must not know: which server it is.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use sallyport_ssh::auth::ClientAuthEvent;
use sallyport_ssh::connection::{
    ChannelId, ChannelKind, ConnectionEvent, ConnectionLimits, Open, Outcome, Request, Stream, WantReply,
};
use sallyport_ssh::driver::{Link, now};
use sallyport_ssh::engine::{ClientConfig, Engine, Event, Phase, Timing};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::key::{HostTrust, Presented, PublicKey, SigningKey};
use sallyport_ssh::transport::{Negotiated, TransportConfig};
use tokio::net::TcpStream;

use super::agent::Agent;
use crate::peer::Target;
use crate::place::Key;
use crate::program::soon;

/// What signs for us.
pub(crate) enum Signer<'a> {
    /// Our own kind of key.
    Own(&'a SigningKey),
    /// Any other kind: ssh-agent has it.
    Agent(&'a Agent),
}

/// Our client, signed in.
pub(crate) struct Client {
    link: Link<TcpStream>,
    /// Every key exchange so far.
    pub(crate) exchanges: Vec<Negotiated>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exit {
    Status(u32),
    Signal(String),
    /// The server did not say.
    Unknown,
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) output: Vec<u8>,
    pub(crate) errors: Vec<u8>,
    pub(crate) exit: Exit,
}

/// What we do to a command while it runs, once its first byte of output has come.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Wait,
    Signal(&'static str),
}

/// A client that trusts these host keys, and may be narrowed by the test.
pub(crate) fn config(keys: Vec<PublicKey>) -> TransportConfig {
    TransportConfig::client_legacy(HostTrust { keys, ..HostTrust::default() })
}

impl Client {
    /// Connects and signs in with what is presented.
    pub(crate) async fn connect(
        address: SocketAddr,
        transport: TransportConfig,
        user: &str,
        presented: &Presented,
        signer: &Signer<'_>,
    ) -> Result<Self> {
        let mut client = Self::begin(address, transport, Timing::default()).await?;
        soon("our sign-in", client.sign_in(user, presented, signer)).await?;
        Ok(client)
    }

    /// Connects to a target and signs in with a key of our own kind.
    pub(crate) async fn with_key(target: &Target, transport: TransportConfig, key: &Key) -> Result<Self> {
        Self::with_timing(target, transport, Timing::default(), key).await
    }

    /// The same with deadlines of its own.
    pub(crate) async fn with_timing(
        target: &Target,
        transport: TransportConfig,
        timing: Timing,
        key: &Key,
    ) -> Result<Self> {
        let mut client = Self::begin(target.address, transport, timing).await?;
        let signing = key.signing();
        let presented = Presented::Key(signing.public_key().clone());
        soon("our sign-in", client.sign_in(target.user, &presented, &Signer::Own(&signing))).await?;
        Ok(client)
    }

    async fn begin(address: SocketAddr, transport: TransportConfig, timing: Timing) -> Result<Self> {
        let config = ClientConfig { transport: Arc::new(transport), connection: ConnectionLimits::default(), timing };
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let engine = Engine::client(&config, Box::new(SystemEntropy), now())?;
        Ok(Self { link: Link::new(stream, engine), exchanges: Vec::new() })
    }

    async fn sign_in(&mut self, user: &str, presented: &Presented, signer: &Signer<'_>) -> Result<()> {
        loop {
            let event = match self.link.next().await.context("the server went away")? {
                Event::ClientAuth(event) => event,
                Event::Ended(error) => bail!(error),
                Event::Keys(keys) => {
                    self.exchanges.push(keys);
                    continue;
                }
                _ => continue,
            };
            match (event, self.link.engine.phase()) {
                (ClientAuthEvent::Ready, Phase::ClientAuth(mut login)) => login.offer_key(user, presented)?,
                (ClientAuthEvent::Sign(request), Phase::ClientAuth(mut login)) => {
                    let signature = match signer {
                        Signer::Own(key) => key.sign(request.data()),
                        Signer::Agent(agent) => agent.sign(presented.blob(), request.data(), request.algorithm())?,
                    };
                    login.signature(request, &signature)?;
                }
                (ClientAuthEvent::Succeeded { .. }, _) => return Ok(()),
                (ClientAuthEvent::Failure { methods, .. }, _) => {
                    bail!("refused; could go on with {methods:?}")
                }
                _ => {}
            }
        }
    }

    /// Runs a command with this input, then EOF.
    pub(crate) async fn run(&mut self, command: &str, input: &[u8]) -> Result<Done> {
        soon(command, self.run_and(command, input, Then::Wait)).await
    }

    /// Runs a command, sends it a signal when it has said something, and ends its input only then.
    pub(crate) async fn run_until_signal(&mut self, command: &str, signal: &'static str) -> Result<Done> {
        soon(command, self.run_and(command, b"", Then::Signal(signal))).await
    }

    async fn run_and(&mut self, command: &str, input: &[u8], mut then: Then) -> Result<Done> {
        let channel = self.start(command).await?;
        let mut done = Done { output: Vec::new(), errors: Vec::new(), exit: Exit::Unknown };
        let mut rest = input;
        let mut eof = Some(());
        loop {
            while let Some(event) = self.link.engine.next_event(now()) {
                match event {
                    Event::Data { channel, stream, bytes } => {
                        match stream {
                            Stream::Data => done.output.extend_from_slice(bytes),
                            Stream::Extended(_) => done.errors.extend_from_slice(bytes),
                        }
                        let count = bytes.len();
                        self.open()?.consume(channel, count)?;
                        if let Then::Signal(name) = std::mem::replace(&mut then, Then::Wait) {
                            let request = Request::Signal { name: name.to_owned() };
                            self.open()?.request(channel, &request, WantReply::No)?;
                        }
                    }
                    Event::Connection(ConnectionEvent::Request { request, .. }) => match request {
                        Request::ExitStatus { status } => done.exit = Exit::Status(status),
                        Request::ExitSignal { name, .. } => done.exit = Exit::Signal(name),
                        _ => {}
                    },
                    Event::Connection(ConnectionEvent::Closed { .. }) => return Ok(done),
                    Event::Keys(keys) => self.exchanges.push(keys),
                    Event::Ended(error) => bail!(error),
                    _ => {}
                }
            }
            let mut open = self.open()?;
            let sent = open.send(channel, Stream::Data, rest)?;
            rest = &rest[sent..];
            if rest.is_empty() && matches!(then, Then::Wait) && eof.take().is_some() {
                open.eof(channel)?;
            }
            self.link.io().await;
        }
    }

    /// A session channel with a command that the server has agreed to run.
    async fn start(&mut self, command: &str) -> Result<ChannelId> {
        let channel = self.open()?.open(&ChannelKind::Session)?;
        let request = Request::Exec { command: command.as_bytes().to_vec() };
        loop {
            match self.link.next().await.context("the server went away")? {
                Event::Connection(ConnectionEvent::Opened { .. }) => {
                    self.open()?.request(channel, &request, WantReply::Yes)?;
                }
                Event::Connection(ConnectionEvent::OpenFailed { text, .. }) => {
                    bail!("no channel: {text}")
                }
                Event::Connection(ConnectionEvent::Reply { outcome: Outcome::Success, .. }) => return Ok(channel),
                Event::Connection(ConnectionEvent::Reply { .. }) => bail!("refused: {command}"),
                Event::Ended(error) => bail!(error),
                _ => {}
            }
        }
    }

    fn open(&mut self) -> Result<Open<'_>> {
        self.link.engine.open_phase().context("the connection is not open")
    }
}
