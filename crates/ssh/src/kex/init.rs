//! `SSH_MSG_KEXINIT` (RFC 4253, section 7.1).
//!
//! Owns: its encoding, ours and theirs. Invariants: the payload is kept as it was on the wire, because it is
//! hashed; a `KexInit` that exists decodes. Must not know: what both sides have in common.

use crate::cipher::{Cipher, Mac};
use crate::error::Error;
use crate::message::transport;
use crate::role::Role;
use crate::wire::{self, Malformed, NameList, Reader};

use super::preference::Preferences;

/// A KEXINIT: the whole payload, from the message number on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KexInit {
    payload: Vec<u8>,
}

/// Which key exchange of a connection a KEXINIT opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The first one. Only here are extensions announced.
    Initial,
    /// Any later one.
    Rekey,
}

/// A client that can take an `EXT_INFO` (RFC 8308, section 2.1).
pub(super) const EXT_INFO_CLIENT: &str = "ext-info-c";
/// A server that can take an `EXT_INFO` (RFC 8308, section 2.1).
pub(super) const EXT_INFO_SERVER: &str = "ext-info-s";
/// A client that does strict key exchange (OpenSSH PROTOCOL, section 1.10).
pub(super) const STRICT_CLIENT: &str = "kex-strict-c-v00@openssh.com";
/// A server that does strict key exchange (OpenSSH PROTOCOL, section 1.10).
pub(super) const STRICT_SERVER: &str = "kex-strict-s-v00@openssh.com";

/// No compression, the only kind.
pub(super) const UNCOMPRESSED: &str = "none";

impl KexInit {
    /// The KEXINIT that we send. The cookie must be unpredictable.
    pub fn ours(role: Role, preferences: &Preferences, phase: Phase, cookie: [u8; 16]) -> Result<Self, Error> {
        let methods = preferences.methods.iter().flat_map(|method| method.names()).copied();
        let methods: Vec<&str> = methods.chain(extensions(role, phase).iter().copied()).collect();
        let host_keys: Vec<&str> = preferences.host_keys.iter().map(|algorithm| algorithm.name()).collect();
        let ciphers = cipher_names(&preferences.ciphers);
        let macs = mac_names(&preferences.ciphers);

        let payload = wire::encode(|writer| {
            writer.u8(transport::KEXINIT).bytes(&cookie);
            writer.name_list(methods).name_list(host_keys);
            for names in [&ciphers, &ciphers, &macs, &macs] {
                writer.name_list(names.iter().copied());
            }
            writer.name_list([UNCOMPRESSED]).name_list([UNCOMPRESSED]);
            // No languages, no guess, and the reserved field.
            writer.name_list([]).name_list([]).bool(false).u32(0);
        });
        payload.map(|payload| Self { payload }).map_err(|_| Error::Misuse("preferences do not fit a KEXINIT"))
    }

    /// The KEXINIT that the peer sent, from the message number on.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        Offer::parse(payload)?;
        Ok(Self { payload: payload.to_vec() })
    }

    /// The bytes that are sent and hashed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The fields.
    pub(super) fn offer(&self) -> Result<Offer<'_>, Error> {
        Offer::parse(&self.payload)
    }
}

/// What a KEXINIT says. It borrows, so that a hostile list of thousands of short names costs nothing more than
/// its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    pub(super) methods: NameList<'a>,
    pub(super) host_keys: NameList<'a>,
    pub(super) client_to_server: Lists<'a>,
    pub(super) server_to_client: Lists<'a>,
    pub(super) next: Next,
}

/// The lists of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lists<'a> {
    pub(super) ciphers: NameList<'a>,
    pub(super) macs: NameList<'a>,
    pub(super) compressions: NameList<'a>,
}

/// What comes behind a KEXINIT (`first_kex_packet_follows`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The answer is waited for.
    Wait,
    /// A packet of the method that is guessed to be agreed.
    Guess,
}

impl<'a> Offer<'a> {
    fn parse(payload: &'a [u8]) -> Result<Self, Error> {
        Self::read(payload).map_err(Error::malformed("KEXINIT"))
    }

    fn read(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        if reader.u8()? != transport::KEXINIT {
            return Err(Malformed("message number"));
        }
        reader.bytes(16)?; // the cookie matters in the hash only
        let (methods, host_keys) = (reader.name_list()?, reader.name_list()?);
        let (ciphers_up, ciphers_down) = (reader.name_list()?, reader.name_list()?);
        let (macs_up, macs_down) = (reader.name_list()?, reader.name_list()?);
        let (compressions_up, compressions_down) = (reader.name_list()?, reader.name_list()?);
        // Languages are read and ignored.
        reader.name_list()?;
        reader.name_list()?;
        let next = if reader.bool()? { Next::Guess } else { Next::Wait };
        reader.u32()?; // reserved, "for future extension": any value is let through
        reader.finish()?;
        Ok(Self {
            methods,
            host_keys,
            client_to_server: Lists { ciphers: ciphers_up, macs: macs_up, compressions: compressions_up },
            server_to_client: Lists { ciphers: ciphers_down, macs: macs_down, compressions: compressions_down },
            next,
        })
    }
}

/// The names among the methods that are none (RFC 8308, section 2.1; OpenSSH PROTOCOL, section 1.10).
fn extensions(role: Role, phase: Phase) -> &'static [&'static str] {
    match (role, phase) {
        (Role::Client, Phase::Initial) => &[EXT_INFO_CLIENT, STRICT_CLIENT],
        // No `ext-info-s`: there is nothing that we would want to hear from a client.
        (Role::Server, Phase::Initial) => &[STRICT_SERVER],
        (_, Phase::Rekey) => &[],
    }
}

fn cipher_names(ciphers: &[Cipher]) -> Vec<&'static str> {
    distinct(ciphers.iter().map(|cipher| cipher.name()))
}

/// An AEAD cipher takes no part in the MAC negotiation, yet an empty list would end it with those who look at
/// the list first; so the list is never empty.
fn mac_names(ciphers: &[Cipher]) -> Vec<&'static str> {
    let names = distinct(ciphers.iter().copied().filter_map(mac_of).map(Mac::name));
    if names.is_empty() { vec![Mac::HmacSha256Etm.name(), Mac::HmacSha512Etm.name()] } else { names }
}

fn distinct(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut kept = Vec::new();
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

/// The MAC of a cipher that has no integrity of its own.
pub(super) fn mac_of(cipher: Cipher) -> Option<Mac> {
    match cipher {
        Cipher::Aes128Ctr(mac) | Cipher::Aes256Ctr(mac) => Some(mac),
        Cipher::Aes128Gcm | Cipher::Aes256Gcm | Cipher::ChaCha20Poly1305 => None,
    }
}

#[cfg(test)]
mod tests;
