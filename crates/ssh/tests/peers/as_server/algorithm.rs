//! Every key exchange method with every cipher, with every client.

use std::net::SocketAddr;

use sallyport_ssh::auth::ServerAuthConfig;
use tokio::net::TcpListener;

use super::{Scene, exchanges};
use crate::coverage::Coverage;
use crate::knowledge::{self, Knowledge};
use crate::ours::server::{self, Keys, Seen, Server};
use crate::ours::{CIPHERS, METHODS, METHODS_LEGACY, cipher_name};
use crate::payload::{assert_same, mebibyte};
use crate::peer::{Asking, ClientPeer, openssh, russh};
use crate::program::{finish, soon};

#[tokio::test]
async fn with_ssh() {
    with(ClientPeer::OpenSsh, 6).await;
}

#[tokio::test]
async fn with_plink() {
    with(ClientPeer::Plink, 6).await;
}

#[tokio::test]
async fn with_dbclient() {
    with(ClientPeer::Dbclient, 1).await;
}

#[tokio::test]
async fn with_paramiko() {
    with(ClientPeer::Paramiko, 4).await;
}

#[tokio::test]
async fn with_asyncssh() {
    with(ClientPeer::Asyncssh, 6).await;
}

#[tokio::test]
async fn with_russh() {
    with(ClientPeer::Russh, 6).await;
}

/// Tries all that we and the client know, and lists the rest. We are narrowed, so that the client has no choice.
async fn with(peer: ClientPeer, tried_min: usize) {
    let scene = Scene::new();
    let knowledge = ask(peer, &scene).await;
    let mut coverage = Coverage::of("server for", peer.name(), &knowledge);
    for method in METHODS {
        if !method.names().iter().any(|name| knowledge.methods.contains(*name)) {
            coverage.unknown("key exchange", method.names()[0]);
            continue;
        }
        for cipher in CIPHERS.into_iter().filter(|cipher| knowledge.ciphers.contains(cipher.name())) {
            let what = format!("{method:?} with {}", cipher_name(cipher));
            let mut config = server::config(&scene.host_key);
            config.preferences.methods = vec![method];
            config.preferences.ciphers = vec![cipher];
            let door = Keys(vec![scene.user_key.public()]);
            let mut server = Server::start(config, ServerAuthConfig::default(), door).await;
            let input = mebibyte(2);
            let finished = peer.run(&scene.asking(&server, "echo 7"), &input).await;
            assert_same(&finished.output, &input, &what);
            assert_eq!(finished.status, Some(7), "{what}");
            let seen = server.seen_to_the_end().await;
            // Nothing that the client did to the last was against the protocol.
            assert!(matches!(seen.last(), Some(Seen::Ended(why)) if why == "disconnected"), "{what}: {seen:?}");
            for keys in exchanges(&seen) {
                assert!(method.names().contains(&keys.method), "{what}: {keys:?}");
                assert_eq!((keys.client_to_server, keys.server_to_client), (cipher, cipher), "{what}");
            }
            coverage.tried(&format!("{method:?}"), cipher.name());
        }
    }
    for cipher in CIPHERS.into_iter().filter(|cipher| !knowledge.ciphers.contains(cipher.name())) {
        coverage.unknown("cipher", cipher.name());
    }
    coverage.report(tried_min);
}

/// What a client lists when it connects.
async fn ask(peer: ClientPeer, scene: &Scene) -> Knowledge {
    let asking = |address: SocketAddr| Asking {
        place: &scene.place,
        address,
        user: "alice",
        key: &scene.user_key,
        with_certificate: false,
        host: crate::peer::Host::Key(&scene.host_key),
        command: "",
        rekey_bytes: None,
    };
    if peer != ClientPeer::Russh {
        // The programs are made beforehand, because some need to be asked for files first.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let command = peer.program(&asking(listener.local_addr().unwrap())).await.unwrap();
        return knowledge::of_client(listener, command).await;
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async { knowledge::listen(listener.accept().await.unwrap().0).await };
    let asking = asking(address);
    let (_, knowledge) = soon("russh's KEXINIT", async { tokio::join!(russh::connect(&asking), answer) }).await;
    knowledge
}

/// Methods that have two names are called by each of them, by the client that can be told which. What it lists is what it knows.
#[tokio::test]
async fn either_name_of_a_method() {
    let scene = Scene::new();
    let known = openssh::query("kex").await;
    let mut coverage = Coverage::new("server for", "OpenSSH ssh", "ssh -Q kex");
    for name in METHODS.iter().flat_map(|method| method.names()) {
        if !known.iter().any(|known| known == name) {
            coverage.unknown("name", name);
            continue;
        }
        let server = scene.server().await;
        let mut command = openssh::client("ssh", &scene.asking(&server, ""));
        command.arg("-o").arg(format!("KexAlgorithms={name}"));
        command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 4"]);
        let finished = finish(&mut command, b"by this name").await;
        assert_eq!((finished.text().as_str(), finished.status), ("by this name", Some(4)), "{name}");
        coverage.tried("name", name);
    }
    coverage.report(4);
}

/// What is for old targets only, we do not know as a server: no client gets in with it.
#[tokio::test]
async fn nothing_old() {
    let scene = Scene::new();
    for (option, names) in [
        ("KexAlgorithms", METHODS_LEGACY.map(|method| method.names()[0])),
        ("Ciphers", ["aes128-ctr", "aes256-ctr", "aes128-cbc", "3des-cbc"]),
    ] {
        for name in names {
            let mut server = scene.server().await;
            let mut command = openssh::client("ssh", &scene.asking(&server, ""));
            command.arg("-o").arg(format!("{option}={name}"));
            command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 0"]);
            assert_eq!(finish(&mut command, b"").await.status, Some(255), "{name}");
            let seen = server.seen_to_the_end().await;
            assert!(matches!(seen.as_slice(), [Seen::Ended(why)] if why.contains(name)), "{name}: {seen:?}");
        }
    }
}
