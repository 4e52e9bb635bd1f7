//! Kinds of channels (RFC 4254 sections 6.1, 6.3 and 7.2, OpenSSH PROTOCOL section 2.4).
//!
//! Owns: their encoding, and which role may open which.

use super::request::{NAME_BYTES_MAX, PATH_BYTES_MAX};
use crate::error::Error;
use crate::role::Role;
use crate::wire::{Malformed, Reader, Writer};

/// What a channel is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKind {
    /// `session`
    Session,
    /// `direct-tcpip`: the client wants to reach `to` from the server.
    DirectTcpip {
        /// Where to.
        to: Endpoint,
        /// Where the connection came from, as the client says.
        from: Endpoint,
    },
    /// `forwarded-tcpip`: somebody connected to an address that the client asked to be listened on.
    ForwardedTcpip {
        /// The listening address.
        listening: Endpoint,
        /// Where the connection came from, as the server says.
        from: Endpoint,
    },
    /// `direct-streamlocal@openssh.com`
    DirectStreamlocal {
        /// The socket to reach.
        path: Vec<u8>,
    },
    /// `forwarded-streamlocal@openssh.com`
    ForwardedStreamlocal {
        /// The listening socket.
        path: Vec<u8>,
    },
    /// `auth-agent@openssh.com`
    Agent,
    /// `x11`
    X11 {
        /// Where the connection came from, as the server says.
        from: Endpoint,
    },
    /// Any other.
    Unknown {
        /// Its name.
        name: String,
        /// Its fields as they came.
        data: Vec<u8>,
    },
}

/// An address and a port, as the peer wrote them: never resolved here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address.
    pub host: Vec<u8>,
    /// SSH gives ports 32 bits.
    pub port: u32,
}

impl ChannelKind {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Session => "session",
            Self::DirectTcpip { .. } => "direct-tcpip",
            Self::ForwardedTcpip { .. } => "forwarded-tcpip",
            Self::DirectStreamlocal { .. } => "direct-streamlocal@openssh.com",
            Self::ForwardedStreamlocal { .. } => "forwarded-streamlocal@openssh.com",
            Self::Agent => "auth-agent@openssh.com",
            Self::X11 { .. } => "x11",
            Self::Unknown { name, .. } => name,
        }
    }

    /// Who opens channels of this kind; `None` where nobody has said.
    pub(super) fn opener(&self) -> Option<Role> {
        match self {
            Self::Session | Self::DirectTcpip { .. } | Self::DirectStreamlocal { .. } => Some(Role::Client),
            Self::ForwardedTcpip { .. } | Self::ForwardedStreamlocal { .. } | Self::Agent | Self::X11 { .. } => {
                Some(Role::Server)
            }
            Self::Unknown { .. } => None,
        }
    }

    pub(super) fn parse(name: &[u8], data: &[u8]) -> Result<Self, Error> {
        parse(name, data).map_err(Error::malformed("channel open"))
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Session | Self::Agent => {}
            Self::DirectTcpip { to: first, from } | Self::ForwardedTcpip { listening: first, from } => {
                w.string(&first.host).u32(first.port).string(&from.host).u32(from.port);
            }
            Self::DirectStreamlocal { path } => {
                w.string(path).string(b"").u32(0);
            }
            Self::ForwardedStreamlocal { path } => {
                w.string(path).string(b"");
            }
            Self::X11 { from } => {
                w.string(&from.host).u32(from.port);
            }
            Self::Unknown { data, .. } => {
                w.bytes(data);
            }
        }
    }
}

fn parse(name: &[u8], data: &[u8]) -> Result<ChannelKind, Malformed> {
    let mut r = Reader::new(data);
    let kind = match name {
        b"session" => ChannelKind::Session,
        b"direct-tcpip" => ChannelKind::DirectTcpip { to: endpoint(&mut r)?, from: endpoint(&mut r)? },
        b"forwarded-tcpip" => ChannelKind::ForwardedTcpip { listening: endpoint(&mut r)?, from: endpoint(&mut r)? },
        b"direct-streamlocal@openssh.com" => {
            let path = path(&mut r)?;
            r.string()?;
            r.u32()?;
            ChannelKind::DirectStreamlocal { path }
        }
        b"forwarded-streamlocal@openssh.com" => {
            let path = path(&mut r)?;
            r.string()?;
            ChannelKind::ForwardedStreamlocal { path }
        }
        b"auth-agent@openssh.com" => ChannelKind::Agent,
        b"x11" => ChannelKind::X11 { from: endpoint(&mut r)? },
        other => ChannelKind::Unknown { name: text_name(other)?, data: r.take_rest().to_vec() },
    };
    r.finish()?;
    Ok(kind)
}

fn endpoint(r: &mut Reader<'_>) -> Result<Endpoint, Malformed> {
    Ok(Endpoint { host: r.string_max(1024)?.to_vec(), port: r.u32()? })
}

fn path(r: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    r.string_max(PATH_BYTES_MAX).map(<[u8]>::to_vec)
}

/// A type or request name: printable ASCII, as RFC 4250 section 4.6.1 has it.
pub(super) fn text_name(name: &[u8]) -> Result<String, Malformed> {
    let printable = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(name) {
        Ok(text) if printable => Ok(text.to_owned()),
        _ => Err(Malformed("name is not 1 to 64 printable ASCII characters")),
    }
}
