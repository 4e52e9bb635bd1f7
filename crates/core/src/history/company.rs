//! The company in which histories happen: its world, its clock, its log, and a shell that does what effects say.
//!
//! Owns: applying steps. Invariants: as in the store, the events of a decision are appended together; as in the gate, effects follow.
//! Must not know: what is checked.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Step;
use super::check::Before;
use crate::capability::Capability;
use crate::effect::Effect;
use crate::event::{Append, Event, effects, settle};
use crate::grant::{self, Grant};
use crate::id::{GrantId, RequestId, SessionId, StreamId};
use crate::name::GroupName;
use crate::policy::fixture::{
    PEOPLE, at, because, by, by_agent, credential_name, person, role, rule, source, span, stage, world_of,
};
use crate::policy::{PolicySource, World};
use crate::principal::{Actor, Credential, Principal};
use crate::refusal::Refusal;
use crate::request::{self, Request, RequestEvent, Start, Wish};
use crate::rule::{Approval, Rule};
use crate::session::{self, CloseReason, Session};
use crate::time::{Now, Span, Timestamp};

/// An event, with the world in which it was decided.
pub(crate) struct Entry {
    pub(crate) stream: StreamId,
    pub(crate) event: Event,
    pub(crate) at: Timestamp,
    pub(crate) world: std::rc::Rc<World>,
}

pub(crate) struct Company {
    pub(crate) world: std::rc::Rc<World>,
    pub(crate) now: Now,
    pub(crate) requests: BTreeMap<RequestId, Request>,
    pub(crate) grants: BTreeMap<GrantId, Grant>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) log: Vec<Entry>,
    names: u8,
}

const GROUPS: [&str; 4] = ["engineering", "on-call", "sre", "security"];

impl Company {
    pub(crate) fn new() -> Self {
        Self {
            world: world_of(source()).into(),
            now: Now::at_start(at(0), Timestamp::MIN),
            requests: BTreeMap::new(),
            grants: BTreeMap::new(),
            sessions: BTreeMap::new(),
            log: Vec::new(),
            names: 0,
        }
    }

    /// One step, and everything that must hold after it.
    pub(crate) fn take(&mut self, step: Step) {
        let before = Before::of(self);
        // A refusal is an outcome like any other.
        let _ = self.apply(step);
        before.check(self);
    }

    fn apply(&mut self, step: Step) -> Result<(), Refusal> {
        match step {
            Step::Pass { minutes } => {
                let passed = Duration::from_mins(minutes);
                self.now = self.now.next(passed, self.now.time().after(passed));
            }
            Step::SetClock { wall_minutes } => self.now = self.now.next(Duration::ZERO, at(wall_minutes)),
            Step::Restart { wall_minutes } => self.now = Now::at_start(at(wall_minutes), self.now.time()),
            Step::Join { group, who } => self.regroup(group, |members| _ = members.insert(person(chosen(who)))),
            Step::Leave { group, who } => self.regroup(group, |members| _ = members.remove(&person(chosen(who)))),
            Step::LoseKey { who } => self.rekey(|revoked| _ = revoked.insert(a_key_of(who))),
            Step::Regain { who } => self.rekey(|revoked| _ = revoked.remove(&a_key_of(who))),
            Step::Reload { policy } => self.reload(policy),
            Step::Sweep => self.sweep(),
            Step::Connect { grant, who } => return self.connect(grant, who),
            Step::Done { grant, who } => return self.on_grant(grant, &actor(who), grant::Command::Done),
            Step::Revoke { grant, who } => {
                return self.on_grant(grant, &actor(who), grant::Command::Revoke { reason: None });
            }
            step => return self.on_request(step),
        }
        Ok(())
    }

