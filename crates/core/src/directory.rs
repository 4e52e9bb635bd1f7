//! Who exists, which groups they are in, and which credentials are theirs.
//!
//! Owns: people, groups, programs, keys, as they are loaded now. Invariants: somebody who is not listed is nobody; a group
//! that is not listed is empty; names are compared as wholes (N6). Must not know: where they come from (files, SCIM, a provider).

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{CredentialName, GroupName, PersonId, WorkloadId};
use crate::principal::{Credential, Owner, Principal};
use crate::rule::Who;

/// Who exists now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// Everybody. Who was disabled is not listed.
    pub people: BTreeSet<PersonId>,
    /// Who is in which group.
    pub groups: BTreeMap<GroupName, BTreeSet<PersonId>>,
    /// Programs, and who is behind each.
    pub workloads: BTreeMap<WorkloadId, Owner>,
    /// Registered keys and tokens.
    pub credentials: BTreeMap<CredentialName, Principal>,
    /// Authorities whose certificates are believed.
    pub authorities: BTreeSet<CredentialName>,
    /// Keys, sessions and tokens that were taken back, with everything that was got by them. Signing out is not that.
    pub revoked: BTreeSet<CredentialName>,
}

impl Directory {
    /// Whether this principal still exists. A program does while the person behind it does.
    #[must_use]
    pub fn knows(&self, principal: &Principal) -> bool {
        match principal {
            Principal::Person(id) => self.people.contains(id),
            Principal::Workload { id, owner } => {
                let listed = self.workloads.get(id) == Some(owner);
                let behind = match owner {
                    Owner::Person(person) => self.people.contains(person),
                    Owner::Workload(workload) => self.workloads.contains_key(workload),
                };
                listed && behind
            }
        }
    }

    /// Whether this credential is still that principal's (G11).
    #[must_use]
    pub fn holds(&self, principal: &Principal, credential: &Credential) -> bool {
        if self.revoked.iter().any(|name| credential.rests_on(name)) {
            return false;
        }
        match credential {
            Credential::SshKey(name) | Credential::Token(name) => self.credentials.get(name) == Some(principal),
            Credential::SshCertificate { authority, .. } => self.authorities.contains(authority),
            Credential::WebSession { from, .. } => self.holds(principal, from),
        }
    }

    /// Whether this principal is one of those meant. Somebody who is not listed is nobody, whatever a group says.
    #[must_use]
    pub fn is(&self, principal: &Principal, who: &Who) -> bool {
        self.knows(principal)
            && match (principal, who) {
                (Principal::Person(id), Who::Group(group)) => {
                    self.members(group).is_some_and(|group| group.contains(id))
                }
                (Principal::Person(id), Who::Person(meant)) => id == meant,
                (Principal::Workload { id, .. }, Who::Workload(meant)) => id == meant,
                (Principal::Person(_), Who::Workload(_))
                | (Principal::Workload { .. }, Who::Group(_) | Who::Person(_)) => false,
            }
    }

    /// Whether this principal is one of those.
    #[must_use]
    pub fn is_any(&self, principal: &Principal, who: &BTreeSet<Who>) -> bool {
        who.iter().any(|who| self.is(principal, who))
    }

    /// The people meant, each once. Programs are left out.
    #[must_use]
    pub fn people_of<'d>(&'d self, who: &BTreeSet<Who>) -> BTreeSet<&'d PersonId> {
        let mut found = BTreeSet::new();
        for who in who {
            match who {
                Who::Group(group) => found.extend(self.members(group).into_iter().flatten()),
                Who::Person(id) => drop(found.insert(id)),
                Who::Workload(_) => {}
            }
        }
        found.into_iter().filter_map(|id| self.people.get(id)).collect()
    }

    fn members(&self, group: &GroupName) -> Option<&BTreeSet<PersonId>> {
        self.groups.get(group)
    }
}

#[cfg(test)]
mod tests;
