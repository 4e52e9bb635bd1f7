//! P4: somebody who is not known makes us read 64 KiB and wait 20 s, no more; with questions five minutes and 4 KiB.

use std::sync::Arc;
use std::time::Duration;

use sallyport_ssh::engine::{EARLY_BYTES_MAX, Timing};
use sallyport_ssh::error::Error;
use sallyport_ssh::message::{transport as msg, userauth as auth_msg};

use crate::raw::{Raw, message};
use crate::talk::{honest, offer, password, signed_over, userauth};
use crate::victim::{Rule, Victim, auth_config, server_config, user_key};

const LOGIN: Duration = Duration::from_secs(20);
const INTERACTIVE: Duration = Duration::from_mins(5);
const JUST: Duration = Duration::from_millis(1);

/// A moment before so much time has passed.
fn almost(time: Duration) -> Duration {
    time.saturating_sub(JUST)
}

fn ask_questions(victim: &mut Victim) -> Raw {
    let mut raw = Raw::knock(victim);
    raw.send(victim, &userauth("alice", "keyboard-interactive", |w| w.string(b"").string(b"")));
    raw
}

fn answers(texts: &[&[u8]]) -> Vec<u8> {
    message(auth_msg::INFO_RESPONSE, |w| {
        w.u32(u32::try_from(texts.len()).unwrap());
        for text in texts {
            w.string(text);
        }
        w
    })
}

/// Fails when `Engine::login_due` counts from anything but the start of the connection.
#[test]
fn p4_signing_in_ends_after_20_seconds_however_far_it_is() {
    type Reach = fn(&mut Victim);
    let stages: [(&str, Reach); 5] = [
        ("nothing was said", |_| {}),
        ("a version was said", |victim| drop(Raw::facing(victim))),
        ("keys are half agreed on", |victim| Raw::facing(victim).open(victim)),
        ("keys are agreed on", |victim| Raw::facing(victim).exchange(victim)),
        ("a password was wrong", |victim| {
            let mut raw = Raw::knock(victim);
            raw.send(victim, &password("alice", "wrong"));
            raw.until(victim, auth_msg::FAILURE);
        }),
    ];
    for (stage, reach) in stages {
        let mut victim = Victim::server();
        victim.wait(LOGIN / 2);
        reach(&mut victim);
        victim.wait(almost(LOGIN / 2));
        assert_eq!(victim.ended, None, "too early when {stage}");
        assert!(
            victim.engine.deadline().is_some_and(|due| due <= victim.now.monotonic + JUST),
            "no timer when {stage}"
        );
        victim.wait(JUST);
        assert!(matches!(victim.ended, Some(Error::Timeout(_))), "{stage}: {:?}", victim.ended);
        assert!(!victim.engine.wants_read());
    }
}

/// A byte now and then stretches nothing. Fails when `Engine::filled` moves the deadline before anybody is known.
#[test]
fn p4_a_slow_drip_gains_nothing() {
    let mut slow = Victim::server();
    let mut quick = Victim::server();
    let mut raw = Raw::knock(&mut quick);
    let ignore = message(msg::IGNORE, |w| w.string(b"drip"));
    let drip = (0..10).flat_map(|_| raw.frame(&ignore)).collect::<Vec<_>>();
    for victim in [&mut slow, &mut quick] {
        let line = [b"SSH-2.0-", &vec![b'x'; 200][..]].concat();
        let bytes = if victim.heard.is_empty() { &line } else { &drip };
        let begin = victim.now;
        for byte in bytes {
            victim.wait(Duration::from_millis(150));
            if victim.ended.is_some() {
                break;
            }
            victim.take(&[*byte]);
        }
        let spent = victim.now.monotonic - begin.monotonic;
        assert!(matches!(victim.ended, Some(Error::Timeout(_))), "{:?}", victim.ended);
        assert!(spent <= LOGIN + Duration::from_millis(150), "it took {spent:?}");
    }
}

/// The same for a client whose server does not get on. Fails when the deadline is the server role's alone.
#[test]
fn p4_a_server_that_does_not_get_on_is_left_as_well() {
    let mut victim = Victim::client();
    let mut raw = Raw::facing(&mut victim);
    raw.host(&mut victim, &honest());
    victim.wait(almost(LOGIN));
    assert_eq!(victim.ended, None);
    victim.wait(JUST);
    assert!(matches!(victim.ended, Some(Error::Timeout(_))));
}

