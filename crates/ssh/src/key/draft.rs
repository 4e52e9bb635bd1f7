//! Certificates (OpenSSH PROTOCOL.certkeys), written.
//!
//! Owns: the encoding and the authority's signature. Invariant: what is issued can be read by [`Certificate`], and
//! names nobody by accident. Must not know: who asked for it, and whether they may.

use super::certificate::{Certificate, CertificateKind, OPTIONS_MAX, PRINCIPALS_MAX};
use super::error::KeyError;
use super::policy::separates;
use super::public::PublicKey;
use super::signing::SigningKey;
use super::source::SourceBlock;
use crate::entropy::Entropy;
use crate::wire::{self, Reader, Writer};

/// A certificate that is not signed yet.
#[derive(Debug, Clone)]
pub struct CertificateDraft {
    /// The key to certify.
    pub key: PublicKey,
    /// For users or for hosts.
    pub kind: CertificateKind,
    /// The authority's number for it.
    pub serial: u64,
    /// Words for logs.
    pub key_id: String,
    /// Names that the key may be used for.
    pub principals: Vec<String>,
    /// Seconds since 1970.
    pub valid_after: u64,
    /// Seconds since 1970, the first second in which it is not valid; `u64::MAX` is for ever.
    pub valid_before: u64,
    /// In any order; sorted when issued.
    pub critical_options: Vec<(String, Vec<u8>)>,
    /// In any order; sorted when issued.
    pub extensions: Vec<(String, Vec<u8>)>,
}

impl CertificateDraft {
    /// A draft without options, serial and key id.
    #[must_use]
    pub fn new(
        key: PublicKey,
        kind: CertificateKind,
        principals: Vec<String>,
        valid_after: u64,
        valid_before: u64,
    ) -> Self {
        Self {
            key,
            kind,
            serial: 0,
            key_id: String::new(),
            principals,
            valid_after,
            valid_before,
            critical_options: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// Only this command may run.
    #[must_use]
    pub fn force_command(mut self, command: &str) -> Self {
        self.critical_options.push(("force-command".to_owned(), string(command)));
        self
    }

    /// Only from these addresses.
    #[must_use]
    pub fn source_addresses(mut self, blocks: &[SourceBlock]) -> Self {
        let list = blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        self.critical_options.push(("source-address".to_owned(), string(&list)));
        self
    }

    /// Only with a signature for which the authenticator checked its user.
    #[must_use]
    pub fn verify_required(mut self) -> Self {
        self.critical_options.push(("verify-required".to_owned(), Vec::new()));
        self
    }

    /// Adds an extension without data, such as `permit-pty`.
    #[must_use]
    pub fn extension(mut self, name: &str) -> Self {
        self.extensions.push((name.to_owned(), Vec::new()));
        self
    }

    /// Signs it. A draft that names nobody is refused: readers take such a certificate for anybody's.
    pub fn issue(self, authority: &SigningKey, entropy: &mut dyn Entropy) -> Result<Certificate, KeyError> {
        if self.principals.is_empty() {
            return Err(KeyError::Draft("it names no principal"));
        }
        self.danger_issue_for_anyone(authority, entropy)
    }

    /// As [`issue`](Self::issue), but a draft may name nobody. OpenSSH takes such a host certificate for any host, and a
    /// user's for any user where `authorized_keys` names the authority; this crate's own policies refuse it.
    pub fn danger_issue_for_anyone(
        mut self,
        authority: &SigningKey,
        entropy: &mut dyn Entropy,
    ) -> Result<Certificate, KeyError> {
        self.check()?;
        let mut nonce = [0; 32];
        entropy.fill(&mut nonce).map_err(|_| KeyError::Crypto("random generator"))?;
        self.critical_options.sort();
        self.extensions.sort();
        let malformed = || KeyError::malformed("certificate");
        let key_fields = key_fields(&self.key)?;
        let mut blob = wire::encode(|writer| self.write(writer, &nonce, key_fields, authority)).map_err(malformed())?;
        let signature = authority.sign(&blob);
        let mut writer = Writer::new(&mut blob);
        writer.string(&signature);
        writer.finish().map_err(malformed())?;
        // Reads it back, so that every limit and rule of the reader holds for what is issued.
        Certificate::from_blob(&blob)
    }

    fn check(&self) -> Result<(), KeyError> {
        if self.principals.iter().any(|principal| separates(principal)) {
            return Err(KeyError::Draft("a principal is empty or holds a separator"));
        }
        if self.principals.len() > PRINCIPALS_MAX {
            return Err(KeyError::TooLarge { what: "the list of principals", max: PRINCIPALS_MAX });
        }
        if self.critical_options.len() > OPTIONS_MAX || self.extensions.len() > OPTIONS_MAX {
            return Err(KeyError::TooLarge { what: "the list of options", max: OPTIONS_MAX });
        }
        if self.valid_after >= self.valid_before {
            return Err(KeyError::Draft("it would never be valid"));
        }
        Ok(())
    }

    /// Everything that is signed.
    fn write(&self, writer: &mut Writer<'_>, nonce: &[u8], key_fields: &[u8], authority: &SigningKey) {
        writer
            .string(self.key.algorithm().certificate_name().as_bytes())
            .string(nonce)
            .bytes(key_fields)
            .u64(self.serial)
            .u32(self.kind.number())
            .string(self.key_id.as_bytes())
            .nested(|list| {
                for principal in &self.principals {
                    list.string(principal.as_bytes());
                }
            })
            .u64(self.valid_after)
            .u64(self.valid_before)
            .nested(|list| write_options(list, &self.critical_options))
            .nested(|list| write_options(list, &self.extensions))
            .string(&[])
            .string(authority.public_key().blob());
    }
}

fn write_options(list: &mut Writer<'_>, options: &[(String, Vec<u8>)]) {
    for (name, data) in options {
        list.string(name.as_bytes()).string(data);
    }
}

/// Behind the type name, key and certificate have the same fields.
fn key_fields(key: &PublicKey) -> Result<&[u8], KeyError> {
    let mut reader = Reader::new(key.blob());
    reader.string().map_err(KeyError::malformed("public key"))?;
    Ok(reader.take_rest())
}

/// A text too long for its length field becomes an empty option, which no reader accepts.
fn string(text: &str) -> Vec<u8> {
    wire::encode(|writer| {
        writer.string(text.as_bytes());
    })
    .unwrap_or_default()
}
