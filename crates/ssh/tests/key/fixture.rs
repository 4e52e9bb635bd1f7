//! What OpenSSH made: see `fixtures/generate`.
//!
//! Owns: finding the files, and the envelope of `ssh-keygen -Y sign` (OpenSSH PROTOCOL.sshsig), which is not part of
//! SSH itself and so not of the engine.

use aws_lc_rs::digest;
use base64ct::{Base64, Encoding};
use sallyport_ssh::key::{Certificate, PublicKey};
use sallyport_ssh::wire::{Reader, encode};

/// The text of a fixture.
pub(crate) fn text(name: &str) -> String {
    let path = format!("{}/tests/key/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn key(name: &str) -> PublicKey {
    PublicKey::from_openssh(&text(&format!("{name}.pub"))).unwrap()
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::from_openssh(&text(&format!("{name}-cert.pub"))).unwrap()
}

/// The blob of a line, without looking at it.
pub(crate) fn blob(line: &str) -> Vec<u8> {
    Base64::decode_vec(line.split_whitespace().nth(1).unwrap()).unwrap()
}

/// What `ssh-keygen -Y sign` wrote.
pub(crate) struct Envelope {
    pub(crate) key: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    namespace: Vec<u8>,
    hash: Vec<u8>,
}

impl Envelope {
    pub(crate) fn read(armoured: &str) -> Self {
        let base64: String = armoured.lines().filter(|line| !line.starts_with('-')).collect();
        let bytes = Base64::decode_vec(&base64).unwrap();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.bytes(6).unwrap(), b"SSHSIG");
        assert_eq!(reader.u32().unwrap(), 1);
        let key = reader.string().unwrap().to_vec();
        let namespace = reader.string().unwrap().to_vec();
        reader.string().unwrap();
        let hash = reader.string().unwrap().to_vec();
        let signature = reader.string().unwrap().to_vec();
        reader.finish().unwrap();
        Self { key, signature, namespace, hash }
    }

    /// What the signature inside is made over.
    pub(crate) fn signed(&self, message: &[u8]) -> Vec<u8> {
        assert_eq!(self.hash, b"sha512");
        encode(|writer| {
            writer
                .bytes(b"SSHSIG")
                .string(&self.namespace)
                .string(b"")
                .string(&self.hash)
                .string(digest::digest(&digest::SHA512, message).as_ref());
        })
        .unwrap()
    }
}
