//! The two directions between a channel and whoever is behind it: a program or a socket.
//!
//! Owns: bytes that one side gave and the other has not taken. Invariants: a byte of the client is consumed only when a program or
//! socket took it, so what waits here is bounded by the channel's window; nothing is read from a program or socket
//! unless the channel has room for it. Must not know: requests, who is behind it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use sallyport_ssh::connection::{ChannelId, Open, Stream};
use sallyport_ssh::error::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Takes bytes. Dropped, it says that no more will come.
pub(crate) type Sink = Box<dyn AsyncWrite + Send + Unpin>;
/// Gives bytes. Dropped, it says that no more are wanted.
pub(crate) type Source = Box<dyn AsyncRead + Send + Unpin>;

/// Bytes read from a program or socket at once.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// Both directions of a socket. Each half ends its direction when it is dropped.
pub(crate) struct Socket {
    pub(crate) source: Source,
    pub(crate) sink: Sink,
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        // Best effort: a socket that keeps Nagle's algorithm works, only later.
        let _ = stream.set_nodelay(true);
        let (source, sink) = stream.into_split();
        Self { source: Box::new(source), sink: Box::new(sink) }
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        let (source, sink) = stream.into_split();
        Self { source: Box::new(source), sink: Box::new(sink) }
    }
}

/// From the client to whoever is behind the channel.
pub(crate) struct Inward {
    to: To,
    queue: VecDeque<u8>,
    heard: Heard,
}

enum To {
    /// Nobody is there yet.
    Awaited,
    Open(Sink),
    /// Nobody is there any more, which nobody has been told yet.
    Lost,
    /// Nobody is there any more: whatever comes is thrown away.
    Gone,
}

/// What the client has said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    More,
    Eof,
}

/// What trying once more came to.
pub(crate) struct Taken {
    /// Bytes that are no longer held here.
    pub(crate) count: usize,
    /// Who was there takes no more, and did not before the client had ended.
    pub(crate) lost: bool,
}

impl Inward {
    pub(crate) fn awaiting() -> Self {
        Self { to: To::Awaited, queue: VecDeque::new(), heard: Heard::More }
    }

    pub(crate) fn open(sink: Sink) -> Self {
        Self { to: To::Open(sink), ..Self::awaiting() }
    }

    /// Somebody takes the bytes from now on.
    pub(crate) fn connect(&mut self, sink: Sink) {
        self.to = To::Open(sink);
    }

    /// The client sent `bytes`. Answers how many of them are not held here.
    pub(crate) fn data(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        let taken = if self.queue.is_empty() { self.pass(bytes, cx) } else { 0 };
        self.queue.extend(bytes.get(taken..).unwrap_or_default());
        taken
    }

    /// The client sends no more.
    pub(crate) fn eof(&mut self) {
        self.heard = Heard::Eof;
    }

    /// Tries once more what waits, and passes the end on when nothing does.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Taken {
        let mut count = 0;
        while !self.queue.is_empty() {
            let queue = std::mem::take(&mut self.queue);
            let taken = self.pass(queue.as_slices().0, cx);
            self.queue = queue;
            self.queue.drain(..taken);
            count += taken;
            if taken == 0 {
                return Taken { count, lost: false };
            }
        }
        if count > 0 {
            self.queue = VecDeque::new();
        }
        let lost = matches!(self.to, To::Lost);
        if lost || (self.heard == Heard::Eof && matches!(self.to, To::Open(_))) {
            self.to = To::Gone;
        }
        Taken { count, lost }
    }

    /// Nobody wants what still waits. Answers how much that was.
    pub(crate) fn give_up(&mut self) -> usize {
        self.to = To::Gone;
        std::mem::take(&mut self.queue).len()
    }

    /// Nothing waits and nothing more would be passed on.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.to, To::Gone) && self.queue.is_empty()
    }

    /// Writes as much as is taken at once.
    fn pass(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        let mut count = 0;
        loop {
            let rest = bytes.get(count..).unwrap_or_default();
            let sink = match &mut self.to {
                To::Open(sink) if !rest.is_empty() => sink,
                To::Open(_) | To::Awaited => return count,
                To::Lost | To::Gone => return bytes.len(),
            };
            match Pin::new(sink).poll_write(cx, rest) {
                Poll::Ready(Ok(written)) if written > 0 => count += written,
                Poll::Ready(_) => self.to = To::Lost,
                Poll::Pending => return count,
            }
        }
    }
}

/// From whoever is behind the channel to the client.
pub(crate) struct Outward {
    stream: Stream,
    source: Option<Source>,
    /// What was read and found no room after all: packets need some of it for themselves.
    rest: Vec<u8>,
}

impl Outward {
    pub(crate) fn new(stream: Stream, source: Option<Source>) -> Self {
        Self { stream, source, rest: Vec::new() }
    }

    /// The client wants no more: whoever is behind the channel feels that nobody reads.
    pub(crate) fn give_up(&mut self) {
        self.source = None;
        self.rest = Vec::new();
    }

    /// Everything was sent and no more comes.
    pub(crate) fn is_over(&self) -> bool {
        self.source.is_none() && self.rest.is_empty()
    }

    /// Moves some bytes if the channel has room. Answers whether it is worth asking again at once.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        open: &mut Open<'_>,
        channel: ChannelId,
        scratch: &mut [u8],
    ) -> Result<bool, Error> {
        if !self.rest.is_empty() {
            let sent = open.send(channel, self.stream, &self.rest)?;
            self.rest.drain(..sent);
            return Ok(sent > 0);
        }
        let room = open.writable(channel).min(scratch.len());
        let (Some(source), Some(scratch)) = (&mut self.source, scratch.get_mut(..room)) else {
            return Ok(false);
        };
        if scratch.is_empty() {
            return Ok(false);
        }
        let mut buffer = ReadBuf::new(scratch);
        match Pin::new(source).poll_read(cx, &mut buffer) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                let sent = open.send(channel, self.stream, buffer.filled())?;
                self.rest = buffer.filled().get(sent..).unwrap_or_default().to_vec();
                Ok(true)
            }
            // The end, or an error, which for a terminal is its end (EIO when the last program has closed it).
            Poll::Ready(_) => {
                self.source = None;
                Ok(true)
            }
        }
    }
}
