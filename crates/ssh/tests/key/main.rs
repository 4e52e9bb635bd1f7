//! Keys, signatures, certificates and the questions of trust, through the public interface of `sallyport_ssh::key`.
//!
//! Owns: fixtures that OpenSSH made, a forger of certificates that no honest authority signs, and OpenSSH's ssh-keygen as an
//! independent peer. Must not know: anything private of the module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failing test panics"
)]

mod certificate;
mod fixture;
mod forge;
mod host;
mod issue;
mod keygen;
mod option;
mod policy;
mod public;
mod signature;
mod signing;
mod vector;

use std::time::{Duration, Instant, UNIX_EPOCH};

use sallyport_ssh::time::Now;

/// A reading of the clocks at this many seconds after 1970.
fn at(seconds: u64) -> Now {
    Now { monotonic: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(seconds) }
}
