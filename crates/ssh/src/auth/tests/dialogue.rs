//! Every method, both halves back to back.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::line::*;
use crate::auth::*;
use crate::key::{Presented, SignatureAlgorithm, SigningKey};
use crate::message::userauth;

const ED25519: SignatureAlgorithm = SignatureAlgorithm::Ed25519;

/// What either user does, where it must succeed.
impl Pair {
    fn accept(&mut self, attempt: impl Attempt) {
        self.server.accept(attempt, &mut self.to_client.out).unwrap();
    }

    fn reject(&mut self, attempt: impl Attempt) {
        self.server.reject(attempt, self.now, &mut self.to_client.out).unwrap();
    }

    fn partial(&mut self, attempt: impl Attempt, remaining: MethodSet) {
        self.server.partial(attempt, remaining, &mut self.to_client.out).unwrap();
    }

    fn prompt(&mut self, attempt: InteractiveAttempt, prompts: &Prompts) {
        self.server.prompt(attempt, prompts, &mut self.to_client.out).unwrap();
    }

    fn acceptable(&mut self, offer: KeyOffer) {
        self.server.acceptable(offer, &mut self.to_client.out).unwrap();
    }

    fn reject_offer(&mut self, offer: KeyOffer) {
        self.server.reject_offer(offer, self.now, &mut self.to_client.out).unwrap();
    }

    fn none(&mut self, user: &str) {
        self.client.none(user, &mut self.to_server.out).unwrap();
    }

    fn offer_key(&mut self, user: &str, presented: &Presented, algorithm: SignatureAlgorithm) {
        self.client.offer_key(user, presented, algorithm, &mut self.to_server.out).unwrap();
    }

    fn password(&mut self, user: &str, secret: &Zeroizing<String>) {
        self.client.password(user, secret, &mut self.to_server.out).unwrap();
    }

    fn keyboard_interactive(&mut self, user: &str, submethods: &str) {
        self.client.keyboard_interactive(user, submethods, &mut self.to_server.out).unwrap();
    }

