//! The engine on a byte stream of tokio: one task, large reads, no queue or task hop for a packet.
//!
//! Owns: reading, writing and the timer of one connection. Invariants: bytes are read only when the engine wants them, so that
//! the peer feels when we do not keep up; an idle connection holds no buffer. Must not know: what the bytes mean.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread::LocalKey;
use std::time::{Instant, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use crate::engine::{Engine, Event, Phase};
use crate::time::Now;

/// Bytes asked of the socket at once.
pub const READ_BYTES: usize = 256 * 1024;
/// Buffers that a thread keeps for its connections.
const POOL_BUFFERS: usize = 8;

thread_local! {
    /// Buffers to read into, full length.
    static INPUT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// Buffers to write into, empty.
    static OUTPUT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Both clocks, now.
#[must_use]
pub fn now() -> Now {
    Now { monotonic: Instant::now(), wall: SystemTime::now() }
}

/// An engine with its byte stream.
pub struct Link<S> {
    stream: S,
    /// The protocol. Whatever is done to it leaves with the next [`Link::poll_io`].
    pub engine: Engine,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    /// Switch off Nagle's algorithm on a TCP stream before: packets are complete when they are written.
    pub fn new(stream: S, engine: Engine) -> Self {
        Self { stream, engine, timer: None }
    }

    /// Writes what waits, reads what came, does what is due. Ready when the engine may have something new to say, or room again.
    pub fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wrote = self.poll_write(cx);
        let read = self.poll_read(cx);
        let ticked = self.poll_timer(cx);
        if wrote || read || ticked { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits for [`Self::poll_io`].
    pub async fn io(&mut self) {
        poll_fn(|cx| self.poll_io(cx)).await;
    }

    /// Gives the engine a buffer for what it will send. Worth calling before many bytes are sent; it goes back by itself.
    pub fn lend_output(&mut self) {
        self.engine.lend_output(|| OUTPUT.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(READ_BYTES)));
    }

    /// The next event of a connection that is used by itself. The last one is [`Event::Ended`]; call [`Self::finish`] then.
    pub async fn next(&mut self) -> Option<Event<'_>> {
        loop {
            if let Some(step) = self.engine.advance(now()) {
                return self.engine.event(step);
            }
            if matches!(self.engine.phase(), Phase::Ended(_)) {
                return None;
            }
            self.io().await;
        }
    }

    /// Writes what still waits, such as a last DISCONNECT, and closes the stream.
    pub async fn finish(mut self) {
        // Nobody is left to tell that the peer did not listen to the end.
        let _ = poll_fn(|cx| {
            while !self.engine.unsent().is_empty() {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, self.engine.unsent())) {
                    Ok(count) if count > 0 => self.engine.sent(count),
                    _ => break,
                }
            }
            Pin::new(&mut self.stream).poll_shutdown(cx)
        })
        .await;
    }

    /// Whether room came that was not there before.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> bool {
        let was_full = !self.engine.has_room();
        while !self.engine.unsent().is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, self.engine.unsent()) {
                Poll::Pending => return was_full && self.engine.has_room(),
                Poll::Ready(Ok(count)) if count > 0 => self.engine.sent(count),
                Poll::Ready(_) => {
                    self.engine.lost();
                    return true;
                }
            }
        }
        give(self.engine.reclaim_output(), &OUTPUT);
        was_full && self.engine.has_room()
    }

    /// Whether bytes came, or the end of them.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.engine.wants_read() {
            return false;
        }
        self.engine.lend(READ_BYTES, || INPUT.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; READ_BYTES]));
        let mut buffer = ReadBuf::new(self.engine.space(READ_BYTES / 8));
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => {
                give(self.engine.reclaim(), &INPUT);
                false
            }
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                let count = buffer.filled().len();
                self.engine.filled(count, now());
                true
            }
            Poll::Ready(_) => {
                self.engine.lost();
                true
            }
        }
    }

    /// Whether something was due. A timer that is set too early goes off, and is set anew: most deadlines only ever move away.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.engine.deadline() else {
            return false;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        if timer.deadline() > deadline.into() {
            timer.as_mut().reset(deadline.into());
        }
        let mut ticked = false;
        while timer.as_mut().poll(cx).is_ready() {
            let now = now();
            if self.engine.deadline().is_some_and(|due| now.monotonic >= due) {
                self.engine.on_time(now);
                ticked = true;
            }
            let Some(next) = self.engine.deadline() else {
                break;
            };
            timer.as_mut().reset(next.into());
        }
        ticked
    }
}

/// Waits until one of two connections has news or room; both have written what they could.
pub async fn either<A, B>(a: &mut Link<A>, b: &mut Link<B>)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        let (first, second) = (a.poll_io(cx), b.poll_io(cx));
        if first.is_pending() && second.is_pending() {
            return Poll::Pending;
        }
        a.lend_output();
        b.lend_output();
        Poll::Ready(())
    })
    .await;
}

/// Buffers of about the usual size are kept for the next connection that needs one.
fn give(buffer: Vec<u8>, pool: &'static LocalKey<RefCell<Vec<Vec<u8>>>>) {
    if (READ_BYTES..=2 * READ_BYTES).contains(&buffer.capacity()) {
        pool.with_borrow_mut(|pool| {
            if pool.len() < POOL_BUFFERS {
                pool.push(buffer);
            }
        });
    }
}
