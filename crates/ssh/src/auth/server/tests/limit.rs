//! P4 and N3: what a stranger may use up, and what it learns from a no.

use std::time::Duration;

use crate::auth::tests::line::*;
use crate::auth::*;
use crate::error::Error;
use crate::key::SigningKey;
use crate::message::userauth;

/// One nanosecond less than [`FLOOR`].
const ALMOST_FLOOR: Duration = Duration::from_nanos(19_999_999);

/// A server that makes a no wait.
fn slow() -> Server {
    Server::new(ServerAuthConfig { answer_floor: FLOOR, ..trusting(&key()) })
}

/// The user of the engine says no to whatever it is asked.
fn say_no(server: &mut Server) {
    while let Some(event) = server.auth.next_event() {
        match event {
            ServerAuthEvent::Offered(offer) => server.reject_offer(offer),
            ServerAuthEvent::None(attempt) => server.reject(attempt),
            ServerAuthEvent::Password(attempt) => server.reject(attempt),
            ServerAuthEvent::Verified(identity) => server.reject(identity),
            ServerAuthEvent::InteractiveStart(attempt) | ServerAuthEvent::InteractiveResponse(attempt) => {
                server.reject(attempt);
            }
            ServerAuthEvent::InteractiveAbandoned { .. } | ServerAuthEvent::Refused(_) => {}
            ServerAuthEvent::Succeeded { .. } => panic!("let in"),
        }
    }
}

/// Every way to fail.
fn ways(user: &str, key: &SigningKey, stranger: &SigningKey) -> Vec<Vec<u8>> {
    let (blob, certificate) = (key.public_key().blob(), issue(draft(key), stranger));
    vec![
        password(user, "wrong"),
        password(user, &"x".repeat(SECRET_BYTES_MAX + 1)),
        interactive(user),
        offer(user, "ssh-ed25519", blob),
        signed(user, key),
        signed_as(user, "ssh-ed25519", blob, SESSION_ID, |data| stranger.sign(data)),
        offer(user, "ssh-ed25519-cert-v01@openssh.com", certificate.blob()),
        request(user, "hostbased", |_| {}),
        request_for(user, "ssh-nothing", "password", |w| {
            w.bool(false).string(b"wrong");
        }),
    ]
}

/// The same bytes at the same time for a user that exists, one that does not, and names that nobody has.
#[test]
fn n3_equal_answers_for_unknown_users() {
    let (key, stranger) = (key(), key());
    let long = "x".repeat(USER_NAME_BYTES_MAX + 1);
    for user in ["alice", "nobody", "", "al\nice", "al\u{9b}ice", long.as_str()] {
        for (way, payload) in ways(user, &key, &stranger).iter().enumerate() {
            let mut server = slow();
            let received = server.now;
            server.send(payload).unwrap();
            // Work for users that exist may take its time, as long as it is below the floor.
            if user == "alice" {
                server.now = received.after(FLOOR / 2);
            }
            say_no(&mut server);
            let case = format!("way {way}, user {user:?}");
            assert!(server.auth.awaits_answer() && server.line.take().is_empty(), "{case}");
            assert_eq!(server.auth.deadline(), Some(received.monotonic + FLOOR), "{case}");
            server.now = received;
            server.pass(ALMOST_FLOOR);
            assert!(server.auth.awaits_answer() && server.line.take().is_empty(), "{case}");
            server.pass(Duration::from_nanos(1));
            assert!(!server.auth.awaits_answer() && server.auth.deadline().is_none(), "{case}");
            let no = failure("publickey,keyboard-interactive,password", false);
            assert_eq!(server.line.take(), [no], "{case}");
        }
    }
}

