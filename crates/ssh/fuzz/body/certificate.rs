//! Public keys, certificates, signatures, and their text forms.
//!
//! Asserts: what is read is kept byte by byte, and reads again from its text; a certificate that a policy accepts is one that
//! the rules accept when they are spelled out here (P2); a signature that holds does not hold over other data; what was read
//! from a certificate is what stands in a newly issued one.
//!
//! A signature cannot be guessed, so some scripts are certificates without one: they are signed here, and what the
//! authority says is still the script's.

use std::net::IpAddr;

use sallyport_ssh::engine::proven_host_keys;
use sallyport_ssh::key::{Certificate, KeyAlgorithm, Presented, PublicKey, SourceBlock};
use sallyport_ssh::wire::{Writer, encode};

use super::input::Input;
use super::rig;

mod verdict;

/// First byte: what the rest is.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.choice();
    match choice % 8 {
        0 => blob(input.rest()),
        1..=3 => unsigned(choice >> 3, input.rest()),
        4 => text(&String::from_utf8_lossy(input.rest())),
        5 => signature(&mut input),
        6 => source(&String::from_utf8_lossy(input.rest())),
        _ => proof(&mut input),
    }
}

/// A key or a certificate as it is presented.
fn blob(bytes: &[u8]) {
    let Ok(presented) = Presented::from_blob(bytes) else {
        return;
    };
    assert_eq!(presented.blob(), bytes);
    match &presented {
        Presented::Key(key) => check_key(key),
        Presented::Certificate(certificate) => check_certificate(certificate),
    }
    let described = presented.describe();
    assert!(described.is_ascii() && !described.contains(char::is_control), "{described:?}");
}

/// A certificate from the nonce up to the reserved field. Type, authority and signature are added.
fn unsigned(kind: u8, fields: &[u8]) {
    let kinds = KeyAlgorithm::ALL;
    let algorithm = kinds[usize::from(kind) % kinds.len()];
    let mut bytes = encode(|w| {
        w.string(algorithm.certificate_name().as_bytes()).bytes(fields);
        w.string(rig::authority().public_key().blob());
    })
    .unwrap();
    let signature = rig::authority().sign(&bytes);
    Writer::new(&mut bytes).string(&signature);
    blob(&bytes);
}

fn check_key(key: &PublicKey) {
    assert_eq!(PublicKey::from_openssh(&key.to_openssh()).as_ref(), Ok(key));
    assert_eq!(key.fingerprint().len(), "SHA256:".len() + 43);
    assert!(Certificate::from_blob(key.blob()).is_err());
}

fn check_certificate(certificate: &Certificate) {
    verdict::check_signature(certificate);
    check_key(certificate.key());
    check_key(certificate.authority());
    assert!(PublicKey::from_blob(certificate.blob()).is_err());
    assert_eq!(Certificate::from_openssh(&certificate.to_openssh()).as_ref(), Ok(certificate));
    verdict::check_reissued(certificate);
    verdict::check_user(certificate);
    verdict::check_host(certificate);
}

/// A line of a `.pub` file.
fn text(line: &str) {
    if let Ok(key) = PublicKey::from_openssh(line) {
        check_key(&key);
    }
    if let Ok(certificate) = Certificate::from_openssh(line) {
        check_certificate(&certificate);
    }
}

/// A key, data, and a signature blob.
fn signature(input: &mut Input<'_>) {
    let Ok(key) = PublicKey::from_blob(input.chunk()) else {
        return;
    };
    let data = input.chunk();
    let signature = input.rest();
    let Ok(verified) = key.verify(data, signature) else {
        return;
    };
    assert!(verified.algorithm.fits(key.algorithm()));
    assert_eq!(verified.touch.is_some(), key.algorithm().in_authenticator());
    let mut other = data.to_vec();
    other.push(0);
    assert!(key.verify(&other, signature).is_err());
    let longer = [signature, &[0]].concat();
    assert!(key.verify(data, &longer).is_err());
}

/// A list of address blocks.
fn source(list: &str) {
    let Ok(blocks) = SourceBlock::parse_list(list) else {
        return;
    };
    assert_eq!(blocks.len(), 1 + list.matches(',').count());
    for (block, text) in blocks.iter().zip(list.split(',')) {
        assert_eq!(block.to_string().parse(), Ok(*block));
        let address: IpAddr = text.split('/').next().unwrap_or_default().parse().unwrap();
        assert!(block.contains(address));
    }
}

/// What a host says to prove its keys: one key, and the answer.
fn proof(input: &mut Input<'_>) {
    let Ok(key) = PublicKey::from_blob(input.chunk()) else {
        return;
    };
    if let Ok(proven) = proven_host_keys(b"session", std::slice::from_ref(&key), input.rest()) {
        assert_eq!(proven, [key]);
    }
}
