//! The client's side against servers that mean harm.

use zeroize::Zeroizing;

use super::*;
use crate::auth::tests::line::{Line, SESSION_ID, draft, failure, issue, key, message, plain, signed};
use crate::auth::{Echo, Prompt, Prompts};
use crate::wire::encode;

const ED25519: SignatureAlgorithm = SignatureAlgorithm::Ed25519;

struct Client {
    auth: ClientAuth,
    line: Line,
}

impl Client {
    /// Behind SERVICE_ACCEPT.
    fn new() -> Self {
        let mut this = Self { auth: ClientAuth::new(SESSION_ID, None), line: Line::new() };
        this.auth.begin(&mut this.line.out).unwrap();
        this.hear(&service_accept("ssh-userauth")).unwrap();
        assert!(matches!(this.auth.next_event(), Some(ClientAuthEvent::Ready)));
        this.line.take();
        this
    }

    fn hear(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.auth.handle(payload)
    }

    fn interactive(mut self) -> Self {
        self.auth.keyboard_interactive("alice", "", &mut self.line.out).unwrap();
        self
    }

    fn sign(&mut self) -> SignatureRequest {
        match self.auth.next_event() {
            Some(ClientAuthEvent::Sign(request)) => request,
            _ => panic!("nothing to sign"),
        }
    }
}

fn service_accept(name: &str) -> Vec<u8> {
    message(transport::SERVICE_ACCEPT, |w| {
        w.string(name.as_bytes());
    })
}

fn banner(text: &[u8]) -> Vec<u8> {
    message(userauth::BANNER, |w| {
        w.string(text).string(b"");
    })
}

fn info_request(count: usize) -> Vec<u8> {
    let prompt = Prompt { text: "?".to_owned(), echo: Echo::Hidden };
    let prompts = Prompts { prompts: vec![prompt; count], ..Prompts::default() };
    message(userauth::INFO_REQUEST, |w| {
        message::write_prompts(w, &prompts);
    })
}

fn pk_ok(algorithm: &str, blob: &[u8]) -> Vec<u8> {
    message(userauth::PK_OK, |w| {
        w.string(algorithm.as_bytes()).string(blob);
    })
}

/// Every state with the messages that it takes.
fn states() -> Vec<(&'static str, Client, Vec<u8>)> {
    let key = key();
    let fresh = || Client { auth: ClientAuth::new(SESSION_ID, None), line: Line::new() };
    let mut requested = fresh();
    requested.auth.begin(&mut requested.line.out).unwrap();
    let mut none = Client::new();
    none.auth.none("alice", &mut none.line.out).unwrap();
    let mut password = Client::new();
    password.auth.password("alice", &Zeroizing::new("p".to_owned()), &mut password.line.out).unwrap();
    let mut offered = Client::new();
    offered.auth.offer_key("alice", &plain(&key), ED25519, &mut offered.line.out).unwrap();
    let mut signing = Client::new();
    signing.auth.public_key("alice", &plain(&key), ED25519).unwrap();
    let mut signed = Client::new();
    signed.auth.public_key("alice", &plain(&key), ED25519).unwrap();
    let request = signed.sign();
    let signature = key.sign(request.data());
    signed.auth.signature(request, &signature, &mut signed.line.out).unwrap();
    let mut prompted = Client::new().interactive();
    prompted.hear(&info_request(1)).unwrap();
    let mut done = Client::new();
    done.auth.none("alice", &mut done.line.out).unwrap();
    done.hear(&[userauth::SUCCESS]).unwrap();
    vec![
        ("fresh", fresh(), vec![]),
        ("requested", requested, vec![6]),
        ("idle", Client::new(), vec![53]),
        ("none", none, vec![51, 52, 53]),
        ("password", password, vec![51, 52, 53, 60]),
        ("interactive", Client::new().interactive(), vec![51, 52, 53, 60]),
        ("offered", offered, vec![51, 53, 60]),
        ("signing", signing, vec![53]),
        ("signed", signed, vec![51, 52, 53]),
        ("prompted", prompted, vec![53]),
        ("done", done, vec![]),
    ]
}

#[test]
fn p3_answers_to_nothing_end_the_connection() {
    for number in 0..=u8::MAX {
        for (name, mut client, welcome) in states() {
            if welcome.contains(&number) {
                continue;
            }
            while client.auth.next_event().is_some() {}
            let result = client.hear(&[number]);
            assert!(matches!(result, Err(Error::Misbehaved(_))), "{name} {number} {result:?}");
            assert!(client.auth.next_event().is_none(), "{name} {number}");
            assert!(matches!(client.hear(&[userauth::SUCCESS]), Err(Error::Misuse(_))), "{name} {number}");
        }
    }
    assert!(matches!(Client::new().hear(&[]), Err(Error::Misbehaved(_))));
}

