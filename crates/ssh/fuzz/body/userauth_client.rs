//! Signing in to somebody (RFC 4252, RFC 4256): a server that says anything, and a user of the engine that tries anything.
//!
//! Asserts: the connection opens exactly when SUCCESS answers a request that is out (P3), never while a key is only offered;
//! what is to be signed begins with the session's own identifier; what a server may say unasked is bounded.

use std::time::Duration;

use sallyport_ssh::auth::{ClientAuthEvent, SignatureRequest};
use sallyport_ssh::engine::fuzzing::KNOWN_SESSION_ID;
use sallyport_ssh::engine::{ClientLogin, Engine, Event, Phase};
use sallyport_ssh::error::Error;
use sallyport_ssh::key::{Presented, PublicKey};
use sallyport_ssh::time::Now;
use sallyport_ssh::wire::Reader;
use zeroize::Zeroizing;

use super::input::Input;
use super::rig;

const STEPS_MAX: usize = 512;
/// All banners of one connection, as text: what was not UTF-8 takes three bytes for one.
const BANNER_BYTES_EVER: usize = 1024 * 1024 + 64 * 1024 * 3;

/// Steps: a message of the server, something that the user tries, a while.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut guest = Guest::new();
    for _ in 0..STEPS_MAX {
        let Some(step) = input.byte() else { break };
        match step % 16 {
            0..=6 => guest.hear(input.chunk()),
            7 => guest.hear_again(input.choice()),
            8 => guest.wait(Duration::from_millis(10 * u64::from(input.choice()))),
            other => guest.act(other, &mut input),
        }
        guest.listen();
        guest.check();
        if guest.output.sealed || matches!(guest.engine.phase(), Phase::Ended(_) | Phase::Open(_)) {
            break;
        }
    }
}

/// What the client waits for.
#[derive(Debug, PartialEq, Eq)]
enum Waits {
    /// For its own user.
    Idle,
    /// For whether an offered key would do.
    Offered,
    /// For a signature.
    Signing,
    /// For the answer to a request.
    Sent,
    /// For answers to questions.
    Prompted,
    /// No more.
    Let,
}

/// A client that signs in somewhere.
struct Guest {
    engine: Engine,
    output: rig::Output,
    now: Now,
    early: rig::Early,
    last: Vec<u8>,
    waits: Waits,
    ready: usize,
    to_sign: Option<SignatureRequest>,
    banner_bytes: usize,
}

impl Guest {
    fn new() -> Self {
        let engine = Engine::danger_keyed_client(&rig::client_config(), None, rig::entropy(), rig::start());
        Self {
            engine: engine.unwrap(),
            output: rig::Output::default(),
            now: rig::start(),
            early: rig::Early::default(),
            last: Vec::new(),
            waits: Waits::Idle,
            ready: 0,
            to_sign: None,
            banner_bytes: 0,
        }
    }

    fn hear(&mut self, payload: &[u8]) {
        self.last = payload.to_vec();
        self.early.feed(&mut self.engine, &rig::packet(payload), self.now);
    }

    /// The last message once more, and more often: what is bounded by volume, no short script would reach.
    fn hear_again(&mut self, times: u8) {
        let packet = rig::packet(&self.last);
        for _ in 0..times {
            self.early.feed(&mut self.engine, &packet, self.now);
            self.listen();
            self.check();
        }
    }

    fn wait(&mut self, passed: Duration) {
        self.now = self.now.after(passed);
        self.engine.on_time(self.now);
    }

    /// Tries something. What may not be done now is refused, and nothing has changed.
    fn act(&mut self, action: u8, input: &mut Input<'_>) {
        let Phase::ClientAuth(mut login) = self.engine.phase() else {
            return;
        };
        let tried = match action {
            9 => login.none("alice").map(|()| Waits::Sent),
            10 => login.password("alice", &secret(input.chunk())).map(|()| Waits::Sent),
            11 => login.keyboard_interactive("alice", "").map(|()| Waits::Sent),
            12 => login.offer_key("alice", &presented()).map(|()| Waits::Offered),
            13 => login.public_key("alice", &presented()).map(|()| Waits::Signing),
            14 => sign(&mut login, self.to_sign.take()).map(|()| Waits::Sent),
            15 if input.choice().is_multiple_of(2) => login.abandon().map(|()| Waits::Idle),
            _ => {
                let answers = vec![secret(b"42"); usize::from(input.choice() % 8)];
                login.respond(&answers).map(|()| Waits::Sent)
            }
        };
        match tried {
            Ok(waits) => {
                assert!(self.ready > 0, "a request before the service was accepted");
                self.waits = waits;
            }
            Err(Error::Misuse(_)) => {}
            Err(error) => panic!("what the user tried ended in {error}"),
        }
    }

    fn listen(&mut self) {
        loop {
            match self.engine.next_event(self.now) {
                Some(Event::ClientAuth(event)) => self.heard(event),
                Some(Event::Keys(_) | Event::Ended(_)) => {}
                Some(_) => {
                    assert_eq!(self.waits, Waits::Let, "an event of another phase");
                }
                None => return,
            }
        }
    }

    fn heard(&mut self, event: ClientAuthEvent) {
        match event {
            ClientAuthEvent::Ready => self.ready += 1,
            ClientAuthEvent::Banner { text } => self.banner_bytes += text.len(),
            ClientAuthEvent::Failure { .. } => {
                assert!(matches!(self.waits, Waits::Sent | Waits::Offered));
                self.waits = Waits::Idle;
            }
            ClientAuthEvent::Sign(request) => {
                assert!(matches!(self.waits, Waits::Signing | Waits::Offered));
                let session = Reader::new(request.data()).string();
                assert_eq!(session, Ok(KNOWN_SESSION_ID));
                self.to_sign = Some(request);
                self.waits = Waits::Signing;
            }
            ClientAuthEvent::Prompt(_) => {
                assert_eq!(self.waits, Waits::Sent);
                self.waits = Waits::Prompted;
            }
            ClientAuthEvent::PasswordExpired { .. } => {
                assert_eq!(self.waits, Waits::Sent);
                self.waits = Waits::Idle;
            }
            ClientAuthEvent::Succeeded { .. } => {
                assert_eq!(self.waits, Waits::Sent, "let in without having asked");
                self.waits = Waits::Let;
            }
        }
        assert!(self.ready <= 1 && self.banner_bytes <= BANNER_BYTES_EVER);
    }

    fn check(&mut self) {
        rig::check(&mut self.engine);
        self.early.check(&mut self.engine, 64 * 1024 + 64);
        match self.engine.phase() {
            Phase::Open(_) => assert_eq!(self.waits, Waits::Let, "open without success"),
            Phase::Ended(_) => {}
            _ => assert_ne!(self.waits, Waits::Let, "success, and not open"),
        }
        self.output.take(&mut self.engine);
    }
}

fn sign(login: &mut ClientLogin<'_>, request: Option<SignatureRequest>) -> Result<(), Error> {
    let request = request.ok_or(Error::Misuse("nothing to sign"))?;
    let signature = rig::host_key().sign(request.data());
    login.signature(request, &signature)
}

fn presented() -> Presented {
    let key: &PublicKey = rig::host_key().public_key();
    Presented::Key(key.clone())
}

fn secret(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(bytes).into_owned())
}
