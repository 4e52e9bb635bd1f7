//! P4 and N3: what a stranger may use up, and what it learns from a no.

use std::time::Duration;

use crate::auth::tests::line::*;
use crate::auth::*;
use crate::error::Error;
use crate::message::userauth;

/// A server that makes a no wait.
fn slow() -> Server {
    Server::new(ServerAuthConfig { answer_floor: FLOOR, ..trusting(&key()) })
}

/// How the user of the engine answers the first event, if it is asked anything.
fn answer(server: &mut Server, known: &[&str]) {
    let known = |user: &str| known.contains(&user);
    let now = server.now;
    while let Some(event) = server.auth.next_event() {
        let out = &mut server.line.out;
        match event {
            ServerAuthEvent::Offered(offer) => server.auth.reject_offer(offer, now, out).unwrap(),
            ServerAuthEvent::None(attempt) => server.auth.reject(attempt, now, out).unwrap(),
            // Who exists has another password, key and code than the one that is tried.
            ServerAuthEvent::Password(attempt) => {
                assert!(!(known(attempt.user()) && attempt.secret() == "right"));
                server.auth.reject(attempt, now, out).unwrap();
            }
            ServerAuthEvent::Verified(identity) => server.auth.reject(identity, now, out).unwrap(),
            ServerAuthEvent::InteractiveStart(attempt) | ServerAuthEvent::InteractiveResponse(attempt) => {
                server.auth.reject(attempt, now, out).unwrap();
            }
            ServerAuthEvent::InteractiveAbandoned { .. } | ServerAuthEvent::Refused(_) => {}
            ServerAuthEvent::Succeeded { .. } => panic!("let in"),
        }
    }
}

/// Every way to fail, for a user that exists, one that does not, and names that nobody has.
#[test]
fn n3_equal_answers_for_unknown_users() {
    let (key, stranger) = (key(), key());
    let long = "x".repeat(USER_NAME_BYTES_MAX + 1);
    let users = ["alice", "nobody", "", "al\nice", "al\u{9b}ice", long.as_str()];
    let ways: [&dyn Fn(&str) -> Vec<u8>; 10] = [
        &|user| none(user),
        &|user| password(user, "wrong"),
        &|user| password(user, &"x".repeat(SECRET_BYTES_MAX + 1)),
        &|user| interactive(user),
        &|user| offer(user, "ssh-ed25519", key.public_key().blob()),
        &|user| signed(user, &key),
        &|user| signed_as(user, "ssh-ed25519", key.public_key().blob(), SESSION_ID, |data| stranger.sign(data)),
        &|user| offer(user, "ssh-ed25519-cert-v01@openssh.com", issue(draft(&key), &stranger).blob()),
        &|user| request(user, "hostbased", |_| {}),
        &|user| request_for(user, "ssh-nothing", "none", |_| {}),
    ];
    for (number, way) in ways.iter().enumerate() {
        for user in users {
            let mut server = slow();
            let received = server.now;
            server.send(&way(user)).unwrap();
            // Work for users that exist may take its time, as long as it is below the floor.
            if user == "alice" {
                server.now = received.after(FLOOR / 2);
            }
            answer(&mut server, &["alice"]);
            let case = format!("way {number}, user {user:?}");
            assert!(server.auth.awaits_answer() && server.line.take().is_empty(), "{case}");
            assert_eq!(server.auth.deadline(), Some(received.monotonic + FLOOR), "{case}");
            server.now = received;
            server.pass(FLOOR - Duration::from_nanos(1));
            assert!(server.auth.awaits_answer() && server.line.take().is_empty(), "{case}");
            server.pass(Duration::from_nanos(1));
            assert!(!server.auth.awaits_answer() && server.auth.deadline().is_none(), "{case}");
            assert_eq!(server.line.take(), [failure("publickey,keyboard-interactive,password", false)], "{case}");
        }
    }
}

#[test]
fn n3_not_utf8_is_a_name_like_any_other() {
    let mut server = slow();
    let payload = message(userauth::REQUEST, |w| {
        w.string(b"\xff\xfe").string(b"ssh-connection").string(b"none");
    });
    server.send(&payload).unwrap();
    let Some(ServerAuthEvent::Refused(refused)) = server.auth.next_event() else { panic!() };
    assert_eq!((refused.why, refused.user), (Refusal::UserName, None));
    server.pass(FLOOR);
    assert_eq!(server.line.take(), [failure("publickey,keyboard-interactive,password", false)]);
}

