//! A gateway in memory: a client, the gateway's two engines with a relay between them, and a target.

use super::*;
use crate::connection::ChannelKind;
use crate::engine::tests::pair::Pair;

mod memory;
mod order;

/// `near` is between the client and the gateway, `far` between the gateway and the target.
struct Gateway {
    near: Pair,
    far: Pair,
    relay: Relay,
    /// The joined channels, as the client and the target know them.
    client: ChannelId,
    target: ChannelId,
}

impl Gateway {
    fn new() -> Self {
        let (mut near, mut far) = (Pair::new(), Pair::new());
        near.run(|_| false);
        far.run(|_| false);
        let (client, a) = session(&mut near);
        let (b, target) = session(&mut far);
        let mut relay = Relay::new();
        relay.join((a, b), &mut near.server, &mut far.client);
        Self { near, far, relay, client, target }
    }

    /// One turn of the relay.
    fn turn(&mut self) -> Option<RelayEvent> {
        self.relay.turn(&mut self.near.server, &mut self.far.client, &mut NoTap, self.near.now)
    }
}

/// A session that the client of a pair has opened: its number there, and at the server.
fn session(pair: &mut Pair) -> (ChannelId, ChannelId) {
    let asked = pair.client.open_phase().unwrap().open(&ChannelKind::Session).unwrap();
    carry(&mut pair.client, &mut pair.server, pair.now);
    let offer = loop {
        match pair.server.next_event(pair.now) {
            Some(Event::Connection(ConnectionEvent::Offer(offer))) => break offer,
            Some(_) => {}
            None => panic!("no offer came"),
        }
    };
    let accepted = pair.server.open_phase().unwrap().accept(offer).unwrap();
    carry(&mut pair.server, &mut pair.client, pair.now);
    while pair.client.next_event(pair.now).is_some() {}
    (asked, accepted)
}

/// All bytes that wait go over.
fn carry(from: &mut Engine, to: &mut Engine, now: Now) {
    let bytes = from.unsent().to_vec();
    to.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
    to.filled(bytes.len(), now);
    from.sent(bytes.len());
}

/// Bytes of data that come out of an engine now.
fn received(engine: &mut Engine, now: Now) -> usize {
    let mut count = 0;
    while let Some(event) = engine.next_event(now) {
        if let Event::Data { bytes, .. } = event {
            count += bytes.len();
        }
    }
    count
}

/// A window opens by a message that is no event. What waited for it must move in that same turn: no other may follow.
/// Fails if `turn` pumps before it has heard both sides and not after.
#[test]
fn a_window_that_opens_moves_what_waits_at_once() {
    let mut gateway = Gateway::new();
    let now = gateway.near.now;
    let block = vec![7; 64 * 1024];
    // The target fills the client's window, and then the relay.
    for _ in 0..4 {
        gateway.far.server.open_phase().unwrap().send(gateway.target, Stream::Data, &block).unwrap();
        carry(&mut gateway.far.server, &mut gateway.far.client, now);
        assert!(gateway.turn().is_none());
        carry(&mut gateway.far.client, &mut gateway.far.server, now);
        received(&mut gateway.far.server, now);
    }
    assert!(gateway.relay.queued_bytes() > 0, "nothing waits");
    carry(&mut gateway.near.server, &mut gateway.near.client, now);
    let taken = received(&mut gateway.near.client, now);
    assert_eq!(taken, 64 * 1024, "a byte beyond the window");

    gateway.near.client.open_phase().unwrap().consume(gateway.client, taken).unwrap();
    carry(&mut gateway.near.client, &mut gateway.near.server, now);
    let queued = gateway.relay.queued_bytes();
    assert!(gateway.turn().is_none());
    assert!(gateway.relay.queued_bytes() < queued, "what waited still waits");
    assert!(!gateway.near.server.unsent().is_empty());
}

/// What one side does not take stays bounded by the window of the other, however long it goes on.
#[test]
fn a_client_that_does_not_read_stops_the_target() {
    let mut gateway = Gateway::new();
    let now = gateway.near.now;
    let block = vec![7; 64 * 1024];
    let mut sent = 0;
    for _ in 0..200 {
        sent += gateway.far.server.open_phase().unwrap().send(gateway.target, Stream::Data, &block).unwrap();
        carry(&mut gateway.far.server, &mut gateway.far.client, now);
        assert!(gateway.turn().is_none());
        carry(&mut gateway.far.client, &mut gateway.far.server, now);
        received(&mut gateway.far.server, now);
    }
    // The client's window, and one window of the target's, grown at most once before it was no longer taken.
    assert!(sent <= 64 * 1024 + 2 * 128 * 1024, "{sent} bytes were taken in for a client that takes nothing");
    assert_eq!(gateway.relay.queued_bytes(), sent - 64 * 1024);
}
