//! A lease: a temporary credential or binding made at a target for a grant, revoked with it.
//!
//! Owns: the life of a lease. Invariants: the intent to revoke is recorded before anything is made (G4): the first event says both;
//! a lease fails only when provably nothing was made, and is otherwise revoked; revoking ends only when it was *observed*
//! that nothing is left, however often it fails (G5). Must not know: targets' own languages, secrets.

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Occasion};
use crate::grant::{self, Ending, Grant};
use crate::id::{GrantId, LeaseId};
use crate::lifecycle::{Phase as _, ReplayError, Transition, phases, row};
use crate::name::TargetName;
use crate::principal::Actor;
use crate::refusal::{Mismatch, Refusal, TimeRefusal};
use crate::time::{Now, Timestamp};

phases! {
    /// Where a lease is in its life.
    Phase { Issuing = "issuing", Live = "live", Revoking = "revoking",; Revoked = "revoked", Failed = "failed", }
}

/// Every transition. What is not listed does not happen.
pub const TRANSITIONS: &[Transition<Phase>] = &[
    row(None, "intended", Phase::Issuing),
    row(Some(Phase::Issuing), "made", Phase::Live),
    // Whatever the outcome was: unknown, or the grant ended meanwhile.
    row(Some(Phase::Issuing), "revocation_began", Phase::Revoking),
    row(Some(Phase::Issuing), "failed", Phase::Failed),
    row(Some(Phase::Live), "moved", Phase::Live),
    row(Some(Phase::Live), "revocation_began", Phase::Revoking),
    row(Some(Phase::Revoking), "attempt_failed", Phase::Revoking),
    row(Some(Phase::Revoking), "observed_gone", Phase::Revoked),
];

/// Something that happened to a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LeaseEvent {
    /// An attempt to revoke it failed; the next follows.
    AttemptFailed {
        /// What the target said, for people.
        trouble: String,
    },
    /// Provably nothing was made.
    Failed {
        /// What the target said, for people.
        trouble: String,
    },
    /// It is about to be made, and will have to be revoked.
    Intended(Intent),
    /// It was made.
    Made,
    /// Its grant was succeeded by another.
    Moved {
        /// Which.
        grant: GrantId,
        /// Until when it lasts.
        deadline: Timestamp,
    },
    /// It was looked for, and is not there.
    ObservedGone,
    /// It is being taken back.
    RevocationBegan,
}

/// What is to be made. The name of the lease is the name of the thing at the target, so that it can be found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// For which grant.
    pub grant: GrantId,
    /// Where.
    pub target: TargetName,
    /// Until when.
    pub deadline: Timestamp,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub id: LeaseId,
    /// What it is; grant and deadline as they are now.
    pub intent: Intent,
    /// Where it is in its life.
    pub state: State,
}

/// Where a lease is, with what belongs to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing was made.
    Failed,
    /// Being made; it may already be there.
    Issuing,
    /// Can be used.
    Live,
    /// Known to be gone.
    Revoked,
    /// Being taken back; it may still be there.
    Revoking {
        /// How often that has failed.
        failures: u32,
    },
}

/// Something that is to happen to a lease. People do nothing to leases: they revoke grants.
#[derive(Debug)]
pub enum Command<'c> {
    /// Record that provably nothing was made.
    Fail {
        /// What the target said.
        trouble: String,
    },
    /// Record the intent, before anything is made.
    Intend {
        /// For this grant.
        grant: &'c Grant,
    },
    /// Record that it was made.
    Make,
    /// Move it to the grant that succeeded its own.
    Move {
        /// Its own, which has given way.
        from: &'c Grant,
        /// The one that has taken its place.
        to: &'c Grant,
    },
    /// Record that it was looked for and is not there.
    ObserveGone,
    /// Record that an attempt to revoke it failed.
    ReportFailure {
        /// What the target said.
        trouble: String,
    },
    /// Take it back.
    Revoke,
}

