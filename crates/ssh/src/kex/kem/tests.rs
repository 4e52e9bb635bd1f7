//! The published vector of Streamlined NTRU Prime, both halves of both mechanisms, and hostile values.

use proptest::prelude::*;

use super::*;
use crate::kex::tests::bytes;

const MECHANISMS: [Kem; 2] = [Kem::MlKem768, Kem::Sntrup761];

/// draft-josefsson-ntruprime-streamlined-00, a test vector of sntrup761.
#[test]
fn sntrup_opens_the_published_ciphertext() {
    let key = bytes(include_str!("sntrup761_key.hex"));
    let key = sntrup761::DecapsulationKey::try_from(key.as_slice()).unwrap();
    let ciphertext = bytes(include_str!("sntrup761_ciphertext.hex"));
    let secret = Decapsulator::Sntrup761(key).decapsulate(&ciphertext).unwrap();
    let expected = bytes("344ca5e25f6da5ea95e4a695b1c5446eca9859334532e4a9537669f012c743a2");
    assert_eq!(*secret, expected);
}

#[test]
fn both_halves_agree() {
    for mechanism in MECHANISMS {
        let (key, public) = Decapsulator::start(mechanism).unwrap();
        let (ciphertext, there) = mechanism.encapsulate(&public).unwrap();
        assert_eq!(public.len(), mechanism.public_len());
        assert_eq!(ciphertext.len(), mechanism.ciphertext_len());
        assert_eq!(there.len(), 32);
        assert_eq!(key.decapsulate(&ciphertext).unwrap(), there);
    }
}

#[test]
fn keys_and_ciphertexts_are_fresh() {
    for mechanism in MECHANISMS {
        let (_, public) = Decapsulator::start(mechanism).unwrap();
        let (_, other_public) = Decapsulator::start(mechanism).unwrap();
        assert_ne!(public, other_public);
        let (ciphertext, secret) = mechanism.encapsulate(&public).unwrap();
        let (other_ciphertext, other_secret) = mechanism.encapsulate(&public).unwrap();
        assert_ne!(ciphertext, other_ciphertext);
        assert_ne!(secret, other_secret);
    }
}

#[test]
fn lengths_are_exact() {
    for mechanism in MECHANISMS {
        for wrong in [0, mechanism.public_len() - 1, mechanism.public_len() + 1] {
            let result = mechanism.encapsulate(&vec![0; wrong]);
            assert!(matches!(result, Err(Error::Misbehaved(_))), "{mechanism:?} {wrong}");
        }
        for wrong in [0, mechanism.ciphertext_len() - 1, mechanism.ciphertext_len() + 1] {
            let (key, _) = Decapsulator::start(mechanism).unwrap();
            let result = key.decapsulate(&vec![0; wrong]);
            assert!(matches!(result, Err(Error::Misbehaved(_))), "{mechanism:?} {wrong}");
        }
    }
}

#[test]
fn random_bytes_come_from_the_library_until_it_fails() {
    let mut random = LibraryRandom { supply: Supply::Flowing };
    let (mut one, mut other) = ([0; 100], [0; 100]);
    random.fill(&mut one);
    random.fill(&mut other);
    assert_ne!(one, other);
    assert!(matches!(random.supply, Supply::Flowing));
}

/// Without random bytes, the samplers must end and their result must not be used.
#[test]
fn a_failed_generator_ends_and_is_refused() {
    let result = drawing(|random| {
        random.supply = Supply::Failed { counter: 0 };
        sntrup761::generate_key(random)
    });
    assert!(matches!(result, Err(Error::Crypto("random generator"))));

    let supply = Supply::Failed { counter: 0 };
    let mut random = LibraryRandom { supply };
    let (mut one, mut other) = ([0; 32], [0; 32]);
    random.fill(&mut one);
    random.fill(&mut other);
    assert_ne!(one, other, "a constant could keep a sampler going for ever");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Streamlined NTRU Prime takes any bytes of the right length for a public key or a ciphertext.
    #[test]
    fn hostile_bytes_of_the_right_length_never_panic(
        public in prop::collection::vec(any::<u8>(), 1184),
        ciphertext in prop::collection::vec(any::<u8>(), 1088),
    ) {
        for mechanism in MECHANISMS {
            let _ = mechanism.encapsulate(&public[..mechanism.public_len()]);
            let (key, _) = Decapsulator::start(mechanism).unwrap();
            let opened = key.decapsulate(&ciphertext[..mechanism.ciphertext_len()]);
            prop_assert!(opened.is_ok(), "implicit rejection");
        }
    }
}
