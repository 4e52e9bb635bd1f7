//! Flow control from end to end: who does not read holds up nobody but himself, and who goes away is heard of.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::gateway::Gateway;
use crate::payload::{assert_same, random_bytes};
use crate::peer::openssh;
use crate::peer::python::{Json, client_with_window};
use crate::place::read;
use crate::program::{finish, python, soon, spawn, succeed, until};

/// A gibibyte takes an optimised build a few seconds, and others half a minute.
const LARGE: usize = if cfg!(debug_assertions) { 256 << 20 } else { 1 << 30 };

/// A connection of OpenSSH that others share.
pub(super) struct Master<'g> {
    gateway: &'g Gateway,
    socket: String,
    /// Ends with the test.
    _ssh: Child,
}

impl<'g> Master<'g> {
    pub(super) async fn start(gateway: &'g Gateway) -> Self {
        Self::start_with(gateway, &[]).await
    }

    pub(super) async fn start_with(gateway: &'g Gateway, options: &[&str]) -> Self {
        let socket = gateway.place.path("master").to_str().unwrap().to_owned();
        let mut command = openssh::client("ssh", &gateway.asking(""));
        command.args(["-M", "-N", "-S", &socket]).args(options);
        command.args(["-p", &gateway.address.port().to_string(), "-l", gateway.user, "127.0.0.1"]);
        let ssh = spawn(command.stdin(Stdio::null()));
        let path = gateway.place.path("master");
        until("the master's socket", || path.exists()).await;
        Self { gateway, socket, _ssh: ssh }
    }

    /// One more channel.
    pub(super) fn command(&self, command: &str) -> Command {
        let mut ssh = openssh::client("ssh", &self.gateway.asking(""));
        ssh.args(["-S", &self.socket, "-T", "-l", self.gateway.user, "127.0.0.1", command]);
        ssh
    }

    /// An order to the master itself, such as `forward`.
    pub(super) fn control(&self, order: &str, arguments: &[&str]) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-S", &self.socket, "-O", order]).args(arguments).arg("127.0.0.1");
        ssh
    }
}

/// Ends a program that a test has left running behind a connection that is gone.
struct Remote(String);

impl Drop for Remote {
    fn drop(&mut self) {
        // The number is that of a process which this test started: it wrote it down itself.
        let _ = std::process::Command::new("kill").arg(&self.0).stderr(Stdio::null()).status();
    }
}

impl Remote {
    /// Reads the process id that the command wrote into a file.
    async fn of(gateway: &Gateway, file: &str) -> Self {
        let path = openssh::home(&gateway.place).join(file);
        until("the process id", || path.exists() && read(&path).ends_with('\n')).await;
        Self(read(&path).trim().to_owned())
    }

    fn is_running(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    }

    async fn ends(&self) {
        until("the end of the remote command", || !self.is_running()).await;
    }
}

/// `head -c 1G /dev/zero | ssh … cat | wc -c`
#[tokio::test]
async fn a_lot_through_cat() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut source = spawn(Command::new("head").args(["-c", &LARGE.to_string(), "/dev/zero"]).stdout(Stdio::piped()));
    let input: Stdio = source.stdout.take().unwrap().try_into().unwrap();
    let mut ssh = spawn(openssh::ssh(&gateway.asking("cat")).stdin(input).stdout(Stdio::piped()));
    let input: Stdio = ssh.stdout.take().unwrap().try_into().unwrap();
    let started = Instant::now();
    let count = spawn(Command::new("wc").arg("-c").stdin(input).stdout(Stdio::piped()));
    let counted = soon("the end of it", count.wait_with_output()).await.unwrap();
    println!("{} MiB through cat and back in {:?}", LARGE >> 20, started.elapsed());
    assert_eq!(String::from_utf8(counted.stdout).unwrap().trim(), LARGE.to_string());
    assert!(ssh.wait().await.unwrap().success());
}

