//! What the host listens on for its client (RFC 4254, section 7.1; OpenSSH PROTOCOL, section 2.4).
//!
//! Owns: the listeners of one connection. Invariants: TCP is listened on at loopback, whatever address is asked for; the socket
//! files that were made go with the listener; listeners are bounded in number, and nobody is accepted while the
//! client may have no more channels. Must not know: what passes through.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::task::{Context, Poll};

use sallyport_ssh::connection::{ChannelKind, Endpoint, GlobalRequest};
use tokio::net::{TcpListener, UnixListener};

use super::stream::Socket;

/// Listeners of one connection.
const LISTENERS_MAX: usize = 32;

/// The listeners of one connection.
#[derive(Default)]
pub(crate) struct Forwards {
    listening: Vec<Listening>,
}

enum Listening {
    Tcp {
        /// The address as the client wrote it: it knows the forward by it.
        host: Vec<u8>,
        port: u16,
        listener: TcpListener,
    },
    Unix {
        path: Vec<u8>,
        listener: UnixListener,
        _file: SocketFile,
    },
}

/// Somebody connected to what the client listens on.
pub(crate) struct Arrival {
    pub(crate) kind: ChannelKind,
    pub(crate) socket: Socket,
}

impl Forwards {
    /// Does what a global request asks. Answers the body of the success.
    pub(crate) fn request(&mut self, request: &GlobalRequest) -> io::Result<Vec<u8>> {
        match request {
            GlobalRequest::TcpipForward { host, port } => self.listen_tcp(host, *port),
            GlobalRequest::StreamlocalForward { path } => self.listen_unix(path),
            GlobalRequest::CancelTcpipForward { host, port } => self.cancel(|listening| {
                matches!(listening, Listening::Tcp { host: own, port: bound, .. } if own == host && u32::from(*bound) == *port)
            }),
            GlobalRequest::CancelStreamlocalForward { path } => self.cancel(
                |listening| matches!(listening, Listening::Unix { path: own, .. } if own == path),
            ),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The next one who connected.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        for listening in &self.listening {
            // An error concerns the one who came and went, not the listener.
            match listening {
                Listening::Tcp { host, port, listener } => {
                    if let Poll::Ready(Ok((stream, from))) = listener.poll_accept(cx) {
                        let listening = endpoint(host.clone(), *port);
                        let from = endpoint(from.ip().to_string().into_bytes(), from.port());
                        return Poll::Ready(Arrival {
                            kind: ChannelKind::ForwardedTcpip { listening, from },
                            socket: stream.into(),
                        });
                    }
                }
                Listening::Unix { path, listener, .. } => {
                    if let Poll::Ready(Ok((stream, _))) = listener.poll_accept(cx) {
                        return Poll::Ready(Arrival {
                            kind: ChannelKind::ForwardedStreamlocal { path: path.clone() },
                            socket: stream.into(),
                        });
                    }
                }
            }
        }
        Poll::Pending
    }

    fn listen_tcp(&mut self, host: &[u8], port: u32) -> io::Result<Vec<u8>> {
        self.check_room()?;
        let asked = u16::try_from(port).map_err(|_| io::ErrorKind::InvalidInput)?;
        let address = SocketAddr::new(loopback(host), asked);
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let port = listener.local_addr()?.port();
        self.listening.push(Listening::Tcp { host: host.to_vec(), port, listener });
        // Only who leaves the choice to us is told (RFC 4254, section 7.1).
        Ok(if asked == 0 { u32::from(port).to_be_bytes().to_vec() } else { Vec::new() })
    }

    fn listen_unix(&mut self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.check_room()?;
        let file = PathBuf::from(OsString::from_vec(path.to_vec()));
        let listener = UnixListener::bind(&file)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        self.listening.push(Listening::Unix { path: path.to_vec(), listener, _file: SocketFile(file) });
        Ok(Vec::new())
    }

    fn cancel(&mut self, is_meant: impl Fn(&Listening) -> bool) -> io::Result<Vec<u8>> {
        let before = self.listening.len();
        self.listening.retain(|listening| !is_meant(listening));
        if self.listening.len() == before {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Vec::new())
    }

    fn check_room(&self) -> io::Result<()> {
        if self.listening.len() >= LISTENERS_MAX {
            return Err(io::Error::other("too many listeners"));
        }
        Ok(())
    }
}

/// Removes the file of a listening socket.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it before.
        let _ = fs::remove_file(&self.0);
    }
}

fn loopback(host: &[u8]) -> IpAddr {
    match host {
        b"::1" | b"::" => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

fn endpoint(host: Vec<u8>, port: u16) -> Endpoint {
    Endpoint { host, port: port.into() }
}
