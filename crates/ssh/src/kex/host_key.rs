//! The algorithms with which a host may prove who it is.
//!
//! Owns: what of a signature algorithm and of a key's form is one name in a KEXINIT. Must not know: any key.

use crate::key::SignatureAlgorithm;

/// A host key algorithm as it is negotiated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostKeyAlgorithm {
    /// How the host signs.
    pub signature: SignatureAlgorithm,
    /// What the host presents.
    pub form: Form,
}

/// Whether a host presents a bare key or a certificate that holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A bare key.
    Plain,
    /// An OpenSSH host certificate (OpenSSH PROTOCOL.certkeys).
    Certificate,
}

impl HostKeyAlgorithm {
    /// The algorithm of a bare key.
    #[must_use]
    pub const fn plain(signature: SignatureAlgorithm) -> Self {
        Self { signature, form: Form::Plain }
    }

    /// The algorithm of a certificate.
    #[must_use]
    pub const fn certificate(signature: SignatureAlgorithm) -> Self {
        Self { signature, form: Form::Certificate }
    }

    /// The name in a KEXINIT.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.form {
            Form::Plain => self.signature.name(),
            Form::Certificate => self.signature.certificate_name(),
        }
    }
}
