//! The server's side against clients that mean harm.

mod certificate;
mod identity;
mod limit;
mod order;
mod signature;
