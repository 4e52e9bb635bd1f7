//! The example gateway between a client and a server: both roles at once, and the relay.

mod agent;
mod audit;
mod flow;
mod forward;
mod peer;
mod rekey;
mod session;
mod terminal;
mod transfer;
