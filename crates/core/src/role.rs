//! A named bundle of capabilities on targets, with the identity used there and limits.
//!
//! Owns: what a role is, and what is left of one that was granted when the policy has changed since. Invariant: narrowing never adds
//! anything. Must not know: who may have it (that is a rule's).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::capability::{Capabilities, Capability};
use crate::name::{LoginName, RoleName};
use crate::target::{Selector, Target};
use crate::time::Span;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: RoleName,
    /// Where it can be had.
    pub targets: Selector,
    /// What it allows there.
    pub access: Access,
    /// For how long at most, whatever a rule says.
    pub limit: Span,
}

/// What a role allows at its targets. Databases, clusters and clouds become variants of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Over SSH.
    Ssh(SshAccess),
}

/// What a role allows over SSH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshAccess {
    /// The account at the target.
    pub login: LoginName,
    /// What may be done.
    pub allow: Capabilities,
    /// Environment variables that are passed on.
    pub environment: BTreeSet<EnvironmentName>,
    /// What of a terminal's input is recorded.
    pub input: InputRecording,
}

/// What a person types into a terminal holds passwords, which the gateway cannot tell from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputRecording {
    /// Nothing but lengths.
    Omitted,
    /// All of it.
    Kept,
}

/// The name of an environment variable, or the beginning of one and a `*`, as `AcceptEnv` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvironmentName(String);

/// A text that is not the name of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the name of an environment variable is letters, digits and `_`, with `*` at its end only")]
pub struct EnvironmentNameError;

impl EnvironmentName {
    /// Checks a text.
    pub fn new(text: impl Into<String>) -> Result<Self, EnvironmentNameError> {
        let text = text.into();
        let stem = text.strip_suffix('*').unwrap_or(&text);
        let letters = stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if letters && !stem.is_empty() && text.len() <= 128 { Ok(Self(text)) } else { Err(EnvironmentNameError) }
    }

    /// Whether it is this variable.
    #[must_use]
    pub fn matches(&self, variable: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(stem) => variable.starts_with(stem),
            None => variable == self.0,
        }
    }
}

impl TryFrom<String> for EnvironmentName {
    type Error = EnvironmentNameError;

    fn try_from(text: String) -> Result<Self, EnvironmentNameError> {
        Self::new(text)
    }
}

impl From<EnvironmentName> for String {
    fn from(name: EnvironmentName) -> Self {
        name.0
    }
}

/// Why nothing is left of a role that was asked for or granted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NothingLeft {
    /// It acts as somebody else now. What an approver saw was the old account.
    #[error("role {role} uses the login {now} now; it was {then}")]
    Login {
        /// The role.
        role: RoleName,
        /// The account that was approved.
        then: LoginName,
        /// The account of today.
        now: LoginName,
    },
    /// It can no longer be had there.
    #[error("role {0} no longer covers this target")]
    Target(RoleName),
    /// Nothing that it allowed is still allowed.
    #[error("role {0} allows nothing any more of what it allowed")]
    Capabilities(RoleName),
}

impl Role {
    /// Whether it allows this.
    #[must_use]
    pub fn allows(&self, capability: Capability) -> bool {
        let Access::Ssh(access) = &self.access;
        access.allow.allow(capability)
    }

    /// What both this role, as it was approved, and the role of the same name in the policy of today allow. Nothing is ever added: a
    /// capability, a variable or an hour that the role has gained since was not approved.
    pub fn narrowed(&self, today: &Self, target: &Target) -> Result<Self, NothingLeft> {
        if !today.targets.matches(target) {
            return Err(NothingLeft::Target(self.name.clone()));
        }
        let (Access::Ssh(then), Access::Ssh(now)) = (&self.access, &today.access);
        if then.login != now.login {
            let (role, then, now) = (self.name.clone(), then.login.clone(), now.login.clone());
            return Err(NothingLeft::Login { role, then, now });
        }
        let allow = then.allow.common(&now.allow);
        if allow.is_empty() {
            return Err(NothingLeft::Capabilities(self.name.clone()));
        }
        let environment = then.environment.intersection(&now.environment).cloned().collect();
        // What was to be recorded when it was approved stays recorded, and what is to be today is added.
        let access = SshAccess { login: then.login.clone(), allow, environment, input: then.input.max(now.input) };
        Ok(Self {
            name: self.name.clone(),
            targets: self.targets.clone(),
            access: Access::Ssh(access),
            limit: self.limit.min(today.limit),
        })
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Ssh(access) = self;
        write!(f, "{} as {}", access.allow, access.login)
    }
}

#[cfg(test)]
mod tests;
