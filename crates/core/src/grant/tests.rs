//! A grant ends when it was said to end, admits only whom it was made for, and is never widened.

use super::*;
use crate::capability::Capability;
use crate::policy::fixture::{agent, at, because, by, by_agent, key, now, person, role, source, world, world_of};
use crate::principal::Actor;
use crate::role::Access;

pub(crate) fn id(byte: u8) -> GrantId {
    GrantId::from_bytes([byte; 5])
}

/// For alice, an hour from ten o'clock.
pub(crate) fn terms() -> Terms {
    Terms {
        request: RequestId::from_bytes([1; 5]),
        digest: Digest::of(b"request"),
        rule: "engineers-deploy".parse().unwrap(),
        who: Principal::Person(person("alice")),
        proof: key("alice"),
        binding: Binding::Principal,
        role: source().roles[0].clone(),
        target: "web1.prod".parse().unwrap(),
        not_before: at(0),
        not_after: at(60),
        extends: None,
    }
}

pub(crate) fn events() -> Vec<GrantEvent> {
    vec![
        GrantEvent::Issued(Box::new(terms())),
        GrantEvent::Activated,
        GrantEvent::Tightened { role: Box::new(terms().role), deadline: at(30) },
        GrantEvent::Succeeded { by: id(2) },
        GrantEvent::Ended(End::TimeUp),
        GrantEvent::Revoked { cause: RevocationCause::Person, reason: None },
    ]
}

/// A grant of these terms, begun.
pub(crate) fn active(terms: Terms) -> Grant {
    replay(id(1), &[GrantEvent::Issued(Box::new(terms)), GrantEvent::Activated])
}

pub(crate) fn replay(id: GrantId, events: &[GrantEvent]) -> Grant {
    events.iter().fold(None, |grant, event| Some(evolve(id, grant, event).unwrap())).unwrap()
}

fn gateway(
    minutes: u64,
    world: &crate::policy::World,
    grant: &Grant,
    command: Command<'_>,
) -> Result<Vec<GrantEvent>, Refusal> {
    decide(now(minutes), &Actor::Gateway, world, Some(grant), command)
}

#[test]
fn g1_it_is_over_at_its_end_whether_that_was_recorded_or_not() {
    let grant = active(terms());
    let (alice, target) = (Principal::Person(person("alice")), "web1.prod".parse().unwrap());
    assert_eq!(grant.admits(now(59), &alice, &key("alice"), &target), Ok(()));
    assert_eq!(grant.admits(now(60), &alice, &key("alice"), &target), Err(Refusal::Time(TimeRefusal::GrantOver)));
    assert_eq!(gateway(59, &world(), &grant, Command::Elapse), Err(Refusal::Time(TimeRefusal::TooEarly)));
    assert_eq!(gateway(60, &world(), &grant, Command::Elapse), Ok(vec![GrantEvent::Ended(End::TimeUp)]));
}

#[test]
fn g3_a_clock_set_back_extends_nothing() {
    let grant = active(terms());
    let seen = now(60);
    let back = seen.next(std::time::Duration::ZERO, at(10));
    assert_eq!(grant.check(back), Err(Refusal::Time(TimeRefusal::GrantOver)));
    let restarted = Now::at_start(at(10), seen.time());
    assert_eq!(grant.check(restarted), Err(Refusal::Time(TimeRefusal::GrantOver)));
}

#[test]
fn g10_it_admits_nobody_else() {
    let bound = active(Terms { binding: Binding::Credential, ..terms() });
    let (alice, web1) = (Principal::Person(person("alice")), "web1.prod".parse().unwrap());
    let other_key = Credential::SshKey(crate::policy::fixture::credential_name("alice", "other"));
    assert_eq!(active(terms()).admits(now(1), &alice, &other_key, &web1), Ok(()));
    for (who, proof, target, mismatch) in [
        (&alice, &other_key, "web1.prod", Mismatch::Credential),
        (&alice, &key("alice"), "web2.prod", Mismatch::Target),
        (&agent(), &key("agent"), "web1.prod", Mismatch::Principal),
        (&Principal::Person(person("dave")), &key("alice"), "web1.prod", Mismatch::Principal),
    ] {
        let refusal = bound.admits(now(1), who, proof, &target.parse().unwrap());
        assert_eq!(refusal, Err(Refusal::GrantedElsewhere(mismatch)));
    }
}

