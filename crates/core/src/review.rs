//! A review: somebody else looks at what was done under a grant that nobody had said yes to beforehand.
//!
//! Owns: the life of a review. Invariants: it is closed by a person who is not behind the grant (A1), once, with words (A14). Must not know:
//! when one is due: the rule of the grant says so.

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Occasion};
use crate::grant::Grant;
use crate::id::{GrantId, ReviewId};
use crate::justification::Reason;
use crate::lifecycle::{Phase as _, ReplayError, Transition, phases, row};
use crate::name::RoleName;
use crate::policy::World;
use crate::principal::{Actor, Principal};
use crate::refusal::Refusal;

phases! {
    /// Where a review is in its life.
    Phase { Open = "open",; Closed = "closed", }
}

/// Every transition. What is not listed does not happen.
pub const TRANSITIONS: &[Transition<Phase>] =
    &[row(None, "opened", Phase::Open), row(Some(Phase::Open), "closed", Phase::Closed)];

/// Something that happened to a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReviewEvent {
    /// Somebody looked at it.
    Closed {
        /// What they found.
        finding: Reason,
    },
    /// It waits for somebody.
    Opened(Subject),
}

/// What is reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Which grant.
    pub grant: GrantId,
    /// Whose.
    pub who: Principal,
    /// Of which role.
    pub role: RoleName,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its name.
    pub id: ReviewId,
    /// What is reviewed.
    pub subject: Subject,
    /// Where it is in its life.
    pub state: State,
}

/// Where a review is, with what belongs to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Done.
    Closed(Reason),
    /// Waits.
    Open,
}

/// Something that somebody wants to do to a review.
#[derive(Debug)]
pub enum Command<'c> {
    /// Close it.
    Close {
        /// What they found.
        finding: Reason,
    },
    /// Open it, with the grant.
    Open(&'c Grant),
}

/// What follows from a command, in this world.
pub fn decide(
    by: &Actor,
    world: &World,
    review: Option<&Review>,
    command: Command<'_>,
) -> Result<Vec<ReviewEvent>, Refusal> {
    world.recognise(by)?;
    let Some(review) = review else {
        let Command::Open(grant) = command else {
            return Err(Refusal::NotFound);
        };
        let (who, role) = (grant.terms.who.clone(), grant.terms.role.name.clone());
        return Ok(vec![ReviewEvent::Opened(Subject { grant: grant.id, who, role })]);
    };
    let Command::Close { finding } = command else {
        return Err(Refusal::Over { phase: review.phase().name() });
    };
    let who = by.principal().ok_or(Refusal::OnlyPeople)?;
    if by.is_behind(&review.subject.who) {
        return Err(Refusal::OwnRequest);
    }
    if who.person().is_none() {
        return Err(Refusal::OnlyPeople);
    }
    if !world.oversees(who, &review.subject.role) && !world.is_administrator(who) {
        return Err(Refusal::NotFound);
    }
    match review.state {
        State::Open => Ok(vec![ReviewEvent::Closed { finding }]),
        State::Closed(_) => Err(Refusal::Over { phase: review.phase().name() }),
    }
}

impl Review {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Closed(_) => Phase::Closed,
            State::Open => Phase::Open,
        }
    }
}

impl ReviewEvent {
    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Opened(_) => "opened",
        }
    }
}

/// The review after an event. `id` names the stream.
pub fn evolve(id: ReviewId, review: Option<Review>, event: &ReviewEvent) -> Result<Review, ReplayError> {
    match (review, event) {
        (None, ReviewEvent::Opened(subject)) => Ok(Review { id, subject: subject.clone(), state: State::Open }),
        (Some(Review { subject, state: State::Open, .. }), ReviewEvent::Closed { finding }) => {
            Ok(Review { id, subject, state: State::Closed(finding.clone()) })
        }
        (review, event) => Err(ReplayError::new("review", review.as_ref().map(Review::phase), event.name())),
    }
}

/// What has to be done after an event.
#[must_use]
pub fn effects(id: ReviewId, event: &ReviewEvent) -> Vec<Effect> {
    match event {
        ReviewEvent::Opened(_) => vec![Effect::Announce(Occasion::ReviewWanted(id))],
        ReviewEvent::Closed { .. } => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
