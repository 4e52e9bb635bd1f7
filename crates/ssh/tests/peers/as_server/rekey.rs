//! New keys while data flows both ways, on our wish, on each client's, and on both.

use sallyport_ssh::auth::ServerAuthConfig;

use super::{Scene, exchanges};
use crate::coverage::Coverage;
use crate::ours::server::{self, Keys, Server};
use crate::payload::{assert_same, random_bytes};
use crate::peer::{Asking, ClientPeer};

/// So much goes through in each direction …
const BYTES: usize = 3 << 20;
/// … with new keys after so much.
const REKEY_BYTES: u32 = 300_000;

#[tokio::test]
async fn as_we_wish() {
    let mut coverage = Coverage::new("server for", "all clients", "new keys on our wish");
    for peer in ClientPeer::ALL {
        let count = renew(peer, Some(REKEY_BYTES), None).await;
        coverage.tried(peer.name(), &format!("{count} times"));
        assert!(count >= 5, "{}: {count}", peer.name());
    }
    coverage.report(6);
}

#[tokio::test]
async fn as_the_client_wishes() {
    let mut coverage = Coverage::new("server for", "all clients", "new keys on the client's wish");
    for peer in ClientPeer::ALL {
        if peer == ClientPeer::Dbclient {
            // Its limit is part of its code.
            coverage.unknown(peer.name(), "a limit of bytes");
            continue;
        }
        let count = renew(peer, None, Some(REKEY_BYTES)).await;
        coverage.tried(peer.name(), &format!("{count} times"));
        assert!(count >= 3, "{}: {count}", peer.name());
    }
    coverage.report(5);
}

#[tokio::test]
async fn as_both_wish() {
    for peer in ClientPeer::ALL {
        let count = renew(peer, Some(REKEY_BYTES), Some(REKEY_BYTES)).await;
        assert!(count >= 5, "{}: {count}", peer.name());
    }
}

/// How often keys were made for one command.
async fn renew(peer: ClientPeer, ours: Option<u32>, theirs: Option<u32>) -> usize {
    let scene = Scene::new();
    let mut config = server::config(&scene.host_key);
    if let Some(bytes) = ours {
        config.rekey.bytes = bytes.into();
    }
    let door = Keys(vec![scene.user_key.public()]);
    let mut server = Server::start(config, ServerAuthConfig::default(), door).await;
    let input = random_bytes(BYTES, 11);
    let finished = peer.run(&Asking { rekey_bytes: theirs, ..scene.asking(&server, "echo 2") }, &input).await;
    let seen = server.seen_to_the_end().await;
    assert_same(&finished.output, &input, &format!("{}: {seen:?}", peer.name()));
    assert_eq!(finished.status, Some(2), "{}", peer.name());
    exchanges(&seen).len()
}
