//! Who may say yes to what, and what becomes of it.

use super::*;
use crate::approval::VoteToken;
use crate::capability::Capability;
use crate::grant::tests::{active, id as grant_id, terms};
use crate::policy::fixture::{at, because, by, by_agent, now, person, rule, source, span, stage, world, world_of};
use crate::policy::{PolicySource, World};
use crate::principal::Actor;
use crate::refusal::{Refusal, TimeRefusal};
use crate::role::Access;
use crate::rule::Approval;
use crate::time::Now;

mod invariant;
mod offer;

pub(crate) fn id() -> RequestId {
    RequestId::from_bytes([1; 5])
}

pub(crate) fn wish() -> Wish {
    Wish {
        role: "deploy".parse().unwrap(),
        target: "web1.prod".parse().unwrap(),
        span: span("1h"),
        start: Start::Yes,
        justification: because("disk full, INC-482"),
        bundle: None,
    }
}

/// A world in which it takes two of sre.
pub(crate) fn two_of_sre() -> World {
    let approval = Approval::Stages(vec![stage(2, &["group:sre", "group:security"])]);
    world_of(PolicySource {
        rules: vec![rule("two", 3, &["group:engineering", "workload:agent"], approval)],
        ..source()
    })
}

/// A request, with the world that it lives in and a way to do things to it.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) request: Option<Request>,
    pub(crate) log: Vec<RequestEvent>,
}

impl Story {
    pub(crate) fn new(world: World) -> Self {
        Self { world, request: None, log: Vec::new() }
    }

    /// A story in which this one has asked, at ten o'clock.
    pub(crate) fn asked(world: World, by: &Actor) -> Self {
        let mut story = Self::new(world);
        let command = Command::Ask { id: id(), wish: wish(), extends: None, grant: grant_id(1) };
        story.run(now(0), by, command).unwrap();
        story
    }

    pub(crate) fn run(&mut self, now: Now, by: &Actor, command: Command<'_>) -> Result<Phase, Refusal> {
        let events = decide(now, by, &self.world, self.request.as_ref(), command)?;
        for event in &events {
            self.request = Some(evolve(id(), self.request.take(), event).unwrap());
        }
        self.log.extend(events);
        Ok(self.request().phase())
    }

    /// What was granted.
    pub(crate) fn terms(&self) -> &Terms {
        let Some(RequestEvent::Approved { terms, .. }) = self.log.last() else { panic!("{:?}", self.log) };
        terms
    }

    pub(crate) fn request(&self) -> &Request {
        self.request.as_ref().unwrap()
    }

    pub(crate) fn yes(&mut self, minutes: u64, who: &str) -> Result<Phase, Refusal> {
        let seen = self.request().digest;
        self.run(now(minutes), &by(who), Command::Approve { seen, token: None, comment: None, grant: grant_id(1) })
    }

    pub(crate) fn no(&mut self, minutes: u64, who: &str) -> Result<Phase, Refusal> {
        self.run(now(minutes), &by(who), Command::Deny { token: None, reason: None })
    }
}

pub(crate) fn events() -> Vec<RequestEvent> {
    let story = Story::asked(world(), &by("alice"));
    let (ask, digest) = (Box::new(story.request().ask.clone()), story.request().digest);
    let vote = Vote { voter: person("bob"), digest, token: None, comment: None };
    vec![
        story.log[0].clone(),
        RequestEvent::Amended { ask: ask.clone(), digest },
        RequestEvent::Seen(person("bob")),
        RequestEvent::Voted(vote),
        RequestEvent::Offered { by: person("bob"), ask, digest, comment: None },
        RequestEvent::OfferTaken,
        RequestEvent::OfferDeclined,
        RequestEvent::Approved { grant: grant_id(1), terms: Box::new(terms()) },
        RequestEvent::Denied { cause: DenialCause::Approver, reason: None },
        RequestEvent::Withdrawn,
        RequestEvent::Expired,
    ]
}

#[test]
fn a_yes_makes_a_grant_that_starts_now() {
    let mut story = Story::asked(world(), &by("alice"));
    assert_eq!(story.request().phase(), Phase::Pending);
    assert_eq!(story.yes(5, "bob"), Ok(Phase::Approved));
    let Some(RequestEvent::Approved { grant, terms }) = story.log.last() else { panic!("{:?}", story.log) };
    assert_eq!(
        (*grant, terms.not_before, terms.not_after),
        (grant_id(1), at(5), at(65)),
        "from the yes, not from the asking"
    );
    assert_eq!(terms.digest, story.request().digest);
}

