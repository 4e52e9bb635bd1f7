//! Programs that others wrote: how each is started, as a server or as a client.

pub(crate) mod dropbear;
pub(crate) mod openssh;
pub(crate) mod putty;
pub(crate) mod python;
pub(crate) mod russh;
pub(crate) mod tinyssh;

use std::net::SocketAddr;

use tokio::process::Command;

use crate::inetd::Inetd;
use crate::place::{Key, Place};
use crate::program::{Daemon, Finished, finish};

/// What a server is started with.
pub(crate) struct Serving<'a> {
    pub(crate) place: &'a Place,
    /// Its host keys, with the certificates that lie beside them.
    pub(crate) host_keys: &'a [Key],
    /// The keys that are let in: type and base64.
    pub(crate) authorized: &'a [String],
    /// The key exchange methods that it is narrowed to, by name. Nothing in a list leaves the peer's own choice.
    pub(crate) methods: &'a [&'a str],
    pub(crate) ciphers: &'a [&'a str],
    pub(crate) macs: &'a [&'a str],
    /// Bytes after which it wants new keys.
    pub(crate) rekey_bytes: Option<u32>,
}

impl<'a> Serving<'a> {
    /// A server with one host key, and everything it knows.
    pub(crate) fn new(place: &'a Place, host_keys: &'a [Key], authorized: &'a [String]) -> Self {
        Self { place, host_keys, authorized, methods: &[], ciphers: &[], macs: &[], rekey_bytes: None }
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Whom to sign in as.
    pub(crate) user: &'static str,
    _running: Running,
}

#[expect(dead_code, reason = "held until it is dropped")]
enum Running {
    Inetd(Inetd),
    Daemon(Daemon),
    Task(russh::Task),
}

impl From<(Inetd, &'static str)> for Target {
    fn from((inetd, user): (Inetd, &'static str)) -> Self {
        Self { address: inetd.address, user, _running: Running::Inetd(inetd) }
    }
}

impl From<(Daemon, &'static str)> for Target {
    fn from((daemon, user): (Daemon, &'static str)) -> Self {
        Self { address: daemon.address(), user, _running: Running::Daemon(daemon) }
    }
}

/// What a client is asked to do.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) place: &'a Place,
    pub(crate) address: SocketAddr,
    pub(crate) user: &'a str,
    pub(crate) key: &'a Key,
    /// Shows the certificate beside the key, too.
    pub(crate) with_certificate: bool,
    pub(crate) host: Host<'a>,
    pub(crate) command: &'a str,
    /// Bytes after which it wants new keys.
    pub(crate) rekey_bytes: Option<u32>,
}

/// Whom the client shall believe to be the host.
#[derive(Clone, Copy)]
pub(crate) enum Host<'a> {
    Key(&'a Key),
    Authority(&'a Key),
}

impl<'a> Host<'a> {
    pub(crate) fn key(self) -> &'a Key {
        match self {
            Self::Key(key) | Self::Authority(key) => key,
        }
    }

    pub(crate) fn is_authority(self) -> bool {
        matches!(self, Self::Authority(_))
    }
}

/// Clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientPeer {
    OpenSsh,
    Plink,
    Dbclient,
    Paramiko,
    Asyncssh,
    Russh,
}

impl ClientPeer {
    pub(crate) const ALL: [Self; 6] =
        [Self::OpenSsh, Self::Plink, Self::Dbclient, Self::Paramiko, Self::Asyncssh, Self::Russh];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenSsh => "OpenSSH ssh",
            Self::Plink => "PuTTY plink",
            Self::Dbclient => "dropbear dbclient",
            Self::Paramiko => "paramiko client",
            Self::Asyncssh => "asyncssh client",
            Self::Russh => "russh client",
        }
    }

    /// Runs one command. With `input` follows EOF.
    pub(crate) async fn run(self, asking: &Asking<'_>, input: &[u8]) -> Finished {
        match self.program(asking).await {
            Some(mut command) => finish(&mut command, input).await,
            None => russh::run(asking, input).await,
        }
    }

    /// The program that does so, unless it is a library of this language.
    pub(crate) async fn program(self, asking: &Asking<'_>) -> Option<Command> {
        match self {
            Self::OpenSsh => Some(openssh::ssh(asking)),
            Self::Plink => Some(putty::plink(asking).await),
            Self::Dbclient => Some(dropbear::dbclient(asking).await),
            Self::Paramiko => Some(python::client("paramiko", asking)),
            Self::Asyncssh => Some(python::client("asyncssh", asking)),
            Self::Russh => None,
        }
    }
}

/// Servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServerPeer {
    OpenSsh,
    Dropbear,
    Tinyssh,
    Paramiko,
    Asyncssh,
    Russh,
}

impl ServerPeer {
    pub(crate) const ALL: [Self; 6] =
        [Self::OpenSsh, Self::Dropbear, Self::Tinyssh, Self::Paramiko, Self::Asyncssh, Self::Russh];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenSsh => "OpenSSH sshd",
            Self::Dropbear => "dropbear",
            Self::Tinyssh => "tinysshd",
            Self::Paramiko => "paramiko server",
            Self::Asyncssh => "asyncssh server",
            Self::Russh => "russh server",
        }
    }

    pub(crate) async fn start(self, serving: &Serving<'_>) -> Target {
        match self {
            Self::OpenSsh => openssh::sshd(serving, &[]),
            Self::Dropbear => dropbear::dropbear(serving).await,
            Self::Tinyssh => tinyssh::tinysshd(serving),
            Self::Paramiko => python::paramiko_server(serving),
            Self::Asyncssh => python::asyncssh_server(serving),
            Self::Russh => russh::server(serving).await,
        }
    }
}
