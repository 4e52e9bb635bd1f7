//! P3: what may come when, and what answers it.

use crate::auth::tests::line::*;
use crate::auth::*;
use crate::error::{Error, Reason};
use crate::message::{transport, userauth};

/// Brings a server's side into each of the states in which it reads.
fn states() -> Vec<(&'static str, Server, Vec<u8>)> {
    let fresh = Server::fresh(config());
    let open = Server::new(config());
    let mut prompted = Server::new(config());
    let attempt = token!(prompted.ask(&interactive("alice")), InteractiveStart);
    prompted.prompt(attempt, &Prompts::default());
    let mut done = Server::new(config());
    let attempt = token!(done.ask(&none("alice")), None);
    done.accept(attempt);
    done.auth.next_event();
    let mut states = vec![
        ("fresh", fresh, vec![transport::SERVICE_REQUEST]),
        ("open", open, vec![transport::SERVICE_REQUEST, userauth::REQUEST]),
        ("prompted", prompted, vec![transport::SERVICE_REQUEST, userauth::REQUEST, userauth::INFO_RESPONSE]),
        ("done", done, vec![userauth::REQUEST]),
    ];
    for (_, server, _) in &mut states {
        server.line.take();
    }
    states
}

#[test]
fn p3_messages_out_of_phase_end_the_connection_and_reach_nobody() {
    for number in 0..=u8::MAX {
        for (name, mut server, welcome) in states() {
            if welcome.contains(&number) {
                continue;
            }
            for payload in [vec![number], [vec![number], responses(&[])[1..].to_vec()].concat()] {
                let result = server.send(&payload);
                // The first one ends it; behind the end nothing is looked at.
                assert!(matches!(result, Err(Error::Misbehaved(_) | Error::Misuse(_))), "{name} {number} {result:?}");
                assert!(server.auth.next_event().is_none() && server.line.take().is_empty(), "{name} {number}");
            }
            assert!(matches!(server.send(&none("alice")), Err(Error::Misuse(_))), "{name} {number}");
        }
    }
    assert!(matches!(Server::new(config()).send(&[]), Err(Error::Misbehaved(_))));
}

#[test]
fn p3_nothing_is_heard_before_the_service_was_asked_for() {
    let mut server = Server::fresh(config());
    assert!(matches!(server.send(&password("alice", "right")), Err(Error::Misbehaved(_))));
    assert!(server.auth.next_event().is_none() && server.line.take().is_empty());
}

#[test]
fn p3_other_services_are_not_available() {
    for name in ["ssh-connection", "", "ssh-userauth@example.org"] {
        let mut server = Server::fresh(config());
        let error = server.send(&service_request(name)).unwrap_err();
        assert_eq!(error.farewell().map(|(reason, _)| reason), Some(Reason::SERVICE_NOT_AVAILABLE), "{name}");
    }
}

/// paramiko asks for the service again before each attempt. What was shown before stays shown.
#[test]
fn the_service_is_accepted_as_often_as_it_is_asked_for() {
    let accept = message(transport::SERVICE_ACCEPT, |w| {
        w.string(b"ssh-userauth");
    });
    let (mut server, key) = (Server::fresh(config()), key());
    server.send(&service_request("ssh-userauth")).unwrap();
    assert_eq!(server.line.take(), std::slice::from_ref(&accept));
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    server.partial(identity, MethodSet::KEYBOARD_INTERACTIVE);
    server.line.take();
    server.send(&service_request("ssh-userauth")).unwrap();
    assert_eq!(server.line.take(), std::slice::from_ref(&accept));
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    assert_eq!(attempt.passed().len(), 1);
    server.prompt(attempt, &Prompts { prompts: vec![], ..Prompts::default() });
    server.line.take();
    // Questions stay asked, too.
    server.send(&service_request("ssh-userauth")).unwrap();
    assert_eq!(server.line.take(), [accept]);
    let attempt = token!(server.ask(&responses(&[])), InteractiveResponse);
    server.accept(attempt);
}

#[test]
fn p3_another_service_ends_the_connection_later_too() {
    let mut server = Server::new(config());
    let error = server.send(&service_request("ssh-connection")).unwrap_err();
    assert_eq!(error.farewell().map(|(reason, _)| reason), Some(Reason::SERVICE_NOT_AVAILABLE));
}

