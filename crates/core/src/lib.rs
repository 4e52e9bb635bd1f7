//! The domain of sallyport, pure: what may be asked for, whose yes it takes, what follows from it, and how that is proved.
//!
//! Owns: every rule. Invariants: no IO, no clock, no randomness: the time, random bytes and the current policy are arguments.
//! Only events and policy are serialisable, because they are file formats. Must not know: protocols, databases, pages, secrets.
#![forbid(unsafe_code)]

pub mod canonical;
pub mod capability;
pub mod digest;
pub mod directory;
pub mod escape;
pub mod id;
pub mod justification;
pub mod name;
pub mod policy;
pub mod principal;
pub mod role;
pub mod rule;
pub mod target;
pub mod time;