/// A server that lets in whom it asked nothing is at least not believed to have seen a proof.
#[test]
fn p1_success_for_a_mere_offer_is_no_success() {
    let mut client = Client::new();
    client.auth.offer_key("alice", &plain(&key()), ED25519, &mut client.line.out).unwrap();
    assert!(matches!(client.hear(&[userauth::SUCCESS]), Err(Error::Misbehaved(_))));
    assert!(client.auth.next_event().is_none());
}

#[test]
fn p1_nothing_is_signed_for_a_key_that_was_not_offered() {
    let (key, other) = (key(), key());
    let mut client = Client::new();
    client.auth.offer_key("alice", &plain(&key), ED25519, &mut client.line.out).unwrap();
    let result = client.hear(&pk_ok("ssh-ed25519", other.public_key().blob()));
    assert!(matches!(result, Err(Error::Misbehaved(_))) && client.auth.next_event().is_none());
}

#[test]
fn a_server_may_repeat_the_key_type_instead_of_the_algorithm() {
    let key = key();
    let mut client = Client::new();
    client.auth.offer_key("alice", &plain(&key), ED25519, &mut client.line.out).unwrap();
    client.hear(&pk_ok("something-else", key.public_key().blob())).unwrap();
    assert_eq!(client.sign().algorithm(), ED25519);
}

/// What is sent is what the server's tests know to be right.
#[test]
fn a_signature_is_sent_with_what_it_covers() {
    let key = key();
    let mut client = Client::new();
    client.auth.public_key("alice", &plain(&key), ED25519).unwrap();
    assert!(client.line.take().is_empty());
    let request = client.sign();
    let signature = key.sign(request.data());
    client.auth.signature(request, &signature, &mut client.line.out).unwrap();
    assert_eq!(client.line.take(), [signed("alice", &key)]);
}

#[test]
fn p1_a_signature_answers_one_challenge_of_one_connection() {
    let key = key();
    let (mut one, mut two) = (Client::new(), Client::new());
    one.auth.public_key("alice", &plain(&key), ED25519).unwrap();
    two.auth.public_key("bob", &plain(&key), ED25519).unwrap();
    let (of_one, of_two) = (one.sign(), two.sign());
    let signature = key.sign(of_one.data());
    assert!(matches!(two.auth.signature(of_one, &signature, &mut two.line.out), Err(Error::Misuse(_))));

    two.auth.abandon().unwrap();
    two.auth.public_key("carol", &plain(&key), ED25519).unwrap();
    assert!(matches!(two.auth.signature(of_two, &signature, &mut two.line.out), Err(Error::Misuse(_))));

    let request = two.sign();
    let renamed = encode(|w| {
        w.string(b"rsa-sha2-256").string(b"");
    });
    assert!(matches!(two.auth.signature(request, &renamed.unwrap(), &mut two.line.out), Err(Error::Misuse(_))));
    assert!(two.line.take().is_empty());
}

#[test]
fn requests_are_made_when_idle_only() {
    for (name, mut client, _) in states() {
        if name == "idle" {
            continue;
        }
        let (key, secret, out) = (plain(&key()), Zeroizing::new(String::new()), &mut client.line.out);
        out.sent(usize::MAX / 2);
        let auth = &mut client.auth;
        let results = [
            auth.none("alice", out),
            auth.password("alice", &secret, out),
            auth.keyboard_interactive("alice", "", out),
            auth.offer_key("alice", &key, ED25519, out),
            auth.public_key("alice", &key, ED25519),
        ];
        assert!(results.iter().all(|result| matches!(result, Err(Error::Misuse(_)))), "{name}");
        assert_eq!(auth.begin(out).is_ok(), name == "fresh", "{name}");
        assert_eq!(auth.respond(&[secret], out).is_ok(), name == "prompted", "{name}");
        let sent = client.line.take().len();
        assert_eq!(sent, usize::from(["fresh", "prompted"].contains(&name)), "{name}");
    }
}

#[test]
fn what_was_asked_for_may_be_given_up() {
    let mut client = Client::new().interactive();
    client.hear(&info_request(1)).unwrap();
    assert!(matches!(client.auth.next_event(), Some(ClientAuthEvent::Prompt(_))));
    client.auth.abandon().unwrap();
    assert!(client.auth.respond(&[], &mut client.line.out).is_err());
    client.auth.none("alice", &mut client.line.out).unwrap();
    assert!(client.auth.abandon().is_err());
    client.hear(&failure("password", false)).unwrap();
    assert!(matches!(client.auth.next_event(), Some(ClientAuthEvent::Failure { .. })));
}

