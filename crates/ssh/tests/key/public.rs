//! A public key has one encoding, and its numbers are sound.

use proptest::prelude::*;
use sallyport_ssh::key::{Certificate, KeyAlgorithm, KeyError, Presented, PublicKey, SignatureAlgorithm};
use sallyport_ssh::wire::{Reader, encode};

use crate::fixture::{blob, certificate, key, text};
use crate::forge::Signer;

const PLAIN: [&str; 7] = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa", "ed25519_sk", "ecdsa_sk"];

#[test]
fn p9_no_length_in_a_key_is_taken_at_its_word() {
    for name in PLAIN {
        let good = key(name).blob().to_vec();
        for end in 0..good.len() {
            assert!(PublicKey::from_blob(&good[..end]).is_err(), "{name} cut at {end}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(PublicKey::from_blob(&longer).is_err(), "{name} with a byte behind it");
        // Every length field in turn says that there is much more, one more, one less.
        for at in fields(&good) {
            let length = u32::from_be_bytes(good[at..at + 4].try_into().unwrap());
            for wrong in [u32::MAX, 1 << 31, 1 << 16, length + 1, length - 1, 0] {
                let mut bad = good.clone();
                bad[at..at + 4].copy_from_slice(&wrong.to_be_bytes());
                assert!(PublicKey::from_blob(&bad).is_err(), "{name}: length {wrong} at {at}");
            }
        }
    }
}

#[test]
fn points_must_be_uncompressed_and_on_their_own_curve() {
    for (name, half) in [("ecdsa256", 32), ("ecdsa384", 48), ("ecdsa521", 66)] {
        let good = key(name).blob().to_vec();
        let start = good.len() - 2 * half - 1;
        assert_eq!(good[start], 4);

        let mut off_curve = good.clone();
        *off_curve.last_mut().unwrap() ^= 1;
        assert_eq!(PublicKey::from_blob(&off_curve), Err(KeyError::Unsuitable("point is not on the curve")));

        let algorithm = KeyAlgorithm::from_name(key(name).algorithm().name()).unwrap();
        let with_point = |point: &[u8]| {
            encode(|w| {
                w.string(algorithm.name().as_bytes()).string(&algorithm.name().as_bytes()[11..]).string(point);
            })
            .unwrap()
        };
        assert!(PublicKey::from_blob(&with_point(&good[start..])).is_ok());
        let parity = 2 | (good.last().unwrap() & 1);
        let compressed = [&[parity], &good[start + 1..=start + half]].concat();
        let hybrid = [&[parity | 4], &good[start + 1..]].concat();
        for point in [&compressed[..], &hybrid, &[0], &[], &[4]] {
            assert!(PublicKey::from_blob(&with_point(point)).is_err(), "{name}: {point:?}");
        }
    }
    let crossed = encode(|w| {
        let point = key("ecdsa256").blob()[39..].to_vec();
        w.string(b"ecdsa-sha2-nistp384").string(b"nistp256").string(&point);
    });
    let reason = KeyError::Malformed { what: "public key", field: "the curve is not that of the key type" };
    assert_eq!(PublicKey::from_blob(&crossed.unwrap()), Err(reason));
}

#[test]
fn a_point_in_the_librarys_other_encoding_is_refused() {
    // SubjectPublicKeyInfo of the same key, which the cryptographic library would read as well.
    let mut spki = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    spki.extend_from_slice(&key("ed25519").blob()[19..]);
    let blob = encode(|w| {
        w.string(b"ssh-ed25519").string(&spki);
    });
    assert!(PublicKey::from_blob(&blob.unwrap()).is_err());
}

#[test]
fn rsa_numbers_have_limits() {
    let rsa = |exponent: &[u8], modulus: &[u8]| {
        let blob = encode(|w| {
            w.string(b"ssh-rsa").mpint(exponent).mpint(modulus);
        });
        PublicKey::from_blob(&blob.unwrap()).map(|_| ())
    };
    let odd = |bits: usize| {
        let mut modulus = vec![0xff; bits / 8];
        if !bits.is_multiple_of(8) {
            modulus.insert(0, (1 << (bits % 8)) - 1);
        }
        modulus
    };
    let f4 = &[1, 0, 1];
    assert_eq!(rsa(f4, &odd(2048)), Ok(()));
    assert_eq!(rsa(f4, &odd(3071)), Ok(()));
    assert_eq!(rsa(f4, &odd(8192)), Ok(()));
    assert_eq!(rsa(&[3], &odd(2048)), Ok(()));
    assert_eq!(rsa(f4, &odd(2047)), Err(KeyError::Unsuitable("RSA key has fewer than 2048 bits")));
    assert_eq!(rsa(f4, &odd(8193)), Err(KeyError::Unsuitable("RSA key has more than 8192 bits")));
    let exponent = KeyError::Unsuitable("RSA exponent is even, 1 or longer than 33 bits");
    for wrong in [&[1][..], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[1; 9]] {
        assert_eq!(rsa(wrong, &odd(2048)), Err(exponent.clone()), "{wrong:?}");
    }
    assert_eq!(rsa(&[1, 0, 0, 0, 1], &odd(2048)), Ok(()));
    let mut even = odd(2048);
    *even.last_mut().unwrap() = 0xfe;
    assert_eq!(rsa(f4, &even), Err(KeyError::Unsuitable("RSA modulus is even")));
}

#[test]
fn rsa_numbers_have_one_encoding() {
    let good = key("rsa").blob().to_vec();
    let modulus = &good[good.len() - 257..];
    assert_eq!(modulus[0], 0);
    for (exponent, modulus) in [
        (&[0, 1, 0, 1][..], modulus),            // a needless zero
        (&[1, 0, 1], &modulus[1..]),             // negative
        (&[1, 0, 1], &[&[0], modulus].concat()), // a needless zero
        (&[], modulus),                          // zero
        (&[0x81], modulus),                      // negative
    ] {
        let blob = encode(|w| {
            w.string(b"ssh-rsa").string(exponent).string(modulus);
        });
        assert!(matches!(PublicKey::from_blob(&blob.unwrap()), Err(KeyError::Malformed { .. })));
    }
}

#[test]
fn other_types_are_named_and_certificates_are_told_apart() {
    let unknown = |name: &[u8]| {
        let blob = encode(|w| {
            w.string(name).string(b"rest");
        });
        PublicKey::from_blob(&blob.unwrap()).unwrap_err()
    };
    assert_eq!(unknown(b"ssh-dss"), KeyError::UnknownAlgorithm("ssh-dss".to_owned()));
    assert_eq!(unknown(b"rsa-sha2-512"), KeyError::UnknownAlgorithm("rsa-sha2-512".to_owned()));
    assert_eq!(unknown(&[b'x'; 1000]), KeyError::UnknownAlgorithm("x".repeat(64)));
    let line = text("ed25519-cert.pub");
    assert_eq!(PublicKey::from_openssh(&line), Err(KeyError::IsCertificate));
    assert_eq!(Certificate::from_openssh(&text("ed25519.pub")), Err(KeyError::NotCertificate));
}

#[test]
fn lines_are_type_base64_comment() {
    let line = text("ed25519.pub");
    let line = line.trim();
    let plain = line.strip_suffix(" ed25519").unwrap();
    for good in [line.to_owned(), format!("{line}\r\n"), plain.to_owned(), format!("  {plain}\tmany words ä\n")] {
        assert_eq!(PublicKey::from_openssh(&good), Ok(key("ed25519")), "{good:?}");
    }
    let wrong_type = line.replacen("ssh-ed25519", "ssh-rsa", 1);
    let options = format!("no-pty {line}");
    let two = format!("{line}\n{line}");
    let broken = line.replacen("AAAAC3", "AAAAC", 1);
    for bad in ["", "\n", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 !", &wrong_type, &options, &two, &broken] {
        assert!(matches!(PublicKey::from_openssh(bad), Err(KeyError::Text(_))), "{bad:?}");
    }
    let long = format!("{line} {}", "x".repeat(100_000));
    assert!(matches!(PublicKey::from_openssh(&long), Err(KeyError::TooLarge { .. })));
}

#[test]
fn names_of_algorithms_fit_what_is_presented() {
    let plain = Presented::Key(key("rsa"));
    assert_eq!(plain.signature_algorithm("rsa-sha2-256"), Some(SignatureAlgorithm::RsaSha2_256));
    for no in ["ssh-rsa", "ssh-ed25519", "rsa-sha2-256-cert-v01@openssh.com", ""] {
        assert_eq!(plain.signature_algorithm(no), None, "{no}");
    }
    let certified = Presented::Certificate(Box::new(certificate("rsa")));
    let name = "rsa-sha2-512-cert-v01@openssh.com";
    assert_eq!(certified.signature_algorithm(name), Some(SignatureAlgorithm::RsaSha2_512));
    for no in ["ssh-rsa-cert-v01@openssh.com", "rsa-sha2-512", "ssh-ed25519-cert-v01@openssh.com"] {
        assert_eq!(certified.signature_algorithm(no), None, "{no}");
    }
    for algorithm in SignatureAlgorithm::ALL {
        assert_eq!(SignatureAlgorithm::from_name(algorithm.name()), Some(*algorithm));
        assert_eq!(SignatureAlgorithm::from_certificate_name(algorithm.certificate_name()), Some(*algorithm));
        assert!(algorithm.fits(algorithm.key_algorithm()));
    }
}

#[test]
fn keys_are_equal_by_their_blobs_and_print_their_fingerprint() {
    let mine = Signer::new(KeyAlgorithm::EcdsaP384).key();
    let again = PublicKey::from_openssh(&format!("{} a comment", mine.to_openssh())).unwrap();
    assert_eq!(mine, again);
    assert_eq!(std::collections::HashSet::from([mine.clone(), again]).len(), 1);
    assert_ne!(mine, Signer::new(KeyAlgorithm::EcdsaP384).key());
    assert_eq!(format!("{mine:?}"), format!("ecdsa-sha2-nistp384 {}", mine.fingerprint()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Bytes that start like a key and go on as they like.
    #[test]
    fn no_bytes_make_reading_panic(name in prop::sample::select(KeyAlgorithm::ALL.to_vec()), certified: bool, tail: Vec<u8>) {
        let name = if certified { name.certificate_name() } else { name.name() };
        let blob = encode(|w| { w.string(name.as_bytes()).bytes(&tail); }).unwrap();
        prop_assert!(Presented::from_blob(&blob).is_err());
        let _ = Presented::from_blob(&tail);
    }

    #[test]
    fn no_line_makes_reading_panic(line in "(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256)? ?[A-Za-z0-9+/=]{0,80}.{0,8}") {
        let _ = PublicKey::from_openssh(&line);
        let _ = Certificate::from_openssh(&line);
    }

    /// A changed byte makes another key or none, never the same.
    #[test]
    fn a_changed_key_is_another(which in 0..PLAIN.len(), at: prop::sample::Index, flip in 1_u8..) {
        let good = key(PLAIN[which]);
        let mut changed = good.blob().to_vec();
        let at = at.index(changed.len());
        changed[at] ^= flip;
        if let Ok(other) = PublicKey::from_blob(&changed) {
            prop_assert_ne!(&other, &good);
            prop_assert_ne!(other.fingerprint(), good.fingerprint());
        }
    }
}

/// Where the length fields of a sequence of strings stand.
fn fields(blob: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new(blob);
    let mut found = Vec::new();
    while !reader.rest().is_empty() {
        found.push(blob.len() - reader.rest().len());
        reader.string().unwrap();
    }
    found
}

#[test]
fn blobs_of_fixtures_are_what_their_lines_say() {
    for name in PLAIN {
        assert_eq!(key(name).blob(), blob(&text(&format!("{name}.pub"))));
    }
}
