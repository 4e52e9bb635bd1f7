//! A session never outlives its grant.

use super::*;
use crate::grant::GrantEvent;
use crate::grant::Terms;
use crate::grant::tests::{active, id as grant_id, replay, terms};
use crate::policy::fixture::{at, by, credential_name, key, now, person, world};

pub(crate) fn id() -> SessionId {
    SessionId::from_bytes([1; 5])
}

fn opening() -> Opening {
    Opening {
        grant: grant_id(1),
        who: Principal::Person(person("alice")),
        proof: key("alice"),
        role: "deploy".parse().unwrap(),
        target: "web1.prod".parse().unwrap(),
        deadline: at(60),
    }
}

pub(crate) fn events() -> Vec<SessionEvent> {
    vec![
        SessionEvent::Opened(Box::new(opening())),
        SessionEvent::Established,
        SessionEvent::Moved { grant: grant_id(2), deadline: at(110) },
        SessionEvent::Terminated(CloseReason::TimeUp),
        SessionEvent::Closed { reason: CloseReason::ByPeer, recording: None },
    ]
}

pub(crate) fn established() -> Session {
    events().iter().take(2).fold(None, |session, event| Some(evolve(id(), session, event).unwrap())).unwrap()
}

#[test]
fn g2_its_deadline_is_that_of_the_grant() {
    let (grant, target) = (active(terms()), "web1.prod".parse().unwrap());
    let open = |minutes, who: &str| {
        decide(now(minutes), &by(who), &world(), None, Command::Open { grant: &grant, target: &target })
    };
    assert_eq!(open(1, "alice"), Ok(vec![SessionEvent::Opened(Box::new(opening()))]));
    assert_eq!(
        open(59, "alice"),
        Ok(vec![SessionEvent::Opened(Box::new(opening()))]),
        "not an hour from the connection"
    );
    assert_eq!(open(60, "alice"), Err(Refusal::Time(TimeRefusal::GrantOver)));
    assert_eq!(open(1, "dave"), Err(Refusal::GrantedElsewhere(Mismatch::Principal)));
}

#[test]
fn g2_it_moves_only_to_the_grant_that_succeeded_its_own() {
    let next = Terms { extends: Some(grant_id(1)), not_before: at(50), not_after: at(110), ..terms() };
    let issued = |byte| replay(grant_id(byte), &[GrantEvent::Issued(Box::new(next.clone())), GrantEvent::Activated]);
    let old = active(terms());
    let given_way = grant::evolve(old.id, Some(old.clone()), &GrantEvent::Succeeded { by: grant_id(2) }).unwrap();
    let relocate = |from: &Grant, to: &Grant| {
        decide(now(50), &Actor::Gateway, &world(), Some(&established()), Command::Move { from, to })
    };
    let moved = SessionEvent::Moved { grant: grant_id(2), deadline: at(110) };
    assert_eq!(relocate(&given_way, &issued(2)), Ok(vec![moved.clone()]));
    let there = evolve(id(), Some(established()), &moved).unwrap();
    let again = Command::Move { from: &given_way, to: &issued(2) };
    assert_eq!(decide(now(50), &Actor::Gateway, &world(), Some(&there), again), Ok(Vec::new()), "effects are repeated");
    assert_eq!(relocate(&given_way, &issued(3)), Err(Refusal::GrantedElsewhere(Mismatch::Grant)));
    assert_eq!(relocate(&old, &issued(2)), Err(Refusal::GrantedElsewhere(Mismatch::Grant)));
}

#[test]
fn g2_its_end_is_brought_forward_and_never_moved_back() {
    let tighten = |minutes| {
        let grant = Grant { deadline: at(minutes), ..active(terms()) };
        decide(now(1), &Actor::Gateway, &world(), Some(&established()), Command::Tighten(&grant))
    };
    assert_eq!(tighten(20), Ok(vec![SessionEvent::Moved { grant: grant_id(1), deadline: at(20) }]));
    assert_eq!(tighten(90), Ok(Vec::new()));
}

#[test]
fn who_may_cut_it() {
    let cut =
        |who: &str| decide(now(1), &by(who), &world(), Some(&established()), Command::Terminate(CloseReason::ByPerson));
    for who in ["alice", "bob", "root"] {
        assert_eq!(cut(who), Ok(vec![SessionEvent::Terminated(CloseReason::ByPerson)]), "{who}");
    }
    assert_eq!(cut("dave"), Err(Refusal::NotFound));
    let pretend = Command::Terminate(CloseReason::TimeUp);
    assert_eq!(decide(now(1), &by("alice"), &world(), Some(&established()), pretend), Err(Refusal::OnlyTheGateway));
}

#[test]
fn what_is_being_cut_keeps_its_reason() {
    let session = evolve(id(), Some(established()), &SessionEvent::Terminated(CloseReason::TimeUp)).unwrap();
    let recording = Some(Recording { digest: Digest::of(b"frames"), length_bytes: 6 });
    let close = Command::Close { reason: CloseReason::ByPeer, recording };
    let closed = SessionEvent::Closed { reason: CloseReason::TimeUp, recording };
    assert_eq!(decide(now(61), &Actor::Gateway, &world(), Some(&session), close), Ok(vec![closed]));
    let again = Command::Terminate(CloseReason::ByPerson);
    assert!(decide(now(61), &Actor::Gateway, &world(), Some(&session), again).is_err());
}

/// The grant was asked for with another key, and stays.
#[test]
fn g11_a_session_ends_with_the_key_that_opened_it() {
    let other = Credential::SshKey(credential_name("alice", "other"));
    let session = Session { opening: Opening { proof: other, ..opening() }, ..established() };
    let reassess = |world: &World| decide(now(1), &Actor::Gateway, world, Some(&session), Command::Reassess);
    let mut world = world();
    assert_eq!(reassess(&world), Ok(Vec::new()));
    world.directory.revoked.insert(credential_name("alice", "other"));
    assert_eq!(reassess(&world), Ok(vec![SessionEvent::Terminated(CloseReason::Gone)]));
}
