//! Why somebody asks, and what a rule wants to hear.
//!
//! Owns: the reason, the ticket, and the pattern that a ticket must match. Invariants: what a person wrote is kept as it is, and escaped
//! only where it is shown ([`escape`](crate::escape)); a pattern matches a whole word or not at all. Must not know: the
//! ticket system.

use std::fmt;
use std::str::FromStr;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest reason: what fits on a card that is read before it is answered.
pub const REASON_BYTES_MAX: usize = 2_000;
const PATTERN_BYTES_MAX: usize = 200;
const PATTERN_COMPILED_BYTES_MAX: usize = 64 * 1024;

/// What a person writes to explain themselves. Not empty, not blank, bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// A text that cannot be a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReasonError {
    /// Nothing but blanks.
    #[error("a reason is needed: say why, in a few words")]
    Blank,
    /// Too long.
    #[error("a reason is at most {REASON_BYTES_MAX} bytes long")]
    Long,
}

impl Reason {
    /// Checks a text. Blanks around it are dropped, nothing else.
    pub fn new(text: &str) -> Result<Self, ReasonError> {
        let text = text.trim();
        // Letters and digits explain; invisible characters and punctuation do not.
        if !text.chars().any(char::is_alphanumeric) {
            return Err(ReasonError::Blank);
        }
        if text.len() > REASON_BYTES_MAX { Err(ReasonError::Long) } else { Ok(Self(text.to_owned())) }
    }

    /// As it was written. Escape it before showing it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = ReasonError;

    fn try_from(text: String) -> Result<Self, ReasonError> {
        Self::new(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// What a request gives as its reason. Both parts are as the person wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Justification {
    /// In words.
    pub reason: Option<Reason>,
    /// As a ticket, given by itself.
    pub ticket: Option<Reason>,
}

/// What a rule wants to hear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Justify {
    /// A reason must be given.
    pub reason: bool,
    /// A ticket must be given, by itself or as a word of the reason.
    pub ticket: Option<TicketPattern>,
}

/// What is missing from a justification.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Missing {
    /// The reason.
    #[error("a reason is needed")]
    Reason,
    /// The ticket.
    #[error("a ticket is needed that looks like {0}")]
    Ticket(TicketPattern),
}

impl Justify {
    /// Whether a justification will do. With `Err` comes what to ask for.
    pub fn check(&self, given: &Justification) -> Result<(), Missing> {
        if self.reason && given.reason.is_none() {
            return Err(Missing::Reason);
        }
        match &self.ticket {
            Some(pattern) if pattern.find(given).is_none() => Err(Missing::Ticket(pattern.clone())),
            _ => Ok(()),
        }
    }
}

/// A regular expression for tickets. It matches whole words only.
#[derive(Clone)]
pub struct TicketPattern {
    text: String,
    whole: Regex,
}

/// A text that is not a pattern.
#[derive(Debug, Error)]
pub enum TicketPatternError {
    /// Too long.
    #[error("a ticket pattern is at most {PATTERN_BYTES_MAX} bytes long")]
    Long,
    /// Not a regular expression, or one that needs too much memory.
    #[error("not a regular expression")]
    Syntax(#[source] regex_lite::Error),
}

impl TicketPattern {
    /// The ticket that a justification names: the one given by itself, or the first word of the reason that matches.
    #[must_use]
    pub fn find<'j>(&self, given: &'j Justification) -> Option<&'j str> {
        if let Some(ticket) = &given.ticket {
            return Some(ticket.as_str()).filter(|ticket| self.whole.is_match(ticket));
        }
        let around = |c: char| matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | '(' | ')' | '[' | ']' | '"' | '\'');
        let words = given.reason.as_ref()?.as_str().split_whitespace();
        words.map(|word| word.trim_matches(around)).find(|word| self.whole.is_match(word))
    }
}

impl FromStr for TicketPattern {
    type Err = TicketPatternError;

    fn from_str(text: &str) -> Result<Self, TicketPatternError> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(TicketPatternError::Long);
        }
        // By itself first, so that `a)|(b` cannot reach out of the parentheses.
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .size_limit(PATTERN_COMPILED_BYTES_MAX)
                .build()
                .map_err(TicketPatternError::Syntax)
        };
        build(text)?;
        Ok(Self { text: text.to_owned(), whole: build(&format!(r"\A(?:{text})\z"))? })
    }
}

impl fmt::Display for TicketPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TicketPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.text)
    }
}

impl PartialEq for TicketPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TicketPattern {}

impl Serialize for TicketPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TicketPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