#[test]
fn g11_what_the_world_takes_away_is_taken_from_grants() {
    let grant = active(terms());
    let reassess = |world: &crate::policy::World| gateway(10, world, &grant, Command::Reassess);
    let revoked = |cause| Ok(vec![GrantEvent::Revoked { cause, reason: None }]);
    assert_eq!(reassess(&world()), Ok(Vec::new()));

    let mut gone = world();
    gone.directory.revoked.insert(crate::policy::fixture::credential_name("alice", "key"));
    assert_eq!(reassess(&gone), revoked(RevocationCause::Gone));

    let mut moved = world();
    moved.directory.groups.get_mut(&"engineering".parse().unwrap()).unwrap().remove(&person("alice"));
    assert_eq!(reassess(&moved), revoked(RevocationCause::Policy));

    let mut without = world();
    without.targets.clear();
    assert_eq!(reassess(&without), revoked(RevocationCause::Policy));

    let mut login = source();
    login.roles = vec![role("deploy", "root", &[Capability::Shell], "2h")];
    assert_eq!(reassess(&world_of(login)), revoked(RevocationCause::Policy));
}

#[test]
fn g11_it_is_tightened_and_never_widened() {
    let grant = active(terms());
    let mut wider = source();
    wider.roles = vec![role(
        "deploy",
        "deploy",
        &[Capability::Shell, Capability::Exec, Capability::Sftp, Capability::ForwardAgent],
        "8h",
    )];
    assert_eq!(gateway(10, &world_of(wider), &grant, Command::Reassess), Ok(Vec::new()));

    let mut narrower = source();
    narrower.roles = vec![role("deploy", "deploy", &[Capability::Shell, Capability::ForwardAgent], "20m")];
    let narrower = world_of(narrower);
    let events = gateway(10, &narrower, &grant, Command::Reassess).unwrap();
    let tightened = evolve(grant.id, Some(grant.clone()), &events[0]).unwrap();
    let Access::Ssh(access) = &tightened.role.access;
    assert_eq!(access.allow.iter().collect::<Vec<_>>(), [Capability::Shell]);
    assert_eq!(
        (tightened.deadline, tightened.terms.not_after),
        (at(20), at(60)),
        "the end that was granted stands in the terms"
    );
    assert_eq!(tightened.check(now(20)), Err(Refusal::Time(TimeRefusal::GrantOver)));

    // Back to the old policy: what was taken stays taken.
    assert_eq!(gateway(11, &world(), &tightened, Command::Reassess), Ok(Vec::new()));
    let over = vec![GrantEvent::Revoked { cause: RevocationCause::Limit, reason: None }];
    assert_eq!(gateway(20, &world(), &tightened, Command::Elapse), Ok(over.clone()));
    assert_eq!(gateway(30, &narrower, &grant, Command::Reassess), Ok(over));
}

#[test]
fn g2_no_event_moves_an_end_back() {
    let later = GrantEvent::Tightened { role: Box::new(terms().role), deadline: at(90) };
    assert_eq!(evolve(id(1), Some(active(terms())), &later).unwrap().deadline, at(60));
}

#[test]
fn it_begins_when_it_is_due_and_the_rules_are_asked_again() {
    let later = Terms { not_before: at(20), ..terms() };
    assert_eq!(decide(now(0), &Actor::Gateway, &world(), None, Command::Issue(&later)).unwrap().len(), 1);
    let grant = replay(id(1), &[GrantEvent::Issued(Box::new(later))]);
    assert_eq!(grant.check(now(10)), Err(Refusal::Time(TimeRefusal::NotYet)));
    assert_eq!(gateway(20, &world(), &grant, Command::Elapse), Ok(vec![GrantEvent::Activated]));
    let mut gone = world();
    gone.directory.people.remove(&person("alice"));
    let revoked = vec![GrantEvent::Revoked { cause: RevocationCause::Gone, reason: None }];
    assert_eq!(gateway(20, &gone, &grant, Command::Elapse), Ok(revoked));
}

