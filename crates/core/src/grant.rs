//! A grant: the time-boxed right that results from a request.
//!
//! Owns: the life of a grant, and the check that something is within it. Invariants: its end is absolute and made once; it can only be
//! brought forward, by a tightening, and nothing moves it back (G1, G2); whether it is over is computed from the time at every check, and
//! only recorded by a sweeper; it admits the principal, key and target that it was made for and no other (G10); a new policy can tighten
//! it and never widens it (G11). Must not know: sessions and leases; its effects name what has to happen to them.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::effect::{Effect, Occasion, Wake};
use crate::id::{GrantId, RequestId};
use crate::justification::Reason;
use crate::lifecycle::{ReplayError, Transition, phases, row};
use crate::name::{RuleName, TargetName};
use crate::principal::{Credential, Principal};
use crate::refusal::{Mismatch, Refusal, TimeRefusal};
use crate::role::Role;
use crate::rule::Binding;
use crate::time::{Now, Timestamp};

mod decision;

pub use decision::{Command, decide};

phases! {
    /// Where a grant is in its life.
    Phase { Scheduled = "scheduled", Active = "active",; Ended = "ended", Revoked = "revoked", }
}

/// Every transition. What is not listed does not happen.
pub const TRANSITIONS: &[Transition<Phase>] = &[
    row(None, "issued", Phase::Scheduled),
    row(Some(Phase::Scheduled), "activated", Phase::Active),
    row(Some(Phase::Scheduled), "tightened", Phase::Scheduled),
    row(Some(Phase::Scheduled), "ended", Phase::Ended),
    row(Some(Phase::Scheduled), "revoked", Phase::Revoked),
    row(Some(Phase::Active), "tightened", Phase::Active),
    row(Some(Phase::Active), "succeeded", Phase::Ended),
    row(Some(Phase::Active), "ended", Phase::Ended),
    row(Some(Phase::Active), "revoked", Phase::Revoked),
];

/// What a grant gives, as it was decided. None of it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The request that it comes from.
    pub request: RequestId,
    /// What was voted on.
    pub digest: Digest,
    /// The rule that let it pass.
    pub rule: RuleName,
    /// To whom.
    pub who: Principal,
    /// What they asked with.
    pub proof: Credential,
    /// Whether for that key only.
    pub binding: Binding,
    /// What.
    pub role: Role,
    /// Where.
    pub target: TargetName,
    /// From when.
    pub not_before: Timestamp,
    /// Until when, not including that instant.
    pub not_after: Timestamp,
    /// The grant that it succeeds.
    pub extends: Option<GrantId>,
}

/// Something that happened to a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GrantEvent {
    /// Its time has come.
    Activated,
    /// Its time is up, or its holder needs it no longer.
    Ended(End),
    /// It was made, in the transaction in which the request was approved.
    Issued(Box<Terms>),
    /// Somebody took it back.
    Revoked {
        /// On whose account.
        cause: RevocationCause,
        /// Why.
        reason: Option<Reason>,
    },
    /// Another one takes its place, and takes over its sessions and leases.
    Succeeded {
        /// Which.
        by: GrantId,
    },
    /// The policy of now gives less.
    Tightened {
        /// What is left.
        role: Box<Role>,
        /// When it is taken back, if before its end.
        deadline: Timestamp,
    },
}

/// How a grant ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Its holder is done.
    Done,
    /// Its time is up.
    TimeUp,
}

/// On whose account a grant was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationCause {
    /// The account or the key of its holder is not valid any more.
    Gone,
    /// A shorter limit of the policy was reached.
    Limit,
    /// A person's; the envelope tells whose.
    Person,
    /// The policy's: no rule lets its holder have it any more.
    Policy,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub id: GrantId,
    /// What it gave when it was made.
    pub terms: Terms,
    /// What it gives now: as in the terms, or less.
    pub role: Role,
    /// When it is over: the end of the terms, or before.
    pub deadline: Timestamp,
    /// Where it is in its life.
    pub state: State,
}

/// Where a grant is, with what belongs to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Can be used until its deadline.
    Active,
    /// Over.
    Ended(Ending),
    /// Taken back.
    Revoked(RevocationCause),
    /// Begins later.
    Scheduled,
}

