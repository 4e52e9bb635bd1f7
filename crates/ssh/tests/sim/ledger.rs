//! What was sent, and what of it has arrived: the model that both ends are held against.
//!
//! Owns: the channels as an observer of both ends sees them, and every rule about what must arrive. Bytes are a function of
//! channel, direction, stream and position, so that nothing has to be kept to recognise them. Must not know: engines.

use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;

use anyhow::{Result, bail, ensure};
use sallyport_ssh::connection::{ChannelKind, Endpoint, Outcome, Request, Stream, WantReply};
use sallyport_ssh::entropy::Entropy;

use crate::random::Random;

/// One of the two users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Client,
    Server,
}

impl End {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

/// Names one channel in the model.
pub(crate) type Tag = usize;

/// How far a channel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Asked for; the other end has not heard of it.
    Asked,
    /// The other end has heard of it and not answered.
    Offered,
    /// The other end has agreed or refused; the asking end has not heard.
    Accepted,
    Refused,
    /// Both ends know.
    Open,
    /// It never came to be.
    Gone,
}

/// Whether somebody between the ends may cut a channel short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    Nobody,
    /// A relay, which forgets what a reader does not want, and whose tap may stop.
    Relay,
}

/// One channel.
pub(crate) struct Strand {
    pub(crate) kind: ChannelKind,
    pub(crate) asker: End,
    pub(crate) phase: Phase,
    /// The tap said no: both ends see a close that neither made.
    pub(crate) stopped: bool,
    sides: [Side; 2],
}

/// One end of one channel: what its user says, and what it has heard.
#[derive(Default)]
pub(crate) struct Side {
    /// What the user wants to send and the engine has not taken.
    pub(crate) wants: VecDeque<(Stream, usize)>,
    /// What the engine took, by stream.
    said: BTreeMap<u32, usize>,
    /// The same in order, without what has arrived at the other end.
    under_way: VecDeque<(Stream, usize)>,
    /// What arrived here, by stream.
    heard: BTreeMap<u32, usize>,
    /// What arrived here and is not consumed.
    pub(crate) held: usize,
    pub(crate) eof: Told,
    pub(crate) close: Told,
    pub(crate) heard_eof: bool,
    pub(crate) heard_close: bool,
    pub(crate) manners: Manners,
    pub(crate) main: Main,
    next_request: u32,
    /// Requests of this end that the other has not heard, in order.
    requests_under_way: VecDeque<(u32, Verdict)>,
    /// Verdicts that this end waits for, in order.
    pub(crate) awaited: VecDeque<Verdict>,
}

/// What one end does when it hears a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Manners {
    /// Its engine closes at once.
    #[default]
    Prompt,
    /// It says a last word, and closes by itself.
    Lingers,
}

/// What one end does with the data stream of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Main {
    #[default]
    Reads,
    /// It said that it reads no more of it.
    Deaf,
    /// Some of it was left out, which is why nothing of it may follow.
    Cut,
}

/// Something that is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Told {
    #[default]
    NotYet,
    /// As soon as everything before it is out.
    Planned,
    Done,
}

/// What becomes of a request; it travels inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Grant,
    Deny,
    /// The gateway says no by itself, if there is one.
    DenyBetween,
}

impl Verdict {
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Grant => Outcome::Success,
            Self::Deny | Self::DenyBetween => Outcome::Failure,
        }
    }

    pub(crate) fn of(data: &[u8]) -> Self {
        match data.first() {
            Some(0) => Self::Grant,
            Some(1) => Self::Deny,
            _ => Self::DenyBetween,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Grant => 0,
            Self::Deny => 1,
            Self::DenyBetween => 2,
        }
    }
}

pub(crate) const REQUEST: &str = "numbered@sim";

fn code(stream: Stream) -> u32 {
    match stream {
        Stream::Data => u32::MAX,
        Stream::Extended(code) => code,
    }
}

/// The tag that a channel's kind carries.
pub(crate) fn tag_of(kind: &ChannelKind) -> Result<Tag> {
    let text = match kind {
        ChannelKind::DirectTcpip { to: endpoint, .. }
        | ChannelKind::ForwardedTcpip { listening: endpoint, .. }
        | ChannelKind::X11 { from: endpoint } => &endpoint.host,
        ChannelKind::DirectStreamlocal { path: data } | ChannelKind::Unknown { data, .. } => data,
        other => bail!("{other:?}, which nobody asks for"),
    };
    Ok(std::str::from_utf8(text)?.parse()?)
}

