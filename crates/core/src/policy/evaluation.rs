//! One question, answered from the rules of now.
//!
//! Owns: which rules fit, what stands in the way of the others, and who may say yes. Invariants: see [`policy`](super). Must not
//! know: how an answer is put into words (that is [`Explanation`](super::Explanation)'s).

use std::cmp::Reverse;

use thiserror::Error;

use super::World;
use crate::justification::{Justification, Missing};
use crate::name::{PersonId, RoleName, TargetName};
use crate::principal::{Credential, Owner, Principal};
use crate::role::Role;
use crate::rule::{Approval, Rule, Stage};
use crate::target::Target;
use crate::time::Span;

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Who.
    pub who: &'q Principal,
    /// What they signed in with.
    pub proof: &'q Credential,
    /// Which role.
    pub role: &'q RoleName,
    /// Where.
    pub target: &'q TargetName,
    /// For how long.
    pub span: Span,
    /// Why.
    pub justification: &'q Justification,
}

/// The answer, and how it was found.
#[derive(Debug, Clone)]
pub struct Evaluation<'w> {
    /// Where it came from.
    world: &'w World,
    /// Who asks, in the end.
    requester: Owner,
    /// The answer.
    pub outcome: Result<Path<'w>, Objection>,
    /// Every rule about the role, in the order in which they are written.
    pub considered: Vec<Considered<'w>>,
}

/// A way that is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Path<'w> {
    /// By which rule.
    pub rule: &'w Rule,
    /// Which role.
    pub role: &'w Role,
    /// Where.
    pub target: &'w Target,
    /// For how long at most: the shorter limit of rule and role.
    pub limit: Span,
}

/// A rule, and what stands in its way.
#[derive(Debug, Clone)]
pub struct Considered<'w> {
    /// The rule.
    pub rule: &'w Rule,
    /// The shorter limit of rule and role.
    pub limit: Span,
    /// Nothing, if it fits.
    pub obstacles: Vec<Obstacle>,
}

/// Why a rule does not fit a question.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// Fewer people could say yes than have to.
    #[error("it needs {stage}, and only {there} of them could answer")]
    Approvers {
        /// What is needed.
        stage: Stage,
        /// How many people there are, without the one who asks.
        there: usize,
    },
    /// Something is missing from the justification.
    #[error(transparent)]
    Justification(#[from] Missing),
    /// It is about other targets.
    #[error("it is about other targets")]
    Target,
    /// It allows less time.
    #[error("it allows at most {0}")]
    TooLong(Span),
    /// It is about other people.
    #[error("it is about others")]
    Who,
}

/// Why the answer is no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Objection {
    /// The one who asks does not exist any more, or what they signed in with is not theirs any more.
    #[error("this key or account is not valid any more")]
    Gone,
    /// No rule fits. The evaluation lists what stands in the way of each.
    #[error("no rule allows it")]
    NoRule,
    /// The role cannot be had there.
    #[error("role {0} does not cover this target")]
    NotThere(RoleName),
    /// There is no such role.
    #[error("there is no role {0}")]
    Role(RoleName),
    /// There is no such target.
    #[error("there is no target {0}")]
    Target(TargetName),
}

/// Answers a question.
#[must_use]
pub fn evaluate<'w>(world: &'w World, question: &Question<'_>) -> Evaluation<'w> {
    let requester = question.who.owner();
    let mut evaluation = Evaluation { world, requester, outcome: Err(Objection::NoRule), considered: Vec::new() };
    let (role, target) = match subject(world, question.who, question.proof, question.role, question.target) {
        Ok(subject) => subject,
        Err(objection) => {
            evaluation.outcome = Err(objection);
            return evaluation;
        }
    };
    for rule in world.policy.rules_about(question.role) {
        let limit = rule.limit.map_or(role.limit, |limit| limit.min(role.limit));
        let obstacles = rule.obstacles(world, question, target, limit);
        evaluation.considered.push(Considered { rule, limit, obstacles });
    }
    let fitting = evaluation.considered.iter().filter(|considered| considered.obstacles.is_empty());
    // Of equals, the first that is written: `min_by_key` keeps it.
    if let Some(easiest) = fitting.min_by_key(|considered| effort(considered)) {
        evaluation.outcome = Ok(Path { rule: easiest.rule, role, target, limit: easiest.limit });
    }
    evaluation
}

