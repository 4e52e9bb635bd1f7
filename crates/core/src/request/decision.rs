//! Every rule about requests.
//!
//! Owns: what each command takes, and what follows from it. Invariants: as in [`request`](super). The rules of the moment are asked in every
//! command that can lead to a grant, never an evaluation made before (A4). Must not know: how commands arrive.

use std::time::Duration;

use super::{Ask, Change, Command, DenialCause, Open, Request, RequestEvent, Start, State, Wish};
use crate::approval::{Tally, Vote, VoteToken, tally};
use crate::capability::Capabilities;
use crate::digest::Digest;
use crate::grant::{Grant, Terms};
use crate::id::{GrantId, RequestId};
use crate::justification::Reason;
use crate::lifecycle::Phase as _;
use crate::name::PersonId;
use crate::policy::{Evaluation, Path, World, evaluate};
use crate::principal::{Actor, Credential, Principal};
use crate::refusal::{Mismatch, Refusal, TimeRefusal};
use crate::role::{Access, Role, SshAccess};
use crate::time::{Now, Span};

/// How far the wall clock may be behind before nothing is granted any more.
const WALL_BEHIND_MAX: Duration = Duration::from_secs(2);
/// How often a request can be changed. Whoever needs more asks anew.
const REVISIONS_MAX: u32 = 50;

/// What follows from a command, now, in this world. Nothing, if there is nothing to record.
pub fn decide(
    now: Now,
    by: &Actor,
    world: &World,
    request: Option<&Request>,
    command: Command<'_>,
) -> Result<Vec<RequestEvent>, Refusal> {
    world.recognise(by)?;
    let Some(request) = request else {
        let Command::Ask { id, wish, extends, grant } = command else {
            return Err(Refusal::NotFound);
        };
        return ask(now, by, world, (id, grant), wish, extends);
    };
    if let Some(principal) = by.principal()
        && !request.is_visible_to(world, principal)
    {
        return Err(Refusal::NotFound);
    }
    let case = Case { now, by, world, request };
    match command {
        Command::Amend { change, grant } => case.amend(change, grant),
        Command::Approve { seen, token, comment, grant } => case.approve(seen, token, comment, grant),
        Command::Ask { .. } => Err(case.over()),
        Command::DeclineOffer => case.decline_offer(),
        Command::Deny { token, reason } => case.deny(token, reason),
        Command::Expire => case.expire(),
        Command::Offer { seen, span, allow, comment } => case.offer(seen, span, allow, comment),
        Command::Reconsider { grant } => case.reconsider(grant),
        Command::See => case.see(),
        Command::TakeOffer { grant } => case.take_offer(grant),
        Command::Withdraw => case.withdraw(),
    }
}

impl Request {
    /// Whether this request exists for somebody. For everybody else it does not.
    #[must_use]
    pub fn is_visible_to(&self, world: &World, principal: &Principal) -> bool {
        self.ask.who.owner() == principal.owner()
            || world.oversees(principal, &self.ask.role.name)
            || world.is_auditor(principal)
            || world.is_administrator(principal)
    }
}

fn ask(
    now: Now,
    by: &Actor,
    world: &World,
    (id, grant): (RequestId, GrantId),
    wish: Wish,
    extends: Option<&Grant>,
) -> Result<Vec<RequestEvent>, Refusal> {
    let Actor::Principal { who, proof } = by else {
        return Err(Refusal::NotYours);
    };
    if let Start::At(start) = wish.start
        && now.is_at(start)
    {
        return Err(Refusal::Time(TimeRefusal::StartPassed));
    }
    if let Some(old) = extends {
        may_extend(now, who, proof, &wish, old)?;
    }
    let question = crate::policy::Question {
        who,
        proof,
        role: &wish.role,
        target: &wish.target,
        span: wish.span,
        justification: &wish.justification,
    };
    let evaluation = evaluate(world, &question);
    let path = allowed(&evaluation)?;
    let ask = Ask {
        revision: 1,
        who: who.clone(),
        proof: proof.clone(),
        role: path.role.clone(),
        target: path.target.clone(),
        span: wish.span,
        start: wish.start,
        justification: wish.justification,
        binding: path.rule.binding,
        bundle: wish.bundle,
        extends: extends.map(|old| old.id),
    };
    let digest = ask.digest(id).map_err(|_| Refusal::Unencodable)?;
    let approved = conclude(now, &evaluation, (id, &ask, digest), &[], grant)?;
    let asked = RequestEvent::Asked {
        ask: Box::new(ask),
        digest,
        rule: Box::new(path.rule.clone()),
        policy: world.policy.digest(),
        open_until: now.time().after(path.rule.open_for.duration()),
    };
    Ok(std::iter::once(asked).chain(approved).collect())
}