/// The bytes that stand at this place of a stream: cut from one long pattern, so that making and comparing them costs nothing.
fn pattern(tag: Tag, from: End, stream: Stream, at: usize, count: usize) -> &'static [u8] {
    static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| {
        let mut pattern = vec![0; PERIOD + PIECE_BYTES_MAX];
        Random::new(0).fill(&mut pattern[..PERIOD]).unwrap();
        let (first, rest) = pattern.split_at_mut(PERIOD);
        rest.copy_from_slice(&first[..PIECE_BYTES_MAX]);
        pattern
    });
    let stream = usize::try_from(code(stream)).unwrap() % 1009;
    let start = at + tag * 7919 + from.index() * 40_009 + stream * 31;
    &pattern[start % PERIOD..][..count]
}

/// With so many pieces on their way, a relay may stop keeping streams in order among each other.
const PIECES_FEW: usize = 32;
/// A prime, so that nothing else repeats with it.
const PERIOD: usize = 1_000_003;
/// More than a packet or a call ever carries.
pub(crate) const PIECE_BYTES_MAX: usize = 400_000;

impl Strand {
    pub(crate) fn side(&mut self, end: End) -> &mut Side {
        &mut self.sides[end.index()]
    }

    pub(crate) fn at(&self, end: End) -> &Side {
        &self.sides[end.index()]
    }

    /// Both ends have heard of its end and hold none of its bytes.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Gone || self.sides.iter().all(Side::is_over)
    }
}

impl Side {
    /// Nothing is left to hear, to take or to say.
    pub(crate) fn is_over(&self) -> bool {
        self.heard_close && self.held == 0 && !self.owes_close()
    }

    /// The other end has closed, and waits for ours.
    pub(crate) fn owes_close(&self) -> bool {
        self.heard_close && self.manners == Manners::Lingers && self.close != Told::Done
    }
}

/// Everything that both ends have done.
pub(crate) struct Ledger {
    pub(crate) between: Between,
    pub(crate) strands: Vec<Strand>,
    /// Ports that the server agreed to listen on, once the client knows.
    pub(crate) ports: Vec<u32>,
    /// Bytes that arrived, on all channels.
    pub(crate) bytes: usize,
    /// Channels that every engine has room for.
    pub(crate) channels_max: usize,
}

impl Ledger {
    pub(crate) fn new(between: Between) -> Self {
        Self { between, strands: Vec::new(), ports: Vec::new(), bytes: 0, channels_max: usize::MAX }
    }

    /// A channel is asked for. Its kind carries its tag.
    pub(crate) fn ask(&mut self, asker: End, port: Option<u32>, form: usize) -> (Tag, ChannelKind) {
        let tag = self.strands.len();
        let endpoint = |port| Endpoint { host: tag.to_string().into_bytes(), port };
        let name = || "channel@sim".to_owned();
        let data = tag.to_string().into_bytes();
        let kind = match (asker, form % 3, port) {
            (End::Client, 0, _) => ChannelKind::DirectTcpip { to: endpoint(7), from: endpoint(1) },
            (End::Client, 1, _) => ChannelKind::DirectStreamlocal { path: data },
            (End::Server, 0, Some(port)) => {
                ChannelKind::ForwardedTcpip { listening: endpoint(port), from: endpoint(1) }
            }
            (End::Server, 1, _) => ChannelKind::X11 { from: endpoint(2) },
            _ => ChannelKind::Unknown { name: name(), data },
        };
        self.strands.push(Strand {
            kind: kind.clone(),
            asker,
            phase: Phase::Asked,
            stopped: false,
            sides: [Side::default(), Side::default()],
        });
        (tag, kind)
    }

    /// The other end hears of a channel: which one is it?
    pub(crate) fn offered(&mut self, at: End, kind: &ChannelKind) -> Result<Tag> {
        let tag = tag_of(kind)?;
        let strand = self.strands.get_mut(tag).ok_or_else(|| anyhow::anyhow!("no such channel"))?;
        ensure!(strand.kind == *kind, "offered {kind:?}, asked for {:?}", strand.kind);
        ensure!(strand.asker == at.other(), "offered to the end that asked");
        ensure!(strand.phase == Phase::Asked, "offered in phase {:?}", strand.phase);
        strand.phase = Phase::Offered;
        Ok(tag)
    }

