//! What must hold after every step of a history, worked out from the log and not from the code that is tested.
//!
//! Owns: the invariants. Must not know: which step was taken.

use std::collections::{BTreeMap, BTreeSet};

use super::company::{Company, Entry};
use crate::audit::Envelope;
use crate::capability::{Capabilities, Capability};
use crate::event::Event;
use crate::grant::{self, Grant, GrantEvent, Terms};
use crate::id::{EventId, GrantId, RequestId, StreamId};
use crate::lifecycle::Phase as _;
use crate::name::PersonId;
use crate::policy::World;
use crate::principal::{Actor, Owner, Principal};
use crate::request::{self, RequestEvent};
use crate::role::{Access, Role};
use crate::session;
use crate::time::Timestamp;

/// What there was before a step.
pub(crate) struct Before {
    time: Timestamp,
    logged: usize,
    requests: BTreeMap<RequestId, request::Phase>,
    grants: BTreeMap<GrantId, Grant>,
}

impl Before {
    pub(crate) fn of(company: &Company) -> Self {
        Self {
            time: company.now.time(),
            logged: company.log.len(),
            requests: company.requests.iter().map(|(id, request)| (*id, request.phase())).collect(),
            grants: company.grants.clone(),
        }
    }

    pub(crate) fn check(&self, company: &Company) {
        assert!(company.now.time() >= self.time, "G3: time went back");
        for (id, phase) in &self.requests {
            assert!(!phase.is_final() || company.requests[id].phase() == *phase, "A8: {id} was {phase:?}");
        }
        for (id, old) in &self.grants {
            never_more(old, &company.grants[id]);
        }
        for (place, entry) in company.log.iter().enumerate().skip(self.logged) {
            if let Event::Request(RequestEvent::Approved { grant, terms }) = &entry.event {
                approval(&company.log[..place], entry, terms);
                assert!(company.grants.contains_key(grant), "A9: a request without its grant");
            }
            if let Event::Grant(GrantEvent::Issued(terms)) = &entry.event {
                issued(company, entry, terms);
            }
        }
        sessions(company);
        grants_in_force(company);
    }
}

