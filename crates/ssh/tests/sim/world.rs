//! Two users, what lies between them, and the order in which things happen.
//!
//! Owns: the schedule of one seed, and when a run has failed. Invariants: whenever no side can do anything, nothing may be owed
//! but what a user withholds; at the end nothing is left.

use anyhow::{Context, Result, bail, ensure};
use sallyport_ssh::connection::{ConnectionLimits, GlobalRequest, WantReply};
use sallyport_ssh::engine::Engine;
use sallyport_ssh::error::{Error, Reason};
use sallyport_ssh::packet::UNSENT_BYTES_MAX;
use sallyport_ssh::time::Now;

use crate::actor::{Actor, STREAMS};
use crate::gateway::Gateway;
use crate::ledger::{Between, End, Ledger, Phase, Tag, Told, Verdict};
use crate::pipe::Pipe;
use crate::plan::Plan;
use crate::random::Random;

/// Rounds in which something happens, after which a run is taken for one that never rests.
const ROUNDS_MAX: usize = 100_000;

/// Everything that one seed runs.
pub(crate) struct World {
    random: Random,
    plan: Plan,
    now: Now,
    ledger: Ledger,
    /// Client and server.
    actors: [Actor; 2],
    gateway: Option<Box<Gateway>>,
    /// What the gateway's engines may be made to hold, and so its relay.
    relayed_bytes_max: u64,
    /// Of each user: what it sends and what it receives.
    pipes: [[Pipe; 2]; 2],
}

impl World {
    pub(crate) fn new(seed: u64, between: Between, now: Now) -> Self {
        let mut random = Random::new(seed);
        let mut plan = Plan::new(&mut random);
        let limits: Vec<_> = (0..4).map(|_| plan.limits(&mut random)).collect();
        let mut ledger = Ledger::new(between);
        let used = if between == Between::Relay { 4 } else { 2 };
        let channels = limits[..used].iter().map(|limits| limits.channels_max).min();
        ledger.channels_max = usize::try_from(channels.unwrap_or(0)).unwrap();
        let credit = |limits: &ConnectionLimits| {
            let reserve = u64::from(limits.window_bytes_min) * u64::from(limits.channels_max);
            limits.credit_bytes_max.max(reserve)
        };
        let relayed_bytes_max = credit(&limits[2]).saturating_add(credit(&limits[3]));
        let client = plan.client(&limits[0], &mut random, now);
        let server = plan.server(&limits[1], &mut random, now);
        let gateway = (between == Between::Relay).then(|| {
            let a = plan.server(&limits[2], &mut random, now);
            let b = plan.client(&limits[3], &mut random, now);
            Box::new(Gateway::new(a, b, &mut random))
        });
        let client = Actor::new(End::Client, client, limits[0].clone(), &mut random);
        let server = Actor::new(End::Server, server, limits[1].clone(), &mut random);
        let pipe = || Pipe::new(plan.pipe_bytes_max, plan.piece_bytes_max);
        let pipes = [[pipe(), pipe()], [pipe(), pipe()]];
        Self { random, plan, now, ledger, actors: [client, server], gateway, relayed_bytes_max, pipes }
    }

    /// The whole life of a connection; answers how many bytes its channels carried.
    pub(crate) fn run(mut self) -> Result<usize> {
        self.sign_in().context("signing in")?;
        for _ in 0..self.plan.steps {
            self.step().context("in the open")?;
        }
        self.stall();
        self.settle().context("with stalled channels")?;
        for _ in 0..self.plan.steps / 4 {
            self.step().context("with stalled channels")?;
        }
        self.settle().context("with stalled channels")?;
        self.actors.iter_mut().for_each(|actor| actor.stalled.clear());
        self.settle().context("after the stall")?;
        self.close_everything()?;
        self.settle().context("at the end")?;
        self.check_empty()?;
        self.say_goodbye()?;
        Ok(self.ledger.bytes)
    }

    fn sign_in(&mut self) -> Result<()> {
        for _ in 0..ROUNDS_MAX {
            let open = self.actors.iter_mut().all(|actor| actor.engine.open_phase().is_some());
            if open && self.gateway.as_mut().is_none_or(|gateway| gateway.is_open()) {
                return Ok(());
            }
            if self.random.chance(10) {
                self.travel_all();
            } else {
                self.travel();
            }
            self.tick()?;
            self.listen()?;
            self.check()?;
        }
        bail!("it does not end")
    }

