//! All rules, evaluated: may this be had, by which rule, on whose approval.
//!
//! Owns: how rules combine. Invariants: evaluation is a function of the [`World`] and the question, and of nothing else; the default is
//! no; of several rules that fit, the easiest for the requester decides, and is named; nobody approves what is asked for by the
//! same owner (A1). Must not know: time, requests, votes already given.
//!
//! Where more will enter: a condition of a rule is one more [`Obstacle`] in `Rule::obstacles`; a guardrail that forbids is a
//! [`Objection`] before any rule is looked at; a guardrail that sets a floor (approvers, reason, duration) raises the [`Path`] that was chosen
//! in [`evaluate`], for whichever rule matched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::canonical::{self, CanonicalError};
use crate::digest::Digest;
use crate::directory::Directory;
use crate::name::{RoleName, RuleName, TargetName};
use crate::principal::{Actor, Principal};
use crate::refusal::Refusal;
use crate::role::Role;
use crate::rule::{Rule, Who};
use crate::target::Target;

mod evaluation;
mod explanation;

pub use evaluation::{Considered, Evaluation, Objection, Obstacle, Path, Question, Standing, evaluate, standing};
pub use explanation::Explanation;

/// Everything that a decision depends on, as it is loaded now. It is replaced as a whole; then every open request is `Reconsider`ed, and every
/// live grant and session `Reassess`ed.
#[derive(Debug, Clone)]
pub struct World {
    /// The rules.
    pub policy: Policy,
    /// The people.
    pub directory: Directory,
    /// The targets.
    pub targets: BTreeMap<TargetName, Target>,
}

impl World {
    /// Whether who acts still exists, and still holds what they signed in with (G11). Every `decide` asks this first.
    pub fn recognise(&self, by: &Actor) -> Result<(), Refusal> {
        match by {
            Actor::Gateway => Ok(()),
            Actor::Principal { who, proof } if self.directory.knows(who) && self.directory.holds(who, proof) => Ok(()),
            Actor::Principal { .. } => Err(Refusal::Gone),
        }
    }

    /// Roles that this principal may ask for on this target, whoever's yes that takes: what is listed, and what would help where something
    /// is refused.
    pub fn open_to<'w>(&'w self, who: &Principal, target: &TargetName) -> impl Iterator<Item = &'w Role> {
        let target = self.targets.get(target);
        let asks = move |target, rule: &Rule| rule.targets.matches(target) && self.directory.is_any(who, &rule.who);
        let found = target.map(|target| {
            let open = move |role: &&Role| self.policy.rules_about(&role.name).any(|rule| asks(target, rule));
            self.policy.roles_on(target).filter(open)
        });
        found.into_iter().flatten()
    }

    /// Whether this principal may take back other people's grants and close their reviews.
    #[must_use]
    pub fn is_administrator(&self, principal: &Principal) -> bool {
        self.directory.is_any(principal, &self.policy.source.administrators)
    }

    /// Whether this principal is asked about requests for this role by some rule, and may therefore also take grants of it back.
    #[must_use]
    pub fn oversees(&self, principal: &Principal, role: &RoleName) -> bool {
        let stages = self.policy.rules_about(role).flat_map(|rule| rule.approval.stages());
        principal.person().is_some() && stages.into_iter().any(|stage| self.directory.is_any(principal, &stage.from))
    }

    /// Whether this principal may read everybody's requests, recordings and the audit log.
    #[must_use]
    pub fn is_auditor(&self, principal: &Principal) -> bool {
        self.directory.is_any(principal, &self.policy.source.auditors)
    }
}

/// Rules and roles as they are written. This is a file format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySource {
    /// What can be had.
    pub roles: Vec<Role>,
    /// Who may have it.
    pub rules: Vec<Rule>,
    /// Who may take grants back.
    pub administrators: BTreeSet<Who>,
    /// Who may read everything.
    pub auditors: BTreeSet<Who>,
}