/// An upload that nobody reads, and beside it on the same connection a shell that answers at once.
#[tokio::test]
async fn a_stalled_upload_beside_a_live_shell() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let master = Master::start(&gateway).await;
    let mut upload = spawn(master.command("echo $$ > pid; exec sleep 60").stdin(Stdio::piped()));
    let remote = Remote::of(&gateway, "pid").await;
    // It takes what the windows and pipes hold, and then no more.
    let mut pipe = upload.stdin.take().unwrap();
    let chunk = vec![b'x'; 1 << 20];
    let mut taken = 0;
    while let Ok(Ok(count)) = tokio::time::timeout(Duration::from_millis(500), pipe.write(&chunk)).await {
        taken += count;
        assert!(taken < 64 << 20, "nothing holds the upload back");
    }
    println!("{taken} bytes on their way");

    let mut shell = spawn(master.command("exec /bin/sh").stdin(Stdio::piped()).stdout(Stdio::piped()));
    let (mut input, mut output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
    let mut slowest = Duration::ZERO;
    for number in 0..200 {
        let asked = Instant::now();
        input.write_all(format!("echo answer {number}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        soon("an answer of the shell", output.read_line(&mut line)).await.unwrap();
        assert_eq!(line, format!("answer {number}\n"));
        slowest = slowest.max(asked.elapsed());
    }
    println!("slowest of 200 answers beside a stalled upload: {slowest:?}");
    // Also a download, and new keys for everybody, while it is stalled.
    let output = succeed(&mut master.command("head -c 8388608 /dev/zero"), b"").await;
    assert_eq!(output.len(), 8 << 20);
    assert!(remote.is_running());
    drop(pipe);
    let _ = upload.kill().await;
}

/// `ssh … cat /dev/zero | head -c 1000`: ssh says that nobody reads any more, and cat hears of it.
#[tokio::test]
async fn a_reader_that_goes_away() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut ssh = spawn(
        openssh::ssh(&gateway.asking("echo $$ > pid; exec cat /dev/zero")).stdout(Stdio::piped()).stdin(Stdio::piped()),
    );
    let remote = Remote::of(&gateway, "pid").await;
    let mut output = ssh.stdout.take().unwrap();
    let mut thousand = [1; 1000];
    soon("a thousand bytes", output.read_exact(&mut thousand)).await.unwrap();
    assert_eq!(thousand, [0; 1000]);
    drop(output);
    soon("the end of ssh", ssh.wait()).await.unwrap();
    remote.ends().await;
}

/// `ssh … tail -f | grep -m1`
#[tokio::test]
async fn a_search_that_has_found() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let log = openssh::home(&gateway.place).join("log");
    std::fs::write(&log, "first\n").unwrap();
    let mut ssh = spawn(
        openssh::ssh(&gateway.asking("echo $$ > pid; exec tail -f log")).stdin(Stdio::piped()).stdout(Stdio::piped()),
    );
    let remote = Remote::of(&gateway, "pid").await;
    let input: Stdio = ssh.stdout.take().unwrap().try_into().unwrap();
    let grep = spawn(Command::new("grep").args(["-m1", "needle"]).stdin(input).stdout(Stdio::piped()));
    let append = |text: &str| {
        use std::io::Write;
        std::fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(text.as_bytes()).unwrap();
    };
    append("hay\nneedle 1\n");
    let found = soon("the needle", grep.wait_with_output()).await.unwrap();
    assert_eq!(found.stdout, b"needle 1\n");
    // tail and ssh notice with the next line, as they do without a gateway.
    append("needle 2\n");
    soon("the end of ssh", ssh.wait()).await.unwrap();
    append("needle 3\n");
    remote.ends().await;
}