#[test]
fn methods_that_are_not_offered_fail_with_the_list() {
    let mut server = Server::new(config());
    let hostbased = request("alice", "hostbased", |w| {
        w.string(b"ssh-ed25519").string(b"").string(b"host").string(b"alice").string(b"");
    });
    let gssapi = request("alice", "gssapi-with-mic", |w| {
        w.u32(0);
    });
    for payload in [hostbased, gssapi, request("alice", "", |_| {}), request("alice", "None", |_| {})] {
        assert_eq!(server.refusal(&payload), Refusal::Method);
    }
    let mut server = Server::new(ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, ..config() });
    for payload in [password("alice", "right"), interactive("alice")] {
        assert!(matches!(server.ask(&payload), ServerAuthEvent::Refused(refused) if refused.why == Refusal::Method));
        assert_eq!(server.line.take(), [failure("publickey", false)]);
    }
}

#[test]
fn n4_behind_a_partial_success_only_what_remains_leads_on() {
    let (mut server, key) = (Server::new(config()), key());
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    server.partial(identity, MethodSet::KEYBOARD_INTERACTIVE);
    assert_eq!(server.line.take(), [failure("keyboard-interactive", true)]);
    for payload in [none("alice"), password("alice", "right"), signed("alice", &key)] {
        assert!(matches!(server.ask(&payload), ServerAuthEvent::Refused(refused) if refused.why == Refusal::Method));
        assert_eq!(server.line.take(), [failure("keyboard-interactive", false)]);
    }
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    server.reject(attempt);
}

/// A partial success that leaves nothing to do is a mistake of the caller, not a way in; so is an endless one.
#[test]
fn n4_a_partial_success_leads_on_by_methods_that_there_are() {
    let methods = MethodSet::PUBLIC_KEY.with(MethodSet::KEYBOARD_INTERACTIVE);
    let server = || Server::new(ServerAuthConfig { methods, ..config() });
    for nowhere in [MethodSet::EMPTY, MethodSet::PASSWORD] {
        let mut server = server();
        let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
        let partial = server.auth.partial(attempt, nowhere, &mut server.line.out);
        assert!(matches!(partial, Err(Error::Misuse(_))) && server.line.take().is_empty());
    }
    let mut server = server();
    for round in 0..9 {
        let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
        assert_eq!(attempt.passed().len(), round);
        let remaining = MethodSet::KEYBOARD_INTERACTIVE.with(MethodSet::PASSWORD);
        let partial = server.auth.partial(attempt, remaining, &mut server.line.out);
        if round < 8 {
            partial.unwrap();
            assert_eq!(server.line.take(), [failure("keyboard-interactive", true)]);
        } else {
            assert!(matches!(partial, Err(Error::Misuse(_))) && server.line.take().is_empty());
        }
    }
}

#[test]
fn passwords_are_not_changed() {
    let mut server = Server::new(config());
    let change = request("alice", "password", |w| {
        w.bool(true).string(b"old").string(b"new");
    });
    assert_eq!(server.refusal(&change), Refusal::PasswordChange);
}

#[test]
fn as_many_answers_as_questions_or_a_failure() {
    let prompts = Prompts {
        prompts: vec![
            Prompt { text: "Code: ".into(), echo: Echo::Hidden },
            Prompt { text: "Name: ".into(), echo: Echo::Shown },
        ],
        ..Prompts::default()
    };
    let not_utf8 = message(userauth::INFO_RESPONSE, |w| {
        w.u32(2).string(b"\xff").string(b"1");
    });
    let claimed = message(userauth::INFO_RESPONSE, |w| {
        w.u32(u32::MAX);
    });
    for payload in [responses(&[]), responses(&["1"]), responses(&["1", "2", "3"]), not_utf8, claimed] {
        let mut server = Server::new(config());
        let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
        server.prompt(attempt, &prompts);
        server.line.take();
        assert_eq!(server.refusal(&payload), Refusal::Secret);
        // The sign-in is over; what comes late answers nothing.
        assert!(matches!(server.send(&responses(&["1", "2"])), Err(Error::Misbehaved(_))));
    }
}

#[test]
fn p9_malformed_requests_end_the_connection() {
    let mut whole = [
        password("alice", "right"),
        interactive("alice"),
        offer("alice", "ssh-ed25519", b"blob"),
        none("alice"),
        signed("alice", &key()),
    ];
    for payload in &mut whole {
        for length in 1..payload.len() {
            let mut server = Server::new(config());
            assert!(matches!(server.send(&payload[..length]), Err(Error::Malformed { .. })), "{length} of {payload:?}");
            assert!(server.auth.next_event().is_none());
        }
        payload.push(0);
        assert!(matches!(Server::new(config()).send(payload), Err(Error::Malformed { .. })));
    }
}