#[test]
fn the_floor_is_no_delay_on_top_of_slow_work_and_none_for_a_yes() {
    let mut server = slow();
    let attempt = token!(server.ask(&password("alice", "wrong")), Password);
    server.now = server.now.after(FLOOR * 3);
    server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    assert!(!server.auth.awaits_answer() && server.line.take().len() == 1);
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    server.auth.partial(attempt, MethodSet::KEYBOARD_INTERACTIVE, &mut server.line.out).unwrap();
    assert!(!server.auth.awaits_answer() && server.line.take().len() == 1);
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    server.auth.accept(attempt, &mut server.line.out).unwrap();
    assert_eq!(server.line.take(), [vec![userauth::SUCCESS]]);
}

#[test]
fn p4_attempts_are_limited_whoever_is_tried() {
    let mut server = Server::new(ServerAuthConfig { attempts_max: 4, ..config() });
    for user in ["alice", "bob", "carol"] {
        let attempt = token!(server.ask(&password(user, "guess")), Password);
        server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
        assert_eq!(server.line.take().len(), 1);
    }
    // Probes are counted apart.
    let attempt = token!(server.ask(&none("alice")), None);
    server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    assert_eq!(server.line.take().len(), 1);
    let attempt = token!(server.ask(&password("alice", "guess")), Password);
    let last = server.auth.reject(attempt, server.now, &mut server.line.out);
    assert_eq!(last, Err(Error::AuthExhausted));
    assert!(server.line.take().is_empty());
    assert!(server.send(&password("alice", "guess")).is_err());
}

#[test]
fn p4_what_the_engine_refuses_by_itself_counts_as_well() {
    let (key, other) = (key(), key());
    let wrong = signed_as("alice", "ssh-ed25519", key.public_key().blob(), SESSION_ID, |data| other.sign(data));
    for payload in [wrong, request("alice", "hostbased", |_| {}), password("al\nice", "x"), password("alice", "\u{80}").repeat(1)] {
        let mut server = Server::new(ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, attempts_max: 3, ..config() });
        for _ in 0..2 {
            server.send(&payload).unwrap();
        }
        assert_eq!(server.send(&payload), Err(Error::AuthExhausted));
    }
}

#[test]
fn p4_the_last_no_waits_for_its_time_too() {
    let mut server = Server::new(ServerAuthConfig { attempts_max: 1, answer_floor: FLOOR, ..config() });
    server.send(&request("alice", "hostbased", |_| {})).unwrap();
    assert!(server.auth.awaits_answer());
    server.now = server.now.after(FLOOR);
    assert_eq!(server.auth.on_time(server.now, &mut server.line.out), Err(Error::AuthExhausted));
    assert!(server.line.take().is_empty());
}

#[test]
fn p4_an_agent_with_many_keys_is_served_up_to_a_limit() {
    let mut server = Server::new(config());
    for number in 0..32 {
        let offer = token!(server.ask(&offer("alice", "ssh-ed25519", key().public_key().blob())), Offered);
        // Whether the offers were welcome makes no difference.
        if number % 2 == 0 {
            server.auth.reject_offer(offer, server.now, &mut server.line.out).unwrap();
        } else {
            server.auth.acceptable(offer, &mut server.line.out).unwrap();
        }
        assert_eq!(server.line.take().len(), 1);
    }
    // The keys themselves may still be tried.
    let identity = token!(server.ask(&signed("alice", &key())), Verified);
    server.auth.reject(identity, server.now, &mut server.line.out).unwrap();
    assert_eq!(server.line.take().len(), 1);
    assert_eq!(server.send(&offer("bob", "ssh-ed25519", key().public_key().blob())), Err(Error::AuthExhausted));
    assert!(matches!(server.auth.next_event(), Some(ServerAuthEvent::Refused(refused)) if refused.why == Refusal::Offers));
}

#[test]
fn p4_asking_for_nothing_is_limited() {
    let mut server = Server::new(ServerAuthConfig { offers_max: 3, ..config() });
    for _ in 0..3 {
        let attempt = token!(server.ask(&none("alice")), None);
        server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    }
    assert_eq!(server.send(&none("alice")), Err(Error::AuthExhausted));
}

