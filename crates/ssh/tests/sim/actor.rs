//! One user at one end: does things at random, and hears what comes.
//!
//! Owns: the engine of that end and the answers that its user owes. Invariant: nothing is done that a user may not do, so
//! whatever ends a connection early is a mistake of an engine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context, Result, bail, ensure};
use sallyport_ssh::connection::{
    ChannelId, ChannelOffer, ConnectionEvent, ConnectionLimits, GlobalId, GlobalReplyToken, GlobalRequest, Open,
    OpenFailure, Outcome, ReplyToken, Request, Sent, Stream, WantReply,
};
use sallyport_ssh::engine::{Engine, Event};
use sallyport_ssh::error::Error;
use sallyport_ssh::time::Now;

use crate::ledger::{Between, End, Ledger, Main, Manners, PIECE_BYTES_MAX, Phase, REQUEST, Tag, Told, Verdict};
use crate::login::{Door, Guest};
use crate::random::Random;

/// One user at one end.
pub(crate) struct Actor {
    pub(crate) end: End,
    pub(crate) engine: Engine,
    limits: ConnectionLimits,
    guest: Guest,
    door: Door,
    pub(crate) ids: BTreeMap<ChannelId, Tag>,
    pub(crate) channels: BTreeMap<Tag, ChannelId>,
    pub(crate) offers: Vec<(Tag, ChannelOffer)>,
    pub(crate) tokens: Vec<(ReplyToken, Verdict)>,
    pub(crate) global_tokens: Vec<(GlobalReplyToken, Verdict, Vec<u8>)>,
    /// Global requests of this end, oldest first.
    pub(crate) asked: VecDeque<(GlobalId, Verdict, Vec<u8>)>,
    /// Channels whose bytes this user leaves alone.
    pub(crate) stalled: BTreeSet<Tag>,
    pub(crate) finished: Option<Error>,
}

impl Actor {
    pub(crate) fn new(end: End, engine: Engine, limits: ConnectionLimits, random: &mut Random) -> Self {
        Self {
            end,
            engine,
            limits,
            guest: Guest::new(random),
            door: Door::new(random),
            ids: BTreeMap::new(),
            channels: BTreeMap::new(),
            offers: Vec::new(),
            tokens: Vec::new(),
            global_tokens: Vec::new(),
            asked: VecDeque::new(),
            stalled: BTreeSet::new(),
            finished: None,
        }
    }

    /// Hears everything that can be heard now; answers how many events there were.
    pub(crate) fn listen(&mut self, ledger: &mut Ledger, random: &mut Random, now: Now) -> Result<usize> {
        let mut count = 0;
        while let Some(event) = self.engine.next_event(now) {
            count += 1;
            match event {
                Event::Keys(_) => {}
                Event::ServerAuth(event) => self.door.answer(&mut self.engine, event, now)?,
                Event::ClientAuth(event) => self.guest.answer(&mut self.engine, event)?,
                Event::Data { channel, stream, bytes } => {
                    let tag = *self.ids.get(&channel).context("bytes on an unknown channel")?;
                    ledger.arrived(tag, self.end, stream, bytes).with_context(|| format!("channel {tag}"))?;
                }
                Event::Connection(event) => self.heard(event, ledger, random)?,
                Event::Ended(error) => self.finished = Some(error),
            }
        }
        Ok(count)
    }

    fn heard(&mut self, event: ConnectionEvent, ledger: &mut Ledger, random: &mut Random) -> Result<()> {
        match event {
            ConnectionEvent::Offer(offer) => {
                let tag = ledger.offered(self.end, &offer.kind)?;
                self.offers.push((tag, offer));
            }
            ConnectionEvent::Opened { channel } => {
                let tag = self.tag(channel)?;
                let strand = &mut ledger.strands[tag];
                ensure!(strand.phase == Phase::Accepted, "opened in phase {:?}", strand.phase);
                strand.phase = Phase::Open;
                self.choose_manners(tag, ledger, random)?;
            }
            ConnectionEvent::OpenFailed { channel, failure, .. } => {
                let tag = self.tag(channel)?;
                self.forget(tag);
                refused(tag, failure, ledger)?;
            }
            ConnectionEvent::Request { channel, request, reply } => {
                let tag = self.tag(channel)?;
                let verdict = self.requested(tag, &request, ledger).with_context(|| format!("channel {tag}"))?;
                self.tokens.extend(reply.map(|token| (token, verdict)));
            }
            ConnectionEvent::Reply { channel, outcome } => {
                ledger.replied(self.tag(channel)?, self.end, outcome)?;
            }
            ConnectionEvent::Eof { channel } => ledger.ended(self.tag(channel)?, self.end)?,
            ConnectionEvent::Closed { channel } => {
                let tag = self.tag(channel)?;
                ledger.closed(tag, self.end).with_context(|| format!("channel {tag}"))?;
                self.forget_if_over(tag, ledger);
            }
            ConnectionEvent::Global { request, reply } => self.global(request, reply, random)?,
            ConnectionEvent::GlobalReply { id, outcome, data } => self.global_reply(id, outcome, &data, ledger)?,
        }
        Ok(())
    }

