//! What a relay keeps costs about as much as it is long, in whatever pieces it came.

use super::*;
use crate::relay::flow::Flow;

/// Heap that a flow may take for `queued` bytes.
fn fair(queued: usize) -> usize {
    2 * queued + 200 * 1024
}

/// Bytes of each stream, in order, as they come out.
fn drain(flow: &mut Flow) -> BTreeMap<u32, Vec<u8>> {
    let mut streams: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    while let Some((stream, bytes)) = flow.front() {
        let count = bytes.len().min(1000);
        streams.entry(code(stream)).or_default().extend(&bytes[..count]);
        flow.took(count);
    }
    assert_eq!((flow.queued(), flow.heap_bytes()), (0, 0), "an empty flow keeps memory");
    streams
}

fn code(stream: Stream) -> u32 {
    match stream {
        Stream::Data => 0,
        Stream::Extended(code) => code,
    }
}

/// Fails when each piece gets an allocation of its own.
#[test]
fn p14_small_pieces_cost_no_more_than_large_ones() {
    let streams: [&[Stream]; 3] =
        [&[Stream::Data], &[Stream::Data, Stream::STDERR], &[Stream::Data, Stream::STDERR, Stream::Extended(2)]];
    for streams in streams {
        let mut flow = Flow::default();
        let mut sent: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        for at in 0..300_000_usize {
            let stream = streams[at % streams.len()];
            let byte = at.to_le_bytes()[1] ^ at.to_le_bytes()[0];
            flow.keep(stream, &[byte]).unwrap();
            sent.entry(code(stream)).or_default().push(byte);
        }
        assert_eq!(flow.queued(), 300_000);
        assert!(flow.heap_bytes() <= fair(300_000), "{} bytes for 300,000 on {streams:?}", flow.heap_bytes());
        assert_eq!(drain(&mut flow), sent);
    }
}

/// Fails when a chunk is added to for ever, so that what is gone of it is never given back.
#[test]
fn p14_a_flow_that_never_runs_dry_does_not_grow() {
    let mut flow = Flow::default();
    flow.keep(Stream::Data, &[0; 1000]).unwrap();
    for _ in 0..20_000 {
        flow.keep(Stream::Data, &[1; 500]).unwrap();
        let mut left = 500;
        while left > 0 {
            let (_, bytes) = flow.front().unwrap();
            let count = bytes.len().min(left);
            flow.took(count);
            left -= count;
        }
        assert_eq!(flow.queued(), 1000);
    }
    assert!(flow.heap_bytes() <= fair(1000), "{} bytes for 1,000", flow.heap_bytes());
}

/// While little waits, streams keep their order among each other.
#[test]
fn streams_keep_their_order_among_each_other() {
    let mut flow = Flow::default();
    let said = [(Stream::Data, "a"), (Stream::STDERR, "b"), (Stream::Data, "c"), (Stream::STDERR, "d")];
    for (stream, text) in said {
        flow.keep(stream, text.as_bytes()).unwrap();
    }
    for (stream, text) in said {
        assert_eq!(flow.front(), Some((stream, text.as_bytes())));
        flow.took(1);
    }
}

/// There is one kind of extended data (RFC 4254, section 5.2); whoever invents thousands wants something else.
#[test]
fn p14_streams_without_number_are_refused() {
    let mut flow = Flow::default();
    let refused = (0..100_000).find(|code| flow.keep(Stream::Extended(*code), b"x").is_err());
    assert!(refused.is_some_and(|code| code < 1000), "{refused:?}");
    assert!(flow.heap_bytes() <= fair(flow.queued()));
}

/// An offer that waits for the other side's answer is remembered by its number: what it asked for may be long. Fails when
/// `pass_offer` keeps the kind.
#[test]
fn p14_offers_that_wait_are_small() {
    let mut gateway = Gateway::new();
    let now = gateway.near.now;
    let kind = ChannelKind::Unknown { name: "long@example.com".to_owned(), data: vec![0; 200 * 1024] };
    gateway.near.client.open_phase().unwrap().open(&kind).unwrap();
    carry(&mut gateway.near.client, &mut gateway.near.server, now);
    let Some(RelayEvent::Event(side, Event::Connection(event))) = gateway.turn() else { panic!("no offer") };
    gateway.relay.pass(side, event, &mut gateway.near.server, &mut gateway.far.client);
    let kept: Vec<_> = gateway.relay.opening.values().collect();
    assert_eq!(kept.len(), 1);
    assert!(!matches!(kept[0].kind, ChannelKind::Unknown { .. }), "200 KiB are kept for an answer");
}
