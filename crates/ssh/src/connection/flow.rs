//! Windows (RFC 4254, section 5.2): what the peer may still send us, and what we may still send the peer.
//!
//! Owns: the arithmetic of credit. Invariants: credit goes back to the peer only when somebody has taken the bytes;
//! all that the peers of one connection could make us hold at once stays below one figure. Must not know: messages.

/// What the peer may send, and what it sent that nobody has taken yet.
#[derive(Debug)]
pub(super) struct Receiving {
    /// Bytes the peer may still send.
    window: u32,
    /// Bytes handed out and not consumed.
    held: u32,
    /// `window + held` never exceeds this.
    target: u32,
}

/// The memory that all receive windows of a connection share.
#[derive(Debug)]
pub(super) struct Credit {
    /// Not promised to any channel.
    free: u64,
    window_min: u32,
    window_max: u32,
    /// Channels that could still be opened: each keeps a smallest window in reserve.
    channels_left: u32,
}

impl Credit {
    pub(super) fn new(total: u64, window_min: u32, window_max: u32, channels_max: u32) -> Self {
        let reserve = u64::from(window_min) * u64::from(channels_max);
        Self {
            free: total.max(reserve),
            window_min,
            window_max: window_max.max(window_min),
            channels_left: channels_max,
        }
    }

    /// A window for a new channel, or none when there are too many channels.
    pub(super) fn open(&mut self) -> Option<Receiving> {
        self.channels_left = self.channels_left.checked_sub(1)?;
        self.free = self.free.saturating_sub(u64::from(self.window_min));
        Some(Receiving { window: self.window_min, held: 0, target: self.window_min })
    }

    /// A channel is gone and nobody holds its bytes.
    pub(super) fn close(&mut self, receiving: &Receiving) {
        self.channels_left = self.channels_left.saturating_add(1);
        self.free = self.free.saturating_add(u64::from(receiving.target));
    }

    /// Doubles a window that is used, as far as the memory of the connection goes.
    fn grow(&mut self, target: u32) -> u32 {
        let reserved = u64::from(self.window_min) * u64::from(self.channels_left);
        let spare = self.free.saturating_sub(reserved);
        let more = target.min(self.window_max.saturating_sub(target));
        let more = more.min(u32::try_from(spare).unwrap_or(u32::MAX));
        self.free = self.free.saturating_sub(u64::from(more));
        target.saturating_add(more)
    }
}

impl Receiving {
    /// What the peer is told when the channel opens.
    pub(super) fn window(&self) -> u32 {
        self.window
    }

    /// Bytes that were handed out and are not consumed.
    pub(super) fn held(&self) -> u32 {
        self.held
    }

    /// `count` bytes came. `None` if the peer had no right to send them.
    pub(super) fn receive(&mut self, count: usize) -> Option<()> {
        let count = u32::try_from(count).ok()?;
        self.window = self.window.checked_sub(count)?;
        self.held = self.held.saturating_add(count);
        Some(())
    }

    /// `count` bytes were taken. Never more than are held: the rest is ignored.
    pub(super) fn consume(&mut self, count: usize) {
        self.held = self.held.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// How much credit to send now: nothing until half of the window can be given at once. A window that ran down while
    /// everything was taken at once is too small for the peer's speed, and grows.
    pub(super) fn refill(&mut self, credit: &mut Credit) -> Option<u32> {
        let owed = self.target.saturating_sub(self.window).saturating_sub(self.held);
        if owed == 0 || owed < self.target / 2 {
            return None;
        }
        if self.held == 0 {
            self.target = credit.grow(self.target);
        }
        let owed = self.target.saturating_sub(self.window).saturating_sub(self.held);
        self.window = self.window.saturating_add(owed);
        Some(owed)
    }
}

/// What the peer lets us send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    window: u32,
    packet_bytes_max: u32,
}

/// No data packet of ours is larger, whatever the peer would take.
const CHUNK_BYTES_MAX: u32 = 64 * 1024;

impl Sending {
    pub(super) fn new(window: u32, packet_bytes_max: u32) -> Self {
        Self { window, packet_bytes_max: packet_bytes_max.min(CHUNK_BYTES_MAX) }
    }

    /// Bytes that may be sent now.
    pub(super) fn window(self) -> usize {
        usize::try_from(self.window).unwrap_or(usize::MAX)
    }

    /// The size of the next data packet when `wanted` bytes wait.
    pub(super) fn chunk(self, wanted: usize) -> usize {
        let most = usize::try_from(self.window.min(self.packet_bytes_max)).unwrap_or(0);
        wanted.min(most)
    }

    /// `count` bytes were sent, never more than [`Self::chunk`] said.
    pub(super) fn spend(&mut self, count: usize) {
        self.window = self.window.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// The peer grants more. `None` if the window would exceed 2^32 - 1 bytes (RFC 4254, section 5.2).
    pub(super) fn grant(&mut self, count: u32) -> Option<()> {
        self.window = self.window.checked_add(count)?;
        Some(())
    }
}