/// Somebody closes channels on which no byte may be sent any more: more of them than may be open at a time, so that one that
/// stayed would be missed.
#[tokio::test]
async fn a_close_at_window_zero() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let rounds = 140;
    let options = Json::default()
        .raw("port", &gateway.address.port().to_string())
        .string("user", gateway.user)
        .path("key", &gateway.user_key.path)
        .string("host_key", &gateway.host_key.line())
        .raw("rounds", &rounds.to_string())
        .finish();
    let mut command = python("closes.py");
    command.arg(options);
    assert_eq!(succeed(&mut command.into(), b"").await, format!("{rounds}\n").as_bytes());
    for number in 0..rounds {
        Remote::of(&gateway, &format!("pid.{number}")).await.ends().await;
    }
}

/// A program that shares its connection with others is killed while its download is held up.
#[tokio::test]
async fn a_download_that_is_killed() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let master = Master::start(&gateway).await;
    for round in 0..5 {
        let pid = format!("pid{round}");
        let mut download = master.command(&format!("echo $$ > {pid}; exec cat /dev/zero"));
        let mut download = spawn(download.stdin(Stdio::null()).stdout(Stdio::piped()));
        let remote = Remote::of(&gateway, &pid).await;
        until("cat waits for the window", || is_blocked(&remote.0)).await;
        download.kill().await.unwrap();
        remote.ends().await;
    }
    assert_eq!(succeed(&mut master.command("cat"), b"still there").await, b"still there");
}

/// Whether a process waits in a system call, and has not run since it was last looked at.
fn is_blocked(process: &str) -> bool {
    let ticks = || std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let before = ticks();
    std::thread::sleep(Duration::from_millis(20));
    !before.is_empty() && before == ticks()
}

/// Everything that is downloaded is in the recording, and the download ends.
#[tokio::test]
async fn a_recorded_download() {
    let place = crate::place::Place::new();
    let folder = place.path("recordings");
    let gateway = Gateway::before_sshd(&["--record", folder.to_str().unwrap()], &[]);
    let size = 32 << 20;
    let command = format!("cat; head -c {size} /dev/zero | tr '\\0' 'a'; exit 3");
    let finished = finish(&mut openssh::ssh(&gateway.asking(&command)), b"what was typed").await;
    assert_eq!(finished.status, Some(3));
    assert_eq!(finished.output.len(), size + 14);
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let (typed, shown) = frames(&std::fs::read(file).unwrap());
    assert_eq!(typed, b"what was typed");
    assert!(shown == finished.output, "the recording is not what was shown: {} bytes", shown.len());
}

/// The bytes of both sides, from frames of side, stream, length and bytes.
fn frames(mut rest: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut client, mut target) = (Vec::new(), Vec::new());
    while let Some((head, tail)) = rest.split_at_checked(9) {
        let length = u32::from_be_bytes(head[5..].try_into().unwrap());
        let (bytes, tail) = tail.split_at(usize::try_from(length).unwrap());
        if head[0] == 0 {
            client.extend(bytes);
        } else {
            target.extend(bytes);
        }
        rest = tail;
    }
    assert!(rest.is_empty());
    (client, target)
}

/// A client with a tiny window and tiny packets gets every byte, and no more at once than it wants: asyncssh would say so.
#[tokio::test]
async fn small_windows() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let content = random_bytes(150_000, 15);
    for (window, packet) in [(1000, 1000), (5000, 100), (1, 1000)] {
        let content = if window == 1 { &content[..500] } else { content.as_slice() };
        let asking = gateway.asking("cat; exit 3");
        let finished = finish(&mut client_with_window(&asking, window, packet), content).await;
        assert_same(&finished.output, content, "through a small window");
        assert_eq!(finished.status, Some(3));
    }
}

/// A client that vanishes without a word takes its command with it.
#[tokio::test]
async fn a_client_that_is_killed() {
    let gateway = Gateway::before_sshd(&[], &[]);
    let mut ssh =
        spawn(openssh::ssh(&gateway.asking("echo $$ > pid; exec cat")).stdin(Stdio::piped()).stdout(Stdio::null()));
    let remote = Remote::of(&gateway, "pid").await;
    ssh.kill().await.unwrap();
    remote.ends().await;
}
