//! What a peer presents as its key: a plain one or a certified one.
//!
//! Owns: telling them apart by the blob's own type name, and which names of algorithms fit. Must not know: trust.

use std::fmt;

use super::algorithm::{KeyAlgorithm, SignatureAlgorithm};
use super::certificate::Certificate;
use super::error::KeyError;
use super::public::PublicKey;
use crate::wire::Reader;

/// A public key or a certificate, read from one blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// A plain key.
    Key(PublicKey),
    /// A key with what an authority says about it.
    Certificate(Box<Certificate>),
}

impl Presented {
    /// Reads the blob of a host key (RFC 4253, section 8) or of a user's key (RFC 4252, section 7).
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let name = Reader::new(blob).string().map_err(KeyError::malformed("public key"))?;
        let certified = str::from_utf8(name).ok().and_then(KeyAlgorithm::from_certificate_name);
        Ok(match certified {
            Some(_) => Self::Certificate(Box::new(Certificate::from_blob(blob)?)),
            None => Self::Key(PublicKey::from_blob(blob)?),
        })
    }

    /// The key that signs.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key,
            Self::Certificate(certificate) => certificate.key(),
        }
    }

    /// The blob as it was presented.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        match self {
            Self::Key(key) => key.blob(),
            Self::Certificate(certificate) => certificate.blob(),
        }
    }

    /// How a signature is made under a negotiated or requested algorithm name, if that name fits what is presented: a
    /// plain name for a plain key, a certificate's name for a certificate (RFC 8332, section 3.1).
    #[must_use]
    pub fn signature_algorithm(&self, name: &str) -> Option<SignatureAlgorithm> {
        let algorithm = match self {
            Self::Key(_) => SignatureAlgorithm::from_name(name),
            Self::Certificate(_) => SignatureAlgorithm::from_certificate_name(name),
        };
        algorithm.filter(|algorithm| algorithm.fits(self.key().algorithm()))
    }

    /// Type and fingerprint; of a certificate also its authority's. Holds no text that a peer chose.
    #[must_use]
    pub fn describe(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "{key}"),
            Self::Certificate(certificate) => {
                let (key, authority) = (certificate.key(), certificate.authority());
                write!(f, "{key}, certificate {} by {authority}", certificate.serial())
            }
        }
    }
}
