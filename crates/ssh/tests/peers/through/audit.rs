//! What ssh-audit thinks of our server role.

use sallyport_ssh::auth::ServerAuthConfig;
use sallyport_ssh::kex::Method;

use crate::gateway::Gateway;
use crate::ours::server::{self, Keys, Server};
use crate::place::{KeyKind, Place};
use crate::program::{python, succeed};

/// The one thing that it warns of is what clients need that know no exchange for a time with quantum computers.
#[tokio::test]
async fn of_the_gateway() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let complaints = audit(gateway.address.port()).await;
    let known = ["curve25519-sha256", "curve25519-sha256@libssh.org"]
        .map(|name| format!("warn: {name}: does not provide protection against post-quantum attacks"));
    assert_eq!(complaints, known);
}

/// Without that one, there is nothing.
#[tokio::test]
async fn of_a_server_for_new_clients() {
    let place = Place::new();
    let mut config = server::config(&place.key("host_key", KeyKind::Ed25519));
    config.preferences.methods = vec![Method::MlKem768X25519, Method::Sntrup761X25519];
    let server = Server::start(config, ServerAuthConfig::default(), Keys(Vec::new())).await;
    assert_eq!(audit(server.address.port()).await, Vec::<String>::new());
}

/// The test can fail: sshd with what it once offered is warned of.
#[tokio::test]
async fn of_an_old_server() {
    let options = ["KexAlgorithms +diffie-hellman-group14-sha1", "Ciphers +aes128-cbc"];
    let gateway = Gateway::before_sshd(&[], &options);
    let complaints = audit(gateway.target).await;
    for begin in ["fail: diffie-hellman-group14-sha1: ", "warn: aes128-cbc: "] {
        assert!(complaints.iter().any(|line| line.starts_with(begin)), "{complaints:?}");
    }
}

/// Every failure and warning.
async fn audit(port: u16) -> Vec<String> {
    let mut command = python("audit.py");
    command.arg(port.to_string());
    let said = String::from_utf8(succeed(&mut command.into(), b"").await).unwrap();
    println!("{said}");
    let mut lines = said.lines().map(ToOwned::to_owned);
    assert!(lines.next().is_some_and(|line| line.starts_with("ssh-audit 3.")));
    lines.collect()
}
