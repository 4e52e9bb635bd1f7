//! Every kind of user key and certificate that our client shows, to every server that takes it.

use sallyport_ssh::key::{Presented, PublicKey};

use crate::coverage::Coverage;
use crate::ours::agent::Agent;
use crate::ours::client::{self, Client, Exit, Signer};
use crate::peer::{ServerPeer, Serving, Target, openssh};
use crate::place::{Key, KeyKind, Place, read};

/// ssh-agent holds the keys, because we hold Ed25519 only; our client asks it for signatures as the server wants them.
#[tokio::test]
async fn plain() {
    let mut coverage = Coverage::new("client of", "all servers", "user keys in ssh-agent");
    for peer in ServerPeer::ALL {
        let place = Place::new();
        let host_key = place.key("host_key", KeyKind::Ed25519);
        let keys = KeyKind::ALL.map(|kind| place.key(&format!("user_{kind:?}"), kind));
        let agent = Agent::start(&place, &keys.each_ref().map(|key| key.path.as_path()));
        let authorized = keys.each_ref().map(Key::line);
        let target = peer.start(&Serving::new(&place, std::slice::from_ref(&host_key), &authorized)).await;
        for key in &keys {
            // dropbear says in its EXT_INFO that it verifies RSA with SHA-256 only. tinysshd takes Ed25519 and nothing else.
            match sign_in(&target, &host_key, &Presented::Key(key.public()), &agent).await {
                Ok(()) => coverage.tried(peer.name(), key.kind.name()),
                Err(error) if peer == ServerPeer::Tinyssh && key.kind != KeyKind::Ed25519 => {
                    assert!(error.to_string().contains("publickey"), "{error:#}");
                    coverage.unknown(peer.name(), key.kind.name());
                }
                Err(error) => panic!("{}: {:?}: {error:#}", peer.name(), key.kind),
            }
        }
    }
    coverage.report(26);
}

/// Keys in an authenticator. What signs is software of this test, and OpenSSH says whether it signs as an authenticator would.
#[tokio::test]
async fn in_an_authenticator() {
    let mut coverage = Coverage::new("client of", "servers", "user keys in a FIDO authenticator");
    for peer in [ServerPeer::OpenSsh, ServerPeer::Dropbear, ServerPeer::Asyncssh] {
        let place = Place::new();
        let host_key = place.key("host_key", KeyKind::Ed25519);
        let agent = Agent::start_authenticator(&place);
        let lines = ["id_ed25519_sk.pub", "id_ecdsa_sk.pub"].map(|name| read(&place.path(name)).trim().to_owned());
        let target = peer.start(&Serving::new(&place, std::slice::from_ref(&host_key), &lines)).await;
        for line in &lines {
            let key = PublicKey::from_openssh(line).unwrap();
            let name = key.algorithm().name();
            sign_in(&target, &host_key, &Presented::Key(key), &agent)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error:#}"));
            coverage.tried(peer.name(), name);
        }
    }
    coverage.report(6);
}

/// sshd believes certificates of its authority, of every kind of key.
#[tokio::test]
async fn certified() {
    let mut coverage = Coverage::new("client of", "OpenSSH sshd", "user certificates by ssh-keygen");
    let place = Place::new();
    let host_key = place.key("host_key", KeyKind::Ed25519);
    let authority = place.key("authority", KeyKind::Ecdsa384);
    let keys = KeyKind::ALL.map(|kind| place.key(&format!("user_{kind:?}"), kind));
    for key in &keys {
        key.certify(&authority, &["-n", "somebody,tester", "-V", "-1m:+1h"]);
    }
    let agent = Agent::start(&place, &keys.each_ref().map(|key| key.path.as_path()));
    let trust = format!("TrustedUserCAKeys {}", authority.public_path().display());
    let target = openssh::sshd(&Serving::new(&place, std::slice::from_ref(&host_key), &[]), &[&trust]);
    for key in &keys {
        let presented = Presented::Certificate(Box::new(key.certificate()));
        sign_in(&target, &host_key, &presented, &agent)
            .await
            .unwrap_or_else(|error| panic!("{:?}: {error:#}", key.kind));
        coverage.tried("certificate", presented.key().algorithm().certificate_name());
        // The same key without its certificate is nobody's.
        let bare = sign_in(&target, &host_key, &Presented::Key(key.public()), &agent).await;
        assert!(bare.is_err(), "{:?}", key.kind);
    }
    let fido = Agent::start_authenticator(&place);
    for name in ["id_ed25519_sk", "id_ecdsa_sk"] {
        let key = Key { path: place.path(name), kind: KeyKind::Ed25519 };
        key.certify(&authority, &["-n", "tester", "-V", "-1m:+1h"]);
        let presented = Presented::Certificate(Box::new(key.certificate()));
        sign_in(&target, &host_key, &presented, &fido).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        coverage.tried("certificate", presented.key().algorithm().certificate_name());
    }
    coverage.report(7);
}

async fn sign_in(target: &Target, host_key: &Key, presented: &Presented, agent: &Agent) -> anyhow::Result<()> {
    let config = client::config(vec![host_key.public()]);
    let mut client = Client::connect(target.address, config, target.user, presented, &Signer::Agent(agent)).await?;
    let done = client.run("cat; exit 5", b"signed").await?;
    assert_eq!((done.output.as_slice(), done.exit), (b"signed".as_slice(), Exit::Status(5)));
    Ok(())
}
