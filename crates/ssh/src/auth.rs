//! Who is there: the authentication protocol (RFC 4252), keyboard-interactive (RFC 4256), and the ways in which
//! a peer proves itself, in both roles.
//!
//! Owns: the order of requests and answers, what has been proved so far, and the limits before anybody is known.
//! Invariants:
//! - An identity comes from a verified signature only. What was merely offered is a [`KeyOffer`], a type that no path
//!   leads from to success; [`VerifiedIdentity`] is made in one place, behind the verification.
//! - Everything that was proved belongs to one user name. Another name (or service) throws it away.
//! - A request is answered before the next one is looked at (RFC 4252, section 5.1).
//! - Negative answers are the same bytes at the same time, whatever the reason.
//!
//! Must not know: sockets, clocks, who may log in, or what happens afterwards.
//!
//! Deviations from the RFCs, all of them refusals: `hostbased` and password changes are answered with a failure;
//! `ssh-rsa` (SHA-1) is not a signature algorithm; a client that is told SUCCESS for a key which it only offered ends the
//! connection.

mod client;
mod message;
mod server;

use std::fmt;

pub(crate) use client::ClientAuth;
pub use client::{ClientAuthEvent, Outcome, SignatureRequest};
pub(crate) use server::ServerAuth;
pub use server::{
    Attempt, Binding, Evidence, InteractiveAttempt, KeyOffer, KeyProof, NoneAttempt, PasswordAttempt, Refusal, Refused,
    ServerAuthConfig, ServerAuthEvent, VerifiedIdentity,
};

/// The longest user name that is looked at, in bytes.
pub const USER_NAME_BYTES_MAX: usize = 255;
/// The longest password or answer that is looked at, in bytes.
pub const SECRET_BYTES_MAX: usize = 1024;
/// The most questions in one round of keyboard-interactive.
pub const PROMPTS_MAX: usize = 64;

/// A way to prove who one is (RFC 4252, section 5; RFC 4256).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `none`: asks what there is; never listed (RFC 4252, section 5.2).
    None,
    /// `publickey`, and OpenSSH's form of it that names the host key too.
    PublicKey,
    /// `keyboard-interactive`
    KeyboardInteractive,
    /// `password`
    Password,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PublicKey => "publickey",
            Self::KeyboardInteractive => "keyboard-interactive",
            Self::Password => "password",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The methods that a server lists. `none` cannot be among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MethodSet(u8);

impl MethodSet {
    const LISTED: [Method; 3] = [Method::PublicKey, Method::KeyboardInteractive, Method::Password];

    /// No method.
    pub const EMPTY: Self = Self(0);
    /// Keys and certificates.
    pub const PUBLIC_KEY: Self = Self(1);
    /// Questions and answers.
    pub const KEYBOARD_INTERACTIVE: Self = Self(2);
    /// Passwords.
    pub const PASSWORD: Self = Self(4);

    /// What is in either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `method` is among them; never true for `none`.
    #[must_use]
    pub const fn contains(self, method: Method) -> bool {
        self.0 & Self::bit(method) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names on the wire, in the order in which they are listed.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::LISTED.into_iter().filter(move |method| self.contains(*method)).map(Method::name)
    }

    const fn bit(method: Method) -> u8 {
        match method {
            Method::None => 0,
            Method::PublicKey => Self::PUBLIC_KEY.0,
            Method::KeyboardInteractive => Self::KEYBOARD_INTERACTIVE.0,
            Method::Password => Self::PASSWORD.0,
        }
    }
}

/// One round of keyboard-interactive (RFC 4256, section 3.2): what is asked.
///
/// As a client receives it, it holds a server's words: untrusted, not escaped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prompts {
    /// A headline; may be empty.
    pub name: String,
    /// What to do; may be empty.
    pub instruction: String,
    /// The questions; may be none, which is answered with no answers.
    pub prompts: Vec<Prompt>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The question.
    pub text: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: Echo,
}

/// Whether an answer may be seen while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Echo {
    /// It may.
    Shown,
    /// It is a secret.
    Hidden,
}

#[cfg(test)]
mod tests;
