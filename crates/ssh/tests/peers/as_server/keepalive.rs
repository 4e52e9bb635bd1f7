//! We ask clients whether they are still there, and they ask us.

use std::process::Stdio;
use std::time::Duration;

use sallyport_ssh::auth::ServerAuthConfig;
use sallyport_ssh::engine::Timing;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Scene;
use crate::ours::server::{self, Keys, Seen, Server};
use crate::peer::{ClientPeer, openssh};
use crate::program::{soon, spawn};

/// How often we ask.
const INTERVAL: Duration = Duration::from_millis(500);
/// A client that did not answer would be gone after one more than this.
const ANSWERS_MISSING: u32 = 4;
/// So long nothing is said but that.
const SILENCE: Duration = Duration::from_secs(4);

/// Every client answers, each in its own way.
#[tokio::test]
async fn answered_by_every_client() {
    let mut running = JoinSet::new();
    for peer in ClientPeer::ALL.into_iter().filter(|peer| *peer != ClientPeer::Russh) {
        running.spawn(is_silent(peer));
    }
    assert_eq!(running.join_all().await.len(), 5);
}

async fn is_silent(peer: ClientPeer) {
    let timing = Timing { keepalive: INTERVAL, keepalives_max: ANSWERS_MISSING, ..Timing::default() };
    let scene = Scene::new();
    let door = Keys(vec![scene.user_key.public()]);
    let config = server::config(&scene.host_key);
    let mut server = Server::start_with(config, ServerAuthConfig::default(), timing, door).await;
    let mut command = peer.program(&scene.asking(&server, "echo 5")).await.unwrap();
    let mut client = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let (mut input, mut output) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
    input.write_all(b"before").await.unwrap();
    let mut before = [0; 6];
    soon(&format!("an echo of {}", peer.name()), output.read_exact(&mut before)).await.unwrap();
    // The passing of time is what is tested.
    sleep(SILENCE).await;
    input.write_all(b"after").await.unwrap();
    drop(input);
    let mut after = String::new();
    soon("the second echo", output.read_to_string(&mut after)).await.unwrap();
    assert_eq!(after, "after", "{}", peer.name());
    assert_eq!(soon("the end", client.wait()).await.unwrap().code(), Some(5), "{}", peer.name());
    let seen = server.seen_to_the_end().await;
    assert!(matches!(seen.last(), Some(Seen::Ended(why)) if why == "disconnected"), "{}: {seen:?}", peer.name());
}

/// A client that is stopped does not answer, and is gone.
#[tokio::test]
async fn missed_from_a_stopped_client() {
    let timing = Timing { keepalive: INTERVAL, keepalives_max: ANSWERS_MISSING, ..Timing::default() };
    let scene = Scene::new();
    let door = Keys(vec![scene.user_key.public()]);
    let mut server =
        Server::start_with(server::config(&scene.host_key), ServerAuthConfig::default(), timing, door).await;
    let mut client = spawn(openssh::ssh(&scene.asking(&server, "echo 0")).stdin(Stdio::piped()).stdout(Stdio::piped()));
    client.stdin.as_mut().unwrap().write_all(b"x").await.unwrap();
    let mut echo = [0; 1];
    soon("the echo", client.stdout.as_mut().unwrap().read_exact(&mut echo)).await.unwrap();
    let id = client.id().unwrap().to_string();
    let status = std::process::Command::new("kill").args(["-STOP", &id]).status().unwrap();
    assert!(status.success());
    let seen = server.seen_to_the_end().await;
    assert!(matches!(seen.last(), Some(Seen::Ended(why)) if why.contains("does not answer")), "{seen:?}");
    client.kill().await.unwrap();
}

/// OpenSSH asks us, on the connection; it would give up after two unanswered questions.
#[tokio::test]
async fn answered_by_us() {
    let scene = Scene::new();
    let server = scene.server().await;
    let mut command = openssh::client("ssh", &scene.asking(&server, ""));
    command.args(["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"]);
    command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 5"]);
    let mut client = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    sleep(SILENCE).await;
    assert!(client.try_wait().unwrap().is_none(), "ssh has given up");
    drop(client.stdin.take());
    assert_eq!(soon("the end", client.wait()).await.unwrap().code(), Some(5));
}