impl<'w> Evaluation<'w> {
    /// Whose yes it takes, if it can be had at all.
    #[must_use]
    pub fn approval(&self) -> Option<&'w Approval> {
        self.outcome.as_ref().ok().map(|path| &path.rule.approval)
    }

    /// Whether this person's yes counts in this stage: asked, still there, and not the owner of what is asked (A1).
    #[must_use]
    pub fn may_approve(&self, stage: &Stage, person: &PersonId) -> bool {
        may_approve(self.world, &self.requester, stage, person)
    }

    /// Whether this person is asked in any stage.
    #[must_use]
    pub fn may_answer(&self, person: &PersonId) -> bool {
        let stages = self.approval().map(Approval::stages).unwrap_or_default();
        stages.iter().any(|stage| self.may_approve(stage, person))
    }
}

/// What a role still gives to somebody who was granted it, whoever's yes that took.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'w> {
    /// The role of today.
    pub role: &'w Role,
    /// Where.
    pub target: &'w Target,
    /// The longest time for which a rule of today would let them have it.
    pub limit: Span,
}

/// Whether some rule of now still lets this principal have this role there. The approval is not asked for again: it was given under the
/// rule as it stood. Neither is the justification.
pub fn standing<'w>(
    world: &'w World,
    who: &Principal,
    proof: &Credential,
    role: &RoleName,
    target: &TargetName,
) -> Result<Standing<'w>, Objection> {
    let (role, target) = subject(world, who, proof, role, target)?;
    let fits = |rule: &&Rule| rule.targets.matches(target) && world.directory.is_any(who, &rule.who);
    let limits = world.policy.rules_about(&role.name).filter(fits).map(|rule| rule.limit.unwrap_or(role.limit));
    let limit = limits.max().ok_or(Objection::NoRule)?.min(role.limit);
    Ok(Standing { role, target, limit })
}

/// What a question is about, if that exists.
fn subject<'w>(
    world: &'w World,
    who: &Principal,
    proof: &Credential,
    role: &RoleName,
    target: &TargetName,
) -> Result<(&'w Role, &'w Target), Objection> {
    if !world.directory.knows(who) || !world.directory.holds(who, proof) {
        return Err(Objection::Gone);
    }
    let target = world.targets.get(target).ok_or_else(|| Objection::Target(target.clone()))?;
    let role = world.policy.role(role).ok_or_else(|| Objection::Role(role.clone()))?;
    if role.targets.matches(target) { Ok((role, target)) } else { Err(Objection::NotThere(role.name.clone())) }
}

impl Rule {
    fn obstacles(&self, world: &World, question: &Question<'_>, target: &Target, limit: Span) -> Vec<Obstacle> {
        let mut found = Vec::new();
        if !world.directory.is_any(question.who, &self.who) {
            found.push(Obstacle::Who);
        }
        if !self.targets.matches(target) {
            found.push(Obstacle::Target);
        }
        if !found.is_empty() {
            // What else it wants is nobody's business who it is not about.
            return found;
        }
        if question.span > limit {
            found.push(Obstacle::TooLong(limit));
        }
        if let Err(missing) = self.justify.check(question.justification) {
            found.push(Obstacle::Justification(missing));
        }
        found.extend(too_few(world, &question.who.owner(), &self.approval));
        found
    }
}

/// The stage that can never be passed. Asking would only make people wait for nothing.
fn too_few(world: &World, requester: &Owner, approval: &Approval) -> Option<Obstacle> {
    approval.stages().iter().find_map(|stage| {
        let people = world.directory.people_of(&stage.from);
        let there = people.into_iter().filter(|person| may_approve(world, requester, stage, person)).count();
        (there < usize::from(stage.count.get())).then(|| Obstacle::Approvers { stage: stage.clone(), there })
    })
}

fn may_approve(world: &World, requester: &Owner, stage: &Stage, person: &PersonId) -> bool {
    let own = *requester == Owner::Person(person.clone());
    !own && world.directory.is_any(&Principal::Person(person.clone()), &stage.from)
}

/// What a rule costs the one who asks: people first, then words, then time.
fn effort(considered: &Considered<'_>) -> (u32, usize, bool, bool, Reverse<Span>) {
    let rule = considered.rule;
    (
        rule.approval.people(),
        rule.approval.stages().len(),
        rule.justify.ticket.is_some(),
        rule.justify.reason,
        Reverse(considered.limit),
    )
}
