//! A session: one proxied connection under a grant, recorded, can be cut.
//!
//! Owns: the life of a session. Invariants: its deadline is the grant's and never later (G2); it moves to another grant only when that
//! one succeeds its own; once it is terminating nothing brings it back; it is closed once, with the digest of its recording.
//! Must not know: protocols, sockets, bytes.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::effect::Effect;
use crate::grant::{self, Ending, Grant};
use crate::id::{GrantId, SessionId};
use crate::lifecycle::{Phase as _, ReplayError, Transition, phases, row};
use crate::name::{RoleName, TargetName};
use crate::policy::World;
use crate::principal::{Actor, Credential, Principal};
use crate::refusal::{Mismatch, Refusal, TimeRefusal};
use crate::time::{Now, Timestamp};

phases! {
    /// Where a session is in its life.
    Phase { Opening = "opening", Active = "active", Terminating = "terminating",; Closed = "closed", }
}

/// Every transition. What is not listed does not happen.
pub const TRANSITIONS: &[Transition<Phase>] = &[
    row(None, "opened", Phase::Opening),
    row(Some(Phase::Opening), "established", Phase::Active),
    row(Some(Phase::Opening), "moved", Phase::Opening),
    row(Some(Phase::Opening), "closed", Phase::Closed),
    row(Some(Phase::Active), "moved", Phase::Active),
    row(Some(Phase::Active), "terminated", Phase::Terminating),
    row(Some(Phase::Active), "closed", Phase::Closed),
    row(Some(Phase::Terminating), "closed", Phase::Closed),
];

/// Something that happened to a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SessionEvent {
    /// Nothing passes any more.
    Closed {
        /// Why.
        reason: CloseReason,
        /// What was recorded. A session that never was established has nothing to record.
        recording: Option<Recording>,
    },
    /// The target answered.
    Established,
    /// Its grant was succeeded by another, or ends sooner than it did.
    Moved {
        /// Which it is under from now on.
        grant: GrantId,
        /// Until when it lasts.
        deadline: Timestamp,
    },
    /// It is about to be opened.
    Opened(Box<Opening>),
    /// It is to be cut.
    Terminated(CloseReason),
}

/// What a session is, from the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Under which grant.
    pub grant: GrantId,
    /// Whose.
    pub who: Principal,
    /// What they signed in with.
    pub proof: Credential,
    /// In which role.
    pub role: RoleName,
    /// Where.
    pub target: TargetName,
    /// Until when.
    pub deadline: Timestamp,
}

/// Why a session is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The client or the target closed it.
    ByPeer,
    /// Somebody cut it; the envelope tells who.
    ByPerson,
    /// The account or the key that opened it is not valid any more.
    Gone,
    /// The grant was taken back.
    GrantRevoked,
    /// The recording could not be written (R2).
    RecordingFailed,
    /// The gateway stopped.
    ShutDown,
    /// The time was up.
    TimeUp,
    /// The target could not be reached.
    Unreachable,
}

/// A recording, sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Of its bytes.
    pub digest: Digest,
    /// How many there are.
    pub length_bytes: u64,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// What it is; grant and deadline as they are now.
    pub opening: Opening,
    /// Where it is in its life.
    pub state: State,
}

/// Where a session is, with what belongs to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Bytes pass.
    Active,
    /// Nothing passes any more.
    Closed(CloseReason),
    /// The target has not answered yet.
    Opening,
    /// Being cut.
    Terminating(CloseReason),
}

/// Something that somebody wants to do to a session.
#[derive(Debug)]
pub enum Command<'c> {
    /// Record that nothing passes any more.
    Close {
        /// Why; a session that is being cut keeps the reason for that.
        reason: CloseReason,
        /// What was recorded.
        recording: Option<Recording>,
    },
    /// Record that the target answered.
    Establish,
    /// Move it to the grant that succeeded its own.
    Move {
        /// Its own, which has given way.
        from: &'c Grant,
        /// The one that has taken its place.
        to: &'c Grant,
    },
    /// Open one.
    Open {
        /// Under this grant.
        grant: &'c Grant,
        /// At this target.
        target: &'c TargetName,
    },
    /// Look again, because people, groups or keys have changed: the key that it was opened with may be gone although its grant stays.
    Reassess,
    /// Cut it.
    Terminate(CloseReason),
    /// Bring its end forward, because that of its grant was.
    Tighten(&'c Grant),
}

/// What follows from a command, now, in this world.
pub fn decide(
    now: Now,
    by: &Actor,
    world: &World,
    session: Option<&Session>,
    command: Command<'_>,
) -> Result<Vec<SessionEvent>, Refusal> {
    world.recognise(by)?;
    let Some(session) = session else {
        let Command::Open { grant, target } = command else {
            return Err(Refusal::NotFound);
        };
        return open(now, by, grant, target);
    };
    may_command(by, world, session, &command)?;
    let command = match command {
        Command::Reassess if is_current(world, session) => return Ok(Vec::new()),
        Command::Reassess => Command::Terminate(CloseReason::Gone),
        other => other,
    };
    match (command, session.state) {
        (Command::Establish, State::Opening) if now.is_at(session.opening.deadline) => {
            Err(Refusal::Time(TimeRefusal::GrantOver))
        }
        (Command::Establish, State::Opening) => Ok(vec![SessionEvent::Established]),
        (Command::Move { from, to }, State::Opening | State::Active) => relocate(now, session, from, to),
        (Command::Tighten(grant), State::Opening | State::Active) => tighten(session, grant),
        // What is being cut has no use for another end.
        (Command::Move { .. } | Command::Tighten(_), State::Terminating(_)) => Ok(Vec::new()),
        (Command::Terminate(reason), State::Active) => Ok(vec![SessionEvent::Terminated(reason)]),
        // A session that is only opening has nothing to cut.
        (Command::Terminate(reason), State::Opening) => Ok(vec![SessionEvent::Closed { reason, recording: None }]),
        (Command::Close { reason, recording }, State::Opening | State::Active) => {
            Ok(vec![SessionEvent::Closed { reason, recording }])
        }
        (Command::Close { recording, .. }, State::Terminating(reason)) => {
            Ok(vec![SessionEvent::Closed { reason, recording }])
        }
        _ => Err(Refusal::Over { phase: session.phase().name() }),
    }
}

