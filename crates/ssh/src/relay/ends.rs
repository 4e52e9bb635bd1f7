//! The two connections of a relay, and what is done to one of them.
//!
//! Owns: nothing. Invariant: what an open connection refuses to do ends it; what is done to one that is over has no effect.

use super::Side;
use crate::connection::{ChannelId, Open, Stream};
use crate::engine::Engine;
use crate::error::Error;

/// Both connections, named by the side that is looked at.
pub(super) struct Ends<'e> {
    pub(super) a: &'e mut Engine,
    pub(super) b: &'e mut Engine,
}

impl Ends<'_> {
    pub(super) fn engine(&mut self, side: Side) -> &mut Engine {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }
}

pub(super) fn send(to: &mut Engine, channel: ChannelId, stream: Stream, bytes: &[u8]) -> usize {
    let mut sent = 0;
    act(to, |open| {
        sent = open.send(channel, stream, bytes)?;
        Ok(())
    });
    sent
}

/// The sender may send as much again.
pub(super) fn give_back(from: &mut Engine, channel: ChannelId, count: usize) {
    act(from, |open| open.consume(channel, count));
}

/// Does something on a connection that is open; what cannot be done ends it.
pub(super) fn act(engine: &mut Engine, act: impl FnOnce(&mut Open<'_>) -> Result<(), Error>) {
    if let Some(mut open) = engine.open_phase() {
        let outcome = act(&mut open);
        if let Err(error) = outcome {
            engine.fail(error);
        }
    }
}