/// How a grant came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Alone(End),
    /// By giving way to another.
    SucceededBy(GrantId),
}

impl Grant {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Active => Phase::Active,
            State::Ended(_) => Phase::Ended,
            State::Revoked(_) => Phase::Revoked,
            State::Scheduled => Phase::Scheduled,
        }
    }

    /// Whether it can be used now.
    pub fn check(&self, now: Now) -> Result<(), Refusal> {
        match self.state {
            State::Active if now.is_at(self.deadline) => Err(Refusal::Time(TimeRefusal::GrantOver)),
            State::Active if !now.is_at(self.terms.not_before) => Err(Refusal::Time(TimeRefusal::NotYet)),
            State::Active => Ok(()),
            State::Scheduled => Err(Refusal::Time(TimeRefusal::NotYet)),
            State::Ended(_) | State::Revoked(_) => {
                Err(Refusal::Over { phase: crate::lifecycle::Phase::name(self.phase()) })
            }
        }
    }

    /// Whether this principal, signed in with this, can use it at this target now (G10).
    pub fn admits(&self, now: Now, who: &Principal, proof: &Credential, target: &TargetName) -> Result<(), Refusal> {
        self.check(now)?;
        let mismatch = if self.terms.who != *who {
            Mismatch::Principal
        } else if self.terms.binding == Binding::Credential && self.terms.proof != *proof {
            Mismatch::Credential
        } else if self.terms.target != *target {
            Mismatch::Target
        } else {
            return Ok(());
        };
        Err(Refusal::GrantedElsewhere(mismatch))
    }
}

impl GrantEvent {
    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::Ended(_) => "ended",
            Self::Issued(_) => "issued",
            Self::Revoked { .. } => "revoked",
            Self::Succeeded { .. } => "succeeded",
            Self::Tightened { .. } => "tightened",
        }
    }
}

/// The grant after an event. `id` names the stream.
pub fn evolve(id: GrantId, grant: Option<Grant>, event: &GrantEvent) -> Result<Grant, ReplayError> {
    let Some(grant) = grant else {
        let GrantEvent::Issued(terms) = event else {
            return Err(ReplayError::new::<Phase>("grant", None, event.name()));
        };
        let (role, deadline) = (terms.role.clone(), terms.not_after);
        return Ok(Grant { id, terms: (**terms).clone(), role, deadline, state: State::Scheduled });
    };
    let state = match (&grant.state, event) {
        (State::Scheduled, GrantEvent::Activated) => State::Active,
        (State::Scheduled | State::Active, GrantEvent::Tightened { role, deadline }) => {
            // Whatever an event says, an end is never moved back.
            let deadline = grant.deadline.min(*deadline);
            return Ok(Grant { role: (**role).clone(), deadline, ..grant });
        }
        (State::Active, GrantEvent::Succeeded { by }) => State::Ended(Ending::SucceededBy(*by)),
        (State::Scheduled | State::Active, GrantEvent::Ended(end)) => State::Ended(Ending::Alone(*end)),
        (State::Scheduled | State::Active, GrantEvent::Revoked { cause, .. }) => State::Revoked(*cause),
        _ => return Err(ReplayError::new("grant", Some(grant.phase()), event.name())),
    };
    Ok(Grant { state, ..grant })
}

/// What has to be done after an event.
#[must_use]
pub fn effects(id: GrantId, event: &GrantEvent) -> Vec<Effect> {
    let wake = |at: Timestamp| Effect::Wake { at, what: Wake::Grant(id) };
    match event {
        GrantEvent::Issued(terms) => vec![wake(terms.not_before), wake(terms.not_after)],
        GrantEvent::Activated => Vec::new(),
        GrantEvent::Tightened { deadline, .. } => {
            vec![Effect::Recheck(id), wake(*deadline), Effect::Announce(Occasion::Reduced(id))]
        }
        GrantEvent::Succeeded { by } => vec![Effect::MoveUse { from: id, to: *by }],
        GrantEvent::Ended(_) => vec![Effect::EndUseOf(id), Effect::Announce(Occasion::Ended(id))],
        GrantEvent::Revoked { .. } => vec![Effect::EndUseOf(id), Effect::Announce(Occasion::Reduced(id))],
    }
}

#[cfg(test)]
pub(crate) mod tests;
