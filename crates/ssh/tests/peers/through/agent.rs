//! The client's agent and the client's screen, as seen from the target.

use std::process::Stdio;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::gateway::Gateway;
use crate::ours::agent::Agent;
use crate::peer::openssh;
use crate::place::KeyKind;
use crate::program::{finish, soon, spawn, succeed};

/// The target lists the keys of an agent that lives with the client, and has it sign.
#[tokio::test]
async fn forwarded() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let key = gateway.place.key("agent_key", KeyKind::Ecdsa256);
    let agent = Agent::start(&gateway.place, &[&key.path]);
    let there = openssh::home(&gateway.place).join("agent_key.pub");
    std::fs::write(&there, key.public_line()).unwrap();
    let mut command = openssh::client_with_agent("ssh", &gateway.asking(""), &agent.socket);
    command.args(["-A", "-T", "-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1"]);
    command.arg("ssh-add -L && ssh-add -T agent_key.pub && echo signed");
    let said = String::from_utf8(succeed(&mut command, b"").await).unwrap();
    assert!(said.contains(&key.line()) && said.ends_with("signed\n"), "{said}");
}

#[tokio::test]
async fn refused_by_the_target() {
    let gateway = Gateway::before_sshd(&[], &["AllowAgentForwarding no"]);
    let agent = Agent::start(&gateway.place, &[&gateway.user_key.path]);
    let mut command = openssh::client_with_agent("ssh", &gateway.asking(""), &agent.socket);
    command.args(["-A", "-T", "-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1"]);
    command.arg("ssh-add -L");
    assert_eq!(finish(&mut command, b"").await.status, Some(2));
}

/// X11: the target opens a channel back to the client's display, whose cookie ssh puts in place of the one that it made up.
#[tokio::test]
async fn display() {
    let gateway = Gateway::before_sshd(&[], &["X11Forwarding yes", "X11UseLocalhost yes"]);
    // A display is a port above 6000, and so is any that is free.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let display = format!("127.0.0.1:{}", listener.local_addr().unwrap().port() - 6000);
    let authority = gateway.place.path("Xauthority");
    let cookie = "0123456789abcdef0123456789abcdef";
    let mut xauth = tokio::process::Command::new("xauth");
    xauth.arg("-q").arg("-f").arg(&authority).args(["add", &display, "MIT-MAGIC-COOKIE-1", cookie]);
    succeed(&mut xauth, b"").await;

    let mut command = openssh::client("ssh", &gateway.asking(""));
    command.env("DISPLAY", &display).env("XAUTHORITY", &authority);
    command.args(["-Y", "-T", "-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1", SHOW]);
    let ssh = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()));
    let (mut stream, _) = soon("a connection to the display", listener.accept()).await.unwrap();
    // The set-up request: byte order, version 11.0, and the name and length of the cookie (X11 protocol, chapter 8).
    let mut request = [0; 48];
    soon("the set-up request", stream.read_exact(&mut request)).await.unwrap();
    assert_eq!(request[..12], *b"l\0\x0b\0\0\0\x12\0\x10\0\0\0");
    assert_eq!(request[12..30], *b"MIT-MAGIC-COOKIE-1");
    assert_eq!(u128::from_be_bytes(request[32..].try_into().unwrap()), u128::from_str_radix(cookie, 16).unwrap());
    stream.write_all(b"shown").await.unwrap();
    drop(stream);
    let output = soon("the end of ssh", ssh.wait_with_output()).await.unwrap();
    assert_eq!(output.stdout, b"shown");
}

/// What an X11 program does first: it takes the cookie for its display and sends a set-up request with it.
const SHOW: &str = r#"python3 -c '
import os, socket, subprocess
display = os.environ["DISPLAY"]
cookie = bytes.fromhex(subprocess.check_output(["xauth", "-q", "list", display], text=True).split()[2])
stream = socket.create_connection(("127.0.0.1", 6000 + int(display.split(":")[1].split(".")[0])))
stream.sendall(b"l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0" + cookie)
data = b""
while chunk := stream.recv(100): data += chunk
print(data.decode(), end="")
'"#;

/// A target that shows nothing says so, and the session goes on.
#[tokio::test]
async fn no_display() {
    let gateway = Gateway::before_sshd(&[], &["X11Forwarding no"]);
    let options = openssh::client("ssh", &gateway.asking(""));
    let mut command = openssh::without(&options, "LogLevel=ERROR", &[]);
    command.env("DISPLAY", "127.0.0.1:10").env("XAUTHORITY", gateway.place.path("Xauthority"));
    command.args(["-Y", "-T", "-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1"]);
    command.arg("echo ${DISPLAY-nothing}").stdin(Stdio::null());
    let output = soon("the end of ssh", command.kill_on_drop(true).output()).await.unwrap();
    assert_eq!(output.stdout, b"nothing\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("X11 forwarding request failed"));
}
