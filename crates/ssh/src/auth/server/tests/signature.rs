//! P1 and P7: an algorithm belongs to its key, is one that is accepted, and says what it must.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};

use super::identity::accepted;
use crate::auth::tests::line::*;
use crate::auth::*;
use crate::key::{Demand, TouchDemand};
use crate::wire::encode;

fn rsa_blob(pair: &RsaKeyPair) -> Vec<u8> {
    // RFC 8017, appendix A.1.1: SEQUENCE of two INTEGERs, of 257 bytes and of 3.
    let der = pair.public_key().as_ref();
    let (modulus, exponent) = (&der[8..8 + 257], &der[der.len() - 3..]);
    encode(|w| {
        w.string(b"ssh-rsa").mpint(exponent).mpint(modulus);
    })
    .unwrap()
}

/// Ours verifies RSA and never signs with it; the test signs with the cryptographic library itself.
fn rsa_sign(pair: &RsaKeyPair, name: &str, by: &'static dyn RsaEncoding, data: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(by, &SystemRandom::new(), data, &mut signature).unwrap();
    encode(|w| {
        w.string(name.as_bytes()).string(&signature);
    })
    .unwrap()
}

#[test]
fn p1_p7_rsa_signs_with_sha2_under_the_name_that_was_announced() {
    const SHA256: &str = "rsa-sha2-256";
    const SHA512: &str = "rsa-sha2-512";
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let blob = rsa_blob(&pair);
    let request = |announced: &str, name: &str, by: &'static dyn RsaEncoding| {
        let sign = |data: &[u8]| rsa_sign(&pair, name, by, data);
        signed_as("alice", announced, &blob, SESSION_ID, sign)
    };
    let sha1_or_other = [
        request("ssh-rsa", "ssh-rsa", &RSA_PKCS1_SHA256),
        request("ssh-rsa", SHA256, &RSA_PKCS1_SHA256),
        request(SHA512, SHA256, &RSA_PKCS1_SHA256),
        request("rsa-sha2-256-cert-v01@openssh.com", SHA256, &RSA_PKCS1_SHA256),
        offer("alice", "ssh-rsa", &blob),
    ];
    for payload in sha1_or_other {
        assert_eq!(Server::new(config()).refusal(&payload), Refusal::Algorithm);
    }
    let wrong = [request(SHA256, "ssh-rsa", &RSA_PKCS1_SHA256), request(SHA256, SHA256, &RSA_PKCS1_SHA512)];
    for payload in wrong {
        assert_eq!(Server::new(config()).refusal(&payload), Refusal::Signature);
    }
    accepted(&mut Server::new(config()), &request(SHA256, SHA256, &RSA_PKCS1_SHA256));
    accepted(&mut Server::new(config()), &request(SHA512, SHA512, &RSA_PKCS1_SHA512));
    token!(Server::new(config()).ask(&offer("alice", SHA256, &blob)), Offered);
}

#[test]
fn p1_an_algorithm_belongs_to_its_key() {
    let (mut server, key) = (Server::new(config()), key());
    for name in
        ["", "ssh-ed25519-cert-v01@openssh.com", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com", "SSH-ED25519"]
    {
        let payload = signed_as("alice", name, key.public_key().blob(), SESSION_ID, |data| key.sign(data));
        assert_eq!(server.refusal(&payload), Refusal::Algorithm, "{name}");
    }
    for blob in [b"".as_slice(), b"\0\0\0\x0bssh-ed25519", b"\0\0\0\x07ssh-dss\0\0\0\0"] {
        assert_eq!(server.refusal(&offer("alice", "ssh-ed25519", blob)), Refusal::Key);
    }
}

#[test]
fn p1_an_authenticator_vouches_for_its_user_as_is_demanded() {
    const PRESENT: u8 = 1;
    const VERIFIED: u8 = 4;
    let demand = |presence, verification| TouchDemand { presence, verification };
    let rows = [
        (TouchDemand::default(), 0, false),
        (TouchDemand::default(), PRESENT, true),
        (demand(Demand::Waived, Demand::Waived), 0, true),
        (demand(Demand::Required, Demand::Required), PRESENT, false),
        (demand(Demand::Required, Demand::Required), PRESENT | VERIFIED, true),
    ];
    for (touch, flags, enough) in rows {
        let mut server = Server::new(ServerAuthConfig { touch, ..config() });
        let device = Authenticator::new();
        let name = device.public.algorithm().name();
        let sign = |data: &[u8]| device.sign(data, flags);
        let payload = signed_as("alice", name, device.public.blob(), SESSION_ID, sign);
        if enough {
            let identity = token!(server.ask(&payload), Verified);
            assert_eq!(identity.proof().touch().map(|touch| touch.flags), Some(flags));
        } else {
            assert_eq!(server.refusal(&payload), Refusal::Touch, "{touch:?} {flags}");
        }
    }
}
