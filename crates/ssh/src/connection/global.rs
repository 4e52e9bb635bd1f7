//! Global requests (RFC 4254 sections 4 and 7.1, OpenSSH PROTOCOL section 2).
//!
//! Owns: their encoding.

use super::request::PATH_BYTES_MAX;
use crate::error::Error;
use crate::wire::{Malformed, Reader, Writer};

/// At most this many host keys in one advertisement.
const HOST_KEYS_MAX: usize = 64;

/// A request about the connection as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GlobalRequest {
    /// `tcpip-forward`: listen on the server for the client. Port 0 asks the server to choose.
    TcpipForward {
        /// Address to bind.
        host: Vec<u8>,
        /// Port to bind.
        port: u32,
    },
    /// `cancel-tcpip-forward`
    CancelTcpipForward {
        /// Address that was bound.
        host: Vec<u8>,
        /// Port that was bound.
        port: u32,
    },
    /// `streamlocal-forward@openssh.com`
    StreamlocalForward {
        /// Socket to listen on.
        path: Vec<u8>,
    },
    /// `cancel-streamlocal-forward@openssh.com`
    CancelStreamlocalForward {
        /// Socket that was listened on.
        path: Vec<u8>,
    },
    /// `hostkeys-00@openssh.com`: all host keys of the server, as blobs.
    HostKeys {
        /// Unproven.
        keys: Vec<Vec<u8>>,
    },
    /// `hostkeys-prove-00@openssh.com`
    HostKeysProve {
        /// The keys to prove, as blobs.
        keys: Vec<Vec<u8>>,
    },
    /// `no-more-sessions@openssh.com`
    NoMoreSessions,
    /// `keepalive@openssh.com`
    Keepalive,
    /// Any other.
    Unknown {
        /// Its name.
        name: String,
        /// Its fields as they came.
        data: Vec<u8>,
    },
}

impl GlobalRequest {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::TcpipForward { .. } => "tcpip-forward",
            Self::CancelTcpipForward { .. } => "cancel-tcpip-forward",
            Self::StreamlocalForward { .. } => "streamlocal-forward@openssh.com",
            Self::CancelStreamlocalForward { .. } => "cancel-streamlocal-forward@openssh.com",
            Self::HostKeys { .. } => "hostkeys-00@openssh.com",
            Self::HostKeysProve { .. } => "hostkeys-prove-00@openssh.com",
            Self::NoMoreSessions => "no-more-sessions@openssh.com",
            Self::Keepalive => KEEPALIVE,
            Self::Unknown { name, .. } => name,
        }
    }

    pub(super) fn parse(name: &str, data: &[u8]) -> Result<Self, Error> {
        parse(name, data).map_err(Error::malformed("global request"))
    }

    pub(super) fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::TcpipForward { host, port } | Self::CancelTcpipForward { host, port } => {
                w.string(host).u32(*port);
            }
            Self::StreamlocalForward { path } | Self::CancelStreamlocalForward { path } => {
                w.string(path);
            }
            Self::HostKeys { keys } | Self::HostKeysProve { keys } => {
                for key in keys {
                    w.string(key);
                }
            }
            Self::NoMoreSessions | Self::Keepalive => {}
            Self::Unknown { data, .. } => {
                w.bytes(data);
            }
        }
    }
}

/// OpenSSH sends it as a global request and on channels; any answer will do.
pub(super) const KEEPALIVE: &str = "keepalive@openssh.com";

fn parse(name: &str, data: &[u8]) -> Result<GlobalRequest, Malformed> {
    let mut r = Reader::new(data);
    let request = match name {
        "tcpip-forward" => GlobalRequest::TcpipForward { host: r.string_max(1024)?.to_vec(), port: r.u32()? },
        "cancel-tcpip-forward" => {
            GlobalRequest::CancelTcpipForward { host: r.string_max(1024)?.to_vec(), port: r.u32()? }
        }
        "streamlocal-forward@openssh.com" => {
            GlobalRequest::StreamlocalForward { path: r.string_max(PATH_BYTES_MAX)?.to_vec() }
        }
        "cancel-streamlocal-forward@openssh.com" => {
            GlobalRequest::CancelStreamlocalForward { path: r.string_max(PATH_BYTES_MAX)?.to_vec() }
        }
        "hostkeys-00@openssh.com" => GlobalRequest::HostKeys { keys: blobs(&mut r)? },
        "hostkeys-prove-00@openssh.com" => GlobalRequest::HostKeysProve { keys: blobs(&mut r)? },
        "no-more-sessions@openssh.com" => GlobalRequest::NoMoreSessions,
        KEEPALIVE => {
            r.take_rest();
            GlobalRequest::Keepalive
        }
        other => GlobalRequest::Unknown { name: other.to_owned(), data: r.take_rest().to_vec() },
    };
    r.finish()?;
    Ok(request)
}

fn blobs(r: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut keys = Vec::new();
    while !r.rest().is_empty() {
        if keys.len() == HOST_KEYS_MAX {
            return Err(Malformed("too many host keys"));
        }
        keys.push(r.string()?.to_vec());
    }
    Ok(keys)
}
