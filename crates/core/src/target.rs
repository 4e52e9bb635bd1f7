//! Something reachable: a host, later a database, a cluster, a cloud account.
//!
//! Owns: a target's name and labels, and how rules and roles select targets by them. Invariant: a selector matches whole names
//! and whole labels (N6). Must not know: addresses, keys, protocols: those belong to whoever dials.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{LabelKey, LabelValue, TargetName};

/// What a target says about itself.
pub type Labels = BTreeMap<LabelKey, LabelValue>;

/// A target, as far as policy is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name.
    pub name: TargetName,
    /// Its labels.
    pub labels: Labels,
}

/// Which targets are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// Every one.
    All,
    /// Those that have each of these labels. No label at all selects nothing: an empty table is a mistake, not a wildcard.
    Labels(Labels),
    /// Those named.
    Names(BTreeSet<TargetName>),
}

impl Selector {
    /// Whether this target is meant.
    #[must_use]
    pub fn matches(&self, target: &Target) -> bool {
        match self {
            Self::All => true,
            Self::Labels(wanted) => {
                !wanted.is_empty() && wanted.iter().all(|(key, value)| target.labels.get(key) == Some(value))
            }
            Self::Names(names) => names.contains(&target.name),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = match self {
            Self::All => vec!["every target".to_owned()],
            Self::Labels(labels) => labels.iter().map(|(key, value)| format!("{key} {value}")).collect(),
            Self::Names(names) => names.iter().map(ToString::to_string).collect(),
        };
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests;
