//! How commands end, and how many there can be.

use tokio::task::JoinSet;

use super::flow::Master;
use crate::gateway::Gateway;
use crate::ours::client::{self, Client, Exit, Signer};
use crate::payload::{assert_same, mebibyte, random_bytes};
use crate::peer::{Asking, openssh, python};
use crate::program::{finish, succeed};
use sallyport_ssh::key::Presented;

#[tokio::test]
async fn exit_status() {
    let gateway = Gateway::before_sshd(&[], &[]);
    for status in [0, 1, 42, 127, 254, 255] {
        let finished = finish(&mut openssh::ssh(&gateway.asking(&format!("exit {status}"))), b"").await;
        assert_eq!(finished.status, Some(status));
    }
}

/// Both streams arrive, each by itself.
#[tokio::test]
async fn standard_error() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let script = "head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero; echo said >&2";
    let mut command = openssh::ssh(&gateway.asking(script));
    let output = command.kill_on_drop(true).output().await.unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (200_000, 300_005));
}

/// sshd says which signal ended a command; it comes through as it is.
#[tokio::test]
async fn exit_signal() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut client = connect(&gateway).await;
    for signal in ["KILL", "TERM", "SEGV"] {
        let done = client.run(&format!("kill -{signal} $$"), b"").await.unwrap();
        assert_eq!(done.exit, Exit::Signal(signal.to_owned()));
    }
    // OpenSSH's client makes 255 of it.
    assert_eq!(finish(&mut openssh::ssh(&gateway.asking("kill -9 $$")), b"").await.status, Some(255));
}

/// A signal that the client sends reaches the command, also one that reads nothing.
#[tokio::test]
async fn signal() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let done = connect(&gateway).await.run_until_signal("echo ready; exec sleep 60", "TERM").await.unwrap();
    assert_eq!((done.output.as_slice(), done.exit), (b"ready\n".as_slice(), Exit::Signal("TERM".to_owned())));

    let trap = "trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.01; done";
    let done = connect(&gateway).await.run_until_signal(trap, "USR1").await.unwrap();
    assert_eq!((done.output.as_slice(), done.exit), (b"ready\ncaught\n".as_slice(), Exit::Status(3)));

    let asking = gateway.asking("echo ready; exec sleep 60");
    let mut command = python::client_that_signals(&asking, "TERM");
    let finished = finish(&mut command, b"").await;
    assert_eq!((finished.text().as_str(), finished.status), ("ready\nTERM\n", Some(255)));
}

/// The command closes its output and goes on reading; then it says something on the other stream.
#[tokio::test]
async fn half_closed() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let content = random_bytes(3 << 20, 8);
    let script = "exec 1>&-; cat > half; exit 5";
    let finished = finish(&mut openssh::ssh(&gateway.asking(script)), &content).await;
    assert_eq!((finished.output.as_slice(), finished.status), (b"".as_slice(), Some(5)));
    assert_same(&std::fs::read(openssh::home(&gateway.place).join("half")).unwrap(), &content, "upload");

    // The client's end of input comes through while the command goes on talking.
    let script = "cat; echo and more; exit 6";
    let finished = finish(&mut openssh::ssh(&gateway.asking(script)), b"all; ").await;
    assert_eq!((finished.text().as_str(), finished.status), ("all; and more\n", Some(6)));

    // No input at all, and a command that does not read it.
    assert_eq!(succeed(&mut openssh::ssh(&gateway.asking("echo here")), b"").await, b"here\n");
    assert_eq!(finish(&mut openssh::ssh(&gateway.asking("exit 9")), &content).await.status, Some(9));
}

/// Variables, as far as the target wants them.
#[tokio::test]
async fn environment() {
    let gateway = Gateway::before_sshd(&[], &["AcceptEnv WISH_*"]);
    let mut command = openssh::client("ssh", &gateway.asking(""));
    command.args(["-o", "SetEnv=WISH_ONE=granted OTHER=not", "-p", &gateway.address.port().to_string()]);
    command.args(["-l", gateway.user, "127.0.0.1", "echo $WISH_ONE $OTHER"]);
    assert_eq!(succeed(&mut command, b"").await, b"granted\n");
}

/// The target asks whether the client is there, and the client whether the target is: both would give up after two unanswered
/// questions. sshd asks on a channel, ssh on the connection.
#[tokio::test]
async fn questions_whether_anybody_is_there() {
    let gateway = Gateway::before_sshd(&[], &["ClientAliveInterval 1", "ClientAliveCountMax 2"]);
    let mut command = openssh::client("ssh", &gateway.asking(""));
    command.args(["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"]);
    command.args(["-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1", "sleep 5; exit 5"]);
    assert_eq!(finish(&mut command, b"").await.status, Some(5));
}

#[tokio::test]
async fn twenty_channels_on_one_connection() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let master = Master::start(&gateway).await;
    let mut running = JoinSet::new();
    for number in 0..20_u64 {
        let mut command = master.command(&format!("cat; exit {number}"));
        running.spawn(async move {
            let input = mebibyte(100 + number);
            let finished = finish(&mut command, &input).await;
            assert_same(&finished.output, &input, "through cat");
            assert_eq!(finished.status, i32::try_from(number).ok());
        });
    }
    assert_eq!(running.join_all().await.len(), 20);
}

#[tokio::test]
async fn thirty_connections_at_once() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut running = JoinSet::new();
    for number in 0..30_u64 {
        let mut command = openssh::ssh(&gateway.asking(&format!("cat; exit {number}")));
        running.spawn(async move {
            let input = random_bytes(100_000, number);
            let finished = finish(&mut command, &input).await;
            assert_same(&finished.output, &input, "through cat");
            assert_eq!(finished.status, i32::try_from(number).ok());
        });
    }
    assert_eq!(running.join_all().await.len(), 30);
}

/// A wrong key, and a user that the target does not know, are told apart by nobody but the log.
#[tokio::test]
async fn strangers() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let other = gateway.place.key("other_key", crate::place::KeyKind::Ed25519);
    let asking = Asking { key: &other, ..gateway.asking("true") };
    assert_eq!(finish(&mut openssh::ssh(&asking), b"").await.status, Some(255));
}

async fn connect(gateway: &Gateway) -> Client {
    let key = gateway.user_key.signing();
    let presented = Presented::Key(key.public_key().clone());
    let config = client::config(vec![gateway.host_key.public()]);
    Client::connect(gateway.address, config, gateway.user, &presented, &Signer::Own(&key)).await.unwrap()
}