    fn requested(&mut self, tag: Tag, request: &Request, ledger: &mut Ledger) -> Result<Verdict> {
        match request {
            Request::Unknown { name, data } if name == REQUEST => ledger.requested(tag, self.end, data),
            Request::EndOfWrite => {
                ensure!(ledger.strands[tag].at(self.end.other()).main != Main::Reads, "nobody stopped reading");
                Ok(Verdict::Deny)
            }
            other => bail!("a request that nobody sent: {other:?}"),
        }
    }

    fn global(&mut self, request: GlobalRequest, reply: Option<GlobalReplyToken>, random: &mut Random) -> Result<()> {
        match (request, reply) {
            (GlobalRequest::HostKeys { .. }, None) => {}
            (GlobalRequest::Unknown { data, .. }, Some(token)) => {
                self.global_tokens.push((token, Verdict::of(&data), data));
            }
            (GlobalRequest::TcpipForward { port: 0, .. }, Some(token)) => {
                let port = 1000 + u32::try_from(random.below(60_000))?;
                self.global_tokens.push((token, Verdict::Grant, port.to_be_bytes().to_vec()));
            }
            (request, _) => bail!("a global request that nobody sent: {request:?}"),
        }
        Ok(())
    }

    fn global_reply(&mut self, id: GlobalId, outcome: Outcome, data: &[u8], ledger: &mut Ledger) -> Result<()> {
        let (asked, verdict, sent) = self.asked.pop_front().context("an answer to no global request")?;
        ensure!(asked == id, "the answer to {id:?}, {asked:?} is the oldest");
        ensure!(verdict.outcome() == outcome, "the answer is {outcome:?}, given was {verdict:?}");
        match data.first_chunk::<4>() {
            Some(port) if sent.is_empty() => ledger.ports.push(u32::from_be_bytes(*port)),
            _ if outcome == Outcome::Success => ensure!(data == sent, "another body"),
            _ => {}
        }
        Ok(())
    }

    fn tag(&self, channel: ChannelId) -> Result<Tag> {
        self.ids.get(&channel).copied().context("an event for an unknown channel")
    }

    fn forget_if_over(&mut self, tag: Tag, ledger: &Ledger) {
        if ledger.strands[tag].at(self.end).is_over() {
            self.forget(tag);
        }
    }

    fn choose_manners(&mut self, tag: Tag, ledger: &mut Ledger, random: &mut Random) -> Result<()> {
        if random.chance(30) {
            let id = self.channels[&tag];
            self.engine.open_phase().context("not open")?.linger(id);
            ledger.strands[tag].side(self.end).manners = Manners::Lingers;
        }
        Ok(())
    }

    fn forget(&mut self, tag: Tag) {
        if let Some(id) = self.channels.remove(&tag) {
            self.ids.remove(&id);
        }
    }

    pub(crate) fn bind(&mut self, tag: Tag, id: ChannelId) {
        self.ids.insert(id, tag);
        self.channels.insert(tag, id);
    }

    // --- what a user can do ---

    /// The channel, if this end knows that it is open and has not closed it.
    fn live(&self, tag: Tag, ledger: &Ledger) -> Option<ChannelId> {
        let strand = &ledger.strands[tag];
        let side = strand.at(self.end);
        let known = strand.phase == Phase::Open || (strand.phase == Phase::Accepted && strand.asker != self.end);
        let live = known && !side.heard_close && side.close != Told::Done;
        self.channels.get(&tag).copied().filter(|_| live)
    }

