//! One test for each invariant of approval, carrying its id.

use super::*;
use crate::policy::fixture::role;
use crate::principal::{Credential, Principal};
use serde_json::{Value, json};

fn token(voter: &str, digest: Digest) -> VoteToken {
    VoteToken { name: "tok1".parse().unwrap(), request: id(), voter: person(voter), digest }
}

fn use_token(story: &mut Story, who: &str, token: &VoteToken) -> Result<Phase, Refusal> {
    let seen = story.request().digest;
    story.run(now(1), &by(who), Command::Approve { seen, token: Some(token), comment: None, grant: grant_id(1) })
}

fn amend(story: &mut Story, length: &str) -> Result<Phase, Refusal> {
    let change = Change { span: span(length), justification: because("disk full, INC-482") };
    story.run(now(1), &by("alice"), Command::Amend { change, grant: grant_id(1) })
}

fn leave(story: &mut Story, group: &str, who: &str) {
    story.world.directory.groups.get_mut(&group.parse().unwrap()).unwrap().remove(&person(who));
}

fn with_role(login: &str, allow: &[Capability]) -> World {
    world_of(PolicySource { roles: vec![role("deploy", login, allow, "2h")], ..source() })
}

/// alice is in sre herself.
#[test]
fn a1_the_requesters_owner_never_votes() {
    let other_key = Credential::SshKey("alice.other".parse().unwrap());
    let with_other_key = Actor::Principal { who: Principal::Person(person("alice")), proof: other_key };
    for asking in [by("alice"), by_agent()] {
        let mut story = Story::asked(world(), &asking);
        let seen = story.request().digest;
        for voter in [&by("alice"), &by_agent(), &with_other_key] {
            let approve = Command::Approve { seen, token: None, comment: None, grant: grant_id(1) };
            assert_eq!(story.run(now(1), voter, approve), Err(Refusal::OwnRequest), "{voter}");
        }
        assert_eq!(story.no(1, "alice"), Err(Refusal::OwnRequest));
        assert_eq!(story.request().phase(), Phase::Pending);
    }
}

#[test]
fn a1_administrators_are_no_exception() {
    let rules =
        vec![rule("admins", 3, &["group:admins"], Approval::Stages(vec![stage(1, &["group:sre", "group:admins"])]))];
    let mut story = Story::asked(world_of(PolicySource { rules, ..source() }), &by("root"));
    assert_eq!(story.yes(1, "root"), Err(Refusal::OwnRequest));
    assert_eq!(story.yes(1, "bob"), Ok(Phase::Approved));
}

/// carol is in both groups that are asked.
#[test]
fn a2_one_person_in_two_groups_counts_once() {
    let mut story = Story::asked(two_of_sre(), &by("dave"));
    assert_eq!(story.yes(1, "carol"), Ok(Phase::Pending));
    assert_eq!(story.yes(2, "carol"), Err(Refusal::AlreadyAnswered));
    assert_eq!(story.yes(3, "bob"), Ok(Phase::Approved));
}

#[test]
fn a3_a_change_drops_votes() {
    let mut story = Story::asked(two_of_sre(), &by("alice"));
    let first = story.request().digest;
    story.yes(1, "bob").unwrap();
    amend(&mut story, "2h").unwrap();
    let approve = Command::Approve { seen: first, token: None, comment: None, grant: grant_id(1) };
    assert_eq!(story.run(now(2), &by("carol"), approve), Err(Refusal::Changed));
    assert_eq!(story.yes(2, "carol"), Ok(Phase::Pending), "bob's vote is gone");
    // Back to the words of the beginning: it is not the text of the beginning.
    amend(&mut story, "1h").unwrap();
    assert_ne!(story.request().digest, first);
    assert_eq!(story.yes(3, "carol"), Ok(Phase::Pending));
    assert_eq!(story.yes(4, "bob"), Ok(Phase::Approved));
}

#[test]
fn a3_every_field_is_in_the_digest() {
    let story = Story::asked(world(), &by("alice"));
    let ask = &story.request().ask;
    let text = serde_json::to_value(ask).unwrap();
    let inner = |field: &str, pointer: &str, value: &str| {
        let mut whole = text[field].clone();
        *whole.pointer_mut(pointer).unwrap() = value.into();
        whole
    };
    let changed: [(&str, Value); 11] = [
        ("revision", json!(2)),
        ("who", json!({"person": "dave"})),
        ("proof", json!({"ssh_key": "alice.other"})),
        ("role", inner("role", "/access/ssh/login", "root")),
        ("target", inner("target", "/labels/env", "test")),
        ("span", json!("61m")),
        ("start", json!({"at": "2026-11-21T12:00:00.000000Z"})),
        ("justification", json!({"reason": "disk full", "ticket": null})),
        ("binding", json!("credential")),
        ("bundle", json!("bnd_00000000")),
        ("extends", json!("grt_00000000")),
    ];
    assert_eq!(changed.len(), text.as_object().unwrap().len(), "a field of the request is missing here");
    let mut digests = std::collections::BTreeSet::from([ask.digest(id()).unwrap()]);
    assert!(digests.insert(ask.digest(RequestId::from_bytes([2; 5])).unwrap()), "the request itself is in it");
    for (field, value) in changed {
        let mut other = text.clone();
        other[field] = value;
        let other: Ask = serde_json::from_value(other).unwrap();
        assert!(digests.insert(other.digest(id()).unwrap()), "{field}");
    }
}

