//! What every fuzz target does with its bytes, as plain functions: the targets call them with new bytes, the ordinary tests
//! with those of the corpora.
//!
//! Owns: the targets and what each of them asserts beyond "no panic". Invariants: a function depends on its bytes alone (time
//! and entropy are made up; only ephemeral keys are the cryptographic library's own), so that a failing input fails again.
//! Must not know: libFuzzer, files.

#![forbid(unsafe_code)]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a target fails by panicking, and is a library only for the sake of its many binaries"
)]

pub mod banner;
pub mod certificate;
pub mod channel;
pub mod engine;
pub mod exchange;
mod input;
pub mod kexinit;
pub mod open;
pub mod packet;
pub mod relay;
mod rig;
pub mod userauth_client;
pub mod userauth_server;

/// A fuzz target: its name, which is also that of its corpus, and what it runs.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("banner", banner::run),
    ("certificate", certificate::run),
    ("channel", channel::run),
    ("engine", engine::run),
    ("exchange", exchange::run),
    ("kexinit", kexinit::run),
    ("open", open::run),
    ("packet", packet::run),
    ("relay", relay::run),
    ("userauth_client", userauth_client::run),
    ("userauth_server", userauth_server::run),
];
