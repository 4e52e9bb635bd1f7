//! Public keys.
//!
//! Owns: reading, writing and naming a plain public key. Invariants: a [`PublicKey`] is never a certificate; its material
//! has the one valid encoding, a point is on its curve and an RSA modulus within limits; equality is that of blobs.
//! Must not know: whether anybody trusts it.

use std::fmt;
use std::hash::{Hash, Hasher};

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey, RsaPublicKeyComponents,
};
use base64ct::{Base64Unpadded, Encoding};

use super::algorithm::KeyAlgorithm;
use super::error::{KeyError, SignatureError, capped};
use super::signature::{self, Verified};
use super::text;
use crate::wire::{self, Malformed, Reader};

/// The smallest RSA modulus that is accepted.
pub const RSA_BITS_MIN: usize = 2048;
/// The largest: what the cryptographic library verifies. A verification then takes about a millisecond at worst.
pub const RSA_BITS_MAX: usize = 8192;

/// Longer ones cost time and are used by nobody; the library has the same limit.
const EXPONENT_BITS_MAX: usize = 33;
/// Larger than any key that is accepted (RSA with 8192 bits and the longest application name).
const BLOB_BYTES_MAX: usize = 4096;
const APPLICATION_BYTES_MAX: usize = 1024;

/// A plain public key; never a certificate.
#[derive(Clone)]
pub struct PublicKey {
    blob: Box<[u8]>,
    algorithm: KeyAlgorithm,
    material: Material,
}

/// The fields behind the type name.
#[derive(Clone)]
pub(super) enum Material {
    Ed25519([u8; 32]),
    /// Curve by [`KeyAlgorithm`]; the uncompressed point.
    Ecdsa(Box<[u8]>),
    Rsa(Box<RsaNumbers>),
    SkEd25519 {
        key: [u8; 32],
        application: Box<str>,
    },
    SkEcdsa {
        point: Box<[u8]>,
        application: Box<str>,
    },
}

/// Magnitudes without leading zeros.
#[derive(Clone)]
pub(super) struct RsaNumbers {
    pub(super) exponent: Box<[u8]>,
    pub(super) modulus: Box<[u8]>,
}

impl PublicKey {
    /// Reads a public key blob (RFC 4253, section 6.6).
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        if blob.len() > BLOB_BYTES_MAX {
            return Err(KeyError::TooLarge { what: "the public key", max: BLOB_BYTES_MAX });
        }
        let malformed = || KeyError::malformed("public key");
        let mut reader = Reader::new(blob);
        let name = reader.string().map_err(malformed())?;
        let algorithm = str::from_utf8(name).ok().and_then(KeyAlgorithm::from_name).ok_or_else(|| unknown(name))?;
        let material = Material::read(algorithm, &mut reader)?;
        reader.finish().map_err(malformed())?;
        Ok(Self { blob: blob.into(), algorithm, material })
    }

    /// Reads a line as in a `.pub` file: type, base64, comment. Options in front are an error.
    pub fn from_openssh(line: &str) -> Result<Self, KeyError> {
        Self::from_blob(&text::decode(line)?)
    }

    /// The public key that holds `fields`, which stand behind the type name in a certificate too.
    pub(super) fn from_fields(algorithm: KeyAlgorithm, fields: &[u8]) -> Result<Self, KeyError> {
        let blob = wire::encode(|writer| {
            writer.string(algorithm.name().as_bytes()).bytes(fields);
        });
        Self::from_blob(&blob.map_err(KeyError::malformed("public key"))?)
    }

    /// The encoding that is compared, hashed and sent.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The type of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// `SHA256:` and unpadded base64, as OpenSSH shows it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", Base64Unpadded::encode_string(digest::digest(&digest::SHA256, &self.blob).as_ref()))
    }

    /// Type and base64, without comment and line break.
    #[must_use]
    pub fn to_openssh(&self) -> String {
        text::encode(self.algorithm.name(), &self.blob)
    }

    /// Checks a signature blob (RFC 4253, section 6.6; RFC 8332; OpenSSH PROTOCOL.u2f) over `data`.
    ///
    /// What a FIDO authenticator says about its user is answered, not judged: see [`TouchDemand`](super::TouchDemand).
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
        signature::verify(self, data, signature)
    }

    pub(super) fn material(&self) -> &Material {
        &self.material
    }
}

