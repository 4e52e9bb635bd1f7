//! P1: an identity comes from a verified signature, and belongs to one user name.

use crate::auth::message::PublicKeyRequest;
use crate::auth::tests::line::*;
use crate::auth::*;
use crate::error::Error;
use crate::message::userauth;

fn sent(server: &mut Server) -> Vec<u8> {
    server.line.take().iter().map(|payload| payload[0]).collect()
}

pub(super) fn accepted(server: &mut Server, payload: &[u8]) {
    let identity = token!(server.ask(payload), Verified);
    server.accept(identity);
    assert_eq!(sent(server), [userauth::SUCCESS]);
}

#[test]
fn p1_an_offered_key_never_authorises() {
    let (mut server, key, other) = (Server::new(config()), key(), key());
    for _ in 0..3 {
        let offer = token!(server.ask(&offer("alice", "ssh-ed25519", key.public_key().blob())), Offered);
        server.acceptable(offer);
        assert_eq!(sent(&mut server), [userauth::PK_OK]);
        assert!(server.auth.next_event().is_none());
    }
    // What was acceptable does not help another key, nor a signature that another key made.
    let by_other = signed_as("alice", "ssh-ed25519", key.public_key().blob(), SESSION_ID, |data| other.sign(data));
    assert_eq!(server.refusal(&by_other), Refusal::Signature);
    let identity = token!(server.ask(&signed("alice", &other)), Verified);
    assert_eq!(identity.presented(), &plain(&other));
    server.reject(identity);
    assert_eq!(sent(&mut server), [userauth::FAILURE]);
    accepted(&mut server, &signed("alice", &key));
}

#[test]
fn p1_a_changed_user_name_resets_everything() {
    let (mut server, key) = (Server::new(config()), key());
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    server.partial(identity, MethodSet::PASSWORD);
    assert_eq!(server.line.take(), [failure("password", true)]);

    // Bob hears nothing of what alice showed, and has all methods before him.
    let attempt = token!(server.ask(&password("bob", "right")), Password);
    assert!(attempt.user() == "bob" && attempt.passed().is_empty());
    server.reject(attempt);
    assert_eq!(server.line.take(), [failure("publickey,keyboard-interactive,password", false)]);

    // Neither has alice, when she comes back; nor under a name that differs by its case, or is none.
    for user in ["alice", "Alice", "alice "] {
        let attempt = token!(server.ask(&password(user, "right")), Password);
        assert!(attempt.user() == user && attempt.passed().is_empty(), "{user}");
        server.partial(attempt, MethodSet::PUBLIC_KEY);
        server.line.take();
    }
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    server.partial(attempt, MethodSet::PUBLIC_KEY);
    server.line.take();
    assert_eq!(server.refusal(&none("ali\0ce")), Refusal::UserName);
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    assert!(attempt.passed().is_empty());
    server.accept(attempt);
    let Some(ServerAuthEvent::Succeeded { user, evidence }) = server.auth.next_event() else { panic!() };
    assert_eq!((&*user, evidence.len()), ("alice", 1));
}

#[test]
fn p1_another_service_resets_everything() {
    let (mut server, key) = (Server::new(config()), key());
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    server.partial(identity, MethodSet::PASSWORD);
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
    server.prompt(attempt, &Prompts::default());
    assert!(matches!(server.ask(&none("bob")), ServerAuthEvent::InteractiveAbandoned { user } if &*user == "alice"));
    let attempt = token!(server.auth.next_event().unwrap(), None);
    server.reject(attempt);
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
    two.reject(kept);
    assert_eq!(sent(&mut two), [userauth::FAILURE]);

    // A token of an earlier request, kept beyond its connection's progress.
    let mut three = Server::new(config());
    let stale = token!(three.ask(&password("alice", "right")), Password);
    three.auth.state =
        super::super::progress::State::Open(super::super::progress::Progress::new(None, MethodSet::PASSWORD));
    let fresh = token!(three.ask(&password("bob", "wrong")), Password);
    assert!(matches!(three.auth.accept(stale, &mut three.line.out), Err(Error::Misuse(_))));
    three.reject(fresh);
    assert_eq!(sent(&mut three), [userauth::FAILURE]);
}

#[test]
fn p1_a_key_counts_once_in_a_chain() {
    let (mut server, first, second) = (Server::new(config()), key(), key());
    let identity = token!(server.ask(&signed("alice", &first)), Verified);
    server.partial(identity, MethodSet::PUBLIC_KEY);
    server.line.take();
    for payload in [signed("alice", &first), offer("alice", "ssh-ed25519", first.public_key().blob())] {
        let ServerAuthEvent::Refused(refused) = server.ask(&payload) else { panic!("the key counted twice") };
        assert_eq!(refused.why, Refusal::KeyUsed);
        assert_eq!(server.line.take(), [failure("publickey", false)]);
    }
    accepted(&mut server, &signed("alice", &second));
}

/// Each row changes one thing in what is signed.
fn forgeries(named: &PublicKeyRequest<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let data = |request: PublicKeyRequest<'_>, session_id: &[u8], user: &[u8], service: &[u8]| {
        request.signed_data(session_id, user, service).unwrap()
    };
    let (alice, service) = (b"alice", b"ssh-connection");
    let named = || PublicKeyRequest { ..*named };
    let right = data(named(), SESSION_ID, alice, service);
    let mut offered = right.clone();
    let at = right.windows(9).position(|window| window == b"publickey").unwrap() + 9;
    offered[at] = 0;
    let other_host = PublicKeyRequest { host_key: Some(b"of another host"), ..named() };
    let other_algorithm = PublicKeyRequest { algorithm: b"ssh-rsa", ..named() };
    let other_key = PublicKeyRequest { blob: b"another key", ..named() };
    vec![
        ("nothing", Vec::new()),
        ("only the session", SESSION_ID.to_vec()),
        ("another session", data(named(), b"another session", alice, service)),
        ("another user", data(named(), SESSION_ID, b"bob", service)),
        ("another service", data(named(), SESSION_ID, alice, b"ssh-userauth")),
        ("FALSE instead of TRUE", offered),
        ("a session without its length", right[4..].to_vec()),
        ("the other method", data(other_host, SESSION_ID, alice, service)),
        ("another algorithm", data(other_algorithm, SESSION_ID, alice, service)),
        ("another key", data(other_key, SESSION_ID, alice, service)),
        ("more behind it", [right, vec![0]].concat()),
    ]
}

#[test]
fn p1_a_signature_counts_for_exactly_this_request() {
    let (mut server, key) = (Server::new(ServerAuthConfig { attempts_max: 100, ..config() }), key());
    let blob = key.public_key().blob();
    let named = PublicKeyRequest { algorithm: b"ssh-ed25519", blob, host_key: None, signature: None };
    let request = |signature: &[u8]| {
        let request = PublicKeyRequest { signature: Some(signature), ..named };
        message(userauth::REQUEST, |w| request.encode(w, "alice"))
    };
    for (what, data) in forgeries(&named) {
        assert_eq!(server.refusal(&request(&key.sign(&data))), Refusal::Signature, "{what}");
    }
    let right = named.signed_data(SESSION_ID, b"alice", b"ssh-connection").unwrap();
    accepted(&mut server, &request(&key.sign(&right)));
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
    server.reject(identity);
    server.line.take();
    let request = PublicKeyRequest { host_key: Some(HOST_KEY), ..unbound };
    token!(server.ask(&message(userauth::REQUEST, |w| request.encode(w, "alice"))), Offered);
}