    /// The bytes that `end` sends next on a stream.
    pub(crate) fn bytes(&self, tag: Tag, end: End, stream: Stream, count: usize) -> &'static [u8] {
        let at = self.strands[tag].at(end).said.get(&code(stream)).copied().unwrap_or(0);
        pattern(tag, end, stream, at, count)
    }

    /// The engine took `count` of them.
    pub(crate) fn sent(&mut self, tag: Tag, end: End, stream: Stream, count: usize) {
        let side = self.strands[tag].side(end);
        *side.said.entry(code(stream)).or_default() += count;
        match side.under_way.back_mut() {
            Some((last, length)) if *last == stream => *length += count,
            _ if count > 0 => side.under_way.push_back((stream, count)),
            _ => {}
        }
    }

    /// Bytes arrived at `end`.
    pub(crate) fn arrived(&mut self, tag: Tag, end: End, stream: Stream, bytes: &[u8]) -> Result<()> {
        let strand = &mut self.strands[tag];
        let sent = strand.at(end.other()).said.get(&code(stream)).copied().unwrap_or(0);
        let side = strand.side(end);
        ensure!(!bytes.is_empty(), "an event for no bytes");
        ensure!(side.close != Told::Done, "bytes after we closed");
        ensure!(!side.heard_eof && !side.heard_close, "bytes after their end");
        ensure!(!(side.main == Main::Cut && stream == Stream::Data), "bytes behind others that were left out");
        let at = side.heard.entry(code(stream)).or_default();
        let expected = pattern(tag, end.other(), stream, *at, bytes.len());
        ensure!(bytes == expected, "a wrong byte behind {at} of {stream:?}");
        *at += bytes.len();
        ensure!(*at <= sent, "{at} bytes of {stream:?} came, {sent} were sent");
        side.held += bytes.len();
        self.bytes += bytes.len();
        if self.strands[tag].in_order(end, stream, bytes.len(), self.between) {
            return Ok(());
        }
        bail!("bytes of one stream overtook those of another")
    }

    /// `end` sends a request: its fields, and whether an answer is wanted.
    pub(crate) fn request(&mut self, tag: Tag, end: End, verdict: Verdict, want: WantReply) -> Request {
        let side = self.strands[tag].side(end);
        let number = side.next_request;
        side.next_request += 1;
        side.requests_under_way.push_back((number, verdict));
        if want == WantReply::Yes {
            side.awaited.push_back(verdict);
        }
        let mut data = vec![verdict.code()];
        data.extend(number.to_be_bytes());
        Request::Unknown { name: REQUEST.to_owned(), data }
    }

    /// It arrived at `end`: requests keep their order among themselves.
    pub(crate) fn requested(&mut self, tag: Tag, end: End, data: &[u8]) -> Result<Verdict> {
        let verdict = Verdict::of(data);
        let relayed = self.between == Between::Relay;
        ensure!(!relayed || verdict != Verdict::DenyBetween, "the gateway let a request through");
        let here = self.strands[tag].at(end);
        ensure!(here.close != Told::Done || here.manners == Manners::Lingers, "a request after we closed");
        let number = data.get(1..).and_then(|rest| rest.first_chunk::<4>()).copied();
        // A gateway has answered some by itself, and those that cannot be answered any more it does not ask.
        let after_close = here.close == Told::Done;
        let queue = &mut self.strands[tag].side(end.other()).requests_under_way;
        let known = |number: u32| data.get(1..).is_some_and(|rest| rest == number.to_be_bytes());
        while relayed
            && matches!(queue.front(), Some((number, verdict))
                if !known(*number) && (after_close || *verdict == Verdict::DenyBetween))
        {
            queue.pop_front();
        }
        let next = queue.pop_front().map(|(number, _)| number);
        ensure!(next.is_some() && next == number.map(u32::from_be_bytes), "requests out of order");
        Ok(verdict)
    }

    /// A request of `end` was answered.
    pub(crate) fn replied(&mut self, tag: Tag, end: End, outcome: Outcome) -> Result<()> {
        let strand = &mut self.strands[tag];
        // Whoever closed answers no more; a gateway then says no in its place.
        let excused = strand.stopped || strand.at(end.other()).close == Told::Done;
        let verdict = strand.side(end).awaited.pop_front();
        let Some(verdict) = verdict else { bail!("an answer to nothing") };
        let expected = verdict.outcome() == outcome || (excused && outcome == Outcome::Failure);
        ensure!(expected, "the answer is {outcome:?}, given was {verdict:?}");
        Ok(())
    }

    /// The end of data arrived at `end`.
    pub(crate) fn ended(&mut self, tag: Tag, end: End) -> Result<()> {
        let strand = &mut self.strands[tag];
        ensure!(strand.at(end.other()).eof == Told::Done, "an end of data that nobody sent");
        strand.complete(tag, end)?;
        let side = strand.side(end);
        ensure!(side.close != Told::Done, "an end of data after we closed");
        ensure!(!side.heard_eof, "a second end of data");
        side.heard_eof = true;
        Ok(())
    }

    /// The close arrived at `end`.
    pub(crate) fn closed(&mut self, tag: Tag, end: End) -> Result<()> {
        let strand = &mut self.strands[tag];
        ensure!(!strand.at(end).heard_close, "a second close");
        let (ours, theirs) = (strand.at(end).close, strand.at(end.other()).close);
        ensure!(ours == Told::Done || theirs == Told::Done || strand.stopped, "a close that nobody sent");
        if ours != Told::Done && !strand.stopped {
            strand.complete(tag, end)?;
            strand.all_requests(end)?;
            ensure!(
                strand.at(end.other()).eof != Told::Done || strand.at(end).heard_eof,
                "the end of data was lost before the close"
            );
        }
        // Whoever lingers hears every last word. (A gateway has no answer to give any more, and so asks no question.)
        if ours == Told::Done && strand.at(end).manners == Manners::Lingers && self.between == Between::Nobody {
            strand.all_requests(end)?;
        }
        let side = strand.side(end);
        side.heard_close = true;
        side.wants.clear();
        side.awaited.clear();
        Ok(())
    }
}

