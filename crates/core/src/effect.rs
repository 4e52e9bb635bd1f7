//! What the shell must do after an event.
//!
//! Owns: the list of effects. Invariants: effects are run from the outbox, at least once, and are idempotent by the event's id; an effect
//! names what is to be done, and never decides whether. Must not know: how anything is done.

use crate::id::{GrantId, LeaseId, RequestId, ReviewId, RunId, SessionId};
use crate::time::Timestamp;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell people.
    Announce(Occasion),
    /// Cut every session and run of a grant, and revoke its leases.
    EndUseOf(GrantId),
    /// Create what a lease is about, at the target.
    MakeLease(LeaseId),
    /// Move sessions, runs and leases to the grant that succeeds.
    MoveUse {
        /// From.
        from: GrantId,
        /// To.
        to: GrantId,
    },
    /// Check every session of a grant against what is left of it.
    Recheck(GrantId),
    /// Take back what a lease is about, and observe that it is gone.
    RevokeLease(LeaseId),
    /// Start a run.
    StartRun(RunId),
    /// Stop a run that is under way.
    StopRun(RunId),
    /// Cut a session.
    Terminate(SessionId),
    /// Look again when this time has come. Only for recording: the check itself is made at every use.
    Wake {
        /// When.
        at: Timestamp,
        /// At what.
        what: Wake,
    },
}

/// What to look at when a time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// A grant, which begins or ends.
    Grant(GrantId),
    /// A request, which nobody has decided.
    Request(RequestId),
}

/// What people are told about. Who they are follows from the policy of the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// An answer is asked for, by the next stage or again after a change.
    AnswerWanted(RequestId),
    /// A grant has ended.
    Ended(GrantId),
    /// Less was offered than asked for.
    Offered(RequestId),
    /// A request was decided, or is not asked any more.
    Decided(RequestId),
    /// A grant was taken back, or allows less from now on.
    Reduced(GrantId),
    /// A review waits.
    ReviewWanted(ReviewId),
    /// A revocation failed; what was made at the target may still be alive.
    StillAlive(LeaseId),
}