#[test]
fn a8_who_may_take_it_back() {
    let (world, grant) = (world(), active(terms()));
    let because = because("no longer needed").reason;
    for (who, allowed) in [("alice", true), ("bob", true), ("root", true), ("erin", true), ("dave", false)] {
        let revoke = Command::Revoke { reason: because.clone() };
        let events = decide(now(1), &by(who), &world, Some(&grant), revoke);
        let expected = vec![GrantEvent::Revoked { cause: RevocationCause::Person, reason: because.clone() }];
        assert_eq!(events, if allowed { Ok(expected) } else { Err(Refusal::NotFound) }, "{who}");
    }
    let done = |by: &Actor| decide(now(1), by, &world, Some(&grant), Command::Done);
    assert_eq!(done(&by("bob")), Err(Refusal::NotYours));
    assert_eq!(done(&by_agent()), Ok(vec![GrantEvent::Ended(End::Done)]));

    let revoked =
        evolve(grant.id, Some(grant.clone()), &GrantEvent::Revoked { cause: RevocationCause::Person, reason: None })
            .unwrap();
    for command in
        [Command::Done, Command::Elapse, Command::Reassess, Command::Revoke { reason: None }, Command::Issue(&terms())]
    {
        let refusal = decide(now(1), &Actor::Gateway, &world, Some(&revoked), command);
        assert_eq!(refusal, Err(Refusal::Over { phase: "revoked" }));
    }
}

#[test]
fn g11_who_has_lost_their_key_takes_nothing_back() {
    let (mut world, grant) = (world(), active(terms()));
    world.directory.revoked.extend(["bob", "alice"].map(|id| crate::policy::fixture::credential_name(id, "key")));
    for (who, command) in [("bob", Command::Revoke { reason: None }), ("alice", Command::Done)] {
        assert_eq!(decide(now(1), &by(who), &world, Some(&grant), command), Err(Refusal::Gone), "{who}");
    }
}

#[test]
fn a_grant_gives_way_only_to_its_own_extension() {
    let (world, grant) = (world(), active(terms()));
    let longer = Terms { extends: Some(id(1)), not_before: at(50), not_after: at(110), ..terms() };
    let succeed = |terms: &Terms| gateway(50, &world, &grant, Command::Succeed { by: id(2), terms });
    assert_eq!(succeed(&longer), Ok(vec![GrantEvent::Succeeded { by: id(2) }]));
    for (terms, refusal) in [
        (Terms { extends: None, ..longer.clone() }, Refusal::GrantedElsewhere(Mismatch::Grant)),
        (Terms { not_after: at(60), ..longer.clone() }, Refusal::NoExtension),
        (Terms { not_before: at(55), ..longer.clone() }, Refusal::NoExtension),
        (
            Terms { who: Principal::Person(person("dave")), ..longer.clone() },
            Refusal::GrantedElsewhere(Mismatch::Principal),
        ),
        (
            Terms { role: role("other", "deploy", &[Capability::Shell], "1h"), ..longer },
            Refusal::GrantedElsewhere(Mismatch::Role),
        ),
    ] {
        assert_eq!(succeed(&terms), Err(refusal));
    }
}

#[test]
fn g1_effects_end_what_depends_on_it() {
    let grant = id(1);
    assert!(effects(grant, &GrantEvent::Ended(End::TimeUp)).contains(&Effect::EndUseOf(grant)));
    assert!(effects(grant, &events()[5]).contains(&Effect::EndUseOf(grant)));
    assert_eq!(effects(grant, &events()[3]), [Effect::MoveUse { from: grant, to: id(2) }]);
    assert!(effects(grant, &events()[0]).contains(&Effect::Wake { at: at(60), what: Wake::Grant(grant) }));
}
