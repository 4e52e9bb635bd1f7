//! Forwards of every kind, in both directions, and one more ssh inside.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::flow::Master;
use crate::gateway::Gateway;
use crate::payload::{assert_same, mebibyte};
use crate::peer::openssh;
use crate::program::{finish, soon, succeed};

/// Sends everything back, until the test ends.
struct Echo {
    task: JoinHandle<()>,
    port: u16,
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Echo {
    async fn tcp() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(send_back(stream));
            }
        });
        Self { task, port }
    }

    fn unix(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        // The server may be another user than we are.
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(send_back(stream));
            }
        });
        Self { task, port: 0 }
    }
}

async fn send_back(stream: impl AsyncRead + AsyncWrite) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let _ = tokio::io::copy(&mut reader, &mut writer).await;
    let _ = writer.shutdown().await;
}

/// A mebibyte there, the end of it, and a mebibyte back.
async fn there_and_back(stream: impl AsyncRead + AsyncWrite) {
    let input = mebibyte(9);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut output = Vec::new();
    let write = async {
        writer.write_all(&input).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let ((), read) =
        soon("the way there and back", async { tokio::join!(write, reader.read_to_end(&mut output)) }).await;
    read.unwrap();
    assert_same(&output, &input, "through the forward");
}

/// A TCP port of the client, on which the server's side is reached. A port that was free may be taken; then another one is tried.
async fn listen(master: &Master<'_>, kind: &str, rest: &str) -> u16 {
    for _ in 0..10 {
        let port = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
        let forward = format!("127.0.0.1:{port}{rest}");
        if finish(&mut master.control("forward", &[kind, &forward]), b"").await.status == Some(0) {
            return port;
        }
    }
    panic!("no port was free");
}

#[tokio::test]
async fn from_the_client() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let echo = Echo::tcp().await;
    let master = Master::start(&gateway).await;
    let port = listen(&master, "-L", &format!(":127.0.0.1:{}", echo.port)).await;
    for _ in 0..3 {
        there_and_back(TcpStream::connect(("127.0.0.1", port)).await.unwrap()).await;
    }
}

/// SOCKS 5 (RFC 1928), with an address and with a name.
#[tokio::test]
async fn from_the_client_to_wherever() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let echo = Echo::tcp().await;
    let master = Master::start(&gateway).await;
    let port = listen(&master, "-D", "").await;
    for destination in [b"\x01\x7f\x00\x00\x01".as_slice(), b"\x03\x09localhost"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(b"\x05\x01\x00").await.unwrap();
        let mut answer = [0; 2];
        soon("an answer of SOCKS", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer, [5, 0]);
        stream.write_all(&[b"\x05\x01\x00", destination, &echo.port.to_be_bytes()].concat()).await.unwrap();
        let mut answer = [0; 10];
        soon("a connection by SOCKS", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(answer[..2], [5, 0]);
        there_and_back(stream).await;
    }
}

/// The server chooses a port and says which; when it is cancelled, nobody listens there any more.
#[tokio::test]
async fn from_the_server() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let echo = Echo::tcp().await;
    let master = Master::start(&gateway).await;
    let forward = format!("127.0.0.1:0:127.0.0.1:{}", echo.port);
    let output = succeed(&mut master.control("forward", &["-R", &forward]), b"").await;
    let port: u16 = String::from_utf8(output).unwrap().trim().parse().unwrap();
    for _ in 0..3 {
        there_and_back(TcpStream::connect(("127.0.0.1", port)).await.unwrap()).await;
    }
    succeed(&mut master.control("cancel", &["-R", &forward]), b"").await;
    // The master goes on before the server has answered.
    soon("the end of listening", async { while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {} }).await;
}

#[tokio::test]
async fn of_unix_sockets() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let place = |name: &str| gateway.place.path(name);
    let home = openssh::home(&gateway.place);
    let master = Master::start(&gateway).await;
    let text = |path: &Path| path.to_str().unwrap().to_owned();

    let _far = Echo::unix(&place("far"));
    let forward = format!("{}:{}", text(&place("near")), text(&place("far")));
    succeed(&mut master.control("forward", &["-L", &forward]), b"").await;
    there_and_back(UnixStream::connect(place("near")).await.unwrap()).await;

    let _near = Echo::unix(&place("here"));
    let forward = format!("{}:{}", text(&home.join("there")), text(&place("here")));
    succeed(&mut master.control("forward", &["-R", &forward]), b"").await;
    there_and_back(UnixStream::connect(home.join("there")).await.unwrap()).await;
    succeed(&mut master.control("cancel", &["-R", &forward]), b"").await;
}

/// `ssh -W`, and what it is for: another ssh inside.
#[tokio::test]
async fn of_standard_input() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let echo = Echo::tcp().await;
    let tunnel = |port: u16| {
        let mut command = openssh::client("ssh", &gateway.asking(""));
        command.args(["-p", &gateway.address.port().to_string(), "-l", gateway.user]);
        command.args(["-W", &format!("127.0.0.1:{port}"), "127.0.0.1"]);
        command
    };
    let input = mebibyte(10);
    assert_same(&succeed(&mut tunnel(echo.port), &input).await, &input, "ssh -W");

    let words =
        tunnel(gateway.target).as_std().get_args().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>();
    let proxy = format!("ProxyCommand=ssh {}", words.join(" "));
    let inner = crate::peer::Asking {
        address: ([127, 0, 0, 1], gateway.target).into(),
        key: &gateway.identity,
        host: crate::peer::Host::Key(&gateway.target_key),
        ..gateway.asking("")
    };
    let mut command = openssh::client("ssh", &inner);
    command.args(["-o", &proxy, "-p", &gateway.target.to_string(), "-l", gateway.user, "127.0.0.1", "cat; exit 4"]);
    let finished = finish(&mut command, &input).await;
    assert_same(&finished.output, &input, "ssh in ssh");
    assert_eq!(finished.status, Some(4));
}

/// Nobody listens there; the target allows no forwards. The client hears of both.
#[tokio::test]
async fn that_are_refused() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    for (options, words) in
        [(&[][..], "Connection refused"), (&["AllowTcpForwarding no"][..], "administratively prohibited")]
    {
        let gateway = Gateway::before_sshd(&[], options);
        let mut command = openssh::without(&openssh::client("ssh", &gateway.asking("")), "LogLevel=ERROR", &[]);
        command.args(["-p", &gateway.address.port().to_string(), "-l", gateway.user]);
        command.args(["-W", &format!("127.0.0.1:{closed}"), "127.0.0.1"]).stdin(Stdio::null());
        let output = soon("a refusal", command.kill_on_drop(true).output()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{said}");
        assert_eq!(output.status.code(), Some(255));
        if !options.is_empty() {
            let master = Master::start(&gateway).await;
            let refused = finish(&mut master.control("forward", &["-R", "127.0.0.1:0:127.0.0.1:9"]), b"").await;
            assert_ne!(refused.status, Some(0));
        }
    }
}

/// Forwards while new keys are made every few hundred kilobytes.
#[tokio::test]
async fn under_new_keys() {
    let gateway = Gateway::before_sshd(&["--rekey-bytes", "300000"], &[]);
    let echo = Echo::tcp().await;
    let master = Master::start(&gateway).await;
    let port = listen(&master, "-L", &format!(":127.0.0.1:{}", echo.port)).await;
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        streams.spawn(there_and_back(stream));
    }
    assert_eq!(streams.join_all().await.len(), 4);
}
