//! OpenSSH's client and what people run over it, against the example host: directly, and through the example gateway in front
//! of it.
//!
//! The programs are the built examples, the clients are the installed ones; nothing is imitated. Each test starts a host of its
//! own (and a gateway), at free loopback ports, and ends both by SIGTERM: that they end, and say nothing on standard error, is
//! part of every test. It must not know how the engine or the examples are built.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test may panic: that is how it fails"
)]

/// Makes two tests of each function: one without and one with the gateway.
macro_rules! on_both_routes {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            use crate::bed::{Bed, Route};

            #[tokio::test]
            async fn directly() -> anyhow::Result<()> {
                let bed = Bed::start(Route::Direct, &[]).await?;
                super::$name(&bed).await?;
                bed.end().await
            }

            #[tokio::test]
            async fn through_the_gateway() -> anyhow::Result<()> {
                let bed = Bed::start(Route::Gateway, &[]).await?;
                super::$name(&bed).await?;
                bed.end().await
            }
        }
    )+ };
}

mod bed;
mod command;
mod demo;
mod ending;
mod file;
mod flow;
mod folder;
mod forward;
mod login;
mod master;
mod terminal;
