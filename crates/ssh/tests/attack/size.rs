//! P9: when a length does not fit its field, nothing is truncated; what lies about its size is refused before it costs anything.

use sallyport_ssh::connection::{ConnectionEvent, Request, Stream, WantReply};
use sallyport_ssh::error::Error;
use sallyport_ssh::message::{connection, transport as msg, userauth as auth_msg};
use sallyport_ssh::packet::{PACKET_BYTES_MAX, PACKET_BYTES_MAX_EARLY};

use crate::raw::{Raw, message};
use crate::seal::Suite;
use crate::talk::{adjust, channel_open, data, service_request};
use crate::victim::{Heard, Thirst, Victim, server_config};

#[track_caller]
fn is_broken(victim: &Victim, what: &dyn std::fmt::Debug) {
    let broken = matches!(victim.ended, Some(Error::Misbehaved(_) | Error::Malformed { .. } | Error::Limit(_)));
    assert!(broken, "{what:?} left the connection {:?}", victim.ended);
}

/// A length is refused when it is read, not when so many bytes have come. Fails when `Inbox::packet` waits for the packet
/// before it compares its length.
#[test]
fn p9_an_oversized_packet_is_refused_by_its_first_four_bytes() {
    let early = u32::try_from(PACKET_BYTES_MAX_EARLY).unwrap();
    let lengths = [0, 1, 4, 5, 13, early + 1, early + 4, 1 << 20, 0x7fff_fffc, 0xffff_fff4, u32::MAX];
    for length in lengths {
        let mut victims = [Victim::server(), Victim::client()];
        for victim in &mut victims {
            Raw::facing(victim);
            victim.take(&length.to_be_bytes());
            is_broken(victim, &length);
        }
    }
    let late = u32::try_from(PACKET_BYTES_MAX).unwrap();
    for length in [0, 5, 15, late + 1, late + 16, u32::MAX] {
        let mut victim = Victim::server();
        Raw::guest(&mut victim);
        victim.take(&length.to_be_bytes());
        is_broken(&victim, &length);
    }
}

/// Fails when `Engine::open` raises the limit before anybody is known, or `Inbox` starts with the larger one.
#[test]
fn p9_large_packets_are_for_those_who_are_known() {
    for (size, fits) in [(PACKET_BYTES_MAX_EARLY - 40, true), (PACKET_BYTES_MAX_EARLY + 40, false)] {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.exchange(&mut victim);
        raw.send(&mut victim, &message(msg::IGNORE, |w| w.string(&vec![0; size])));
        assert_eq!(victim.ended.is_none(), fits, "{size} bytes: {:?}", victim.ended);
    }
    for (size, fits) in [(PACKET_BYTES_MAX - 64, true), (PACKET_BYTES_MAX, false)] {
        let mut victim = Victim::server();
        let mut raw = Raw::guest(&mut victim);
        raw.send(&mut victim, &message(msg::IGNORE, |w| w.string(&vec![0; size])));
        assert_eq!(victim.ended.is_none(), fits, "{size} bytes: {:?}", victim.ended);
    }
}

/// Fails when `Inbox::packet` does not ask for four bytes of padding and one of payload.
#[test]
fn p9_padding_that_leaves_nothing_or_is_too_short_is_refused() {
    // Payload, padding that is there, padding that is claimed.
    let cases: [(&[u8], usize, usize); 6] = [
        (&[2], 14, 0),
        (&[2], 14, 3),
        (&[2], 14, 15), // reaches over the message's number
        (&[2], 14, 16), // reaches over the end
        (&[2], 14, 255),
        (&[], 15, 15), // nothing but padding
    ];
    for (payload, padding, claimed) in cases {
        for suite in [Suite::Gcm, Suite::ChaCha] {
            let mut victim = Victim::server();
            let mut raw = Raw::facing(&mut victim);
            raw.offer.ciphers = suite.name().to_owned();
            raw.exchange(&mut victim);
            let packet = raw.frame_with(payload, padding, claimed, 1 + payload.len() + padding);
            victim.take(&packet);
            assert_eq!(victim.ended, Some(Error::Misbehaved("padding out of bounds")), "{claimed} of {padding}");
        }
    }
    // As much padding as the field can say is by the book.
    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    raw.exchange(&mut victim);
    let ignore = message(msg::IGNORE, |w| w.string(b"123456789a"));
    let packet = raw.frame_with(&ignore, 224, 224, 1 + ignore.len() + 224);
    victim.take(&packet);
    raw.ask_service(&mut victim);
}

