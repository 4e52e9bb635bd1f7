//! Votes, and what they come to.
//!
//! Owns: one person's yes, the tokens that carry one, and the tally. Invariants: people are counted, not votes (A2); a vote counts for
//! one digest only (A3); a token is for one request, one person and one digest, and is used once (A5); stages are passed in order,
//! and a vote counts for the stage that was open when it was given. Must not know: who may vote (it asks), or how a token is signed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::id::RequestId;
use crate::justification::Reason;
use crate::name::{CredentialName, PersonId};
use crate::rule::{Approval, Stage};

/// A yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// Whose. How they proved it is in the envelope of the event.
    pub voter: PersonId,
    /// For which text of the request.
    pub digest: Digest,
    /// The token that carried it, if one did.
    pub token: Option<CredentialName>,
    /// What they say about it.
    pub comment: Option<Reason>,
}

/// What a link or a button of a chat carries: one answer, by one person, to one text of one request. Its signature has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteToken {
    /// Names it, so that it can be used once.
    pub name: CredentialName,
    /// For which request.
    pub request: RequestId,
    /// For whose answer.
    pub voter: PersonId,
    /// For which text.
    pub digest: Digest,
}

/// What votes come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tally<'a> {
    /// Everybody who has to has said yes.
    Complete,
    /// This stage is open.
    Open {
        /// The stage.
        stage: &'a Stage,
        /// Who has said yes in it.
        given: BTreeSet<&'a PersonId>,
    },
}

/// Counts. `may` tells whether a person's yes counts in a stage.
pub fn tally<'a>(
    approval: &'a Approval,
    votes: &'a [Vote],
    digest: Digest,
    may: impl Fn(&Stage, &PersonId) -> bool,
) -> Tally<'a> {
    // In the order in which they were given, each person once, for the text that stands now.
    let mut counted = BTreeSet::new();
    let mut votes = votes.iter().filter(|vote| vote.digest == digest);
    for stage in approval.stages() {
        let mut given = BTreeSet::new();
        while given.len() < usize::from(stage.count.get()) {
            let Some(vote) = votes.next() else {
                return Tally::Open { stage, given };
            };
            if may(stage, &vote.voter) && counted.insert(&vote.voter) {
                given.insert(&vote.voter);
            }
        }
    }
    match approval {
        // `Policy` refuses such a rule; should one come from elsewhere, nobody has said yes.
        Approval::Stages(stages) if stages.is_empty() => Tally::Open { stage: never(), given: BTreeSet::new() },
        Approval::Auto | Approval::Stages(_) => Tally::Complete,
    }
}

/// A stage that nobody can pass.
fn never() -> &'static Stage {
    static NEVER: Stage = Stage { count: std::num::NonZeroU8::MAX, from: BTreeSet::new() };
    &NEVER
}

#[cfg(test)]
mod tests;
