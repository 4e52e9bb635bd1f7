//! Windows and phases of channels, kept beside the engine and in another way: from the messages that go in and come out.
//!
//! Asserts: the peer is never let send more than the limits of the connection hold; no data beyond what the peer granted, in
//! no larger packets than it takes; nothing behind EOF and CLOSE; no message to a channel that there is not; one answer to
//! each request that wants one, not more.
//!
//! A hostile peer may give two channels one number. What is said to that number cannot be told apart then, and is not
//! counted any more; what is received still is.

use std::collections::BTreeMap;

use sallyport_ssh::connection::{ChannelId, ConnectionEvent};
use sallyport_ssh::message::connection as msg;
use sallyport_ssh::wire::{Malformed, Reader};

use super::super::rig;

/// Everything that was said about channels.
#[derive(Default)]
pub(super) struct Ledger {
    channels: BTreeMap<u32, Account>,
    /// What the peer said last, from the number on.
    last: Vec<u8>,
    /// Global requests of the peer that want an answer, and answers to them.
    globals_asked: usize,
    globals_answered: usize,
    /// Two channels have one number of the peer's.
    ambiguous: bool,
}

/// One channel, by our number.
#[derive(Default)]
struct Account {
    /// The peer's number.
    remote: Option<u32>,
    /// What the peer may send, since the channel was opened, and what it sent.
    granted: u64,
    received: u64,
    /// What was received and not consumed.
    held: u64,
    /// What we may send, and what we sent.
    credit: u64,
    sent: u64,
    packet_bytes_max: u64,
    ours: Half,
    asked: usize,
    answered: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    #[default]
    Open,
    Eof,
    Closed,
}

impl Ledger {
    /// The peer says something; what it grants counts whether or not the engine takes it, which is on the safe side.
    pub(super) fn heard(&mut self, payload: &[u8]) {
        self.last = payload.to_vec();
        // What does not decode grants nothing.
        let _ = self.note_heard(payload);
    }

    /// What the peer said last.
    pub(super) fn last(&self) -> &[u8] {
        &self.last
    }

    /// Data came out of the engine.
    pub(super) fn received(&mut self, channel: ChannelId, count: usize) {
        let account = self.channels.get_mut(&number(channel));
        let account = account.expect("data on a channel that there is not");
        let count = u64::try_from(count).unwrap();
        account.received += count;
        account.held += count;
        assert!(account.received <= account.granted || self.ambiguous, "data beyond the window");
    }

    /// The user takes at most `count` bytes; how many there are to take.
    pub(super) fn consume(&mut self, channel: ChannelId, count: usize) -> usize {
        let Some(account) = self.channels.get_mut(&number(channel)) else {
            return count;
        };
        let count = u64::try_from(count).unwrap().min(account.held);
        account.held -= count;
        usize::try_from(count).unwrap()
    }

    /// The user refused an offer: nothing will be said on this channel.
    pub(super) fn refused(&mut self, channel: ChannelId) {
        self.channels.remove(&number(channel));
    }

    /// An event that is not data.
    pub(super) fn happened(&mut self, event: &ConnectionEvent) {
        match event {
            ConnectionEvent::Offer(offer) => {
                let account = offered(&self.last).expect("an offer out of nothing");
                self.ambiguous |= self.knows(account.remote);
                self.channels.insert(number(offer.id()), account);
            }
            ConnectionEvent::Opened { channel } => {
                let (remote, credit, packet) = confirmed(&self.last).expect("opened by another message");
                self.ambiguous |= self.knows(Some(remote));
                let account = self.channels.get_mut(&number(*channel)).unwrap();
                account.remote = Some(remote);
                account.credit = u64::from(credit);
                account.packet_bytes_max = u64::from(packet);
            }
            ConnectionEvent::Request { channel, reply, .. } => {
                let account = self.channels.get_mut(&number(*channel)).unwrap();
                account.asked += usize::from(reply.is_some());
            }
            ConnectionEvent::OpenFailed { channel, .. } => {
                self.channels.remove(&number(*channel));
            }
            ConnectionEvent::Reply { .. }
            | ConnectionEvent::Eof { .. }
            | ConnectionEvent::Closed { .. }
            | ConnectionEvent::Global { .. }
            | ConnectionEvent::GlobalReply { .. } => {}
        }
    }

    /// The engine says something.
    pub(super) fn said(&mut self, payload: &[u8]) {
        if matches!(payload[0], 80..=127) {
            self.note_said(payload).expect("an engine says only what decodes");
        }
    }

    /// The memory that the peer may fill is bounded.
    pub(super) fn check(&self) {
        let limits = rig::limits();
        let most = limits.credit_bytes_max.max(u64::from(limits.channels_max) * u64::from(limits.window_bytes_min));
        let live = |account: &&Account| account.ours != Half::Closed || account.held > 0;
        let owed: u64 = self
            .channels
            .values()
            .filter(live)
            .map(|account| account.granted.saturating_sub(account.received) + account.held)
            .sum();
        assert!(owed <= most || self.ambiguous, "{owed} bytes are promised, of {most}");
        assert!(self.globals_answered <= self.globals_asked, "an answer to nothing");
    }

