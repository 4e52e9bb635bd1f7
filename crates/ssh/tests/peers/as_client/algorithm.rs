//! Every key exchange method with every cipher, with every server.

use sallyport_ssh::cipher::Cipher;
use sallyport_ssh::kex::Method;
use sallyport_ssh::transport::TransportConfig;

use crate::coverage::Coverage;
use crate::knowledge::{self, Knowledge};
use crate::ours::client::{self, Client, Exit};
use crate::ours::{CIPHERS, CIPHERS_LEGACY, METHODS, METHODS_LEGACY, cipher_name, mac};
use crate::payload::{assert_same, mebibyte};
use crate::peer::{ServerPeer, Serving, Target};
use crate::place::{Key, KeyKind, Place};

#[tokio::test]
async fn with_sshd() {
    with(ServerPeer::OpenSsh, 42).await;
}

#[tokio::test]
async fn with_dropbear() {
    with(ServerPeer::Dropbear, 4).await;
}

#[tokio::test]
async fn with_tinysshd() {
    with(ServerPeer::Tinyssh, 2).await;
}

#[tokio::test]
async fn with_paramiko() {
    with(ServerPeer::Paramiko, 36).await;
}

#[tokio::test]
async fn with_asyncssh() {
    with(ServerPeer::Asyncssh, 42).await;
}

#[tokio::test]
async fn with_russh() {
    // Without optimisation russh takes more than a second for a mebibyte.
    with_pairs(
        ServerPeer::Russh,
        |method, cipher| {
            METHODS.contains(&method) && (CIPHERS.contains(&cipher) || method == Method::Curve25519)
                || cipher == Cipher::Aes256Gcm
        },
        14,
    )
    .await;
}

/// Tries all that we and the server know, and lists the rest.
async fn with(peer: ServerPeer, tried_min: usize) {
    with_pairs(peer, |_, _| true, tried_min).await;
}

/// The same, of those pairs that are worth their time.
async fn with_pairs(peer: ServerPeer, worthwhile: impl Fn(Method, Cipher) -> bool, tried_min: usize) {
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let user_key = place.key("user_key", KeyKind::Ed25519);
    let authorized = [user_key.line()];
    let serving = Serving::new(&place, std::slice::from_ref(&host_key), &authorized);
    let target = peer.start(&serving).await;
    let knowledge = knowledge::of_server(target.address).await;
    let mut coverage = Coverage::of("client of", peer.name(), &knowledge);
    for method in METHODS.into_iter().chain(METHODS_LEGACY) {
        if !method.names().iter().any(|name| knowledge.methods.contains(*name)) {
            coverage.unknown("key exchange", method.names()[0]);
            continue;
        }
        for cipher in CIPHERS
            .into_iter()
            .chain(CIPHERS_LEGACY)
            .filter(|cipher| knows(&knowledge, *cipher) && worthwhile(method, *cipher))
        {
            let mut config = client::config(vec![host_key.public()]);
            config.preferences.methods = vec![method];
            config.preferences.ciphers = vec![cipher];
            let client = exchange(&target, config, &user_key).await;
            let negotiated = &client.exchanges[0];
            assert!(method.names().contains(&negotiated.method), "{negotiated:?}");
            assert_eq!((negotiated.client_to_server, negotiated.server_to_client), (cipher, cipher));
            coverage.tried(&format!("{method:?}"), &cipher_name(cipher));
        }
    }
    for cipher in CIPHERS.into_iter().chain(CIPHERS_LEGACY).filter(|cipher| !knows(&knowledge, *cipher)) {
        coverage.unknown("cipher", &cipher_name(cipher));
    }
    coverage.report(tried_min);
}

fn knows(knowledge: &Knowledge, cipher: Cipher) -> bool {
    knowledge.ciphers.contains(cipher.name()) && mac(cipher).is_none_or(|mac| knowledge.macs.contains(mac.name()))
}

/// Methods that have two names are called by each of them, by servers that can be told which.
#[tokio::test]
async fn either_name_of_a_method() {
    let mut coverage = Coverage::new("client of", "servers that know one name only", "both names");
    for peer in [ServerPeer::OpenSsh, ServerPeer::Asyncssh, ServerPeer::Russh] {
        for method in [Method::Sntrup761X25519, Method::Curve25519] {
            for name in method.names() {
                let place = Place::new();
                let host_key = place.key("host_key", KeyKind::Ed25519);
                let user_key = place.key("user_key", KeyKind::Ed25519);
                let authorized = [user_key.line()];
                let names = [*name];
                let mut serving = Serving::new(&place, std::slice::from_ref(&host_key), &authorized);
                serving.methods = &names;
                let target = peer.start(&serving).await;
                if !knowledge::of_server(target.address).await.methods.contains(*name) {
                    coverage.unknown(peer.name(), name);
                    continue;
                }
                let client = exchange(&target, client::config(vec![host_key.public()]), &user_key).await;
                assert_eq!(client.exchanges[0].method, method.names()[0]);
                coverage.tried(peer.name(), name);
            }
        }
    }
    coverage.report(8);
}

/// A mebibyte through `cat` and back, and an exit status.
async fn exchange(target: &Target, config: TransportConfig, user_key: &Key) -> Client {
    let what = format!("{:?}", config.preferences);
    let mut client =
        Client::with_key(target, config, user_key).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
    let input = mebibyte(1);
    let done = client.run("cat; exit 7", &input).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
    assert_same(&done.output, &input, &what);
    assert_eq!(done.exit, Exit::Status(7), "{what}");
    client
}