    fn on_request(&mut self, step: Step) -> Result<(), Refusal> {
        let grant = GrantId::from_bytes(self.name());
        if let Step::Ask { who, minutes, later, extends } = step {
            let start =
                later.map_or(Start::Yes, |later| Start::At(self.now.time().after(Duration::from_mins(later.into()))));
            let old = extends.and_then(|place| self.usable(place)).cloned();
            // Mostly by its holder; now and then somebody else tries.
            let holder = old.as_ref().filter(|_| who % 8 > 0).map(|old| &old.terms);
            let by = holder
                .map_or(actor(who), |terms| Actor::Principal { who: terms.who.clone(), proof: terms.proof.clone() });
            let id = RequestId::from_bytes(self.name());
            let command = request::Command::Ask { id, wish: wish(minutes, start), extends: old.as_ref(), grant };
            return self.request(id, &by, command);
        }
        let (Step::Amend { request: place, .. }
        | Step::Answer { request: place, .. }
        | Step::Offer { request: place, .. }
        | Step::Reply { request: place, .. }
        | Step::Withdraw { request: place, .. }) = step
        else {
            return Ok(());
        };
        let Some(old) = self.pick(place).cloned() else { return Ok(()) };
        let seen = old.digest;
        let asker = Actor::Principal { who: old.ask.who.clone(), proof: old.ask.proof.clone() };
        let (by, command) = match step {
            Step::Amend { minutes, .. } => {
                let change = request::Change { span: minutes_of(minutes), justification: because("changed") };
                (asker, request::Command::Amend { change, grant })
            }
            Step::Answer { who, yes: false, .. } => (actor(who), request::Command::Deny { token: None, reason: None }),
            Step::Answer { who, stale, .. } => {
                let seen = if stale { self.first_digest(old.id) } else { seen };
                (actor(who), request::Command::Approve { seen, token: None, comment: None, grant })
            }
            Step::Offer { who, minutes, .. } => {
                (actor(who), request::Command::Offer { seen, span: minutes_of(minutes), allow: None, comment: None })
            }
            Step::Reply { take: true, .. } => (asker, request::Command::TakeOffer { grant }),
            Step::Reply { .. } => (asker, request::Command::DeclineOffer),
            Step::Withdraw { who, .. } => (actor(who), request::Command::Withdraw),
            _ => return Ok(()),
        };
        self.request(old.id, &by, command)
    }

    fn request(&mut self, id: RequestId, by: &Actor, command: request::Command<'_>) -> Result<(), Refusal> {
        let events = request::decide(self.now, by, &self.world, self.requests.get(&id), command)?;
        let extended = events.iter().find_map(|event| match event {
            RequestEvent::Approved { terms, .. } => terms.extends,
            _ => None,
        });
        let old = extended.and_then(|id| self.grants.get(&id));
        let appends = settle(self.now, &self.world, StreamId::Request(id), events, old)?;
        self.append(appends);
        Ok(())
    }

    fn on_grant(&mut self, place: usize, by: &Actor, command: grant::Command<'_>) -> Result<(), Refusal> {
        let Some(grant) = nth(&self.grants, place) else { return Ok(()) };
        let (id, events) = (grant.id, grant::decide(self.now, by, &self.world, Some(grant), command)?);
        self.append_one(StreamId::Grant(id), events.into_iter().map(Event::Grant).collect());
        Ok(())
    }

    fn connect(&mut self, place: usize, who: usize) -> Result<(), Refusal> {
        let Some(grant) = self.usable(place).or_else(|| nth(&self.grants, place)).cloned() else { return Ok(()) };
        let terms = &grant.terms;
        // With the key that asked, or with another of the same person.
        let other = Principal::person(&terms.who).filter(|_| !who.is_multiple_of(3));
        let proof = other.map_or(terms.proof.clone(), |id| Credential::SshKey(credential_name(id.as_str(), "other")));
        let holder = Actor::Principal { who: terms.who.clone(), proof };
        let by = if who.is_multiple_of(4) { actor(who) } else { holder };
        let id = SessionId::from_bytes(self.name());
        let open = session::Command::Open { grant: &grant, target: &grant.terms.target };
        self.session(id, &by, open)?;
        self.session(id, &Actor::Gateway, session::Command::Establish)
    }