    /// One thing happens.
    fn step(&mut self) -> Result<()> {
        self.tick()?;
        match self.random.below(10) {
            0..=3 => drop(self.travel()),
            4 => drop(self.listen()?),
            _ => self.act()?,
        }
        self.check()
    }

    /// The clock moves on, and whatever is due happens once: what is due afterwards lies ahead.
    fn tick(&mut self) -> Result<()> {
        let most = usize::try_from(self.plan.tick.as_micros())?;
        let passed = std::time::Duration::from_micros(u64::try_from(self.random.below(most + 1))?);
        self.now = self.now.after(passed);
        let now = self.now;
        for engine in self.engines() {
            if engine.deadline().is_some_and(|due| due <= now.monotonic) {
                engine.on_time(now);
                let ahead = engine.deadline().is_none_or(|due| due > now.monotonic);
                ensure!(ahead, "what was due is due again at once");
            }
        }
        Ok(())
    }

    fn engines(&mut self) -> Vec<&mut Engine> {
        let [client, server] = &mut self.actors;
        let mut engines = vec![&mut client.engine, &mut server.engine];
        if let Some(gateway) = &mut self.gateway {
            let Gateway { a, b, .. } = &mut **gateway;
            engines.extend([a, b]);
        }
        engines
    }

    /// One piece of bytes travels somewhere; answers how many bytes moved.
    fn travel(&mut self) -> usize {
        let (end, leg) = (self.random.below(2), self.random.below(4));
        self.leg(end, leg)
    }

    /// Everything travels as far as it can; answers how many bytes moved.
    fn travel_all(&mut self) -> usize {
        let mut moved = 0;
        loop {
            let mut pass = 0;
            for end in 0..2 {
                for leg in 0..4 {
                    pass += self.leg(end, leg);
                }
            }
            if pass == 0 {
                return moved;
            }
            moved += pass;
        }
    }

    /// One of the ways of bytes: out of a user's engine, into its peer, out of that, into the user's.
    fn leg(&mut self, end: usize, leg: usize) -> usize {
        let (random, now) = (&mut self.random, self.now);
        let [client, server] = &mut self.actors;
        let [to_peer, from_peer] = &mut self.pipes[end];
        let (user, peer) = match (&mut self.gateway, end) {
            (Some(gateway), 0) => (client, gateway.facing(End::Client)),
            (Some(gateway), _) => (server, gateway.facing(End::Server)),
            (None, 0) => (client, &mut server.engine),
            // Without a gateway there is one connection, which the client's pipes carry.
            (None, _) => return 0,
        };
        match leg {
            0 => to_peer.fill(&mut user.engine, random),
            1 => to_peer.empty(peer, random, now),
            2 => from_peer.fill(peer, random),
            _ => from_peer.empty(&mut user.engine, random, now),
        }
    }

    /// Everybody hears what there is to hear.
    fn listen(&mut self) -> Result<usize> {
        let mut count = 0;
        for actor in &mut self.actors {
            count += actor.listen(&mut self.ledger, &mut self.random, self.now)?;
        }
        if let Some(gateway) = &mut self.gateway {
            count += gateway.turn(&mut self.ledger, self.now)?;
        }
        Ok(count)
    }

    /// A user does something.
    fn act(&mut self) -> Result<()> {
        let Self { random, plan, ledger, .. } = self;
        let actor = &mut self.actors[random.below(2)];
        if !actor.offers.is_empty() && random.chance(30) {
            let (index, agree) = (random.below(actor.offers.len()), !random.chance(15));
            return actor.settle_offer(index, agree, ledger, random);
        }
        if ledger.strands.len() < plan.channels_opened_max && random.chance(15) {
            let form = random.below(3);
            return actor.open(form, ledger, random);
        }
        if random.chance(10) {
            return act_global(actor, plan, random);
        }
        if !actor.tokens.is_empty() && random.chance(20) {
            let index = random.below(actor.tokens.len());
            return actor.answer(index);
        }
        let tags: Vec<Tag> = actor.channels.keys().copied().collect();
        if tags.is_empty() {
            return Ok(());
        }
        let tag = random.pick(&tags);
        act_on_channel(actor, tag, plan, ledger, random)
    }

    /// From now on, some users leave the bytes of some channels alone.
    fn stall(&mut self) {
        for actor in &mut self.actors {
            for tag in 0..self.ledger.strands.len() {
                if self.random.chance(40) {
                    actor.stalled.insert(tag);
                }
            }
        }
    }