/// A length that is not the one that was sealed. Fails when the length is not authenticated.
#[test]
fn p9_a_length_that_lies_fails_the_integrity_check() {
    for claimed in [16, 48] {
        let mut victim = Victim::server();
        let mut raw = Raw::knock(&mut victim);
        let payload = message(msg::IGNORE, |w| w.string(&[0; 16]));
        let mut packet = raw.frame(&payload);
        assert_eq!(packet.len(), 4 + 32 + 16);
        packet[..4].copy_from_slice(&u32::to_be_bytes(claimed));
        packet.resize(100, 0);
        victim.take(&packet);
        assert_eq!(victim.ended, Some(Error::Integrity));
    }
}

/// Every message whose fields end with a string, with a length that is too long by one, too long by much, and with bytes behind it.
/// Fails when `Reader::string` believes a length, or a parser does not call `finish`.
#[test]
fn p9_strings_that_lie_about_their_length_are_refused() {
    let last = |number: u8, head: &[u8]| (number, head.to_vec());
    let text = |text: &[u8]| message(0, |w| w.string(text))[1..].to_vec();
    let request = |name: &[u8]| [&[0, 0, 0, 0][..], &text(name), &[0]].concat();
    let cases = [
        last(connection::CHANNEL_DATA, &[0; 4]),
        last(connection::CHANNEL_EXTENDED_DATA, &[0; 8]),
        last(connection::CHANNEL_REQUEST, &request(b"exec")),
        last(connection::CHANNEL_REQUEST, &request(b"subsystem")),
        last(connection::CHANNEL_REQUEST, &[request(b"env"), text(b"A")].concat()),
        last(connection::CHANNEL_REQUEST, &request(b"signal")),
        last(connection::CHANNEL_REQUEST, &[request(b"pty-req"), text(b"xterm"), vec![0; 16]].concat()),
        last(connection::GLOBAL_REQUEST, &[text(b"streamlocal-forward@openssh.com"), vec![0]].concat()),
        last(connection::CHANNEL_OPEN, &[text(b"direct-streamlocal@openssh.com"), vec![0; 8], vec![1; 4]].concat()),
    ];
    for (number, head) in cases {
        let bad: [&[u8]; 4] = [b"\0\0\0\x02x", b"\xff\xff\xff\xffx", b"\x7f\xff\xff\xff", b"\0\0"];
        for tail in bad.into_iter().chain([&b"\0\0\0\x01xy"[..]]) {
            let mut victim = Victim::server();
            let (mut raw, _) = Raw::with_channel(&mut victim);
            raw.send(&mut victim, &[&[number], &head[..], tail].concat());
            assert!(
                matches!(victim.ended, Some(Error::Malformed { .. })),
                "{number} {head:?} {tail:?}: {:?}",
                victim.ended
            );
            assert!(victim.handled().is_empty(), "{number}: {:?}", victim.heard);
        }
    }
    let extensions = |count: u32| {
        message(msg::EXT_INFO, |w| {
            w.u32(count);
            for _ in 0..count {
                w.string(b"x").string(b"");
            }
            w
        })
    };
    for payload in [
        extensions(65),
        message(msg::SERVICE_REQUEST, |w| w.bytes(b"\xff\xff\xff\xffssh-userauth")),
        message(msg::EXT_INFO, |w| w.u32(u32::MAX)),
        message(msg::EXT_INFO, |w| w.u32(1).string(b"server-sig-algs").u32(u32::MAX)),
        message(msg::PING, |w| w.u32(u32::MAX)),
        message(auth_msg::REQUEST, |w| w.string(b"alice").string(b"ssh-connection").u32(u32::MAX)),
        message(auth_msg::REQUEST, |w| w.string(b"alice").string(b"ssh-connection").string(b"none").u8(0)),
    ] {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.exchange(&mut victim);
        if payload[0] != msg::SERVICE_REQUEST {
            raw.ask_service(&mut victim);
        }
        raw.send(&mut victim, &payload);
        is_broken(&victim, &payload);
    }
}

