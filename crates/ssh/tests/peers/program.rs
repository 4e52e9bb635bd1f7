//! Programs that a test starts, and ends.
//!
//! Owns: processes. Invariants: whatever is started here is ended by its process id, at the latest with the test; nothing is waited
//! for without a deadline. Must not know: what the programs do.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes on a busy machine, shorter than the runner's patience.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What a program that ended has said. Standard error goes to the test's own.
pub(crate) struct Finished {
    /// Exit status, or nothing after a signal.
    pub(crate) status: Option<i32>,
    pub(crate) output: Vec<u8>,
}

impl Finished {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// Runs a program to its end. A program that closes its input early has read what it wanted.
pub(crate) async fn finish(command: &mut Command, input: &[u8]) -> Finished {
    let shown = format!("{:?}", command.as_std());
    let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut pipe = child.stdin.take().unwrap();
    let feed = async move {
        let _ = pipe.write_all(input).await;
        drop(pipe);
    };
    let all = async { tokio::join!(feed, child.wait_with_output()).1.unwrap() };
    let output = timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("did not end: {shown}"));
    Finished { status: output.status.code(), output: output.stdout }
}

/// Runs a program to its end and wants success.
pub(crate) async fn succeed(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let shown = format!("{:?}", command.as_std());
    let finished = finish(command, input).await;
    assert_eq!(finished.status, Some(0), "{shown}: {}", finished.text());
    finished.output
}

/// Starts a program that ends with its handle.
pub(crate) fn spawn(command: &mut Command) -> tokio::process::Child {
    let shown = format!("{:?}", command.as_std());
    command.kill_on_drop(true).spawn().unwrap_or_else(|cause| panic!("{shown}: {cause}: run ./test, which brings it"))
}

/// Waits for something that must happen soon.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// Waits until something that has no event of its own is so, such as the content of a file.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    soon(what, async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A program that runs beside the test and says on its first line of output that it is ready.
pub(crate) struct Daemon {
    child: Child,
    /// What it said.
    pub(crate) first_line: String,
    _rest: BufReader<ChildStdout>,
}

impl Daemon {
    pub(crate) fn start(command: &mut std::process::Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = output.read_line(&mut line);
            let _ = sender.send((line, output));
        });
        let Ok((first_line, rest)) = receiver.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("never ready: {command:?}");
        };
        assert!(!first_line.is_empty(), "ended before it was ready: {command:?}: {:?}", child.wait());
        Self { child, first_line: first_line.trim_end().to_owned(), _rest: rest }
    }

    /// The address that ends the first line.
    pub(crate) fn address(&self) -> SocketAddr {
        let word = self.first_line.rsplit(' ').next().unwrap_or_default();
        word.parse().unwrap_or_else(|_| panic!("no address in: {}", self.first_line))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program is. `sshd` insists on being called by its whole path.
pub(crate) fn installed(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path)
        .chain(system)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed: run ./test, which brings it"))
}

/// An example of this crate, which cargo puts beside the test.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = profile.join("examples").join(name);
    assert!(path.is_file(), "{} is missing: cargo build -p sallyport-ssh --examples", path.display());
    path
}

/// The interpreter that `./test` has prepared, with a script from `python/`.
pub(crate) fn python(script: &str) -> std::process::Command {
    let mut command = std::process::Command::new(interpreter());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/python/").to_owned() + script);
    command
}

pub(crate) fn interpreter() -> PathBuf {
    env::var_os("SALLYPORT_TEST_PYTHON").expect("SALLYPORT_TEST_PYTHON: run ./test, which sets it").into()
}
