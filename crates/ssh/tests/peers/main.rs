//! Our engine and the programs that others wrote, in both roles, over real sockets.
//!
//! Owns: nothing but these tests. Each starts what it needs on loopback and ends it by its process id; `./test` brings the programs.
//! `as_client`: our client role towards servers. `as_server`: our server role towards clients. `through`: the example gateway
//! between a client and a server, which has both roles at once. What a peer does not know is listed in the tables that the
//! tests print, from the peer's own KEXINIT; nothing is skipped silently.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a failing test may panic: that is how it fails; tables are its output, and tests may look at the clock"
)]

mod account;
mod as_client;
mod as_server;
mod coverage;
mod gateway;
mod inetd;
mod knowledge;
mod ours;
mod payload;
mod peer;
mod place;
mod program;
mod through;
