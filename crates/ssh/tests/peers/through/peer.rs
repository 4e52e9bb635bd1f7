//! One client through the gateway to every server, and every client through it to OpenSSH's server.

use crate::coverage::Coverage;
use crate::gateway::{Draft, Gateway};
use crate::payload::{assert_same, mebibyte};
use crate::peer::{ClientPeer, ServerPeer, openssh};

#[tokio::test]
async fn to_every_server() {
    let mut coverage = Coverage::new("gateway between", "OpenSSH ssh and all servers", "a mebibyte through cat");
    for peer in ServerPeer::ALL {
        let draft = Draft::new();
        let target = draft.serving_async(async |serving| peer.start(serving).await).await;
        let gateway = draft.gateway(target, &[]);
        passes(&gateway, ClientPeer::OpenSsh).await;
        coverage.tried("server", peer.name());
    }
    coverage.report(6);
}

#[tokio::test]
async fn from_every_client() {
    let mut coverage = Coverage::new("gateway between", "all clients and OpenSSH sshd", "a mebibyte through cat");
    let gateway = Gateway::before_sshd(&[], &[]);
    for peer in ClientPeer::ALL {
        passes(&gateway, peer).await;
        coverage.tried("client", peer.name());
    }
    coverage.report(6);
}

/// A server that knows only what old servers know is reached when it is declared to be old, and not otherwise.
#[tokio::test]
async fn to_an_old_server() {
    let options =
        ["KexAlgorithms diffie-hellman-group14-sha256", "Ciphers aes256-ctr", "MACs hmac-sha2-256-etm@openssh.com"];
    passes(&Gateway::before_sshd(&["--legacy"], &options), ClientPeer::OpenSsh).await;

    let gateway = Gateway::before_sshd(&[], &options);
    let refused = ClientPeer::OpenSsh.run(&gateway.asking("true"), b"").await;
    assert_eq!(refused.status, Some(255));
}

/// Each cipher towards the server, under the first one towards the client.
#[tokio::test]
async fn with_every_cipher_behind() {
    for cipher in ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"] {
        let only = format!("Ciphers {cipher}");
        passes(&Gateway::before_sshd(&["--target-cipher", cipher], &[&only]), ClientPeer::OpenSsh).await;
    }
}

/// The gateway knows its target by a certificate, and the client knows the gateway by one.
#[tokio::test]
async fn with_host_certificates_on_both_sides() {
    let draft = Draft::new();
    let authority = draft.place.key("authority", crate::place::KeyKind::Ecdsa256);
    draft.target_key.certify(&authority, &["-h", "-n", "target.test"]);
    let target = draft.serving(|serving| openssh::sshd(serving, &[]));
    let authority_path = authority.public_path();
    let gateway_key = draft.place.key("certified_gateway_key", crate::place::KeyKind::Ed25519);
    gateway_key.certify(&authority, &["-h", "-n", "127.0.0.1"]);
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let arguments = [
        "--target-authority".to_owned(),
        text(&authority_path),
        "--target-name".to_owned(),
        "target.test".to_owned(),
        "--host-certificate".to_owned(),
        text(&gateway_key.certificate_path()),
    ];
    let gateway = draft.gateway_with_key(gateway_key, target, &arguments.each_ref().map(String::as_str));
    let asking =
        crate::peer::Asking { host: crate::peer::Host::Authority(&authority), ..gateway.asking("cat; exit 7") };
    let finished = ClientPeer::OpenSsh.run(&asking, b"certified").await;
    assert_eq!((finished.text().as_str(), finished.status), ("certified", Some(7)));
}

async fn passes(gateway: &Gateway, peer: ClientPeer) {
    let input = mebibyte(3);
    let finished = peer.run(&gateway.asking("cat; exit 7"), &input).await;
    assert_same(&finished.output, &input, peer.name());
    assert_eq!(finished.status, Some(7), "{}", peer.name());
}
