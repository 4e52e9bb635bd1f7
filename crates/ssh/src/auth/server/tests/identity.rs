//! P1: an identity comes from a verified signature, and belongs to one user name.

use crate::auth::message::PublicKeyRequest;
use crate::auth::tests::line::*;
use crate::auth::*;
use crate::error::Error;
use crate::key::{Demand, TouchDemand};
use crate::message::userauth;
use crate::wire::encode;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};

fn sent(server: &mut Server) -> Vec<u8> {
    server.line.take().iter().map(|payload| payload[0]).collect()
}

fn accepted(server: &mut Server, payload: &[u8]) {
    let identity = token!(server.ask(payload), Verified);
    server.auth.accept(identity, &mut server.line.out).unwrap();
    assert_eq!(sent(server), [userauth::SUCCESS]);
}

#[test]
fn p1_an_offered_key_never_authorises() {
    let (mut server, key, other) = (Server::new(config()), key(), key());
    for _ in 0..3 {
        let offer = token!(server.ask(&offer("alice", "ssh-ed25519", key.public_key().blob())), Offered);
        server.auth.acceptable(offer, &mut server.line.out).unwrap();
        assert_eq!(sent(&mut server), [userauth::PK_OK]);
        assert!(server.auth.next_event().is_none());
    }
    // What was acceptable does not help another key, nor a signature that another key made.
    let by_other = signed_as("alice", "ssh-ed25519", key.public_key().blob(), SESSION_ID, |data| other.sign(data));
    assert_eq!(server.refusal(&by_other), Refusal::Signature);
    let identity = token!(server.ask(&signed("alice", &other)), Verified);
    assert_eq!(identity.presented(), &plain(&other));
    server.auth.reject(identity, server.now, &mut server.line.out).unwrap();
    assert_eq!(sent(&mut server), [userauth::FAILURE]);
    accepted(&mut server, &signed("alice", &key));
}

#[test]
fn p1_a_changed_user_name_resets_everything() {
    let (mut server, key) = (Server::new(config()), key());
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    server.auth.partial(identity, MethodSet::PASSWORD, &mut server.line.out).unwrap();
    assert_eq!(server.line.take(), [failure("password", true)]);

    // Bob hears nothing of what alice showed, and has all methods before him.
    let attempt = token!(server.ask(&password("bob", "right")), Password);
    assert!(attempt.user() == "bob" && attempt.passed().is_empty());
    server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    assert_eq!(server.line.take(), [failure("publickey,keyboard-interactive,password", false)]);

    // Neither has alice, when she comes back; nor under a name that differs by its case, or is none.
    for user in ["alice", "Alice", "alice "] {
        let attempt = token!(server.ask(&password(user, "right")), Password);
        assert!(attempt.user() == user && attempt.passed().is_empty(), "{user}");
        server.auth.partial(attempt, MethodSet::PUBLIC_KEY, &mut server.line.out).unwrap();
        server.line.take();
    }
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    server.auth.partial(attempt, MethodSet::PUBLIC_KEY, &mut server.line.out).unwrap();
    server.line.take();
    assert_eq!(server.refusal(&none("ali\0ce")), Refusal::UserName);
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    assert!(attempt.passed().is_empty());
    server.auth.accept(attempt, &mut server.line.out).unwrap();
    let Some(ServerAuthEvent::Succeeded { user, evidence }) = server.auth.next_event() else { panic!() };
    assert_eq!((&*user, evidence.len()), ("alice", 1));
}

#[test]
fn p1_another_service_resets_everything() {
    let (mut server, key) = (Server::new(config()), key());
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    server.auth.partial(identity, MethodSet::PASSWORD, &mut server.line.out).unwrap();
    server.line.take();
    let elsewhere = request_for("alice", "ssh-userauth", "password", |w| {
        w.bool(false).string(b"right");
    });
    assert_eq!(server.refusal(&elsewhere), Refusal::Service);
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    assert!(attempt.passed().is_empty());
}

