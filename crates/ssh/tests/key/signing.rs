//! Private keys are written and read in OpenSSH's form, and only ours are read.

use sallyport_ssh::key::{KeyError, SigningKey};

#[test]
fn what_is_written_is_read() {
    let key = SigningKey::generate().unwrap();
    let pem = key.to_openssh("gate, Ä").unwrap();
    assert!(pem.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let read = SigningKey::from_openssh(&pem).unwrap();
    assert_eq!(read.public_key(), key.public_key());
    assert_eq!(read.sign(b"data"), key.sign(b"data"));
    assert!(
        key.public_key()
            .verify(b"data", &read.sign(b"data"))
            .is_ok()
    );
    let windows = pem.replace('\n', "\r\n");
    assert_eq!(
        SigningKey::from_openssh(&windows).unwrap().public_key(),
        key.public_key()
    );
}

#[test]
fn two_generated_keys_differ() {
    let (one, two) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    assert_ne!(one.public_key(), two.public_key());
    assert!(
        two.public_key()
            .verify(b"data", &one.sign(b"data"))
            .is_err()
    );
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
    for text in [
        "",
        "ssh-ed25519 AAAA",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        assert!(matches!(reason(text), KeyError::PrivateKey(_)), "{text}");
    }
    assert!(matches!(
        reason(&"x".repeat(100_000)),
        KeyError::TooLarge { .. }
    ));
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
        assert!(
            SigningKey::from_openssh(pem.get(..end).unwrap()).is_err(),
            "cut at {end}"
        );
    }
}
