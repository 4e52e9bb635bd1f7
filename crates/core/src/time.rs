//! Time, as values that somebody else read from a clock.
//!
//! Owns: [`Timestamp`] (an instant), [`Span`] (a length that people ask for and rules limit) and [`Now`] (what decisions
//! take for the present). Invariants: a timestamp prints in one way, so that digests over it are stable; `Now` never
//! steps back, so that a clock set back extends nothing (G3). Must not know: clocks, time zones, calendars of people.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

mod calendar;
mod span;

pub use span::{Span, SpanError};

/// An instant, in whole microseconds since 1970 (UTC), up to the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    micros: u64,
}

/// A text that is not a timestamp as we print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a timestamp looks like 2026-11-21T10:14:24.000000Z")]
pub struct TimestampError;

impl Timestamp {
    /// The last one that prints with a year of four digits.
    pub const MAX: Self = Self { micros: 253_402_300_799_999_999 };
    /// The first of 1970.
    pub const MIN: Self = Self { micros: 0 };

    /// From microseconds since 1970. `None` after the year 9999.
    #[must_use]
    pub fn from_unix_micros(micros: u64) -> Option<Self> {
        (micros <= Self::MAX.micros).then_some(Self { micros })
    }

    /// Microseconds since 1970, for storing.
    #[must_use]
    pub const fn unix_micros(self) -> u64 {
        self.micros
    }

    /// Whole seconds since 1970, for formats that know no fractions. Rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.micros / 1_000_000
    }

    /// Later by `passed`; at the end of time it stays there. Fractions of a microsecond are dropped.
    #[must_use]
    pub fn after(self, passed: Duration) -> Self {
        let passed = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        Self { micros: self.micros.saturating_add(passed) }.min(Self::MAX)
    }

    /// How long before this `earlier` was; nothing if it was not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(earlier.micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = calendar::date(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
        let parsed = || {
            let days = calendar::days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
            let seconds = number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?;
            Self::from_unix_micros((days * 86_400 + seconds) * 1_000_000 + number(20, 26)?)
        };
        // What prints otherwise had a field out of its range, or was written in another way.
        parsed().filter(|timestamp| timestamp.to_string() == text).ok_or(TimestampError)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What decisions take for the present: never before the highest time that was seen (G3).
///
/// It moves on with the steady clock even while the wall clock is behind, so that a grant also ends then. Across a restart the
/// highest time comes from the store. Only these functions make one, so that no decision can be handed a bare clock reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    time: Timestamp,
    wall: Timestamp,
}

impl Now {
    /// The first reading after a start: the wall clock, and the highest time that the store remembers.
    #[must_use]
    pub fn at_start(wall: Timestamp, highest_seen: Timestamp) -> Self {
        Self { time: wall.max(highest_seen), wall }
    }

    /// A later reading: `elapsed` by a clock that cannot be set, and what the wall clock shows.
    #[must_use]
    pub fn next(self, elapsed: Duration, wall: Timestamp) -> Self {
        Self { time: wall.max(self.time.after(elapsed)), wall }
    }

    /// The time that everything is compared with, and that must be remembered as the highest seen.
    #[must_use]
    pub fn time(self) -> Timestamp {
        self.time
    }

    /// How far the wall clock is behind. More than a moment means that somebody set it back.
    #[must_use]
    pub fn wall_behind(self) -> Duration {
        self.time.since(self.wall)
    }

    /// Whether this instant has come. A deadline has passed at its very instant.
    #[must_use]
    pub fn is_at(self, deadline: Timestamp) -> bool {
        self.time >= deadline
    }

    /// How long until then; nothing if it has come.
    #[must_use]
    pub fn until(self, deadline: Timestamp) -> Duration {
        deadline.since(self.time)
    }
}

#[cfg(test)]
mod tests;
