//! Agreeing on algorithms, on a secret and on the keys that come from it (RFC 4253, sections 7 and 8).
//!
//! Owns: the names in a KEXINIT, the choice between two of them, both halves of every key exchange method, the
//! exchange hash and the key derivation. Invariants: what the client prefers wins; a public value is checked
//! before it is used; secrets are wiped and have no `Debug`; a method that is for old targets only never
//! answers as a server. Must not know: when a message may come, how it is sent, and whether a host key is
//! trusted.

mod curve;
mod derivation;
mod exchange;
mod group;
mod host_key;
mod init;
mod kem;
mod method;
mod negotiation;
mod preference;

pub(crate) use derivation::derive;
pub use derivation::{Direction, SharedSecret, Transcript, exchange_hash};
pub use exchange::{Initiator, respond};
pub use host_key::{Form, HostKeyAlgorithm};
pub use init::{KexInit, Phase};
pub use method::{Hash, Method};
pub use negotiation::{Agreed, ExtInfo, Guess, Strict, negotiate};
pub use preference::Preferences;

#[cfg(test)]
mod tests;
