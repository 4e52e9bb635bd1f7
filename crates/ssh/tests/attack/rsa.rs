//! An RSA key that signs in any way, SHA-1 included: the libraries that the engine stands on refuse to.
//!
//! Owns: RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2). The key is published here and guards nothing.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U2048};

use crate::raw::fields;

const MODULUS: &str = "e1c70c8c46f09ad27541011dfb914624f329fd46b1a86f22fe1c6918afaccc373bf709093c059055adec5632085909e7\
     42a4585621c2252baec90db357e4a85c64d77022d50860ff1da1df4727c696bf6e51f2213c797f8efb748b486930f0c9\
     9cddbd9b1f8f51be58bfce9aee31fbdc640ef495c8925582a14dc2b4765b356edce4e251312b34655b9718797752f90c\
     3fdeacbace9af2f30596cc1a4da85e7ef9033f9b7e1cdb4a859522890fc97fc7ebd2a568ef29a967050f9aec6fe94ac1\
     11fd78fc1a30f13ab199d6057bae0dc7fe957f9cb7f9de7d9e4413beec004ae4dd7a5152e24617417e2baaa03b14d212\
     80e2417d795614aae3bf68be72f5c8b1";
const EXPONENT: &str = "2f883590d1bd8546b1f743ba317469e94d0525c48c91ea85da2c16872332f4925b4e3c898468a2749b47527539932f35\
     cfeea4074c17a0b633d7b189f482d7dc0dc1da6286e97aec32ab99c353f127daf8e989196caf2286f252dca0dbbe792e\
     e4d6bcfc6bb6434e18c696c340cae69c85372dd05bd7cce751b8ba793e22a11a86cea1eee7635a6baca8bce922d292f0\
     3599631b32bd1a0336f5a96cad73c3f7b936ae2a3487258fab8efc1ddf441b9b3baf2f06b5afc787a4446bf3edc1c360\
     0e131e714a0fa18cd7c50aa01b2c61bc39d9d03af2f39ad9f045e343f0dd0b18a62a87286c19e89fd84a7f9e86df590c\
     6dd5277c193687b26fb4f0e00b4e712d";
const MODULUS_BYTES: usize = 256;

/// The public half.
pub(crate) fn blob() -> Vec<u8> {
    let modulus = U2048::from_be_hex(MODULUS).to_be_bytes();
    fields(|w| w.string(b"ssh-rsa").mpint(&[1, 0, 1]).mpint(modulus.as_slice()))
}

/// A hash that a signature may be over.
#[derive(Clone, Copy)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }

    /// What stands before the digest (RFC 8017, section 9.2, note 1).
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
            Self::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            Self::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
        }
    }
}

/// A signature that verifies, under any name.
pub(crate) fn sign(name: &str, hash: Hash, data: &[u8]) -> Vec<u8> {
    let digest = digest(hash.algorithm(), data);
    let tail = [hash.prefix(), digest.as_ref()].concat();
    let mut block = vec![0xff; MODULUS_BYTES];
    block[0] = 0;
    block[1] = 1;
    block[MODULUS_BYTES - tail.len() - 1] = 0;
    block[MODULUS_BYTES - tail.len()..].copy_from_slice(&tail);
    let params = FixedMontyParams::new_vartime(Odd::<U2048>::from_be_hex(MODULUS));
    let signature = FixedMontyForm::new(&U2048::from_be_slice(&block), &params).pow(&U2048::from_be_hex(EXPONENT));
    let signature = signature.retrieve().to_be_bytes();
    fields(|w| w.string(name.as_bytes()).string(signature.as_slice()))
}
