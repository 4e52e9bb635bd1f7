//! Who acts, and how they proved it.
//!
//! Owns: principals, the person behind them, and credentials. Invariants: a person owns all their keys, tokens and programs,
//! so that who-is-it is always asked of the [`Owner`] (A1, A2); ids are compared as wholes and never change their bearer (N6).
//! Must not know: how a proof was checked, nor the secret in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{CredentialName, PersonId, WorkloadId};

/// An authenticated person or program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Principal {
    /// A person.
    Person(PersonId),
    /// A program: a CI job, a script, an agent.
    Workload {
        /// Which.
        id: WorkloadId,
        /// The person behind it, or the program itself where it serves many.
        owner: Owner,
    },
}

/// Who is behind a principal. Two principals of one owner are one, whatever they signed in with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A person.
    Person(PersonId),
    /// A program that no single person is behind.
    Workload(WorkloadId),
}

impl Principal {
    /// Who is behind it.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match self {
            Self::Person(id) => Owner::Person(id.clone()),
            Self::Workload { owner, .. } => owner.clone(),
        }
    }

    /// The person, if it is one. Only people vote.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(id) => Some(id),
            Self::Workload { .. } => None,
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "{id}"),
            Self::Workload { id, owner: Owner::Person(person) } => write!(f, "{id} of {person}"),
            Self::Workload { id, owner: Owner::Workload(_) } => write!(f, "{id}"),
        }
    }
}

/// What a principal proved to have. It names the thing, and holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Credential {
    /// A registered SSH key, by its SHA-256 fingerprint.
    SshKey(CredentialName),
    /// An SSH certificate: the fingerprint of the key in it, and of the authority's.
    SshCertificate {
        /// The key that signed in.
        key: CredentialName,
        /// The authority that vouched for it.
        authority: CredentialName,
    },
    /// A session of the web inbox, which remembers how it was begun.
    WebSession {
        /// The public part of its identifier.
        session: CredentialName,
        /// The credential whose holder printed the sign-in link.
        from: Box<Credential>,
    },
    /// A token of a program, by the public part of its name.
    Token(CredentialName),
}

impl Credential {
    /// Whether it stands or falls with the key, authority or token of this name (G11).
    #[must_use]
    pub fn rests_on(&self, name: &CredentialName) -> bool {
        match self {
            Self::SshKey(key) => key == name,
            Self::SshCertificate { key, authority } => key == name || authority == name,
            Self::WebSession { session, from } => session == name || from.rests_on(name),
            Self::Token(token) => token == name,
        }
    }
}

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// Somebody, who proved it.
    Principal {
        /// Who.
        who: Principal,
        /// How they proved it.
        proof: Credential,
    },
    /// The gateway itself: the time came, a policy was loaded, a target answered.
    Gateway,
}

impl Actor {
    /// Who, unless it is the gateway.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Principal { who, .. } => Some(who),
            Self::Gateway => None,
        }
    }

    /// Whether the same owner is behind this actor and that principal.
    #[must_use]
    pub fn is_behind(&self, principal: &Principal) -> bool {
        self.principal().is_some_and(|who| who.owner() == principal.owner())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal { who, .. } => who.fmt(f),
            Self::Gateway => f.write_str("the gateway"),
        }
    }
}

#[cfg(test)]
mod tests;
