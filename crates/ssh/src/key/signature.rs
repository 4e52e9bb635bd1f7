//! Checking signatures.
//!
//! Owns: the forms of a signature blob and the call of the cryptographic library. Invariants: the algorithm comes from the
//! signature and must belong to the key; nothing may stand behind the last field; SHA-1 has no name here. Must not
//! know: what the signed bytes mean.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA512, RsaParameters, UnparsedPublicKey, VerificationAlgorithm,
};

use super::algorithm::SignatureAlgorithm;
use super::error::{SignatureError, capped};
use super::public::{Material, PublicKey, RsaNumbers};
use crate::wire::Reader;

/// A signature that holds, and what it says besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How it was made.
    pub algorithm: SignatureAlgorithm,
    /// What the authenticator vouches for; only with `sk-` keys.
    pub touch: Option<Touch>,
}

/// What a FIDO authenticator signed beside the data (OpenSSH PROTOCOL.u2f, "SSH U2F Signatures").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The flags as they were signed.
    pub flags: u8,
    /// The authenticator's signature counter.
    pub counter: u32,
}

impl Touch {
    const USER_PRESENT: u8 = 0x01;
    const USER_VERIFIED: u8 = 0x04;

    /// Somebody touched the authenticator.
    #[must_use]
    pub fn user_present(self) -> bool {
        self.flags & Self::USER_PRESENT != 0
    }

    /// The authenticator checked who: by PIN, finger or face.
    #[must_use]
    pub fn user_verified(self) -> bool {
        self.flags & Self::USER_VERIFIED != 0
    }
}

/// Whether something must be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// A signature without it is refused.
    Required,
    /// It is not looked at.
    Waived,
}

/// What the signature of a FIDO key must show before it is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TouchDemand {
    /// A touch. Of keys that are not in an authenticator it is not asked.
    pub presence: Demand,
    /// That the authenticator checked its user. A key outside an authenticator can never show it.
    pub verification: Demand,
}

impl Default for TouchDemand {
    /// As OpenSSH: a touch, nothing more.
    fn default() -> Self {
        Self { presence: Demand::Required, verification: Demand::Waived }
    }
}

impl TouchDemand {
    /// Whether a signature shows what is asked for.
    #[must_use]
    pub fn met_by(self, verified: &Verified) -> bool {
        match verified.touch {
            Some(touch) => {
                (self.presence == Demand::Waived || touch.user_present())
                    && (self.verification == Demand::Waived || touch.user_verified())
            }
            None => self.verification == Demand::Waived,
        }
    }
}

/// Checks a signature blob over `data`.
pub(super) fn verify(key: &PublicKey, data: &[u8], signature: &[u8]) -> Result<Verified, SignatureError> {
    let mut reader = Reader::new(signature);
    let name = reader.string()?;
    let algorithm = str::from_utf8(name)
        .ok()
        .and_then(SignatureAlgorithm::from_name)
        .ok_or_else(|| SignatureError::Algorithm(capped(name)))?;
    if !algorithm.fits(key.algorithm()) {
        return Err(SignatureError::Mismatch(algorithm.name()));
    }
    let bytes = reader.string()?;
    let touch = match key.material() {
        Material::SkEd25519 { .. } | Material::SkEcdsa { .. } => {
            Some(Touch { flags: reader.u8()?, counter: reader.u32()? })
        }
        Material::Ed25519(_) | Material::Ecdsa(_) | Material::Rsa(_) => None,
    };
    reader.finish()?;
    match key.material() {
        Material::Ed25519(point) => check(&ED25519, point, data, bytes)?,
        Material::Ecdsa(point) => check_ecdsa(algorithm, point, data, bytes)?,
        Material::Rsa(numbers) => check_rsa(algorithm, numbers, data, bytes)?,
        Material::SkEd25519 { key, application } => {
            check(&ED25519, key, &asserted(application, touch, data), bytes)?;
        }
        Material::SkEcdsa { point, application } => {
            check_ecdsa(algorithm, point, &asserted(application, touch, data), bytes)?;
        }
    }
    Ok(Verified { algorithm, touch })
}

fn check(by: &'static dyn VerificationAlgorithm, key: &[u8], data: &[u8], bytes: &[u8]) -> Result<(), SignatureError> {
    UnparsedPublicKey::new(by, key).verify(data, bytes).map_err(|_| SignatureError::Wrong)
}

/// `mpint r, mpint s` (RFC 5656, section 3.1.2) in the fixed form that the library reads.
fn check_ecdsa(algorithm: SignatureAlgorithm, point: &[u8], data: &[u8], bytes: &[u8]) -> Result<(), SignatureError> {
    let (by, field_bytes) = match algorithm {
        SignatureAlgorithm::EcdsaSha2Nistp384 => (&ECDSA_P384_SHA384_FIXED, 48),
        SignatureAlgorithm::EcdsaSha2Nistp521 => (&ECDSA_P521_SHA512_FIXED, 66),
        _ => (&ECDSA_P256_SHA256_FIXED, 32),
    };
    let mut reader = Reader::new(bytes);
    let mut fixed = Vec::with_capacity(2 * field_bytes);
    for _ in 0..2 {
        let number = reader.mpint()?;
        let zeros =
            field_bytes.checked_sub(number.len()).ok_or(SignatureError::Malformed("number too long for the curve"))?;
        fixed.resize(fixed.len() + zeros, 0);
        fixed.extend_from_slice(number);
    }
    reader.finish()?;
    check(by, point, data, &fixed)
}

/// RFC 8332, section 3. Some signers drop leading zeros, so a short signature is filled up; a long one is wrong.
fn check_rsa(algorithm: SignatureAlgorithm, key: &RsaNumbers, data: &[u8], bytes: &[u8]) -> Result<(), SignatureError> {
    let by: &RsaParameters = match algorithm {
        SignatureAlgorithm::RsaSha2_512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    };
    let zeros =
        key.modulus.len().checked_sub(bytes.len()).ok_or(SignatureError::Malformed("longer than the modulus"))?;
    let mut full = vec![0; zeros];
    full.extend_from_slice(bytes);
    key.components().verify(by, data, &full).map_err(|_| SignatureError::Wrong)
}

/// What an authenticator signs instead of the data (OpenSSH PROTOCOL.u2f).
fn asserted(application: &str, touch: Option<Touch>, data: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(69);
    message.extend_from_slice(digest::digest(&digest::SHA256, application.as_bytes()).as_ref());
    if let Some(touch) = touch {
        message.push(touch.flags);
        message.extend_from_slice(&touch.counter.to_be_bytes());
    }
    message.extend_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    message
}
