//! The connection protocol (RFC 4254) in both roles: a peer that says anything, and a user of the engine that does anything.
//!
//! Asserts: no message gets through during a key exchange (P3); all that [`Ledger`] keeps, above all not a byte beyond a window in either direction and never more memory than the
//! limits say; what is understood of a request or a kind of channel is written again as it came.

use std::time::Duration;

use sallyport_ssh::connection::{
    ChannelId, ChannelKind, ChannelOffer, ConnectionEvent, Endpoint, GlobalReplyToken, GlobalRequest, Open,
    OpenFailure, Outcome, ReplyToken, Request, Stream, WantReply, WindowSize,
};
use sallyport_ssh::engine::{Engine, Event, Phase};
use sallyport_ssh::error::Error;
use sallyport_ssh::message::connection as msg;
use sallyport_ssh::message::transport::KEXINIT;
use sallyport_ssh::role::Role;
use sallyport_ssh::time::Now;
use sallyport_ssh::wire::encode;

use super::input::Input;
use super::rig;

mod ledger;
mod scribe;

use ledger::Ledger;
use scribe::Scribe;

const STEPS_MAX: usize = 512;

/// First byte: our role. Then steps: a message of the peer, or something that the user of the engine does.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let role = if input.choice() & 1 == 0 { Role::Server } else { Role::Client };
    let mut hall = Hall::new(role);
    for _ in 0..STEPS_MAX {
        let Some(step) = input.byte() else { break };
        match step % 16 {
            0..=3 => hall.hear(input.chunk()),
            4 => hall.hear_again(input.choice()),
            5 => hall.hear_data(&mut input),
            6 => hall.wait(Duration::from_secs(u64::from(input.choice()))),
            other => hall.act(other, &mut input),
        }
        hall.listen();
        hall.check();
        if hall.output.sealed || matches!(hall.engine.phase(), Phase::Ended(_)) {
            break;
        }
    }
}

/// An open connection, and what its user holds of it.
struct Hall {
    engine: Engine,
    output: rig::Output,
    now: Now,
    ledger: Ledger,
    scribe: Option<Scribe>,
    offers: Vec<ChannelOffer>,
    replies: Vec<ReplyToken>,
    global_replies: Vec<GlobalReplyToken>,
    channels: Vec<ChannelId>,
    /// The peer began a key exchange. It cannot end one: what is sealed then ends the run.
    exchanging: bool,
    /// We are in a key exchange, so that answers may wait.
    held_back: bool,
}

impl Hall {
    fn new(role: Role) -> Self {
        let now = rig::start();
        let (mut server, mut client) = rig::keyed(None);
        rig::log_in(&mut server, &mut client, now);
        Self {
            engine: if role == Role::Server { server } else { client },
            output: rig::Output::default(),
            now,
            ledger: Ledger::default(),
            scribe: None,
            offers: Vec::new(),
            replies: Vec::new(),
            global_replies: Vec::new(),
            channels: Vec::new(),
            exchanging: false,
            held_back: false,
        }
    }

    fn hear(&mut self, payload: &[u8]) {
        if rig::feed(&mut self.engine, &rig::packet(payload), self.now) {
            self.exchanging |= payload.first() == Some(&KEXINIT);
            self.ledger.heard(payload);
        }
    }

    /// The last message once more, and more often: what is bounded by volume, no short script would reach. Nothing is sent
    /// meanwhile, so that also answers pile up. Only one number means really often, because that takes its time.
    fn hear_again(&mut self, times: u8) {
        let payload = self.ledger.last().to_vec();
        let times = if times == u8::MAX { 1000 } else { u16::from(times % 16) };
        for _ in 0..times {
            self.hear(&payload);
            self.listen();
            rig::check(&mut self.engine);
        }
    }

    /// Data of a size that the script need not hold, for one of the channels that there are.
    fn hear_data(&mut self, input: &mut Input<'_>) {
        let (which, count) = (input.choice(), input.number() % 300);
        let Some(channel) = self.pick(which) else {
            return;
        };
        let number = ledger::number(channel);
        let payload = encode(|w| {
            w.u8(msg::CHANNEL_DATA).u32(number).string(&vec![0; count]);
        });
        self.hear(&payload.unwrap());
    }

    fn wait(&mut self, passed: Duration) {
        self.now = self.now.after(passed);
        self.engine.on_time(self.now);
    }

    fn pick(&self, which: u8) -> Option<ChannelId> {
        let at = usize::from(which).checked_rem(self.channels.len())?;
        self.channels.get(at).copied()
    }

