//! Certificates (OpenSSH PROTOCOL.certkeys), read.
//!
//! Owns: the parser. It is ours and not the format crate's, because the signature must be checked over exactly the
//! bytes that were read, and because what is odd is refused here instead of being repaired. Invariant: a [`Certificate`]
//! was signed by [`Certificate::authority`]. Must not know: whether that authority, or anything the certificate
//! says, is trusted: see [`CertificatePolicy`](super::CertificatePolicy).

use std::fmt;

use super::algorithm::KeyAlgorithm;
use super::error::{KeyError, capped};
use super::public::PublicKey;
use super::text;
use crate::wire::Reader;

/// The longest blob that is read.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// The most principals in one certificate.
pub const PRINCIPALS_MAX: usize = 256;
/// The most critical options, and the most extensions, in one certificate.
pub const OPTIONS_MAX: usize = 64;

const WHAT: &str = "certificate";
/// The longest principal or name of an option.
const NAME_BYTES_MAX: usize = 1024;

/// A certificate whose signature was checked. It says nothing about trust yet.
#[derive(Clone)]
pub struct Certificate {
    blob: Box<[u8]>,
    key: PublicKey,
    authority: PublicKey,
    fields: Fields,
}

/// Whom a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateKind {
    /// `SSH_CERT_TYPE_USER`
    User,
    /// `SSH_CERT_TYPE_HOST`
    Host,
}

impl CertificateKind {
    /// The number on the wire.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::User => 1,
            Self::Host => 2,
        }
    }

    /// For messages.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
        }
    }
}

/// What the authority says about the key.
#[derive(Clone)]
struct Fields {
    serial: u64,
    kind: CertificateKind,
    key_id: String,
    principals: Vec<String>,
    valid_after: u64,
    valid_before: u64,
    critical_options: Vec<(String, Vec<u8>)>,
    extensions: Vec<(String, Vec<u8>)>,
}

impl Certificate {
    /// Reads a certificate blob and checks its authority's signature.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        if blob.len() > CERTIFICATE_BYTES_MAX {
            return Err(KeyError::TooLarge { what: "the certificate", max: CERTIFICATE_BYTES_MAX });
        }
        let malformed = || KeyError::malformed(WHAT);
        let mut reader = Reader::new(blob);
        let name = reader.string().map_err(malformed())?;
        let algorithm =
            str::from_utf8(name).ok().and_then(KeyAlgorithm::from_certificate_name).ok_or_else(|| unknown(name))?;
        let _nonce = reader.string().map_err(malformed())?;
        let key = PublicKey::from_fields(algorithm, key_fields(algorithm, &mut reader)?)?;
        let fields = Fields::read(&mut reader)?;
        let authority = read_authority(&mut reader)?;
        let signed = blob.get(..blob.len() - reader.rest().len()).unwrap_or_default();
        let signature = reader.string().map_err(malformed())?;
        reader.finish().map_err(malformed())?;
        authority.verify(signed, signature).map_err(KeyError::CertificateSignature)?;
        Ok(Self { blob: blob.into(), key, authority, fields })
    }

    /// Reads a line as in a `-cert.pub` file: type, base64, comment.
    pub fn from_openssh(line: &str) -> Result<Self, KeyError> {
        Self::from_blob(&text::decode(line)?)
    }

    /// The encoding that is sent.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Type and base64, without comment and line break.
    #[must_use]
    pub fn to_openssh(&self) -> String {
        text::encode(self.key.algorithm().certificate_name(), &self.blob)
    }

    /// The key that is certified, and that signs.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Who signed the certificate.
    #[must_use]
    pub fn authority(&self) -> &PublicKey {
        &self.authority
    }

    /// For users or for hosts.
    #[must_use]
    pub fn kind(&self) -> CertificateKind {
        self.fields.kind
    }

    /// The authority's number for it.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.fields.serial
    }

    /// The authority's words for it, for logs. Not escaped.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.fields.key_id
    }

    /// Names that the key may be used for, as they are.
    #[must_use]
    pub fn principals(&self) -> &[String] {
        &self.fields.principals
    }

    /// Seconds since 1970 from which on it is valid.
    #[must_use]
    pub fn valid_after(&self) -> u64 {
        self.fields.valid_after
    }

    /// Seconds since 1970 from which on it is valid no more; `u64::MAX` is for ever.
    #[must_use]
    pub fn valid_before(&self) -> u64 {
        self.fields.valid_before
    }

    /// Names and data of what must be understood, in the certificate's order.
    #[must_use]
    pub fn critical_options(&self) -> &[(String, Vec<u8>)] {
        &self.fields.critical_options
    }

    /// Names and data of what may be ignored, in the certificate's order.
    #[must_use]
    pub fn extensions(&self) -> &[(String, Vec<u8>)] {
        &self.fields.extensions
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("key", &self.key)
            .field("authority", &self.authority)
            .field("kind", &self.fields.kind)
            .field("serial", &self.fields.serial)
            .field("key_id", &self.fields.key_id)
            .finish_non_exhaustive()
    }
}

