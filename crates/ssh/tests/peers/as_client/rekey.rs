//! New keys while data flows both ways, on our wish, on each server's, and on both.

use crate::coverage::Coverage;
use crate::ours::client::{self, Client, Exit};
use crate::payload::{assert_same, random_bytes};
use crate::peer::{ServerPeer, Serving};
use crate::place::{KeyKind, Place};

/// So much goes through in each direction …
const BYTES: usize = 3 << 20;
/// … with new keys after so much.
const REKEY_BYTES: u32 = 300_000;

#[tokio::test]
async fn as_we_wish() {
    let mut coverage = Coverage::new("client of", "all servers", "new keys on our wish");
    for peer in ServerPeer::ALL {
        let count = renew(peer, Some(REKEY_BYTES), None).await;
        coverage.tried(peer.name(), &format!("{count} times"));
        assert!(count >= 5, "{}: {count}", peer.name());
    }
    coverage.report(6);
}

#[tokio::test]
async fn as_the_server_wishes() {
    let mut coverage = Coverage::new("client of", "all servers", "new keys on the server's wish");
    for peer in ServerPeer::ALL {
        if matches!(peer, ServerPeer::Dropbear | ServerPeer::Tinyssh) {
            // Their limits are part of their code.
            coverage.unknown(peer.name(), "a limit of bytes");
            continue;
        }
        let count = renew(peer, None, Some(REKEY_BYTES)).await;
        coverage.tried(peer.name(), &format!("{count} times"));
        assert!(count >= 3, "{}: {count}", peer.name());
    }
    coverage.report(4);
}

#[tokio::test]
async fn as_both_wish() {
    for peer in ServerPeer::ALL {
        let count = renew(peer, Some(REKEY_BYTES), Some(REKEY_BYTES)).await;
        assert!(count >= 5, "{}: {count}", peer.name());
    }
}

/// How often keys were made for one command.
async fn renew(peer: ServerPeer, ours: Option<u32>, theirs: Option<u32>) -> usize {
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let user_key = place.key("user_key", KeyKind::Ed25519);
    let authorized = [user_key.line()];
    let mut serving = Serving::new(&place, std::slice::from_ref(&host_key), &authorized);
    serving.rekey_bytes = theirs;
    let target = peer.start(&serving).await;
    let mut config = client::config(vec![host_key.public()]);
    if let Some(bytes) = ours {
        config.rekey.bytes = bytes.into();
    }
    let mut client = Client::with_key(&target, config, &user_key).await.unwrap();
    let input = random_bytes(BYTES, 12);
    let done = client.run("cat; exit 2", &input).await.unwrap_or_else(|error| panic!("{}: {error:#}", peer.name()));
    assert_same(&done.output, &input, peer.name());
    assert_eq!(done.exit, Exit::Status(2), "{}", peer.name());
    client.exchanges.len()
}
