//! A length of time that people ask for and rules limit.
//!
//! Owns: its printed form (`1h30m`). Invariants: whole seconds, from one second to 366 days; one printed form each.
//! Must not know: when it starts.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A length of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    seconds: u32,
}

/// A text or number that is not a length of time that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SpanError {
    /// It is not written as one.
    #[error("a length of time looks like 30m, 1h30m or 2d")]
    Form,
    /// It is nothing, or more than a year.
    #[error("a length of time is at least 1s and at most 366d")]
    Range,
}

impl Span {
    /// The longest.
    pub const MAX: Self = Self { seconds: 366 * 86_400 };

    /// A length in whole seconds.
    pub const fn from_secs(seconds: u32) -> Result<Self, SpanError> {
        if seconds == 0 || seconds > Self::MAX.seconds { Err(SpanError::Range) } else { Ok(Self { seconds }) }
    }

    /// A length in minutes.
    pub fn from_mins(minutes: u32) -> Result<Self, SpanError> {
        minutes.checked_mul(60).ok_or(SpanError::Range).and_then(Self::from_secs)
    }

    /// For adding to a timestamp.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.seconds;
        for (unit, seconds) in UNITS {
            if rest >= seconds {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    /// Units from the longest to the shortest, each at most once. `90m` is fine, and prints as `1h30m`.
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let mut units = UNITS.iter();
        let mut seconds = 0_u32;
        let mut digits = String::new();
        for letter in text.chars() {
            if letter.is_ascii_digit() {
                digits.push(letter);
                continue;
            }
            let (_, unit) = units.find(|(unit, _)| *unit == letter).ok_or(SpanError::Form)?;
            if digits.is_empty() {
                return Err(SpanError::Form);
            }
            let count: u32 = digits.parse().map_err(|_| SpanError::Range)?;
            let part = count.checked_mul(*unit).ok_or(SpanError::Range)?;
            seconds = seconds.checked_add(part).ok_or(SpanError::Range)?;
            digits.clear();
        }
        if text.is_empty() || !digits.is_empty() {
            return Err(SpanError::Form);
        }
        Self::from_secs(seconds)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