/// A list of a hundred thousand names costs thirty times its length as strings. Fails when `Transport::extensions` keeps them all.
#[test]
fn p9_only_some_of_a_long_list_of_algorithms_is_kept() {
    let list = vec!["a"; 100_000].join(",");
    let mut victim = Victim::client();
    let mut raw = Raw::server(&mut victim);
    raw.send(&mut victim, &message(msg::EXT_INFO, |w| w.u32(1).string(b"server-sig-algs").string(list.as_bytes())));
    assert_eq!(victim.ended, None);
    let kept = victim.engine.server_sig_algs().unwrap();
    assert!(!kept.is_empty() && kept.len() <= 64, "{} names are kept", kept.len());
}

/// Fails when `Sending::grant` wraps or saturates (RFC 4254, section 5.2).
#[test]
fn p9_a_window_never_exceeds_two_to_the_32() {
    for (initial, adjusts, fits) in [
        (u32::MAX, vec![], true),
        (u32::MAX, vec![1], false),
        (0, vec![u32::MAX], true),
        (0, vec![u32::MAX, 1], false),
        (1 << 31, vec![(1 << 31) - 1], true),
        (1 << 31, vec![1 << 31], false),
        (1, vec![u32::MAX], false),
    ] {
        let mut victim = Victim::server();
        let mut raw = Raw::guest(&mut victim);
        raw.send(&mut victim, &channel_open("session", 5, initial, 1000));
        raw.until(&mut victim, connection::CHANNEL_OPEN_CONFIRMATION);
        for count in &adjusts {
            raw.send(&mut victim, &adjust(0, *count));
        }
        assert_eq!(victim.ended.is_none(), fits, "{initial} and {adjusts:?}: {:?}", victim.ended);
    }
}

/// Fails when `Receiving::receive` does not count, or counts what was consumed as if credit had been given.
#[test]
fn p9_not_a_byte_beyond_the_window() {
    let window = 1000;
    let mut config = server_config();
    config.connection.window_bytes_min = window;
    config.connection.window_bytes_max = window;
    let whole = usize::try_from(window).unwrap();
    for extra in [0, 1] {
        for extended in [false, true] {
            let mut victim = Victim::server_with(&config);
            victim.thirst = Thirst::Leaves;
            let (mut raw, channel) = Raw::with_channel(&mut victim);
            for piece in [whole - 1, 1, extra] {
                let bytes = vec![b'x'; piece];
                let payload = if extended {
                    message(connection::CHANNEL_EXTENDED_DATA, |w| w.u32(channel).u32(1).string(&bytes))
                } else {
                    data(channel, &bytes)
                };
                raw.send(&mut victim, &payload);
            }
            assert_eq!(victim.ended.is_none(), extra == 0, "{:?}", victim.ended);
            let held = victim.heard.iter().map(|heard| if let Heard::Data(_, bytes) = heard { bytes.len() } else { 0 });
            assert_eq!(held.sum::<usize>(), whole);
        }
    }
    // What was taken may be sent again, once the victim has said so, and no sooner.
    let mut victim = Victim::server_with(&config);
    let (mut raw, channel) = Raw::with_channel(&mut victim);
    raw.everything(&mut victim);
    raw.send(&mut victim, &data(channel, &vec![0; whole]));
    let credit = raw.until(&mut victim, connection::CHANNEL_WINDOW_ADJUST);
    assert_eq!(credit[5..9], window.to_be_bytes());
    raw.send(&mut victim, &data(channel, &vec![0; whole]));
    assert_eq!(victim.ended, None);
}

