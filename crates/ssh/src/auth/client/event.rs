//! What a client hears while it authenticates, and the signature that it is asked for.
//!
//! Owns: these types. Invariant: a [`SignatureRequest`] cannot be copied and answers one challenge of one connection.
//! Must not know: keys.

use std::sync::Arc;

use crate::auth::{Method, Prompts};
use crate::key::SignatureAlgorithm;

/// What the user of the engine hears. All texts and names are the server's: untrusted, not escaped.
pub enum ClientAuthEvent {
    /// The server is ready; the first request may be made.
    Ready,
    /// A text to show before anybody is logged in (RFC 4252, section 5.4).
    Banner {
        /// The text; what was not UTF-8 is replaced.
        text: String,
    },
    /// The last request did not suffice.
    Failure {
        /// What can continue.
        methods: Vec<String>,
        /// Whether what was shown was right, and something else is needed besides.
        outcome: Outcome,
    },
    /// The server wants to see a signature: made with the key that was named, answered with
    /// `signature`. After an offer it also says that the key is acceptable.
    Sign(SignatureRequest),
    /// Questions (RFC 4256); answered with as many answers, even if it is none.
    Prompt(Prompts),
    /// The password is right but no longer good enough (RFC 4252, section 8). Counts as a failure: it is not changed through us.
    PasswordExpired {
        /// The server's words.
        instruction: String,
    },
    /// The client is in.
    Succeeded {
        /// By what, in the last step. A server that lets in with [`Method::None`] asked for no proof.
        method: Method,
    },
}

/// What a failure says of the last request (RFC 4252, section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was refused.
    Refused,
    /// It was right, and is not enough.
    PartialSuccess,
}

/// Data that a key shall sign.
pub struct SignatureRequest {
    pub(super) connection: Arc<[u8]>,
    pub(super) serial: u64,
    pub(super) data: Vec<u8>,
    pub(super) algorithm: SignatureAlgorithm,
}

impl SignatureRequest {
    /// What is signed (RFC 4252, section 7).
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// How it is signed.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}