#[test]
fn what_is_automatic_is_granted_at_once() {
    let mut story = Story::new(world());
    let wish = Wish { span: span("30m"), ..wish() };
    let ask = Command::Ask { id: id(), wish, extends: None, grant: grant_id(1) };
    assert_eq!(story.run(now(0), &by("dave"), ask), Ok(Phase::Approved));
    assert_eq!(story.log.len(), 2);
}

#[test]
fn what_no_rule_allows_is_not_even_asked() {
    let mut story = Story::new(world());
    let ask = || Command::Ask { id: id(), wish: wish(), extends: None, grant: grant_id(1) };
    let Err(Refusal::NotAllowed(explanation)) = story.run(now(0), &by("bob"), ask()) else { panic!() };
    assert_eq!(explanation.answer, "no: no rule allows it");
    assert_eq!(story.run(now(0), &Actor::Gateway, ask()), Err(Refusal::NotYours));
}

#[test]
fn it_is_not_there_for_others() {
    let mut story = Story::asked(world(), &by("alice"));
    assert_eq!(story.yes(1, "dave"), Err(Refusal::NotFound));
    assert_eq!(story.run(now(1), &by("dave"), Command::Withdraw), Err(Refusal::NotFound));
    assert_eq!(
        Story::new(world()).run(now(1), &by("dave"), Command::Withdraw),
        Err(Refusal::NotFound),
        "and the same words"
    );
    assert_eq!(story.run(now(1), &by("bob"), Command::Withdraw), Err(Refusal::NotYours));
    assert_eq!(story.run(now(1), &by("alice"), Command::Withdraw), Ok(Phase::Withdrawn));
}

#[test]
fn stages_are_asked_in_order() {
    let stages = vec![stage(1, &["group:sre"]), stage(1, &["group:security"])];
    let rules = vec![rule("staged", 3, &["person:dave"], Approval::Stages(stages))];
    let mut story = Story::asked(world_of(PolicySource { rules, ..source() }), &by("dave"));
    assert_eq!(story.yes(1, "bob"), Ok(Phase::Pending));
    assert_eq!(story.yes(2, "erin"), Err(Refusal::NotAsked), "the stage of sre has passed");
    assert_eq!(story.yes(3, "carol"), Ok(Phase::Approved));
}

#[test]
fn who_looked_is_recorded_once() {
    let mut story = Story::asked(world(), &by("alice"));
    story.run(now(1), &by("bob"), Command::See).unwrap();
    story.run(now(2), &by("bob"), Command::See).unwrap();
    assert_eq!(story.request().open().unwrap().seen, [person("bob")]);
}

#[test]
fn only_what_one_has_can_be_extended() {
    let ask = |who: &str, wish: Wish, minutes: u64| {
        let old = active(terms());
        let command = Command::Ask { id: id(), wish, extends: Some(&old), grant: grant_id(2) };
        Story::new(world()).run(now(minutes), &by(who), command)
    };
    assert_eq!(ask("alice", wish(), 50), Ok(Phase::Pending));
    assert_eq!(ask("alice", wish(), 60), Err(Refusal::Time(TimeRefusal::GrantOver)));
    assert!(ask("dave", wish(), 50).is_err());
    assert!(ask("alice", Wish { target: "web2.prod".parse().unwrap(), ..wish() }, 50).is_err());
    assert!(ask("alice", Wish { start: Start::At(at(70)), ..wish() }, 50).is_err());
}

#[test]
fn a_grant_can_begin_later() {
    let mut story = Story::new(world());
    let ask = |start| Command::Ask { id: id(), wish: Wish { start, ..wish() }, extends: None, grant: grant_id(1) };
    assert_eq!(story.run(now(30), &by("alice"), ask(Start::At(at(30)))), Err(Refusal::Time(TimeRefusal::StartPassed)));
    assert_eq!(story.run(now(0), &by("alice"), ask(Start::At(at(20)))), Ok(Phase::Pending));
    story.yes(5, "bob").unwrap();
    let Some(RequestEvent::Approved { terms, .. }) = story.log.last() else { panic!() };
    assert_eq!((terms.not_before, terms.not_after), (at(20), at(80)));
}
