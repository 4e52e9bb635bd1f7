//! Proof in memory that one thing may be done now.
//!
//! Owns: permits. Invariants: only this module makes them, from aggregates of this moment; they are not copied, not stored and not
//! sent; a permit of one kind does not pass for another, since its kind is its type; the deadline is checked at every use and is
//! never later than that of the grant (G2). Must not know: what is dialled, minted or executed with it.
//!
//! Whatever opens a connection to a target or asks custody for a credential takes a `&Permit<…>`. Without one it cannot be called:
//!
//! ```compile_fail
//! use sallyport_core::permit::{Permit, Scan};
//! let forged: Permit<Scan> = Permit { target: todo!(), limit: todo!(), kind: Scan };
//! ```
//!
//! ```compile_fail
//! use sallyport_core::permit::{Permit, Scan};
//! fn copy(permit: &Permit<Scan>) -> Permit<Scan> { Clone::clone(permit) }
//! ```
//!
//! ```compile_fail
//! use sallyport_core::permit::{Permit, Revoke, Session};
//! fn revoke(_: &Permit<Revoke>) {}
//! fn misuse(session: &Permit<Session>) { revoke(session) }
//! ```

use crate::capability::Capability;
use crate::digest::Digest;
use crate::grant::Grant;
use crate::id::{GrantId, LeaseId, RequestId, RunId, SessionId};
use crate::lease::{self, Lease};
use crate::lifecycle::Phase as _;
use crate::name::TargetName;
use crate::policy::World;
use crate::principal::{Actor, Principal};
use crate::refusal::{Mismatch, Refusal, TimeRefusal};
use crate::request::Request;
use crate::role::{Access, Role, SshAccess};
use crate::run::{self, Run};
use crate::session::{self};
use crate::time::{Now, Timestamp};

/// That something of one kind may be done at one target, until some time.
#[derive(Debug)]
pub struct Permit<K> {
    target: TargetName,
    limit: Limit,
    kind: K,
}

/// Until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// Taking something back has no end but its success (G5).
    Unlimited,
    /// Not at that instant any more.
    Until(Timestamp),
}

/// Kind: carry one session.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    grant: GrantId,
    who: Principal,
    role: Role,
    /// Other roles on the target and what they allow, to say which one would help.
    others: Vec<Role>,
}

/// Kind: execute one run, once.
#[derive(Debug)]
pub struct Execute {
    id: RunId,
    grant: GrantId,
    digest: Digest,
}

/// Kind: find out, without changing anything, what a request would do.
#[derive(Debug)]
pub struct Preview {
    request: RequestId,
    digest: Digest,
}

/// Kind: make what one lease is about.
#[derive(Debug)]
pub struct Provision {
    lease: LeaseId,
    grant: GrantId,
    role: Role,
}

/// Kind: take back what one lease is about.
#[derive(Debug)]
pub struct Revoke {
    lease: LeaseId,
}

/// Kind: look at a target's own identity, such as its host key, without signing in.
#[derive(Debug)]
pub struct Scan;

impl<K> Permit<K> {
    /// Where.
    #[must_use]
    pub fn target(&self) -> &TargetName {
        &self.target
    }

    /// Whether it still holds. To be asked at every use, not once.
    pub fn check(&self, now: Now) -> Result<(), Refusal> {
        match self.limit {
            Limit::Until(deadline) if now.is_at(deadline) => Err(Refusal::Time(TimeRefusal::GrantOver)),
            Limit::Until(_) | Limit::Unlimited => Ok(()),
        }
    }

    /// When it ends. `None` where it does not: while something is taken back.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.limit {
            Limit::Until(deadline) => Some(deadline),
            Limit::Unlimited => None,
        }
    }
}

impl Permit<Session> {
    /// For a session that was opened under this grant, and neither of which is over.
    pub fn session(now: Now, world: &World, grant: &Grant, session: &session::Session) -> Result<Self, Refusal> {
        let opening = &session.opening;
        if opening.grant != grant.id {
            return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
        }
        if !matches!(session.state, session::State::Opening | session::State::Active) {
            return Err(Refusal::Over { phase: session.phase().name() });
        }
        grant.admits(now, &opening.who, &opening.proof, &opening.target)?;
        world.recognise(&Actor::Principal { who: opening.who.clone(), proof: opening.proof.clone() })?;
        if !world.targets.contains_key(&opening.target) {
            return Err(Refusal::NotFound);
        }
        let others = world.open_to(&opening.who, &opening.target).filter(|role| role.name != grant.role.name);
        let deadline = opening.deadline.min(grant.deadline);
        let permit = Self {
            target: opening.target.clone(),
            limit: Limit::Until(deadline),
            kind: Session {
                id: session.id,
                grant: grant.id,
                who: opening.who.clone(),
                role: grant.role.clone(),
                others: others.cloned().collect(),
            },
        };
        permit.check(now)?;
        Ok(permit)
    }