#[test]
fn a4_the_rules_of_the_yes_decide() {
    // The group loses its approver: an old vote of theirs does not count.
    let mut story = Story::asked(two_of_sre(), &by("dave"));
    story.yes(1, "bob").unwrap();
    leave(&mut story, "sre", "bob");
    assert_eq!(story.yes(2, "erin"), Ok(Phase::Pending));
    assert_eq!(story.yes(3, "carol"), Ok(Phase::Approved));

    // The rule wants two now.
    let mut story = Story::asked(world(), &by("alice"));
    story.world = two_of_sre();
    assert_eq!(story.yes(1, "bob"), Ok(Phase::Pending));

    // The requester leaves: nobody's yes helps.
    let mut story = Story::asked(world(), &by("alice"));
    leave(&mut story, "engineering", "alice");
    assert!(matches!(story.yes(1, "bob"), Err(Refusal::NotAllowed(_))));
    let reconsider = Command::Reconsider { grant: grant_id(1) };
    assert_eq!(story.run(now(1), &Actor::Gateway, reconsider), Ok(Phase::Denied));
}

#[test]
fn a4_what_is_granted_is_no_more_than_the_role_of_now() {
    let mut story = Story::asked(world(), &by("alice"));
    story.world = with_role("deploy", &[Capability::Shell, Capability::ForwardAgent]);
    story.yes(1, "bob").unwrap();
    let Access::Ssh(access) = &story.terms().role.access;
    assert_eq!(
        access.allow.iter().collect::<Vec<_>>(),
        [Capability::Shell],
        "not more than bob saw, not more than there is"
    );

    let mut story = Story::asked(world(), &by("alice"));
    story.world = with_role("root", &[Capability::Shell]);
    assert!(matches!(story.yes(1, "bob"), Err(Refusal::NothingLeft(_))));
}

#[test]
fn a5_a_token_is_used_once_for_one_request_by_one_person() {
    let mut story = Story::asked(two_of_sre(), &by("alice"));
    let digest = story.request().digest;
    let elsewhere = VoteToken { request: RequestId::from_bytes([9; 5]), ..token("bob", digest) };
    assert_eq!(use_token(&mut story, "bob", &elsewhere), Err(Refusal::Token));
    assert_eq!(use_token(&mut story, "carol", &token("bob", digest)), Err(Refusal::Token));
    assert_eq!(use_token(&mut story, "bob", &token("bob", Digest::of(b"other"))), Err(Refusal::Changed));
    assert_eq!(use_token(&mut story, "bob", &token("bob", digest)), Ok(Phase::Pending));
    amend(&mut story, "2h").unwrap();
    let renewed = token("bob", story.request().digest);
    assert_eq!(use_token(&mut story, "bob", &renewed), Err(Refusal::Token), "its name was used, whatever it says now");
}

#[test]
fn a8_what_has_ended_never_ends_otherwise() {
    type Act = fn(&mut Story) -> Result<Phase, Refusal>;
    let endings: [(&str, Act); 4] = [
        ("denied", |story| story.no(1, "carol")),
        ("withdrawn", |story| story.run(now(1), &by("alice"), Command::Withdraw)),
        ("expired", |story| story.run(now(30), &Actor::Gateway, Command::Expire)),
        ("approved", |story| story.yes(1, "bob")),
    ];
    for (phase, ending) in endings {
        let mut story = Story::asked(world(), &by("alice"));
        ending(&mut story).unwrap();
        for (other, act) in endings {
            assert_eq!(act(&mut story), Err(Refusal::Over { phase }), "{other} after {phase}");
        }
    }
}

#[test]
fn a8_time_is_up_whether_that_was_recorded_or_not() {
    let mut story = Story::asked(world(), &by("alice"));
    let expired = Err(Refusal::Time(TimeRefusal::Expired));
    assert_eq!(story.run(now(29), &Actor::Gateway, Command::Expire), Err(Refusal::Time(TimeRefusal::TooEarly)));
    assert_eq!(story.yes(30, "bob"), expired);
    assert_eq!(story.run(now(30), &Actor::Gateway, Command::Reconsider { grant: grant_id(1) }), expired);
    assert_eq!(story.run(now(30), &Actor::Gateway, Command::Expire), Ok(Phase::Expired));
}

#[test]
fn a9_an_approved_request_has_one_grant() {
    let mut story = Story::asked(world(), &by("alice"));
    story.yes(1, "bob").unwrap();
    let seen = story.request().digest;
    let again = Command::Approve { seen, token: None, comment: None, grant: grant_id(2) };
    assert_eq!(story.run(now(2), &by("carol"), again), Err(Refusal::Over { phase: "approved" }));
    assert_eq!(story.request().state, State::Approved(grant_id(1)));
}

#[test]
fn g3_nothing_is_granted_on_a_clock_that_was_set_back() {
    let mut story = Story::asked(world(), &by("alice"));
    let seen = story.request().digest;
    let back = now(5).next(std::time::Duration::ZERO, at(1));
    let approve = Command::Approve { seen, token: None, comment: None, grant: grant_id(1) };
    assert_eq!(story.run(back, &by("bob"), approve), Err(Refusal::ClockBehind));
}

#[test]
fn g11_who_is_gone_does_not_vote() {
    let mut story = Story::asked(world(), &by("alice"));
    story.world.directory.revoked.insert("bob.key".parse().unwrap());
    assert_eq!(story.yes(1, "bob"), Err(Refusal::Gone));
    assert_eq!(story.no(1, "bob"), Err(Refusal::Gone));
}
