//! Attacks on the engine, each a named test; those on an invariant carry its id.
//!
//! The attacker ([`raw::Raw`]) has packet cryptography of its own and completes key exchanges and sign-ins like anybody, so that
//! it can misbehave in every phase. The victim ([`victim::Victim`]) is a real engine with a user who writes down what it hears. Each
//! test names one change to the engine that makes it fail. It must not know how the engine is built.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing test may panic: that is how it fails"
)]

mod certificate;
mod downgrade;
mod forge;
mod host;
mod identity;
mod limit;
mod phase;
mod random;
mod raw;
mod rsa;
mod seal;
mod size;
mod talk;
mod victim;
