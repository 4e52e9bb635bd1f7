//! The audit log: the events themselves, as leaves of one tree with signed heads.
//!
//! Owns: the envelope of an event and its bytes in the log, the tree of RFC 6962, its proofs, and the text of checkpoints. Invariants: the
//! bytes of a leaf are written once, with the event, and are what is hashed for ever: nothing is encoded again to be verified; equal logs
//! have equal roots, and a log that was edited, cut, reordered or forked has another (R5). Must not know: where leaves are stored, or
//! with which key a checkpoint is signed.
//!
//! A leaf is one line of canonical JSON, so that an exported log is a text file: outsiders verify it with nothing but SHA-256.

pub mod checkpoint;
pub mod envelope;
pub mod proof;
pub mod tree;

pub use checkpoint::{Checkpoint, SignedNote};
pub use envelope::{Envelope, EnvelopeError};
pub use tree::{Frontier, Hash};