/// Fails when `check_early` is left out, or counts only what leads to an answer.
#[test]
fn p4_nobody_makes_us_read_more_than_64_kib() {
    let mut config = server_config();
    let auth = Arc::get_mut(&mut config.auth).unwrap();
    (auth.attempts_max, auth.offers_max) = (u32::MAX, u32::MAX);
    let attacks = [
        message(msg::IGNORE, |w| w.string(&[0; 1000])),
        message(200, |w| w.string(&[0; 1000])),
        offer("alice", user_key().public_key().blob()),
        password("alice", &"x".repeat(3000)),
    ];
    for attack in attacks {
        let mut victim = Victim::server_with(&config);
        let mut raw = Raw::knock(&mut victim);
        let mut read = 0;
        while victim.ended.is_none() {
            assert!(read <= EARLY_BYTES_MAX, "message {} goes on for ever", attack[0]);
            let packet = raw.frame(&attack);
            read += victim.take(&packet);
        }
        assert_eq!(victim.ended, Some(Error::Limit("too many bytes before authentication")));
    }
    // Key exchange after key exchange, which is dearer than reading.
    let mut victim = Victim::server();
    let mut raw = Raw::knock(&mut victim);
    let mut exchanges = 0;
    while victim.ended.is_none() {
        assert!(exchanges < 300, "key exchanges go on for ever");
        raw.open(&mut victim);
        if victim.ended.is_none() {
            raw.agree(&mut victim);
        }
        raw.send(&mut victim, &[msg::NEWKEYS]);
        exchanges += 1;
    }
    assert_eq!(victim.ended, Some(Error::Limit("too many bytes before authentication")));
}

/// A client that sends on while its last request waits for an answer is not read. Fails when `Engine::space` gives a stranger as
/// much room as anybody.
#[test]
fn p4_what_waits_unread_is_bounded_as_well() {
    let mut config = server_config();
    Arc::get_mut(&mut config.auth).unwrap().answer_floor = Duration::from_secs(10);
    let mut victim = Victim::server_with(&config);
    let mut raw = Raw::knock(&mut victim);
    raw.send(&mut victim, &password("alice", "wrong"));
    let mut flood = Vec::new();
    while flood.len() < 4 * EARLY_BYTES_MAX {
        flood.extend(raw.frame(&message(msg::IGNORE, |w| w.string(&[0; 1000]))));
    }
    let taken = victim.take(&flood);
    assert!(taken <= EARLY_BYTES_MAX, "{taken} bytes were taken in");
    assert_eq!(victim.ended, None);
    assert!(!victim.engine.wants_read());
}

/// Fails when `LINES_MAX`, `LINE_BYTES_MAX` or `VERSION_BYTES_MAX` is not looked at.
#[test]
fn p4_version_lines_are_bounded() {
    for (role, bytes) in [
        (Victim::server as fn() -> Victim, b"GET / HTTP/1.1\r\n".to_vec()),
        (Victim::server, [b"SSH-2.0-", &[b'x'; 250][..], b"\r\n"].concat()),
        (Victim::server, vec![b'x'; 3000]),
        (Victim::client, vec![b'x'; 3000]),
        (Victim::client, b"hello\r\n".repeat(65)),
        (Victim::client, [b"SSH-2.0-", &[b'x'; 250][..], b"\r\n"].concat()),
        (Victim::server, b"SSH-1.5-old\r\n".to_vec()),
        (Victim::client, b"SSH-1.5-old\r\n".to_vec()),
        (Victim::server, b"SSH-2.0-a\x07b\r\n".to_vec()),
        (Victim::server, b"SSH-2.0-a\0\r\n".to_vec()),
    ] {
        let mut victim = role();
        victim.take(&bytes);
        assert!(victim.ended.is_some(), "{:?}", String::from_utf8_lossy(&bytes));
    }
    // By the book: a server may say something first.
    let mut victim = Victim::client();
    victim.take(&b"hello\r\n".repeat(64));
    victim.take(b"SSH-2.0-x\r\n");
    assert_eq!(victim.ended, None);
}

/// Fails when `interactive_since` moves with each question, or begins before one is asked.
#[test]
fn p4_questions_give_five_minutes_from_the_first_one_on() {
    let mut victim = Victim::server();
    victim.rule = Rule::Questions(100);
    victim.wait(LOGIN / 2);
    let mut raw = ask_questions(&mut victim);
    raw.until(&mut victim, auth_msg::INFO_REQUEST);
    for _ in 0..4 {
        victim.wait(INTERACTIVE / 5);
        raw.send(&mut victim, &answers(&[b"wrong"]));
        raw.until(&mut victim, auth_msg::INFO_REQUEST);
    }
    victim.wait(almost(INTERACTIVE / 5));
    assert_eq!(victim.ended, None);
    victim.wait(JUST);
    assert!(matches!(victim.ended, Some(Error::Timeout(_))), "{:?}", victim.ended);
}