/// Rules and roles that fit together, with a digest that names this version.
#[derive(Debug, Clone)]
pub struct Policy {
    source: PolicySource,
    digest: Digest,
    roles: BTreeMap<RoleName, usize>,
    /// Which rules are about a role, so that a question looks only at those.
    rules: BTreeMap<RoleName, Vec<usize>>,
}

/// What is wrong with a policy. Everything is reported at once.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Two roles of one name.
    #[error("role {0} is defined twice")]
    RoleTwice(RoleName),
    /// Two rules of one name.
    #[error("rule {0} is defined twice")]
    RuleTwice(RuleName),
    /// A rule about nothing.
    #[error("rule {rule} names the role {role}, which is not defined")]
    UnknownRole {
        /// The rule.
        rule: RuleName,
        /// What it names.
        role: RoleName,
    },
    /// A rule that nobody's yes can ever satisfy.
    #[error("rule {0} has a list of approvals without an entry; write `approval = \"auto\"` if no yes is needed")]
    NoStages(RuleName),
    /// The policy has no digest.
    #[error("the policy has no canonical form")]
    Encoding(#[source] CanonicalError),
}

impl Policy {
    /// Checks that the parts fit together.
    pub fn new(source: PolicySource) -> Result<Self, Vec<PolicyError>> {
        let mut errors = Vec::new();
        let roles = index_roles(&source, &mut errors);
        let rules = index_rules(&source, &roles, &mut errors);
        match canonical::digest("policy", &source) {
            Ok(digest) if errors.is_empty() => Ok(Self { source, digest, roles, rules }),
            Ok(_) => Err(errors),
            Err(error) => {
                errors.push(PolicyError::Encoding(error));
                Err(errors)
            }
        }
    }

    /// Names this version.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> &PolicySource {
        &self.source
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: &RoleName) -> Option<&Role> {
        self.source.roles.get(*self.roles.get(name)?)
    }

    /// Roles that cover this target, in the order in which they are written.
    pub fn roles_on<'p>(&'p self, target: &'p Target) -> impl Iterator<Item = &'p Role> {
        self.source.roles.iter().filter(move |role| role.targets.matches(target))
    }

    /// Rules that are about this role, in the order in which they are written.
    pub fn rules_about(&self, role: &RoleName) -> impl Iterator<Item = &Rule> {
        let places = self.rules.get(role).into_iter().flatten();
        places.filter_map(|place| self.source.rules.get(*place))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rules and {} roles, {}", self.source.rules.len(), self.source.roles.len(), self.digest)
    }
}

fn index_roles(source: &PolicySource, errors: &mut Vec<PolicyError>) -> BTreeMap<RoleName, usize> {
    let mut roles = BTreeMap::new();
    for (place, role) in source.roles.iter().enumerate() {
        if roles.insert(role.name.clone(), place).is_some() {
            errors.push(PolicyError::RoleTwice(role.name.clone()));
        }
    }
    roles
}

fn index_rules(
    source: &PolicySource,
    roles: &BTreeMap<RoleName, usize>,
    errors: &mut Vec<PolicyError>,
) -> BTreeMap<RoleName, Vec<usize>> {
    let mut names = BTreeSet::new();
    let mut index: BTreeMap<RoleName, Vec<usize>> = BTreeMap::new();
    for (place, rule) in source.rules.iter().enumerate() {
        if !names.insert(&rule.name) {
            errors.push(PolicyError::RuleTwice(rule.name.clone()));
        }
        if rule.approval == crate::rule::Approval::Stages(Vec::new()) {
            errors.push(PolicyError::NoStages(rule.name.clone()));
        }
        for role in &rule.roles {
            if roles.contains_key(role) {
                index.entry(role.clone()).or_default().push(place);
            } else {
                errors.push(PolicyError::UnknownRole { rule: rule.name.clone(), role: role.clone() });
            }
        }
    }
    index
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
