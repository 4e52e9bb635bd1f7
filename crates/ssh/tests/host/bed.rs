//! What every test here stands on: a host, perhaps a gateway before it, keys, and an `ssh` that knows them.
//!
//! Invariants: everything is started by its path and ended by its handle; every wait has an end.

use std::fmt::Write as _;
use std::fs;
use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use sallyport_ssh::key::SigningKey;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use crate::folder::Folder;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Keys are renewed so often that every transfer of some size sees it.
const REKEY_BYTES: &str = "5000000";

/// How a client gets to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    Gateway,
}

/// A host, and what is needed to reach it.
pub(crate) struct Bed {
    folder: Folder,
    servers: Vec<Server>,
}

impl Bed {
    /// Starts what the route needs. `arguments` are for the host.
    pub(crate) async fn start(route: Route, arguments: &[&str]) -> Result<Self> {
        let mut bed = Self::lay()?;
        bed.raise(route, arguments).await?;
        Ok(bed)
    }

    /// Makes the keys, and starts nothing.
    pub(crate) fn lay() -> Result<Self> {
        let bed = Self { folder: Folder::create()?, servers: Vec::new() };
        for name in ["user", "host", "gateway", "relay"] {
            bed.key(name)?;
        }
        Ok(bed)
    }

    /// Starts what the route needs. `arguments` are for the host.
    pub(crate) async fn raise(&mut self, route: Route, arguments: &[&str]) -> Result<()> {
        let mut host = self.example("host");
        host.args(["--host-key", "host", "--authorized", "user.pub", "--authorized", "relay.pub"]);
        host.args(["--rekey-bytes", REKEY_BYTES]).args(arguments);
        let mut port = self.serve(host).await?;
        let mut key = "host.pub";
        if route == Route::Gateway {
            let mut gateway = self.example("gateway");
            gateway.args(["--host-key", "gateway", "--authorized", "user.pub", "--identity", "relay"]);
            gateway.args(["--target-key", "host.pub", "--target", &format!("127.0.0.1:{port}")]);
            gateway.args(["--rekey-bytes", REKEY_BYTES]);
            port = self.serve(gateway).await?;
            key = "gateway.pub";
        }
        let known = format!("[127.0.0.1]:{port} {}", fs::read_to_string(self.path(key))?);
        fs::write(self.path("known_hosts"), known)?;
        fs::write(self.path("config"), self.config(port))?;
        Ok(())
    }

    /// Ends everything, and fails if something was wrong with it.
    pub(crate) async fn end(mut self) -> Result<()> {
        while let Some(server) = self.servers.pop() {
            server.end().await?;
        }
        Ok(())
    }

    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key pair: `name` and `name.pub`.
    pub(crate) fn key(&self, name: &str) -> Result<SigningKey> {
        let key = SigningKey::generate()?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(name))?;
        file.write_all(key.to_openssh(name)?.as_bytes())?;
        fs::write(self.path(&format!("{name}.pub")), format!("{} {name}\n", key.public_key().to_openssh()))?;
        Ok(key)
    }

    /// `ssh` with the options of this bed, in its folder. The host is called `target`.
    pub(crate) fn ssh(&self) -> Command {
        self.client("ssh", &["-F", "config"])
    }

    /// A program in the test's folder, which ends with the test.
    pub(crate) fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command line at the host.
    pub(crate) async fn run(&self, line: &str) -> Result<Output> {
        output(self.ssh().arg("target").arg(line)).await
    }

    /// The first line that a server prints ends with its port.
    async fn serve(&mut self, command: Command) -> Result<u16> {
        let server = Server::start(command).await?;
        let port = server.port;
        self.servers.push(server);
        Ok(port)
    }

    fn example(&self, name: &str) -> Command {
        self.client(&example(name).to_string_lossy(), &[])
    }

    fn config(&self, port: u16) -> String {
        let mut text = format!("Host target\nPort {port}\n");
        let folder = self.folder.path().display();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "HostName 127.0.0.1\nUser somebody\nIdentityFile {folder}/user\nIdentitiesOnly yes\nIdentityAgent none\n\
             UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\n\
             LogLevel ERROR\nControlPath {folder}/master\n"
        );
        text
    }
}

/// Where cargo puts an example, seen from a test.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let path = profile.join("examples").join(name);
    assert!(path.is_file(), "{} is missing: cargo build --all-features --examples", path.display());
    path
}

/// A program that listens.
pub(crate) struct Server {
    child: Child,
    /// Kept, so that it can go on printing.
    _stdout: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Server {
    /// Starts it, and waits for `listening on ADDRESS`.
    pub(crate) async fn start(mut command: Command) -> Result<Self> {
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let mut stdout = BufReader::new(child.stdout.take().context("no output")?);
        let mut line = String::new();
        patiently("a server to listen", stdout.read_line(&mut line)).await??;
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        let Some(port) = port else {
            let mut errors = String::new();
            child.stderr.take().context("no errors")?.read_to_string(&mut errors).await?;
            bail!("{command:?} says {line:?} {errors}");
        };
        Ok(Self { child, _stdout: stdout, port })
    }

    /// SIGTERM is enough, and there was nothing to complain about.
    pub(crate) async fn end(mut self) -> Result<()> {
        kill_process(pid(&self.child)?, Signal::TERM)?;
        let status = patiently("a server to end", self.child.wait()).await??;
        let mut errors = String::new();
        self.child.stderr.take().context("no errors")?.read_to_string(&mut errors).await?;
        ensure!(errors.is_empty(), "a server complains: {errors}");
        // The gateway leaves the signal as it is.
        ensure!(status.success() || status.signal() == Some(15), "a server ends with {status}");
        Ok(())
    }
}

/// Runs a client to its end.
pub(crate) async fn output(command: &mut Command) -> Result<Output> {
    let child = command.spawn().with_context(|| format!("{command:?}"))?;
    Ok(patiently(&format!("{command:?}"), child.wait_with_output()).await??)
}

/// Runs a client that has to succeed. Answers what it prints.
pub(crate) async fn success(command: &mut Command) -> Result<String> {
    let output = output(command).await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ends with {}: {errors}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Feeds a client `input` while it runs. Answers everything that it prints.
pub(crate) async fn filter(command: &mut Command, input: Vec<u8>) -> Result<Output> {
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("no input")?;
    let feeding = tokio::spawn(async move { stdin.write_all(&input).await });
    let output = patiently(&format!("{command:?}"), child.wait_with_output()).await??;
    // Who does not want all of it is not wrong.
    drop(feeding.await?);
    Ok(output)
}

/// Waits, but not for ever.
pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    timeout(PATIENCE, future).await.with_context(|| format!("gave up waiting for {what}"))
}

/// Waits until something is true that nobody tells us of.
pub(crate) async fn until(what: &str, mut is_true: impl FnMut() -> bool) -> Result<()> {
    patiently(what, async {
        while !is_true() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// The number of a child that has not been waited for.
pub(crate) fn pid(child: &Child) -> Result<Pid> {
    let id = child.id().context("it has ended")?;
    Pid::from_raw(i32::try_from(id)?).context("no process has this number")
}

/// Whether a process runs that somebody printed the number of. One that has ended and that nobody has waited for does not.
pub(crate) fn is_running(number: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", number.trim()));
    status.is_ok_and(|status| !status.lines().any(|line| line.starts_with("State:\tZ")))
}

/// Bytes that look like anything, always the same ones.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
