//! Published vectors, both halves, and values that must be refused.

use super::*;
use crate::kex::tests::bytes;

fn half(curve: Curve, private: &str) -> (Half, Vec<u8>) {
    let private = PrivateKey::from_private_key(curve.algorithm(), &bytes(private)).unwrap();
    Half::from_private(curve, private).unwrap()
}

fn agree(curve: Curve, private: &str, theirs: &str) -> Vec<u8> {
    half(curve, private).0.agree(&bytes(theirs)).unwrap().to_vec()
}

/// RFC 7748, section 5.2.
#[test]
fn x25519_multiplies_as_published() {
    let first = agree(
        Curve::X25519,
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    );
    assert_eq!(first, bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
    let second = agree(
        Curve::X25519,
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    );
    assert_eq!(second, bytes("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"));
}

/// RFC 7748, section 6.1.
#[test]
fn x25519_agrees_as_published() {
    let (alice, alice_public) = half(Curve::X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let (bob, bob_public) = half(Curve::X25519, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let shared = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(alice_public, bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    assert_eq!(bob_public, bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    assert_eq!(*alice.agree(&bob_public).unwrap(), shared);
    assert_eq!(*bob.agree(&alice_public).unwrap(), shared);
}

/// NIST CAVP, ECC CDH primitive, the first case of P-256 and of P-384.
#[test]
fn nist_curves_agree_as_published() {
    let p256 = agree(
        Curve::P256,
        "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
        "04
         700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287
         db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
    );
    assert_eq!(p256, bytes("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b"));
    let p384 = agree(
        Curve::P384,
        "3cc3122a68f0d95027ad38c067916ba0eb8c38894d22e1b15618b6818a661774
         ad463b205da88cf699ab4d43c9cf98a1",
        "04
         a7c76b970c3b5fe8b05d2838ae04ab47697b9eaf52e764592efda27fe7513272
         734466b400091adbf2d68c58e0c50066
         ac68f19f2e1cb879aed43a9969b91a0839c4c38a49749b661efedf243451915e
         d0905a32b060992b468c64766fc8437a",
    );
    assert_eq!(
        p384,
        bytes(
            "5f9d29dc5e31a163060356213669c8ce132e22f57c9a04f40ba7fcead493b457
             e5621e766c40a2e3d4d6a04b25e533f1"
        )
    );
}

#[test]
fn fresh_keys_agree_and_differ() {
    for curve in [Curve::X25519, Curve::P256, Curve::P384] {
        let (one, one_public) = Half::start(curve).unwrap();
        let (other, other_public) = Half::start(curve).unwrap();
        assert_ne!(one_public, other_public);
        assert_eq!(one_public.len(), curve.public_len());
        assert_eq!(*one.agree(&other_public).unwrap(), *other.agree(&one_public).unwrap());
    }
}

/// The points of small order, with which the result would be all zeros whatever our key is (RFC 7748, section
/// 6.1; RFC 8731, section 3).
#[test]
fn x25519_refuses_points_of_small_order() {
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let (half, _) = Half::start(Curve::X25519).unwrap();
        assert!(matches!(half.agree(&bytes(point)), Err(Error::Misbehaved(_))), "{point}");
    }
}

#[test]
fn lengths_are_exact() {
    for curve in [Curve::X25519, Curve::P256, Curve::P384] {
        let (_, public) = Half::start(curve).unwrap();
        let shorter = &public[1..];
        let longer = [public.as_slice(), &[0]].concat();
        for wrong in [&[], shorter, &longer] {
            let (half, _) = Half::start(curve).unwrap();
            assert!(matches!(half.agree(wrong), Err(Error::Malformed { .. })), "{curve:?}");
        }
    }
}

#[test]
fn points_must_be_on_the_curve_and_uncompressed() {
    for curve in [Curve::P256, Curve::P384] {
        let (_, public) = Half::start(curve).unwrap();
        let mut off_the_curve = public.clone();
        *off_the_curve.last_mut().unwrap() ^= 1;
        let (half, _) = Half::start(curve).unwrap();
        assert!(matches!(half.agree(&off_the_curve), Err(Error::Misbehaved(_))));

        // The library itself would take the hybrid form (SEC 1, section 2.3.3).
        let mut hybrid = public.clone();
        hybrid[0] = 6 | (public.last().unwrap() & 1);
        let (half, _) = Half::start(curve).unwrap();
        assert!(matches!(half.agree(&hybrid), Err(Error::Malformed { .. })));

        let infinity = vec![0; public.len()];
        let (half, _) = Half::start(curve).unwrap();
        assert!(matches!(half.agree(&infinity), Err(Error::Malformed { .. })));
    }
}
