//! An SSH-2 protocol engine, client and server, made for gateways.
//!
//! Owns: the protocol. Bytes and time go in, bytes and typed events come out. Never knows: sockets, clocks, threads,
//! files, or why somebody is let in.
#![forbid(unsafe_code)]

pub mod cipher;
pub mod entropy;
pub mod error;
pub mod key;
pub mod message;
pub mod packet;
pub mod role;
pub mod time;
pub mod wire;
