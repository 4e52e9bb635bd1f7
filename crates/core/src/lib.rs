//! The domain of sallyport, pure: what may be asked for, whose yes it takes, what follows from it, and how that is proved.
//!
//! Owns: every rule. Invariants: no IO, no clock, no randomness: the time, random bytes and the current policy are arguments.
//! Only events and policy are serialisable, because they are file formats. Must not know: protocols, databases, pages, secrets.
#![forbid(unsafe_code)]

pub mod approval;
pub mod audit;
pub mod canonical;
pub mod capability;
pub mod digest;
pub mod directory;
pub mod effect;
pub mod escape;
pub mod event;
pub mod grant;
pub mod id;
pub mod justification;
pub mod lease;
pub mod lifecycle;
pub mod name;
pub mod permit;
pub mod policy;
pub mod principal;
pub mod refusal;
pub mod request;
pub mod review;
pub mod role;
pub mod rule;
pub mod run;
pub mod session;
pub mod target;
pub mod time;

#[cfg(test)]
mod history;