/// Asking for questions that nobody asks does not stretch the 20 seconds. Fails when a rejected wish counts as a first question.
#[test]
fn p4_a_wish_for_questions_alone_stretches_nothing() {
    let mut victim = Victim::server();
    let mut raw = ask_questions(&mut victim);
    raw.until(&mut victim, auth_msg::FAILURE);
    victim.wait(LOGIN);
    assert!(matches!(victim.ended, Some(Error::Timeout(_))), "{:?}", victim.ended);
}

/// Fails when `ServerAuth::response` does not add up what a conversation has sent.
#[test]
fn p4_answers_have_4_kib_in_all() {
    let limit = auth_config().interactive_bytes_max;
    assert_eq!(limit, 4096);
    for piece in [200, 1000] {
        let mut victim = Victim::server();
        victim.rule = Rule::Questions(1000);
        let mut raw = ask_questions(&mut victim);
        let mut sent = 0;
        while victim.ended.is_none() {
            raw.until(&mut victim, auth_msg::INFO_REQUEST);
            raw.send(&mut victim, &answers(&[&vec![b'x'; piece]]));
            sent += piece;
            assert!(sent <= limit + piece, "{sent} bytes of answers were taken");
        }
        assert!(sent > limit / 2, "ended after {sent} bytes");
        assert!(matches!(victim.ended, Some(Error::Limit(_))));
    }
}

/// Fails when `Spent::everything` does not look at the attempts, or `refuse` does not count them.
#[test]
fn p4_attempts_and_offers_are_counted() {
    let (attempts, offers) = (auth_config().attempts_max, auth_config().offers_max);
    let attack = |payload: &dyn Fn(&Raw, u32) -> Vec<u8>| {
        let mut victim = Victim::server();
        let mut raw = Raw::knock(&mut victim);
        for count in 1.. {
            let payload = payload(&raw, count);
            raw.send(&mut victim, &payload);
            // The last no waits for the clock like any other.
            victim.wait(Duration::ZERO);
            if victim.ended.is_some() {
                assert_eq!(victim.ended, Some(Error::AuthExhausted));
                return count;
            }
            assert!(count < 100, "no end of {:?}", victim.heard.last());
        }
        0
    };
    // Changing the name on the way gains nothing.
    assert_eq!(attack(&|_, count| password(&format!("user{count}"), "wrong")), attempts);
    assert_eq!(attack(&|_, _| userauth("alice", "nonsense", |w| w)), attempts);
    let wrong = |_: &Raw, _| {
        let blob = user_key().public_key().blob();
        signed_over(b"x", "alice", blob, b"ssh-ed25519", |data| user_key().sign(data))
    };
    assert_eq!(attack(&wrong), attempts);
    assert_eq!(attack(&|_, _| offer("alice", user_key().public_key().blob())), offers + 1);
    assert_eq!(attack(&|_, count| userauth(&format!("user{count}"), "none", |w| w)), offers + 1);
}

/// Whoever is known is bound by none of this. Fails when `tick` or `check_early` does not stop at success.
#[test]
fn p4_limits_end_with_success() {
    let mut config = server_config();
    config.timing = Timing { keepalive: Duration::ZERO, ..Timing::default() };
    let mut victim = Victim::server_with(&config);
    let mut raw = Raw::guest(&mut victim);
    victim.wait(INTERACTIVE * 2);
    for _ in 0..100 {
        raw.send(&mut victim, &message(msg::IGNORE, |w| w.string(&[0; 2000])));
    }
    assert_eq!(victim.ended, None);
}

/// Answers before anybody is known are no longer than the questions, which are bounded. Fails when `check_early` is left out.
#[test]
fn p4_answers_that_nobody_reads_are_bounded_by_the_questions() {
    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    raw.exchange(&mut victim);
    victim.said();
    while victim.ended.is_none() {
        raw.send(&mut victim, &message(msg::PING, |w| w.string(&[0; 1000])));
    }
    assert!(victim.engine.unsent().len() < 2 * EARLY_BYTES_MAX);
}