    /// Everybody does what is owed until nothing moves; then nothing may be owed.
    fn settle(&mut self) -> Result<()> {
        for _ in 0..ROUNDS_MAX {
            self.tick()?;
            let mut moved = self.travel_all() + self.listen()?;
            self.check()?;
            for actor in &mut self.actors {
                moved += serve(actor, &mut self.ledger, &mut self.random)?;
            }
            if moved == 0 && self.is_at_rest() {
                return self.check_settled().context("nothing moves, and something is owed");
            }
        }
        bail!("it does not come to rest")
    }

    fn is_at_rest(&mut self) -> bool {
        self.engines().iter().all(|engine| engine.unsent().is_empty())
    }

    fn check(&mut self) -> Result<()> {
        for engine in self.engines() {
            ensure!(engine.unsent().len() <= UNSENT_BYTES_MAX, "too much waits for the socket");
        }
        if let Some(gateway) = &self.gateway {
            let queued = u64::try_from(gateway.relay.queued_bytes())?;
            ensure!(queued <= self.relayed_bytes_max, "the relay holds {queued} bytes");
        }
        for actor in &self.actors {
            if let Some(error) = &actor.finished {
                bail!("the {:?}'s connection ended: {error}", actor.end);
            }
            actor.check_credit(&self.ledger)?;
        }
        Ok(())
    }

    fn check_settled(&self) -> Result<()> {
        for actor in &self.actors {
            let end = actor.end;
            ensure!(actor.offers.is_empty() && actor.tokens.is_empty(), "the {end:?} owes answers");
            ensure!(actor.asked.is_empty(), "the {end:?} waits for answers to global requests");
            let deaf_peer = &self.actors[1 - usize::from(end == End::Server)].stalled;
            for (tag, strand) in self.ledger.strands.iter().enumerate() {
                ensure!(matches!(strand.phase, Phase::Open | Phase::Gone), "channel {tag} is {:?}", strand.phase);
                if strand.phase == Phase::Open {
                    self.check_strand(tag, end, deaf_peer.contains(&tag)).with_context(|| format!("channel {tag}"))?;
                }
            }
        }
        Ok(())
    }

    /// What `end` has said has arrived, unless the other user leaves it alone.
    fn check_strand(&self, tag: Tag, end: End, stalled: bool) -> Result<()> {
        let strand = &self.ledger.strands[tag];
        let (side, other) = (strand.at(end), strand.at(end.other()));
        let closed = side.close == Told::Done || other.close == Told::Done || strand.stopped;
        if !closed {
            ensure!(side.awaited.is_empty(), "the {end:?} waits for an answer to a request");
            strand.all_requests(end)?;
        }
        if stalled {
            return Ok(());
        }
        if closed {
            // A close may wait behind data that its reader leaves alone; through a relay, so may the answer to it.
            let behind = !strand.stopped
                && (other.close == Told::Done && self.stalled_at(tag, end)
                    || self.gateway.is_some() && side.close == Told::Done && self.stalled_at(tag, end.other()));
            ensure!(side.heard_close || behind, "the {end:?} has not heard of the close");
            return Ok(());
        }
        ensure!(side.wants.is_empty(), "the {end:?} cannot send {:?}", side.wants);
        ensure!(side.eof != Told::Planned && side.close != Told::Planned, "something was not said");
        strand.complete(tag, end.other())?;
        ensure!(side.eof != Told::Done || other.heard_eof, "the end of data did not arrive");
        Ok(())
    }

    fn stalled_at(&self, tag: Tag, end: End) -> bool {
        self.actors[usize::from(end == End::Server)].stalled.contains(&tag)
    }

    fn close_everything(&mut self) -> Result<()> {
        for tag in 0..self.ledger.strands.len() {
            for actor in &mut self.actors {
                if self.random.chance(60) {
                    actor.close(tag, &mut self.ledger)?;
                }
            }
            self.actors[self.random.below(2)].close(tag, &mut self.ledger)?;
        }
        Ok(())
    }

    fn check_empty(&mut self) -> Result<()> {
        for (tag, strand) in self.ledger.strands.iter().enumerate() {
            ensure!(strand.is_over(), "channel {tag} is left");
        }
        for engine in self.engines() {
            let open = engine.open_phase().context("not open")?;
            ensure!(open.channel_count() == 0, "an engine keeps {} channels", open.channel_count());
            drop((engine.reclaim(), engine.reclaim_output()));
            ensure!(engine.space(0).is_empty(), "an idle engine keeps an input buffer");
            ensure!(engine.reclaim_output().capacity() == 0, "an idle engine keeps an output buffer");
        }
        if let Some(gateway) = &self.gateway {
            ensure!(gateway.relay.pair_count() == 0, "the relay keeps pairs");
            ensure!(gateway.relay.queued_bytes() == 0, "the relay keeps bytes");
        }
        Ok(())
    }

