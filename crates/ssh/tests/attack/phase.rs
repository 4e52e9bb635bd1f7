//! P3: while authentication is incomplete, a rekey is running, or a channel was never opened, no handler is reached.

use sallyport_ssh::connection::ConnectionEvent;
use sallyport_ssh::error::Error;
use sallyport_ssh::message::{connection, transport as msg, userauth};

use crate::raw::{Raw, message};
use crate::talk::{
    adjust, channel_open, close, data, exec, honest, offer, password, service_request, signed, userauth as request,
};
use crate::victim::{Heard, Victim, user_key};

/// Messages of the connection protocol, on channel `channel` where they need one.
fn connection_messages(channel: u32) -> Vec<Vec<u8>> {
    let on_channel = |number| message(number, |w| w.u32(channel));
    let mut messages = vec![
        message(connection::GLOBAL_REQUEST, |w| w.string(b"tcpip-forward").bool(true).string(b"").u32(0)),
        message(connection::REQUEST_SUCCESS, |w| w),
        message(connection::REQUEST_FAILURE, |w| w),
        channel_open("session", 0, 1000, 1000),
    ];
    messages.extend(channel_messages(channel));
    messages.push(on_channel(connection::CHANNEL_EOF));
    messages
}

/// Those that need a channel.
fn channel_messages(channel: u32) -> Vec<Vec<u8>> {
    let on_channel = |number| message(number, |w| w.u32(channel));
    vec![
        message(connection::CHANNEL_OPEN_CONFIRMATION, |w| w.u32(channel).u32(0).u32(1000).u32(1000)),
        message(connection::CHANNEL_OPEN_FAILURE, |w| w.u32(channel).u32(1).string(b"").string(b"")),
        adjust(channel, 1),
        data(channel, b"x"),
        message(connection::CHANNEL_EXTENDED_DATA, |w| w.u32(channel).u32(1).string(b"x")),
        on_channel(connection::CHANNEL_EOF),
        close(channel),
        exec(channel, b"id"),
        on_channel(connection::CHANNEL_SUCCESS),
        on_channel(connection::CHANNEL_FAILURE),
    ]
}

#[track_caller]
fn is_refused(victim: &Victim, what: &dyn std::fmt::Debug) {
    let broken = matches!(victim.ended, Some(Error::Misbehaved(_) | Error::Malformed { .. }));
    assert!(broken, "{what:?} ended the connection with {:?}", victim.ended);
    assert!(victim.handled().is_empty(), "{what:?} reached a handler: {:?}", victim.heard);
}

/// The Erlang case (CVE-2025-32433). Fails when `Engine::payload` hands messages from 80 on to the connection in
/// `State::ServerAuth` or `State::ClientAuth`, or `ServerAuth::handle` ignores what it does not know.
#[test]
fn p3_channel_messages_before_authentication_reach_nobody() {
    for attack in connection_messages(0) {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.exchange(&mut victim);
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);

        let mut victim = Victim::server();
        let mut raw = Raw::knock(&mut victim);
        raw.send(&mut victim, &password("alice", "wrong"));
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);

        let mut victim = Victim::client();
        let mut raw = Raw::facing(&mut victim);
        raw.host(&mut victim, &honest());
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);
    }
}

/// Fails when `Transport::admits` lets anything but the exchange through before the first NEWKEYS.
#[test]
fn p3_nothing_but_the_exchange_comes_before_the_first_newkeys() {
    let mut attacks = connection_messages(0);
    attacks.extend([
        service_request(),
        message(msg::SERVICE_ACCEPT, |w| w.string(b"ssh-userauth")),
        message(msg::EXT_INFO, |w| w.u32(0)),
        message(msg::PING, |w| w.string(b"x")),
        password("alice", "right"),
        vec![userauth::SUCCESS],
        vec![200],
    ]);
    for attack in attacks {
        for stage in 0..3 {
            let mut victim = Victim::server();
            let mut raw = Raw::facing(&mut victim);
            if stage > 0 {
                raw.open(&mut victim);
            }
            if stage > 1 {
                raw.agree(&mut victim);
            }
            raw.send(&mut victim, &attack);
            is_refused(&victim, &attack);

            let mut victim = Victim::client();
            let mut raw = Raw::facing(&mut victim);
            if stage > 0 {
                raw.open(&mut victim);
            }
            if stage > 1 {
                raw.prove(&mut victim, &honest());
            }
            raw.send(&mut victim, &attack);
            is_refused(&victim, &attack);
        }
    }
}

