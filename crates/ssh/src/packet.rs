//! The binary packet protocol (RFC 4253, section 6): framing, padding, sequence numbers, sealing.
//!
//! Owns: the bytes that came and are not yet understood ([`Inbox`]), the bytes that wait for the socket
//! ([`Outbox`]), and the keys of both directions. Invariants: a length is checked against a cap before it is
//! waited for; a packet is handed on only when authenticated; while our side of a key exchange runs nothing but
//! its messages leaves (RFC 4253, section 7.1), the rest is held, bounded. Must not know: what a payload means beyond its number.

pub(crate) mod inbox;
mod outbox;

pub use inbox::Inbox;
pub use outbox::{HELD_BYTES_MAX, Outbox, UNSENT_BYTES_MAX, UNSENT_BYTES_SOFT};

/// The largest packet length that is accepted or made: OpenSSH's own limit.
pub const PACKET_BYTES_MAX: usize = 256 * 1024;
/// The same before authentication: RFC 4253 section 6.1 asks for 35,000 bytes.
pub const PACKET_BYTES_MAX_EARLY: usize = 35_000;

/// What one direction has carried under its present keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Volume {
    /// Bytes, headers and tags included.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

impl Volume {
    fn add(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.packets = self.packets.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
