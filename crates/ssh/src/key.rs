//! Public keys, signatures and certificates, and the questions of trust that are asked about them.
//!
//! Owns: what a key is, whether a signature is one, what a certificate says, and the policies that this crate ships.
//! Invariants: nothing is believed that was not verified (a [`Certificate`] exists only with its authority's signature
//! checked over exactly the bytes it was read from); names are compared as whole strings; what is not understood is
//! refused. Must not know: the connection, the clock (it is handed in), where keys are stored.

mod algorithm;
mod certificate;
mod draft;
mod error;
mod host;
mod policy;
mod presented;
mod public;
mod refusal;
mod signature;
mod signing;
mod source;
mod text;

pub use algorithm::{KeyAlgorithm, SignatureAlgorithm};
pub use certificate::{CERTIFICATE_BYTES_MAX, Certificate, CertificateKind, OPTIONS_MAX, PRINCIPALS_MAX};
pub use draft::CertificateDraft;
pub use error::{KeyError, SignatureError};
pub use host::HostTrust;
pub use policy::{CertificateAttempt, CertificatePolicy, CertificateTerms, UserAuthorities};
pub use presented::Presented;
pub use public::{PublicKey, RSA_BITS_MAX, RSA_BITS_MIN};
pub use refusal::CertificateRefusal;
pub use signature::{Demand, Touch, TouchDemand, Verified};
pub use signing::SigningKey;
pub use source::{NotABlock, SourceBlock};