/// The RouterOS case (CVE-2026-67279): a key exchange between the first one and the sign-in. Fails when `Engine::keys` opens the
/// connection after any key exchange but the first, or forgets where authentication stood.
#[test]
fn p3_an_early_rekey_does_not_drop_the_gate() {
    for attack in connection_messages(0) {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.exchange(&mut victim);
        raw.exchange(&mut victim);
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);

        let mut victim = Victim::server();
        let mut raw = Raw::knock(&mut victim);
        raw.send(&mut victim, &offer("alice", user_key().public_key().blob()));
        raw.exchange(&mut victim);
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);
        assert!(!victim.is_in());
    }
    // By the book it is allowed, and the sign-in still works: its signature is over the first exchange.
    let mut victim = Victim::server();
    let mut raw = Raw::knock(&mut victim);
    raw.exchange(&mut victim);
    raw.exchange(&mut victim);
    let request = signed(&raw, "alice", user_key().public_key().blob(), user_key());
    raw.send(&mut victim, &request);
    raw.until(&mut victim, userauth::SUCCESS);
    assert!(victim.is_in());
}

/// Fails when `Engine::payload` hands 50 to 79 to anybody once the connection is open.
#[test]
fn p3_sign_in_messages_after_success_reach_nobody() {
    for number in 50..=79 {
        let mut victim = Victim::server();
        let mut raw = Raw::guest(&mut victim);
        raw.send(&mut victim, &message(number, |w| w.string(b"root").string(b"ssh-connection").string(b"none")));
        if number == userauth::REQUEST {
            // RFC 4252, section 5.1: ignored in silence.
            assert_eq!(victim.ended, None);
            assert!(raw.everything(&mut victim).iter().all(|said| said[0] == connection::GLOBAL_REQUEST));
        } else {
            is_refused(&victim, &number);
        }
        assert_eq!(victim.heard, []);

        let mut victim = Victim::client();
        let mut raw = Raw::server(&mut victim);
        raw.send(&mut victim, &message(number, |w| w.string(b"").bool(false)));
        is_refused(&victim, &number);
    }
}

/// Fails when a message for a channel that is not live is ignored or handled instead of `NOT_OPEN`.
#[test]
fn p3_a_channel_that_was_never_opened_has_no_handler() {
    for channel in [0, 1, 7, u32::MAX] {
        for attack in channel_messages(channel) {
            let mut victim = Victim::server();
            let mut raw = Raw::guest(&mut victim);
            raw.send(&mut victim, &attack);
            is_refused(&victim, &attack);

            let mut victim = Victim::client();
            let mut raw = Raw::server(&mut victim);
            raw.send(&mut victim, &attack);
            is_refused(&victim, &attack);
        }
    }
}

/// Fails when `Connection::reserve` hands out the number of a channel that is gone, or when `retire` leaves it live.
#[test]
fn p3_a_closed_channel_answers_to_its_number_no_more() {
    for attack in channel_messages(0) {
        let mut victim = Victim::server();
        let (mut raw, channel) = Raw::with_channel(&mut victim);
        assert_eq!(channel, 0);
        raw.send(&mut victim, &close(channel));
        raw.until(&mut victim, connection::CHANNEL_CLOSE);
        assert!(matches!(victim.heard[..], [Heard::Connection(ConnectionEvent::Closed { .. })]));
        // A new channel under the same number of ours is another one of theirs.
        let next = raw.open_channel(&mut victim, 5);
        assert_ne!(next, channel);
        victim.heard.clear();
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);
    }
}

/// Answers to requests that were never made, and confirmations of what was never asked. Fails when `channel_reply` or
/// `global_reply` does not count, or `open_confirmation` takes a live channel.
#[test]
fn p3_answers_to_nothing_reach_nobody() {
    let attacks = [
        message(connection::CHANNEL_SUCCESS, |w| w.u32(0)),
        message(connection::CHANNEL_FAILURE, |w| w.u32(0)),
        message(connection::CHANNEL_OPEN_CONFIRMATION, |w| w.u32(0).u32(0).u32(1).u32(1)),
        message(connection::CHANNEL_OPEN_FAILURE, |w| w.u32(0).u32(1).string(b"").string(b"")),
        message(connection::REQUEST_SUCCESS, |w| w),
        message(connection::REQUEST_FAILURE, |w| w),
    ];
    for attack in attacks {
        let mut victim = Victim::server();
        let (mut raw, _) = Raw::with_channel(&mut victim);
        raw.send(&mut victim, &attack);
        is_refused(&victim, &attack);
    }
}

