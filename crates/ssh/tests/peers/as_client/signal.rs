//! Signals that our client sends, and those that ended a command.

use crate::coverage::Coverage;
use crate::ours::client::{self, Client, Exit};
use crate::peer::{ServerPeer, Serving, Target};
use crate::place::{KeyKind, Place};

/// Servers that deliver signals, and say which one ended a command.
#[tokio::test]
async fn delivered() {
    let mut coverage = Coverage::new("client of", "servers that deliver signals", "TERM");
    for peer in [ServerPeer::OpenSsh, ServerPeer::Dropbear, ServerPeer::Asyncssh] {
        let (_place, _target, mut client) = signed_in(peer).await;
        let done = client.run_until_signal("echo ready; exec sleep 60", "TERM").await.unwrap();
        assert_eq!(
            (done.output.as_slice(), done.exit),
            (b"ready\n".as_slice(), Exit::Signal("TERM".to_owned())),
            "{}",
            peer.name()
        );
        coverage.tried(peer.name(), "TERM");
    }
    coverage.report(3);
}

/// A command that ends by a signal of its own. tinysshd says it too.
#[tokio::test]
async fn reported() {
    let mut coverage = Coverage::new("client of", "all servers", "a command that kills itself");
    for peer in ServerPeer::ALL {
        let (_place, _target, mut client) = signed_in(peer).await;
        let done = client.run("cat; kill -9 $$", b"input").await.unwrap();
        assert_eq!(done.output, b"input", "{}", peer.name());
        match done.exit {
            Exit::Signal(name) => {
                assert_eq!(name, "KILL", "{}", peer.name());
                coverage.tried(peer.name(), "exit-signal");
            }
            other => coverage.unknown(peer.name(), &format!("exit-signal ({other:?})")),
        }
    }
    coverage.report(5);
}

/// The client goes before its server, which would wait for it.
async fn signed_in(peer: ServerPeer) -> (Place, Target, Client) {
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let user_key = place.key("user_key", KeyKind::Ed25519);
    let target = peer.start(&Serving::new(&place, std::slice::from_ref(&host_key), &[user_key.line()])).await;
    let client = Client::with_key(&target, client::config(vec![host_key.public()]), &user_key).await.unwrap();
    (place, target, client)
}
