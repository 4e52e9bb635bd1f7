//! P15, as far as it is the engine's: whatever comes, in whatever phase, nothing panics, nothing grows without bound, and whoever
//! is not in reaches no handler.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use sallyport_ssh::message::{connection, transport as msg, userauth as auth_msg};
use sallyport_ssh::packet::{UNSENT_BYTES_MAX, UNSENT_BYTES_SOFT};

use crate::raw::{Raw, message};
use crate::talk::{adjust, channel_open, close, data, exec, honest, offer, password, service_request, userauth};
use crate::victim::{Victim, user_key};

/// How far the attacker goes by the book before it stops to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    Nothing,
    Version,
    KexInit,
    Agreed,
    Keys,
    Service,
    Success,
    Channel,
}

/// Something to say.
#[derive(Debug, Clone)]
enum Saying {
    /// Bytes that are no packet.
    Noise(Vec<u8>),
    /// A packet by the book, with any content.
    Message(u8, Vec<u8>),
    /// A message by the book, with some bytes changed.
    Mutant {
        which: prop::sample::Index,
        changes: Vec<(prop::sample::Index, u8)>,
        length: Option<prop::sample::Index>,
    },
    Wait(u16),
    /// The attacker reads.
    Read,
}

fn saying() -> impl Strategy<Value = Saying> {
    prop_oneof![
        1 => vec(any::<u8>(), 0..200).prop_map(Saying::Noise),
        4 => (any::<u8>(), vec(any::<u8>(), 0..100)).prop_map(|(number, body)| Saying::Message(number, body)),
        10 => (any::<prop::sample::Index>(), vec(any::<(prop::sample::Index, u8)>(), 0..3), any::<Option<prop::sample::Index>>())
            .prop_map(|(which, changes, length)| Saying::Mutant { which, changes, length }),
        1 => any::<u16>().prop_map(Saying::Wait),
        1 => Just(Saying::Read),
    ]
}

/// Everything that there is to say, by the book.
fn book(raw: &Raw) -> Vec<Vec<u8>> {
    let on_channel = |number| message(number, |w| w.u32(0));
    let request = |name: &[u8]| message(connection::CHANNEL_REQUEST, |w| w.u32(0).string(name).bool(true));
    let global = |name: &[u8]| message(connection::GLOBAL_REQUEST, |w| w.string(name).bool(true));
    vec![
        raw.offer.payload(),
        vec![msg::NEWKEYS],
        message(msg::KEX_INIT, |w| w.string(&[9; 32])),
        message(msg::KEX_REPLY, |w| w.string(&[0; 51]).string(&[9; 32]).string(&[0; 83])),
        message(msg::DISCONNECT, |w| w.u32(11).string(b"bye").string(b"")),
        message(msg::IGNORE, |w| w.string(b"")),
        message(msg::EXT_INFO, |w| w.u32(1).string(b"server-sig-algs").string(b"ssh-ed25519")),
        message(msg::PING, |w| w.string(b"ping")),
        service_request(),
        message(msg::SERVICE_ACCEPT, |w| w.string(b"ssh-userauth")),
        password("alice", "secret"),
        offer("alice", user_key().public_key().blob()),
        userauth("alice", "keyboard-interactive", |w| w.string(b"").string(b"")),
        message(auth_msg::INFO_RESPONSE, |w| w.u32(1).string(b"x")),
        message(auth_msg::FAILURE, |w| w.string(b"publickey").bool(false)),
        message(auth_msg::BANNER, |w| w.string(b"hello").string(b"")),
        vec![auth_msg::SUCCESS],
        channel_open("session", 1, 1000, 1000),
        channel_open("x11", 2, 1000, 1000),
        message(connection::CHANNEL_OPEN_CONFIRMATION, |w| w.u32(0).u32(1).u32(1000).u32(1000)),
        message(connection::CHANNEL_OPEN_FAILURE, |w| w.u32(0).u32(1).string(b"no").string(b"")),
        adjust(0, 1000),
        data(0, b"data"),
        message(connection::CHANNEL_EXTENDED_DATA, |w| w.u32(0).u32(1).string(b"data")),
        exec(0, b"id"),
        request(b"shell"),
        message(connection::CHANNEL_REQUEST, |w| w.u32(0).string(b"exit-status").bool(false).u32(1)),
        on_channel(connection::CHANNEL_EOF),
        on_channel(connection::CHANNEL_SUCCESS),
        close(0),
        global(b"keepalive@openssh.com"),
        global(b"no-more-sessions@openssh.com"),
        message(connection::GLOBAL_REQUEST, |w| w.string(b"hostkeys-prove-00@openssh.com").bool(true).string(b"key")),
        message(connection::GLOBAL_REQUEST, |w| w.string(b"tcpip-forward").bool(true).string(b"").u32(0)),
        message(connection::REQUEST_SUCCESS, |w| w),
    ]
}

