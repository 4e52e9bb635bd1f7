//! What may be done at a target.
//!
//! Owns: the list of capabilities and which one includes which. Invariants: what is not in the set of a role is refused, also what
//! nobody thought of (R3); a capability includes another only where it could be used to do the same. Must not know: how a
//! protocol asks for one; adapters translate.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that a role can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Connections that the target may make to the client's SSH agent.
    ForwardAgent,
    /// Connections from the client through the target to an address: `-L`, `-D`, `-W`.
    ForwardLocal,
    /// Connections to the target that are passed to the client: `-R`.
    ForwardRemote,
    /// Unix sockets in place of addresses, in the directions that the other two allow.
    ForwardSocket,
    /// Git over SSH: `git-upload-pack`, `git-receive-pack`, `git-upload-archive`.
    Git,
    /// Any command.
    Exec,
    /// rsync in its server mode.
    Rsync,
    /// Copying files with scp's own protocol.
    Scp,
    /// Files over the SFTP subsystem, which scp uses too.
    Sftp,
    /// An interactive login, with or without a terminal.
    Shell,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 10] = [
        Self::ForwardAgent,
        Self::ForwardLocal,
        Self::ForwardRemote,
        Self::ForwardSocket,
        Self::Git,
        Self::Exec,
        Self::Rsync,
        Self::Scp,
        Self::Sftp,
        Self::Shell,
    ];

    /// How configuration, events and messages write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ForwardAgent => "forward_agent",
            Self::ForwardLocal => "forward_local",
            Self::ForwardRemote => "forward_remote",
            Self::ForwardSocket => "forward_socket",
            Self::Git => "git",
            Self::Exec => "exec",
            Self::Rsync => "rsync",
            Self::Scp => "scp",
            Self::Sftp => "sftp",
            Self::Shell => "shell",
        }
    }

    /// Whether who may do this may also do `other`. Git, rsync and scp are commands; a role that lists them without `exec` allows just
    /// those.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == other || (self == Self::Exec && matches!(other, Self::Git | Self::Rsync | Self::Scp))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a role allows. What another one includes is left out, so that two that allow the same are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeSet<Capability>", into = "BTreeSet<Capability>")]
pub struct Capabilities(BTreeSet<Capability>);

impl Capabilities {
    /// Whether this one is allowed, by itself or as a part of another.
    #[must_use]
    pub fn allow(&self, wanted: Capability) -> bool {
        self.0.iter().any(|held| held.includes(wanted))
    }

    /// What both allow.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Capability::ALL.into_iter().filter(|one| self.allow(*one) && other.allow(*one)).collect()
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each that is listed.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(listed: I) -> Self {
        listed.into_iter().collect::<BTreeSet<_>>().into()
    }
}

impl From<BTreeSet<Capability>> for Capabilities {
    fn from(mut listed: BTreeSet<Capability>) -> Self {
        let all = listed.clone();
        listed.retain(|one| !all.iter().any(|other| other != one && other.includes(*one)));
        Self(listed)
    }
}

impl From<Capabilities> for BTreeSet<Capability> {
    fn from(capabilities: Capabilities) -> Self {
        capabilities.0
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Capability::name).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests;
