//! Our server role: a door that the test chooses, and behind it commands that need no program.
//!
//! Owns: the connections, and what has been seen on them. Must not know: which client it is.
//!
//! Commands: `echo N` sends everything back, then EOF, exit status N and a close; `say TEXT` says TEXT; anything else fails. A
//! certificate's force-command is run whatever is asked for.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use sallyport_ssh::auth::{
    Attempt, Evidence, InteractiveAttempt, KeyOffer, MethodSet, PasswordAttempt, Prompts, ServerAuthConfig,
    ServerAuthEvent, VerifiedIdentity,
};
use sallyport_ssh::connection::{
    ChannelId, ChannelKind, ConnectionEvent, ConnectionLimits, Open, OpenFailure, Outcome, Request, Stream, WantReply,
};
use sallyport_ssh::driver::{Link, now};
use sallyport_ssh::engine::{Engine, Event, Phase, ServerConfig, ServerLogin, Timing};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::error::Error;
use sallyport_ssh::key::{Presented, PublicKey};
use sallyport_ssh::transport::{HostIdentity, Negotiated, TransportConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::place::Key;
use crate::program::soon;

/// Who is let in. What is not said here is refused.
pub(crate) trait Door: Send + Sync + 'static {
    fn banner(&self) -> Option<&str> {
        None
    }
    fn offered(&self, _: &KeyOffer) -> bool {
        true
    }
    fn key(&self, _: &VerifiedIdentity) -> Verdict {
        Verdict::No
    }
    fn password(&self, _: &PasswordAttempt) -> Verdict {
        Verdict::No
    }
    /// The answers to round `round`; round 0 is the wish to be asked.
    fn interactive(&self, _: &InteractiveAttempt, _round: usize) -> Verdict {
        Verdict::No
    }
}

/// What a door says.
pub(crate) enum Verdict {
    In,
    Partly(MethodSet),
    Ask(Prompts),
    No,
}

/// Lets in whoever has one of these keys.
pub(crate) struct Keys(pub(crate) Vec<PublicKey>);

impl Door for Keys {
    fn offered(&self, offer: &KeyOffer) -> bool {
        matches!(offer.presented(), Presented::Key(key) if self.0.contains(key))
    }

    fn key(&self, identity: &VerifiedIdentity) -> Verdict {
        match identity.presented() {
            Presented::Key(key) if self.0.contains(key) => Verdict::In,
            _ => Verdict::No,
        }
    }
}

/// Something that happened on one of the connections.
#[derive(Debug)]
pub(crate) enum Seen {
    Keys(Negotiated),
    /// Somebody is in.
    In {
        user: String,
        evidence: Vec<Arc<Evidence>>,
    },
    /// The engine refused something by itself.
    Refused(String),
    /// A connection is over.
    Ended(String),
}

/// Our server, until the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: mpsc::UnboundedReceiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server with this host key, and the certificate beside it if there is one.
pub(crate) fn config(key: &Key) -> TransportConfig {
    let certificate = key.certificate_path().exists().then(|| key.certificate());
    TransportConfig::server(HostIdentity { key: Arc::new(key.signing()), certificate, next_keys: Vec::new() })
}

impl Server {
    pub(crate) async fn start(transport: TransportConfig, auth: ServerAuthConfig, door: impl Door) -> Self {
        Self::start_with(transport, auth, Timing::default(), door).await
    }

    /// The same with deadlines of its own.
    pub(crate) async fn start_with(
        transport: TransportConfig,
        auth: ServerAuthConfig,
        timing: Timing,
        door: impl Door,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let transport = Arc::new(transport);
        let door = Arc::new(door);
        let task = tokio::spawn(async move {
            while let Ok((stream, source)) = listener.accept().await {
                let config = ServerConfig {
                    transport: transport.clone(),
                    auth: Arc::new(ServerAuthConfig { source: Some(source.ip()), ..auth.clone() }),
                    connection: ConnectionLimits::default(),
                    timing,
                };
                let (door, sender) = (door.clone(), sender.clone());
                tokio::spawn(async move {
                    let outcome = Connection::serve(stream, &config, &*door, &sender).await;
                    let text = outcome.map_or_else(|error| error.to_string(), |()| "disconnected".to_owned());
                    let _ = sender.send(Seen::Ended(text));
                });
            }
        });
        Self { address, seen, task }
    }