    /// Does something. Of errors only those that end a connection are allowed, and they end it.
    fn act(&mut self, action: u8, input: &mut Input<'_>) {
        let (which, how) = (input.choice(), input.choice());
        let channel = self.pick(which);
        let Some(mut open) = self.engine.open_phase() else {
            return;
        };
        let done = match (action, channel) {
            (7 | 8, _) => {
                let offer = self.offers.pop();
                offer.map_or(Ok(()), |offer| {
                    if refuses(how) {
                        self.ledger.refused(offer.id());
                    }
                    answer(&mut open, offer, how)
                })
            }
            (9, Some(channel)) => {
                let count = self.ledger.consume(channel, usize::from(how) * 4);
                open.consume(channel, count)
            }
            (10, Some(channel)) => {
                let stream = if which & 0x80 == 0 { Stream::Data } else { Stream::STDERR };
                let room = open.writable(channel);
                let sent = open.send(channel, stream, &vec![0; usize::from(how) * 8]);
                sent.map(|sent| assert!(sent <= room, "{sent} bytes sent where {room} could be"))
            }
            (11, Some(channel)) => open.request(channel, &request(how), want(which)).map(|_| ()),
            (12, Some(channel)) if how.is_multiple_of(4) => open.close(channel),
            (12, Some(channel)) => open.eof(channel),
            (13, _) => open.open(&kind(how)).map(|id| self.channels.push(id)),
            (14, _) => open.global(&global(how), want(which)).map(|_| ()),
            (15, _) if !self.replies.is_empty() => {
                let token = self.replies.swap_remove(usize::from(which) % self.replies.len());
                open.reply(token, outcome(how))
            }
            (15, _) => {
                self.global_replies.pop().map_or(Ok(()), |token| open.reply_global(token, outcome(how), &[how; 4]))
            }
            _ => Ok(()),
        };
        match done {
            // Too many channels or questions of our own: nothing has happened, and the connection goes on.
            Ok(()) | Err(Error::Limit(_)) => {}
            Err(error) => panic!("what the user did ended in {error}"),
        }
    }

    fn listen(&mut self) {
        while let Some(event) = self.engine.next_event(self.now) {
            match event {
                Event::Data { .. } | Event::Connection(_) if self.exchanging => {
                    panic!("a message got through during a key exchange")
                }
                Event::Data { channel, bytes, .. } => self.ledger.received(channel, bytes.len()),
                Event::Connection(event) => self.happened(event),
                Event::Keys(_) | Event::Ended(_) => {}
                Event::ServerAuth(_) | Event::ClientAuth(_) => {
                    panic!("an event of another phase")
                }
            }
        }
    }

    fn happened(&mut self, event: ConnectionEvent) {
        self.ledger.happened(&event);
        match event {
            ConnectionEvent::Offer(offer) => {
                let scribe = self.scribe.get_or_insert_with(Scribe::new);
                scribe.check_kind(&offer.kind, self.ledger.last());
                self.channels.push(offer.id());
                self.offers.push(offer);
            }
            ConnectionEvent::Request { request, reply, .. } => {
                let scribe = self.scribe.get_or_insert_with(Scribe::new);
                scribe.check_request(&request, self.ledger.last());
                self.replies.extend(reply);
            }
            ConnectionEvent::Global { request, reply } => {
                let scribe = self.scribe.get_or_insert_with(Scribe::new);
                scribe.check_global(&request, self.ledger.last());
                self.global_replies.extend(reply);
            }
            ConnectionEvent::OpenFailed { channel, .. } => {
                self.channels.retain(|known| *known != channel);
            }
            // A closed channel is kept: what is done to it must do no harm.
            ConnectionEvent::Closed { .. }
            | ConnectionEvent::Opened { .. }
            | ConnectionEvent::Reply { .. }
            | ConnectionEvent::Eof { .. }
            | ConnectionEvent::GlobalReply { .. } => {}
        }
    }

    fn check(&mut self) {
        rig::check(&mut self.engine);
        for payload in self.output.take(&mut self.engine) {
            self.held_back |= payload[0] == KEXINIT;
            self.ledger.said(&payload);
        }
        self.ledger.check();
        let all_answered = self.replies.is_empty() && self.global_replies.is_empty();
        if all_answered && !self.held_back && self.engine.open_phase().is_some() {
            self.ledger.check_answered();
        }
    }
}

fn answer(open: &mut Open<'_>, offer: ChannelOffer, how: u8) -> Result<(), Error> {
    if refuses(how) {
        return open.refuse(offer, OpenFailure::CONNECT_FAILED, "no");
    }
    open.accept(offer).map(|_| ())
}

fn refuses(how: u8) -> bool {
    how.is_multiple_of(4)
}

fn want(choice: u8) -> WantReply {
    if choice & 0x40 == 0 { WantReply::Yes } else { WantReply::No }
}

fn outcome(choice: u8) -> Outcome {
    if choice.is_multiple_of(2) { Outcome::Success } else { Outcome::Failure }
}

fn request(choice: u8) -> Request {
    match choice % 4 {
        0 => Request::Shell,
        1 => Request::EndOfWrite,
        2 => Request::ExitStatus { status: 1 },
        _ => Request::WindowChange(WindowSize { columns: 80, rows: 24, width: 0, height: 0 }),
    }
}

fn kind(choice: u8) -> ChannelKind {
    let endpoint = |port| Endpoint { host: b"localhost".to_vec(), port };
    match choice % 4 {
        0 => ChannelKind::Session,
        1 => ChannelKind::DirectTcpip { to: endpoint(22), from: endpoint(1) },
        2 => ChannelKind::ForwardedTcpip { listening: endpoint(22), from: endpoint(1) },
        _ => ChannelKind::Agent,
    }
}

fn global(choice: u8) -> GlobalRequest {
    match choice % 6 {
        0 => GlobalRequest::Keepalive,
        1 => GlobalRequest::TcpipForward { host: b"localhost".to_vec(), port: u32::from(choice >> 4) },
        2 => GlobalRequest::CancelTcpipForward { host: b"localhost".to_vec(), port: u32::from(choice >> 4) },
        3 => GlobalRequest::StreamlocalForward { path: b"/run/a".to_vec() },
        4 => GlobalRequest::CancelStreamlocalForward { path: b"/run/a".to_vec() },
        _ => GlobalRequest::NoMoreSessions,
    }
}
