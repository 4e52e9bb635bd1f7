//! Who may wait at the door: limits on connections that have not signed in yet, over all of them and for each address.
//!
//! Owns: the count. Invariants: strangers cannot take the places of people (the oldest unknown connection goes first, and an address
//! has few places); everything is bounded by the limits. Must not know: sockets; whoever accepts them asks here.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::BTreeMap;

/// How many may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LobbyLimits {
    /// Connections that have not signed in, in all.
    pub waiting_max: usize,
    /// The same from one address; from IPv6, one /64.
    pub per_address_max: usize,
    /// Sign-ins with questions (minutes instead of seconds) from one address.
    pub interactive_per_address_max: usize,
}

impl Default for LobbyLimits {
    fn default() -> Self {
        Self { waiting_max: 1024, per_address_max: 10, interactive_per_address_max: 3 }
    }
}

/// A place in the lobby.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(u64);

/// The answer to somebody who comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// There is a place.
    Seated(Seat),
    /// There is a place because this older connection is to be dropped. Its own place is gone already.
    Instead(Seat, Seat),
    /// This address has all the places that it may have.
    Refused,
}

/// Connections that have not signed in.
#[derive(Debug)]
pub struct Lobby {
    limits: LobbyLimits,
    /// In the order of their coming.
    seats: BTreeMap<Seat, Guest>,
    addresses: BTreeMap<IpAddr, Count>,
    next: u64,
}

#[derive(Debug)]
struct Guest {
    address: IpAddr,
    manner: Manner,
}

/// How somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Quick,
    Interactive,
}

#[derive(Debug, Default)]
struct Count {
    waiting: usize,
    interactive: usize,
}

impl Lobby {
    /// An empty one.
    #[must_use]
    pub fn new(limits: LobbyLimits) -> Self {
        Self { limits, seats: BTreeMap::new(), addresses: BTreeMap::new(), next: 0 }
    }

    /// Somebody connected.
    pub fn enter(&mut self, address: IpAddr) -> Entry {
        let address = network(address);
        if self.count(address).waiting >= self.limits.per_address_max || self.limits.waiting_max == 0 {
            return Entry::Refused;
        }
        let oldest = (self.seats.len() >= self.limits.waiting_max).then(|| self.seats.keys().next().copied()).flatten();
        if let Some(oldest) = oldest {
            self.leave(oldest);
        }
        let seat = Seat(self.next);
        self.next += 1;
        self.seats.insert(seat, Guest { address, manner: Manner::Quick });
        self.addresses.entry(address).or_default().waiting += 1;
        oldest.map_or(Entry::Seated(seat), |oldest| Entry::Instead(seat, oldest))
    }

    /// Somebody wants to be asked questions. Whether it may.
    pub fn ask(&mut self, seat: Seat) -> Questions {
        let Some(guest) = self.seats.get_mut(&seat) else { return Questions::TooMany };
        let count = self.addresses.entry(guest.address).or_default();
        match guest.manner {
            Manner::Interactive => Questions::Allowed,
            Manner::Quick if count.interactive >= self.limits.interactive_per_address_max => Questions::TooMany,
            Manner::Quick => {
                guest.manner = Manner::Interactive;
                count.interactive += 1;
                Questions::Allowed
            }
        }
    }

    /// It signed in, or went away.
    pub fn leave(&mut self, seat: Seat) {
        let Some(guest) = self.seats.remove(&seat) else { return };
        if let Some(count) = self.addresses.get_mut(&guest.address) {
            count.waiting = count.waiting.saturating_sub(1);
            if guest.manner == Manner::Interactive {
                count.interactive = count.interactive.saturating_sub(1);
            }
            if count.waiting == 0 {
                self.addresses.remove(&guest.address);
            }
        }
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.seats.len()
    }

    fn count(&self, address: IpAddr) -> &Count {
        const NOBODY: &Count = &Count { waiting: 0, interactive: 0 };
        self.addresses.get(&address).unwrap_or(NOBODY)
    }
}

/// Whether somebody may be asked questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Questions {
    /// It may.
    Allowed,
    /// Its address has as many such sign-ins under way as it may.
    TooMany,
}

/// Who has one IPv6 address has the whole /64; a mapped IPv4 address is that IPv4 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
