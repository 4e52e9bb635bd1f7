//! Every kind of user key that clients show to our server.

use sallyport_ssh::auth::{Evidence, ServerAuthConfig};
use sallyport_ssh::key::{KeyAlgorithm, PublicKey};

use super::Scene;
use crate::coverage::Coverage;
use crate::ours::agent::Agent;
use crate::ours::server::{self, Keys, Seen, Server};
use crate::peer::{Asking, ClientPeer, openssh};
use crate::place::{KeyKind, read};
use crate::program::succeed;

#[tokio::test]
async fn plain() {
    let mut coverage = Coverage::new("server for", "all clients", "user keys");
    for peer in ClientPeer::ALL {
        let scene = Scene::new();
        let keys = KeyKind::ALL.map(|kind| scene.place.key(&format!("user_{kind:?}"), kind));
        let door = Keys(keys.iter().map(crate::place::Key::public).collect());
        let mut server = Server::start(server::config(&scene.host_key), ServerAuthConfig::default(), door).await;
        for key in &keys {
            let asking = Asking { key, ..scene.asking(&server, "echo 8") };
            let finished = peer.run(&asking, b"signed").await;
            assert_eq!(
                (finished.text().as_str(), finished.status),
                ("signed", Some(8)),
                "{} {:?}",
                peer.name(),
                key.kind
            );
            coverage.tried(peer.name(), signed_with(&mut server, key.public().algorithm()).await);
        }
    }
    coverage.report(30);
}

/// The client that shows keys in an authenticator: OpenSSH, by way of an agent. What signs is software of this test; that it
/// signs as an authenticator does, sshd has said in the tests of the client role.
#[tokio::test]
async fn in_an_authenticator() {
    let scene = Scene::new();
    let agent = Agent::start_authenticator(&scene.place);
    for name in ["id_ed25519_sk.pub", "id_ecdsa_sk.pub"] {
        let public = PublicKey::from_openssh(read(&scene.place.path(name)).trim()).unwrap();
        let algorithm = public.algorithm();
        let config = server::config(&scene.host_key);
        let mut server = Server::start(config, ServerAuthConfig::default(), Keys(vec![public])).await;
        let mut command = openssh::client_with_agent("ssh", &scene.asking(&server, ""), &agent.socket);
        command.arg("-i").arg(scene.place.path(name));
        command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 0"]);
        assert_eq!(succeed(&mut command, b"touched").await, b"touched", "{name}");
        assert_eq!(signed_with(&mut server, algorithm).await, algorithm.name());
    }
}

/// RSA signatures over SHA-256 and SHA-512, as the client likes; SHA-1 not at all.
#[tokio::test]
async fn rsa_in_three_ways() {
    let scene = Scene::new();
    let key = scene.place.key("user_rsa", KeyKind::Rsa);
    for (algorithm, welcome) in [("rsa-sha2-256", true), ("rsa-sha2-512", true), ("ssh-rsa", false)] {
        let door = Keys(vec![key.public()]);
        let mut server = Server::start(server::config(&scene.host_key), ServerAuthConfig::default(), door).await;
        let mut command = openssh::client("ssh", &Asking { key: &key, ..scene.asking(&server, "") });
        command.arg("-o").arg(format!("PubkeyAcceptedAlgorithms={algorithm}"));
        command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 0"]);
        let finished = crate::program::finish(&mut command, b"").await;
        if welcome {
            assert_eq!(finished.status, Some(0), "{algorithm}");
            assert_eq!(signed_with(&mut server, KeyAlgorithm::Rsa).await, algorithm);
        } else {
            assert_eq!(finished.status, Some(255), "{algorithm}");
        }
    }
}

/// How the client that came in has signed, with a key of this kind.
async fn signed_with(server: &mut Server, kind: KeyAlgorithm) -> &'static str {
    for seen in server.seen_to_the_end().await {
        if let Seen::In { user, evidence } = seen {
            assert_eq!(user, "alice");
            let [evidence] = evidence.as_slice() else { panic!("{evidence:?}") };
            let Evidence::Key(proof) = &**evidence else { panic!("{evidence:?}") };
            assert_eq!(proof.presented().key().algorithm(), kind);
            return proof.algorithm().name();
        }
    }
    panic!("nobody came in");
}
