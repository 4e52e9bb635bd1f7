//! The engine under attack, with a user who lets one key in and writes down everything that it hears.
//!
//! Owns: what the user does and what it heard: whatever is not in [`Victim::heard`] never reached a handler. Must not know: the
//! attacker.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sallyport_ssh::auth::{
    Attempt, ClientAuthEvent, Echo, Evidence, MethodSet, Prompt, Prompts, ServerAuthConfig, ServerAuthEvent,
};
use sallyport_ssh::connection::{ConnectionEvent, ConnectionLimits, Stream};
use sallyport_ssh::driver::now;
use sallyport_ssh::engine::{ClientConfig, Engine, Event, Phase, ServerConfig, ServerLogin, Timing};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::error::Error;
use sallyport_ssh::key::{HostTrust, Presented, SigningKey};
use sallyport_ssh::time::Now;
use sallyport_ssh::transport::{HostIdentity, TransportConfig};

/// What the user of the engine heard.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// A key exchange ended.
    Keys,
    /// Something about signing in, in short.
    Auth(String),
    /// Somebody was let in, under this name, by so many things.
    In(String, usize),
    /// Anything on the open connection that is not data; a channel that was offered is one that was opened.
    Connection(ConnectionEvent),
    Data(Stream, Vec<u8>),
}

/// Whom the server's user lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Whoever has proved [`user_key`], or shown a certificate that the engine's policy takes.
    Key,
    /// The same, and a password besides.
    KeyAndPassword,
    /// Whoever answers questions; so many are asked, one after the other.
    Questions(usize),
}

/// The engine under attack.
pub(crate) struct Victim {
    pub(crate) engine: Engine,
    pub(crate) now: Now,
    pub(crate) heard: Vec<Heard>,
    pub(crate) ended: Option<Error>,
    pub(crate) rule: Rule,
    /// Whether bytes on channels are taken as they come.
    pub(crate) thirst: Thirst,
}

/// What the user does with the bytes on channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thirst {
    Drinks,
    Leaves,
}

pub(crate) fn user_key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap())
}

pub(crate) fn host_key() -> &'static Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    KEY.get_or_init(|| Arc::new(SigningKey::generate().unwrap()))
}

/// What a server is made of when nobody says otherwise.
pub(crate) fn server_config() -> ServerConfig {
    let identity = HostIdentity { key: host_key().clone(), certificate: None, next_keys: Vec::new() };
    ServerConfig {
        transport: Arc::new(TransportConfig::server(identity)),
        auth: Arc::new(auth_config()),
        connection: ConnectionLimits::default(),
        timing: Timing::default(),
    }
}

pub(crate) fn auth_config() -> ServerAuthConfig {
    ServerAuthConfig {
        methods: MethodSet::PUBLIC_KEY.with(MethodSet::PASSWORD).with(MethodSet::KEYBOARD_INTERACTIVE),
        answer_floor: Duration::ZERO,
        ..ServerAuthConfig::default()
    }
}

/// What a client is made of when nobody says otherwise.
pub(crate) fn client_config(trust: HostTrust) -> ClientConfig {
    ClientConfig {
        transport: Arc::new(TransportConfig::client(trust)),
        connection: ConnectionLimits::default(),
        timing: Timing::default(),
    }
}

/// Trust in [`host_key`].
pub(crate) fn trust() -> HostTrust {
    HostTrust { keys: vec![host_key().public_key().clone()], ..HostTrust::default() }
}

impl Victim {
    pub(crate) fn server() -> Self {
        Self::server_with(&server_config())
    }

    pub(crate) fn server_with(config: &ServerConfig) -> Self {
        let now = now();
        Self::new(Engine::server(config, Box::new(SystemEntropy), now).unwrap(), now)
    }

    pub(crate) fn client() -> Self {
        Self::client_with(&client_config(trust()))
    }

    pub(crate) fn client_with(config: &ClientConfig) -> Self {
        let now = now();
        Self::new(Engine::client(config, Box::new(SystemEntropy), now).unwrap(), now)
    }

    fn new(engine: Engine, now: Now) -> Self {
        Self { engine, now, heard: Vec::new(), ended: None, rule: Rule::Key, thirst: Thirst::Drinks }
    }