fn is_current(world: &World, session: &Session) -> bool {
    let Opening { who, proof, .. } = session.opening.clone();
    world.recognise(&Actor::Principal { who, proof }).is_ok()
}

/// People can cut sessions: their own, those of roles that they oversee, and administrators all. The rest is the gateway's.
fn may_command(by: &Actor, world: &World, session: &Session, command: &Command<'_>) -> Result<(), Refusal> {
    let Some(who) = by.principal() else {
        return Ok(());
    };
    let opening = &session.opening;
    let sees = by.is_behind(&opening.who) || world.oversees(who, &opening.role) || world.is_administrator(who);
    if !sees {
        return Err(if world.is_auditor(who) { Refusal::NotYours } else { Refusal::NotFound });
    }
    match command {
        Command::Terminate(CloseReason::ByPerson) => Ok(()),
        _ => Err(Refusal::OnlyTheGateway),
    }
}

fn open(now: Now, by: &Actor, grant: &Grant, target: &TargetName) -> Result<Vec<SessionEvent>, Refusal> {
    let Actor::Principal { who, proof } = by else {
        return Err(Refusal::NotYours);
    };
    grant.admits(now, who, proof, target)?;
    let opening = Opening {
        grant: grant.id,
        who: who.clone(),
        proof: proof.clone(),
        role: grant.role.name.clone(),
        target: target.clone(),
        deadline: grant.deadline,
    };
    Ok(vec![SessionEvent::Opened(Box::new(opening))])
}

/// Its end is brought forward with that of its grant, never moved back (G2).
fn tighten(session: &Session, grant: &Grant) -> Result<Vec<SessionEvent>, Refusal> {
    if session.opening.grant != grant.id {
        return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
    }
    if grant.deadline >= session.opening.deadline {
        return Ok(Vec::new());
    }
    Ok(vec![SessionEvent::Moved { grant: grant.id, deadline: grant.deadline }])
}

fn relocate(now: Now, session: &Session, from: &Grant, to: &Grant) -> Result<Vec<SessionEvent>, Refusal> {
    let opening = &session.opening;
    let succeeded = from.state == grant::State::Ended(Ending::SucceededBy(to.id));
    if succeeded && opening.grant == to.id {
        // Effects are run at least once.
        return Ok(Vec::new());
    }
    if opening.grant != from.id || !succeeded {
        return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
    }
    to.admits(now, &opening.who, &opening.proof, &opening.target)?;
    Ok(vec![SessionEvent::Moved { grant: to.id, deadline: to.deadline }])
}

impl Session {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Active => Phase::Active,
            State::Closed(_) => Phase::Closed,
            State::Opening => Phase::Opening,
            State::Terminating(_) => Phase::Terminating,
        }
    }
}

impl SessionEvent {
    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Established => "established",
            Self::Moved { .. } => "moved",
            Self::Opened(_) => "opened",
            Self::Terminated(_) => "terminated",
        }
    }
}

/// The session after an event. `id` names the stream.
pub fn evolve(id: SessionId, session: Option<Session>, event: &SessionEvent) -> Result<Session, ReplayError> {
    let Some(session) = session else {
        let SessionEvent::Opened(opening) = event else {
            return Err(ReplayError::new::<Phase>("session", None, event.name()));
        };
        return Ok(Session { id, opening: (**opening).clone(), state: State::Opening });
    };
    let state = match (session.state, event) {
        (State::Opening, SessionEvent::Established) => State::Active,
        (State::Opening | State::Active, SessionEvent::Moved { grant, deadline }) => {
            let opening = Opening { grant: *grant, deadline: *deadline, ..session.opening };
            return Ok(Session { opening, ..session });
        }
        (State::Active, SessionEvent::Terminated(reason)) => State::Terminating(*reason),
        (State::Opening | State::Active | State::Terminating(_), SessionEvent::Closed { reason, .. }) => {
            State::Closed(*reason)
        }
        _ => return Err(ReplayError::new("session", Some(session.phase()), event.name())),
    };
    Ok(Session { state, ..session })
}

/// What has to be done after an event.
#[must_use]
pub fn effects(id: SessionId, event: &SessionEvent) -> Vec<Effect> {
    match event {
        SessionEvent::Terminated(_) => vec![Effect::Terminate(id)],
        SessionEvent::Closed { .. }
        | SessionEvent::Established
        | SessionEvent::Moved { .. }
        | SessionEvent::Opened(_) => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
