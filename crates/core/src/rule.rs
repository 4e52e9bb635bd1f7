//! Who may ask for which roles, within which limits, and whose yes it takes.
//!
//! Owns: rules, and the stages of approval. Invariants: a rule only ever allows; what no rule allows is refused; a stage counts distinct
//! people (A2). Must not know: how rules are combined (that is [`policy`](crate::policy)'s), nor who is in a group.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::justification::Justify;
use crate::name::{GroupName, NameError, PersonId, RoleName, RuleName, WorkloadId};
use crate::target::Selector;
use crate::time::Span;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// Where it is written.
    pub place: Place,
    /// Who may ask.
    pub who: BTreeSet<Who>,
    /// For which roles.
    pub roles: BTreeSet<RoleName>,
    /// On which of the targets that a role covers.
    pub targets: Selector,
    /// For how long at most, if for less than the role allows.
    pub limit: Option<Span>,
    /// Whose yes it takes.
    pub approval: Approval,
    /// What has to be explained.
    pub justify: Justify,
    /// How long a request waits for an answer, also after the connection that asked is gone.
    pub open_for: Span,
    /// For whom a yes is.
    pub binding: Binding,
}

/// A line of a file, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, as the configuration names it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Some people or programs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Those of a group: `group:sre`.
    Group(GroupName),
    /// One person: `person:alice`.
    Person(PersonId),
    /// One program: `workload:backup`.
    Workload(WorkloadId),
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WhoError {
    /// It does not say what kind of name it is.
    #[error("write `group:NAME`, `person:ID` or `workload:ID`")]
    Kind,
    /// The name cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for Who {
    type Err = WhoError;

    fn from_str(text: &str) -> Result<Self, WhoError> {
        match text.split_once(':') {
            Some(("group", name)) => Ok(Self::Group(name.parse()?)),
            Some(("person", id)) => Ok(Self::Person(id.parse()?)),
            Some(("workload", id)) => Ok(Self::Workload(id.parse()?)),
            _ => Err(WhoError::Kind),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Workload(id) => write!(f, "workload:{id}"),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Whose yes a request takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody's.
    Auto,
    /// People's, one stage after the other. A list without stages takes nobody's yes and therefore never gives one.
    Stages(Vec<Stage>),
}

/// Some people of whom a number must say yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How many, each a different person.
    pub count: NonZeroU8,
    /// Of whom. Programs are never asked.
    pub from: BTreeSet<Who>,
}

impl Approval {
    /// The stages, none for an automatic yes.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        match self {
            Self::Auto => &[],
            Self::Stages(stages) => stages,
        }
    }

    /// How many people have to say yes, all stages together.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.stages().iter().map(|stage| u32::from(stage.count.get())).sum()
    }
}

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("automatic"),
            Self::Stages(stages) => {
                let stages: Vec<String> = stages.iter().map(ToString::to_string).collect();
                write!(f, "needs {}", stages.join(", then "))
            }
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from: Vec<String> = self.from.iter().map(short).collect();
        write!(f, "{} of {}", self.count, from.join(" or "))
    }
}

/// Without the kind, where a sentence is read by people.
fn short(who: &Who) -> String {
    match who {
        Who::Group(name) => name.to_string(),
        Who::Person(id) => id.to_string(),
        Who::Workload(id) => id.to_string(),
    }
}

/// For whom a yes is (G10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// For the very key or token that asked.
    Credential,
    /// For the principal that asked, whichever of its keys it uses.
    Principal,
}

#[cfg(test)]
mod tests;
