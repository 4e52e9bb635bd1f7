//! Every rule about grants.
//!
//! Owns: what each command takes, and what follows from it. Invariants: as in [`grant`](super). Must not know: how commands arrive.

use super::{End, Grant, GrantEvent, Phase, RevocationCause, State, Terms};
use crate::id::GrantId;
use crate::justification::Reason;
use crate::lifecycle::Phase as _;
use crate::policy::{Objection, World, standing};
use crate::principal::{Actor, Principal};
use crate::refusal::{Mismatch, Refusal, TimeRefusal};
use crate::time::Now;

/// Something that somebody wants to do to a grant.
#[derive(Debug)]
pub enum Command<'c> {
    /// Give it up before its time.
    Done,
    /// Do what the time asks for: begin it, end it, or take it back where a tightening brought its end forward.
    Elapse,
    /// Make it, after its request was approved.
    Issue(&'c Terms),
    /// Look again, because the rules, the groups, the keys or the targets have changed.
    Reassess,
    /// Take it back.
    Revoke {
        /// Why.
        reason: Option<Reason>,
    },
    /// Give way to the grant of an extension.
    Succeed {
        /// Its name.
        by: GrantId,
        /// What it gives.
        terms: &'c Terms,
    },
}

/// What follows from a command, now, in this world. Nothing, if there is nothing to record.
pub fn decide(
    now: Now,
    by: &Actor,
    world: &World,
    grant: Option<&Grant>,
    command: Command<'_>,
) -> Result<Vec<GrantEvent>, Refusal> {
    world.recognise(by)?;
    let Some(grant) = grant else {
        let Command::Issue(terms) = command else {
            return Err(Refusal::NotFound);
        };
        return Ok(issue(now, terms));
    };
    if let Some(principal) = by.principal()
        && !grant.is_visible_to(world, principal)
    {
        return Err(Refusal::NotFound);
    }
    if matches!(grant.phase(), Phase::Ended | Phase::Revoked) {
        return Err(Refusal::Over { phase: grant.phase().name() });
    }
    match command {
        // A grant is made once (A9).
        Command::Issue(_) => Err(Refusal::Over { phase: grant.phase().name() }),
        Command::Done => done(now, by, grant),
        Command::Elapse => elapse(now, by, world, grant),
        Command::Reassess => reassess(now, by, world, grant),
        Command::Revoke { reason } => revoke(now, by, world, grant, reason),
        Command::Succeed { by: successor, terms } => succeed(now, grant, successor, terms),
    }
}

impl Grant {
    /// Whether this grant exists for somebody. For everybody else it does not.
    #[must_use]
    pub fn is_visible_to(&self, world: &World, principal: &Principal) -> bool {
        self.terms.who.owner() == principal.owner()
            || world.oversees(principal, &self.terms.role.name)
            || world.is_auditor(principal)
            || world.is_administrator(principal)
    }
}

fn issue(now: Now, terms: &Terms) -> Vec<GrantEvent> {
    let issued = GrantEvent::Issued(Box::new(terms.clone()));
    // What begins at the yes was decided on the rules of this very moment. What begins later is looked at again then.
    if now.is_at(terms.not_before) { vec![issued, GrantEvent::Activated] } else { vec![issued] }
}

fn done(now: Now, by: &Actor, grant: &Grant) -> Result<Vec<GrantEvent>, Refusal> {
    if !by.is_behind(&grant.terms.who) {
        return Err(Refusal::NotYours);
    }
    in_time(now, grant)?;
    Ok(vec![GrantEvent::Ended(End::Done)])
}

fn revoke(
    now: Now,
    by: &Actor,
    world: &World,
    grant: &Grant,
    reason: Option<Reason>,
) -> Result<Vec<GrantEvent>, Refusal> {
    let who = by.principal().ok_or(Refusal::NotYours)?;
    let may =
        by.is_behind(&grant.terms.who) || world.oversees(who, &grant.terms.role.name) || world.is_administrator(who);
    if !may {
        return Err(Refusal::NotYours);
    }
    in_time(now, grant)?;
    Ok(vec![GrantEvent::Revoked { cause: RevocationCause::Person, reason }])
}

fn elapse(now: Now, by: &Actor, world: &World, grant: &Grant) -> Result<Vec<GrantEvent>, Refusal> {
    gateway_only(by)?;
    if now.is_at(grant.deadline) {
        return Ok(vec![over(grant)]);
    }
    if matches!(grant.state, State::Scheduled) && now.is_at(grant.terms.not_before) {
        let mut events = reassess(now, by, world, grant)?;
        let revoked = events.iter().any(|event| matches!(event, GrantEvent::Revoked { .. }));
        if !revoked {
            events.push(GrantEvent::Activated);
        }
        return Ok(events);
    }
    Err(Refusal::Time(TimeRefusal::TooEarly))
}

/// Only ever less: what the role of now and the grant have in common, and no later than a limit of now would have it (G11). The
/// approval itself stands, since it was given under the rule as it stood.
fn reassess(now: Now, by: &Actor, world: &World, grant: &Grant) -> Result<Vec<GrantEvent>, Refusal> {
    gateway_only(by)?;
    if now.is_at(grant.deadline) {
        return Ok(vec![over(grant)]);
    }
    let terms = &grant.terms;
    let revoked = |cause| vec![GrantEvent::Revoked { cause, reason: None }];
    let standing = match standing(world, &terms.who, &terms.proof, &terms.role.name, &terms.target) {
        Ok(standing) => standing,
        Err(Objection::Gone) => return Ok(revoked(RevocationCause::Gone)),
        Err(_) => return Ok(revoked(RevocationCause::Policy)),
    };
    let Ok(role) = grant.role.narrowed(standing.role, standing.target) else {
        return Ok(revoked(RevocationCause::Policy));
    };
    let deadline = grant.deadline.min(terms.not_before.after(standing.limit.duration()));
    if now.is_at(deadline) {
        return Ok(revoked(RevocationCause::Limit));
    }
    if role == grant.role && deadline == grant.deadline {
        return Ok(Vec::new());
    }
    Ok(vec![GrantEvent::Tightened { role: Box::new(role), deadline }])
}

/// One grant gives way to another of the same holder, at the same target, in the same role, that ends later.
fn succeed(now: Now, grant: &Grant, by: GrantId, terms: &Terms) -> Result<Vec<GrantEvent>, Refusal> {
    grant.admits(now, &terms.who, &terms.proof, &terms.target)?;
    if terms.extends != Some(grant.id) {
        return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
    }
    if terms.role.name != grant.role.name {
        return Err(Refusal::GrantedElsewhere(Mismatch::Role));
    }
    if terms.not_after <= grant.deadline || !now.is_at(terms.not_before) {
        return Err(Refusal::NoExtension);
    }
    Ok(vec![GrantEvent::Succeeded { by }])
}

/// Its end, as it is recorded.
fn over(grant: &Grant) -> GrantEvent {
    if grant.deadline < grant.terms.not_after {
        GrantEvent::Revoked { cause: RevocationCause::Limit, reason: None }
    } else {
        GrantEvent::Ended(End::TimeUp)
    }
}

fn in_time(now: Now, grant: &Grant) -> Result<(), Refusal> {
    if now.is_at(grant.deadline) { Err(Refusal::Time(TimeRefusal::GrantOver)) } else { Ok(()) }
}

fn gateway_only(by: &Actor) -> Result<(), Refusal> {
    if *by == Actor::Gateway { Ok(()) } else { Err(Refusal::OnlyTheGateway) }
}
