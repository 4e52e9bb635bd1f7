//! Choosing between two KEXINITs (RFC 4253, section 7.1).
//!
//! Owns: the choice. Invariants: for each list, the first name of the client's that the server has too is
//! taken; a typed algorithm comes out of our own preferences, never out of the peer's words, so that names
//! which are no algorithms cannot be agreed on. Must not know: what is done with the result.

use crate::cipher::Cipher;
use crate::error::Error;
use crate::role::Role;
use crate::wire::NameList;

use super::host_key::HostKeyAlgorithm;
use super::init::{self, KexInit, Lists, Next, Offer};
use super::method::Method;
use super::preference::Preferences;

/// What both sides will use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The key exchange method.
    pub method: Method,
    /// How the server proves itself.
    pub host_key: HostKeyAlgorithm,
    /// The cipher of what the client sends.
    pub client_to_server: Cipher,
    /// The cipher of what the server sends.
    pub server_to_client: Cipher,
    /// Whether key exchanges are strict. Only the first key exchange of a connection says so, for all of them:
    /// in a later one this is [`Strict::No`] whatever the peer sends.
    pub strict: Strict,
    /// Whether the peer wants to hear an `EXT_INFO`. Only the first key exchange of a connection says so.
    pub ext_info: ExtInfo,
    /// Whether the peer sent a packet on a guess.
    pub guess: Guess,
}

/// Strict key exchange (OpenSSH PROTOCOL, section 1.10): both sides do it, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strict {
    /// Both offered it.
    Yes,
    /// At least one did not.
    No,
}

/// What the peer said of `EXT_INFO` (RFC 8308, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtInfo {
    /// It may be sent one.
    Wanted,
    /// It must not be sent one.
    Unwanted,
}

/// What the peer sent behind its KEXINIT without waiting for ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guess {
    /// Nothing.
    None,
    /// Its first packet of the method, and it is the right one.
    Right,
    /// A packet of another method: the next packet must be dropped unread.
    Wrong,
}

/// Finds what both KEXINITs have in common. `ours` must have been made from `preferences`.
pub fn negotiate(role: Role, ours: &KexInit, theirs: &KexInit, preferences: &Preferences) -> Result<Agreed, Error> {
    let (our_offer, their_offer) = (ours.offer()?, theirs.offer()?);
    let table = Table { role, ours: our_offer, theirs: their_offer, preferences };
    Ok(Agreed {
        method: table.method()?,
        host_key: table.host_key()?,
        client_to_server: table.direction(|offer| offer.client_to_server)?,
        server_to_client: table.direction(|offer| offer.server_to_client)?,
        strict: table.strict(),
        ext_info: table.ext_info(),
        guess: table.guess(),
    })
}

/// Both offers on one table.
struct Table<'a> {
    role: Role,
    ours: Offer<'a>,
    theirs: Offer<'a>,
    preferences: &'a Preferences,
}

impl<'a> Table<'a> {
    fn method(&self) -> Result<Method, Error> {
        let methods = &self.preferences.methods;
        self.pick(
            "key exchange method",
            |offer| offer.methods,
            |name| methods.iter().copied().find(|method| method.names().contains(&name)),
        )
    }

    fn host_key(&self) -> Result<HostKeyAlgorithm, Error> {
        let algorithms = &self.preferences.host_keys;
        self.pick(
            "host key algorithm",
            |offer| offer.host_keys,
            |name| algorithms.iter().copied().find(|algorithm| algorithm.name() == name),
        )
    }

    /// A direction's cipher and, if that cipher has none of its own, its MAC. Compression is always none.
    fn direction(&self, lists: impl Fn(Offer<'a>) -> Lists<'a>) -> Result<Cipher, Error> {
        let ciphers = &self.preferences.ciphers;
        let cipher = self.pick(
            "cipher",
            |offer| lists(offer).ciphers,
            |name| ciphers.iter().copied().find(|cipher| cipher.name() == name),
        )?;
        let mac = || {
            self.pick(
                "MAC",
                |offer| lists(offer).macs,
                |name| ciphers.iter().copied().filter_map(init::mac_of).find(|mac| mac.name() == name),
            )
        };
        self.pick("compression", |offer| lists(offer).compressions, |name| (name == init::UNCOMPRESSED).then_some(()))?;
        match cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm | Cipher::ChaCha20Poly1305 => Ok(cipher),
            Cipher::Aes128Ctr(_) => mac().map(Cipher::Aes128Ctr),
            Cipher::Aes256Ctr(_) => mac().map(Cipher::Aes256Ctr),
        }
    }

    /// The first name of the client's list that the server's list has too and that `known` knows.
    fn pick<T>(
        &self,
        what: &'static str,
        list: impl Fn(Offer<'a>) -> NameList<'a>,
        known: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let (ours, theirs) = (list(self.ours), list(self.theirs));
        let (client, server) = match self.role {
            Role::Client => (ours, theirs),
            Role::Server => (theirs, ours),
        };
        let mut common = client.iter().filter(|name| server.contains(name));
        common.find_map(known).ok_or_else(|| Error::Incompatible { what, offered: capped(theirs.as_str()) })
    }

    fn strict(&self) -> Strict {
        // Ours has its name in the first KEXINIT only, which is what confines the peer's to the first, too.
        if self.ours.methods.contains(strict_name(self.role))
            && self.theirs.methods.contains(strict_name(peer(self.role)))
        {
            Strict::Yes
        } else {
            Strict::No
        }
    }

    fn ext_info(&self) -> ExtInfo {
        let first_of_connection = self.ours.methods.contains(strict_name(self.role));
        let wish = match self.role {
            Role::Client => init::EXT_INFO_SERVER,
            Role::Server => init::EXT_INFO_CLIENT,
        };
        if first_of_connection && self.theirs.methods.contains(wish) { ExtInfo::Wanted } else { ExtInfo::Unwanted }
    }

    /// Both sides compare the first names as they stand; that aliases mean the same does not count.
    fn guess(&self) -> Guess {
        let same =
            |list: fn(Offer<'a>) -> NameList<'a>| list(self.ours).iter().next() == list(self.theirs).iter().next();
        match self.theirs.next {
            Next::Wait => Guess::None,
            Next::Guess if same(|offer| offer.methods) && same(|offer| offer.host_keys) => Guess::Right,
            Next::Guess => Guess::Wrong,
        }
    }
}

fn strict_name(role: Role) -> &'static str {
    match role {
        Role::Client => init::STRICT_CLIENT,
        Role::Server => init::STRICT_SERVER,
    }
}

fn peer(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// How much of a peer's list an error repeats.
const OFFERED_BYTES_MAX: usize = 512;

/// The start of a list, which is printable ASCII because it is a [`NameList`].
fn capped(list: &str) -> String {
    match list.get(..OFFERED_BYTES_MAX) {
        Some(start) if start.len() < list.len() => format!("{start}…"),
        _ => list.to_owned(),
    }
}

#[cfg(test)]
mod tests;