    pub(crate) fn open(&mut self, form: usize, ledger: &mut Ledger, random: &mut Random) -> Result<()> {
        let port = (!ledger.ports.is_empty()).then(|| random.pick(&ledger.ports));
        let Some(mut open) = self.engine.open_phase() else {
            return Ok(());
        };
        let full = open.channel_count() >= usize::try_from(self.limits.channels_max)?;
        if full {
            // Nothing leaves, so the model does not hear of it.
            let refused = open.open(&sallyport_ssh::connection::ChannelKind::Session);
            ensure!(matches!(refused, Err(Error::Limit(_))), "one channel too many: {refused:?}");
            return Ok(());
        }
        let (tag, kind) = ledger.ask(self.end, port, form);
        let id = open.open(&kind)?;
        self.bind(tag, id);
        Ok(())
    }

    pub(crate) fn settle_offer(
        &mut self,
        index: usize,
        agree: bool,
        ledger: &mut Ledger,
        random: &mut Random,
    ) -> Result<()> {
        let (tag, offer) = self.offers.swap_remove(index);
        let mut open = self.engine.open_phase().context("not open")?;
        if agree {
            let id = open.accept(offer)?;
            self.bind(tag, id);
            ledger.strands[tag].phase = Phase::Accepted;
            self.choose_manners(tag, ledger, random)?;
        } else {
            open.refuse(offer, OpenFailure::CONNECT_FAILED, "no")?;
            ledger.strands[tag].phase = Phase::Refused;
        }
        Ok(())
    }

    /// Sends what waits on one channel, as far as it goes; then what was planned behind it.
    pub(crate) fn push(&mut self, tag: Tag, most: usize, ledger: &mut Ledger) -> Result<bool> {
        let Some(id) = self.live(tag, ledger) else {
            return Ok(false);
        };
        let front = ledger.strands[tag].at(self.end).wants.front().copied();
        let mut open = self.engine.open_phase().context("not open")?;
        let Some((stream, wanted)) = front else {
            return finish(&mut open, id, tag, self.end, ledger);
        };
        let count = wanted.min(most).min(PIECE_BYTES_MAX);
        let bytes = ledger.bytes(tag, self.end, stream, count);
        let writable = open.writable(id);
        let sent = open.send(id, stream, bytes)?;
        ensure!(sent <= count, "more was taken than there is");
        ensure!(sent > 0 || writable == 0, "{writable} bytes are writable, and none is taken");
        ledger.sent(tag, self.end, stream, sent);
        let wants = &mut ledger.strands[tag].side(self.end).wants;
        match wants.front_mut() {
            Some((_, left)) if *left > sent => *left -= sent,
            _ => drop(wants.pop_front()),
        }
        Ok(sent > 0)
    }

    pub(crate) fn consume(&mut self, tag: Tag, count: usize, ledger: &mut Ledger) -> Result<bool> {
        let Some(id) = self.channels.get(&tag).copied() else {
            return Ok(false);
        };
        let side = ledger.strands[tag].side(self.end);
        let count = count.min(side.held);
        side.held -= count;
        self.engine.open_phase().context("not open")?.consume(id, count)?;
        self.forget_if_over(tag, ledger);
        Ok(count > 0)
    }

    pub(crate) fn close(&mut self, tag: Tag, ledger: &mut Ledger) -> Result<()> {
        let Some(id) = self.live(tag, ledger) else {
            return Ok(());
        };
        let side = ledger.strands[tag].side(self.end);
        side.close = Told::Done;
        side.wants.clear();
        Ok(self.engine.open_phase().context("not open")?.close(id)?)
    }

    /// The other end has closed: a last word, perhaps, and our own close. Answers whether one was owed.
    pub(crate) fn part(&mut self, tag: Tag, ledger: &mut Ledger, random: &mut Random) -> Result<bool> {
        if !ledger.strands[tag].at(self.end).owes_close() {
            return Ok(false);
        }
        let id = self.channels[&tag];
        let mut open = self.engine.open_phase().context("not open")?;
        if random.chance(70) {
            let request = ledger.request(tag, self.end, Verdict::Deny, WantReply::No);
            let sent = open.request(id, &request, WantReply::No)?;
            ensure!(sent == Sent::Yes, "a last word did not leave");
        }
        ensure!(open.send(id, Stream::Data, b"late")? == 0, "data for somebody who has closed");
        open.close(id)?;
        ledger.strands[tag].side(self.end).close = Told::Done;
        self.forget_if_over(tag, ledger);
        Ok(true)
    }

