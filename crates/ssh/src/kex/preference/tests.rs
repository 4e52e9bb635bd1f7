//! What each role is willing to do.

use super::*;
use crate::kex::HostKeyAlgorithm;

fn names(preferences: &Preferences) -> Vec<&'static str> {
    preferences.host_keys.iter().map(|algorithm| algorithm.name()).collect()
}

#[test]
fn a_server_does_nothing_that_is_for_old_targets() {
    let ed25519 = SignatureAlgorithm::Ed25519;
    let hosts = vec![HostKeyAlgorithm::certificate(ed25519), HostKeyAlgorithm::plain(ed25519)];
    let server = Preferences::server(hosts);
    assert_eq!(server.methods, METHODS);
    assert_eq!(names(&server), ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]);
    assert!(server.ciphers.iter().all(|cipher| !CIPHERS_LEGACY.contains(cipher)));
}

#[test]
fn a_client_takes_certificates_first_and_nothing_that_is_for_old_targets() {
    let client = Preferences::client();
    assert_eq!(
        names(&client),
        [
            "ssh-ed25519-cert-v01@openssh.com",
            "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "ecdsa-sha2-nistp384-cert-v01@openssh.com",
            "ecdsa-sha2-nistp521-cert-v01@openssh.com",
            "rsa-sha2-512-cert-v01@openssh.com",
            "rsa-sha2-256-cert-v01@openssh.com",
            "ssh-ed25519",
            "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ]
    );
    assert_eq!(client.methods, METHODS);
    assert!(client.ciphers.iter().all(|cipher| !CIPHERS_LEGACY.contains(cipher)));
}

#[test]
fn a_client_of_old_targets_still_likes_the_new_better() {
    let (client, legacy) = (Preferences::client(), Preferences::client_legacy());
    assert!(legacy.methods.starts_with(&client.methods));
    assert!(legacy.ciphers.starts_with(&client.ciphers));
    assert!(legacy.methods.ends_with(&METHODS_LEGACY));
    assert!(legacy.ciphers.ends_with(&CIPHERS_LEGACY));
}

#[test]
fn the_quickest_cipher_comes_first() {
    let first = Preferences::client().ciphers[0];
    match aes() {
        Aes::InHardware => assert_eq!(first, Cipher::Aes256Gcm),
        Aes::InSoftware => assert_eq!(first, Cipher::ChaCha20Poly1305),
    }
}