impl Strand {
    /// Takes what arrived off the front of what is under way. What nobody wanted to read may be missing.
    fn in_order(&mut self, end: End, stream: Stream, mut count: usize, between: Between) -> bool {
        let relayed = between == Between::Relay;
        let deaf = relayed && self.at(end).main != Main::Reads;
        while count > 0 {
            let queue = &mut self.side(end.other()).under_way;
            let many = relayed && queue.len() >= PIECES_FEW;
            let at = queue.iter().position(|(other, _)| *other == stream).filter(|at| *at == 0 || many);
            match (at, queue.front()) {
                (Some(at), _) => {
                    let taken = count.min(queue[at].1);
                    queue[at].1 -= taken;
                    count -= taken;
                    if queue[at].1 == 0 {
                        queue.remove(at);
                    }
                }
                (None, Some((Stream::Data, _))) if deaf => {
                    queue.pop_front();
                    self.side(end).main = Main::Cut;
                }
                _ => return false,
            }
        }
        true
    }

    /// Every request of the other end has arrived at `end`, but for those that a gateway answered by itself.
    pub(crate) fn all_requests(&self, end: End) -> Result<()> {
        let under_way = &self.at(end.other()).requests_under_way;
        let lost = under_way.iter().find(|(_, verdict)| *verdict != Verdict::DenyBetween);
        ensure!(lost.is_none(), "a request to the {end:?} was lost: {lost:?}");
        Ok(())
    }

    /// All bytes that the other end sent have arrived at `end`, but for what it did not want.
    pub(crate) fn complete(&self, tag: Tag, end: End) -> Result<()> {
        let (here, there) = (self.at(end), self.at(end.other()));
        for (stream, sent) in &there.said {
            let heard = here.heard.get(stream).copied().unwrap_or(0);
            let excused = here.main != Main::Reads && *stream == code(Stream::Data);
            ensure!(
                heard == *sent || excused,
                "channel {tag}: {heard} of {sent} bytes of stream {stream} reached the {end:?}"
            );
        }
        Ok(())
    }
}