/// Fails when `Connection::data` does not compare with the packet size that it announced.
#[test]
fn p9_a_packet_larger_than_the_channel_takes_is_refused() {
    let max = usize::try_from(server_config().connection.packet_bytes_max).unwrap();
    for (size, fits) in [(max, true), (max + 1, false)] {
        let mut victim = Victim::server();
        let (mut raw, channel) = Raw::with_channel(&mut victim);
        raw.send(&mut victim, &data(channel, &vec![0; size]));
        assert_eq!(victim.ended.is_none(), fits, "{size}: {:?}", victim.ended);
    }
    let mut victim = Victim::server();
    let mut raw = Raw::guest(&mut victim);
    raw.send(&mut victim, &channel_open("session", 5, 1000, 0));
    is_broken(&victim, &"a channel that takes packets of no bytes");
}

/// The other way round: what our own user hands in and does not fit is refused, not cut. Fails when `Outbox::message` cuts what is
/// too long for a packet.
#[test]
fn p9_what_does_not_fit_a_packet_is_not_sent_at_all() {
    let mut victim = Victim::server();
    let (mut raw, _) = Raw::with_channel(&mut victim);
    raw.everything(&mut victim);
    let channel = open_back(&mut victim, &mut raw);
    let command = vec![b'x'; PACKET_BYTES_MAX];
    let mut open = victim.engine.open_phase().unwrap();
    let sent = open.request(channel, &Request::Exec { command }, WantReply::No);
    assert!(matches!(sent, Err(Error::Misuse(_))), "{sent:?}");
    assert_eq!(raw.everything(&mut victim), Vec::<Vec<u8>>::new());
    // Data is cut into packets, and every byte of it is sent.
    let mut open = victim.engine.open_phase().unwrap();
    let bytes = vec![b'y'; 100_000];
    assert_eq!(open.send(channel, Stream::Data, &bytes), Ok(bytes.len()));
    let said = raw.everything(&mut victim);
    assert_eq!(said.iter().map(|packet| packet.len() - 9).sum::<usize>(), bytes.len());
}

/// A channel that the victim asked for, and that the attacker agrees to.
fn open_back(victim: &mut Victim, raw: &mut Raw) -> sallyport_ssh::connection::ChannelId {
    let kind = sallyport_ssh::connection::ChannelKind::Agent;
    let channel = victim.engine.open_phase().unwrap().open(&kind).unwrap();
    let asked = raw.until(victim, connection::CHANNEL_OPEN);
    let number = u32::from_be_bytes(asked[1 + 4 + kind.name().len()..][..4].try_into().unwrap());
    raw.send(
        victim,
        &message(connection::CHANNEL_OPEN_CONFIRMATION, |w| w.u32(number).u32(9).u32(1 << 30).u32(1 << 15)),
    );
    assert!(victim.heard.contains(&Heard::Connection(ConnectionEvent::Opened { channel })));
    channel
}

/// Names and texts with a bound of their own. Fails when `text_name` or `user_name` has none.
#[test]
fn p9_names_have_bounds() {
    for name in [vec![b'a'; 65], vec![], b"a b".to_vec(), b"a\0".to_vec(), b"\xc3\xa9".to_vec()] {
        let request = message(connection::CHANNEL_REQUEST, |w| w.u32(0).string(&name).bool(false));
        let global = message(connection::GLOBAL_REQUEST, |w| w.string(&name).bool(false));
        let open = message(connection::CHANNEL_OPEN, |w| w.string(&name).u32(1).u32(1).u32(1));
        for attack in [request, global, open] {
            let mut victim = Victim::server();
            let (mut raw, _) = Raw::with_channel(&mut victim);
            raw.send(&mut victim, &attack);
            assert!(matches!(victim.ended, Some(Error::Malformed { .. })), "{name:?}: {:?}", victim.ended);
        }
    }
    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    raw.exchange(&mut victim);
    raw.send(&mut victim, &service_request());
    raw.until(&mut victim, msg::SERVICE_ACCEPT);
    for user in ["x".repeat(256), "a\nb".to_owned(), "a\0".to_owned()] {
        raw.send(&mut victim, &crate::talk::userauth(&user, "none", |w| w));
        raw.until(&mut victim, auth_msg::FAILURE);
        assert_eq!(victim.heard.last(), Some(&Heard::Auth("refused: the user name is not one".to_owned())));
    }
}