    /// The next thing that was seen.
    pub(crate) async fn seen(&mut self) -> Seen {
        soon("something on the server", self.seen.recv()).await.unwrap()
    }

    /// Everything that was seen on a connection until its end.
    pub(crate) async fn seen_to_the_end(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            let seen = self.seen().await;
            let last = matches!(seen, Seen::Ended(_));
            all.push(seen);
            if last {
                return all;
            }
        }
    }
}

/// One client.
struct Connection<'a> {
    link: Link<TcpStream>,
    door: &'a dyn Door,
    seen: &'a mpsc::UnboundedSender<Seen>,
    rounds: usize,
    force_command: Option<String>,
    running: Vec<Running>,
}

/// A command on a channel.
struct Running {
    channel: ChannelId,
    status: u32,
    echo: VecDeque<u8>,
    /// Bytes that came and have not gone back: the client's credit.
    held: usize,
    input: Input,
}

/// Whether a command has all of its input.
#[derive(PartialEq)]
enum Input {
    Coming,
    Complete,
    /// Everything has been sent, too.
    Answered,
}

impl<'a> Connection<'a> {
    async fn serve(
        stream: TcpStream,
        config: &ServerConfig,
        door: &'a dyn Door,
        seen: &'a mpsc::UnboundedSender<Seen>,
    ) -> Result<()> {
        stream.set_nodelay(true)?;
        let engine = Engine::server(config, Box::new(SystemEntropy), now())?;
        let link = Link::new(stream, engine);
        let mut this = Self { link, door, seen, rounds: 0, force_command: None, running: Vec::new() };
        let outcome = this.converse().await;
        this.link.finish().await;
        outcome
    }

    async fn converse(&mut self) -> Result<()> {
        loop {
            while let Some(event) = self.link.engine.next_event(now()) {
                match event {
                    Event::Keys(keys) => {
                        let _ = self.seen.send(Seen::Keys(keys));
                        if let (Phase::ServerAuth(mut login), Some(text)) =
                            (self.link.engine.phase(), self.door.banner())
                        {
                            login.banner(text)?;
                        }
                    }
                    Event::ServerAuth(event) => self.auth(event)?,
                    Event::Connection(event) => self.connection(event)?,
                    Event::Data { channel, bytes, .. } => {
                        if let Some(running) = self.running.iter_mut().find(|running| running.channel == channel) {
                            running.echo.extend(bytes);
                            running.held += bytes.len();
                        }
                    }
                    Event::Ended(Error::Disconnected { .. }) => return Ok(()),
                    Event::Ended(error) => bail!(error),
                    Event::ClientAuth(_) => {}
                }
                self.answer()?;
            }
            self.answer()?;
            self.link.io().await;
        }
    }