    fn session(&mut self, id: SessionId, by: &Actor, command: session::Command<'_>) -> Result<(), Refusal> {
        let events = session::decide(self.now, by, &self.world, self.sessions.get(&id), command)?;
        self.append_one(StreamId::Session(id), events.into_iter().map(Event::Session).collect());
        Ok(())
    }

    /// What the sweeper does: it records what time has done already.
    fn sweep(&mut self) {
        for id in self.requests.keys().copied().collect::<Vec<_>>() {
            let _ = self.request(id, &Actor::Gateway, request::Command::Expire);
        }
        for place in 0..self.grants.len() {
            let _ = self.on_grant(place, &Actor::Gateway, grant::Command::Elapse);
        }
    }

    /// What the gateway does after every change of rules, groups and keys.
    fn reassess(&mut self) {
        for place in 0..self.grants.len() {
            let _ = self.on_grant(place, &Actor::Gateway, grant::Command::Reassess);
        }
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            let _ = self.session(id, &Actor::Gateway, session::Command::Reassess);
        }
        for id in self.requests.keys().copied().collect::<Vec<_>>() {
            let grant = GrantId::from_bytes(self.name());
            let _ = self.request(id, &Actor::Gateway, request::Command::Reconsider { grant });
        }
    }

    fn regroup(&mut self, group: usize, change: impl FnOnce(&mut std::collections::BTreeSet<crate::name::PersonId>)) {
        let name: GroupName = GROUPS[group % GROUPS.len()].parse().unwrap();
        let mut world = (*self.world).clone();
        change(world.directory.groups.entry(name).or_default());
        self.world = world.into();
        self.reassess();
    }

    fn rekey(&mut self, change: impl FnOnce(&mut std::collections::BTreeSet<crate::name::CredentialName>)) {
        let mut world = (*self.world).clone();
        change(&mut world.directory.revoked);
        self.world = world.into();
        self.reassess();
    }

    fn reload(&mut self, policy: usize) {
        let directory = self.world.directory.clone();
        self.world = World { directory, ..world_of(policies(policy)) }.into();
        self.reassess();
    }

    fn append(&mut self, appends: Vec<Append>) {
        for Append { stream, events } in appends {
            self.append_one(stream, events);
        }
    }

    /// Records, and then does what the events ask for, as the outbox does.
    fn append_one(&mut self, stream: StreamId, events: Vec<Event>) {
        for event in &events {
            self.evolve(stream, event);
            let (at, world) = (self.now.time(), self.world.clone());
            self.log.push(Entry { stream, event: event.clone(), at, world });
        }
        for effect in events.iter().flat_map(|event| effects(stream, event)) {
            self.run(&effect);
        }
    }

    fn evolve(&mut self, stream: StreamId, event: &Event) {
        match (stream, event) {
            (StreamId::Request(id), Event::Request(event)) => {
                let after = request::evolve(id, self.requests.remove(&id), event).unwrap();
                self.requests.insert(id, after);
            }
            (StreamId::Grant(id), Event::Grant(event)) => {
                let after = grant::evolve(id, self.grants.remove(&id), event).unwrap();
                self.grants.insert(id, after);
            }
            (StreamId::Session(id), Event::Session(event)) => {
                let after = session::evolve(id, self.sessions.remove(&id), event).unwrap();
                self.sessions.insert(id, after);
            }
            other => panic!("{other:?}"),
        }
    }

    fn run(&mut self, effect: &Effect) {
        let under = |company: &Self, grant: GrantId| -> Vec<SessionId> {
            let live = company.sessions.values().filter(|session| session.opening.grant == grant);
            live.filter(|session| session.phase() != session::Phase::Closed).map(|session| session.id).collect()
        };
        match effect {
            Effect::EndUseOf(grant) => {
                for id in under(self, *grant) {
                    let cut = session::Command::Terminate(CloseReason::GrantRevoked);
                    let _ = self.session(id, &Actor::Gateway, cut);
                }
            }
            Effect::MoveUse { from, to } => {
                for id in under(self, *from) {
                    let (from, to) = (self.grants[from].clone(), self.grants[to].clone());
                    let command = session::Command::Move { from: &from, to: &to };
                    self.session(id, &Actor::Gateway, command).unwrap();
                }
            }
            Effect::Recheck(grant) => {
                for id in under(self, *grant) {
                    let grant = self.grants[grant].clone();
                    self.session(id, &Actor::Gateway, session::Command::Tighten(&grant)).unwrap();
                }
            }
            _ => {}
        }
    }

    fn usable(&self, place: usize) -> Option<&Grant> {
        let usable: Vec<&Grant> = self.grants.values().filter(|grant| grant.check(self.now).is_ok()).collect();
        usable.get(place % usable.len().max(1)).copied()
    }

    /// Mostly one that is undecided, since most are not.
    fn pick(&self, place: usize) -> Option<&Request> {
        let open: Vec<&Request> = self.requests.values().filter(|request| request.open().is_some()).collect();
        if place.is_multiple_of(8) || open.is_empty() {
            nth(&self.requests, place)
        } else {
            open.get(place / 8 % open.len()).copied()
        }
    }

    fn first_digest(&self, id: RequestId) -> crate::digest::Digest {
        let first = self.log.iter().find_map(|entry| match (&entry.event, entry.stream) {
            (Event::Request(RequestEvent::Asked { digest, .. }), StreamId::Request(of)) if of == id => Some(*digest),
            _ => None,
        });
        first.unwrap()
    }

    fn name(&mut self) -> [u8; 5] {
        // The names of the fixtures are ones; these differ.
        let (high, low) = (self.names, self.log.len() % 256);
        self.names = self.names.wrapping_add(1);
        [high, u8::try_from(low).unwrap(), u8::try_from(self.log.len() / 256).unwrap(), 7, 7]
    }
}

