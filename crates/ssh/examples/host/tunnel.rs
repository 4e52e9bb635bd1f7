//! A channel with a socket behind it: one that the client wants to reach, or one that came in for the client.
//!
//! Owns: dialling, and what ends when. Invariants: each direction ends by itself (half-close); what the client sent before it
//! closed still reaches the socket. Must not know: listeners.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use sallyport_ssh::connection::{ChannelId, ChannelKind, ChannelOffer, Endpoint, Open, OpenFailure, Stream};
use sallyport_ssh::error::Error;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::connection::Turn;
use super::stream::{Inward, Outward, Socket};

/// How long a connection may take to be made.
const DIAL_TIMEOUT: Duration = Duration::from_secs(30);

type Dial = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;

/// A channel with a socket behind it.
pub(crate) struct Tunnel {
    channel: ChannelId,
    stage: Stage,
}

enum Stage {
    /// The client waits until the socket is connected.
    Dialling { offer: ChannelOffer, dial: Dial },
    /// The socket waits until the client agrees.
    Offering(Socket),
    /// Bytes pass.
    Open { inward: Inward, outward: Outward },
    /// The client closed the channel; the socket still is to take what it sent.
    Draining(Inward),
    /// Neither side is there.
    Over,
}

impl Tunnel {
    /// The client wants to reach something. An offer of another kind comes back.
    pub(crate) fn dial(offer: ChannelOffer) -> Result<Self, ChannelOffer> {
        let dial: Dial = match &offer.kind {
            ChannelKind::DirectTcpip { to, .. } => Box::pin(reach_tcp(to.clone())),
            ChannelKind::DirectStreamlocal { path } => Box::pin(reach_unix(path.clone())),
            _ => return Err(offer),
        };
        Ok(Self { channel: offer.id(), stage: Stage::Dialling { offer, dial } })
    }

    /// Somebody connected to what the client listens on; the client was asked for `channel`.
    pub(crate) fn offered(channel: ChannelId, socket: Socket) -> Self {
        Self { channel, stage: Stage::Offering(socket) }
    }

    /// The client agreed.
    pub(crate) fn opened(&mut self) {
        if let Stage::Offering(socket) = std::mem::replace(&mut self.stage, Stage::Over) {
            self.stage = open(socket);
        }
    }

    /// Answers how many bytes are not held here.
    pub(crate) fn data(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        match &mut self.stage {
            Stage::Open { inward, .. } => inward.data(bytes, cx),
            _ => bytes.len(),
        }
    }

    pub(crate) fn eof(&mut self) {
        if let Stage::Open { inward, .. } = &mut self.stage {
            inward.eof();
        }
    }

    /// The client closed the channel.
    pub(crate) fn closed(&mut self) -> Turn {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Open { mut inward, .. } => {
                inward.eof();
                self.stage = Stage::Draining(inward);
                Turn::Moved
            }
            _ => Turn::Over,
        }
    }

    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        open: &mut Open<'_>,
        scratch: &mut [u8],
    ) -> Result<Turn, Error> {
        match &mut self.stage {
            Stage::Dialling { dial, .. } => match dial.as_mut().poll(cx) {
                Poll::Pending => Ok(Turn::Idle),
                Poll::Ready(outcome) => self.dialled(outcome, open),
            },
            Stage::Offering(_) => Ok(Turn::Idle),
            Stage::Open { inward, outward } => {
                let taken = inward.poll(cx);
                open.consume(self.channel, taken.count)?;
                let sent = outward.poll(cx, open, self.channel, scratch)?;
                if outward.is_over() {
                    open.eof(self.channel)?;
                    if inward.is_over() {
                        open.close(self.channel)?;
                        return Ok(Turn::Over);
                    }
                }
                Ok(Turn::moved(taken.count > 0 || sent))
            }
            Stage::Draining(inward) => {
                let taken = inward.poll(cx);
                open.consume(self.channel, taken.count)?;
                Ok(if inward.is_over() { Turn::Over } else { Turn::moved(taken.count > 0) })
            }
            Stage::Over => Ok(Turn::Over),
        }
    }

    fn dialled(&mut self, outcome: io::Result<Socket>, open: &mut Open<'_>) -> Result<Turn, Error> {
        let Stage::Dialling { offer, .. } = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Ok(Turn::Over);
        };
        match outcome {
            Ok(socket) => {
                open.accept(offer)?;
                self.stage = self::open(socket);
                Ok(Turn::Moved)
            }
            Err(error) => {
                open.refuse(offer, OpenFailure::CONNECT_FAILED, &error.to_string())?;
                Ok(Turn::Over)
            }
        }
    }
}

fn open(socket: Socket) -> Stage {
    Stage::Open { inward: Inward::open(socket.sink), outward: Outward::new(Stream::Data, Some(socket.source)) }
}

async fn reach_tcp(to: Endpoint) -> io::Result<Socket> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let host = String::from_utf8(to.host).map_err(|_| io::ErrorKind::InvalidInput)?;
    let port = u16::try_from(to.port).map_err(invalid)?;
    let stream = timeout(DIAL_TIMEOUT, TcpStream::connect((host, port))).await??;
    Ok(stream.into())
}

async fn reach_unix(path: Vec<u8>) -> io::Result<Socket> {
    let path = OsString::from_vec(path);
    let stream = timeout(DIAL_TIMEOUT, UnixStream::connect(path)).await??;
    Ok(stream.into())
}
