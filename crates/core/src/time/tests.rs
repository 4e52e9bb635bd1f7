//! Printed forms against known values; the present never steps back.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn prints_known_instants() {
    // From `date -u -d @N`.
    for (seconds, text) in [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_782_400, "2000-02-29T00:00:00.000000Z"),
        (1_795_255_464, "2026-11-21T10:04:24.000000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        (253_402_300_799, "9999-12-31T23:59:59.000000Z"),
    ] {
        let timestamp = Timestamp::from_unix_micros(seconds * 1_000_000).unwrap();
        assert_eq!(timestamp.to_string(), text);
        assert_eq!(at(text), timestamp);
    }
    assert_eq!(Timestamp::from_unix_micros(Timestamp::MAX.unix_micros() + 1), None);
}

#[test]
fn refuses_other_ways_to_write_a_timestamp() {
    for text in [
        "",
        "2026-11-21T10:14:24Z",
        "2026-11-21T10:14:24.000000+00:00",
        "2026-11-21t10:14:24.000000Z",
        "2026-11-21T24:00:00.000000Z",
        "2026-11-21T10:60:00.000000Z",
        "2026-02-29T10:00:00.000000Z",
        "2026-13-01T10:00:00.000000Z",
        "2026-11-00T10:00:00.000000Z",
        "1969-12-31T23:59:59.000000Z",
        "+026-11-21T10:14:24.000000Z",
        "2026-11-21T10:14:24.000000Z ",
    ] {
        assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
    }
}

#[test]
fn every_day_until_9999_comes_back() {
    let mut last = (1969, 12, 31);
    for day in 0..=Timestamp::MAX.unix_seconds() / 86_400 {
        let date = calendar::date(day);
        assert_eq!(calendar::days(date.0, date.1, date.2), Some(day));
        assert!(date > last);
        last = date;
    }
    assert_eq!(last, (9999, 12, 31));
}

#[test]
fn spans_print_and_parse() {
    for (text, printed) in
        [("30m", "30m"), ("90m", "1h30m"), ("1h", "1h"), ("2d1s", "2d1s"), ("366d", "366d"), ("86400s", "1d")]
    {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), printed);
    }
    for (text, error) in [
        ("", SpanError::Form),
        ("30", SpanError::Form),
        ("m", SpanError::Form),
        ("1m1h", SpanError::Form),
        ("1h1h", SpanError::Form),
        ("-1h", SpanError::Form),
        ("1 h", SpanError::Form),
        ("0s", SpanError::Range),
        ("367d", SpanError::Range),
        ("99999999999s", SpanError::Range),
    ] {
        assert_eq!(text.parse::<Span>(), Err(error), "{text}");
    }
}

#[test]
fn g3_a_clock_set_back_is_not_followed() {
    let noon = at("2026-11-21T12:00:00.000000Z");
    let morning = at("2026-11-21T08:00:00.000000Z");
    let now = Now::at_start(noon, Timestamp::MIN);
    let later = now.next(Duration::from_mins(1), morning);
    assert_eq!(later.time(), noon.after(Duration::from_mins(1)), "time moves on with the steady clock");
    assert_eq!(later.wall_behind(), Duration::from_mins(4 * 60 + 1));

    // Across a restart the store remembers.
    let restarted = Now::at_start(morning, later.time());
    assert_eq!(restarted.time(), later.time());
    assert!(restarted.is_at(noon));
}

proptest! {
    #[test]
    fn g3_the_present_never_steps_back(start: u32, steps in prop::collection::vec((0_u64..1 << 40, any::<u32>()), 0..50)) {
        let seconds = |seconds: u32| Timestamp::from_unix_micros(u64::from(seconds) * 1_000_000).unwrap();
        let mut now = Now::at_start(seconds(start), Timestamp::MIN);
        for (elapsed, wall) in steps {
            let elapsed = Duration::from_micros(elapsed);
            let next = now.next(elapsed, seconds(wall));
            prop_assert!(next.time() >= now.time().after(elapsed));
            prop_assert!(next.time() >= seconds(wall));
            now = next;
        }
    }

    #[test]
    fn timestamps_come_back_in_order(a in 0..=Timestamp::MAX.unix_micros(), b in 0..=Timestamp::MAX.unix_micros()) {
        let (a, b) = (Timestamp::from_unix_micros(a).unwrap(), Timestamp::from_unix_micros(b).unwrap());
        prop_assert_eq!(at(&a.to_string()), a);
        prop_assert_eq!(a.to_string() < b.to_string(), a < b, "they sort as text");
    }

    #[test]
    fn spans_come_back(seconds in 1_u32..=366 * 86_400) {
        let span = Span::from_secs(seconds).unwrap();
        prop_assert_eq!(span.to_string().parse(), Ok(span));
    }
}