    /// Bytes come from the peer, as far as they are wanted; answers how many.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && self.engine.wants_read() {
            let space = self.engine.space(bytes.len() - taken);
            let count = space.len().min(bytes.len() - taken);
            space[..count].copy_from_slice(&bytes[taken..taken + count]);
            self.engine.filled(count, self.now);
            self.listen();
            taken += count;
        }
        taken
    }

    /// Everything that waits for the socket.
    pub(crate) fn said(&mut self) -> Vec<u8> {
        let bytes = self.engine.unsent().to_vec();
        self.engine.sent(bytes.len());
        bytes
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.engine.on_time(self.now);
        self.listen();
    }

    /// Hears everything there is to hear.
    pub(crate) fn listen(&mut self) {
        while let Some(event) = self.engine.next_event(self.now) {
            match event {
                Event::Keys(_) => self.heard.push(Heard::Keys),
                Event::ServerAuth(event) => self.admit(event),
                Event::ClientAuth(event) => self.sign_in(event),
                Event::Connection(event) => self.serve(event),
                Event::Data { channel, stream, bytes } => {
                    self.heard.push(Heard::Data(stream, bytes.to_vec()));
                    let count = bytes.len();
                    if self.thirst == Thirst::Drinks
                        && let Some(mut open) = self.engine.open_phase()
                    {
                        open.consume(channel, count).unwrap();
                    }
                }
                Event::Ended(error) => self.ended = Some(error),
            }
        }
    }

    /// Whatever a handler of the connection protocol has heard.
    pub(crate) fn handled(&self) -> Vec<&Heard> {
        self.heard.iter().filter(|heard| matches!(heard, Heard::Connection(_) | Heard::Data(..))).collect()
    }

    /// Whether somebody is in.
    pub(crate) fn is_in(&self) -> bool {
        self.heard.iter().any(|heard| matches!(heard, Heard::In(..)))
    }

    /// Agrees to every channel. Requests are left without an answer.
    fn serve(&mut self, event: ConnectionEvent) {
        let event = match (event, self.engine.open_phase()) {
            (ConnectionEvent::Offer(offer), Some(mut open)) => {
                ConnectionEvent::Opened { channel: open.accept(offer).unwrap() }
            }
            (event, _) => event,
        };
        self.heard.push(Heard::Connection(event));
    }

    /// The server's user.
    fn admit(&mut self, event: ServerAuthEvent) {
        let heard = match (event, self.engine.phase()) {
            (ServerAuthEvent::Succeeded { user, evidence }, _) => Heard::In(user.to_string(), evidence.len()),
            (ServerAuthEvent::InteractiveAbandoned { .. }, _) => Heard::Auth("abandoned".to_owned()),
            (ServerAuthEvent::Refused(refused), _) => Heard::Auth(format!("refused: {}", refused.why)),
            (event, Phase::ServerAuth(login)) => Heard::Auth(judge(event, login, &mut self.rule, self.now)),
            _ => panic!("signing in on a connection that is open or over"),
        };
        self.heard.push(heard);
    }

    /// The client's user.
    fn sign_in(&mut self, event: ClientAuthEvent) {
        let heard = match (event, self.engine.phase()) {
            (ClientAuthEvent::Ready, Phase::ClientAuth(mut login)) => {
                login.public_key("alice", &Presented::Key(user_key().public_key().clone())).unwrap();
                "ready"
            }
            (ClientAuthEvent::Sign(request), Phase::ClientAuth(mut login)) => {
                let signature = user_key().sign(request.data());
                login.signature(request, &signature).unwrap();
                "sign"
            }
            (ClientAuthEvent::Banner { .. }, _) => "banner",
            (ClientAuthEvent::Succeeded { .. }, _) => {
                return self.heard.push(Heard::In("alice".to_owned(), 1));
            }
            _ => "something else",
        };
        self.heard.push(Heard::Auth(heard.to_owned()));
    }
}

/// Answers what has to be answered; says what it was.
fn judge(event: ServerAuthEvent, mut login: ServerLogin<'_>, rule: &mut Rule, now: Now) -> String {
    match event {
        ServerAuthEvent::Offered(offer) => {
            let text = format!("offered {}", offer.user());
            login.acceptable(offer).unwrap();
            text
        }
        ServerAuthEvent::Verified(identity) => {
            let text = format!("verified {}", identity.user());
            match (is_known(identity.presented()), *rule) {
                (true, Rule::Key) => login.accept(identity).unwrap(),
                (true, Rule::KeyAndPassword) => login.partial(identity, MethodSet::PASSWORD).unwrap(),
                _ => login.reject(identity, now).unwrap(),
            }
            text
        }
        ServerAuthEvent::Password(attempt) => {
            let keys = attempt.passed().iter().filter(|evidence| matches!(***evidence, Evidence::Key(_))).count();
            let text = format!("password {} behind {keys} keys", attempt.user());
            if *rule == Rule::KeyAndPassword && keys > 0 && attempt.secret() == "right" {
                login.accept(attempt).unwrap();
            } else {
                login.reject(attempt, now).unwrap();
            }
            text
        }
        ServerAuthEvent::InteractiveStart(attempt) | ServerAuthEvent::InteractiveResponse(attempt) => {
            let text = format!("answers {}", attempt.responses().len());
            match rule {
                Rule::Questions(0) => login.accept(attempt).unwrap(),
                Rule::Questions(left) => {
                    *left -= 1;
                    let prompt = Prompt { text: "code".to_owned(), echo: Echo::Hidden };
                    login.prompt(attempt, &Prompts { prompts: vec![prompt], ..Prompts::default() }).unwrap();
                }
                _ => login.reject(attempt, now).unwrap(),
            }
            text
        }
        ServerAuthEvent::None(attempt) => {
            login.reject(attempt, now).unwrap();
            "none".to_owned()
        }
        _ => panic!("an event that needs no answer"),
    }
}

fn is_known(presented: &Presented) -> bool {
    match presented {
        Presented::Key(key) => key == user_key().public_key(),
        // Only what the engine's certificate policy has taken comes here.
        Presented::Certificate(_) => true,
    }
}
