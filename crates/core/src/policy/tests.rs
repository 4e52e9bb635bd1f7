//! Which rule decides, who may say yes, and what is said about it.

use super::fixture::*;
use super::*;
use crate::capability::Capability;
use crate::justification::Justify;
use crate::principal::{Credential, Principal};
use crate::rule::Approval;
use crate::target::Selector;
use crate::time::Span;

fn ask<'w>(world: &'w World, who: &str, span: &str) -> Evaluation<'w> {
    ask_on(world, who, span, "web1.prod")
}

fn ask_on<'w>(world: &'w World, who: &str, length: &str, target: &str) -> Evaluation<'w> {
    let (who, proof) =
        if who == "agent" { (agent(), key("agent")) } else { (Principal::Person(person(who)), key(who)) };
    let (role, target) = ("deploy".parse().unwrap(), target.parse().unwrap());
    let (span, justification) = (span(length), &because("disk full"));
    evaluate(world, &Question { who: &who, proof: &proof, role: &role, target: &target, span, justification })
}

fn rule_of(evaluation: &Evaluation<'_>) -> Option<String> {
    evaluation.outcome.as_ref().ok().map(|path| path.rule.name.to_string())
}

#[test]
fn the_default_is_no() {
    let world = world();
    for (who, span, target, objection) in [
        ("bob", "1h", "web1.prod", Objection::NoRule),
        ("alice", "3h", "web1.prod", Objection::NoRule),
        ("alice", "1h", "web1.test", Objection::NotThere("deploy".parse().unwrap())),
        ("alice", "1h", "web3.prod", Objection::Target("web3.prod".parse().unwrap())),
    ] {
        assert_eq!(ask_on(&world, who, span, target).outcome.unwrap_err(), objection, "{who} {span} {target}");
    }
    let empty = world_of(PolicySource { rules: Vec::new(), ..source() });
    assert_eq!(ask(&empty, "alice", "1h").outcome.unwrap_err(), Objection::NoRule);
}

#[test]
fn the_easiest_rule_that_fits_decides() {
    let world = world();
    assert_eq!(rule_of(&ask(&world, "dave", "30m")).as_deref(), Some("on-call"));
    assert_eq!(rule_of(&ask(&world, "dave", "31m")).as_deref(), Some("engineers-deploy"));
    assert_eq!(rule_of(&ask(&world, "alice", "30m")).as_deref(), Some("engineers-deploy"));

    // Of two that ask as much of people, the one that wants fewer words.
    let mut written = source();
    written.rules.insert(0, Rule { justify: Justify { reason: true, ticket: None }, ..written.rules[0].clone() });
    written.rules[0].name = "wordy".parse().unwrap();
    let world = world_of(written);
    assert_eq!(rule_of(&ask(&world, "alice", "1h")).as_deref(), Some("engineers-deploy"));
}

#[test]
fn the_explanation_is_that_of_the_documentation() {
    let world = world();
    let explanation = ask(&world, "dave", "1h").explain().to_string();
    assert_eq!(
        explanation,
        "needs 1 of sre   rule engineers-deploy (rules.toml:14): group engineering or workload agent, every target\n\
         would be automatic for 30m or less   rule on-call (rules.toml:31): group on-call, every target"
    );
    let refused = ask(&world, "alice", "3h").explain().to_string();
    assert!(refused.starts_with("no: no rule allows it\nwould need 1 of sre for 2h or less   rule"), "{refused}");
    // alice is not on call: the rule is not hers to know.
    assert!(!refused.contains("on-call"), "{refused}");
}

#[test]
fn a1_the_owner_is_never_an_approver() {
    let world = world();
    let sre = stage(1, &["group:sre"]);
    for asking in ["alice", "agent"] {
        let evaluation = ask(&world, asking, "1h");
        assert!(!evaluation.may_approve(&sre, &person("alice")), "{asking}: alice is in sre, and asks");
        assert!(evaluation.may_approve(&sre, &person("bob")));
        assert!(!evaluation.may_approve(&sre, &person("dave")));
    }
}

#[test]
fn a_rule_that_nobody_can_satisfy_does_not_fit() {
    let mut written = source();
    written.rules.truncate(1);
    written.rules[0].approval =
        Approval::Stages(vec![stage(2, &["group:sre"]), stage(2, &["person:alice", "person:bob"])]);
    let world = world_of(written);
    let evaluation = ask(&world, "alice", "1h");
    assert!(evaluation.outcome.is_err());
    let obstacle = &evaluation.considered[0].obstacles[0];
    assert_eq!(obstacle.to_string(), "it needs 2 of alice or bob, and only 1 of them could answer");
    assert!(ask(&world, "dave", "1h").outcome.is_ok());
}

