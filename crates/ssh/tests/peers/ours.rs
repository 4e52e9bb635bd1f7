//! Our engine, in both roles, as small as a test needs it.

pub(crate) mod agent;
pub(crate) mod client;
pub(crate) mod server;

use sallyport_ssh::cipher::{Cipher, Mac};
use sallyport_ssh::kex::Method;

/// The key exchange methods that both roles know.
pub(crate) const METHODS: [Method; 3] = [Method::MlKem768X25519, Method::Sntrup761X25519, Method::Curve25519];
/// Those for old targets, which the client role alone knows.
pub(crate) const METHODS_LEGACY: [Method; 4] =
    [Method::EcdhP256, Method::EcdhP384, Method::DhGroup14, Method::DhGroup16];
/// The ciphers that both roles know.
pub(crate) const CIPHERS: [Cipher; 3] = [Cipher::Aes256Gcm, Cipher::Aes128Gcm, Cipher::ChaCha20Poly1305];
/// Those for old targets, which the client role alone knows.
pub(crate) const CIPHERS_LEGACY: [Cipher; 4] = [
    Cipher::Aes256Ctr(Mac::HmacSha256Etm),
    Cipher::Aes256Ctr(Mac::HmacSha512Etm),
    Cipher::Aes128Ctr(Mac::HmacSha256Etm),
    Cipher::Aes128Ctr(Mac::HmacSha512Etm),
];

/// Cipher and MAC as people name them.
pub(crate) fn cipher_name(cipher: Cipher) -> String {
    match mac(cipher) {
        Some(mac) => format!("{}+{}", cipher.name(), mac.name()),
        None => cipher.name().to_owned(),
    }
}

/// The MAC that a cipher needs beside it.
pub(crate) fn mac(cipher: Cipher) -> Option<Mac> {
    match cipher {
        Cipher::Aes128Ctr(mac) | Cipher::Aes256Ctr(mac) => Some(mac),
        Cipher::Aes128Gcm | Cipher::Aes256Gcm | Cipher::ChaCha20Poly1305 => None,
    }
}
