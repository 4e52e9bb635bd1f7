//! Framing against RFC 4253 section 6: what is refused, what is held, what comes out again.

use super::*;
use crate::cipher::{Cipher, KeyMaterial, Opener, Sealer};
use crate::entropy::SystemEntropy;
use crate::error::Error;
use crate::packet::inbox::Numbering;

fn outbox() -> Outbox {
    Outbox::new(Box::new(SystemEntropy))
}

fn feed(inbox: &mut Inbox, bytes: &[u8]) {
    inbox.space(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    inbox.filled(bytes.len());
}

fn payloads(inbox: &mut Inbox) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| inbox.packet().unwrap().map(|(range, _)| inbox.payload(range).to_vec())).collect()
}

#[test]
fn packets_survive_any_fragmentation() {
    let mut outbox = outbox();
    for n in 0..40u8 {
        outbox
            .message(100, |w| {
                w.bytes(&vec![n; usize::from(n) * 7]);
            })
            .unwrap();
    }
    let bytes = outbox.unsent().to_vec();
    for step in [1, 2, 3, 7, 64, bytes.len()] {
        let mut inbox = Inbox::new();
        let mut got = Vec::new();
        for part in bytes.chunks(step) {
            feed(&mut inbox, part);
            got.extend(payloads(&mut inbox));
        }
        assert_eq!(got.len(), 40);
        assert!(got.iter().enumerate().all(|(n, p)| p[0] == 100 && p.len() == 1 + n * 7));
        assert!(inbox.reclaim().capacity() > 0 && inbox.waiting() == 0);
    }
}

#[test]
fn lengths_out_of_bounds_are_refused_before_the_bytes_come() {
    for length in [0u32, 5, 13, 35_004, 0x7fff_fffc, u32::MAX] {
        let mut inbox = Inbox::new();
        feed(&mut inbox, &length.to_be_bytes());
        assert_eq!(inbox.packet(), Err(Error::Misbehaved("packet length out of bounds")), "{length}");
    }
    let mut inbox = Inbox::new();
    feed(&mut inbox, &34_996u32.to_be_bytes());
    assert_eq!(inbox.packet(), Ok(None));
}

#[test]
fn padding_out_of_bounds_is_refused() {
    for padding in [0u8, 3, 11, 12, 255] {
        let mut inbox = Inbox::new();
        let mut packet = vec![0, 0, 0, 12, padding];
        packet.resize(16, 0);
        feed(&mut inbox, &packet);
        assert_eq!(inbox.packet(), Err(Error::Misbehaved("padding out of bounds")), "{padding}");
    }
}

#[test]
fn what_is_not_key_exchange_waits_for_its_end_and_then_leaves_in_order() {
    let mut outbox = outbox();
    outbox.hold();
    outbox
        .message(94, |w| {
            w.u8(1);
        })
        .unwrap();
    outbox.message(20, |_| {}).unwrap();
    outbox
        .message(98, |w| {
            w.u8(2);
        })
        .unwrap();
    assert_eq!(outbox.room(), 0);
    let mut inbox = Inbox::new();
    feed(&mut inbox, outbox.unsent());
    assert_eq!(payloads(&mut inbox), [vec![20]]);
    outbox.sent(usize::MAX / 2);
    outbox.release().unwrap();
    assert!(outbox.room() > 0);
    feed(&mut inbox, outbox.unsent());
    assert_eq!(payloads(&mut inbox), [vec![94, 1], vec![98, 2]]);
}

#[test]
fn what_waits_is_bounded() {
    let mut held = outbox();
    held.hold();
    let mut unread = outbox();
    let filler = [0; 1024];
    let until = |outbox: &mut Outbox| {
        (0..2000)
            .map(|_| {
                outbox.message(98, |w| {
                    w.bytes(&filler);
                })
            })
            .position(|r| r.is_err())
    };
    assert!(until(&mut held).is_some_and(|n| n <= HELD_BYTES_MAX / 1024));
    assert!(until(&mut unread).is_some_and(|n| n <= UNSENT_BYTES_MAX / 1024));
}

#[test]
fn a_strict_rekey_starts_the_numbers_anew() {
    let material = |seed: u8| KeyMaterial {
        key: zeroize::Zeroizing::new(vec![seed; 64]),
        iv: zeroize::Zeroizing::new(Vec::new()),
        mac: zeroize::Zeroizing::new(Vec::new()),
    };
    for (numbering, sequence) in [(Numbering::Restart, 0), (Numbering::Continue, 2)] {
        let (mut outbox, mut inbox) = (outbox(), Inbox::new());
        outbox.message(2, |_| {}).unwrap();
        outbox.message(2, |_| {}).unwrap();
        feed(&mut inbox, outbox.unsent());
        outbox.sent(outbox.unsent().len());
        assert_eq!(payloads(&mut inbox).len(), 2);
        outbox.rekey(Sealer::new(Cipher::ChaCha20Poly1305, &material(3)).unwrap(), numbering);
        inbox.rekey(Opener::new(Cipher::ChaCha20Poly1305, &material(3)).unwrap(), numbering);
        assert_eq!(inbox.sequence(), sequence);
        outbox
            .message(2, |w| {
                w.u8(9);
            })
            .unwrap();
        feed(&mut inbox, outbox.unsent());
        assert_eq!(payloads(&mut inbox), [vec![2, 9]]);
    }
}
