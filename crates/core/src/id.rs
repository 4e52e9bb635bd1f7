//! Identifiers: what a stream of events, and one event in it, is called.
//!
//! Owns: their printed form. Invariants: each kind of thing has a type and a prefix of its own, so that one cannot be passed
//! for another; there is exactly one way to print an id, and parsing accepts nothing else.
//!
//! Ids are short because people read and type them. They are *not* secrets: 40 bits are few enough to guess, so nothing may be
//! allowed to somebody because they know an id. That they are unique is the store's doing: a new stream starts at sequence
//! number one, and the loser of a collision draws other bytes (docs/adr/0013). Must not know: where the bytes come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// How many bytes an id is made of.
pub const ID_BYTES: usize = 5;
const ID_LETTERS: usize = ID_BYTES * 8 / 5;

/// Digits and small letters without `i`, `l`, `o` (they look like digits) and `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// It starts otherwise.
    #[error("an id of this kind begins with `{0}`")]
    Prefix(&'static str),
    /// It is too short or too long.
    #[error("an id has {ID_LETTERS} letters and digits after its prefix")]
    Length,
    /// It holds something that is never printed.
    #[error("an id is made of digits and small letters without i, l, o and u")]
    Letter,
    /// What should be a sequence number is not.
    #[error("an event id is that of a stream, a full stop, and a number from 1")]
    Sequence,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; ID_BYTES]);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Names something new. The bytes are random; whoever owns the randomness hands them in.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(&letters(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix($prefix).ok_or(IdError::Prefix($prefix))?;
                Ok(Self(bytes(rest)?))
            }
        }

        as_text!($name);
    )+};
}

/// Serialises a type as the text that it prints, and parses it back.
macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

ids! {
    /// Requests that were asked for together, and are decided one by one.
    BundleId = "bnd_";
    /// A grant.
    GrantId = "grt_";
    /// A lease.
    LeaseId = "lse_";
    /// A request.
    RequestId = "req_";
    /// A review of a break-glass grant.
    ReviewId = "rev_";
    /// A run of an action.
    RunId = "run_";
    /// A session.
    SessionId = "ses_";
}

/// One aggregate's sequence of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// Of the gateway itself: starts, policies loaded, refusals, recordings read.
    Gateway,
    /// Of a grant.
    Grant(GrantId),
    /// Of a lease.
    Lease(LeaseId),
    /// Of a request.
    Request(RequestId),
    /// Of a review.
    Review(ReviewId),
    /// Of a run.
    Run(RunId),
    /// Of a session.
    Session(SessionId),
}

const GATEWAY: &str = "gateway";

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway => f.write_str(GATEWAY),
            Self::Grant(id) => id.fmt(f),
            Self::Lease(id) => id.fmt(f),
            Self::Request(id) => id.fmt(f),
            Self::Review(id) => id.fmt(f),
            Self::Run(id) => id.fmt(f),
            Self::Session(id) => id.fmt(f),
        }
    }
}

impl FromStr for StreamId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let prefix = text.split_inclusive('_').next().unwrap_or_default();
        match prefix {
            GATEWAY => Ok(Self::Gateway),
            GrantId::PREFIX => text.parse().map(Self::Grant),
            LeaseId::PREFIX => text.parse().map(Self::Lease),
            RequestId::PREFIX => text.parse().map(Self::Request),
            ReviewId::PREFIX => text.parse().map(Self::Review),
            RunId::PREFIX => text.parse().map(Self::Run),
            SessionId::PREFIX => text.parse().map(Self::Session),
            _ => Err(IdError::Prefix("req_, grt_, lse_, ses_, run_ or rev_")),
        }
    }
}

as_text!(StreamId);

/// One event: the stream it belongs to and its place in it, from 1. Needs no randomness, and makes an effect idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The aggregate.
    pub stream: StreamId,
    /// Its place, from 1.
    pub seq: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stream, self.seq)
    }
}

impl FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (stream, number) = text.split_once('.').ok_or(IdError::Sequence)?;
        let seq: u64 = number.parse().map_err(|_| IdError::Sequence)?;
        // `+3` and `03` parse as numbers too, but are never printed.
        if seq == 0 || seq.to_string() != number {
            return Err(IdError::Sequence);
        }
        Ok(Self { stream: stream.parse()?, seq })
    }
}

as_text!(EventId);

fn letters(bytes: [u8; ID_BYTES]) -> String {
    let number = bytes.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let letter = |place: usize| {
        let index = (number >> (5 * (ID_LETTERS - 1 - place))) & 31;
        let found = usize::try_from(index).ok().and_then(|index| ALPHABET.get(index));
        char::from(found.copied().unwrap_or_default())
    };
    (0..ID_LETTERS).map(letter).collect()
}

fn bytes(letters: &str) -> Result<[u8; ID_BYTES], IdError> {
    let mut number = 0_u64;
    if letters.chars().count() != ID_LETTERS {
        return Err(IdError::Length);
    }
    for letter in letters.bytes() {
        let index = ALPHABET.iter().position(|known| *known == letter).ok_or(IdError::Letter)?;
        number = (number << 5) | u64::try_from(index).map_err(|_| IdError::Letter)?;
    }
    let [_, _, _, bytes @ ..] = number.to_be_bytes();
    Ok(bytes)
}

#[cfg(test)]
mod tests;