    fn auth(&mut self, event: ServerAuthEvent) -> Result<()> {
        match event {
            ServerAuthEvent::Succeeded { user, evidence } => {
                let terms = evidence.iter().filter_map(|evidence| match &**evidence {
                    Evidence::Key(proof) => proof.terms(),
                    _ => None,
                });
                self.force_command = terms.into_iter().find_map(|terms| terms.force_command.clone());
                let _ = self.seen.send(Seen::In { user: user.to_string(), evidence });
                return Ok(());
            }
            ServerAuthEvent::Refused(refused) => {
                let _ = self.seen.send(Seen::Refused(refused.why.to_string()));
                return Ok(());
            }
            _ => {}
        }
        let Phase::ServerAuth(mut login) = self.link.engine.phase() else {
            return Ok(());
        };
        match event {
            ServerAuthEvent::Offered(offer) if self.door.offered(&offer) => login.acceptable(offer)?,
            ServerAuthEvent::Offered(offer) => login.reject_offer(offer, now())?,
            ServerAuthEvent::Verified(attempt) => settle(login, self.door.key(&attempt), attempt)?,
            ServerAuthEvent::Password(attempt) => settle(login, self.door.password(&attempt), attempt)?,
            ServerAuthEvent::None(attempt) => login.reject(attempt, now())?,
            ServerAuthEvent::InteractiveStart(attempt) => {
                self.rounds = 0;
                interactive(login, self.door.interactive(&attempt, 0), attempt)?;
            }
            ServerAuthEvent::InteractiveResponse(attempt) => {
                self.rounds += 1;
                interactive(login, self.door.interactive(&attempt, self.rounds), attempt)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, event: ConnectionEvent) -> Result<()> {
        let force_command = self.force_command.clone();
        let mut open = self.link.engine.open_phase().context("not open")?;
        match event {
            ConnectionEvent::Offer(offer) if offer.kind == ChannelKind::Session => {
                open.accept(offer)?;
            }
            ConnectionEvent::Offer(offer) => {
                open.refuse(offer, OpenFailure::ADMINISTRATIVELY_PROHIBITED, "sessions only")?;
            }
            ConnectionEvent::Request { channel, request, reply } => {
                let started = match &request {
                    Request::Exec { command } => {
                        let asked = String::from_utf8_lossy(command).into_owned();
                        run(channel, force_command.as_deref().unwrap_or(&asked))
                    }
                    _ => None,
                };
                let outcome = if started.is_some() { Outcome::Success } else { Outcome::Failure };
                self.running.extend(started);
                if let Some(reply) = reply {
                    open.reply(reply, outcome)?;
                }
            }
            ConnectionEvent::Eof { channel } => {
                for running in self.running.iter_mut().filter(|running| running.channel == channel) {
                    running.input = Input::Complete;
                }
            }
            ConnectionEvent::Closed { channel } => self.running.retain(|running| running.channel != channel),
            ConnectionEvent::Global { reply: Some(reply), .. } => open.reply_global(reply, Outcome::Failure, &[])?,
            _ => {}
        }
        Ok(())
    }

    /// Sends what can be sent. Bytes are consumed when they have gone back, so that the client feels what we cannot send.
    fn answer(&mut self) -> Result<()> {
        let Some(mut open) = self.link.engine.open_phase() else {
            return Ok(());
        };
        for running in &mut self.running {
            echo(&mut open, running)?;
        }
        Ok(())
    }
}

fn echo(open: &mut Open<'_>, running: &mut Running) -> Result<()> {
    let channel = running.channel;
    loop {
        let sent = open.send(channel, Stream::Data, running.echo.as_slices().0)?;
        if sent == 0 {
            break;
        }
        running.echo.drain(..sent);
        let returned = sent.min(running.held);
        running.held -= returned;
        open.consume(channel, returned)?;
    }
    if running.echo.is_empty() && running.input == Input::Complete {
        running.input = Input::Answered;
        open.eof(channel)?;
        open.request(channel, &Request::ExitStatus { status: running.status }, WantReply::No)?;
        open.close(channel)?;
    }
    Ok(())
}

fn run(channel: ChannelId, command: &str) -> Option<Running> {
    let (name, argument) = command.split_once(' ')?;
    let (status, echo, input) = match name {
        "echo" => (argument.parse().ok()?, VecDeque::new(), Input::Coming),
        "say" => (0, argument.bytes().collect(), Input::Complete),
        _ => return None,
    };
    Some(Running { channel, status, echo, held: 0, input })
}

fn settle(mut login: ServerLogin<'_>, verdict: Verdict, attempt: impl Attempt) -> Result<(), Error> {
    match verdict {
        Verdict::In => login.accept(attempt),
        Verdict::Partly(remaining) => login.partial(attempt, remaining),
        Verdict::Ask(_) | Verdict::No => login.reject(attempt, now()),
    }
}

fn interactive(mut login: ServerLogin<'_>, verdict: Verdict, attempt: InteractiveAttempt) -> Result<(), Error> {
    match verdict {
        Verdict::Ask(prompts) => login.prompt(attempt, &prompts),
        verdict => settle(login, verdict, attempt),
    }
}
