//! Every message in every state: `docs/reference/ssh-states.md`, made by trying.
//!
//! `SALLYPORT_BLESS=1` writes the page anew; a reviewer reads its difference.

use std::fmt::Write as _;
use std::path::Path;

use super::pair::Pair;
use crate::engine::{Engine, State, Step};
use crate::kex::{Initiator, KexInit, Method, Phase as KexPhase, Preferences};
use crate::role::Role;
use crate::wire::encode;

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

/// A field of a message.
enum Field {
    Bool(bool),
    Number(u32),
    Text(&'static [u8]),
}
use Field::{Bool, Number, Text};

/// Well-formed messages by name. Those of a key exchange get their content from [`content`].
const MESSAGES: &[(&str, u8, &[Field])] = &[
    ("DISCONNECT", 1, &[Number(11), Text(b"bye"), Text(b"")]),
    ("IGNORE", 2, &[Text(b"x")]),
    ("UNIMPLEMENTED", 3, &[Number(0)]),
    ("DEBUG", 4, &[Bool(false), Text(b"x"), Text(b"")]),
    ("SERVICE_REQUEST", 5, &[Text(b"ssh-userauth")]),
    ("SERVICE_ACCEPT", 6, &[Text(b"ssh-userauth")]),
    ("EXT_INFO", 7, &[Number(0)]),
    ("8 to 19 (no message)", 11, &[]),
    ("KEXINIT", 20, &[]),
    ("NEWKEYS", 21, &[]),
    ("KEX_INIT (30)", 30, &[]),
    ("KEX_REPLY (31), not by the host", 31, &[Text(b""), Text(b""), Text(b"")]),
    ("32 to 49 (other methods)", 34, &[]),
    ("USERAUTH_REQUEST", 50, &[Text(b"alice"), Text(b"ssh-connection"), Text(b"none")]),
    ("USERAUTH_FAILURE", 51, &[Text(b"publickey"), Bool(false)]),
    ("USERAUTH_SUCCESS", 52, &[]),
    ("USERAUTH_BANNER", 53, &[Text(b"hello"), Text(b"")]),
    ("USERAUTH 60 (method's own)", 60, &[Text(b"ssh-ed25519"), Text(b"")]),
    ("USERAUTH 61 (method's own)", 61, &[Number(0)]),
    ("GLOBAL_REQUEST", 80, &[Text(b"keepalive@openssh.com"), Bool(true)]),
    ("REQUEST_SUCCESS, to nothing", 81, &[]),
    ("CHANNEL_OPEN", 90, &[Text(b"hello@example.com"), Number(0), Number(1 << 20), Number(1 << 15)]),
    ("CHANNEL_DATA, never opened", 94, &[Number(99), Text(b"x")]),
    ("CHANNEL_CLOSE, never opened", 97, &[Number(99)]),
    ("CHANNEL_REQUEST, never opened", 98, &[Number(99), Text(b"shell"), Bool(true)]),
    ("CHANNEL_SUCCESS, never opened", 99, &[Number(99)]),
    ("101 to 127 (no message)", 110, &[]),
    ("128 to 191 (no message)", 150, &[]),
    ("PING (192)", 192, &[Text(b"x")]),
    ("PONG (193)", 193, &[Text(b"x")]),
];

/// A whole message, as the peer of `role` could send it.
fn content(role: Role, number: u8, fields: &[Field]) -> Vec<u8> {
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    if number == 20 {
        return KexInit::ours(peer, &Preferences::client(), KexPhase::Rekey, [7; 16]).unwrap().payload().to_vec();
    }
    encode(|w| {
        w.u8(number);
        for field in fields {
            match field {
                Bool(value) => w.bool(*value),
                Number(value) => w.u32(*value),
                Text(value) => w.string(value),
            };
        }
        if number == 30 {
            w.string(&Initiator::start(Method::MlKem768X25519).unwrap().1);
        }
    })
    .unwrap()
}

/// What a message does in a state.
fn outcome(role: Role, state: (&str, &str), payload: &[u8]) -> String {
    let mut pair = reach(role, state);
    let now = pair.now;
    let engine = if role == Role::Server { &mut pair.server } else { &mut pair.client };
    let before = engine.unsent().len();
    let taken = match engine.transport.inject(payload, now) {
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
        for (message, number, fields) in MESSAGES {
            let payload = content(role, *number, fields);
            let _ = write!(page, "| {message} |");
            for state in stages(role) {
                let _ = write!(page, " {} |", outcome(role, state, &payload));
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
