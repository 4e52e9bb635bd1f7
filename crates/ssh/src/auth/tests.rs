//! Both roles back to back, and what the other tests share.

mod dialogue;
pub(super) mod line;
mod random;
