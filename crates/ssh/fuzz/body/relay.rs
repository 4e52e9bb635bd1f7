//! A relay between two open connections: a client and a target that both say anything.
//!
//! Asserts: what waits in the relay is bounded by the windows of both connections; pairs are bounded by their channels; a
//! byte that one side was given was sent by the other.

use std::time::Duration;

use sallyport_ssh::connection::ChannelId;
use sallyport_ssh::connection::Stream;
use sallyport_ssh::engine::{Engine, Event, Phase};
use sallyport_ssh::message::connection as msg;
use sallyport_ssh::relay::{Relay, RelayEvent, Side, Stop, Tap};
use sallyport_ssh::time::Now;
use sallyport_ssh::wire::{Reader, encode};

use super::input::Input;
use super::rig;

const STEPS_MAX: usize = 512;

/// Steps: a message of either side, data of either side, a while, a tap that stops a channel.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut bridge = Bridge::new();
    for _ in 0..STEPS_MAX {
        let Some(step) = input.byte() else { break };
        let side = if step & 1 == 0 { Side::A } else { Side::B };
        match step >> 1 & 15 {
            0..=8 => bridge.hear(side, input.chunk()),
            9..=12 => bridge.hear_data(side, input.choice(), input.number() % 300),
            13 => bridge.tap.stops = true,
            _ => bridge.wait(side, Duration::from_secs(u64::from(input.choice()))),
        }
        bridge.turn();
        bridge.check();
        if bridge.is_over() {
            break;
        }
    }
}

/// Two engines and what joins them.
struct Bridge {
    /// Towards the client.
    a: Engine,
    /// Towards the target.
    b: Engine,
    outputs: [rig::Output; 2],
    relay: Relay,
    tap: Counter,
    /// Bytes of data that were sent on.
    forwarded: usize,
    now: Now,
}

/// Counts what comes, and stops one channel when it is told to.
#[derive(Default)]
struct Counter {
    seen: usize,
    stops: bool,
}

impl Tap for Counter {
    fn data(&mut self, _: Side, _: ChannelId, _: Stream, bytes: &[u8]) -> Result<(), Stop> {
        if std::mem::take(&mut self.stops) {
            return Err(Stop);
        }
        self.seen += bytes.len();
        Ok(())
    }
}

impl Bridge {
    fn new() -> Self {
        let now = rig::start();
        let (mut a, mut client) = rig::keyed(None);
        rig::log_in(&mut a, &mut client, now);
        let (mut target, mut b) = rig::keyed(None);
        rig::log_in(&mut target, &mut b, now);
        let outputs = [rig::Output::default(), rig::Output::default()];
        Self { a, b, outputs, relay: Relay::new(), tap: Counter::default(), forwarded: 0, now }
    }

    fn hear(&mut self, side: Side, payload: &[u8]) {
        let now = self.now;
        rig::feed(self.engine(side), &rig::packet(payload), now);
    }

    fn hear_data(&mut self, side: Side, channel: u8, count: usize) {
        let payload = encode(|w| {
            w.u8(msg::CHANNEL_DATA).u32(u32::from(channel % 8)).string(&vec![0; count]);
        });
        self.hear(side, &payload.unwrap());
    }

    fn wait(&mut self, side: Side, passed: Duration) {
        self.now = self.now.after(passed);
        let now = self.now;
        self.engine(side).on_time(now);
    }

    fn engine(&mut self, side: Side) -> &mut Engine {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// As a gateway does that lets everything pass.
    fn turn(&mut self) {
        while let Some(event) = self.relay.turn(&mut self.a, &mut self.b, &mut self.tap, self.now) {
            match event {
                RelayEvent::Event(side, Event::Connection(event)) => {
                    self.relay.pass(side, event, &mut self.a, &mut self.b);
                }
                RelayEvent::Data { side, channel, bytes, .. } => {
                    if let Some(mut open) = self.engine(side).open_phase() {
                        open.consume(channel, bytes.len()).unwrap();
                    }
                }
                RelayEvent::Event(_, Event::ServerAuth(_) | Event::ClientAuth(_)) => {
                    panic!("an event of another phase")
                }
                RelayEvent::Event(..) | RelayEvent::Stopped { .. } => {}
            }
        }
    }

    fn check(&mut self) {
        let credit = usize::try_from(rig::limits().credit_bytes_max).unwrap();
        assert!(self.relay.queued_bytes() <= 2 * credit, "{} bytes wait", self.relay.queued_bytes());
        assert!(self.relay.pair_count() <= usize::try_from(rig::limits().channels_max).unwrap());
        for side in [Side::A, Side::B] {
            rig::check(self.engine(side));
        }
        let [a, b] = &mut self.outputs;
        let said = [a.take(&mut self.a), b.take(&mut self.b)].concat();
        self.forwarded += said.iter().map(|payload| data_bytes(payload)).sum::<usize>();
        assert!(self.forwarded <= self.tap.seen, "bytes that nobody sent");
    }

    fn is_over(&mut self) -> bool {
        let sealed = self.outputs.iter().any(|output| output.sealed);
        let mut ended = |side| matches!(self.engine(side).phase(), Phase::Ended(_));
        sealed || ended(Side::A) || ended(Side::B)
    }
}

/// How many bytes of data a message holds.
fn data_bytes(payload: &[u8]) -> usize {
    let mut r = Reader::new(payload);
    let behind = match r.u8() {
        Ok(msg::CHANNEL_DATA) => 4,
        Ok(msg::CHANNEL_EXTENDED_DATA) => 8,
        _ => return 0,
    };
    r.bytes(behind).unwrap();
    r.string().unwrap().len()
}
