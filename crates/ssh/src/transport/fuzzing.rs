//! The end of a first key exchange that never took place: see [`crate::engine::fuzzing`].
//!
//! Owns: the keys that everybody knows. They differ by direction, as real ones do.

use zeroize::Zeroizing;

use super::{Kex, Keys, Negotiated, State, Transport, Versions};
use crate::cipher::{Cipher, KeyMaterial, Opener, Sealer};
use crate::error::Error;
use crate::kex::{Direction, Strict};
use crate::packet::inbox::Numbering;
use crate::role::Role;

/// The session identifier of every such connection, so that what was signed for one holds for all.
pub const KNOWN_SESSION_ID: &[u8] = b"a session id that everybody knows";

impl Transport {
    /// As if versions and keys had been exchanged. The version line that waits to be sent is not.
    pub(crate) fn danger_settle(&mut self, cipher: Option<Cipher>) -> Result<(), Error> {
        let (seal, open) = match self.role {
            Role::Client => (Direction::ClientToServer, Direction::ServerToClient),
            Role::Server => (Direction::ServerToClient, Direction::ClientToServer),
        };
        let version = self.outbox.unsent().len();
        self.outbox.sent(version);
        if let Some(cipher) = cipher {
            let sealer = Sealer::new(cipher, &known_keys(cipher, seal))?;
            self.outbox.rekey(sealer, Numbering::Restart);
            let opener = Opener::new(cipher, &known_keys(cipher, open))?;
            self.inbox.rekey(opener, Numbering::Restart);
        }
        let versions = Versions { ours: self.config.version_line().into_bytes(), theirs: b"SSH-2.0-known".to_vec() };
        self.state = State::Packets { versions, kex: Kex::Idle };
        let cipher = cipher.unwrap_or(Cipher::Aes128Gcm);
        self.keys = Some(Keys {
            session_id: KNOWN_SESSION_ID.to_vec(),
            strict: Strict::Yes,
            negotiated: Negotiated {
                method: "none, for fuzzing",
                host_key: "none, for fuzzing",
                client_to_server: cipher,
                server_to_client: cipher,
                strict: Strict::Yes,
            },
        });
        Ok(())
    }
}

fn known_keys(cipher: Cipher, direction: Direction) -> KeyMaterial {
    let sizes = cipher.key_sizes();
    let byte = match direction {
        Direction::ClientToServer => 0xc5,
        Direction::ServerToClient => 0x5c,
    };
    let fill = |bytes: usize| Zeroizing::new(vec![byte; bytes]);
    KeyMaterial { key: fill(sizes.key), iv: fill(sizes.iv), mac: fill(sizes.mac) }
}
