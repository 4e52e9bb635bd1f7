//! Every message in every state: `docs/reference/ssh-states.md`, made by trying.
//!
//! `SALLYPORT_BLESS=1` writes the page anew; a reviewer reads its difference.

use std::fmt::Write as _;
use std::path::Path;

use super::pair::Pair;
use crate::engine::{Engine, State, Step};
use crate::kex::{Initiator, KexInit, Method, Phase as KexPhase, Preferences};
use crate::role::Role;
use crate::wire::{Writer, encode};

/// What the engine is in, seen from outside.
fn stage(engine: &Engine) -> (&'static str, &'static str) {
    let phase = match engine.state {
        State::Handshake => "handshake",
        State::ServerAuth(_) | State::ClientAuth(_) => "sign-in",
        State::Open(_) => "open",
        State::Ended(_) => "ended",
    };
    (phase, engine.transport.stage())
}

/// The states of one role, in the order in which a connection comes through them.
fn stages(role: Role) -> Vec<(&'static str, &'static str)> {
    let answer = if role == Role::Server { "await init" } else { "await reply" };
    vec![
        ("handshake", "offered"),
        ("handshake", answer),
        ("handshake", "await newkeys"),
        ("sign-in", "ready"),
        ("sign-in", "offered"),
        ("sign-in", answer),
        ("sign-in", "await newkeys"),
        ("open", "ready"),
        ("open", "offered"),
        ("open", answer),
        ("open", "await newkeys"),
    ]
}

/// An engine taken to a state through a real exchange with a peer.
fn reach(role: Role, wanted: (&str, &str)) -> Pair {
    let mut pair = Pair::new();
    let subject = |pair: &Pair| stage(if role == Role::Server { &pair.server } else { &pair.client });
    if wanted.0 == "handshake" {
        pair.run(|pair| subject(pair) == wanted);
    } else {
        pair.run(|pair| subject(pair) == (wanted.0, "ready"));
        if wanted.1 != "ready" {
            // Our own KEXINIT first: the state in which only ours is out.
            let now = pair.now;
            let engine = if role == Role::Server { &mut pair.server } else { &mut pair.client };
            engine.transport.rekey(now).unwrap();
            pair.run(|pair| subject(pair) == wanted);
        }
    }
    assert_eq!(subject(&pair), wanted, "the state was never reached");
    pair
}

