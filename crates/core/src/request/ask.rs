//! What a request says, as it is voted on.
//!
//! Owns: the canonical request and its digest. Invariants: everything that an approver decides on is in it, and nothing else, so that any
//! change gives another digest (A3); the digest names the request too, so that a vote cannot be moved to another one (A5).
//! Must not know: votes, rules.

use serde::{Deserialize, Serialize};

use crate::canonical::{self, CanonicalError};
use crate::digest::Digest;
use crate::id::{BundleId, GrantId, RequestId};
use crate::justification::Justification;
use crate::policy::Question;
use crate::principal::{Credential, Principal};
use crate::role::Role;
use crate::rule::Binding;
use crate::target::Target;
use crate::time::{Span, Timestamp};

/// The canonical request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Counts changes, so that going back to an old text does not bring back old votes.
    pub revision: u32,
    /// Who asks.
    pub who: Principal,
    /// What they signed in with.
    pub proof: Credential,
    /// For which role, as it stood.
    pub role: Role,
    /// Where, as it stood.
    pub target: Target,
    /// For how long, from the yes or from the start.
    pub span: Span,
    /// From when.
    pub start: Start,
    /// Why.
    pub justification: Justification,
    /// For which of their keys.
    pub binding: Binding,
    /// What else was asked for at the same time.
    pub bundle: Option<BundleId>,
    /// The grant that this one is to succeed.
    pub extends: Option<GrantId>,
}

/// When a grant begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At a time, or at the yes if that comes later.
    At(Timestamp),
    /// At the yes.
    Yes,
}

impl Ask {
    /// What votes are bound to.
    pub fn digest(&self, id: RequestId) -> Result<Digest, CanonicalError> {
        canonical::digest("request", &(id, self))
    }

    /// As a question to the rules.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        Question {
            who: &self.who,
            proof: &self.proof,
            role: &self.role.name,
            target: &self.target.name,
            span: self.span,
            justification: &self.justification,
        }
    }

    /// When a grant would begin and end, if the yes came now.
    #[must_use]
    pub fn window(&self, yes: Timestamp) -> (Timestamp, Timestamp) {
        let begin = match self.start {
            Start::At(start) => start.max(yes),
            Start::Yes => yes,
        };
        (begin, begin.after(self.span.duration()))
    }
}
