//! A signature holds for one key, one algorithm and one message, in one form.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use sallyport_ssh::key::{Demand, KeyAlgorithm, SignatureAlgorithm, SignatureError, Touch, TouchDemand, Verified};
use sallyport_ssh::wire::{Reader, encode};

use crate::fixture::{blob, key, text};
use crate::forge::{Signer, rsa, strings};

const DATA: &[u8] = b"the session identifier and the request";

#[test]
fn every_kind_of_key_verifies_its_own_signature_only() {
    let signers: Vec<Signer> = KeyAlgorithm::ALL.iter().map(|algorithm| Signer::new(*algorithm)).collect();
    for (mine, signer) in signers.iter().enumerate() {
        let signature = signer.sign(DATA);
        for (other, verifier) in signers.iter().enumerate() {
            let result = verifier.key().verify(DATA, &signature);
            if mine == other {
                let algorithm = result.unwrap().algorithm;
                assert!(algorithm.fits(signer.key().algorithm()));
                let stranger = Signer::new(signer.key().algorithm()).key();
                assert_eq!(stranger.verify(DATA, &signature), Err(SignatureError::Wrong));
            } else {
                assert!(matches!(result, Err(SignatureError::Mismatch(_))), "{mine} {other}: {result:?}");
            }
        }
    }
}

#[test]
fn signatures_over_other_data_are_refused() {
    for algorithm in KeyAlgorithm::ALL {
        let signer = Signer::new(*algorithm);
        let signature = signer.sign(DATA);
        for at in 0..DATA.len() {
            let mut other = DATA.to_vec();
            other[at] ^= 1;
            assert_eq!(signer.key().verify(&other, &signature), Err(SignatureError::Wrong));
        }
        assert_eq!(signer.key().verify(b"", &signature), Err(SignatureError::Wrong));
        assert_eq!(signer.key().verify(&[DATA, b"\0"].concat(), &signature), Err(SignatureError::Wrong));
    }
}

#[test]
fn a_bit_flipped_anywhere_in_a_signature_is_refused() {
    for algorithm in KeyAlgorithm::ALL {
        let signer = Signer::new(*algorithm);
        let good = signer.sign(DATA);
        assert!(signer.key().verify(DATA, &good).is_ok());
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(signer.key().verify(DATA, &bad).is_err(), "{algorithm}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn p9_lengths_of_a_signature_must_be_exact() {
    for algorithm in KeyAlgorithm::ALL {
        let signer = Signer::new(*algorithm);
        let good = signer.sign(DATA);
        for end in 0..good.len() {
            assert!(signer.key().verify(DATA, &good[..end]).is_err(), "{algorithm} cut at {end}");
        }
        for tail in [&[0][..], &[0, 0, 0, 0], &[0xff; 64]] {
            let longer = [&good, tail].concat();
            let refused = signer.key().verify(DATA, &longer);
            assert_eq!(refused, Err(SignatureError::Malformed("bytes after the last field")), "{algorithm}");
        }
    }
}

#[test]
fn rsa_with_sha1_is_refused_whatever_it_is_called() {
    // A good SHA-1 signature, made by ssh-keygen: that of the authority on a certificate.
    let certificate = blob(&text("by_rsa_sha1-cert.pub"));
    let (body, signature) = certificate.split_at(certificate.len() - 4 - 4 - 7 - 4 - 256);
    let signature = Reader::new(signature).string().unwrap();
    let refused = key("rsa").verify(body, signature);
    assert_eq!(refused, Err(SignatureError::Algorithm("ssh-rsa".to_owned())));

    // The same bytes under names that are accepted.
    let mut reader = Reader::new(signature);
    assert_eq!(reader.string().unwrap(), b"ssh-rsa");
    let bytes = reader.string().unwrap();
    for name in ["rsa-sha2-256", "rsa-sha2-512"] {
        assert_eq!(key("rsa").verify(body, &named(name, bytes)), Err(SignatureError::Wrong));
    }
    for name in ["ssh-rsa-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "ssh-dss", "none", ""] {
        assert_eq!(key("rsa").verify(body, &named(name, bytes)), Err(SignatureError::Algorithm(name.to_owned())));
    }
}

#[test]
fn the_hash_of_an_rsa_signature_is_the_one_that_is_named() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let (short, long) = (SignatureAlgorithm::RsaSha2_256, SignatureAlgorithm::RsaSha2_512);
    let (by_short, by_long) = (rsa(&pair, short, DATA), rsa(&pair, long, DATA));
    let key = Signer::Rsa(pair).key();
    for (algorithm, good, bad) in [(short, &by_short, &by_long), (long, &by_long, &by_short)] {
        let verified = key.verify(DATA, &named(algorithm.name(), good)).unwrap();
        assert_eq!(verified, Verified { algorithm, touch: None });
        assert_eq!(key.verify(DATA, &named(algorithm.name(), bad)), Err(SignatureError::Wrong));
    }
}

#[test]
fn rsa_signatures_without_their_leading_zeros_verify_and_longer_ones_do_not() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // One in 256 signatures starts with a zero byte.
    let (data, full) = (0..10_000_u32)
        .map(u32::to_be_bytes)
        .map(|data| (data, rsa(&pair, SignatureAlgorithm::RsaSha2_256, &data)))
        .find(|(_, signature)| signature[0] == 0)
        .unwrap();
    let key = Signer::Rsa(pair).key();
    assert!(key.verify(&data, &named("rsa-sha2-256", &full)).is_ok());
    assert!(key.verify(&data, &named("rsa-sha2-256", &full[1..])).is_ok());
    let longer = [&[0], &full[..]].concat();
    let refused = key.verify(&data, &named("rsa-sha2-256", &longer));
    assert_eq!(refused, Err(SignatureError::Malformed("longer than the modulus")));
    assert!(key.verify(&data, &named("rsa-sha2-256", &[])).is_err());
}

