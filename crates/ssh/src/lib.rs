//! An SSH-2 protocol engine, client and server, made for gateways.
//!
//! Owns: the protocol. Bytes and time go in, bytes and typed events come out. Never knows: sockets, clocks, threads,
//! files, or why somebody is let in.
#![forbid(unsafe_code)]

pub mod auth;
pub mod cipher;
pub mod connection;
#[cfg(feature = "tokio")]
pub mod driver;
pub mod engine;
pub mod entropy;
pub mod error;
pub mod kex;
pub mod key;
pub mod lobby;
pub mod message;
pub mod packet;
pub mod relay;
pub mod role;
pub mod time;
pub mod transport;
pub mod wire;