impl Fields {
    fn read(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let malformed = || KeyError::malformed(WHAT);
        let serial = reader.u64().map_err(malformed())?;
        let kind = match reader.u32().map_err(malformed())? {
            1 => CertificateKind::User,
            2 => CertificateKind::Host,
            _ => {
                return Err(KeyError::Malformed { what: WHAT, field: "neither for a user nor for a host" });
            }
        };
        let key_id = reader.text(CERTIFICATE_BYTES_MAX).map_err(malformed())?.to_owned();
        let principals = read_principals(reader)?;
        let valid_after = reader.u64().map_err(malformed())?;
        let valid_before = reader.u64().map_err(malformed())?;
        let critical_options = read_options(reader, "the list of critical options")?;
        let extensions = read_options(reader, "the list of extensions")?;
        // Reserved: PROTOCOL.certkeys has it ignored. It is signed, so it is at least the authority's.
        reader.string().map_err(malformed())?;
        Ok(Self { serial, kind, key_id, principals, valid_after, valid_before, critical_options, extensions })
    }
}

/// The bytes of the certified key's fields, undecoded.
fn key_fields<'a>(algorithm: KeyAlgorithm, reader: &mut Reader<'a>) -> Result<&'a [u8], KeyError> {
    let count = match algorithm {
        KeyAlgorithm::Ed25519 => 1,
        KeyAlgorithm::EcdsaP256
        | KeyAlgorithm::EcdsaP384
        | KeyAlgorithm::EcdsaP521
        | KeyAlgorithm::Rsa
        | KeyAlgorithm::SkEd25519 => 2,
        KeyAlgorithm::SkEcdsaP256 => 3,
    };
    let before = reader.rest();
    for _ in 0..count {
        reader.string().map_err(KeyError::malformed(WHAT))?;
    }
    Ok(before.get(..before.len() - reader.rest().len()).unwrap_or_default())
}

fn read_principals(reader: &mut Reader<'_>) -> Result<Vec<String>, KeyError> {
    let malformed = || KeyError::malformed(WHAT);
    let mut list = Reader::new(reader.string().map_err(malformed())?);
    let mut principals = Vec::new();
    while !list.rest().is_empty() {
        if principals.len() == PRINCIPALS_MAX {
            return Err(KeyError::TooLarge { what: "the list of principals", max: PRINCIPALS_MAX });
        }
        principals.push(list.text(NAME_BYTES_MAX).map_err(malformed())?.to_owned());
    }
    Ok(principals)
}

/// PROTOCOL.certkeys wants them sorted, which authorities do not all keep to, and unique, which is enforced: of two
/// options with one name, two readers could each honour another.
fn read_options(reader: &mut Reader<'_>, what: &'static str) -> Result<Vec<(String, Vec<u8>)>, KeyError> {
    let malformed = || KeyError::malformed(WHAT);
    let mut list = Reader::new(reader.string().map_err(malformed())?);
    let mut options: Vec<(String, Vec<u8>)> = Vec::new();
    while !list.rest().is_empty() {
        if options.len() == OPTIONS_MAX {
            return Err(KeyError::TooLarge { what, max: OPTIONS_MAX });
        }
        let name = list.text(NAME_BYTES_MAX).map_err(malformed())?;
        let data = list.string().map_err(malformed())?;
        if options.iter().any(|(known, _)| known == name) {
            return Err(KeyError::Malformed { what: WHAT, field: "an option stands there twice" });
        }
        options.push((name.to_owned(), data.to_vec()));
    }
    Ok(options)
}

fn read_authority(reader: &mut Reader<'_>) -> Result<PublicKey, KeyError> {
    let blob = reader.string().map_err(KeyError::malformed(WHAT))?;
    PublicKey::from_blob(blob).map_err(|error| match error {
        KeyError::IsCertificate => KeyError::Chain,
        other => other,
    })
}

fn unknown(name: &[u8]) -> KeyError {
    match str::from_utf8(name).ok().and_then(KeyAlgorithm::from_name) {
        Some(_) => KeyError::NotCertificate,
        None => KeyError::UnknownAlgorithm(capped(name)),
    }
}
