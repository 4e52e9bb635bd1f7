//! Our host key, plain and certified, as clients see it.

use std::process::Stdio;
use std::sync::Arc;

use sallyport_ssh::auth::ServerAuthConfig;
use sallyport_ssh::transport::HostSide;

use super::{Scene, exchanges};
use crate::coverage::Coverage;
use crate::ours::server::{self, Keys, Server};
use crate::peer::{Asking, ClientPeer, Host, openssh};
use crate::place::{KeyKind, read};
use crate::program::{soon, spawn, until};

/// Clients that know host certificates and only an authority believe ours; those that know none refuse what they cannot judge.
#[tokio::test]
async fn certified() {
    let mut coverage = Coverage::new("server for", "all clients", "our host certificate by ssh-keygen");
    for peer in ClientPeer::ALL {
        let scene = Scene::new();
        let authority = scene.place.key("authority", KeyKind::Ed25519);
        scene.host_key.certify(&authority, &["-h", "-n", "127.0.0.1", "-V", "-1m:+1h"]);
        let server = scene.server().await;
        let knows = knows_certificates(peer);
        let host = if knows { Host::Authority(&authority) } else { Host::Key(&scene.host_key) };
        let (finished, host_key) = show(peer, server, Asking { host, ..scene.asking_nobody() }).await;
        assert_eq!(finished, Some(6), "{}", peer.name());
        if knows {
            assert_eq!(host_key, "ssh-ed25519-cert-v01@openssh.com", "{}", peer.name());
            coverage.tried(peer.name(), &host_key);
        } else {
            // Our server offered both; that the plain key was taken is the client's own word.
            assert_eq!(host_key, "ssh-ed25519", "{}", peer.name());
            coverage.unknown(peer.name(), "host certificates");
        }
    }
    coverage.report(4);
}

/// A certificate for another name, and another key than the known one: every client goes away before it signs in.
#[tokio::test]
async fn not_believed() {
    for peer in ClientPeer::ALL {
        let scene = Scene::new();
        let other = scene.place.key("other_key", KeyKind::Ed25519);
        let server = scene.server().await;
        let (status, _) = show(peer, server, Asking { host: Host::Key(&other), ..scene.asking_nobody() }).await;
        assert_ne!(status, Some(6), "{} took another key", peer.name());

        if knows_certificates(peer) {
            let authority = scene.place.key("authority", KeyKind::Ed25519);
            scene.host_key.certify(&authority, &["-h", "-n", "elsewhere.test", "-V", "-1m:+1h"]);
            let server = scene.server().await;
            let host = Host::Authority(&authority);
            let (status, _) = show(peer, server, Asking { host, ..scene.asking_nobody() }).await;
            assert_ne!(status, Some(6), "{} took a certificate for another name", peer.name());
        }
    }
}

/// dbclient and paramiko have no host certificates: their KEXINITs do not name any.
fn knows_certificates(peer: ClientPeer) -> bool {
    !matches!(peer, ClientPeer::Dbclient | ClientPeer::Paramiko)
}

impl Scene {
    /// A request that still lacks the server's address.
    fn asking_nobody(&self) -> Asking<'_> {
        Asking {
            place: &self.place,
            address: ([127, 0, 0, 1], 0).into(),
            user: "alice",
            key: &self.user_key,
            with_certificate: false,
            host: Host::Key(&self.host_key),
            command: "echo 6",
            rekey_bytes: None,
        }
    }
}

/// The client's exit status, and the host key algorithm that was agreed on.
async fn show(peer: ClientPeer, mut server: Server, asking: Asking<'_>) -> (Option<i32>, String) {
    let finished = peer.run(&Asking { address: server.address, ..asking }, b"").await;
    let seen = server.seen_to_the_end().await;
    let host_key = exchanges(&seen).first().map_or("none", |keys| keys.host_key).to_owned();
    (finished.status, host_key)
}

/// The key that a client is told of beside ours can be proved: OpenSSH writes it into its file only then.
#[tokio::test]
async fn next_keys_are_proved() {
    let scene = Scene::new();
    let next = scene.place.key("next_key", KeyKind::Ed25519);
    let mut config = server::config(&scene.host_key);
    let HostSide::Server(identity) = &mut config.host else { panic!("a server has an identity") };
    identity.next_keys = vec![Arc::new(next.signing())];
    let door = Keys(vec![scene.user_key.public()]);
    let server = Server::start(config, ServerAuthConfig::default(), door).await;
    let port = server.address.port();
    let mut command = openssh::client("ssh", &scene.asking(&server, ""));
    command.args(["-o", "UpdateHostKeys=yes", "-p", &port.to_string(), "alice@127.0.0.1", "echo 0"]);
    let mut ssh = spawn(command.stdin(Stdio::piped()));
    let known_hosts = scene.place.path(&format!("known_hosts-{port}"));
    until("the key in known_hosts", || read(&known_hosts).contains(&next.line())).await;
    drop(ssh.stdin.take());
    assert!(soon("the end of ssh", ssh.wait()).await.unwrap().success());
}
