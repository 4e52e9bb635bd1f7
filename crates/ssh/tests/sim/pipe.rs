//! Bytes on their way from one engine to another: bounded, and cut anywhere.
//!
//! Owns: the fragmentation. Must not know: what the bytes mean.

use std::collections::VecDeque;

use sallyport_ssh::engine::Engine;
use sallyport_ssh::time::Now;

use crate::random::Random;

/// One direction of a connection.
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    bytes_max: usize,
    piece_bytes_max: usize,
}

impl Pipe {
    pub(crate) fn new(bytes_max: usize, piece_bytes_max: usize) -> Self {
        Self { bytes: VecDeque::new(), bytes_max, piece_bytes_max }
    }

    /// Takes a piece from the sender; answers its length.
    pub(crate) fn fill(&mut self, from: &mut Engine, random: &mut Random) -> usize {
        let room = self.bytes_max - self.bytes.len();
        let most = from.unsent().len().min(room).min(self.piece_bytes_max);
        if most == 0 {
            return 0;
        }
        let count = random.up_to(most);
        self.bytes.extend(&from.unsent()[..count]);
        from.sent(count);
        if random.chance(20) {
            drop(from.reclaim_output());
        }
        count
    }

    /// Gives a piece to the receiver, if it wants one; answers its length.
    pub(crate) fn empty(&mut self, to: &mut Engine, random: &mut Random, now: Now) -> usize {
        let most = self.bytes.len().min(self.piece_bytes_max);
        if most == 0 || !to.wants_read() {
            return 0;
        }
        let count = random.up_to(most);
        if random.chance(10) {
            let lent = random.up_to(4096);
            to.lend(lent, || vec![0xa5; lent]);
        }
        let space = to.space(count);
        assert!(space.len() >= count, "less space than was asked for");
        let (front, back) = self.bytes.as_slices();
        let split = front.len().min(count);
        space[..split].copy_from_slice(&front[..split]);
        space[split..count].copy_from_slice(&back[..count - split]);
        self.bytes.drain(..count);
        to.filled(count, now);
        if random.chance(10) {
            drop(to.reclaim());
        }
        count
    }
}
