//! What we are willing to agree on, in our order.
//!
//! Owns: the lists for each role. Invariant: what is for old targets only is in no list but the one that says
//! so. Must not know: the peer.

use crate::cipher::{Cipher, Mac};
use crate::key::SignatureAlgorithm;

use super::host_key::HostKeyAlgorithm;
use super::method::Method;

/// Algorithms in the order in which we like them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// Key exchange methods.
    pub methods: Vec<Method>,
    /// As a server, those that we have a key for; as a client, those that we can verify.
    pub host_keys: Vec<HostKeyAlgorithm>,
    /// For both directions. The MAC list follows from them.
    pub ciphers: Vec<Cipher>,
}

const METHODS: [Method; 3] = [Method::MlKem768X25519, Method::Sntrup761X25519, Method::Curve25519];
const METHODS_LEGACY: [Method; 4] = [Method::EcdhP256, Method::EcdhP384, Method::DhGroup16, Method::DhGroup14];

const SIGNATURES: [SignatureAlgorithm; 6] = [
    SignatureAlgorithm::Ed25519,
    SignatureAlgorithm::EcdsaSha2Nistp256,
    SignatureAlgorithm::EcdsaSha2Nistp384,
    SignatureAlgorithm::EcdsaSha2Nistp521,
    SignatureAlgorithm::RsaSha2_512,
    SignatureAlgorithm::RsaSha2_256,
];

const CIPHERS_LEGACY: [Cipher; 4] = [
    Cipher::Aes256Ctr(Mac::HmacSha256Etm),
    Cipher::Aes256Ctr(Mac::HmacSha512Etm),
    Cipher::Aes128Ctr(Mac::HmacSha256Etm),
    Cipher::Aes128Ctr(Mac::HmacSha512Etm),
];

impl Preferences {
    /// For a server that can prove itself with `host_keys`.
    #[must_use]
    pub fn server(host_keys: Vec<HostKeyAlgorithm>) -> Self {
        Self { methods: METHODS.to_vec(), host_keys, ciphers: ciphers() }
    }

    /// For a client of targets that keep up.
    #[must_use]
    pub fn client() -> Self {
        // Certificates first: a host that has one is better known by it than by its bare key.
        let certificates = SIGNATURES.into_iter().map(HostKeyAlgorithm::certificate);
        let plain = SIGNATURES.into_iter().map(HostKeyAlgorithm::plain);
        Self { methods: METHODS.to_vec(), host_keys: certificates.chain(plain).collect(), ciphers: ciphers() }
    }

    /// For a client of a target that is declared to be old: everything of [`Preferences::client`], and behind it
    /// what only old servers need.
    #[must_use]
    pub fn client_legacy() -> Self {
        let mut preferences = Self::client();
        preferences.methods.extend(METHODS_LEGACY);
        preferences.ciphers.extend(CIPHERS_LEGACY);
        preferences
    }
}

/// The AEAD ciphers, quickest first.
fn ciphers() -> Vec<Cipher> {
    match aes() {
        Aes::InHardware => vec![Cipher::Aes256Gcm, Cipher::Aes128Gcm, Cipher::ChaCha20Poly1305],
        Aes::InSoftware => vec![Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm, Cipher::Aes128Gcm],
    }
}

/// How the processor does AES.
enum Aes {
    InHardware,
    InSoftware,
}

#[cfg(target_arch = "x86_64")]
fn aes() -> Aes {
    // GCM needs the carry-less multiplication as much as it needs AES.
    if std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq") {
        Aes::InHardware
    } else {
        Aes::InSoftware
    }
}

#[cfg(target_arch = "aarch64")]
fn aes() -> Aes {
    if std::arch::is_aarch64_feature_detected!("aes") { Aes::InHardware } else { Aes::InSoftware }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn aes() -> Aes {
    Aes::InSoftware
}

#[cfg(test)]
mod tests;
