//! Names that people give to things in the configuration.
//!
//! Owns: what may be a name. Invariants: names are ASCII, so that two that look alike are alike; they are compared as whole
//! bytes, never by prefix, without case folding, never by display name (N6). Must not know: what is behind a name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text that cannot be a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} {rule}")]
pub struct NameError {
    what: &'static str,
    rule: &'static str,
}

/// A name that is written in the configuration and typed by people.
struct Plain;
/// A name that another system made, and that we only carry.
struct Foreign;

impl Plain {
    const RULE: &'static str = "is 1 to 64 small letters, digits, `-`, `_` and `.`, and begins with a letter or digit";

    fn holds(text: &str) -> bool {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        text.len() <= 64 && text.starts_with(first) && text.chars().all(inner)
    }
}

impl Foreign {
    const RULE: &'static str = "is 1 to 255 visible ASCII characters without space, comma and backslash";

    fn holds(text: &str) -> bool {
        let inner = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '\\');
        (1..=255).contains(&text.len()) && text.chars().all(inner)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $kind:ident, $what:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks a text.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                if $kind::holds(&text) {
                    Ok(Self(text))
                } else {
                    Err(NameError { what: $what, rule: $kind::RULE })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )+};
}

names! {
    /// What identifies a key, certificate or token, such as `SHA256:…`.
    CredentialName: Foreign, "the name of a credential";
    /// A group of people.
    GroupName: Plain, "the name of a group";
    /// What a label is about: `env`.
    LabelKey: Plain, "a label";
    /// What a label says: `prod`.
    LabelValue: Foreign, "the value of a label";
    /// The account that is used at a target.
    LoginName: Foreign, "a login";
    /// Who a person is, for ever: the source of identities promises never to give it to somebody else.
    PersonId: Foreign, "the id of a person";
    /// A role.
    RoleName: Plain, "the name of a role";
    /// A rule.
    RuleName: Plain, "the name of a rule";
    /// A target.
    TargetName: Plain, "the name of a target";
    /// Who a program is, for ever.
    WorkloadId: Foreign, "the id of a workload";
}

#[cfg(test)]
mod tests;