type Fill = Box<dyn Fn(&mut Writer<'_>)>;

/// Well-formed messages, by name, as the peer of `role` could send them.
fn messages(role: Role) -> Vec<(&'static str, u8, Fill)> {
    fn plain(fill: impl Fn(&mut Writer<'_>) + 'static) -> Fill {
        Box::new(fill)
    }
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    let preferences = Preferences::client();
    let kexinit = KexInit::ours(peer, &preferences, KexPhase::Rekey, [7; 16]).unwrap().payload()[1..].to_vec();
    let public = Initiator::start(Method::MlKem768X25519).unwrap().1;
    let channel = || {
        plain(|w| {
            w.u32(99);
        })
    };
    vec![
        (
            "DISCONNECT",
            1,
            plain(|w| {
                w.u32(11).string(b"bye").string(b"");
            }),
        ),
        (
            "IGNORE",
            2,
            plain(|w| {
                w.string(b"x");
            }),
        ),
        (
            "UNIMPLEMENTED",
            3,
            plain(|w| {
                w.u32(0);
            }),
        ),
        (
            "DEBUG",
            4,
            plain(|w| {
                w.bool(false).string(b"x").string(b"");
            }),
        ),
        (
            "SERVICE_REQUEST",
            5,
            plain(|w| {
                w.string(b"ssh-userauth");
            }),
        ),
        (
            "SERVICE_ACCEPT",
            6,
            plain(|w| {
                w.string(b"ssh-userauth");
            }),
        ),
        (
            "EXT_INFO",
            7,
            plain(|w| {
                w.u32(0);
            }),
        ),
        ("8 to 19 (no message)", 11, plain(|_| {})),
        (
            "KEXINIT",
            20,
            plain(move |w| {
                w.bytes(&kexinit);
            }),
        ),
        ("NEWKEYS", 21, plain(|_| {})),
        (
            "KEX_INIT (30)",
            30,
            plain(move |w| {
                w.string(&public);
            }),
        ),
        (
            "KEX_REPLY (31), not by the host",
            31,
            plain(|w| {
                w.string(b"").string(b"").string(b"");
            }),
        ),
        ("32 to 49 (other methods)", 34, plain(|_| {})),
        (
            "USERAUTH_REQUEST",
            50,
            plain(|w| {
                w.string(b"alice").string(b"ssh-connection").string(b"none");
            }),
        ),
        (
            "USERAUTH_FAILURE",
            51,
            plain(|w| {
                w.string(b"publickey").bool(false);
            }),
        ),
        ("USERAUTH_SUCCESS", 52, plain(|_| {})),
        (
            "USERAUTH_BANNER",
            53,
            plain(|w| {
                w.string(b"hello").string(b"");
            }),
        ),
        (
            "USERAUTH 60 (method's own)",
            60,
            plain(|w| {
                w.string(b"ssh-ed25519").string(b"");
            }),
        ),
        (
            "USERAUTH 61 (method's own)",
            61,
            plain(|w| {
                w.u32(0);
            }),
        ),
        (
            "GLOBAL_REQUEST",
            80,
            plain(|w| {
                w.string(b"keepalive@openssh.com").bool(true);
            }),
        ),
        ("REQUEST_SUCCESS, to nothing", 81, plain(|_| {})),
        (
            "CHANNEL_OPEN",
            90,
            plain(|w| {
                w.string(b"hello@example.com").u32(0).u32(1 << 20).u32(1 << 15);
            }),
        ),
        (
            "CHANNEL_DATA, never opened",
            94,
            plain(|w| {
                w.u32(99).string(b"x");
            }),
        ),
        ("CHANNEL_CLOSE, never opened", 97, channel()),
        (
            "CHANNEL_REQUEST, never opened",
            98,
            plain(|w| {
                w.u32(99).string(b"shell").bool(true);
            }),
        ),
        ("CHANNEL_SUCCESS, never opened", 99, channel()),
        ("101 to 127 (no message)", 110, plain(|_| {})),
        ("128 to 191 (no message)", 150, plain(|_| {})),
        (
            "PING (192)",
            192,
            plain(|w| {
                w.string(b"x");
            }),
        ),
        (
            "PONG (193)",
            193,
            plain(|w| {
                w.string(b"x");
            }),
        ),
    ]
}

/// What a message does in a state.
fn outcome(role: Role, state: (&str, &str), number: u8, fill: &Fill) -> String {
    let mut pair = reach(role, state);
    let now = pair.now;
    let engine = if role == Role::Server { &mut pair.server } else { &mut pair.client };
    let payload = encode(|w| {
        w.u8(number);
        fill(w);
    })
    .unwrap();
    let before = engine.unsent().len();
    let taken = match engine.transport.inject(&payload, now) {
        Ok(Some(received)) => engine.received(received, now).map(|step| matches!(step, Step::Event(_))),
        Ok(None) => Ok(false),
        Err(error) => Err(error),
    };
    let after = stage(engine);
    match taken {
        Err(_) => "**ends**".to_owned(),
        Ok(_) if after != state => format!("→ {}", after.1),
        Ok(true) => "event".to_owned(),
        Ok(false) if engine.unsent().len() > before => "answered".to_owned(),
        Ok(false) => "taken".to_owned(),
    }
}

fn page() -> String {
    let mut page = String::from(HEAD);
    for role in [Role::Server, Role::Client] {
        let name = if role == Role::Server { "server" } else { "client" };
        let _ = write!(page, "\n## As a {name}\n\n| the peer sends |");
        for (phase, kex) in stages(role) {
            let _ = write!(page, " {phase}: {kex} |");
        }
        let _ = write!(page, "\n|---|{}\n", "---|".repeat(stages(role).len()));
        for (message, number, fill) in messages(role) {
            let _ = write!(page, "| {message} |");
            for state in stages(role) {
                let _ = write!(page, " {} |", outcome(role, state, number, &fill));
            }
            page.push('\n');
        }
    }
    page
}

const HEAD: &str = "# States of the SSH engine

Made by a test that takes a real engine to each state, gives it each message, and writes down what happened
(`SALLYPORT_BLESS=1 cargo test -p sallyport-ssh --lib states` writes it anew). A state has two parts: how far the connection has
come (handshake, sign-in, open), and where the key exchange stands:

- *ready*: no key exchange runs
- *offered*: our KEXINIT is out, the peer's has not come; it may still send anything that it could send before
- *await init*, *await reply*: both KEXINITs are there; the peer may send nothing but the exchange (RFC 4253, section 7.1)
- *await newkeys*: our NEWKEYS is out

A cell says: **ends** (the peer is told why and the connection is over), an arrow (the next state of the key exchange), *event*
(the user of the engine hears of it), *answered* (the engine answers by itself), *taken* (no visible effect; it may have
changed what the engine will say later). Messages that the exchange needs are shown with a valid content where a stranger can
make one; a KEX_REPLY is valid only from the host, and then leads to *await newkeys*.

In the handshake nothing but the exchange is taken, not even IGNORE: strict key exchange asks for it, and no peer needs it.
";

#[test]
fn states_are_as_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/ssh-states.md");
    let page = page();
    if std::env::var_os("SALLYPORT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == page, "the page of states is not what the engine does; bless it and read the difference");
}
