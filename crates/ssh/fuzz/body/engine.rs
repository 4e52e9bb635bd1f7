//! A whole engine, fresh, in both roles: bytes in, whatever they are.
//!
//! Asserts: nobody gets beyond the key exchange, so there is no event of any later phase and nothing is ever open (P3); what is
//! read, held and sent meanwhile is bounded (P4); how the bytes are cut makes no difference.

use sallyport_ssh::engine::{EARLY_BYTES_MAX, Engine, Event, Phase};
use sallyport_ssh::error::Error;

use super::input::Input;
use super::rig;

/// First byte: the role and how the bytes are cut. The rest: what the peer sends.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.choice();
    let sent = input.rest();
    let cut = 1 + usize::from(choice >> 1);
    let pieces = talk(choice & 1, sent, cut);
    let whole = talk(choice & 1, sent, sent.len().max(1));
    if !pieces.keyed && pieces.error.is_none() && sent.len() < EARLY_BYTES_MAX {
        check_packets(sent);
    }
    // Behind NEWKEYS everything hangs on ephemeral keys, which are new each time.
    if !pieces.keyed && !whole.keyed && sent.len() < EARLY_BYTES_MAX {
        assert_eq!(pieces.error, whole.error, "cut into pieces of {cut} bytes");
    }
}

/// What came of it.
struct Outcome {
    keyed: bool,
    error: Option<Error>,
}

fn talk(role: u8, sent: &[u8], cut: usize) -> Outcome {
    let mut engine = if role == 0 {
        Engine::server(&rig::server_config(rig::auth_config()), rig::entropy(), rig::start())
    } else {
        Engine::client(&rig::client_config(), rig::entropy(), rig::start())
    }
    .unwrap();
    let mut outcome = Outcome { keyed: false, error: None };
    let mut early = rig::Early::default();
    for piece in sent.chunks(cut) {
        early.feed(&mut engine, piece, rig::start());
        while let Some(event) = engine.next_event(rig::start()) {
            match event {
                Event::Keys(_) => outcome.keyed = true,
                Event::Ended(error) => outcome.error = Some(error),
                _ => panic!("an event of a phase that nobody can have reached"),
            }
        }
        assert!(!matches!(engine.phase(), Phase::Open(_)), "open, without keys");
        assert!(outcome.error.is_some() || role == 0 || !outcome.keyed, "keys without the host's signature");
        rig::check(&mut engine);
        early.check(&mut engine, piece.len());
    }
    outcome
}

/// Before there are keys, whoever says anything but its part of the exchange is sent away (Terrapin, P7).
fn check_packets(sent: &[u8]) {
    let lines = sent.split_inclusive(|byte| *byte == b'\n');
    let behind: usize = lines.take_while(|line| !line.starts_with(b"SSH-")).map(<[u8]>::len).sum();
    let version = sent[behind..].split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut rest = &sent[behind + version.len()..];
    while let Some((head, packet)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap();
        let Some((packet, behind)) = packet.split_at_checked(length) else { break };
        assert!((20..=49).contains(&packet[1]), "message {} before there are keys", packet[1]);
        rest = behind;
    }
}
