//! Both halves of every method against each other, and values that must be refused.

use super::*;
use crate::cipher::Cipher;
use crate::kex::{Direction, Transcript, derive, exchange_hash};

const SERVED: [Method; 3] = [Method::MlKem768X25519, Method::Sntrup761X25519, Method::Curve25519];
const LEGACY: [Method; 4] = [Method::EcdhP256, Method::EcdhP384, Method::DhGroup14, Method::DhGroup16];

/// The lengths in bytes of the client's and the server's public values.
fn lengths(method: Method) -> (usize, usize) {
    match method {
        Method::MlKem768X25519 => (1184 + 32, 1088 + 32),
        Method::Sntrup761X25519 => (1158 + 32, 1039 + 32),
        Method::Curve25519 => (32, 32),
        _ => panic!("not served"),
    }
}

fn initiator(method: Method) -> Initiator {
    Initiator::start(method).unwrap().0
}

/// What can be seen of a secret: a key that comes from it.
fn key(method: Method, secret: &SharedSecret) -> Vec<u8> {
    derive(method.hash(), secret, b"H", b"id", Cipher::ChaCha20Poly1305, Direction::ClientToServer).key.to_vec()
}

#[test]
fn both_halves_agree() {
    for method in SERVED {
        let (initiator, client_public) = Initiator::start(method).unwrap();
        let (server_public, there) = respond(method, &client_public).unwrap();
        let here = initiator.finish(&server_public).unwrap();
        assert_eq!((client_public.len(), server_public.len()), lengths(method), "{method:?}");
        assert_eq!(key(method, &here), key(method, &there), "{method:?}");

        let transcript = Transcript {
            client_version: b"SSH-2.0-a",
            server_version: b"SSH-2.0-b",
            client_kexinit: b"\x14",
            server_kexinit: b"\x14",
            host_key: b"key",
            client_public: &client_public,
            server_public: &server_public,
        };
        let hash = |secret| exchange_hash(method.hash(), &transcript, secret).unwrap();
        assert_eq!(hash(&here), hash(&there), "{method:?}");
        assert_eq!(hash(&here).len(), method.hash().algorithm().output_len());
    }
}

/// Methods for old targets have no answering half, so the initiating half is both sides here; its parts are
/// tested against published vectors and independent computations.
#[test]
fn initiators_for_old_targets_agree() {
    for method in LEGACY {
        let (one, one_public) = Initiator::start(method).unwrap();
        let (other, other_public) = Initiator::start(method).unwrap();
        let here = one.finish(&other_public).unwrap();
        let there = other.finish(&one_public).unwrap();
        assert_eq!(key(method, &here), key(method, &there), "{method:?}");
    }
}

#[test]
fn a_server_does_not_answer_methods_for_old_targets() {
    for method in LEGACY {
        let (_, client_public) = Initiator::start(method).unwrap();
        assert!(matches!(respond(method, &client_public), Err(Error::Misuse(_))), "{method:?}");
    }
}

#[test]
fn every_exchange_has_secrets_of_its_own() {
    for method in SERVED {
        let (_, client_public) = Initiator::start(method).unwrap();
        assert_ne!(client_public, Initiator::start(method).unwrap().1);
        let (one_public, one) = respond(method, &client_public).unwrap();
        let (other_public, other) = respond(method, &client_public).unwrap();
        assert_ne!(one_public, other_public);
        assert_ne!(key(method, &one), key(method, &other));
    }
}

#[test]
fn lengths_are_exact() {
    for method in SERVED {
        let (client_len, server_len) = lengths(method);
        for wrong in [0, 1, 31, 33, client_len - 1, client_len + 1] {
            let result = respond(method, &vec![1; wrong]);
            assert!(matches!(result, Err(Error::Malformed { .. })), "{method:?} {wrong}");
        }
        for wrong in [0, 1, 31, 33, server_len - 1, server_len + 1] {
            let result = initiator(method).finish(&vec![1; wrong]);
            assert!(matches!(result, Err(Error::Malformed { .. })), "{method:?} {wrong}");
        }
    }
}

/// RFC 8731, section 3, and the drafts of both hybrids.
#[test]
fn an_all_zero_result_of_x25519_is_refused() {
    for method in SERVED {
        let (mut client_public, mut server_public) = {
            let (_, client_public) = Initiator::start(method).unwrap();
            let (server_public, _) = respond(method, &client_public).unwrap();
            (client_public, server_public)
        };
        for public in [&mut client_public, &mut server_public] {
            let at = public.len() - 32;
            public[at..].fill(0);
        }
        let answer = respond(method, &client_public);
        assert!(matches!(answer, Err(Error::Misbehaved(_))), "{method:?}");
        let end = initiator(method).finish(&server_public);
        assert!(matches!(end, Err(Error::Misbehaved(_))), "{method:?}");
    }
}

/// FIPS 203, section 7.2: an encapsulation key with a coefficient that is not reduced must be refused.
#[test]
fn an_ml_kem_key_that_is_not_reduced_is_refused() {
    let (_, mut client_public) = Initiator::start(Method::MlKem768X25519).unwrap();
    client_public[..3].fill(0xff); // two coefficients of 4095, and the modulus is 3329
    let answer = respond(Method::MlKem768X25519, &client_public);
    assert!(matches!(answer, Err(Error::Misbehaved(_))));
}

/// A ciphertext that was changed on the way gives another secret, so the host's signature will not verify.
#[test]
fn a_changed_ciphertext_gives_another_secret() {
    for method in [Method::MlKem768X25519, Method::Sntrup761X25519] {
        let (initiator, client_public) = Initiator::start(method).unwrap();
        let (mut server_public, there) = respond(method, &client_public).unwrap();
        server_public[100] ^= 1;
        let here = initiator.finish(&server_public).unwrap();
        assert_ne!(key(method, &here), key(method, &there), "{method:?}");
    }
}

/// The two secrets of a hybrid are hashed one behind the other, the post-quantum one first: `sha256` and
/// `sha512` over `"pq" + "cl"` from coreutils.
#[test]
fn a_hybrid_joins_both_secrets() {
    use crate::kex::tests::bytes;
    for (hash, expected) in [(Hash::Sha256, SHA_256), (Hash::Sha512, SHA_512)] {
        let joined = join(hash, b"pq", b"cl").unwrap();
        let expected = SharedSecret::string(&bytes(expected)).unwrap();
        assert_eq!(key(Method::Curve25519, &joined), key(Method::Curve25519, &expected));
    }
}

const SHA_256: &str = "744318e7dec3bddf814e0f1426ddc03c30e956920e8432db6aae58f9d0e8e617";
const SHA_512: &str = "
    1d4f95260555194bf6fcab8d2003a369248a501650bd591238cb448e050ddf66
    519c5fb0b1ac7439a4a9e5528e046d86e3be1bd105a3db6f989e313e02470bee";