/// Only what somebody has can be extended, by themselves, as it is.
fn may_extend(now: Now, who: &Principal, proof: &Credential, wish: &Wish, old: &Grant) -> Result<(), Refusal> {
    old.admits(now, who, proof, &wish.target)?;
    if old.role.name != wish.role {
        return Err(Refusal::GrantedElsewhere(Mismatch::Role));
    }
    // Without a gap, and without a start that a later yes would have to meet.
    if wish.start == Start::Yes { Ok(()) } else { Err(Refusal::Time(TimeRefusal::StartPassed)) }
}

/// An existing request, who wants something of it, and the world in which that is decided.
struct Case<'c> {
    now: Now,
    by: &'c Actor,
    world: &'c World,
    request: &'c Request,
}

impl Case<'_> {
    fn amend(&self, change: Change, grant: GrantId) -> Result<Vec<RequestEvent>, Refusal> {
        let open = self.pending()?;
        if self.by.principal() != Some(&self.request.ask.who) {
            return Err(Refusal::NotYours);
        }
        let old = &self.request.ask;
        let ask = Ask { span: change.span, justification: change.justification, ..next_revision(old)? };
        let digest = ask.digest(self.request.id).map_err(|_| Refusal::Unencodable)?;
        let evaluation = evaluate(self.world, &ask.question());
        allowed(&evaluation)?;
        let approved = conclude(self.now, &evaluation, (self.request.id, &ask, digest), &open.votes, grant)?;
        Ok(std::iter::once(RequestEvent::Amended { ask: Box::new(ask), digest }).chain(approved).collect())
    }

    fn approve(
        &self,
        seen: Digest,
        token: Option<&VoteToken>,
        comment: Option<Reason>,
        grant: GrantId,
    ) -> Result<Vec<RequestEvent>, Refusal> {
        let open = self.open()?;
        let person = self.voter()?;
        let request = self.request;
        self.check_token(open, person, token)?;
        if seen != request.digest {
            return Err(Refusal::Changed);
        }
        let evaluation = evaluate(self.world, &request.ask.question());
        let path = allowed(&evaluation)?;
        let may = |stage: &_, person: &_| evaluation.may_approve(stage, person);
        if open.votes.iter().any(|vote| vote.voter == *person && vote.digest == request.digest) {
            return Err(Refusal::AlreadyAnswered);
        }
        // A stage that is not open yet is not asked, so that what it would have said is not known before.
        match tally(&path.rule.approval, &open.votes, request.digest, may) {
            Tally::Open { stage, .. } if evaluation.may_approve(stage, person) => {}
            Tally::Open { .. } => return Err(Refusal::NotAsked),
            // Nothing is missing any more, since the rules have changed: anybody who is asked at all may bring it about.
            Tally::Complete if evaluation.may_answer(person) => {}
            Tally::Complete => return Err(Refusal::NotAsked),
        }
        let token = token.map(|token| token.name.clone());
        let vote = Vote { voter: person.clone(), digest: request.digest, token, comment };
        let votes: Vec<Vote> = open.votes.iter().cloned().chain([vote.clone()]).collect();
        let approved = conclude(self.now, &evaluation, (request.id, &request.ask, request.digest), &votes, grant)?;
        Ok(std::iter::once(RequestEvent::Voted(vote)).chain(approved).collect())
    }

    fn deny(&self, token: Option<&VoteToken>, reason: Option<Reason>) -> Result<Vec<RequestEvent>, Refusal> {
        let open = self.open()?;
        let person = self.voter()?;
        self.check_token(open, person, token)?;
        // By the rules of now or of then: a no is never refused because the rules have changed.
        let evaluation = evaluate(self.world, &self.request.ask.question());
        let asked_then = |stage| evaluation.may_approve(stage, person);
        if !evaluation.may_answer(person) && !open.rule.approval.stages().iter().any(asked_then) {
            return Err(Refusal::NotAsked);
        }
        Ok(vec![RequestEvent::Denied { cause: DenialCause::Approver, reason }])
    }

    fn offer(
        &self,
        seen: Digest,
        span: Span,
        allow: Option<Capabilities>,
        comment: Option<Reason>,
    ) -> Result<Vec<RequestEvent>, Refusal> {
        self.pending()?;
        let person = self.voter()?;
        if seen != self.request.digest {
            return Err(Refusal::Changed);
        }
        let old = &self.request.ask;
        let role = allow.as_ref().map_or_else(|| old.role.clone(), |allow| reduced(&old.role, allow));
        let Access::Ssh(access) = &role.access;
        if span > old.span || access.allow.is_empty() || (span == old.span && role == old.role) {
            return Err(Refusal::OfferedMore);
        }
        let ask = Ask { role, span, ..next_revision(old)? };
        let evaluation = evaluate(self.world, &ask.question());
        allowed(&evaluation)?;
        if !evaluation.may_answer(person) {
            return Err(Refusal::NotAsked);
        }
        let digest = ask.digest(self.request.id).map_err(|_| Refusal::Unencodable)?;
        Ok(vec![RequestEvent::Offered { by: person.clone(), ask: Box::new(ask), digest, comment }])
    }

    fn take_offer(&self, grant: GrantId) -> Result<Vec<RequestEvent>, Refusal> {
        let open = self.open()?;
        let State::Offered { offer, .. } = &self.request.state else {
            return Err(self.over());
        };
        self.owner_only()?;
        let evaluation = evaluate(self.world, &offer.ask.question());
        allowed(&evaluation)?;
        let given = Vote { voter: offer.by.clone(), digest: offer.digest, token: None, comment: None };
        let votes: Vec<Vote> = open.votes.iter().cloned().chain([given]).collect();
        let text = (self.request.id, &offer.ask, offer.digest);
        let approved = conclude(self.now, &evaluation, text, &votes, grant)?;
        Ok(std::iter::once(RequestEvent::OfferTaken).chain(approved).collect())
    }

    fn decline_offer(&self) -> Result<Vec<RequestEvent>, Refusal> {
        self.open()?;
        self.owner_only()?;
        match self.request.state {
            State::Offered { .. } => Ok(vec![RequestEvent::OfferDeclined]),
            _ => Err(self.over()),
        }
    }

    fn withdraw(&self) -> Result<Vec<RequestEvent>, Refusal> {
        self.open()?;
        self.owner_only()?;
        Ok(vec![RequestEvent::Withdrawn])
    }

    fn see(&self) -> Result<Vec<RequestEvent>, Refusal> {
        let open = self.open()?;
        let person = self.voter()?;
        Ok(if open.seen.contains(person) { Vec::new() } else { vec![RequestEvent::Seen(person.clone())] })
    }

    fn expire(&self) -> Result<Vec<RequestEvent>, Refusal> {
        self.gateway_only()?;
        match self.request.open() {
            None => Err(self.over()),
            Some(open) if self.now.is_at(open.until) => Ok(vec![RequestEvent::Expired]),
            Some(_) => Err(Refusal::Time(TimeRefusal::TooEarly)),
        }
    }

    fn reconsider(&self, grant: GrantId) -> Result<Vec<RequestEvent>, Refusal> {
        let open = self.open()?;
        self.gateway_only()?;
        let request = self.request;
        let evaluation = evaluate(self.world, &request.ask.question());
        if evaluation.outcome.is_err() {
            let reason = Reason::new(&evaluation.explain().answer).ok();
            return Ok(vec![RequestEvent::Denied { cause: DenialCause::Policy, reason }]);
        }
        let text = (request.id, &request.ask, request.digest);
        Ok(conclude(self.now, &evaluation, text, &open.votes, grant)?.into_iter().collect())
    }

    /// What an undecided request owns. Its time is checked here and not by the sweeper, which only records it (A8).
    fn open(&self) -> Result<&Open, Refusal> {
        let open = self.request.open().ok_or_else(|| self.over())?;
        if self.now.is_at(open.until) { Err(Refusal::Time(TimeRefusal::Expired)) } else { Ok(open) }
    }

    /// The same, without an offer that waits.
    fn pending(&self) -> Result<&Open, Refusal> {
        let open = self.open()?;
        if matches!(self.request.state, State::Pending(_)) { Ok(open) } else { Err(self.over()) }
    }

    fn over(&self) -> Refusal {
        Refusal::Over { phase: self.request.phase().name() }
    }

    /// Who votes: a person who is not behind the request (A1).
    fn voter(&self) -> Result<&PersonId, Refusal> {
        let who = self.by.principal().ok_or(Refusal::OnlyPeople)?;
        if self.by.is_behind(&self.request.ask.who) {
            return Err(Refusal::OwnRequest);
        }
        who.person().ok_or(Refusal::OnlyPeople)
    }

    fn check_token(&self, open: &Open, person: &PersonId, token: Option<&VoteToken>) -> Result<(), Refusal> {
        let Some(token) = token else {
            return Ok(());
        };
        let meant = token.request == self.request.id && token.voter == *person;
        let spent = open.votes.iter().any(|vote| vote.token.as_ref() == Some(&token.name));
        if !meant || spent {
            return Err(Refusal::Token);
        }
        if token.digest == self.request.digest { Ok(()) } else { Err(Refusal::Changed) }
    }

    fn owner_only(&self) -> Result<(), Refusal> {
        if self.by.is_behind(&self.request.ask.who) { Ok(()) } else { Err(Refusal::NotYours) }
    }

    fn gateway_only(&self) -> Result<(), Refusal> {
        if *self.by == Actor::Gateway { Ok(()) } else { Err(Refusal::OnlyTheGateway) }
    }
}