impl Material {
    /// Reads and checks what stands behind the type name, in a key and in a certificate alike.
    fn read(algorithm: KeyAlgorithm, reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let malformed = || KeyError::malformed("public key");
        Ok(match algorithm {
            KeyAlgorithm::Ed25519 => Self::Ed25519(read_ed25519(reader).map_err(malformed())?),
            KeyAlgorithm::EcdsaP256 | KeyAlgorithm::EcdsaP384 | KeyAlgorithm::EcdsaP521 => {
                Self::Ecdsa(read_point(algorithm, reader)?)
            }
            KeyAlgorithm::Rsa => Self::Rsa(Box::new(RsaNumbers::read(reader)?)),
            KeyAlgorithm::SkEd25519 => Self::SkEd25519 {
                key: read_ed25519(reader).map_err(malformed())?,
                application: read_application(reader)?,
            },
            KeyAlgorithm::SkEcdsaP256 => Self::SkEcdsa {
                point: read_point(KeyAlgorithm::EcdsaP256, reader)?,
                application: read_application(reader)?,
            },
        })
    }
}

impl RsaNumbers {
    fn read(reader: &mut Reader<'_>) -> Result<Self, KeyError> {
        let malformed = || KeyError::malformed("public key");
        let exponent = reader.mpint().map_err(malformed())?;
        let modulus = reader.mpint().map_err(malformed())?;
        let modulus_bits = bits(modulus);
        if modulus_bits < RSA_BITS_MIN {
            return Err(KeyError::Unsuitable("RSA key has fewer than 2048 bits"));
        }
        if modulus_bits > RSA_BITS_MAX {
            return Err(KeyError::Unsuitable("RSA key has more than 8192 bits"));
        }
        // The library takes the numbers as they are. An exponent of 1 would make every padded digest its own signature.
        let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        if exponent == [1] || !odd(exponent) || bits(exponent) > EXPONENT_BITS_MAX {
            return Err(KeyError::Unsuitable("RSA exponent is even, 1 or longer than 33 bits"));
        }
        if !odd(modulus) {
            return Err(KeyError::Unsuitable("RSA modulus is even"));
        }
        Ok(Self { exponent: exponent.into(), modulus: modulus.into() })
    }

    pub(super) fn components(&self) -> RsaPublicKeyComponents<&[u8]> {
        RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent }
    }
}

/// Of a magnitude without leading zero bytes.
fn bits(magnitude: &[u8]) -> usize {
    let unused = magnitude.first().map_or(0, |first| first.leading_zeros());
    (magnitude.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or_default())
}

fn read_ed25519(reader: &mut Reader<'_>) -> Result<[u8; 32], Malformed> {
    reader.string()?.try_into().map_err(|_| Malformed("an Ed25519 key has 32 bytes"))
}

/// Curve name and point (RFC 5656, section 3.1).
fn read_point(algorithm: KeyAlgorithm, reader: &mut Reader<'_>) -> Result<Box<[u8]>, KeyError> {
    let malformed = || KeyError::malformed("public key");
    let (curve, field_bytes, parameters) = match algorithm {
        KeyAlgorithm::EcdsaP384 => ("nistp384", 48, &ECDSA_P384_SHA384_FIXED),
        KeyAlgorithm::EcdsaP521 => ("nistp521", 66, &ECDSA_P521_SHA512_FIXED),
        _ => ("nistp256", 32, &ECDSA_P256_SHA256_FIXED),
    };
    if reader.string().map_err(malformed())? != curve.as_bytes() {
        return Err(KeyError::Malformed { what: "public key", field: "the curve is not that of the key type" });
    }
    let point = reader.string().map_err(malformed())?;
    // Only the uncompressed form; the library would read others, and then one key would have two blobs.
    if point.first() != Some(&4) || point.len() != 1 + 2 * field_bytes {
        return Err(KeyError::Malformed { what: "public key", field: "the point is not in uncompressed form" });
    }
    ParsedPublicKey::new(parameters, point).map_err(|_| KeyError::Unsuitable("point is not on the curve"))?;
    Ok(point.into())
}

fn read_application(reader: &mut Reader<'_>) -> Result<Box<str>, KeyError> {
    Ok(reader.text(APPLICATION_BYTES_MAX).map_err(KeyError::malformed("public key"))?.into())
}

fn unknown(name: &[u8]) -> KeyError {
    match str::from_utf8(name).ok().and_then(KeyAlgorithm::from_certificate_name) {
        Some(_) => KeyError::IsCertificate,
        None => KeyError::UnknownAlgorithm(capped(name)),
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.blob == other.blob
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.blob.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Type and fingerprint, for messages.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint())
    }
}
