//! An event with everything that makes it evidence.
//!
//! Owns: who, when, how they proved it, where in which stream; and the bytes of all that. Invariants: canonical JSON on one line, the same
//! for ever: goldens hold the bytes of every event; parsing accepts only the canonical bytes, so that there is one spelling of
//! a fact. Must not know: how leaves are stored.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canonical::{self, CanonicalError};
use crate::event::Event;
use crate::id::EventId;
use crate::principal::Actor;
use crate::time::Timestamp;

/// An event, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The stream and the place in it.
    pub id: EventId,
    /// When it was decided.
    pub at: Timestamp,
    /// Who caused it, and how they proved who they are.
    pub by: Actor,
    /// What happened.
    pub event: Event,
}

/// Bytes that are not an envelope, or an envelope that has no bytes.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// The event is of another kind than its stream.
    #[error("the event does not belong in the stream {0}")]
    Stream(EventId),
    /// It cannot be encoded.
    #[error("the event has no canonical form")]
    Encoding(#[source] CanonicalError),
    /// The bytes are not JSON of this shape.
    #[error("the leaf is not an event")]
    Shape(#[source] serde_json::Error),
    /// The bytes say the same in another spelling.
    #[error("the leaf is not in its canonical form")]
    Spelling,
}

impl Envelope {
    /// The bytes of the leaf.
    pub fn to_leaf(&self) -> Result<Vec<u8>, EnvelopeError> {
        if !self.event.belongs_in(self.id.stream) {
            return Err(EnvelopeError::Stream(self.id));
        }
        canonical::encode(self).map_err(EnvelopeError::Encoding)
    }

    /// From the bytes of a leaf.
    pub fn from_leaf(leaf: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope: Self = serde_json::from_slice(leaf).map_err(EnvelopeError::Shape)?;
        if envelope.to_leaf()? == leaf { Ok(envelope) } else { Err(EnvelopeError::Spelling) }
    }
}

#[cfg(test)]
mod tests;
