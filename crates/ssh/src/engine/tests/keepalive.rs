//! Whether the peer is there: asked after silence, and given up when it does not answer.

use std::time::Duration;

use super::pair::Pair;
use crate::engine::{Engine, Phase, Timing};
use crate::error::Error;
use crate::time::Now;

const SILENCE: Duration = Duration::from_secs(30);

fn open() -> Pair {
    let mut pair = Pair::new();
    pair.run(|_| false);
    assert!(matches!(pair.server.phase(), Phase::Open(_)));
    assert_eq!(pair.server.deadline(), Some(pair.now.monotonic + SILENCE));
    pair
}

/// Lets the clock come to a time, as a driver does: whatever is due is done, until nothing is.
fn wait_until(engine: &mut Engine, now: Now) {
    let mut done = 0;
    while engine.deadline().is_some_and(|due| due <= now.monotonic) {
        engine.on_time(now);
        done += 1;
        assert!(done < 10, "what is due stays due");
    }
}

fn carry_all(from: &mut Engine, to: &mut Engine, now: Now) -> usize {
    let bytes = from.unsent().to_vec();
    to.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
    to.filled(bytes.len(), now);
    from.sent(bytes.len());
    while to.next_event(now).is_some() {}
    bytes.len()
}

#[test]
fn silence_is_asked_about_and_an_answer_ends_it() {
    let mut pair = open();
    for _ in 0..10 {
        pair.now = pair.now.after(SILENCE);
        wait_until(&mut pair.server, pair.now);
        assert!(carry_all(&mut pair.server, &mut pair.client, pair.now) > 0, "nobody was asked");
        assert!(carry_all(&mut pair.client, &mut pair.server, pair.now) > 0, "nobody answered");
    }
    assert!(matches!(pair.server.phase(), Phase::Open(_)));
}

#[test]
fn whoever_does_not_answer_is_given_up() {
    let mut pair = open();
    let asked = Timing::default().keepalives_max;
    for _ in 0..asked {
        pair.now = pair.now.after(SILENCE);
        wait_until(&mut pair.server, pair.now);
        assert!(matches!(pair.server.phase(), Phase::Open(_)));
    }
    pair.now = pair.now.after(SILENCE);
    wait_until(&mut pair.server, pair.now);
    assert!(matches!(pair.server.phase(), Phase::Ended(Error::Timeout(_))));
}

/// A process that was stopped for an hour asks once when it goes on, and waits for the answer. Fails when what is due is counted
/// from the last byte alone: then all questions fall due at once.
#[test]
fn p15_a_clock_that_jumps_asks_before_it_gives_up() {
    let mut pair = open();
    pair.now = pair.now.after(Duration::from_mins(30));
    wait_until(&mut pair.server, pair.now);
    assert!(matches!(pair.server.phase(), Phase::Open(_)), "given up without a question");
    assert!(carry_all(&mut pair.server, &mut pair.client, pair.now) > 0, "nobody was asked");
    assert!(carry_all(&mut pair.client, &mut pair.server, pair.now) > 0, "nobody answered");
    assert_eq!(pair.server.deadline(), Some(pair.now.monotonic + SILENCE));
}