#[test]
fn p1_questions_to_one_user_are_not_answered_by_another() {
    let mut server = Server::new(config());
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    server.auth.prompt(attempt, &Prompts::default(), &mut server.line.out).unwrap();
    assert!(matches!(server.ask(&none("bob")), ServerAuthEvent::InteractiveAbandoned { user } if &*user == "alice"));
    let attempt = token!(server.auth.next_event().unwrap(), None);
    server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    assert_eq!(sent(&mut server), [userauth::INFO_REQUEST, userauth::FAILURE]);
    assert!(matches!(server.send(&responses(&[])), Err(Error::Misbehaved(_))));
}

#[test]
fn p1_a_token_opens_no_other_connection_and_no_other_request() {
    let (mut one, mut two, key) = (Server::new(config()), Server::new(config()), key());
    let stolen = token!(one.ask(&signed("alice", &key)), Verified);
    let kept = token!(two.ask(&password("bob", "wrong")), Password);
    assert!(matches!(two.auth.accept(stolen, &mut two.line.out), Err(Error::Misuse(_))));
    assert!(two.line.take().is_empty() && two.auth.awaits_answer());
    two.auth.reject(kept, two.now, &mut two.line.out).unwrap();
    assert_eq!(sent(&mut two), [userauth::FAILURE]);

    // A token of an earlier request, kept beyond its connection's progress.
    let mut three = Server::new(config());
    let stale = token!(three.ask(&password("alice", "right")), Password);
    three.auth.state = super::super::progress::State::Open(super::super::progress::Progress::new(None, MethodSet::PASSWORD));
    let fresh = token!(three.ask(&password("bob", "wrong")), Password);
    assert!(matches!(three.auth.accept(stale, &mut three.line.out), Err(Error::Misuse(_))));
    three.auth.reject(fresh, three.now, &mut three.line.out).unwrap();
    assert_eq!(sent(&mut three), [userauth::FAILURE]);
}

#[test]
fn p1_a_key_counts_once_in_a_chain() {
    let (mut server, first, second) = (Server::new(config()), key(), key());
    let identity = token!(server.ask(&signed("alice", &first)), Verified);
    server.auth.partial(identity, MethodSet::PUBLIC_KEY, &mut server.line.out).unwrap();
    server.line.take();
    for payload in [signed("alice", &first), offer("alice", "ssh-ed25519", first.public_key().blob())] {
        let ServerAuthEvent::Refused(refused) = server.ask(&payload) else { panic!("the key counted twice") };
        assert_eq!(refused.why, Refusal::KeyUsed);
        assert_eq!(server.line.take(), [failure("publickey", false)]);
    }
    accepted(&mut server, &signed("alice", &second));
}