/// An attacker that has come so far, facing a server.
fn client_at(reached: Reached, victim: &mut Victim) -> Raw {
    let mut raw = match reached {
        Reached::Nothing => return Raw::silent(victim),
        Reached::Success => return Raw::guest(victim),
        Reached::Channel => return Raw::with_channel(victim).0,
        Reached::Service => return Raw::knock(victim),
        Reached::Keys => {
            let mut raw = Raw::facing(victim);
            raw.exchange(victim);
            return raw;
        }
        Reached::Version | Reached::KexInit | Reached::Agreed => Raw::facing(victim),
    };
    if reached != Reached::Version {
        raw.open(victim);
    }
    if reached == Reached::Agreed {
        raw.agree(victim);
    }
    raw
}

/// The same, facing a client.
fn server_at(reached: Reached, victim: &mut Victim) -> Raw {
    let mut raw = match reached {
        Reached::Nothing => return Raw::silent(victim),
        Reached::Success => return Raw::server(victim),
        Reached::Channel => {
            let mut raw = Raw::server(victim);
            let kind = sallyport_ssh::connection::ChannelKind::Session;
            victim.engine.open_phase().unwrap().open(&kind).unwrap();
            raw.send(victim, &message(connection::CHANNEL_OPEN_CONFIRMATION, |w| w.u32(0).u32(1).u32(1000).u32(1000)));
            return raw;
        }
        _ => Raw::facing(victim),
    };
    match reached {
        Reached::KexInit => raw.open(victim),
        Reached::Agreed => {
            raw.open(victim);
            raw.prove(victim, &honest());
        }
        Reached::Keys | Reached::Service => raw.host(victim, &honest()),
        _ => {}
    }
    raw
}

fn say(raw: &mut Raw, victim: &mut Victim, saying: Saying) {
    match saying {
        Saying::Noise(bytes) => drop(victim.take(&bytes)),
        Saying::Message(number, body) => raw.send(victim, &message(number, |w| w.bytes(&body))),
        Saying::Mutant { which, changes, length } => {
            let mut payload = which.get(&book(raw)).clone();
            for (at, byte) in changes {
                let at = at.index(payload.len());
                payload[at] = byte;
            }
            if let Some(length) = length {
                payload.truncate(1 + length.index(payload.len()));
            }
            raw.send(victim, &payload);
        }
        Saying::Wait(ms) => victim.wait(Duration::from_millis(ms.into())),
        Saying::Read => drop(victim.said()),
    }
}

fn attack(reached: Reached, mut victim: Victim, sayings: Vec<Saying>, at: fn(Reached, &mut Victim) -> Raw) {
    let mut raw = at(reached, &mut victim);
    let known = matches!(reached, Reached::Success | Reached::Channel);
    let client = victim.engine.role() == sallyport_ssh::role::Role::Client;
    victim.heard.clear();
    for saying in sayings {
        let over = victim.ended.is_some();
        let heard = victim.heard.len();
        say(&mut raw, &mut victim, saying);
        assert!(victim.engine.unsent().len() <= UNSENT_BYTES_MAX + UNSENT_BYTES_SOFT);
        assert!(!over || victim.heard.len() == heard, "something was heard after the end");
        // A server may say SUCCESS when it has been asked, and a client believes its server.
        assert!(known || client || victim.handled().is_empty() && !victim.is_in(), "{:?}", victim.heard);
    }
}

const REACHED: [Reached; 8] = [
    Reached::Nothing,
    Reached::Version,
    Reached::KexInit,
    Reached::Agreed,
    Reached::Keys,
    Reached::Service,
    Reached::Success,
    Reached::Channel,
];

proptest! {
    // More with PROPTEST_CASES.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), ..ProptestConfig::default() })]

    /// Fails when anything on the way of a message can panic; none of it is known to.
    #[test]
    fn p15_a_server_survives_anything(reached in prop::sample::select(&REACHED[..]), sayings in vec(saying(), 1..20)) {
        attack(reached, Victim::server(), sayings, client_at);
    }

    #[test]
    fn p15_a_client_survives_anything(reached in prop::sample::select(&REACHED[..]), sayings in vec(saying(), 1..20)) {
        attack(reached, Victim::client(), sayings, server_at);
    }
}
