//! Names of key types and of signature algorithms.
//!
//! Owns: the two closed lists and which belongs to which. Invariant: `ssh-rsa` as a signature (SHA-1) and DSA have no
//! value here, so nothing can accept them. Must not know: key material.

/// A type of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// RFC 8709.
    Ed25519,
    /// RFC 5656 on NIST P-256.
    EcdsaP256,
    /// RFC 5656 on NIST P-384.
    EcdsaP384,
    /// RFC 5656 on NIST P-521.
    EcdsaP521,
    /// RFC 4253, section 6.6.
    Rsa,
    /// Ed25519 in a FIDO authenticator (OpenSSH PROTOCOL.u2f).
    SkEd25519,
    /// ECDSA on NIST P-256 in a FIDO authenticator (OpenSSH PROTOCOL.u2f).
    SkEcdsaP256,
}

impl KeyAlgorithm {
    /// All types.
    pub const ALL: &'static [Self] = &[
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa,
        Self::SkEd25519,
        Self::SkEcdsaP256,
    ];

    /// The name at the start of a public key blob.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::Rsa => "ssh-rsa",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// The name at the start of a certificate blob for such a key (OpenSSH PROTOCOL.certkeys).
    #[must_use]
    pub fn certificate_name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519-cert-v01@openssh.com",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384-cert-v01@openssh.com",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521-cert-v01@openssh.com",
            Self::Rsa => "ssh-rsa-cert-v01@openssh.com",
            Self::SkEd25519 => "sk-ssh-ed25519-cert-v01@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        }
    }

    /// Whether such keys live in a FIDO authenticator, which signs flags beside the data.
    #[must_use]
    pub fn in_authenticator(self) -> bool {
        matches!(self, Self::SkEd25519 | Self::SkEcdsaP256)
    }

    /// The type of a plain public key blob.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    /// The type of the key inside a certificate blob.
    #[must_use]
    pub fn from_certificate_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.certificate_name() == name)
    }
}

/// A way to sign. It says more than the type of key only for RSA (RFC 8332).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignatureAlgorithm {
    /// RFC 8709.
    Ed25519,
    /// RFC 5656.
    EcdsaSha2Nistp256,
    /// RFC 5656.
    EcdsaSha2Nistp384,
    /// RFC 5656.
    EcdsaSha2Nistp521,
    /// RFC 8332.
    RsaSha2_256,
    /// RFC 8332.
    RsaSha2_512,
    /// OpenSSH PROTOCOL.u2f.
    SkEd25519,
    /// OpenSSH PROTOCOL.u2f.
    SkEcdsaSha2Nistp256,
}

impl SignatureAlgorithm {
    /// All that are accepted, best first: what a server announces in `server-sig-algs` (RFC 8308, section 3.1).
    pub const ALL: &'static [Self] = &[
        Self::Ed25519,
        Self::SkEd25519,
        Self::EcdsaSha2Nistp256,
        Self::EcdsaSha2Nistp384,
        Self::EcdsaSha2Nistp521,
        Self::SkEcdsaSha2Nistp256,
        Self::RsaSha2_512,
        Self::RsaSha2_256,
    ];

    /// The name in a signature blob, and in negotiation for a plain key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaSha2_256 => "rsa-sha2-256",
            Self::RsaSha2_512 => "rsa-sha2-512",
            other => other.key_algorithm().name(),
        }
    }

    /// The name in negotiation for a certificate. Never in a signature blob: a certified key signs as the plain key does.
    #[must_use]
    pub fn certificate_name(self) -> &'static str {
        match self {
            Self::RsaSha2_256 => "rsa-sha2-256-cert-v01@openssh.com",
            Self::RsaSha2_512 => "rsa-sha2-512-cert-v01@openssh.com",
            other => other.key_algorithm().certificate_name(),
        }
    }

    /// Reads the name of a plain key's algorithm.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    /// Reads the name of a certificate's algorithm.
    #[must_use]
    pub fn from_certificate_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.certificate_name() == name)
    }

    /// Whether such a key signs in this way.
    #[must_use]
    pub fn fits(self, key: KeyAlgorithm) -> bool {
        self.key_algorithm() == key
    }

    /// The type of key that signs in this way.
    #[must_use]
    pub fn key_algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Ed25519 => KeyAlgorithm::Ed25519,
            Self::EcdsaSha2Nistp256 => KeyAlgorithm::EcdsaP256,
            Self::EcdsaSha2Nistp384 => KeyAlgorithm::EcdsaP384,
            Self::EcdsaSha2Nistp521 => KeyAlgorithm::EcdsaP521,
            Self::RsaSha2_256 | Self::RsaSha2_512 => KeyAlgorithm::Rsa,
            Self::SkEd25519 => KeyAlgorithm::SkEd25519,
            Self::SkEcdsaSha2Nistp256 => KeyAlgorithm::SkEcdsaP256,
        }
    }
}

impl std::fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