#[test]
fn numbers_of_an_ecdsa_signature_must_be_small_positive_and_canonical() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP521] {
        let signer = Signer::new(algorithm);
        let key = signer.key();
        let good = signer.sign(DATA);
        let mut reader = Reader::new(&good);
        reader.string().unwrap();
        let mut numbers = Reader::new(reader.string().unwrap());
        let (r, s) = (numbers.mpint().unwrap(), numbers.mpint().unwrap());
        let with = |r: &[u8], s: &[u8]| {
            let inner = encode(|w| {
                w.string(r).string(s);
            });
            key.verify(DATA, &named(algorithm.name(), &inner.unwrap()))
        };
        let positive = |number: &[u8]| {
            if number[0] & 0x80 == 0 { number.to_vec() } else { [&[0], number].concat() }
        };
        let (r, s) = (positive(r), positive(s));
        assert!(with(&r, &s).is_ok());
        let behind = [strings(&[&r, &s]), vec![0]].concat();
        assert_eq!(
            key.verify(DATA, &named(algorithm.name(), &behind)),
            Err(SignatureError::Malformed("bytes after the last field"))
        );
        let too_long = [&[1], &[0; 70][..]].concat();
        for (r, s) in [
            (&[&[0], &r[..]].concat(), &s),
            (&r, &[&[0], &s[..]].concat()),
            (&vec![], &s),
            (&r, &vec![]),
            (&vec![0], &s),
            (&vec![0x80], &s),
            (&r, &too_long),
            (&too_long, &s),
        ] {
            assert!(matches!(with(r, s), Err(SignatureError::Malformed(_))), "{algorithm}: {r:?} {s:?}");
        }
        assert_eq!(with(&s, &r), Err(SignatureError::Wrong));
    }
}

#[test]
fn what_an_authenticator_says_is_signed() {
    for algorithm in [KeyAlgorithm::SkEd25519, KeyAlgorithm::SkEcdsaP256] {
        let signer = Signer::new(algorithm);
        for (flags, present, verified) in
            [(0x00, false, false), (0x01, true, false), (0x04, false, true), (0x05, true, true), (0xfa, false, false)]
        {
            let signature = signer.sign_with(DATA, flags, 0x0102_0304);
            let touch = signer.key().verify(DATA, &signature).unwrap().touch.unwrap();
            assert_eq!(touch, Touch { flags, counter: 0x0102_0304 });
            assert_eq!((touch.user_present(), touch.user_verified()), (present, verified));

            // Whoever asks for no touch cannot claim one afterwards.
            let mut claimed = signature.clone();
            let at = claimed.len() - 5;
            claimed[at] ^= 0x01;
            assert_eq!(signer.key().verify(DATA, &claimed), Err(SignatureError::Wrong));
        }
    }
}

#[test]
fn a_signature_for_another_application_is_refused() {
    let signer = Signer::new(KeyAlgorithm::SkEd25519);
    let signature = signer.sign(DATA);
    let blob = signer.key().blob().to_vec();
    let elsewhere = [&blob[..blob.len() - 8], &[0, 0, 0, 4], b"web:"].concat();
    let elsewhere = sallyport_ssh::key::PublicKey::from_blob(&elsewhere).unwrap();
    assert_eq!(elsewhere.verify(DATA, &signature), Err(SignatureError::Wrong));
}

#[test]
fn demands_are_met_by_what_was_signed_and_by_nothing_else() {
    let of = |flags| Verified { algorithm: SignatureAlgorithm::SkEd25519, touch: Some(Touch { flags, counter: 0 }) };
    let plain = Verified { algorithm: SignatureAlgorithm::Ed25519, touch: None };
    let (required, waived) = (Demand::Required, Demand::Waived);
    // Demands, then what meets them: a plain key, no flag, presence, verification, both.
    let table = [
        (waived, waived, [true, true, true, true, true]),
        (required, waived, [true, false, true, false, true]),
        (waived, required, [false, false, false, true, true]),
        (required, required, [false, false, false, false, true]),
    ];
    for (presence, verification, expected) in table {
        let demand = TouchDemand { presence, verification };
        let met = [plain, of(0), of(1), of(4), of(5)].map(|verified| demand.met_by(&verified));
        assert_eq!(met, expected, "{demand:?}");
    }
    assert_eq!(TouchDemand::default(), TouchDemand { presence: required, verification: waived });
}

fn named(name: &str, bytes: &[u8]) -> Vec<u8> {
    encode(|w| {
        w.string(name.as_bytes()).string(bytes);
    })
    .unwrap()
}
