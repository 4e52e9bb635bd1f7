//! Signing in to us (RFC 4252, RFC 4256): a client that says anything, and a user of the engine that answers anything.
//!
//! Asserts: the connection opens exactly when an attempt was accepted, and SUCCESS is said once (P3); a verified identity is one
//! that was signed for, under that very name (P1: the only signatures there are, in the corpus, are for `alice`); what was
//! shown belongs to one name; no more is asked and refused than the limits allow; a failure says what it may.

use std::time::Duration;

use sallyport_ssh::auth::{MethodSet, ServerAuthConfig, ServerAuthEvent};
use sallyport_ssh::engine::{Engine, Event, Phase};
use sallyport_ssh::message::userauth;
use sallyport_ssh::time::Now;
use sallyport_ssh::wire::Reader;

use super::input::Input;
use super::rig;

mod ledger;

use ledger::Ledger;

const STEPS_MAX: usize = 256;

/// First byte: how the server is configured. Then steps: a message, a while, a banner. Each event takes one byte as its answer.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut desk = Desk::new(input.choice());
    for _ in 0..STEPS_MAX {
        let Some(step) = input.byte() else { break };
        match step % 8 {
            0..=4 => desk.hear(input.chunk()),
            5 => desk.hear_again(&mut input),
            6 => desk.wait(Duration::from_millis(10 * u64::from(input.choice()))),
            _ => desk.banner(input.chunk()),
        }
        desk.answer(&mut input);
        desk.check();
        if desk.is_over() {
            break;
        }
    }
}

/// A server that somebody signs in to.
struct Desk {
    engine: Engine,
    config: ServerAuthConfig,
    output: rig::Output,
    now: Now,
    early: rig::Early,
    last: Vec<u8>,
    ledger: Ledger,
}

impl Desk {
    fn new(choice: u8) -> Self {
        let mut config = rig::auth_config();
        if choice & 1 != 0 {
            config.answer_floor = Duration::from_millis(20);
        }
        if choice & 2 != 0 {
            config.methods = MethodSet::PUBLIC_KEY;
        }
        if choice & 4 != 0 {
            config.certificate_policy = None;
        }
        if choice & 8 == 0 {
            config.source = Some([127, 0, 0, 1].into());
        }
        let server = rig::server_config(config.clone());
        let engine = Engine::danger_keyed_server(&server, None, rig::entropy(), rig::start()).unwrap();
        Self {
            engine,
            config,
            output: rig::Output::default(),
            now: rig::start(),
            early: rig::Early::default(),
            last: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    fn hear(&mut self, payload: &[u8]) {
        self.last = payload.to_vec();
        if self.early.feed(&mut self.engine, &rig::packet(payload), self.now) {
            self.ledger.heard(payload);
        }
    }

    /// The last message once more, and more often: what is bounded by volume, no short script would reach.
    fn hear_again(&mut self, input: &mut Input<'_>) {
        for _ in 0..input.choice() {
            self.hear(&self.last.clone());
            self.answer(input);
            self.check();
            if self.is_over() {
                break;
            }
        }
    }

    fn wait(&mut self, passed: Duration) {
        self.now = self.now.after(passed);
        self.engine.on_time(self.now);
    }

    fn banner(&mut self, text: &[u8]) {
        if let Phase::ServerAuth(mut login) = self.engine.phase() {
            // Too many, or too long ones, are refused; that is no matter here.
            let _ = login.banner(&String::from_utf8_lossy(text));
        }
    }

    fn is_over(&mut self) -> bool {
        self.output.sealed || matches!(self.engine.phase(), Phase::Ended(_) | Phase::Open(_))
    }

    /// Takes every event, and answers each by a byte of the script.
    fn answer(&mut self, input: &mut Input<'_>) {
        while let Some(event) = self.next_event() {
            self.ledger.note(&event, &self.config);
            let answered = match self.engine.phase() {
                Phase::ServerAuth(login) => self.ledger.answer(login, event, input.choice(), self.now),
                _ => Ok(()),
            };
            if let Err(error) = answered {
                self.engine.fail(error);
            }
        }
    }

    fn next_event(&mut self) -> Option<ServerAuthEvent> {
        loop {
            let anything = match self.engine.next_event(self.now) {
                Some(Event::ServerAuth(event)) => return Some(event),
                Some(Event::Keys(_) | Event::Ended(_)) => true,
                Some(_) => panic!("an event of another phase"),
                None => false,
            };
            if !anything && !self.is_due() {
                return None;
            }
            if !anything {
                self.engine.on_time(self.now);
            }
        }
    }

    /// Whether a driver would look at the clock now.
    fn is_due(&self) -> bool {
        self.engine.deadline().is_some_and(|due| due <= self.now.monotonic)
    }

    fn check(&mut self) {
        rig::check(&mut self.engine);
        self.early.check(&mut self.engine, 64 * 1024 + 64);
        self.ledger.check(&self.config);
        match self.engine.phase() {
            Phase::Open(_) => assert_eq!(self.ledger.accepted, 1, "open, and nobody was let in"),
            Phase::Ended(_) => {}
            _ => assert_eq!(self.ledger.accepted, 0, "let in, and not open"),
        }
        for payload in self.output.take(&mut self.engine) {
            match payload.first().copied() {
                Some(userauth::SUCCESS) => self.ledger.said_success += 1,
                Some(userauth::FAILURE) => self.failure(&payload),
                _ => {}
            }
        }
        // Either may still be held back by a key exchange.
        assert!(self.ledger.said_success <= self.ledger.accepted);
        assert!(self.ledger.said_partial <= self.ledger.partial);
    }

    fn failure(&mut self, payload: &[u8]) {
        let mut reader = Reader::new(&payload[1..]);
        let names = reader.name_list().unwrap();
        let known: Vec<&str> = self.config.methods.names().collect();
        assert!(names.iter().count() > 0 && names.iter().all(|name| known.contains(&name)));
        if reader.bool().unwrap() {
            self.ledger.said_partial += 1;
        }
        reader.finish().unwrap();
    }
}