/// Rules that come and go: laxer, stricter, narrower, none.
fn policies(which: usize) -> PolicySource {
    let asking = ["group:engineering", "workload:agent"];
    let needs = |count, from: &[&str]| Approval::Stages(vec![stage(count, from)]);
    let staged = Approval::Stages(vec![stage(1, &["group:sre"]), stage(1, &["group:security", "group:sre"])]);
    let shell = [Capability::Shell];
    match which % 7 {
        0 => source(),
        1 => PolicySource {
            rules: vec![rule("two", 1, &asking, needs(2, &["group:sre", "group:security"]))],
            ..source()
        },
        2 => PolicySource { roles: vec![role("deploy", "deploy", &shell, "30m")], ..source() },
        3 => PolicySource { rules: vec![rule("staged", 1, &asking, staged)], ..source() },
        4 => PolicySource { roles: vec![role("deploy", "root", &shell, "2h")], ..source() },
        5 => PolicySource {
            rules: vec![Rule { limit: Some(span("20m")), ..rule("auto", 1, &asking, Approval::Auto) }],
            ..source()
        },
        _ => PolicySource { rules: Vec::new(), ..source() },
    }
}

fn actor(who: usize) -> Actor {
    if who % 8 == 7 { by_agent() } else { by(chosen(who)) }
}

fn a_key_of(who: usize) -> crate::name::CredentialName {
    credential_name(chosen(who), if (who / PEOPLE.len()).is_multiple_of(2) { "key" } else { "other" })
}

fn chosen(who: usize) -> &'static str {
    PEOPLE[who % PEOPLE.len()]
}

fn nth<K, V>(map: &BTreeMap<K, V>, place: usize) -> Option<&V> {
    map.values().nth(place % map.len().max(1))
}

fn minutes_of(minutes: u32) -> Span {
    Span::from_mins(minutes).unwrap()
}

fn wish(minutes: u32, start: Start) -> Wish {
    Wish {
        role: "deploy".parse().unwrap(),
        target: "web1.prod".parse().unwrap(),
        span: minutes_of(minutes),
        start,
        justification: because("disk full"),
        bundle: None,
    }
}
