//! Diffie-Hellman in the groups 14 and 16 of RFC 3526 (RFC 4253, section 8; RFC 8268), for old targets only.
//!
//! Owns: the groups, and one ephemeral exponent with its single use. Invariants: the time does not depend on
//! the exponent; a peer's value is in `[2, p - 2]`. Must not know: how the result is hashed.

use aws_lc_rs::rand;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U512, U2048, U4096, Uint};
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;
use crate::wire::{self, Reader};

/// A group. The generator is 2 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// 2048 bits (RFC 3526, section 3).
    Fourteen,
    /// 4096 bits (RFC 3526, section 5).
    Sixteen,
}

const FOURTEEN: Odd<U2048> = Odd::<U2048>::from_be_hex(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
     EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
     83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
     E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
     15728E5A8AACAA68FFFFFFFFFFFFFFFF",
);

const SIXTEEN: Odd<U4096> = Odd::<U4096>::from_be_hex(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
     EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
     83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
     E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
     15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
     ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C\
     BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A92108011A723C12A787E6D7\
     88719A10BDBA5B2699C327186AF4E23C1A946834B6150BDA2583E9CA2AD44CE8DBBBC2DB04DE8EF92E8EFC141FBECAA6\
     287C59474E6BC05D99B2964FA090C3A2233BA186515BE7ED1F612970CEE2D7AFB81BDD762170481CD0069127D5B05AA9\
     93B4EA988D8FDDC186FFB7DC90A6C08F4DF435C934063199FFFFFFFFFFFFFFFF",
);

/// Our ephemeral exponent. Its 512 bits are at least twice the strength that is ascribed to either group (RFC
/// 3526, section 8), more than which a longer one would not add.
pub(super) struct Half {
    group: Group,
    exponent: Zeroizing<U512>,
}

impl Half {
    /// A fresh exponent and its public value, as the content of an `mpint`.
    pub(super) fn start(group: Group) -> Result<(Self, Vec<u8>), Error> {
        let mut bytes = Zeroizing::new([0; U512::BYTES]);
        rand::fill(bytes.as_mut()).map_err(|_| Error::Crypto("random generator"))?;
        Self::from_exponent(group, &bytes)
    }

    fn from_exponent(group: Group, exponent: &[u8; U512::BYTES]) -> Result<(Self, Vec<u8>), Error> {
        let exponent = Zeroizing::new(U512::from_be_slice_truncated(exponent, U512::BITS));
        let public = match group {
            Group::Fourteen => power(FOURTEEN, &Uint::from_u8(2), &exponent),
            Group::Sixteen => power(SIXTEEN, &Uint::from_u8(2), &exponent),
        };
        let mut field = wire::encode(|writer| {
            writer.mpint(&public);
        })
        .map_err(|_| Error::Crypto("Diffie-Hellman value"))?;
        let content = field.split_off(LENGTH_BYTES.min(field.len()));
        Ok((Self { group, exponent }, content))
    }

    /// The shared value, big-endian and as long as the prime.
    pub(super) fn agree(self, theirs: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self.group {
            Group::Fourteen => Ok(power(FOURTEEN, &element(FOURTEEN, theirs)?, &self.exponent)),
            Group::Sixteen => Ok(power(SIXTEEN, &element(SIXTEEN, theirs)?, &self.exponent)),
        }
    }
}

/// The length field in front of an `mpint`.
const LENGTH_BYTES: usize = 4;

/// A peer's public value, from the content of an `mpint`. Both 1 and p - 1 would give the secret away (RFC
/// 4253, section 8).
fn element<const LIMBS: usize>(prime: Odd<Uint<LIMBS>>, content: &[u8]) -> Result<Uint<LIMBS>, Error> {
    let invalid = Error::Misbehaved("the public value of the key exchange is invalid");
    let field = wire::encode(|writer| {
        writer.string(content);
    })
    .map_err(Error::malformed("key exchange"))?;
    let magnitude = Reader::new(&field).mpint().map_err(Error::malformed("key exchange"))?;
    if magnitude.len() > Uint::<LIMBS>::BYTES {
        return Err(invalid);
    }
    let value = Uint::from_be_slice_truncated(magnitude, Uint::<LIMBS>::BITS);
    let highest = prime.get().wrapping_sub(&Uint::from_u8(2));
    if value < Uint::from_u8(2) || value > highest { Err(invalid) } else { Ok(value) }
}

/// `base ^ exponent` in time that does not depend on either.
fn power<const LIMBS: usize>(prime: Odd<Uint<LIMBS>>, base: &Uint<LIMBS>, exponent: &U512) -> Zeroizing<Vec<u8>> {
    let params = FixedMontyParams::new_vartime(prime); // the prime is no secret
    let mut form = FixedMontyForm::new(base, &params).pow(exponent);
    let result = Zeroizing::new(form.retrieve());
    form.zeroize();
    let encoded = Zeroizing::new(result.to_be_bytes());
    Zeroizing::new(encoded.as_slice().to_vec())
}

#[cfg(test)]
mod tests;