#[test]
fn a_ticket_can_be_required() {
    let mut written = source();
    written.rules[0].justify = Justify { reason: true, ticket: Some("INC-[0-9]+".parse().unwrap()) };
    let world = world_of(written);
    let explanation = ask(&world, "alice", "1h").explain().to_string();
    assert!(explanation.contains("if you say why (a ticket is needed that looks like INC-[0-9]+)"), "{explanation}");
}

#[test]
fn g11_who_is_gone_gets_nothing() {
    let mut world = world();
    world.directory.revoked.insert(credential_name("alice", "key"));
    assert_eq!(ask(&world, "alice", "1h").outcome.unwrap_err(), Objection::Gone);
    world.directory.people.remove(&person("dave"));
    assert_eq!(ask(&world, "dave", "1h").outcome.unwrap_err(), Objection::Gone);
    let (bob, role, target) =
        (Principal::Person(person("bob")), "deploy".parse().unwrap(), "web1.prod".parse().unwrap());
    let stranger = Credential::SshKey("unknown".parse().unwrap());
    assert_eq!(standing(&world, &bob, &stranger, &role, &target).unwrap_err(), Objection::Gone);
}

#[test]
fn standing_asks_for_no_approval_and_knows_the_longest_limit() {
    let world = world();
    let (role, target) = ("deploy".parse().unwrap(), "web1.prod".parse().unwrap());
    let limit = |who: &str| -> Result<Span, Objection> {
        standing(&world, &Principal::Person(person(who)), &key(who), &role, &target).map(|standing| standing.limit)
    };
    assert_eq!(limit("dave"), Ok(span("2h")));
    assert_eq!(limit("bob"), Err(Objection::NoRule));
}

#[test]
fn rules_can_be_narrower_than_roles() {
    let mut written = source();
    written.rules[0].targets = Selector::Names(["web2.prod".parse().unwrap()].into());
    let world = world_of(written);
    assert!(ask_on(&world, "alice", "1h", "web1.prod").outcome.is_err());
    assert!(ask_on(&world, "alice", "1h", "web2.prod").outcome.is_ok());
}

#[test]
fn a_policy_reports_everything_that_is_wrong() {
    let mut written = source();
    written.roles.push(role("deploy", "root", &[Capability::Shell], "1h"));
    written.rules[1].roles = ["deploy", "reboot"].map(|name| name.parse().unwrap()).into();
    written.rules[1].approval = Approval::Stages(Vec::new());
    written.rules.push(written.rules[0].clone());
    let errors: Vec<String> = Policy::new(written).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "role deploy is defined twice",
            "rule on-call has a list of approvals without an entry; write `approval = \"auto\"` if no yes is needed",
            "rule on-call names the role reboot, which is not defined",
            "rule engineers-deploy is defined twice",
        ]
    );
}

#[test]
fn a_policy_is_named_by_its_digest_and_comes_back() {
    let policy = Policy::new(source()).unwrap();
    let text = serde_json::to_string(policy.source()).unwrap();
    let again = Policy::new(serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(policy.digest(), again.digest());
    let mut changed = source();
    changed.rules[0].open_for = span("31m");
    assert_ne!(Policy::new(changed).unwrap().digest(), policy.digest());
}

#[test]
fn offices_are_for_those_listed() {
    let world = world();
    let principal = |id: &str| Principal::Person(person(id));
    assert!(world.is_administrator(&principal("root")) && !world.is_administrator(&principal("erin")));
    assert!(world.is_auditor(&principal("erin")) && !world.is_auditor(&principal("root")));
}

#[test]
fn people_are_shown_what_they_may_ask_for() {
    let world = world();
    let open_to = |who: &str, target: &str| -> Vec<String> {
        let target = target.parse().unwrap();
        world.open_to(&Principal::Person(person(who)), &target).map(|role| role.name.to_string()).collect()
    };
    assert_eq!(open_to("alice", "web1.prod"), ["deploy"]);
    for (who, target) in [("bob", "web1.prod"), ("alice", "web1.test"), ("alice", "web9.prod"), ("nobody", "web1.prod")]
    {
        assert!(open_to(who, target).is_empty(), "{who} {target}");
    }
}
