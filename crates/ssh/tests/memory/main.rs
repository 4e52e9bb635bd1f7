//! What connections cost on the heap, counted by the allocator: the figures of `docs/concepts/ssh-engine.md`, held against it.
//!
//! Counted is what Rust allocates. The key contexts of the cryptographic library, which it allocates by itself, are not (about
//! 2 KiB a connection). One test at a time: the count is that of the whole process.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failing test may panic: that is how it fails"
)]

mod gateway;

use std::sync::{Mutex, MutexGuard, PoisonError};

use gateway::Gateway;
use peak_alloc::PeakAlloc;
use sallyport_ssh::connection::{ConnectionLimits, Stream};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails when an idle engine keeps a buffer, or something of its key exchange.
#[test]
fn an_idle_connection_with_its_channel_costs_little() {
    let _alone = alone();
    drop(Gateway::open(&ConnectionLimits::default())); // what is set up once for all
    let before = HEAP.current_usage();
    let mut gateway = Gateway::open(&ConnectionLimits::default());
    gateway.channel();
    gateway.settle();
    // A gateway is two connections, and so are the client and the target beside it.
    let each = (HEAP.current_usage() - before) / 4;
    eprintln!("{each} bytes for an idle connection with its channel");
    assert!(each <= 8 * KIB, "{each} bytes for an idle connection with its channel");
}

/// Fails when a channel that is gone leaves anything behind, or buffers are not given back.
#[test]
fn what_was_used_is_given_back() {
    let _alone = alone();
    let mut gateway = Gateway::open(&ConnectionLimits::default());
    let work = |gateway: &mut Gateway, channels: usize| {
        for _ in 0..channels {
            let (client, target) = gateway.channel();
            gateway.send_up(client, Stream::Data, &vec![7; 60_000]);
            gateway.send_down(target, Stream::Data, &vec![8; 60_000]);
            gateway.settle();
            gateway.close(client, target);
            gateway.settle();
        }
    };
    work(&mut gateway, 10);
    let before = HEAP.current_usage();
    work(&mut gateway, 300);
    let after = HEAP.current_usage();
    assert_eq!(gateway.relayed, 310 * 120_000);
    eprintln!("{before} bytes before, {after} after 300 channels and {} MB", gateway.relayed / 1_000_000);
    assert!(after <= before + KIB, "{before} bytes before, {after} after 300 channels");
}

/// All channels are full, and nobody reads. Fails when a window grows beyond the credit, or the relay keeps what it did not pay for.
#[test]
fn readers_that_have_stopped_cost_what_is_said() {
    let _alone = alone();
    let mut gateway = Gateway::open(&ConnectionLimits::default());
    let channels: Vec<_> = (0..ConnectionLimits::default().channels_max).map(|_| gateway.channel()).collect();
    // Grow the windows of some as far as it goes, then stop reading.
    for (client, target) in channels.iter().take(6) {
        for _ in 0..10 {
            gateway.send_up(*client, Stream::Data, &vec![7; 250_000]);
            gateway.send_down(*target, Stream::Data, &vec![8; 250_000]);
            gateway.settle();
        }
    }
    gateway.stop_reading();
    let before = HEAP.current_usage();
    for (client, target) in &channels {
        for _ in 0..40 {
            let sent = gateway.send_up(*client, Stream::Data, &vec![7; 250_000]);
            let back = gateway.send_down(*target, Stream::Data, &vec![8; 250_000]);
            gateway.settle();
            if sent + back == 0 {
                break;
            }
        }
    }
    let held = gateway.relay.queued_bytes();
    let cost = HEAP.current_usage() - before;
    let credit = usize::try_from(ConnectionLimits::default().credit_bytes_max).unwrap();
    eprintln!("{held} bytes are held in the relay, which cost {cost}");
    assert!(held > credit, "only {held} bytes are held: the test does not reach what it is about");
    assert!(held <= 2 * credit, "{held} bytes are held of {credit} for each connection");
    assert!(cost <= 2 * 2 * credit + 4 * MIB, "{held} bytes cost {cost}");
}

/// The same with pieces of one byte. Fails when each piece is kept by itself.
#[test]
fn p14_single_bytes_cost_little_more_than_large_pieces() {
    let _alone = alone();
    let mut gateway = Gateway::open(&ConnectionLimits::default());
    let (client, _) = gateway.channel();
    gateway.stop_reading();
    gateway.settle();
    let before = HEAP.current_usage();
    let mut sent = 0;
    for at in 0.. {
        let stream = if at % 2 == 0 { Stream::Data } else { Stream::STDERR };
        if gateway.send_up(client, stream, b"x") == 0 {
            break;
        }
        sent += 1;
        if at % 500 == 0 {
            gateway.settle();
        }
    }
    gateway.settle();
    let cost = HEAP.current_usage() - before;
    eprintln!("{sent} single bytes cost {cost}");
    assert!(sent >= 64 * KIB, "only {sent} bytes");
    assert!(cost <= 2 * sent + 256 * KIB, "{sent} bytes cost {cost}");
}