impl Company {
    /// The log alone tells everything, and every event has its one spelling.
    pub(crate) fn check_replay(&self) {
        let mut places: BTreeMap<StreamId, u64> = BTreeMap::new();
        let (mut requests, mut grants, mut sessions) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for entry in &self.log {
            let seq = places.entry(entry.stream).and_modify(|seq| *seq += 1).or_insert(1);
            let id = EventId { stream: entry.stream, seq: *seq };
            let envelope = Envelope { id, at: entry.at, by: Actor::Gateway, event: entry.event.clone() };
            let read = Envelope::from_leaf(&envelope.to_leaf().unwrap()).unwrap();
            assert_eq!(read, envelope);
            match (entry.stream, &read.event) {
                (StreamId::Request(id), Event::Request(event)) => {
                    let before = requests.remove(&id);
                    requests.insert(id, request::evolve(id, before, event).unwrap());
                }
                (StreamId::Grant(id), Event::Grant(event)) => {
                    let before = grants.remove(&id);
                    grants.insert(id, grant::evolve(id, before, event).unwrap());
                }
                (StreamId::Session(id), Event::Session(event)) => {
                    let before = sessions.remove(&id);
                    sessions.insert(id, session::evolve(id, before, event).unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((requests, grants, sessions), (self.requests.clone(), self.grants.clone(), self.sessions.clone()));
    }
}

/// What was granted only ever gets less, and what is over stays over.
fn never_more(old: &Grant, new: &Grant) {
    assert_eq!(old.terms, new.terms, "terms never change");
    assert!(new.deadline <= old.deadline, "G2: {} lasts longer", old.id);
    assert!(within(&new.role, &old.role), "G11: {} was widened", old.id);
    assert!(!old.phase().is_final() || new.state == old.state, "A8: {} came back", old.id);
}

/// A1 to A4, from the log before the approval and the world in which it was given.
fn approval(log: &[Entry], entry: &Entry, terms: &Terms) {
    let (world, owner) = (&*entry.world, terms.who.owner());
    let mut voters = BTreeSet::new();
    let mut offer = None;
    for event in log.iter().filter(|before| before.stream == entry.stream).map(|before| &before.event) {
        match event {
            Event::Request(RequestEvent::Voted(vote)) if vote.digest == terms.digest => {
                voters.insert(vote.voter.clone());
            }
            Event::Request(RequestEvent::Offered { by, digest, .. }) => offer = Some((by.clone(), *digest)),
            Event::Request(RequestEvent::OfferTaken) => {
                let taken = offer.take().filter(|(_, digest)| *digest == terms.digest);
                voters.extend(taken.map(|(by, _)| by));
            }
            _ => {}
        }
    }
    assert!(!voters.iter().any(|voter| Owner::Person(voter.clone()) == owner), "A1: {owner:?} voted");
    assert!(enough(world, terms, &voters), "A2, A3, A4: {voters:?} are not enough");
    let today = world.policy.role(&terms.role.name).unwrap();
    assert!(within(&terms.role, today), "A4: more than the role of now");
}

/// Whether some rule of that moment was satisfied by these people.
fn enough(world: &World, terms: &Terms, voters: &BTreeSet<PersonId>) -> bool {
    let span = terms.not_after.since(terms.not_before);
    let target = &world.targets[&terms.target];
    world.policy.rules_about(&terms.role.name).any(|rule| {
        let about = world.directory.is_any(&terms.who, &rule.who) && rule.targets.matches(target);
        let asked = |voter: &&PersonId| {
            let voter = Principal::Person((*voter).clone());
            rule.approval.stages().iter().any(|stage| world.directory.is_any(&voter, &stage.from))
        };
        let people = u32::try_from(voters.iter().filter(asked).count()).unwrap();
        let limit = rule.limit.map_or(terms.role.limit, |limit| limit.min(terms.role.limit));
        about && people >= rule.approval.people() && span <= limit.duration()
    })
}

/// A9: a grant comes from the one approval that names it, G2: begins no sooner, and ends when that says.
fn issued(company: &Company, entry: &Entry, terms: &Terms) {
    let naming = company.log.iter().filter(|other| match &other.event {
        Event::Request(RequestEvent::Approved { grant, .. }) => StreamId::Grant(*grant) == entry.stream,
        _ => false,
    });
    assert_eq!(naming.count(), 1, "A9: {} and its request", entry.stream);
    let approvals = company.log.iter().filter(|other| {
        matches!(other.event, Event::Request(RequestEvent::Approved { .. }))
            && other.stream == StreamId::Request(terms.request)
    });
    assert_eq!(approvals.count(), 1, "A9: {} was approved more than once", terms.request);
    assert!(terms.not_before >= entry.at && terms.not_after > terms.not_before);
}

/// G2, G10 and G11: whatever is open is somebody's own, under a grant that is in force or has just run out.
fn sessions(company: &Company) {
    for session in company.sessions.values() {
        if matches!(session.phase(), session::Phase::Closed | session::Phase::Terminating) {
            continue;
        }
        let grant = &company.grants[&session.opening.grant];
        assert_eq!(grant.phase(), grant::Phase::Active, "G11: {} goes on without its grant", session.id);
        assert!(session.opening.deadline <= grant.deadline, "G2: {} outlives its grant", session.id);
        let held = company.world.directory.holds(&session.opening.who, &session.opening.proof);
        assert!(held, "G11: {} goes on with a lost key", session.id);
        assert_eq!(session.opening.who, grant.terms.who, "G10");
        assert_eq!(session.opening.target, grant.terms.target, "G10");
    }
}

/// G1, G3 and G11: nothing can be used after its end, and nothing is in force that the world of now would not give.
fn grants_in_force(company: &Company) {
    let world = &company.world;
    for grant in company.grants.values() {
        let terms = &grant.terms;
        let usable = grant.admits(company.now, &terms.who, &terms.proof, &terms.target).is_ok();
        let in_time = company.now.time() < terms.not_after && company.now.time() >= terms.not_before;
        assert!(!usable || in_time, "G1: {} at {:?}", grant.id, company.now);
        if usable {
            assert!(world.directory.holds(&terms.who, &terms.proof), "G11: {} with a lost key", grant.id);
            let today = world.policy.role(&terms.role.name).unwrap();
            assert!(within(&grant.role, today), "G11: {} has more than the role of now", grant.id);
            let mut rules = world.policy.rules_about(&terms.role.name);
            let listed = rules.any(|rule| world.directory.is_any(&terms.who, &rule.who));
            assert!(listed, "G11: {} without a rule", grant.id);
        }
    }
}

/// Whether everything that one role allows, the other allows too, as the same login.
fn within(less: &Role, more: &Role) -> bool {
    let (Access::Ssh(less), Access::Ssh(more)) = (&less.access, &more.access);
    let subset = |less: &Capabilities, more: &Capabilities| {
        Capability::ALL.into_iter().all(|capability| !less.allow(capability) || more.allow(capability))
    };
    less.login == more.login && subset(&less.allow, &more.allow) && less.environment.is_subset(&more.environment)
}
