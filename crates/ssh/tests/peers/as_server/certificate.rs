//! User certificates that ssh-keygen makes, as clients show them to our server.

use std::sync::Arc;

use sallyport_ssh::auth::{KeyOffer, ServerAuthConfig, VerifiedIdentity};
use sallyport_ssh::key::{Presented, UserAuthorities};

use super::Scene;
use crate::coverage::Coverage;
use crate::ours::agent::Agent;
use crate::ours::server::{self, Door, Seen, Server, Verdict};
use crate::peer::{Asking, ClientPeer, openssh};
use crate::place::{Key, KeyKind};
use crate::program::{Finished, finish};

/// Lets in whoever has a certificate that the policy takes; never a bare key.
struct Certified;

impl Door for Certified {
    fn offered(&self, offer: &KeyOffer) -> bool {
        offer.terms().is_some()
    }

    fn key(&self, identity: &VerifiedIdentity) -> Verdict {
        match identity.presented() {
            Presented::Certificate(_) if identity.proof().terms().is_some() => Verdict::In,
            _ => Verdict::No,
        }
    }
}

async fn server(scene: &Scene, authority: &Key) -> Server {
    let auth = ServerAuthConfig {
        certificate_policy: Some(Arc::new(UserAuthorities::new(vec![authority.public()]))),
        ..ServerAuthConfig::default()
    };
    Server::start(server::config(&scene.host_key), auth, Certified).await
}

#[tokio::test]
async fn of_every_kind_of_key() {
    let mut coverage = Coverage::new("server for", "all clients", "user certificates by ssh-keygen");
    for peer in ClientPeer::ALL {
        let scene = Scene::new();
        let authority = scene.place.key("authority", KeyKind::Ed25519);
        let server = server(&scene, &authority).await;
        for kind in KeyKind::ALL {
            if peer == ClientPeer::Dbclient {
                // It has no option for a certificate, and its key files hold none.
                coverage.unknown(peer.name(), kind.name());
                continue;
            }
            let key = scene.place.key(&format!("user_{kind:?}"), kind);
            key.certify(&authority, &["-n", "bob,alice", "-V", "-1m:+1h"]);
            let asking = Asking { key: &key, with_certificate: true, ..scene.asking(&server, "echo 9") };
            let finished = peer.run(&asking, b"certified").await;
            let got = (finished.text(), finished.status);
            if names_sha1(peer, kind) {
                assert_ne!(got.1, Some(9), "{} learned {kind:?}: take it off the list", peer.name());
                coverage.unknown(peer.name(), kind.name());
                continue;
            }
            assert_eq!(got, ("certified".to_owned(), Some(9)), "{} {kind:?}", peer.name());
            coverage.tried(peer.name(), kind.name());
        }
    }
    coverage.report(20);
}

/// russh names an RSA certificate's signature `ssh-rsa-cert-v01@openssh.com`, which is SHA-1, unless an agent signs.
fn names_sha1(peer: ClientPeer, kind: KeyKind) -> bool {
    peer == ClientPeer::Russh && kind == KeyKind::Rsa
}

/// Signed by authorities of every kind.
#[tokio::test]
async fn by_every_kind_of_authority() {
    for kind in KeyKind::ALL {
        let scene = Scene::new();
        let authority = scene.place.key("authority", kind);
        let server = server(&scene, &authority).await;
        scene.user_key.certify(&authority, &["-n", "alice", "-V", "-1m:+1h"]);
        assert_eq!(show(&scene, &server).await.status, Some(0), "{kind:?}");
    }
}

/// FIDO keys have certificates too.
#[tokio::test]
async fn of_keys_in_an_authenticator() {
    let scene = Scene::new();
    let authority = scene.place.key("authority", KeyKind::Ed25519);
    let agent = Agent::start_authenticator(&scene.place);
    let server = server(&scene, &authority).await;
    for name in ["id_ed25519_sk", "id_ecdsa_sk"] {
        let key = Key { path: scene.place.path(name), kind: KeyKind::Ed25519 };
        key.certify(&authority, &["-n", "alice", "-V", "-1m:+1h"]);
        let mut command = openssh::client_with_agent("ssh", &scene.asking(&server, ""), &agent.socket);
        command.arg("-i").arg(key.public_path());
        command.arg("-o").arg(format!("CertificateFile={}", key.certificate_path().display()));
        command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 0"]);
        let finished = finish(&mut command, b"touched").await;
        assert_eq!((finished.text().as_str(), finished.status), ("touched", Some(0)), "{name}");
    }
}

/// What our policy refuses, and in which words for the log.
#[tokio::test]
async fn refused() {
    let scene = Scene::new();
    let authority = scene.place.key("authority", KeyKind::Ed25519);
    let other = scene.place.key("other_authority", KeyKind::Ed25519);
    let alice: &[&str] = &["-n", "alice"];
    for (signer, arguments, words) in [
        (&other, alice, "authority"),
        (&authority, &["-n", "bob,Alice,alice2,ali"], "does not name"),
        (&authority, &[], "principal"),
        (&authority, &["-n", "alice", "-V", "-2h:-1h"], "expired"),
        (&authority, &["-n", "alice", "-V", "+1h:+2h"], "valid only from"),
        (&authority, &["-h", "-n", "alice"], "host"),
        (&authority, &["-n", "alice", "-O", "source-address=192.0.2.0/24"], "127.0.0.1"),
        (&authority, &["-n", "alice", "-O", "critical:permit-anything@example.com=yes"], "permit-anything@example.com"),
        (&authority, &["-n", "alice", "-O", "verify-required"], "ssh-ed25519"),
    ] {
        let mut server = server(&scene, &authority).await;
        scene.user_key.certify(signer, arguments);
        // paramiko shows anything that it is given; OpenSSH keeps a host's certificate to itself.
        let asking = Asking { with_certificate: true, ..scene.asking(&server, "echo 0") };
        assert_ne!(ClientPeer::Paramiko.run(&asking, b"").await.status, Some(0), "{arguments:?}");
        let seen = server.seen_to_the_end().await;
        let refusal = |seen: &Seen| matches!(seen, Seen::Refused(why) if why.contains(words));
        assert!(seen.iter().any(refusal), "{arguments:?}: {seen:?}");
        assert!(!seen.iter().any(|seen| matches!(seen, Seen::In { .. })), "{arguments:?}");
    }
}

/// The address that the client comes from is one of the certificate's.
#[tokio::test]
async fn from_the_right_address() {
    let scene = Scene::new();
    let authority = scene.place.key("authority", KeyKind::Ed25519);
    let server = server(&scene, &authority).await;
    scene.user_key.certify(&authority, &["-n", "alice", "-O", "source-address=192.0.2.0/24,127.0.0.0/8"]);
    assert_eq!(show(&scene, &server).await.status, Some(0));
}

/// Whatever is asked for, the command of the certificate is run.
#[tokio::test]
async fn with_a_forced_command() {
    let scene = Scene::new();
    let authority = scene.place.key("authority", KeyKind::Ed25519);
    let server = server(&scene, &authority).await;
    scene.user_key.certify(&authority, &["-n", "alice", "-O", "force-command=say this and nothing else"]);
    let finished = show(&scene, &server).await;
    assert_eq!((finished.text().as_str(), finished.status), ("this and nothing else", Some(0)));
}

/// OpenSSH with key and certificate of the scene.
async fn show(scene: &Scene, server: &Server) -> Finished {
    let asking = Asking { with_certificate: true, ..scene.asking(server, "echo 0") };
    finish(&mut openssh::ssh(&asking), b"").await
}
