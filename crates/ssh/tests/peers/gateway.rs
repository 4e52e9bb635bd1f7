//! The example gateway, in front of a target.
//!
//! Owns: its process and its keys. Must not know: what passes through it.

use std::net::SocketAddr;
use std::process::Command;

use crate::peer::{Asking, Host, Serving, Target, openssh};
use crate::place::{Key, KeyKind, Place};
use crate::program::{Daemon, example};

/// A gateway until the test ends, with the target behind it.
pub(crate) struct Gateway {
    _daemon: Daemon,
    pub(crate) address: SocketAddr,
    /// What it proves itself with.
    pub(crate) host_key: Key,
    /// Whom it lets in.
    pub(crate) user_key: Key,
    /// What it signs in to the target with.
    pub(crate) identity: Key,
    pub(crate) user: &'static str,
    /// What the target proves itself with, and its port.
    pub(crate) target_key: Key,
    pub(crate) target: u16,
    _target: Target,
    pub(crate) place: Place,
}

/// What a gateway needs before there is a target.
pub(crate) struct Draft {
    pub(crate) place: Place,
    pub(crate) target_key: Key,
    identity: Key,
    authorized: Vec<String>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        let target_key = place.key("target_key", KeyKind::Ed25519);
        let identity = place.key("identity", KeyKind::Ed25519);
        let authorized = vec![identity.line()];
        Self { place, target_key, identity, authorized }
    }

    /// What to start a target with.
    pub(crate) fn serving<R>(&self, act: impl FnOnce(&Serving<'_>) -> R) -> R {
        act(&Serving::new(&self.place, std::slice::from_ref(&self.target_key), &self.authorized))
    }

    /// The same, for targets that take time to start.
    pub(crate) async fn serving_async<R>(&self, act: impl AsyncFnOnce(&Serving<'_>) -> R) -> R {
        act(&Serving::new(&self.place, std::slice::from_ref(&self.target_key), &self.authorized)).await
    }

    /// Puts the gateway in front of it.
    pub(crate) fn gateway(self, target: Target, arguments: &[&str]) -> Gateway {
        let host_key = self.place.key("gateway_key", KeyKind::Ed25519);
        self.gateway_with_key(host_key, target, arguments)
    }

    /// The same with this key of the gateway's.
    pub(crate) fn gateway_with_key(self, host_key: Key, target: Target, arguments: &[&str]) -> Gateway {
        let Self { place, target_key, identity, .. } = self;
        let user_key = place.key("user_key", KeyKind::Ed25519);
        let mut command = Command::new(example("gateway"));
        command.args(["--target", &target.address.to_string(), "--user", target.user]);
        if !arguments.contains(&"--target-authority") {
            command.arg("--target-key").arg(target_key.public_path());
        }
        command.arg("--identity").arg(&identity.path);
        command.arg("--host-key").arg(&host_key.path);
        command.arg("--authorized").arg(user_key.public_path());
        let daemon = Daemon::start(command.args(arguments));
        let address = daemon.address();
        let user = target.user;
        let port = target.address.port();
        Gateway {
            _daemon: daemon,
            address,
            host_key,
            user_key,
            identity,
            user,
            target_key,
            target: port,
            _target: target,
            place,
        }
    }
}

impl Gateway {
    /// In front of OpenSSH; `arguments` for the gateway, `options` as in sshd_config.
    pub(crate) fn before_sshd(arguments: &[&str], options: &[&str]) -> Self {
        let draft = Draft::new();
        let target = draft.serving(|serving| openssh::sshd(serving, options));
        draft.gateway(target, arguments)
    }

    /// What a client is told to run a command here.
    pub(crate) fn asking<'a>(&'a self, command: &'a str) -> Asking<'a> {
        Asking {
            place: &self.place,
            address: self.address,
            user: self.user,
            key: &self.user_key,
            with_certificate: false,
            host: Host::Key(&self.host_key),
            command,
            rekey_bytes: None,
        }
    }
}
