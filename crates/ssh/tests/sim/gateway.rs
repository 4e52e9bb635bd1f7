//! The gateway between the two users: a server engine, a relay, a client engine.
//!
//! Owns: the decisions that a gateway makes at random. Invariant: what it lets pass, it does not look at.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use sallyport_ssh::auth::ServerAuthEvent;
use sallyport_ssh::connection::{ChannelId, ConnectionEvent, GlobalRequest, OpenFailure, Outcome, Request, Stream};
use sallyport_ssh::engine::{Engine, Event};
use sallyport_ssh::error::{Error, Reason};
use sallyport_ssh::relay::{Relay, RelayEvent, Side, Stop, Tap};
use sallyport_ssh::time::Now;

use crate::ledger::{End, Ledger, REQUEST, Tag, Verdict};
use crate::login::{Door, Guest};
use crate::random::Random;

/// The gateway between the two users.
pub(crate) struct Gateway {
    /// Towards the client.
    pub(crate) a: Engine,
    /// Towards the server.
    pub(crate) b: Engine,
    pub(crate) relay: Relay,
    door: Door,
    guest: Guest,
    tap: Recorder,
    /// Channels by the number that they were offered with.
    tags: BTreeMap<(Side, ChannelId), Tag>,
    refusals: Random,
}

/// Takes bytes until it does not any more.
struct Recorder {
    random: Random,
    /// Stops one piece of data in so many; 0 stops none.
    stops: usize,
}

impl Tap for Recorder {
    fn data(&mut self, _: Side, _: ChannelId, _: Stream, _: &[u8]) -> Result<(), Stop> {
        if self.stops > 0 && self.random.below(self.stops) == 0 {
            return Err(Stop);
        }
        Ok(())
    }
}

impl Gateway {
    pub(crate) fn new(a: Engine, b: Engine, random: &mut Random) -> Self {
        Self {
            a,
            b,
            relay: Relay::new(),
            door: Door::new(random),
            guest: Guest::new(random),
            tap: Recorder { stops: random.pick(&[0, 0, 20, 500]), random: random.fork() },
            tags: BTreeMap::new(),
            refusals: random.fork(),
        }
    }

    /// Both connections are open.
    pub(crate) fn is_open(&mut self) -> bool {
        self.a.open_phase().is_some() && self.b.open_phase().is_some()
    }

    /// Does everything that can be done now; answers how much it was.
    pub(crate) fn turn(&mut self, ledger: &mut Ledger, now: Now) -> Result<usize> {
        let mut count = 0;
        while !self.is_open() {
            let handled = self.sign_in(now)?;
            if handled == 0 {
                return Ok(count);
            }
            count += handled;
        }
        let before = self.relay.queued_bytes();
        while let Some(event) = self.relay.turn(&mut self.a, &mut self.b, &mut self.tap, now) {
            count += 1;
            match event {
                RelayEvent::Event(side, Event::Connection(event)) => self.decide(side, event, now)?,
                RelayEvent::Event(_, Event::Keys(_) | Event::ServerAuth(ServerAuthEvent::Succeeded { .. })) => {}
                RelayEvent::Event(side, Event::Ended(error)) => self.pass_end(side, &error),
                RelayEvent::Event(..) => bail!("an authentication event on an open connection"),
                RelayEvent::Data { .. } => bail!("data on a channel that is not joined"),
                RelayEvent::Stopped { side, channel } => {
                    let tag = self.tag(side, channel).context("a stop on an unknown channel")?;
                    ledger.strands[tag].stopped = true;
                }
            }
        }
        Ok(count + before.abs_diff(self.relay.queued_bytes()))
    }

    fn sign_in(&mut self, now: Now) -> Result<usize> {
        let mut count = 0;
        while self.a.open_phase().is_none()
            && let Some(event) = self.a.next_event(now)
        {
            count += 1;
            match event {
                Event::ServerAuth(event) => self.door.answer(&mut self.a, event, now)?,
                Event::Keys(_) => {}
                Event::Ended(error) => bail!(error),
                _ => bail!("an event of an open connection"),
            }
        }
        while self.b.open_phase().is_none()
            && let Some(event) = self.b.next_event(now)
        {
            count += 1;
            match event {
                Event::ClientAuth(event) => self.guest.answer(&mut self.b, event)?,
                Event::Keys(_) => {}
                Event::Ended(error) => bail!(error),
                _ => bail!("an event of an open connection"),
            }
        }
        Ok(count)
    }

    fn decide(&mut self, side: Side, event: ConnectionEvent, now: Now) -> Result<()> {
        let engine = match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        };
        match event {
            ConnectionEvent::Offer(offer) if self.refusals.chance(5) => {
                let mut open = engine.open_phase().context("not open")?;
                open.refuse(offer, OpenFailure::ADMINISTRATIVELY_PROHIBITED, "not here")?;
            }
            ConnectionEvent::Offer(offer) => {
                let tag = crate::ledger::tag_of(&offer.kind)?;
                self.tags.insert((side, offer.id()), tag);
                self.relay.pass(side, ConnectionEvent::Offer(offer), &mut self.a, &mut self.b);
            }
            ConnectionEvent::Request { request, reply, .. } if between(&request) => {
                if let Some(token) = reply {
                    engine.open_phase().context("not open")?.reply(token, Outcome::Failure)?;
                }
            }
            ConnectionEvent::Global { request: GlobalRequest::HostKeys { .. }, .. } => {
                ensure!(side == Side::B, "host keys of a client");
            }
            event @ (ConnectionEvent::Request { .. } | ConnectionEvent::Global { .. }) => {
                self.relay.pass(side, event, &mut self.a, &mut self.b);
            }
            // A request that was passed on and whose answer comes after the channel's end.
            other => bail!("the relay did not handle {other:?} at {now:?}"),
        }
        Ok(())
    }

    fn tag(&self, side: Side, channel: ChannelId) -> Option<Tag> {
        let other = || Some((side.other(), self.relay.joined(side, channel)?));
        let tag = self.tags.get(&(side, channel));
        tag.or_else(|| self.tags.get(&other()?)).copied()
    }

    fn pass_end(&mut self, side: Side, error: &Error) {
        let other = match side {
            Side::A => &mut self.b,
            Side::B => &mut self.a,
        };
        match error {
            Error::Disconnected { reason, text } => other.end(*reason, text),
            error => other.end(Reason::BY_APPLICATION, &format!("{side:?}: {error}")),
        }
    }

    /// Towards which user each engine looks.
    pub(crate) fn facing(&mut self, end: End) -> &mut Engine {
        match end {
            End::Client => &mut self.a,
            End::Server => &mut self.b,
        }
    }
}

/// Whether the gateway answers a request by itself.
fn between(request: &Request) -> bool {
    matches!(request, Request::Unknown { name, data } if name == REQUEST && Verdict::of(data) == Verdict::DenyBetween)
}
