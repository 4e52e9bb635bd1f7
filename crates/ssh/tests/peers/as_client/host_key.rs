//! Every kind of host key and host certificate, with every server.

use sallyport_ssh::kex::HostKeyAlgorithm;
use sallyport_ssh::key::{HostTrust, SignatureAlgorithm};
use sallyport_ssh::transport::TransportConfig;

use crate::coverage::Coverage;
use crate::knowledge;
use crate::ours::client::{self, Client, Exit};
use crate::peer::{ServerPeer, Serving, Target};
use crate::place::{Key, KeyKind, Place};

const SIGNATURES: [SignatureAlgorithm; 6] = [
    SignatureAlgorithm::Ed25519,
    SignatureAlgorithm::EcdsaSha2Nistp256,
    SignatureAlgorithm::EcdsaSha2Nistp384,
    SignatureAlgorithm::EcdsaSha2Nistp521,
    SignatureAlgorithm::RsaSha2_256,
    SignatureAlgorithm::RsaSha2_512,
];

#[tokio::test]
async fn plain() {
    let mut coverage = Coverage::new("client of", "all servers", "plain host keys");
    for peer in ServerPeer::ALL {
        let place = Place::new();
        for group in groups(peer, &place) {
            let (target, user_key) = start(peer, &place, &group).await;
            let knowledge = knowledge::of_server(target.address).await;
            for algorithm in algorithms(&group).map(HostKeyAlgorithm::plain) {
                if !knowledge.host_keys.contains(algorithm.name()) {
                    coverage.unknown(peer.name(), algorithm.name());
                    continue;
                }
                let config = client::config(group.iter().map(Key::public).collect());
                present(&target, config, &user_key, algorithm).await.unwrap();
                coverage.tried(peer.name(), algorithm.name());
            }
        }
    }
    coverage.report(30);
}

#[tokio::test]
async fn certified() {
    let mut coverage = Coverage::new("client of", "all servers", "host certificates by ssh-keygen");
    for peer in ServerPeer::ALL {
        let place = Place::new();
        let authority = place.key("authority", KeyKind::Ed25519);
        for group in groups(peer, &place) {
            for key in &group {
                key.certify(&authority, &["-h", "-n", "127.0.0.1,target.test", "-V", "-1m:+1h"]);
            }
            let (target, user_key) = start(peer, &place, &group).await;
            let knowledge = knowledge::of_server(target.address).await;
            for algorithm in algorithms(&group).map(HostKeyAlgorithm::certificate) {
                if !knowledge.host_keys.contains(algorithm.name()) {
                    coverage.unknown(peer.name(), algorithm.name());
                    continue;
                }
                let config = trusting(&authority, "target.test");
                present(&target, config, &user_key, algorithm).await.unwrap();
                coverage.tried(peer.name(), algorithm.name());
            }
        }
    }
    coverage.report(18);
}

/// sshd presents certificates that it should not; the client says which of them it does not believe.
#[tokio::test]
async fn certificates_that_are_not_believed() {
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let authority = place.key("authority", KeyKind::Ed25519);
    let other = place.key("other_authority", KeyKind::Ed25519);
    let algorithm = HostKeyAlgorithm::certificate(SignatureAlgorithm::Ed25519);
    let good: &[&str] = &["-h", "-n", "target.test"];
    for (signer, arguments, name, trusted, words) in [
        (&authority, good, "elsewhere.test", &authority, "elsewhere.test"),
        (&other, good, "target.test", &authority, "authority"),
        (&authority, &["-h", "-n", "target.test", "-V", "-2h:-1h"], "target.test", &authority, "expired"),
        (&authority, &["-h", "-n", "target.test", "-V", "+1h:+2h"], "target.test", &authority, "valid only from"),
        (&authority, &["-h", "-n", "target.*"], "target.test", &authority, "target.test"),
        (&authority, &["-h"], "target.test", &authority, "principal"),
    ] {
        host_key.certify(signer, arguments);
        let (target, user_key) = start(ServerPeer::OpenSsh, &place, std::slice::from_ref(&host_key)).await;
        let refused = present(&target, trusting(trusted, name), &user_key, algorithm).await.expect_err(words);
        println!("{arguments:?} for {name}: {refused:#}");
        assert!(format!("{refused:#}").contains(words), "{arguments:?}: {refused:#}");
    }
}

/// The key is right, and a certificate is demanded: the plain key does not do.
#[tokio::test]
async fn a_plain_key_where_only_an_authority_is_known() {
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let authority = place.key("authority", KeyKind::Ed25519);
    let (target, user_key) = start(ServerPeer::OpenSsh, &place, std::slice::from_ref(&host_key)).await;
    let config = trusting(&authority, "target.test");
    let refused = Client::with_key(&target, config, &user_key).await.err().expect("no key in common");
    assert!(format!("{refused:#}").contains("no host key algorithm in common"), "{refused:#}");
}

fn trusting(authority: &Key, name: &str) -> TransportConfig {
    TransportConfig::client(HostTrust {
        keys: Vec::new(),
        authorities: vec![authority.public()],
        names: vec![name.to_owned()],
    })
}

/// Servers that hold all kinds at once hold all; dropbear has room for a few, and tinysshd for Ed25519 only.
fn groups(peer: ServerPeer, place: &Place) -> Vec<Vec<Key>> {
    let key = |kind: KeyKind| place.key(&format!("host_{kind:?}"), kind);
    match peer {
        ServerPeer::Dropbear => KeyKind::ALL.map(|kind| vec![key(kind)]).to_vec(),
        ServerPeer::Tinyssh => vec![vec![key(KeyKind::Ed25519)]],
        _ => vec![KeyKind::ALL.map(key).to_vec()],
    }
}

fn algorithms(group: &[Key]) -> impl Iterator<Item = SignatureAlgorithm> {
    let kinds: Vec<_> = group.iter().map(|key| key.public().algorithm()).collect();
    SIGNATURES.into_iter().filter(move |signature| kinds.iter().any(|kind| signature.fits(*kind)))
}

async fn start(peer: ServerPeer, place: &Place, host_keys: &[Key]) -> (Target, Key) {
    let user_key = place.key_once("user_key", KeyKind::Ed25519);
    let target = peer.start(&Serving::new(place, host_keys, &[user_key.line()])).await;
    (target, user_key)
}

/// Signs in and runs something, with this host key algorithm alone.
async fn present(
    target: &Target,
    mut config: TransportConfig,
    user_key: &Key,
    algorithm: HostKeyAlgorithm,
) -> anyhow::Result<()> {
    config.preferences = sallyport_ssh::kex::Preferences {
        host_keys: vec![algorithm],
        ..sallyport_ssh::kex::Preferences::client_legacy()
    };
    let mut client = Client::with_key(target, config, user_key).await?;
    assert_eq!(client.exchanges[0].host_key, algorithm.name());
    let done = client.run("cat; exit 3", b"through").await?;
    assert_eq!((done.output.as_slice(), done.exit), (b"through".as_slice(), Exit::Status(3)));
    Ok(())
}
