//! An SSH-2 protocol engine, client and server, made for gateways.
//!
//! Owns: the protocol. Bytes and time go in, bytes and typed events come out. Never knows: sockets, clocks, threads, files, or why
//! somebody is let in.
//!
//! # What it is
//!
//! An [`Engine`](engine::Engine) is one side of one connection. Whoever owns it hands in what came from the peer, asks for
//! [events](engine::Event), answers them, and sends what waits. A connection comes through phases, and what may be done in a phase
//! hangs on a view that [`Engine::phase`](engine::Engine::phase) gives out in that phase alone: there is no way to open a channel on a
//! connection that nobody signed in to, because there is nothing to call. States inside are enum variants that own their data and
//! are consumed by each step.
//!
//! | layer | module | RFC |
//! |---|---|---|
//! | types on the wire | [`wire`] | 4251 |
//! | packets, sealing | [`packet`], [`cipher`] | 4253, 5647, 4344 |
//! | key exchange, versions, extensions | [`transport`], [`kex`] | 4253, 5656, 8268, 8308, 8731 |
//! | keys, certificates, trust | [`key`] | 8709, 8332, 5656, OpenSSH PROTOCOL.certkeys, PROTOCOL.u2f |
//! | signing in | [`auth`] | 4252, 4256 |
//! | channels and windows | [`connection`] | 4254, 4335, OpenSSH PROTOCOL |
//! | one connection | [`engine`] | |
//! | two connections joined | [`relay`] | |
//! | on a socket of tokio | [`driver`] | |
//! | who may wait at the door | [`lobby`] | |
//!
//! # Flow control
//!
//! Bytes that come on a channel stay counted against its window until
//! [`consume`](connection::Open::consume) says that somebody has taken them, and only then does the peer get credit for more. A
//! [`Relay`](relay::Relay) consumes what the other side has accepted. So a program that does not read stops the program that writes,
//! through the gateway as without it, and what a gateway holds in between is bounded: by
//! [`ConnectionLimits::credit_bytes_max`](connection::ConnectionLimits::credit_bytes_max) for all channels of a connection together, 16 MiB
//! by default. The buffers below it are bounded too (256 KiB to read into, at most 1 MiB + one packet to send, 256 KiB held
//! during a key exchange), which makes 18 MiB the most that a connection can take, and an idle one takes a few KiB: buffers are given
//! back when they are empty.
//!
//! # A server in a few lines
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use sallyport_ssh::auth::{Attempt, MethodSet, ServerAuthConfig, ServerAuthEvent};
//! use sallyport_ssh::connection::{ConnectionEvent, ConnectionLimits, OpenFailure};
//! use sallyport_ssh::driver::{Link, now};
//! use sallyport_ssh::engine::{Engine, Event, Phase, ServerConfig, Timing};
//! use sallyport_ssh::entropy::SystemEntropy;
//! use sallyport_ssh::key::{PublicKey, SigningKey};
//! use sallyport_ssh::transport::{HostIdentity, TransportConfig};
//!
//! async fn serve(stream: tokio::net::TcpStream, known: &PublicKey) -> Result<(), Box<dyn std::error::Error>> {
//!     let identity = HostIdentity { key: Arc::new(SigningKey::generate()?), certificate: None, next_keys: Vec::new() };
//!     let config = ServerConfig {
//!         transport: Arc::new(TransportConfig::server(identity)),
//!         auth: Arc::new(ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, ..ServerAuthConfig::default() }),
//!         connection: ConnectionLimits::default(),
//!         timing: Timing::default(),
//!     };
//!     let mut link = Link::new(stream, Engine::server(&config, Box::new(SystemEntropy), now())?);
//!     while let Some(event) = link.next().await {
//!         match event {
//!             Event::ServerAuth(event) => {
//!                 let Phase::ServerAuth(mut login) = link.engine.phase() else { continue };
//!                 match event {
//!                     // A key that is merely offered proves nothing: the answer only says whether to go on.
//!                     ServerAuthEvent::Offered(offer) => login.acceptable(offer)?,
//!                     // This one signed. `accept` takes nothing less.
//!                     ServerAuthEvent::Verified(who) if who.presented().key() == known => login.accept(who)?,
//!                     ServerAuthEvent::Verified(who) => login.reject(who, now())?,
//!                     ServerAuthEvent::None(nobody) => login.reject(nobody, now())?,
//!                     _ => {}
//!                 }
//!             }
//!             Event::Connection(ConnectionEvent::Offer(offer)) => {
//!                 if let Some(mut open) = link.engine.open_phase() {
//!                     open.refuse(offer, OpenFailure::ADMINISTRATIVELY_PROHIBITED, "nothing to see here")?;
//!                 }
//!             }
//!             Event::Ended(reason) => println!("{reason}"),
//!             _ => {}
//!         }
//!     }
//!     link.finish().await;
//!     Ok(())
//! }
//! ```
//!
//! `examples/gateway` is a whole gateway on two engines and a relay; `examples/host` is a target with shells, sftp and forwards.
//! What each state makes of every message is written down in `docs/reference/ssh-states.md`, deviations from the RFCs in `docs/concepts/ssh-engine.md`.
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
