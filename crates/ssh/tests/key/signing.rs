//! Private keys are written and read in OpenSSH's form, and only ours are read.

use sallyport_ssh::key::{KeyError, SigningKey};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

#[test]
fn what_is_written_is_read() {
    let key = SigningKey::generate().unwrap();
    let pem = key.to_openssh("gate, Ä").unwrap();
    assert!(pem.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let read = SigningKey::from_openssh(&pem).unwrap();
    assert_eq!(read.public_key(), key.public_key());
    assert_eq!(read.sign(b"data"), key.sign(b"data"));
    assert!(key.public_key().verify(b"data", &read.sign(b"data")).is_ok());
    let windows = pem.replace('\n', "\r\n");
    assert_eq!(SigningKey::from_openssh(&windows).unwrap().public_key(), key.public_key());
}

#[test]
fn two_generated_keys_differ() {
    let (one, two) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert_ne!(one.public_key(), two.public_key());
    assert!(two.public_key().verify(b"data", &one.sign(b"data")).is_err());
}

/// Signing with one half and announcing another can give the private half away.
#[test]
fn halves_of_two_keys_are_refused() {
    let halves = |key: &SigningKey| {
        let read = PrivateKey::from_openssh(key.to_openssh("").unwrap().as_str()).unwrap();
        read.key_data().ed25519().unwrap().clone()
    };
    let (one, two) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let written = |public, private| {
        let data = KeypairData::Ed25519(Ed25519Keypair { public, private });
        PrivateKey::new(data, "").unwrap().to_openssh(LineEnding::LF).unwrap()
    };
    let whole = written(halves(&one).public, halves(&one).private);
    assert!(SigningKey::from_openssh(&whole).is_ok());
    let mixed = written(halves(&one).public, halves(&two).private);
    let refused = SigningKey::from_openssh(&mixed).err();
    assert!(matches!(refused, Some(KeyError::PrivateKey(_))));
}

#[test]
fn a_comment_is_one_line() {
    let key = SigningKey::generate().unwrap();
    assert!(key.to_openssh("one\ntwo").is_err());
}

#[test]
fn damaged_and_foreign_texts_are_refused() {
    let pem = SigningKey::generate().unwrap().to_openssh("").unwrap();
    let reason = |text: &str| SigningKey::from_openssh(text).err().unwrap();
    for text in ["", "ssh-ed25519 AAAA", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
        assert!(matches!(reason(text), KeyError::PrivateKey(_)), "{text}");
    }
    assert!(matches!(reason(&"x".repeat(100_000)), KeyError::TooLarge { .. }));
    // No single character of the base64 can change unnoticed: the key stands there twice, and its check numbers too.
    // What may change is only the name of the comment, which is empty here, and bits that say nothing.
    let start = pem.find('\n').unwrap() + 1;
    let end = pem.rfind("\n-----END").unwrap();
    let original = SigningKey::from_openssh(&pem).unwrap();
    for at in (start..end).filter(|at| pem.as_bytes()[*at] != b'\n') {
        let mut bytes = pem.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        if let Ok(other) = SigningKey::from_openssh(std::str::from_utf8(&bytes).unwrap()) {
            assert_eq!(other.public_key(), original.public_key(), "character {at}");
        }
    }
    for end in 0..pem.len() - 2 {
        assert!(SigningKey::from_openssh(pem.get(..end).unwrap()).is_err(), "cut at {end}");
    }
}