/// What follows from a command, now. Nothing, if it is done already.
pub fn decide(now: Now, by: &Actor, lease: Option<&Lease>, command: Command<'_>) -> Result<Vec<LeaseEvent>, Refusal> {
    if *by != Actor::Gateway {
        return Err(Refusal::OnlyTheGateway);
    }
    let Some(lease) = lease else {
        let Command::Intend { grant } = command else {
            return Err(Refusal::NotFound);
        };
        grant.check(now)?;
        let (target, deadline) = (grant.terms.target.clone(), grant.deadline);
        return Ok(vec![LeaseEvent::Intended(Intent { grant: grant.id, target, deadline })]);
    };
    match (command, lease.state) {
        // Too late to be used: what was made has to go.
        (Command::Make, State::Issuing) if now.is_at(lease.intent.deadline) => Ok(vec![LeaseEvent::RevocationBegan]),
        (Command::Make, State::Issuing) => Ok(vec![LeaseEvent::Made]),
        (Command::Fail { trouble }, State::Issuing) => Ok(vec![LeaseEvent::Failed { trouble }]),
        (Command::Move { from, to }, State::Live) => relocate(now, lease, from, to),
        (Command::Revoke, State::Issuing | State::Live) => Ok(vec![LeaseEvent::RevocationBegan]),
        (Command::Revoke, State::Revoking { .. } | State::Revoked | State::Failed) => Ok(Vec::new()),
        (Command::ReportFailure { trouble }, State::Revoking { .. }) => Ok(vec![LeaseEvent::AttemptFailed { trouble }]),
        (Command::ObserveGone, State::Revoking { .. }) => Ok(vec![LeaseEvent::ObservedGone]),
        _ => Err(Refusal::Over { phase: lease.phase().name() }),
    }
}

fn relocate(now: Now, lease: &Lease, from: &Grant, to: &Grant) -> Result<Vec<LeaseEvent>, Refusal> {
    let succeeded = from.state == grant::State::Ended(Ending::SucceededBy(to.id));
    if succeeded && lease.intent.grant == to.id {
        // Effects are run at least once.
        return Ok(Vec::new());
    }
    if lease.intent.grant != from.id || !succeeded {
        return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
    }
    if to.terms.target != lease.intent.target {
        return Err(Refusal::GrantedElsewhere(Mismatch::Target));
    }
    if now.is_at(lease.intent.deadline) {
        return Err(Refusal::Time(TimeRefusal::GrantOver));
    }
    to.check(now)?;
    Ok(vec![LeaseEvent::Moved { grant: to.id, deadline: to.deadline }])
}

impl Lease {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Failed => Phase::Failed,
            State::Issuing => Phase::Issuing,
            State::Live => Phase::Live,
            State::Revoked => Phase::Revoked,
            State::Revoking { .. } => Phase::Revoking,
        }
    }
}

impl LeaseEvent {
    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::Failed { .. } => "failed",
            Self::Intended(_) => "intended",
            Self::Made => "made",
            Self::Moved { .. } => "moved",
            Self::ObservedGone => "observed_gone",
            Self::RevocationBegan => "revocation_began",
        }
    }
}

/// The lease after an event. `id` names the stream.
pub fn evolve(id: LeaseId, lease: Option<Lease>, event: &LeaseEvent) -> Result<Lease, ReplayError> {
    let Some(lease) = lease else {
        let LeaseEvent::Intended(intent) = event else {
            return Err(ReplayError::new::<Phase>("lease", None, event.name()));
        };
        return Ok(Lease { id, intent: intent.clone(), state: State::Issuing });
    };
    let state = match (lease.state, event) {
        (State::Issuing, LeaseEvent::Made) => State::Live,
        (State::Issuing, LeaseEvent::Failed { .. }) => State::Failed,
        (State::Issuing | State::Live, LeaseEvent::RevocationBegan) => State::Revoking { failures: 0 },
        (State::Live, LeaseEvent::Moved { grant, deadline }) => {
            let intent = Intent { grant: *grant, deadline: *deadline, ..lease.intent };
            return Ok(Lease { intent, ..lease });
        }
        (State::Revoking { failures }, LeaseEvent::AttemptFailed { .. }) => {
            State::Revoking { failures: failures.saturating_add(1) }
        }
        (State::Revoking { .. }, LeaseEvent::ObservedGone) => State::Revoked,
        _ => return Err(ReplayError::new("lease", Some(lease.phase()), event.name())),
    };
    Ok(Lease { state, ..lease })
}

/// What has to be done after an event.
#[must_use]
pub fn effects(id: LeaseId, event: &LeaseEvent) -> Vec<Effect> {
    match event {
        LeaseEvent::Intended(_) => vec![Effect::MakeLease(id)],
        LeaseEvent::RevocationBegan => vec![Effect::RevokeLease(id)],
        LeaseEvent::AttemptFailed { .. } => vec![Effect::RevokeLease(id), Effect::Announce(Occasion::StillAlive(id))],
        LeaseEvent::Failed { .. } | LeaseEvent::Made | LeaseEvent::Moved { .. } | LeaseEvent::ObservedGone => {
            Vec::new()
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