fn next_revision(old: &Ask) -> Result<Ask, Refusal> {
    if old.revision >= REVISIONS_MAX {
        return Err(Refusal::Over { phase: "changed too often" });
    }
    Ok(Ask { revision: old.revision + 1, ..old.clone() })
}

fn allowed<'e, 'w>(evaluation: &'e Evaluation<'w>) -> Result<&'e Path<'w>, Refusal> {
    evaluation.outcome.as_ref().map_err(|_| Refusal::NotAllowed(evaluation.explain()))
}

/// The grant, if nobody's yes is missing. What it gives is what was voted on, as far as the role still gives it (A4).
fn conclude(
    now: Now,
    evaluation: &Evaluation<'_>,
    (id, ask, digest): (RequestId, &Ask, Digest),
    votes: &[Vote],
    grant: GrantId,
) -> Result<Option<RequestEvent>, Refusal> {
    let path = allowed(evaluation)?;
    let may = |stage: &_, person: &_| evaluation.may_approve(stage, person);
    if tally(&path.rule.approval, votes, digest, may) != Tally::Complete {
        return Ok(None);
    }
    if now.wall_behind() > WALL_BEHIND_MAX {
        return Err(Refusal::ClockBehind);
    }
    let role = ask.role.narrowed(path.role, path.target)?;
    let (not_before, not_after) = ask.window(now.time());
    let terms = Terms {
        request: id,
        digest,
        rule: path.rule.name.clone(),
        who: ask.who.clone(),
        proof: ask.proof.clone(),
        binding: ask.binding,
        role,
        target: ask.target.name.clone(),
        not_before,
        not_after,
        extends: ask.extends,
    };
    Ok(Some(RequestEvent::Approved { grant, terms: Box::new(terms) }))
}

/// A role with less.
fn reduced(role: &Role, allow: &Capabilities) -> Role {
    let Access::Ssh(access) = &role.access;
    let access = SshAccess { allow: access.allow.common(allow), ..access.clone() };
    Role { access: Access::Ssh(access), ..role.clone() }
}