/// Each row changes one thing in what is signed, or in what is said of it.
#[test]
fn p1_a_signature_counts_for_exactly_this_request() {
    let (mut server, key) = (Server::new(config()), key());
    let blob = key.public_key().blob();
    let raw = |sign: &dyn Fn(&PublicKeyRequest<'_>) -> Vec<u8>| {
        let mut named = PublicKeyRequest { algorithm: b"ssh-ed25519", blob, host_key: None, signature: None };
        let signature = key.sign(&sign(&named));
        named.signature = Some(&signature);
        message(userauth::REQUEST, |w| named.encode(w, "alice"))
    };
    let data = |request: &PublicKeyRequest<'_>, session_id: &[u8], user: &[u8], service: &[u8]| {
        request.signed_data(session_id, user, service).unwrap()
    };
    let right = |request: &PublicKeyRequest<'_>| data(request, SESSION_ID, b"alice", b"ssh-connection");
    let offered = |request: &PublicKeyRequest<'_>| {
        let mut data = right(request);
        let at = data.windows(9).position(|window| window == b"publickey").unwrap() + 9;
        data[at] = 0;
        data
    };
    let bare_session = |request: &PublicKeyRequest<'_>| right(request)[4..].to_vec();
    let other_host = |request: &PublicKeyRequest<'_>| {
        let request = PublicKeyRequest { host_key: Some(b"of another host"), ..*request };
        right(&request)
    };
    let other_algorithm = |request: &PublicKeyRequest<'_>| right(&PublicKeyRequest { algorithm: b"ssh-rsa", ..*request });
    let other_key = |request: &PublicKeyRequest<'_>| right(&PublicKeyRequest { blob: b"another key", ..*request });
    let rows: [(&str, &dyn Fn(&PublicKeyRequest<'_>) -> Vec<u8>); 11] = [
        ("nothing", &|_| Vec::new()),
        ("only the session", &|_| SESSION_ID.to_vec()),
        ("another session", &|request| data(request, b"another session", b"alice", b"ssh-connection")),
        ("another user", &|request| data(request, SESSION_ID, b"bob", b"ssh-connection")),
        ("another service", &|request| data(request, SESSION_ID, b"alice", b"ssh-userauth")),
        ("FALSE instead of TRUE", &offered),
        ("a session without its length", &bare_session),
        ("the other method", &other_host),
        ("another algorithm", &other_algorithm),
        ("another key", &other_key),
        ("more behind it", &|request| [right(request), vec![0]].concat()),
    ];
    // Without this limit the rows would end the connection.
    server.auth = super::super::ServerAuth::new(
        std::sync::Arc::new(ServerAuthConfig { attempts_max: 100, ..config() }),
        SESSION_ID,
        HOST_KEY,
    );
    server.send(&service_request("ssh-userauth")).unwrap();
    server.line.take();
    for (what, sign) in rows {
        assert_eq!(server.refusal(&raw(sign)), Refusal::Signature, "{what}");
    }
    accepted(&mut server, &raw(&right));
}

#[test]
fn p1_a_host_bound_signature_names_our_host() {
    let (mut server, key) = (Server::new(config()), key());
    let blob = key.public_key().blob();
    let bound = |named: &[u8], signed: &[u8]| {
        let request = PublicKeyRequest { algorithm: b"ssh-ed25519", blob, host_key: Some(signed), signature: None };
        let signature = key.sign(&request.signed_data(SESSION_ID, b"alice", b"ssh-connection").unwrap());
        let request = PublicKeyRequest { host_key: Some(named), signature: Some(&signature), ..request };
        message(userauth::REQUEST, |w| request.encode(w, "alice"))
    };
    assert_eq!(server.refusal(&bound(b"of another host", b"of another host")), Refusal::HostBinding);
    assert_eq!(server.refusal(&bound(b"", b"")), Refusal::HostBinding);
    assert_eq!(server.refusal(&bound(HOST_KEY, b"of another host")), Refusal::Signature);
    let unbound = PublicKeyRequest { algorithm: b"ssh-ed25519", blob, host_key: None, signature: None };
    let signature = key.sign(&unbound.signed_data(SESSION_ID, b"alice", b"ssh-connection").unwrap());
    let request = PublicKeyRequest { host_key: Some(HOST_KEY), signature: Some(&signature), ..unbound };
    assert_eq!(server.refusal(&message(userauth::REQUEST, |w| request.encode(w, "alice"))), Refusal::Signature);
    let identity = token!(server.ask(&bound(HOST_KEY, HOST_KEY)), Verified);
    assert_eq!(identity.proof().binding(), Binding::SessionAndHost);
    // The offer in this form is answered as well.
    server.auth.reject(identity, server.now, &mut server.line.out).unwrap();
    server.line.take();
    let request = PublicKeyRequest { host_key: Some(HOST_KEY), ..unbound };
    token!(server.ask(&message(userauth::REQUEST, |w| request.encode(w, "alice"))), Offered);
}

/// Ours verifies RSA and never signs with it; the test signs with the cryptographic library itself.
#[test]
fn p1_p7_rsa_signs_with_sha2_under_the_name_that_was_announced() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let blob = encode(|w| {
        let public = pair.public_key();
        w.string(b"ssh-rsa").mpint(public.exponent().big_endian_without_leading_zero());
        w.mpint(public.modulus().big_endian_without_leading_zero());
    })
    .unwrap();
    let sign = |name: &str, by: &'static dyn RsaEncoding, data: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(by, &SystemRandom::new(), data, &mut signature).unwrap();
        encode(|w| {
            w.string(name.as_bytes()).string(&signature);
        })
        .unwrap()
    };
    let rows: [(&str, &str, &'static dyn RsaEncoding, Option<Refusal>); 8] = [
        ("ssh-rsa", "ssh-rsa", &RSA_PKCS1_SHA256, Some(Refusal::Algorithm)),
        ("ssh-rsa", "rsa-sha2-256", &RSA_PKCS1_SHA256, Some(Refusal::Algorithm)),
        ("rsa-sha2-256", "ssh-rsa", &RSA_PKCS1_SHA256, Some(Refusal::Signature)),
        ("rsa-sha2-512", "rsa-sha2-256", &RSA_PKCS1_SHA256, Some(Refusal::Algorithm)),
        ("rsa-sha2-256", "rsa-sha2-256", &RSA_PKCS1_SHA512, Some(Refusal::Signature)),
        ("rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-256", &RSA_PKCS1_SHA256, Some(Refusal::Algorithm)),
        ("rsa-sha2-256", "rsa-sha2-256", &RSA_PKCS1_SHA256, None),
        ("rsa-sha2-512", "rsa-sha2-512", &RSA_PKCS1_SHA512, None),
    ];
    for (announced, name, by, refused) in rows {
        let mut server = Server::new(config());
        let payload = signed_as("alice", announced, &blob, SESSION_ID, |data| sign(name, by, data));
        match refused {
            Some(why) => assert_eq!(server.refusal(&payload), why, "{announced} {name}"),
            None => accepted(&mut server, &payload),
        }
    }
    let mut server = Server::new(config());
    assert_eq!(server.refusal(&offer("alice", "ssh-rsa", &blob)), Refusal::Algorithm);
    token!(server.ask(&offer("alice", "rsa-sha2-256", &blob)), Offered);
}

