//! A no from the domain.
//!
//! Owns: every reason for which a command is refused, its code and its words. Invariants: a refusal is expected and audited, it is not
//! an error; it says what would help, where something would; it tells nothing about what its reader may not see. Must not know:
//! HTTP, SSH, exit statuses: each edge maps the code once.

use thiserror::Error;

use crate::capability::Capability;
use crate::name::RoleName;
use crate::policy::Explanation;
use crate::role::NothingLeft;

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// This person said yes before. One person counts once (A2).
    #[error("you have answered this request")]
    AlreadyAnswered,
    /// The role does not include it.
    #[error("{wanted} is not part of this grant")]
    Capability {
        /// What was tried.
        wanted: Capability,
        /// Roles on the same target that include it.
        roles: Vec<RoleName>,
    },
    /// What was read is not what stands there now (A3).
    #[error("the request has changed since you looked at it")]
    Changed,
    /// The wall clock is behind the time that the gateway has seen. A deadline made now would be a guess.
    #[error("the clock of the gateway was set back; it grants nothing until that is put right")]
    ClockBehind,
    /// Who acts is not known any more, or signed in with something that is not theirs any more.
    #[error("your account or key is not valid any more")]
    Gone,
    /// A grant or session for another target, key or principal (G10).
    #[error("the grant is for another {0}")]
    GrantedElsewhere(Mismatch),
    /// Nothing to say yes to is left.
    #[error("the role has changed since it was asked for: {0}")]
    NothingLeft(#[from] NothingLeft),
    /// The extension would end before what it extends.
    #[error("it would end before the grant that it extends")]
    NoExtension,
    /// The rules say no.
    #[error("{0}")]
    NotAllowed(Explanation),
    /// Not an approver of this, or of a stage that is not asked now.
    #[error("your answer is not asked for here")]
    NotAsked,
    /// It does not exist, or not for them.
    #[error("there is no such thing, or you may not see it")]
    NotFound,
    /// Only the one who asked may do this.
    #[error("only the one who asked may do this")]
    NotYours,
    /// A program wanted to vote.
    #[error("only people answer requests")]
    OnlyPeople,
    /// The gateway does this itself.
    #[error("the gateway does this itself, when its time has come")]
    OnlyTheGateway,
    /// It is in a state in which this cannot be done any more, or not yet.
    #[error("it is {phase}")]
    Over {
        /// The state.
        phase: &'static str,
    },
    /// The owner of a request answered it (A1).
    #[error("nobody answers what they, or their programs, have asked for")]
    OwnRequest,
    /// What they offer is not less.
    #[error("an offer is less than what was asked for")]
    OfferedMore,
    /// It could not be put into its canonical form. Nothing that people can write leads here.
    #[error("the request cannot be put into its canonical form")]
    Unencodable,
    /// The time has not come, or has passed.
    #[error("{0}")]
    Time(TimeRefusal),
    /// A vote token was used before, or is for something else (A5).
    #[error("this link has been used, or is for another request or person")]
    Token,
}

/// In what a grant and a use of it differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// Another key or token of the same principal.
    #[error("key or token")]
    Credential,
    /// Another grant.
    #[error("grant")]
    Grant,
    /// Another principal.
    #[error("person or program")]
    Principal,
    /// Another role.
    #[error("role")]
    Role,
    /// Another target.
    #[error("target")]
    Target,
}

/// A refusal for the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeRefusal {
    /// Nobody decided in time.
    #[error("nobody answered in time")]
    Expired,
    /// The grant's time is up.
    #[error("the time of the grant is up")]
    GrantOver,
    /// The grant begins later.
    #[error("the grant has not begun yet")]
    NotYet,
    /// The time has not come for the gateway to do it.
    #[error("it is not time for this yet")]
    TooEarly,
    /// A start that has passed.
    #[error("the start is in the past")]
    StartPassed,
}

impl Refusal {
    /// A stable name, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyAnswered => "already_answered",
            Self::Capability { .. } => "capability",
            Self::Changed => "changed",
            Self::ClockBehind => "clock_behind",
            Self::Gone => "gone",
            Self::GrantedElsewhere(_) => "granted_elsewhere",
            Self::NothingLeft(_) => "nothing_left",
            Self::NoExtension => "no_extension",
            Self::NotAllowed(_) => "not_allowed",
            Self::NotAsked => "not_asked",
            Self::NotFound => "not_found",
            Self::NotYours => "not_yours",
            Self::OnlyPeople => "only_people",
            Self::OnlyTheGateway => "only_the_gateway",
            Self::Over { .. } => "over",
            Self::OwnRequest => "own_request",
            Self::OfferedMore => "offered_more",
            Self::Unencodable => "unencodable",
            Self::Time(TimeRefusal::Expired) => "expired",
            Self::Time(TimeRefusal::GrantOver) => "grant_over",
            Self::Time(TimeRefusal::NotYet) => "not_yet",
            Self::Time(TimeRefusal::TooEarly) => "too_early",
            Self::Time(TimeRefusal::StartPassed) => "start_passed",
            Self::Token => "token",
        }
    }

    /// What would help, if anything would.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Capability { roles, .. } if roles.is_empty() => "no role on this target includes it".to_owned(),
            Self::Capability { roles, .. } => {
                let roles: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
                format!("ask for {}", roles.join(" or "))
            }
            Self::Changed => "look at it again; earlier answers do not count for what it says now".to_owned(),
            Self::GrantedElsewhere(_) | Self::NothingLeft(_) | Self::Time(_) => "ask anew".to_owned(),
            Self::NoExtension => "ask for more time".to_owned(),
            Self::OwnRequest => "withdraw it if it is not needed; somebody else has to say yes".to_owned(),
            Self::Token => "open the request by its own link and sign in".to_owned(),
            _ => return None,
        };
        Some(help)
    }
}

#[cfg(test)]
mod tests;