    fn respond(&mut self, answers: &[Zeroizing<String>]) {
        self.client.respond(answers, &mut self.to_server.out).unwrap();
    }
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn sign(pair: &mut Pair, key: &SigningKey) {
    let ClientAuthEvent::Sign(request) = pair.heard() else { panic!("nothing to sign") };
    assert_eq!(request.algorithm(), ED25519);
    let signature = key.sign(request.data());
    pair.client.signature(request, &signature, &mut pair.to_server.out).unwrap();
}

fn succeeded(pair: &mut Pair) -> (Arc<str>, Vec<Arc<Evidence>>) {
    match pair.asked() {
        ServerAuthEvent::Succeeded { user, evidence } => (user, evidence),
        _ => panic!("not succeeded"),
    }
}

fn methods(evidence: &[Arc<Evidence>]) -> Vec<Method> {
    evidence.iter().map(|shown| shown.method()).collect()
}

#[test]
fn none_asks_what_there_is() {
    let mut pair = Pair::new(config());
    pair.none("alice");
    let attempt = token!(pair.asked(), None);
    assert_eq!(attempt.user(), "alice");
    pair.reject(attempt);
    let (methods, outcome) = pair.heard_failure();
    assert_eq!(methods, ["publickey", "keyboard-interactive", "password"]);
    assert_eq!(outcome, Outcome::Refused);
}

#[test]
fn none_may_be_let_in() {
    let mut pair = Pair::new(config());
    pair.none("guest");
    let attempt = token!(pair.asked(), None);
    pair.accept(attempt);
    assert_eq!(pair.heard_success(), Method::None);
    let (user, evidence) = succeeded(&mut pair);
    assert_eq!((&*user, methods(&evidence)), ("guest", vec![Method::None]));
}

#[test]
fn a_key_is_offered_then_proved() {
    let (mut pair, key) = (Pair::new(config()), key());
    pair.offer_key("alice", &plain(&key), ED25519);
    let offer = token!(pair.asked(), Offered);
    assert_eq!((offer.user(), offer.presented()), ("alice", &plain(&key)));
    pair.acceptable(offer);
    sign(&mut pair, &key);
    let identity = token!(pair.asked(), Verified);
    assert_eq!((identity.user(), identity.presented()), ("alice", &plain(&key)));
    assert_eq!((identity.proof().algorithm(), identity.proof().binding()), (ED25519, Binding::Session));
    pair.accept(identity);
    assert_eq!(pair.heard_success(), Method::PublicKey);
    let (user, evidence) = succeeded(&mut pair);
    assert_eq!(&*user, "alice");
    assert!(matches!(&*evidence[0], Evidence::Key(proof) if *proof.presented() == plain(&key)));
}

#[test]
fn a_refused_offer_leaves_room_for_the_next_key() {
    let (mut pair, refused, key) = (Pair::new(config()), key(), key());
    pair.offer_key("alice", &plain(&refused), ED25519);
    let offer = token!(pair.asked(), Offered);
    pair.reject_offer(offer);
    assert_eq!(pair.heard_failure().1, Outcome::Refused);
    pair.client.public_key("alice", &plain(&key), ED25519).unwrap();
    sign(&mut pair, &key);
    let identity = token!(pair.asked(), Verified);
    pair.accept(identity);
    pair.heard_success();
}

#[test]
fn a_certificate_is_judged_at_the_offer_and_at_the_signature() {
    let (authority, key) = (key(), key());
    let mut pair = Pair::new(trusting(&authority));
    let certificate = issue(draft(&key).force_command("uptime").extension("permit-pty"), &authority);
    let presented = Presented::Certificate(Box::new(certificate));
    pair.offer_key("alice", &presented, ED25519);
    let offer = token!(pair.asked(), Offered);
    assert_eq!(offer.terms().unwrap().force_command.as_deref(), Some("uptime"));
    pair.acceptable(offer);
    sign(&mut pair, &key);
    let identity = token!(pair.asked(), Verified);
    assert_eq!(identity.presented(), &presented);
    let terms = identity.proof().terms().unwrap();
    assert_eq!(terms.force_command.as_deref(), Some("uptime"));
    assert!(terms.permits("permit-pty") && !terms.permits("permit-port-forwarding"));
    pair.accept(identity);
    pair.heard_success();
}

#[test]
fn a_password_is_tried_twice() {
    let mut pair = Pair::new(config());
    for (text, right) in [("hunter1", false), ("hunter2", true)] {
        pair.password("alice", &secret(text));
        let attempt = token!(pair.asked(), Password);
        assert_eq!((attempt.user(), attempt.secret()), ("alice", text));
        if right {
            pair.accept(attempt);
        } else {
            pair.reject(attempt);
            assert_eq!(pair.heard_failure().1, Outcome::Refused);
        }
    }
    assert_eq!(pair.heard_success(), Method::Password);
    assert_eq!(methods(&succeeded(&mut pair).1), [Method::Password]);
}

fn questions(texts: &[(&str, Echo)]) -> Prompts {
    let prompts = texts.iter().map(|(text, echo)| Prompt { text: (*text).to_owned(), echo: *echo }).collect();
    Prompts { name: "Sign in".to_owned(), instruction: "Grüße".to_owned(), prompts }
}

#[test]
fn questions_come_in_several_rounds_and_one_may_hold_none() {
    let mut pair = Pair::new(config());
    pair.keyboard_interactive("alice", "pam");
    let mut attempt = token!(pair.asked(), InteractiveStart);
    assert_eq!((attempt.submethods(), attempt.responses().len()), ("pam", 0));
    let rounds = [
        (questions(&[("Name: ", Echo::Shown), ("Code: ", Echo::Hidden)]), vec!["älice", "123456"]),
        (questions(&[]), vec![]),
        (questions(&[("Sure? ", Echo::Shown)]), vec![""]),
    ];
    for (prompts, answers) in rounds {
        pair.prompt(attempt, &prompts);
        let ClientAuthEvent::Prompt(shown) = pair.heard() else { panic!("no questions") };
        assert_eq!(shown, prompts);
        assert!(pair.server.next_event().is_none());
        let answers: Vec<_> = answers.into_iter().map(secret).collect();
        pair.respond(&answers);
        attempt = token!(pair.asked(), InteractiveResponse);
        assert_eq!(attempt.responses(), answers);
    }
    pair.accept(attempt);
    assert_eq!(pair.heard_success(), Method::KeyboardInteractive);
    assert_eq!(methods(&succeeded(&mut pair).1), [Method::KeyboardInteractive]);
}

#[test]
fn partial_success_leads_from_method_to_method() {
    let (mut pair, key) = (Pair::new(config()), key());
    pair.client.public_key("alice", &plain(&key), ED25519).unwrap();
    sign(&mut pair, &key);
    let identity = token!(pair.asked(), Verified);
    let rest = MethodSet::KEYBOARD_INTERACTIVE.with(MethodSet::PASSWORD);
    pair.partial(identity, rest);
    assert_eq!(pair.heard_failure(), (vec!["keyboard-interactive".into(), "password".into()], Outcome::PartialSuccess));

    // A failure in between costs nothing of what was shown.
    pair.password("alice", &secret("wrong"));
    let attempt = token!(pair.asked(), Password);
    pair.reject(attempt);
    assert_eq!(pair.heard_failure(), (vec!["keyboard-interactive".into(), "password".into()], Outcome::Refused));

    pair.password("alice", &secret("right"));
    let attempt = token!(pair.asked(), Password);
    assert_eq!(methods(attempt.passed()), [Method::PublicKey]);
    pair.partial(attempt, MethodSet::KEYBOARD_INTERACTIVE);
    assert_eq!(pair.heard_failure(), (vec!["keyboard-interactive".into()], Outcome::PartialSuccess));

    pair.keyboard_interactive("alice", "");
    let attempt = token!(pair.asked(), InteractiveStart);
    pair.prompt(attempt, &questions(&[("Code: ", Echo::Hidden)]));
    assert!(matches!(pair.heard(), ClientAuthEvent::Prompt(_)));
    pair.respond(&[secret("1")]);
    let attempt = token!(pair.asked(), InteractiveResponse);
    assert_eq!(methods(attempt.passed()), [Method::PublicKey, Method::Password]);
    pair.accept(attempt);
    pair.heard_success();
    let (user, evidence) = succeeded(&mut pair);
    assert_eq!(&*user, "alice");
    assert_eq!(methods(&evidence), [Method::PublicKey, Method::Password, Method::KeyboardInteractive]);
    assert!(matches!(&*evidence[0], Evidence::Key(proof) if *proof.presented() == plain(&key)));
}

#[test]
fn banners_come_at_any_time_before_success() {
    let heard = |pair: &mut Pair, wanted: &str| {
        assert!(matches!(pair.heard(), ClientAuthEvent::Banner { text } if text == wanted), "{wanted}");
    };
    let mut fresh = Server::fresh(config());
    fresh.auth.banner("early", &mut fresh.line.out).unwrap();
    assert!(fresh.line.take().is_empty());
    fresh.send(&service_request("ssh-userauth")).unwrap();
    let sent = fresh.line.take();
    assert_eq!(sent.iter().map(|payload| payload[0]).collect::<Vec<_>>(), [6, userauth::BANNER]);

    let mut pair = Pair::new(config());
    pair.server.banner("idle", &mut pair.to_client.out).unwrap();
    heard(&mut pair, "idle");
    pair.keyboard_interactive("alice", "");
    let attempt = token!(pair.asked(), InteractiveStart);
    pair.server.banner("asked", &mut pair.to_client.out).unwrap();
    heard(&mut pair, "asked");
    pair.prompt(attempt, &questions(&[("Code: ", Echo::Hidden)]));
    assert!(matches!(pair.heard(), ClientAuthEvent::Prompt(_)));
    pair.server.banner("prompted", &mut pair.to_client.out).unwrap();
    heard(&mut pair, "prompted");
    pair.respond(&[secret("1")]);
    let attempt = token!(pair.asked(), InteractiveResponse);
    pair.accept(attempt);
    pair.heard_success();
    assert!(pair.server.banner("late", &mut pair.to_client.out).is_err());
    assert!(pair.to_client.take().is_empty());
}

#[test]
fn requests_sent_at_once_are_answered_one_after_the_other() {
    let mut server = Server::new(config());
    server.send(&password("alice", "1")).unwrap();
    assert!(server.auth.awaits_answer());
    // The engine reads nothing now; if it did, that would be its mistake, and nothing is lost by it.
    assert!(matches!(server.send(&password("alice", "2")), Err(crate::error::Error::Misuse(_))));
    let attempt = token!(server.auth.next_event().unwrap(), Password);
    assert_eq!(attempt.secret(), "1");
    server.reject(attempt);
    assert!(!server.auth.awaits_answer() && server.line.take().len() == 1);
    let attempt = token!(server.ask(&password("alice", "2")), Password);
    server.accept(attempt);
    // RFC 4252, section 5.1: requests behind SUCCESS are ignored, whatever is in them.
    assert_eq!(server.line.take(), [vec![userauth::SUCCESS]]);
    server.send(&password("alice", "3")).unwrap();
    server.send(&[userauth::REQUEST]).unwrap();
    assert!(server.line.take().is_empty() && !server.auth.awaits_answer());
    assert!(matches!(server.auth.next_event(), Some(ServerAuthEvent::Succeeded { .. })));
    assert!(server.auth.next_event().is_none());
}