#[test]
fn p1_an_algorithm_belongs_to_its_key() {
    let (mut server, key) = (Server::new(config()), key());
    for name in ["", "ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com", "SSH-ED25519"] {
        let payload = signed_as("alice", name, key.public_key().blob(), SESSION_ID, |data| key.sign(data));
        assert_eq!(server.refusal(&payload), Refusal::Algorithm, "{name}");
    }
    for blob in [b"".as_slice(), b"\0\0\0\x0bssh-ed25519", b"\0\0\0\x07ssh-dss\0\0\0\0"] {
        assert_eq!(server.refusal(&offer("alice", "ssh-ed25519", blob)), Refusal::Key);
    }
}

#[test]
fn p1_an_authenticator_vouches_for_its_user_as_is_demanded() {
    const PRESENT: u8 = 1;
    const VERIFIED: u8 = 4;
    let demand = |presence, verification| TouchDemand { presence, verification };
    let rows = [
        (TouchDemand::default(), 0, false),
        (TouchDemand::default(), PRESENT, true),
        (demand(Demand::Waived, Demand::Waived), 0, true),
        (demand(Demand::Required, Demand::Required), PRESENT, false),
        (demand(Demand::Required, Demand::Required), PRESENT | VERIFIED, true),
    ];
    for (touch, flags, enough) in rows {
        let mut server = Server::new(ServerAuthConfig { touch, ..config() });
        let device = Authenticator::new();
        let name = device.public.algorithm().name();
        let sign = |data: &[u8]| device.sign(data, flags);
        let payload = signed_as("alice", name, device.public.blob(), SESSION_ID, sign);
        if enough {
            let identity = token!(server.ask(&payload), Verified);
            assert_eq!(identity.proof().touch().map(|touch| touch.flags), Some(flags));
        } else {
            assert_eq!(server.refusal(&payload), Refusal::Touch, "{touch:?} {flags}");
        }
    }
}
