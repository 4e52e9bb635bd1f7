//! Everything that can happen, and what is recorded together.
//!
//! Owns: the event of any stream, events of the gateway itself, and the settling of a decision that touches several streams. Invariants: all
//! events of a decision are written in one transaction or none; the events are file formats, so a field is added but never
//! given another meaning. Must not know: how they are stored.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::effect::Effect;
use crate::grant::{self, Grant, GrantEvent};
use crate::id::{GrantId, SessionId, StreamId};
use crate::lease::{self, LeaseEvent};
use crate::policy::World;
use crate::principal::Actor;
use crate::refusal::Refusal;
use crate::request::{self, RequestEvent};
use crate::review::{self, ReviewEvent};
use crate::run::{self, RunEvent};
use crate::session::{self, SessionEvent};
use crate::time::{Now, Timestamp};

/// Something that happened. The kind agrees with the stream that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// To the gateway itself.
    Gateway(GatewayEvent),
    /// To a grant.
    Grant(GrantEvent),
    /// To a lease.
    Lease(LeaseEvent),
    /// To a request.
    Request(RequestEvent),
    /// To a review.
    Review(ReviewEvent),
    /// To a run.
    Run(RunEvent),
    /// To a session.
    Session(SessionEvent),
}

/// What is to be recorded although no aggregate changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GatewayEvent {
    /// The wall clock was behind what had been seen.
    ClockSetBack {
        /// What it shows.
        wall: Timestamp,
    },
    /// A policy is in force from now on.
    PolicyLoaded {
        /// Its version.
        policy: Digest,
        /// The one before; none at the first start.
        before: Option<Digest>,
    },
    /// Somebody is about to read a recording (R7). Without this event nothing is read.
    RecordingRead {
        /// Of which session.
        session: SessionId,
    },
    /// Somebody wanted something and was refused.
    Refused {
        /// Of what; the gateway, if of nothing that exists.
        about: StreamId,
        /// The code of the refusal.
        code: String,
        /// Its words, at that time.
        words: String,
    },
    /// It started.
    Started {
        /// Its version.
        version: String,
    },
    /// It stopped in an orderly way.
    Stopped,
}

/// Events for one stream, to be appended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Which.
    pub stream: StreamId,
    /// In this order.
    pub events: Vec<Event>,
}

/// All streams that a decision about a request touches: its own, and if it was approved that of its grant and that of the grant which it
/// succeeds. `predecessor` is that one, as it is now. Everything is appended in one transaction, so that there is no request without
/// its grant, no grant without its request, and never two (A9).
pub fn settle(
    now: Now,
    world: &World,
    stream: StreamId,
    events: Vec<RequestEvent>,
    predecessor: Option<&Grant>,
) -> Result<Vec<Append>, Refusal> {
    let mut appends = Vec::new();
    for event in &events {
        if let RequestEvent::Approved { grant, terms } = event {
            appends.extend(issue(now, world, *grant, terms, predecessor)?);
        }
    }
    appends.insert(0, Append { stream, events: events.into_iter().map(Event::Request).collect() });
    Ok(appends)
}

fn issue(
    now: Now,
    world: &World,
    id: GrantId,
    terms: &grant::Terms,
    predecessor: Option<&Grant>,
) -> Result<Vec<Append>, Refusal> {
    let append = |id, events: Vec<GrantEvent>| Append {
        stream: StreamId::Grant(id),
        events: events.into_iter().map(Event::Grant).collect(),
    };
    let issued = grant::decide(now, &Actor::Gateway, world, None, grant::Command::Issue(terms))?;
    let mut appends = vec![append(id, issued)];
    match (terms.extends, predecessor) {
        (None, _) => {}
        (Some(extended), Some(old)) if old.id == extended => {
            let command = grant::Command::Succeed { by: id, terms };
            appends.push(append(extended, grant::decide(now, &Actor::Gateway, world, Some(old), command)?));
        }
        // Without the old grant at hand nothing can take its place.
        (Some(_), _) => return Err(Refusal::NoExtension),
    }
    Ok(appends)
}

impl Event {
    /// The name of the aggregate and that of the event, for lists and filters.
    #[must_use]
    pub fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Gateway(event) => ("gateway", event.name()),
            Self::Grant(event) => ("grant", event.name()),
            Self::Lease(event) => ("lease", event.name()),
            Self::Request(event) => ("request", event.name()),
            Self::Review(event) => ("review", event.name()),
            Self::Run(event) => ("run", event.name()),
            Self::Session(event) => ("session", event.name()),
        }
    }

    /// Whether it can be in this stream at all.
    #[must_use]
    pub fn belongs_in(&self, stream: StreamId) -> bool {
        matches!(
            (self, stream),
            (Self::Gateway(_), StreamId::Gateway)
                | (Self::Grant(_), StreamId::Grant(_))
                | (Self::Lease(_), StreamId::Lease(_))
                | (Self::Request(_), StreamId::Request(_))
                | (Self::Review(_), StreamId::Review(_))
                | (Self::Run(_), StreamId::Run(_))
                | (Self::Session(_), StreamId::Session(_))
        )
    }
}

impl GatewayEvent {
    /// Its name, for lists and filters.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ClockSetBack { .. } => "clock_set_back",
            Self::PolicyLoaded { .. } => "policy_loaded",
            Self::RecordingRead { .. } => "recording_read",
            Self::Refused { .. } => "refused",
            Self::Started { .. } => "started",
            Self::Stopped => "stopped",
        }
    }
}

/// What has to be done after an event in this stream. An event in a stream where it does not belong has no effect.
#[must_use]
pub fn effects(stream: StreamId, event: &Event) -> Vec<Effect> {
    match (stream, event) {
        (StreamId::Grant(id), Event::Grant(event)) => grant::effects(id, event),
        (StreamId::Lease(id), Event::Lease(event)) => lease::effects(id, event),
        (StreamId::Request(id), Event::Request(event)) => request::effects(id, event),
        (StreamId::Review(id), Event::Review(event)) => review::effects(id, event),
        (StreamId::Run(id), Event::Run(event)) => run::effects(id, event),
        (StreamId::Session(id), Event::Session(event)) => session::effects(id, event),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