    /// One user leaves; the other hears its words.
    fn say_goodbye(&mut self) -> Result<()> {
        let leaver = self.random.below(2);
        self.actors[leaver].engine.end(Reason::BY_APPLICATION, "bye");
        for _ in 0..ROUNDS_MAX {
            if self.travel_all() + self.listen()? == 0 {
                break;
            }
        }
        let bye = |error: &Error| matches!(error, Error::Disconnected { text, .. } if text == "bye");
        let heard = self.actors[1 - leaver].finished.as_ref();
        ensure!(heard.is_some_and(bye), "the other user heard {heard:?}");
        Ok(())
    }
}

fn act_global(actor: &mut Actor, plan: &Plan, random: &mut Random) -> Result<()> {
    if !actor.global_tokens.is_empty() && random.chance(50) {
        let index = random.below(actor.global_tokens.len());
        return actor.answer_global(index);
    }
    if actor.asked.len() >= plan.requests_open_max || actor.engine.open_phase().is_none() {
        return Ok(());
    }
    if actor.end == End::Client && random.chance(20) {
        let request = GlobalRequest::TcpipForward { host: b"localhost".to_vec(), port: 0 };
        return actor.ask_global(&request, Verdict::Grant, Vec::new());
    }
    let verdict = random.pick(&[Verdict::Grant, Verdict::Deny]);
    let mut data = vec![u8::from(verdict == Verdict::Deny)];
    data.resize(1 + random.below(50), 7);
    let request = GlobalRequest::Unknown { name: "global@sim".to_owned(), data: data.clone() };
    actor.ask_global(&request, verdict, data)
}

fn act_on_channel(actor: &mut Actor, tag: Tag, plan: &Plan, ledger: &mut Ledger, random: &mut Random) -> Result<()> {
    if random.chance(30) && actor.part(tag, ledger, random)? {
        return Ok(());
    }
    match random.below(100) {
        0..=24 => {
            let side = ledger.strands[tag].side(actor.end);
            if side.eof == Told::NotYet && side.close == Told::NotYet && !side.heard_close {
                side.wants.push_back((random.pick(&STREAMS), random.up_to(plan.channel_bytes_max / 4)));
            }
        }
        25..=54 => drop(actor.push(tag, random.up_to(100_000), ledger)?),
        55..=84 if !actor.stalled.contains(&tag) => drop(actor.consume(tag, random.up_to(100_000), ledger)?),
        85..=87 => {
            let eof = &mut ledger.strands[tag].side(actor.end).eof;
            *eof = (*eof).max(Told::Planned);
        }
        88 => {
            let close = &mut ledger.strands[tag].side(actor.end).close;
            *close = (*close).max(Told::Planned);
        }
        89 => actor.close(tag, ledger)?,
        90 => actor.stop_reading(tag, ledger)?,
        91..=99 => {
            let verdict = random.pick(&[Verdict::Grant, Verdict::Deny, Verdict::DenyBetween]);
            let room = ledger.strands[tag].at(actor.end).awaited.len() < plan.requests_open_max;
            let want = if room && random.chance(70) { WantReply::Yes } else { WantReply::No };
            actor.request(tag, verdict, want, ledger)?;
        }
        _ => {}
    }
    Ok(())
}

/// A user does everything that is owed; answers how much it was.
fn serve(actor: &mut Actor, ledger: &mut Ledger, random: &mut Random) -> Result<usize> {
    let mut done = 0;
    while !actor.offers.is_empty() {
        actor.settle_offer(0, true, ledger, random)?;
        done += 1;
    }
    while !actor.tokens.is_empty() {
        actor.answer(random.below(actor.tokens.len()))?;
        done += 1;
    }
    while !actor.global_tokens.is_empty() {
        actor.answer_global(random.below(actor.global_tokens.len()))?;
        done += 1;
    }
    let tags: Vec<Tag> = actor.channels.keys().copied().collect();
    for tag in tags {
        if !actor.stalled.contains(&tag) {
            done += usize::from(actor.consume(tag, usize::MAX, ledger)?);
        }
        while actor.push(tag, usize::MAX, ledger)? {
            done += 1;
        }
        done += usize::from(actor.part(tag, ledger, random)?);
    }
    Ok(done)
}
