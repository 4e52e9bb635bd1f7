//! The key exchange methods and the hash that each of them brings.
//!
//! Owns: their names. Must not know: how any of them works.

use aws_lc_rs::digest;

/// A key exchange method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// ML-KEM-768 and X25519 together (draft-ietf-sshm-mlkem-hybrid-kex).
    MlKem768X25519,
    /// Streamlined NTRU Prime 761 and X25519 together (draft-ietf-sshm-ntruprime-ssh).
    Sntrup761X25519,
    /// X25519 (RFC 8731).
    Curve25519,
    /// ECDH over NIST P-256 (RFC 5656), for old targets only.
    EcdhP256,
    /// ECDH over NIST P-384 (RFC 5656), for old targets only.
    EcdhP384,
    /// The 2048-bit group of RFC 3526 (RFC 8268), for old targets only.
    DhGroup14,
    /// The 4096-bit group of RFC 3526 (RFC 8268), for old targets only.
    DhGroup16,
}

impl Method {
    /// Its names in a KEXINIT; the first is the one that we list first.
    #[must_use]
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::MlKem768X25519 => &["mlkem768x25519-sha256"],
            Self::Sntrup761X25519 => &["sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"],
            Self::Curve25519 => &["curve25519-sha256", "curve25519-sha256@libssh.org"],
            Self::EcdhP256 => &["ecdh-sha2-nistp256"],
            Self::EcdhP384 => &["ecdh-sha2-nistp384"],
            Self::DhGroup14 => &["diffie-hellman-group14-sha256"],
            Self::DhGroup16 => &["diffie-hellman-group16-sha512"],
        }
    }

    /// The hash of the exchange hash and of the key derivation.
    #[must_use]
    pub fn hash(self) -> Hash {
        match self {
            Self::MlKem768X25519 | Self::Curve25519 | Self::EcdhP256 | Self::DhGroup14 => Hash::Sha256,
            Self::EcdhP384 => Hash::Sha384,
            Self::Sntrup761X25519 | Self::DhGroup16 => Hash::Sha512,
        }
    }
}

/// A hash function of a key exchange method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Hash {
    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}
