//! The version exchange (RFC 4253, section 4.2), in both roles.
//!
//! Asserts: how the bytes are cut makes no difference; a version that is taken is a line of the peer's, and one that the
//! RFC allows; a client says nothing before its version; what an engine holds and sends is bounded.

use sallyport_ssh::engine::{Engine, Event};
use sallyport_ssh::error::Error;
use sallyport_ssh::role::Role;

use super::input::Input;
use super::rig;

/// First byte: the role and how the bytes are cut. The rest: what the peer sends.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.choice();
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let sent = input.rest();
    let cut = 1 + usize::from(choice >> 1);
    // What follows the version belongs to other targets: no piece reaches beyond a line.
    let lines = || sent.split_inclusive(|byte| *byte == b'\n');
    let outcome = exchange(role, lines());
    assert_eq!(outcome, exchange(role, lines().flat_map(|line| line.chunks(cut))), "pieces of {cut} bytes");
    match &outcome.version {
        Some(version) => check_version(role, version, sent),
        None => {
            assert_eq!(outcome, exchange(role, std::iter::once(sent)), "all at once");
            assert!(outcome.error.is_some() || is_patient(sent), "this is no longer waited for");
        }
    }
}

/// What an engine may wait for: few and short lines, and a version still to come.
fn is_patient(sent: &[u8]) -> bool {
    let lines = || sent.split(|byte| *byte == b'\n');
    lines().all(|line| line.len() <= 2048) && lines().count() <= 65
}

/// What came of the exchange.
#[derive(Debug, PartialEq)]
struct Outcome {
    version: Option<Vec<u8>>,
    error: Option<Error>,
    unsent: Vec<u8>,
}

fn exchange<'a>(role: Role, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut engine = fresh(role);
    let mut outcome = Outcome { version: None, error: None, unsent: Vec::new() };
    let mut early = rig::Early::default();
    for piece in pieces {
        early.feed(&mut engine, piece, rig::start());
        while let Some(event) = engine.next_event(rig::start()) {
            match event {
                Event::Ended(error) => outcome.error = Some(error),
                _ => panic!("something happened before there were keys"),
            }
        }
        outcome.version = engine.peer_version().map(<[u8]>::to_vec);
        rig::check(&mut engine);
        early.check(&mut engine, piece.len());
        if outcome.version.is_some() || outcome.error.is_some() {
            break;
        }
    }
    outcome.unsent = engine.unsent().to_vec();
    outcome
}

fn fresh(role: Role) -> Engine {
    match role {
        Role::Server => Engine::server(&rig::server_config(rig::auth_config()), rig::entropy(), rig::start()),
        Role::Client => Engine::client(&rig::client_config(), rig::entropy(), rig::start()),
    }
    .unwrap()
}

fn check_version(role: Role, version: &[u8], sent: &[u8]) {
    assert!(version.len() <= 254, "a version of {} bytes", version.len());
    assert!(version.iter().all(|byte| (0x20..0x7f).contains(byte)), "a version that is not printable");
    let old = role == Role::Client && version.starts_with(b"SSH-1.99-");
    assert!(old || version.starts_with(b"SSH-2.0-"), "another protocol was taken");
    let mut lines = sent.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    match role {
        Role::Server => assert_eq!(lines.next(), Some(version), "the client said something before its version"),
        Role::Client => assert_eq!(lines.find(|line| line.starts_with(b"SSH-")), Some(version)),
    }
}
