//! We ask servers whether they are still there.

use std::time::Duration;

use sallyport_ssh::engine::Timing;
use tokio::task::JoinSet;

use crate::ours::client::{self, Client, Exit};
use crate::peer::{ServerPeer, Serving};
use crate::place::{KeyKind, Place};

/// Every server answers, each in its own way; one that did not would be gone after two and a half seconds.
#[tokio::test]
async fn answered_by_every_server() {
    let mut running = JoinSet::new();
    for peer in ServerPeer::ALL {
        running.spawn(is_silent(peer));
    }
    assert_eq!(running.join_all().await.len(), 6);
}

async fn is_silent(peer: ServerPeer) {
    let timing = Timing { keepalive: Duration::from_millis(500), keepalives_max: 4, ..Timing::default() };
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let user_key = place.key("user_key", KeyKind::Ed25519);
    let target = peer.start(&Serving::new(&place, std::slice::from_ref(&host_key), &[user_key.line()])).await;
    let config = client::config(vec![host_key.public()]);
    let mut client = Client::with_timing(&target, config, timing, &user_key).await.unwrap();
    // The passing of time is what is tested.
    let done =
        client.run("sleep 4; cat; exit 5", b"after").await.unwrap_or_else(|error| panic!("{}: {error:#}", peer.name()));
    assert_eq!((done.output.as_slice(), done.exit), (b"after".as_slice(), Exit::Status(5)), "{}", peer.name());
}