    /// Nothing is left to be answered, so everything has been.
    pub(super) fn check_answered(&self) {
        assert_eq!(self.globals_answered, self.globals_asked, "a global request without an answer");
        let mut open = self.channels.values().filter(|account| account.ours != Half::Closed);
        assert!(self.ambiguous || open.all(|account| account.answered == account.asked), "a request without an answer");
    }

    fn knows(&self, remote: Option<u32>) -> bool {
        let open = |account: &Account| account.ours != Half::Closed;
        self.channels.values().any(|account| account.remote == remote && open(account))
    }

    fn note_heard(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let mut r = Reader::new(payload);
        match r.u8()? {
            msg::CHANNEL_WINDOW_ADJUST => {
                let (channel, count) = (r.u32()?, r.u32()?);
                if let Some(account) = self.channels.get_mut(&channel) {
                    account.credit += u64::from(count);
                }
            }
            msg::GLOBAL_REQUEST => {
                r.string()?;
                self.globals_asked += usize::from(r.bool()?);
            }
            // A keepalive on a channel is answered without an event.
            msg::CHANNEL_REQUEST => {
                let (channel, name, want) = (r.u32()?, r.string()?, r.bool()?);
                let keepalive = name == b"keepalive@openssh.com" && want;
                if let Some(account) = self.channels.get_mut(&channel) {
                    account.asked += usize::from(keepalive);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_said(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let mut r = Reader::new(payload);
        match r.u8()? {
            msg::CHANNEL_OPEN => {
                r.string()?;
                let (ours, window) = (r.u32()?, r.u32()?);
                let account = Account { granted: u64::from(window), ..Account::default() };
                let earlier = self.channels.insert(ours, account);
                assert!(earlier.is_none(), "a number was used again");
                Ok(())
            }
            msg::CHANNEL_OPEN_CONFIRMATION => {
                let (_, ours, window) = (r.u32()?, r.u32()?, r.u32()?);
                let account = self.channels.get_mut(&ours);
                account.expect("confirmed and never offered").granted = u64::from(window);
                Ok(())
            }
            msg::CHANNEL_OPEN_FAILURE => Ok(()),
            msg::REQUEST_SUCCESS | msg::REQUEST_FAILURE => {
                self.globals_answered += 1;
                Ok(())
            }
            msg::GLOBAL_REQUEST => r.string().map(|_| ()),
            number => self.note_said_on(number, r),
        }
    }

    /// What is said on a channel that is open.
    fn note_said_on(&mut self, number: u8, mut r: Reader<'_>) -> Result<(), Malformed> {
        let remote = r.u32()?;
        if self.ambiguous {
            return Ok(());
        }
        let open = |account: &&mut Account| account.remote == Some(remote) && account.ours != Half::Closed;
        let account = self.channels.values_mut().find(open);
        let account = account.expect("a message to a channel that there is not");
        match number {
            msg::CHANNEL_DATA => account.send(r.string()?.len()),
            msg::CHANNEL_EXTENDED_DATA => {
                r.u32()?;
                account.send(r.string()?.len());
            }
            msg::CHANNEL_WINDOW_ADJUST => account.granted += u64::from(r.u32()?),
            msg::CHANNEL_EOF => {
                assert!(account.ours == Half::Open, "EOF twice");
                account.ours = Half::Eof;
            }
            msg::CHANNEL_CLOSE => account.ours = Half::Closed,
            msg::CHANNEL_SUCCESS | msg::CHANNEL_FAILURE => {
                account.answered += 1;
                assert!(account.answered <= account.asked, "an answer to nothing");
            }
            msg::CHANNEL_REQUEST => {}
            other => panic!("message {other} on a channel"),
        }
        Ok(())
    }
}

impl Account {
    fn send(&mut self, count: usize) {
        let count = u64::try_from(count).unwrap();
        assert!(self.ours == Half::Open, "data behind EOF");
        assert!(count <= self.packet_bytes_max, "a packet larger than the peer takes");
        self.sent += count;
        assert!(self.sent <= self.credit, "data beyond the peer's window");
    }
}

/// What CHANNEL_OPEN says, if it is one.
fn offered(payload: &[u8]) -> Option<Account> {
    let mut r = Reader::new(payload);
    let mut parse = || Ok::<_, Malformed>((r.u8()?, r.string()?, r.u32()?, r.u32()?, r.u32()?));
    let (number, _, remote, window, packet) = parse().ok()?;
    (number == msg::CHANNEL_OPEN).then(|| Account {
        remote: Some(remote),
        credit: u64::from(window),
        packet_bytes_max: u64::from(packet),
        ..Account::default()
    })
}

/// The peer's number, window and packet size in CHANNEL_OPEN_CONFIRMATION, if it is one.
fn confirmed(payload: &[u8]) -> Option<(u32, u32, u32)> {
    let mut r = Reader::new(payload);
    let mut parse = || Ok::<_, Malformed>((r.u8()?, r.u32()?, r.u32()?, r.u32()?, r.u32()?));
    let (number, _, remote, window, packet) = parse().ok()?;
    (number == msg::CHANNEL_OPEN_CONFIRMATION).then_some((remote, window, packet))
}

/// Our number of a channel, as it stands in messages. It is not for users of the engine, but it is shown.
pub(super) fn number(channel: ChannelId) -> u32 {
    let text = channel.to_string();
    text.trim_start_matches("channel ").parse().unwrap()
}
