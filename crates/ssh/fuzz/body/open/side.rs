//! One end of an open connection, and the user of its engine.
//!
//! Owns: what was sent, received and not taken yet. Answers everything that is asked, and agrees to every channel.

use std::collections::BTreeMap;

use sallyport_ssh::connection::{
    ChannelId, ChannelKind, ConnectionEvent, GlobalRequest, Outcome, Request, Stream, WantReply,
};
use sallyport_ssh::engine::{Engine, Event};
use sallyport_ssh::error::Error;
use sallyport_ssh::time::Now;

use super::Talk;

/// One end.
pub(super) struct Side {
    pub(super) engine: Engine,
    /// Bytes of data, on all channels.
    pub(super) sent: usize,
    pub(super) received: usize,
    channels: Vec<ChannelId>,
    held: BTreeMap<ChannelId, usize>,
}

impl Side {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, sent: 0, received: 0, channels: Vec::new(), held: BTreeMap::new() }
    }

    /// Says anything. What does not fit any more ends the connection of whoever says it.
    pub(super) fn say(&mut self, payload: &[u8]) {
        if let Err(error) = self.engine.danger_say(payload) {
            self.engine.fail(error);
        }
    }

    pub(super) fn open(&mut self, choice: u8) -> Talk {
        let kind = match choice % 4 {
            0..=1 => ChannelKind::Session,
            2 => ChannelKind::Agent,
            _ => ChannelKind::Unknown { name: "fuzz@sallyport".to_owned(), data: vec![choice] },
        };
        self.act(|open| open.open(&kind).map(|_| ()));
        Talk::Honest
    }

    pub(super) fn send(&mut self, which: u8, count: usize) -> Talk {
        let Some(channel) = self.pick(which) else {
            return Talk::Honest;
        };
        let stream = if which & 0x80 == 0 { Stream::Data } else { Stream::STDERR };
        let mut sent = 0;
        self.act(|open| {
            sent = open.send(channel, stream, &vec![which; count])?;
            Ok(())
        });
        self.sent += sent;
        Talk::Honest
    }

    pub(super) fn consume(&mut self, which: u8) -> Talk {
        if let Some(channel) = self.pick(which) {
            let count = self.held.remove(&channel).unwrap_or_default();
            self.act(|open| open.consume(channel, count));
        }
        Talk::Honest
    }

    pub(super) fn consume_all(&mut self) {
        for (channel, count) in std::mem::take(&mut self.held) {
            self.act(|open| open.consume(channel, count));
        }
    }

    pub(super) fn ask(&mut self, which: u8) -> Talk {
        let want = if which & 1 == 0 { WantReply::Yes } else { WantReply::No };
        match self.pick(which >> 1) {
            Some(channel) => self.act(|open| {
                let request = Request::Exec { command: vec![which; usize::from(which)] };
                open.request(channel, &request, want).map(|_| ())
            }),
            None => self.act(|open| open.global(&GlobalRequest::Keepalive, want).map(|_| ())),
        }
        Talk::Honest
    }

    pub(super) fn finish(&mut self, which: u8) -> Talk {
        let Some(channel) = self.pick(which) else {
            return Talk::Honest;
        };
        if which & 0x80 == 0 {
            self.act(|open| open.eof(channel));
            return Talk::Honest;
        }
        self.act(|open| open.close(channel));
        Talk::Careless
    }

    pub(super) fn listen(&mut self, now: Now) {
        while let Some(event) = self.engine.next_event(now) {
            match event {
                Event::Data { channel, bytes, .. } => {
                    let count = bytes.len();
                    self.received += count;
                    *self.held.entry(channel).or_default() += count;
                }
                Event::Connection(event) => self.happened(event),
                Event::Keys(_) | Event::Ended(_) => {}
                Event::ServerAuth(_) | Event::ClientAuth(_) => {
                    panic!("an event of another phase")
                }
            }
        }
    }

    fn happened(&mut self, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Offer(offer) => {
                self.channels.push(offer.id());
                self.act(|open| open.accept(offer).map(|_| ()));
            }
            ConnectionEvent::Opened { channel } => self.channels.push(channel),
            ConnectionEvent::Request { reply: Some(token), .. } => self.act(|open| open.reply(token, Outcome::Success)),
            ConnectionEvent::Global { reply: Some(token), .. } => {
                self.act(|open| open.reply_global(token, Outcome::Failure, &[]));
            }
            _ => {}
        }
    }

    fn pick(&self, which: u8) -> Option<ChannelId> {
        let at = usize::from(which & 0x7f).checked_rem(self.channels.len())?;
        self.channels.get(at).copied()
    }

    /// Does something if the connection is open. Only a limit may be in the way.
    fn act(&mut self, act: impl FnOnce(&mut sallyport_ssh::connection::Open<'_>) -> Result<(), Error>) {
        let Some(mut open) = self.engine.open_phase() else {
            return;
        };
        match act(&mut open) {
            Ok(()) | Err(Error::Limit(_)) => {}
            Err(error) => panic!("what the user did ended in {error}"),
        }
    }
}
