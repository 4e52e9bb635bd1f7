//! How far a client has come.
//!
//! Owns: the states of the server's side, what was shown so far and for whom, and what is used up. Invariants: what was shown
//! belongs to exactly one user name and goes when the name changes; the counters belong to the connection and
//! never go back. Must not know: messages.

use std::sync::Arc;
use std::time::Instant;

use super::attempt::Evidence;
use super::config::ServerAuthConfig;
use crate::auth::MethodSet;

/// Where the server's side stands.
pub(super) enum State {
    /// Nothing but SERVICE_REQUEST may come. Banners wait for it (RFC 4252, section 5.4: not before the protocol starts).
    Fresh { banners: Vec<String> },
    /// A request may come.
    Open(Progress),
    /// The user of the engine holds the token of an attempt.
    Asked { progress: Progress, began: Instant, question: Question },
    /// The client holds questions; it may answer them or ask for something else.
    Prompted { progress: Progress, conversation: Conversation, asked: usize },
    /// A negative answer waits for its time.
    Held { progress: Progress, answer: Negative, due: Instant },
    /// SUCCESS was sent.
    Done,
    /// An error ended the connection.
    Ended,
}

/// What the user of the engine was asked.
pub(super) enum Question {
    /// Whether to go on with a key that was offered.
    Offer,
    /// Whether what was shown is right.
    Decision,
    /// The same, or more questions.
    Conversation(Conversation),
}

/// A keyboard-interactive sign-in under way.
#[derive(Clone, Copy)]
pub(super) struct Conversation {
    /// What the client has sent of it so far.
    pub(super) bytes: usize,
}

/// A no, on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Negative {
    /// USERAUTH_FAILURE.
    Failure,
    /// That was the last one.
    Exhausted,
}

/// Against which limit a refused request counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// Nothing was shown, and whoever is named makes no difference: method `none`. Counted when it came, answered at once.
    Nothing,
    /// Nothing was tried, only asked. Counted when it came.
    Probe,
    /// Something was tried.
    Attempt,
}

/// What was shown so far, and for whom.
pub(super) struct Progress {
    /// Nobody before the first request, and with a name that is not one.
    pub(super) user: Option<Arc<str>>,
    pub(super) passed: Vec<Arc<Evidence>>,
    pub(super) methods: MethodSet,
}

impl Progress {
    pub(super) fn new(user: Option<Arc<str>>, methods: MethodSet) -> Self {
        Self { user, passed: Vec::new(), methods }
    }

    /// What is left of it for a request under `user`: everything under the same name, else nothing.
    pub(super) fn kept_for(self, user: Option<&str>, config: &ServerAuthConfig) -> Self {
        match (&self.user, user) {
            (Some(before), Some(now)) if **before == *now => self,
            (_, now) => Self::new(now.map(Arc::from), config.methods),
        }
    }
}

/// What a connection has used up, whoever it said it was.
#[derive(Default)]
pub(super) struct Spent {
    attempts: u32,
    probes: u32,
}

impl Spent {
    pub(super) fn attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    pub(super) fn probe(&mut self) {
        self.probes = self.probes.saturating_add(1);
    }

    pub(super) fn all_probes(&self, config: &ServerAuthConfig) -> bool {
        self.probes > config.offers_max
    }

    pub(super) fn everything(&self, config: &ServerAuthConfig) -> bool {
        self.attempts >= config.attempts_max || self.all_probes(config)
    }
}
