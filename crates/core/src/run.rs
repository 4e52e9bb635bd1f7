//! A run: one execution of an action, or of a single command that was approved.
//!
//! Owns: the life of a run. Invariants: it is bound to the digest of the plan that was approved, and starts with no other (A12); it starts
//! at most once: what was running when the gateway stopped is *unknown*, and never repeats by itself (A9). Must not know: what it does.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::effect::Effect;
use crate::grant::Grant;
use crate::id::{GrantId, RunId};
use crate::lifecycle::{Phase as _, ReplayError, Transition, phases, row};
use crate::name::TargetName;
use crate::policy::World;
use crate::principal::{Actor, Principal};
use crate::refusal::{Refusal, TimeRefusal};
use crate::time::{Now, Timestamp};

phases! {
    /// Where a run is in its life.
    Phase { Queued = "queued", Running = "running",; Succeeded = "succeeded", Failed = "failed", Cancelled = "cancelled", Unknown = "unknown", }
}

/// Every transition. What is not listed does not happen.
pub const TRANSITIONS: &[Transition<Phase>] = &[
    row(None, "queued", Phase::Queued),
    row(Some(Phase::Queued), "started", Phase::Running),
    row(Some(Phase::Queued), "cancelled", Phase::Cancelled),
    row(Some(Phase::Running), "finished", Phase::Succeeded),
    row(Some(Phase::Running), "failed", Phase::Failed),
    row(Some(Phase::Running), "cancelled", Phase::Cancelled),
    row(Some(Phase::Running), "lost", Phase::Unknown),
];

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RunEvent {
    /// It was stopped, or never started.
    Cancelled,
    /// It ended otherwise than it should have.
    Failed(Output),
    /// It ended as it should have.
    Finished(Output),
    /// Nobody knows how it ended.
    Lost,
    /// It waits for its turn.
    Queued(Plan),
    /// It was started: from here on it may have happened.
    Started,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Under which grant.
    pub grant: GrantId,
    /// Whose.
    pub who: Principal,
    /// Where.
    pub target: TargetName,
    /// Of the plan that was approved.
    pub digest: Digest,
    /// Until when.
    pub deadline: Timestamp,
}

/// What a run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The exit status, where there is one.
    pub status: Option<i32>,
    /// Of what it printed.
    pub digest: Digest,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What is to run.
    pub plan: Plan,
    /// Where it is in its life.
    pub state: State,
}

/// Where a run is, with what belongs to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Stopped, or never started.
    Cancelled,
    /// Ended badly.
    Failed(Output),
    /// Waits.
    Queued,
    /// Under way.
    Running,
    /// Ended well.
    Succeeded(Output),
    /// Nobody knows.
    Unknown,
}

/// Something that somebody wants to do to a run.
#[derive(Debug)]
pub enum Command<'c> {
    /// Stop it, or do not start it.
    Cancel,
    /// Record how it ended.
    Finish {
        /// What it left.
        output: Output,
        /// Whether that is how it should end.
        verdict: Verdict,
    },
    /// Record that nobody knows how it ended.
    Lose,
    /// Put it into the queue.
    Queue {
        /// Under this grant.
        grant: &'c Grant,
        /// Of the plan that was approved.
        digest: Digest,
    },
    /// Start it.
    Start {
        /// Of the plan that is about to run.
        digest: Digest,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should not have.
    Failed,
    /// As it should have.
    Succeeded,
}

/// What follows from a command, now, in this world.
pub fn decide(
    now: Now,
    by: &Actor,
    world: &World,
    run: Option<&Run>,
    command: Command<'_>,
) -> Result<Vec<RunEvent>, Refusal> {
    world.recognise(by)?;
    let Some(run) = run else {
        let Command::Queue { grant, digest } = command else {
            return Err(Refusal::NotFound);
        };
        let Actor::Principal { who, proof } = by else {
            return Err(Refusal::NotYours);
        };
        grant.admits(now, who, proof, &grant.terms.target)?;
        let (target, deadline) = (grant.terms.target.clone(), grant.deadline);
        return Ok(vec![RunEvent::Queued(Plan { grant: grant.id, who: who.clone(), target, digest, deadline })]);
    };
    // People can stop what is theirs; whoever oversees it revokes the grant. The rest is the gateway's.
    let own = by.is_behind(&run.plan.who);
    match command {
        _ if *by == Actor::Gateway => {}
        Command::Cancel if own => {}
        _ if own => return Err(Refusal::OnlyTheGateway),
        _ => return Err(Refusal::NotFound),
    }
    match (command, run.state) {
        (Command::Start { .. }, State::Queued) if now.is_at(run.plan.deadline) => {
            Err(Refusal::Time(TimeRefusal::GrantOver))
        }
        (Command::Start { digest }, State::Queued) if digest != run.plan.digest => Err(Refusal::Changed),
        (Command::Start { .. }, State::Queued) => Ok(vec![RunEvent::Started]),
        (Command::Cancel, State::Queued | State::Running) => Ok(vec![RunEvent::Cancelled]),
        (Command::Finish { output, verdict: Verdict::Succeeded }, State::Running) => {
            Ok(vec![RunEvent::Finished(output)])
        }
        (Command::Finish { output, verdict: Verdict::Failed }, State::Running) => Ok(vec![RunEvent::Failed(output)]),
        (Command::Lose, State::Running) => Ok(vec![RunEvent::Lost]),
        _ => Err(Refusal::Over { phase: run.phase().name() }),
    }
}

impl Run {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Cancelled => Phase::Cancelled,
            State::Failed(_) => Phase::Failed,
            State::Queued => Phase::Queued,
            State::Running => Phase::Running,
            State::Succeeded(_) => Phase::Succeeded,
            State::Unknown => Phase::Unknown,
        }
    }
}

impl RunEvent {
    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
            Self::Finished(_) => "finished",
            Self::Lost => "lost",
            Self::Queued(_) => "queued",
            Self::Started => "started",
        }
    }
}

/// The run after an event. `id` names the stream.
pub fn evolve(id: RunId, run: Option<Run>, event: &RunEvent) -> Result<Run, ReplayError> {
    let Some(run) = run else {
        let RunEvent::Queued(plan) = event else {
            return Err(ReplayError::new::<Phase>("run", None, event.name()));
        };
        return Ok(Run { id, plan: plan.clone(), state: State::Queued });
    };
    let state = match (run.state, event) {
        (State::Queued, RunEvent::Started) => State::Running,
        (State::Queued | State::Running, RunEvent::Cancelled) => State::Cancelled,
        (State::Running, RunEvent::Finished(output)) => State::Succeeded(*output),
        (State::Running, RunEvent::Failed(output)) => State::Failed(*output),
        (State::Running, RunEvent::Lost) => State::Unknown,
        _ => return Err(ReplayError::new("run", Some(run.phase()), event.name())),
    };
    Ok(Run { state, ..run })
}

/// What has to be done after an event. The effect of `Started` is what the run does; it is not in the outbox, which repeats.
#[must_use]
pub fn effects(id: RunId, event: &RunEvent) -> Vec<Effect> {
    match event {
        RunEvent::Queued(_) => vec![Effect::StartRun(id)],
        RunEvent::Cancelled => vec![Effect::StopRun(id)],
        RunEvent::Failed(_) | RunEvent::Finished(_) | RunEvent::Lost | RunEvent::Started => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