/// Key exchange messages in every order but the right one. Fails when `exchange_step` takes a message in another state.
#[test]
fn p3_key_exchange_messages_out_of_order_end_it() {
    let init = message(msg::KEX_INIT, |w| w.string(&[9; 32]));
    let reply = message(msg::KEX_REPLY, |w| w.string(b"").string(&[9; 32]).string(b""));
    let newkeys = vec![msg::NEWKEYS];
    let odd =
        [vec![22], vec![29], message(32, |w| w.u32(1)), message(34, |w| w.u32(1)), vec![49], vec![msg::NEWKEYS, 0]];

    // Before any KEXINIT: nothing but a KEXINIT.
    for attack in [&init, &reply, &newkeys].into_iter().chain(&odd) {
        let mut victims = [Victim::server(), Victim::client()];
        for victim in &mut victims {
            let mut raw = Raw::facing(victim);
            raw.send(victim, attack);
            is_refused(victim, attack);
        }
    }
    // Behind both: the client's public value from a client, the server's from a server.
    let kexinit = |raw: &Raw| raw.offer.payload();
    for attack in [&reply, &newkeys].into_iter().chain(&odd) {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.open(&mut victim);
        raw.send(&mut victim, attack);
        is_refused(&victim, attack);
    }
    for attack in [&init, &newkeys].into_iter().chain(&odd) {
        let mut victim = Victim::client();
        let mut raw = Raw::facing(&mut victim);
        raw.open(&mut victim);
        raw.send(&mut victim, attack);
        is_refused(&victim, attack);
    }
    // Behind our NEWKEYS: theirs.
    for attack in [&init, &reply].into_iter().chain(&odd) {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.open(&mut victim);
        raw.agree(&mut victim);
        raw.send(&mut victim, attack);
        is_refused(&victim, attack);
    }
    // A second KEXINIT, or the same message twice, before it is over.
    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    raw.open(&mut victim);
    let again = kexinit(&raw);
    raw.send(&mut victim, &again);
    is_refused(&victim, &"a second KEXINIT");

    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    raw.open(&mut victim);
    raw.agree(&mut victim);
    raw.send(&mut victim, &init);
    is_refused(&victim, &"a second KEX_INIT");

    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    raw.exchange(&mut victim);
    raw.send(&mut victim, &newkeys);
    is_refused(&victim, &"a second NEWKEYS");
}

/// RFC 4253, section 7.1: between its KEXINIT and its NEWKEYS a peer sends nothing but the exchange. Fails when
/// `Transport::admits` does not look at `peer_is_bound`.
#[test]
fn p3_nothing_comes_between_a_peers_kexinit_and_its_newkeys() {
    let mut attacks = vec![
        data(0, b"x"),
        exec(0, b"id"),
        channel_open("session", 1, 1000, 1000),
        message(msg::EXT_INFO, |w| w.u32(0)),
        message(msg::PING, |w| w.string(b"")),
        service_request(),
        request("alice", "none", |w| w),
    ];
    attacks.extend(connection_messages(0));
    for attack in attacks {
        for stage in 0..2 {
            let mut victim = Victim::server();
            let (mut raw, _) = Raw::with_channel(&mut victim);
            raw.open(&mut victim);
            if stage > 0 {
                raw.agree(&mut victim);
            }
            victim.heard.clear();
            raw.send(&mut victim, &attack);
            is_refused(&victim, &attack);
        }
    }
    // Before its KEXINIT, and behind its NEWKEYS, all of it is welcome.
    let mut victim = Victim::server();
    let (mut raw, channel) = Raw::with_channel(&mut victim);
    raw.exchange(&mut victim);
    raw.send(&mut victim, &data(channel, b"x"));
    assert_eq!(victim.heard.last(), Some(&Heard::Data(sallyport_ssh::connection::Stream::Data, b"x".to_vec())));
}