/// Method `none` is asked by every client before anything else: it costs nobody a wait, and says the same of everybody.
#[test]
fn n3_none_is_answered_at_once_whoever_asks() {
    for user in ["alice", "nobody", "", "al\nice"] {
        let mut server = slow();
        server.send(&none(user)).unwrap();
        say_no(&mut server);
        assert!(!server.auth.awaits_answer(), "{user:?}");
        let no = failure("publickey,keyboard-interactive,password", false);
        assert_eq!(server.line.take(), [no], "{user:?}");
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
fn p4_a_name_is_short_and_without_control_characters() {
    let longest = "x".repeat(USER_NAME_BYTES_MAX);
    for user in ["", "alice", "Älïce", "a b", "a\u{202e}b", longest.as_str()] {
        let mut server = Server::new(config());
        assert_eq!(token!(server.ask(&none(user)), None).user(), user);
    }
    let longer = "x".repeat(USER_NAME_BYTES_MAX + 1);
    for user in ["al\0ice", "alice\n", "\u{7f}", "\u{9b}31m", longer.as_str()] {
        assert_eq!(Server::new(config()).refusal(&none(user)), Refusal::UserName, "{user:?}");
    }
}

#[test]
fn the_floor_is_no_delay_on_top_of_slow_work_and_none_for_a_yes() {
    let mut server = slow();
    let attempt = token!(server.ask(&password("alice", "wrong")), Password);
    server.now = server.now.after(FLOOR * 3);
    server.reject(attempt);
    assert!(!server.auth.awaits_answer() && server.line.take().len() == 1);
    let attempt = token!(server.ask(&password("alice", "right")), Password);
    server.partial(attempt, MethodSet::KEYBOARD_INTERACTIVE);
    assert!(!server.auth.awaits_answer() && server.line.take().len() == 1);
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    server.accept(attempt);
    assert_eq!(server.line.take(), [vec![userauth::SUCCESS]]);
}

#[test]
fn p4_attempts_are_limited_whoever_is_tried() {
    let mut server = Server::new(ServerAuthConfig { attempts_max: 4, ..config() });
    for user in ["alice", "bob", "carol"] {
        let attempt = token!(server.ask(&password(user, "guess")), Password);
        server.reject(attempt);
        assert_eq!(server.line.take().len(), 1);
    }
    // Probes are counted apart.
    let attempt = token!(server.ask(&none("alice")), None);
    server.reject(attempt);
    assert_eq!(server.line.take().len(), 1);
    let attempt = token!(server.ask(&password("alice", "guess")), Password);
    server.reject(attempt);
    server.exhausted();
}

#[test]
fn p4_what_the_engine_refuses_by_itself_counts_as_well() {
    let (key, other) = (key(), key());
    let wrong = signed_as("alice", "ssh-ed25519", key.public_key().blob(), SESSION_ID, |data| other.sign(data));
    for payload in
        [wrong, request("alice", "hostbased", |_| {}), password("al\nice", "x"), password("alice", "not offered here")]
    {
        let mut server = Server::new(ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, attempts_max: 3, ..config() });
        for _ in 0..2 {
            server.send(&payload).unwrap();
        }
        server.send(&payload).unwrap();
        server.exhausted();
    }
}

#[test]
fn p4_the_last_no_waits_for_its_time_too() {
    let mut server = Server::new(ServerAuthConfig { attempts_max: 1, answer_floor: FLOOR, ..config() });
    server.send(&request("alice", "hostbased", |_| {})).unwrap();
    server.pass(ALMOST_FLOOR);
    assert!(server.auth.awaits_answer());
    server.now = server.now.after(Duration::from_nanos(1));
    server.exhausted();
}

#[test]
fn p4_an_agent_with_many_keys_is_served_up_to_a_limit() {
    let mut server = Server::new(config());
    for number in 0..32 {
        let offer = token!(server.ask(&offer("alice", "ssh-ed25519", key().public_key().blob())), Offered);
        // Whether the offers were welcome makes no difference.
        if number % 2 == 0 {
            server.reject_offer(offer);
        } else {
            server.acceptable(offer);
        }
        assert_eq!(server.line.take().len(), 1);
    }
    // The keys themselves may still be tried.
    let identity = token!(server.ask(&signed("alice", &key())), Verified);
    server.reject(identity);
    assert_eq!(server.line.take().len(), 1);
    server.send(&offer("bob", "ssh-ed25519", key().public_key().blob())).unwrap();
    assert!(
        matches!(server.auth.next_event(), Some(ServerAuthEvent::Refused(refused)) if refused.why == Refusal::Offers)
    );
    server.exhausted();
}

#[test]
fn p4_asking_for_nothing_is_limited() {
    let mut server = Server::new(ServerAuthConfig { offers_max: 3, ..config() });
    for _ in 0..3 {
        let attempt = token!(server.ask(&none("alice")), None);
        server.reject(attempt);
    }
    server.send(&none("alice")).unwrap();
    server.exhausted();
}

#[test]
fn p4_answers_to_questions_are_limited_over_all_rounds() {
    let mut server = Server::new(config());
    let prompts = Prompts { prompts: vec![Prompt { text: "?".into(), echo: Echo::Shown }], ..Prompts::default() };
    let mut attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    let answer = "x".repeat(1000);
    for _ in 0..3 {
        server.prompt(attempt, &prompts);
        attempt = token!(server.ask(&responses(&[&answer])), InteractiveResponse);
    }
    server.prompt(attempt, &prompts);
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
        server.prompt(attempt, &Prompts::default());
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
    server.reject(attempt);
    assert_eq!(server.auth.interactive_since(), None);

    server.now = server.now.after(Duration::from_secs(1));
    let second = server.now.monotonic;
    let attempt = token!(server.ask(&interactive("alice")), InteractiveStart);
    server.prompt(attempt, &Prompts::default());
    server.now = server.now.after(Duration::from_mins(1));
    assert_eq!(server.auth.interactive_since(), Some(second));
    let attempt = token!(server.ask(&responses(&[])), InteractiveResponse);
    server.reject(attempt);
    // A second try, under whatever name, has what is left of the first one's time.
    let attempt = token!(server.ask(&interactive("bob")), InteractiveStart);
    assert_eq!(server.auth.interactive_since(), Some(second));
    server.prompt(attempt, &Prompts::default());
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
