//! Files through the gateway, by programs that people copy files with.

use std::path::Path;

use tokio::process::Command;

use crate::gateway::Gateway;
use crate::payload::{assert_same, random_bytes};
use crate::peer::{openssh, putty};
use crate::program::succeed;

/// More than all windows together.
const FILE_BYTES: usize = 8 << 20;

/// Somebody's file, there and back.
struct Journey {
    gateway: Gateway,
    content: Vec<u8>,
}

impl Journey {
    fn new() -> Self {
        let gateway = Gateway::before_sshd(&[], &[]);
        let content = random_bytes(FILE_BYTES, 4);
        gateway.place.write("sent", &content, 0o644);
        Self { gateway, content }
    }

    fn local(&self, name: &str) -> String {
        self.gateway.place.path(name).to_str().unwrap().to_owned()
    }

    /// The file arrived, and came back, as it was.
    fn check(&self) {
        let there = openssh::home(&self.gateway.place).join("there");
        assert_same(&std::fs::read(&there).unwrap(), &self.content, "upload");
        assert_same(&std::fs::read(self.gateway.place.path("back")).unwrap(), &self.content, "download");
    }

    fn openssh(&self, program: &str) -> Command {
        let mut command = openssh::client(program, &self.gateway.asking(""));
        command.args(["-P", &self.gateway.address.port().to_string()]);
        command
    }

    fn destination(&self, name: &str) -> String {
        format!("{}@127.0.0.1:{name}", self.gateway.user)
    }
}

/// Over sftp, as today, and in the old way.
#[tokio::test]
async fn scp() {
    for mode in ["-s", "-O"] {
        let journey = Journey::new();
        let (sent, there, back) = (journey.local("sent"), journey.destination("there"), journey.local("back"));
        succeed(journey.openssh("scp").args([mode, &sent, &there]), b"").await;
        succeed(journey.openssh("scp").args([mode, &there, &back]), b"").await;
        journey.check();
    }
}

#[tokio::test]
async fn sftp() {
    let journey = Journey::new();
    let batch = format!(
        "put {} there\nget there {}\nmkdir folder\nrename there folder/moved\nls -l folder\nrename folder/moved there\nrmdir folder\n",
        journey.local("sent"),
        journey.local("back")
    );
    let mut command = journey.openssh("sftp");
    let output = succeed(command.args(["-b", "-", &journey.destination("")]), batch.as_bytes()).await;
    assert!(String::from_utf8_lossy(&output).contains("folder/moved"));
    journey.check();
}

#[tokio::test]
async fn psftp() {
    let journey = Journey::new();
    let batch = format!("put {} there\nget there {}\nquit\n", journey.local("sent"), journey.local("back"));
    let script = journey.gateway.place.write("batch", batch, 0o600);
    let mut command = putty::client("psftp", &journey.gateway.asking("")).await;
    succeed(command.arg("-be").arg("-b").arg(script).arg("127.0.0.1"), b"").await;
    journey.check();
}

#[tokio::test]
async fn pscp() {
    for mode in ["-sftp", "-scp"] {
        let journey = Journey::new();
        for [from, to] in [
            [journey.local("sent"), "127.0.0.1:there".to_owned()],
            ["127.0.0.1:there".to_owned(), journey.local("back")],
        ] {
            let mut command = putty::client("pscp", &journey.gateway.asking("")).await;
            succeed(command.args([mode, "-q", &from, &to]), b"").await;
        }
        journey.check();
    }
}

#[tokio::test]
async fn rsync() {
    let journey = Journey::new();
    for [from, to] in
        [[journey.local("sent"), journey.destination("there")], [journey.destination("there"), journey.local("back")]]
    {
        let mut command = Command::new("rsync");
        command.arg("-e").arg(shell(&journey.gateway)).args(["-c", "--rsync-path", "rsync", &from, &to]);
        succeed(&mut command, b"").await;
    }
    journey.check();
}

#[tokio::test]
async fn git() {
    let journey = Journey::new();
    let home = openssh::home(&journey.gateway.place);
    let repository = journey.gateway.place.path("repository");
    let git = |directory: &Path| {
        let mut command = Command::new("git");
        command.arg("-C").arg(directory).env("GIT_SSH_COMMAND", shell(&journey.gateway));
        command.args([
            "-c",
            "user.name=tester",
            "-c",
            "user.email=tester@example.org",
            "-c",
            "init.defaultBranch=main",
        ]);
        command
    };
    std::fs::create_dir(&repository).unwrap();
    std::fs::copy(journey.gateway.place.path("sent"), repository.join("file")).unwrap();
    succeed(git(&repository).args(["init", "-q"]), b"").await;
    succeed(git(&repository).args(["add", "file"]), b"").await;
    succeed(git(&repository).args(["commit", "-qm", "A file"]), b"").await;
    let mut far = openssh::ssh(&journey.gateway.asking("git init -q --bare far.git"));
    succeed(&mut far, b"").await;
    let url = format!(
        "ssh://{}@127.0.0.1:{}{}/far.git",
        journey.gateway.user,
        journey.gateway.address.port(),
        home.display()
    );
    succeed(git(&repository).args(["push", "-q", &url, "HEAD:refs/heads/main"]), b"").await;
    let clone = journey.gateway.place.path("clone");
    succeed(git(&repository).args(["clone", "-q", "-b", "main", &url]).arg(&clone), b"").await;
    assert_same(&std::fs::read(clone.join("file")).unwrap(), &journey.content, "clone");
}

/// ssh with its options, for programs that start it themselves.
fn shell(gateway: &Gateway) -> String {
    let command = openssh::client("ssh", &gateway.asking(""));
    let words = command.as_std().get_args().map(|word| word.to_str().unwrap().to_owned());
    format!("ssh {} -p {}", words.collect::<Vec<_>>().join(" "), gateway.address.port())
}
