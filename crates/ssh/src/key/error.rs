//! Why a key, a certificate or a signature is not one.
//!
//! Owns: the errors of this module. Invariant: no secret bytes in any of them. Must not know: who sent it, and
//! what the peer is told (nothing of this).

use crate::wire::Malformed;

/// Why bytes or text are not a key or certificate that this crate accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A blob that does not decode.
    #[error("the {what} is malformed: {field}")]
    Malformed {
        /// `public key`, `certificate`, …
        what: &'static str,
        /// What is wrong with it.
        field: &'static str,
    },
    /// A type of key that this crate does not know; the name is capped.
    #[error("unknown key type {0:?}")]
    UnknownAlgorithm(String),
    /// A certificate stands where a plain key must be.
    #[error("this is a certificate, not a plain public key")]
    IsCertificate,
    /// A plain key stands where a certificate must be.
    #[error("this is a plain public key, not a certificate")]
    NotCertificate,
    /// The key is not on its curve, or too small, or too large.
    #[error("the {0}")]
    Unsuitable(&'static str),
    /// The text form (one line of type, base64 and comment) is wrong.
    #[error("the public key's text is malformed: {0}")]
    Text(&'static str),
    /// More than the limits of this crate allow.
    #[error("{what} exceeds the limit of {max}")]
    TooLarge {
        /// Which field.
        what: &'static str,
        /// The limit, in items or in bytes.
        max: usize,
    },
    /// The authority of a certificate is itself a certificate.
    #[error("the certificate's authority is itself a certificate; chains are not accepted")]
    Chain,
    /// The authority's signature does not cover this certificate.
    #[error("the authority's signature on the certificate is not valid")]
    CertificateSignature(#[source] SignatureError),
    /// The private key is protected by a passphrase.
    #[error("the private key is encrypted with a passphrase; decrypt it first (ssh-keygen -p)")]
    Encrypted,
    /// A private key of another type.
    #[error("only Ed25519 private keys are supported, this one is of type {0:?}")]
    NotEd25519(String),
    /// The private key's text does not decode.
    #[error("this is not an OpenSSH private key: {0}")]
    PrivateKey(String),
    /// What a draft asks for is never issued.
    #[error("the certificate is not issued: {0}")]
    Draft(&'static str),
    /// The cryptographic library refused.
    #[error("the cryptographic library failed: {0}")]
    Crypto(&'static str),
}

impl KeyError {
    /// Names the structure in which a field was malformed.
    pub(super) fn malformed(what: &'static str) -> impl FnOnce(Malformed) -> Self {
        move |Malformed(field)| Self::Malformed { what, field }
    }
}

/// Why a signature does not hold. All of them are the signer's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature blob does not decode.
    #[error("the signature is malformed: {0}")]
    Malformed(&'static str),
    /// An algorithm that is not accepted, `ssh-rsa` (SHA-1) among them; the name is capped.
    #[error("signature algorithm {0:?} is not accepted")]
    Algorithm(String),
    /// An algorithm that is accepted, but made for another type of key.
    #[error("a {0} signature does not belong to this type of key")]
    Mismatch(&'static str),
    /// The mathematics says no.
    #[error("the signature does not verify")]
    Wrong,
}

impl From<Malformed> for SignatureError {
    fn from(Malformed(field): Malformed) -> Self {
        Self::Malformed(field)
    }
}

/// An untrusted name for an error message: at most 64 characters of it.
pub(super) fn capped(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(..256).unwrap_or(name)).chars().take(64).collect()
}
