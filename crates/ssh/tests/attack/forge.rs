//! Certificates that no honest authority would write.
//!
//! Owns: the encoding (OpenSSH PROTOCOL.certkeys), field by field, with nothing checked.

use sallyport_ssh::key::SigningKey;
use sallyport_ssh::wire::{Reader, Writer};

use crate::raw::fields;

/// A certificate, still to be signed.
pub(crate) struct Forgery<'f> {
    pub(crate) key: &'f SigningKey,
    /// 1 for a user, 2 for a host.
    pub(crate) kind: u32,
    pub(crate) principals: Vec<&'f str>,
    pub(crate) valid_after: u64,
    pub(crate) valid_before: u64,
    pub(crate) critical_options: Vec<(&'f str, Vec<u8>)>,
    /// What stands where the authority's key belongs, if it is not the authority's key.
    pub(crate) authority_blob: Option<Vec<u8>>,
}

impl<'f> Forgery<'f> {
    /// Nothing is wrong with it yet, and it never ends.
    pub(crate) fn new(key: &'f SigningKey, kind: u32, principal: &'f str) -> Self {
        Self {
            key,
            kind,
            principals: vec![principal],
            valid_after: 0,
            valid_before: u64::MAX,
            critical_options: Vec::new(),
            authority_blob: None,
        }
    }

    pub(crate) fn sign(&self, authority: &SigningKey) -> Vec<u8> {
        let mut key = Reader::new(self.key.public_key().blob());
        key.string().unwrap();
        let mut blob = fields(|w| {
            w.string(b"ssh-ed25519-cert-v01@openssh.com").string(&[9; 32]).bytes(key.rest());
            w.u64(1).u32(self.kind).string(b"id");
            w.nested(|list| self.principals.iter().for_each(|name| list_string(list, name.as_bytes())));
            w.u64(self.valid_after).u64(self.valid_before);
            w.nested(|list| {
                for (name, data) in &self.critical_options {
                    list.string(name.as_bytes()).string(data);
                }
            });
            let authority = authority.public_key().blob();
            w.string(b"").string(b"").string(self.authority_blob.as_deref().unwrap_or(authority))
        });
        let signature = authority.sign(&blob);
        Writer::new(&mut blob).string(&signature);
        blob
    }
}

fn list_string(list: &mut Writer<'_>, bytes: &[u8]) {
    list.string(bytes);
}