    /// Which session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.kind.id
    }

    /// Under which grant: the key id of a certificate that is made for it.
    #[must_use]
    pub fn grant(&self) -> GrantId {
        self.kind.grant
    }

    /// Whose.
    #[must_use]
    pub fn who(&self) -> &Principal {
        &self.kind.who
    }

    /// What may be done over SSH, and as whom.
    #[must_use]
    pub fn ssh(&self) -> &SshAccess {
        let Access::Ssh(access) = &self.kind.role.access;
        access
    }

    /// Whether this may be done now. What a role does not list is refused, in every phase of a connection (R3).
    pub fn allow(&self, now: Now, wanted: Capability) -> Result<(), Refusal> {
        self.check(now)?;
        if self.kind.role.allows(wanted) {
            return Ok(());
        }
        let helps = self.kind.others.iter().filter(|role| role.allows(wanted));
        Err(Refusal::Capability { wanted, roles: helps.map(|role| role.name.clone()).collect() })
    }
}

impl Permit<Execute> {
    /// For a run that has just been started, and has the digest of what is about to run.
    pub fn run(now: Now, grant: &Grant, run: &Run, about_to_run: Digest) -> Result<Self, Refusal> {
        if run.plan.grant != grant.id {
            return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
        }
        grant.check(now)?;
        if run.state != run::State::Running {
            return Err(Refusal::Over { phase: run.phase().name() });
        }
        if run.plan.digest != about_to_run {
            return Err(Refusal::Changed);
        }
        let permit = Self {
            target: run.plan.target.clone(),
            limit: Limit::Until(run.plan.deadline.min(grant.deadline)),
            kind: Execute { id: run.id, grant: grant.id, digest: about_to_run },
        };
        permit.check(now)?;
        Ok(permit)
    }

    /// Which run.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.kind.id
    }

    /// Under which grant.
    #[must_use]
    pub fn grant(&self) -> GrantId {
        self.kind.grant
    }

    /// Of what may be executed, and nothing else (A12).
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.kind.digest
    }
}

impl Permit<Preview> {
    /// For a request that waits for an answer. It ends when the request does.
    pub fn preview(now: Now, request: &Request) -> Result<Self, Refusal> {
        let open = request.open().ok_or(Refusal::Over { phase: request.phase().name() })?;
        if now.is_at(open.until) {
            return Err(Refusal::Time(TimeRefusal::Expired));
        }
        let kind = Preview { request: request.id, digest: request.digest };
        Ok(Self { target: request.ask.target.name.clone(), limit: Limit::Until(open.until), kind })
    }

    /// Of which request.
    #[must_use]
    pub fn request(&self) -> RequestId {
        self.kind.request
    }

    /// Of what the request says.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.kind.digest
    }
}

impl Permit<Provision> {
    /// For a lease whose intent is recorded, and a grant that is not over (G4).
    pub fn provision(now: Now, grant: &Grant, lease: &Lease) -> Result<Self, Refusal> {
        if lease.intent.grant != grant.id {
            return Err(Refusal::GrantedElsewhere(Mismatch::Grant));
        }
        grant.check(now)?;
        if lease.state != lease::State::Issuing {
            return Err(Refusal::Over { phase: lease.phase().name() });
        }
        let permit = Self {
            target: lease.intent.target.clone(),
            limit: Limit::Until(lease.intent.deadline.min(grant.deadline)),
            kind: Provision { lease: lease.id, grant: grant.id, role: grant.role.clone() },
        };
        permit.check(now)?;
        Ok(permit)
    }

    /// Which lease: the name of what is made.
    #[must_use]
    pub fn lease(&self) -> LeaseId {
        self.kind.lease
    }

    /// For which grant.
    #[must_use]
    pub fn grant(&self) -> GrantId {
        self.kind.grant
    }

    /// With what it may do.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.kind.role
    }
}

impl Permit<Revoke> {
    /// For a lease that is being revoked. It does not end before that has been done (G5).
    pub fn revoke(lease: &Lease) -> Result<Self, Refusal> {
        match lease.state {
            lease::State::Revoking { .. } => {
                let kind = Revoke { lease: lease.id };
                Ok(Self { target: lease.intent.target.clone(), limit: Limit::Unlimited, kind })
            }
            _ => Err(Refusal::Over { phase: lease.phase().name() }),
        }
    }

    /// Which lease.
    #[must_use]
    pub fn lease(&self) -> LeaseId {
        self.kind.lease
    }
}

impl Permit<Scan> {
    /// For an administrator who wants to know a target's identity, for a moment.
    pub fn scan(now: Now, by: &Actor, world: &World, target: &TargetName) -> Result<Self, Refusal> {
        world.recognise(by)?;
        let who = by.principal().ok_or(Refusal::NotYours)?;
        if !world.is_administrator(who) || !world.targets.contains_key(target) {
            return Err(Refusal::NotFound);
        }
        let deadline = now.time().after(std::time::Duration::from_mins(1));
        Ok(Self { target: target.clone(), limit: Limit::Until(deadline), kind: Scan })
    }
}

#[cfg(test)]
mod tests;
