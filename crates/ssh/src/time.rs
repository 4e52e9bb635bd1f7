//! Time as the engine sees it: a value that somebody else read.
//!
//! Owns: the pair of clocks. Invariant: nothing in the engine reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One reading of both clocks, handed in with every step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For deadlines: never steps back.
    pub monotonic: Instant,
    /// For the validity of certificates, and for nothing else.
    pub wall: SystemTime,
}

impl Now {
    /// Seconds since 1970; a clock before 1970 counts as 0, so certificates are then not yet valid.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        self.wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// Both clocks moved on by the same time.
    #[must_use]
    pub fn after(self, passed: Duration) -> Self {
        Self { monotonic: self.monotonic + passed, wall: self.wall + passed }
    }
}