#[test]
fn answers_are_as_many_as_questions() {
    for given in 0..4 {
        let mut client = Client::new().interactive();
        client.hear(&info_request(2)).unwrap();
        client.line.take();
        let answers = vec![Zeroizing::new("x".to_owned()); given];
        assert_eq!(client.auth.respond(&answers, &mut client.line.out).is_ok(), given == 2);
        assert_eq!(client.line.take().len(), usize::from(given == 2));
    }
}

#[test]
fn an_expired_password_is_a_failure() {
    let mut client = Client::new();
    client.auth.password("alice", &Zeroizing::new("old".to_owned()), &mut client.line.out).unwrap();
    let change = message(userauth::PASSWD_CHANGEREQ, |w| {
        w.string(b"Your password has expired").string(b"");
    });
    client.hear(&change).unwrap();
    let event = client.auth.next_event();
    assert!(
        matches!(event, Some(ClientAuthEvent::PasswordExpired { instruction }) if instruction.ends_with("expired"))
    );
    client.auth.none("alice", &mut client.line.out).unwrap();
}

#[test]
fn p9_bytes_behind_an_answer_are_malformed() {
    let mut answers = [failure("password", false), info_request(1), banner(b"x"), vec![userauth::SUCCESS]];
    for payload in &mut answers {
        let mut client = Client::new().interactive();
        client.hear(payload).unwrap();
        payload.push(0);
        let mut client = Client::new().interactive();
        assert!(matches!(client.hear(payload), Err(Error::Malformed { .. })), "{payload:?}");
        assert!(client.auth.next_event().is_none());
    }
}

#[test]
fn another_service_is_not_what_was_asked_for() {
    let mut client = Client { auth: ClientAuth::new(SESSION_ID, None), line: Line::new() };
    client.auth.begin(&mut client.line.out).unwrap();
    assert!(matches!(client.hear(&service_accept("ssh-connection")), Err(Error::Misbehaved(_))));
}

#[test]
fn p14_a_server_cannot_fill_the_memory_with_texts() {
    let mut client = Client::new();
    let refused = (0..1000).position(|_| client.hear(&banner(b"x")).is_err());
    assert_eq!(refused, Some(256));
    let mut client = Client::new();
    let large = banner(&vec![b'x'; 64 * 1024]);
    let refused = (0..1000).position(|_| client.hear(&large).is_err());
    assert_eq!(refused, Some(16));
    assert!(matches!(Client::new().hear(&banner(&vec![b'x'; 64 * 1024 + 1])), Err(Error::Malformed { .. })));

    assert!(Client::new().interactive().hear(&info_request(64)).is_ok());
    assert!(matches!(Client::new().interactive().hear(&info_request(65)), Err(Error::Malformed { .. })));

    let mut client = Client::new().interactive();
    let refused = (0..1000).position(|_| {
        let asked = client.hear(&info_request(0));
        asked.is_err() || client.auth.respond(&[], &mut client.line.out).is_err()
    });
    assert_eq!(refused, Some(64));
}

#[test]
fn p7_rsa_signs_as_the_server_says_and_never_with_sha1() {
    use SignatureAlgorithm::{RsaSha2_256, RsaSha2_512};
    let names = |list: &[&str]| Some(list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let rows = [
        (None, RsaSha2_512),
        (names(&[]), RsaSha2_512),
        (names(&["ssh-rsa"]), RsaSha2_512),
        (names(&["ssh-ed25519", "rsa-sha2-256"]), RsaSha2_256),
        (names(&["rsa-sha2-256", "rsa-sha2-512"]), RsaSha2_512),
    ];
    for (listed, expected) in rows {
        let auth = ClientAuth::new(SESSION_ID, listed);
        assert_eq!(auth.signature_algorithm(KeyAlgorithm::Rsa), Some(expected));
        assert_eq!(auth.signature_algorithm(KeyAlgorithm::Ed25519), Some(ED25519));
    }
    let mut auth = ClientAuth::new(SESSION_ID, None);
    auth.learn_server_sig_algs(vec!["rsa-sha2-256".to_owned()]);
    assert_eq!(auth.signature_algorithm(KeyAlgorithm::Rsa), Some(RsaSha2_256));
    let mut client = Client::new();
    let wrong = client.auth.offer_key("alice", &plain(&key()), RsaSha2_512, &mut client.line.out);
    assert!(matches!(wrong, Err(Error::Misuse(_))));
}

#[test]
fn a_certificate_is_named_as_one() {
    let (authority, key) = (key(), key());
    let presented = Presented::Certificate(Box::new(issue(draft(&key), &authority)));
    let mut client = Client::new();
    client.auth.offer_key("alice", &presented, ED25519, &mut client.line.out).unwrap();
    let sent = client.line.take();
    let expected = crate::auth::tests::line::offer("alice", "ssh-ed25519-cert-v01@openssh.com", presented.blob());
    assert_eq!(sent, [expected]);
}