    pub(crate) fn request(&mut self, tag: Tag, verdict: Verdict, want: WantReply, ledger: &mut Ledger) -> Result<()> {
        let Some(id) = self.live(tag, ledger) else {
            return Ok(());
        };
        let request = ledger.request(tag, self.end, verdict, want);
        let sent = self.engine.open_phase().context("not open")?.request(id, &request, want)?;
        ensure!(sent == Sent::Yes, "a request on an open channel did not leave");
        Ok(())
    }

    /// We read no more of the data stream.
    pub(crate) fn stop_reading(&mut self, tag: Tag, ledger: &mut Ledger) -> Result<()> {
        let Some(id) = self.live(tag, ledger) else {
            return Ok(());
        };
        let main = &mut ledger.strands[tag].side(self.end).main;
        if *main == Main::Reads {
            *main = Main::Deaf;
        }
        self.engine.open_phase().context("not open")?.request(id, &Request::EndOfWrite, WantReply::No)?;
        Ok(())
    }

    pub(crate) fn answer(&mut self, index: usize) -> Result<()> {
        let (token, verdict) = self.tokens.swap_remove(index);
        let mut open = self.engine.open_phase().context("not open")?;
        Ok(open.reply(token, verdict.outcome())?)
    }

    pub(crate) fn ask_global(&mut self, request: &GlobalRequest, verdict: Verdict, data: Vec<u8>) -> Result<()> {
        let mut open = self.engine.open_phase().context("not open")?;
        let id = open.global(request, WantReply::Yes)?;
        self.asked.push_back((id, verdict, data));
        Ok(())
    }

    pub(crate) fn answer_global(&mut self, index: usize) -> Result<()> {
        let (token, verdict, data) = self.global_tokens.swap_remove(index);
        let mut open = self.engine.open_phase().context("not open")?;
        Ok(open.reply_global(token, verdict.outcome(), &data)?)
    }

    /// What this end holds never exceeds what it promised.
    pub(crate) fn check_credit(&self, ledger: &Ledger) -> Result<()> {
        let limits = &self.limits;
        let reserve = u64::from(limits.window_bytes_min) * u64::from(limits.channels_max);
        let mut sum = 0;
        for tag in self.channels.keys() {
            let held = ledger.strands[*tag].at(self.end).held;
            let window = limits.window_bytes_max.max(limits.window_bytes_min);
            ensure!(held <= usize::try_from(window)?, "channel {tag} holds {held} bytes of a window of {window}");
            sum += u64::try_from(held)?;
        }
        let credit = limits.credit_bytes_max.max(reserve);
        ensure!(sum <= credit, "{sum} bytes are held, {credit} were promised");
        Ok(())
    }
}

/// A channel was refused: by its user, or because there are too many.
fn refused(tag: Tag, failure: OpenFailure, ledger: &mut Ledger) -> Result<()> {
    let crowded = ledger.strands.len() > ledger.channels_max;
    let strand = &mut ledger.strands[tag];
    match (strand.phase, failure) {
        (Phase::Refused, OpenFailure::CONNECT_FAILED) => {}
        (Phase::Asked, OpenFailure::RESOURCE_SHORTAGE) => {
            ensure!(crowded, "a channel is refused though there is room");
        }
        (Phase::Asked, OpenFailure::ADMINISTRATIVELY_PROHIBITED) if ledger.between == Between::Relay => {}
        (phase, failure) => bail!("refused in phase {phase:?}: {failure:?}"),
    }
    strand.phase = Phase::Gone;
    Ok(())
}

/// Nothing waits any more: what comes behind the data.
fn finish(open: &mut Open<'_>, id: ChannelId, tag: Tag, end: End, ledger: &mut Ledger) -> Result<bool> {
    let side = ledger.strands[tag].side(end);
    if side.eof == Told::Planned {
        side.eof = Told::Done;
        open.eof(id)?;
        return Ok(true);
    }
    if side.close == Told::Planned {
        side.close = Told::Done;
        open.close(id)?;
        return Ok(true);
    }
    Ok(false)
}

/// The streams on which the users talk.
pub(crate) const STREAMS: [Stream; 4] = [Stream::Data, Stream::Data, Stream::STDERR, Stream::Extended(0xffff_fffe)];