#[test]
fn p4_answers_to_questions_are_limited_over_all_rounds() {
    let mut server = Server::new(config());
    let prompts = Prompts { prompts: vec![Prompt { text: "?".into(), echo: Echo::Shown }], ..Prompts::default() };
    let mut attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    let answer = "x".repeat(1000);
    for _ in 0..3 {
        server.auth.prompt(attempt, &prompts, &mut server.line.out).unwrap();
        attempt = token!(server.ask(&responses(&[&answer])), InteractiveResponse);
    }
    server.auth.prompt(attempt, &prompts, &mut server.line.out).unwrap();
    assert!(matches!(server.send(&responses(&["x".repeat(2000).as_str()])), Err(Error::Limit(_))));
    assert!(server.auth.next_event().is_none());

    let mut server = Server::new(config());
    let hints = request("alice", "keyboard-interactive", |w| {
        w.string(b"").string(&[b'x'; 5000]);
    });
    assert_eq!(server.refusal(&hints), Refusal::Secret);
}

#[test]
fn p4_abandoned_questions_count() {
    let mut server = Server::new(ServerAuthConfig { attempts_max: 3, ..config() });
    for round in 0..3 {
        if round > 0 {
            assert!(matches!(server.ask(&interactive("alice")), ServerAuthEvent::InteractiveAbandoned { .. }));
        } else {
            server.send(&interactive("alice")).unwrap();
        }
        let attempt = token!(server.auth.next_event().unwrap(), InteractiveStart);
        server.auth.prompt(attempt, &Prompts::default(), &mut server.line.out).unwrap();
    }
    assert_eq!(server.send(&interactive("alice")), Err(Error::AuthExhausted));
}

#[test]
fn p4_the_time_for_questions_cannot_be_stretched() {
    let mut server = Server::new(config());
    assert_eq!(server.auth.interactive_since(), None);
    let first = server.now.monotonic;
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    // While somebody decides whether to ask at all, and no longer if nothing is asked.
    assert_eq!(server.auth.interactive_since(), Some(first));
    server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    assert_eq!(server.auth.interactive_since(), None);

    server.now = server.now.after(Duration::from_secs(1));
    let second = server.now.monotonic;
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    server.auth.prompt(attempt, &Prompts::default(), &mut server.line.out).unwrap();
    server.now = server.now.after(Duration::from_secs(60));
    assert_eq!(server.auth.interactive_since(), Some(second));
    let attempt = token!(server.ask(&responses(&[])), InteractiveResponse);
    server.auth.reject(attempt, server.now, &mut server.line.out).unwrap();
    // A second try, under whatever name, has what is left of the first one's time.
    let attempt = token!(server.ask(&interactive("bob")), InteractiveStart);
    assert_eq!(server.auth.interactive_since(), Some(second));
    server.auth.prompt(attempt, &Prompts::default(), &mut server.line.out).unwrap();
    assert_eq!(server.auth.interactive_since(), Some(second));
}

#[test]
fn p4_texts_and_passwords_have_a_size() {
    let mut server = Server::new(config());
    assert_eq!(server.refusal(&password("alice", &"x".repeat(SECRET_BYTES_MAX + 1))), Refusal::Secret);
    let not_utf8 = request("alice", "password", |w| {
        w.bool(false).string(b"\xff");
    });
    assert_eq!(server.refusal(&not_utf8), Refusal::Secret);
    assert!(matches!(server.auth.banner(&"x".repeat(32 * 1024 + 1), &mut server.line.out), Err(Error::Misuse(_))));
    server.auth.banner(&"x".repeat(32 * 1024), &mut server.line.out).unwrap();
    assert_eq!(server.line.take().len(), 1);

    let mut waiting = Server::fresh(config());
    let refused = (0..100).position(|_| waiting.auth.banner("x", &mut waiting.line.out).is_err());
    assert_eq!(refused, Some(8));

    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    let many = vec![Prompt { text: String::new(), echo: Echo::Shown }; PROMPTS_MAX + 1];
    let asked = server.auth.prompt(attempt, &Prompts { prompts: many, ..Prompts::default() }, &mut server.line.out);
    assert!(matches!(asked, Err(Error::Misuse(_))));
}
