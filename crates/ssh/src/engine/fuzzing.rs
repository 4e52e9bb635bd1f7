//! Ways around the key exchange, for fuzz targets alone: behind the feature `fuzzing`, which nothing enables by itself.
//!
//! Owns: an engine as it is behind a first key exchange, with keys that everybody knows, and a mouth that says anything at
//! any time. Nothing else of the engine is different: authentication, channels, rekeying and limits are the real ones.
//! Must not be: part of a program that talks to anybody.

use super::{ClientConfig, Engine, ServerConfig};
use crate::cipher::Cipher;
use crate::entropy::Entropy;
use crate::error::Error;
use crate::time::Now;

pub use crate::transport::fuzzing::KNOWN_SESSION_ID;

impl Engine {
    /// A server behind its first key exchange. Without a cipher its packets are not sealed at all.
    pub fn danger_keyed_server(
        config: &ServerConfig,
        cipher: Option<Cipher>,
        entropy: Box<dyn Entropy>,
        now: Now,
    ) -> Result<Self, Error> {
        Self::server(config, entropy, now)?.keyed(cipher)
    }

    /// A client behind its first key exchange. Without a cipher its packets are not sealed at all.
    pub fn danger_keyed_client(
        config: &ClientConfig,
        cipher: Option<Cipher>,
        entropy: Box<dyn Entropy>,
        now: Now,
    ) -> Result<Self, Error> {
        Self::client(config, entropy, now)?.keyed(cipher)
    }

    /// Sends one message, whatever the phase: a peer that keeps to no rule, but has the keys.
    pub fn danger_say(&mut self, payload: &[u8]) -> Result<(), Error> {
        let (number, body) = payload.split_first().ok_or(Error::Misuse("empty message"))?;
        self.transport.outbox.message(*number, |w| {
            w.bytes(body);
        })
    }

    fn keyed(mut self, cipher: Option<Cipher>) -> Result<Self, Error> {
        self.transport.danger_settle(cipher)?;
        self.keys()?;
        Ok(self)
    }
}
