//! Two engines back to back: a real key exchange, a login by a script, then whatever either side says.
//!
//! Asserts: nothing but the login opens a connection; what is held and sent stays bounded, also while keys are exchanged again;
//! as long as nobody says what an engine would not say, nothing ends, and what arrives is what was sent.

use std::sync::Arc;
use std::time::Duration;

use sallyport_ssh::engine::{Engine, Phase};
use sallyport_ssh::error::Error;
use sallyport_ssh::kex::Method;
use sallyport_ssh::time::Now;
use sallyport_ssh::transport::{RekeyLimits, TransportConfig};

use super::input::Input;
use super::rig;

mod side;

use side::Side;

const STEPS_MAX: usize = 256;
const METHODS: [Method; 4] = [Method::Curve25519, Method::Curve25519, Method::MlKem768X25519, Method::Sntrup761X25519];

/// First byte: key exchange, and whether it is repeated soon. Then steps, each on one of the sides.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = Pair::new(input.choice());
    for _ in 0..STEPS_MAX {
        let Some(step) = input.byte() else { break };
        pair.step(step, &mut input);
        for side in &mut pair.sides {
            rig::check(&mut side.engine);
        }
        if pair.is_over() {
            break;
        }
    }
    pair.settle();
    if pair.talk == Talk::Honest {
        pair.check_honest();
    }
}

/// Both ends of one connection.
struct Pair {
    /// The server, then the client.
    sides: [Side; 2],
    now: Now,
    talk: Talk,
}

/// What may have gone wrong by now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Talk {
    /// Nothing.
    Honest,
    /// Somebody waited too long, or closed a channel while bytes were on their way.
    Careless,
    /// Somebody said what an engine would not say.
    Hostile,
}

impl Pair {
    fn new(choice: u8) -> Self {
        let now = rig::start();
        let method = METHODS[usize::from(choice) % METHODS.len()];
        let (mut server, mut client) = (rig::server_config(rig::auth_config()), rig::client_config());
        for config in [&mut server.transport, &mut client.transport] {
            adjust(Arc::get_mut(config).unwrap(), method, choice & 4 != 0);
        }
        let mut server = Engine::server(&server, rig::entropy(), now).unwrap();
        let mut client = Engine::client(&client, rig::entropy(), now).unwrap();
        rig::log_in(&mut server, &mut client, now);
        assert!(server.session_id().is_some() && server.session_id() == client.session_id());
        Self { sides: [Side::new(server), Side::new(client)], now, talk: Talk::Honest }
    }

    fn step(&mut self, step: u8, input: &mut Input<'_>) {
        let at = usize::from(step & 1);
        let side = &mut self.sides[at];
        let talk = match step >> 1 & 15 {
            0..=2 => {
                side.say(input.chunk());
                Talk::Hostile
            }
            3 | 4 => side.open(input.choice()),
            5..=7 => side.send(input.choice(), 8 * usize::from(input.choice())),
            8 => side.consume(input.choice()),
            9 => side.ask(input.choice()),
            10 => side.finish(input.choice()),
            11 => {
                self.now = self.now.after(Duration::from_secs(u64::from(input.choice())));
                side.engine.on_time(self.now);
                Talk::Careless
            }
            12 => {
                self.carry(at, 1 + usize::from(input.choice()));
                Talk::Honest
            }
            _ => {
                self.carry(at, usize::MAX);
                Talk::Honest
            }
        };
        self.talk = self.talk.max(talk);
        self.listen();
    }

    /// Carries at most so many bytes from one side to the other.
    fn carry(&mut self, from: usize, bytes_max: usize) {
        let bytes = self.sides[from].engine.unsent();
        let bytes = bytes[..bytes.len().min(bytes_max)].to_vec();
        self.sides[from].engine.sent(bytes.len());
        rig::feed(&mut self.sides[1 - from].engine, &bytes, self.now);
    }

    fn listen(&mut self) {
        for side in &mut self.sides {
            side.listen(self.now);
        }
    }

    fn is_over(&mut self) -> bool {
        self.sides.iter_mut().any(|side| matches!(side.engine.phase(), Phase::Ended(_)))
    }

    /// Carries and takes everything.
    fn settle(&mut self) {
        for _ in 0..64 {
            for from in [0, 1] {
                self.carry(from, usize::MAX);
                self.listen();
            }
            for side in &mut self.sides {
                side.consume_all();
            }
        }
    }

    /// Both are still there, and nothing is missing.
    fn check_honest(&mut self) {
        for side in &mut self.sides {
            if let Phase::Ended(error) = side.engine.phase() {
                let error: &Error = error;
                panic!("an honest connection ended: {error}");
            }
            assert!(side.engine.unsent().is_empty(), "they talk without end");
        }
        let [server, client] = &self.sides;
        assert_eq!(server.sent, client.received, "from the server");
        assert_eq!(client.sent, server.received, "from the client");
    }
}

fn adjust(config: &mut TransportConfig, method: Method, restless: bool) {
    config.preferences.methods = vec![method];
    if restless {
        config.rekey = RekeyLimits { bytes: 4096, packets: 64, ..RekeyLimits::default() };
    }
}
