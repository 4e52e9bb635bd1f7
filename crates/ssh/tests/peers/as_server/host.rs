//! The example host: a whole server of ours, with clients that others wrote. (OpenSSH's own are in the tests of the host.)

use std::process::Command as Program;

use crate::coverage::Coverage;
use crate::payload::{assert_same, mebibyte, random_bytes};
use crate::peer::{Asking, ClientPeer, Host, putty, python};
use crate::place::{Key, KeyKind, Place};
use crate::program::{Daemon, example, succeed};

/// A host until the test ends.
struct Running {
    daemon: Daemon,
    host_key: Key,
    user_key: Key,
    place: Place,
}

impl Running {
    fn start() -> Self {
        let place = Place::new();
        let host_key = place.key("host_key", KeyKind::Ed25519);
        let user_key = place.key("user_key", KeyKind::Ed25519);
        let mut command = Program::new(example("host"));
        command.arg("--host-key").arg(&host_key.path).arg("--authorized").arg(user_key.public_path());
        let daemon = Daemon::start(command.current_dir(place.directory()));
        Self { daemon, host_key, user_key, place }
    }

    fn asking<'a>(&'a self, command: &'a str) -> Asking<'a> {
        Asking {
            place: &self.place,
            address: self.daemon.address(),
            user: "alice",
            key: &self.user_key,
            with_certificate: false,
            host: Host::Key(&self.host_key),
            command,
            rekey_bytes: None,
        }
    }

    fn path(&self, name: &str) -> String {
        self.place.path(name).to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn runs_programs() {
    let host = Running::start();
    let mut coverage = Coverage::new("example host for", "all clients", "a mebibyte through cat");
    for peer in ClientPeer::ALL {
        let input = mebibyte(13);
        let finished = peer.run(&host.asking("cat; exit 7"), &input).await;
        assert_same(&finished.output, &input, peer.name());
        assert_eq!(finished.status, Some(7), "{}", peer.name());
        coverage.tried("client", peer.name());
    }
    coverage.report(6);
}

/// A signal, and the word for it on the way back.
#[tokio::test]
async fn delivers_signals() {
    let host = Running::start();
    let mut command = python::client_that_signals(&host.asking("echo ready; exec sleep 60"), "TERM");
    let finished = crate::program::finish(&mut command, b"").await;
    assert_eq!((finished.text().as_str(), finished.status), ("ready\nTERM\n", Some(255)));
}

/// psftp and pscp, in the new way and in the old.
#[tokio::test]
async fn takes_and_gives_files() {
    let host = Running::start();
    let content = random_bytes(4 << 20, 14);
    host.place.write("sent", &content, 0o600);
    let check = |what: &str| {
        for name in ["there", "back"] {
            assert_same(&std::fs::read(host.place.path(name)).unwrap(), &content, what);
            std::fs::remove_file(host.place.path(name)).unwrap();
        }
    };
    let batch = format!(
        "put {} {}\nget {} {}\nquit\n",
        host.path("sent"),
        host.path("there"),
        host.path("there"),
        host.path("back")
    );
    let script = host.place.write("batch", batch, 0o600);
    let mut command = putty::client("psftp", &host.asking("")).await;
    succeed(command.args(["-be", "-b"]).arg(script).arg("127.0.0.1"), b"").await;
    check("psftp");

    for mode in ["-sftp", "-scp"] {
        let there = format!("127.0.0.1:{}", host.path("there"));
        for [from, to] in [[&host.path("sent"), &there], [&there, &host.path("back")]] {
            let mut command = putty::client("pscp", &host.asking("")).await;
            succeed(command.args([mode, "-q", from, to]), b"").await;
        }
        check(mode);
    }
}
