//! Why a connection ends, sorted by whose fault it is.
//!
//! Owns: the error type of the engine and the one place that turns an error into the DISCONNECT which
//! the peer is told. Must not know: any layer's state. Invariant: what the peer is told never holds more than what
//! the peer itself could know.

use crate::wire::Malformed;

/// Everything that ends a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The peer sent bytes that do not decode.
    #[error("the peer sent a malformed {message}: {field}")]
    Malformed {
        /// Which message.
        message: &'static str,
        /// What is wrong with it.
        field: &'static str,
    },
    /// The peer broke the protocol: a message that decodes but may not come now.
    #[error("the peer broke the protocol: {0}")]
    Misbehaved(&'static str),
    /// Nothing both sides accept.
    #[error("no {what} in common; the peer offers: {offered}")]
    Incompatible {
        /// `key exchange`, `host key`, `cipher`, …
        what: &'static str,
        /// The peer's list, capped.
        offered: String,
    },
    /// A message authentication code or an AEAD tag is wrong.
    #[error("a packet failed its integrity check")]
    Integrity,
    /// The peer's host key is not one that the policy trusts; the connection went no further.
    #[error("the host key is not trusted: {why} (presented: {presented})")]
    HostKey {
        /// What the policy said.
        why: String,
        /// Algorithm and fingerprint of the key that was presented.
        presented: String,
    },
    /// A signature of the key exchange does not verify.
    #[error("the host's signature over the key exchange is wrong")]
    HostSignature,
    /// The peer asked for more than a limit allows.
    #[error("limit reached: {0}")]
    Limit(&'static str),
    /// A deadline passed.
    #[error("timed out: {0}")]
    Timeout(&'static str),
    /// Authentication failed for good.
    #[error("too many authentication failures")]
    AuthExhausted,
    /// The peer said goodbye.
    #[error("the peer disconnected ({reason}): {text}")]
    Disconnected {
        /// RFC 4253, section 11.1.
        reason: Reason,
        /// The peer's words: untrusted, not escaped.
        text: String,
    },
    /// We said goodbye.
    #[error("disconnected ({reason}): {text}")]
    Closed {
        /// RFC 4253, section 11.1.
        reason: Reason,
        /// Our words.
        text: String,
    },
    /// The caller used the engine in a way it does not support.
    #[error("misuse of the engine: {0}")]
    Misuse(&'static str),
    /// The cryptographic library refused.
    #[error("the cryptographic library failed: {0}")]
    Crypto(&'static str),
}

impl Error {
    /// Names the message in which a field was malformed.
    pub fn malformed(message: &'static str) -> impl FnOnce(Malformed) -> Self {
        move |Malformed(field)| Self::Malformed { message, field }
    }

    /// What the peer is told, if it is told anything.
    #[must_use]
    pub fn farewell(&self) -> Option<(Reason, &str)> {
        match self {
            Self::Malformed { .. } => Some((Reason::PROTOCOL_ERROR, "malformed message")),
            Self::Misbehaved(what) => Some((Reason::PROTOCOL_ERROR, what)),
            Self::Incompatible { .. } => Some((Reason::KEY_EXCHANGE_FAILED, "no algorithm in common")),
            Self::Integrity => Some((Reason::MAC_ERROR, "integrity check failed")),
            Self::HostKey { .. } => Some((Reason::HOST_KEY_NOT_VERIFIABLE, "host key not trusted")),
            Self::HostSignature => Some((Reason::KEY_EXCHANGE_FAILED, "host signature is wrong")),
            Self::Limit(what) => Some((Reason::PROTOCOL_ERROR, what)),
            Self::Timeout(what) => Some((Reason::BY_APPLICATION, what)),
            Self::AuthExhausted => Some((Reason::NO_MORE_AUTH_METHODS_AVAILABLE, "too many authentication failures")),
            Self::Closed { reason, text } => Some((*reason, text)),
            Self::Misuse(_) | Self::Crypto(_) => Some((Reason::BY_APPLICATION, "internal error")),
            Self::Disconnected { .. } => None,
        }
    }
}

/// A disconnection reason code (RFC 4253, section 11.1). Unknown codes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason(pub u32);

#[expect(missing_docs, reason = "the names are those of the RFC")]
impl Reason {
    pub const HOST_NOT_ALLOWED_TO_CONNECT: Self = Self(1);
    pub const PROTOCOL_ERROR: Self = Self(2);
    pub const KEY_EXCHANGE_FAILED: Self = Self(3);
    pub const MAC_ERROR: Self = Self(5);
    pub const SERVICE_NOT_AVAILABLE: Self = Self(7);
    pub const PROTOCOL_VERSION_NOT_SUPPORTED: Self = Self(8);
    pub const HOST_KEY_NOT_VERIFIABLE: Self = Self(9);
    pub const CONNECTION_LOST: Self = Self(10);
    pub const BY_APPLICATION: Self = Self(11);
    pub const TOO_MANY_CONNECTIONS: Self = Self(12);
    pub const AUTH_CANCELLED_BY_USER: Self = Self(13);
    pub const NO_MORE_AUTH_METHODS_AVAILABLE: Self = Self(14);
    pub const ILLEGAL_USER_NAME: Self = Self(15);
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.0 {
            1 => "host not allowed to connect",
            2 => "protocol error",
            3 => "key exchange failed",
            5 => "MAC error",
            7 => "service not available",
            8 => "protocol version not supported",
            9 => "host key not verifiable",
            10 => "connection lost",
            11 => "by application",
            12 => "too many connections",
            13 => "authentication cancelled by user",
            14 => "no more authentication methods available",
            15 => "illegal user name",
            other => return write!(f, "reason {other}"),
        };
        f.write_str(name)
    }
}
