//! A permit is made only from what is in force, and never holds longer.

use super::*;
use crate::grant::tests::{active, id as grant_id, terms};
use crate::grant::{GrantEvent, Terms};
use crate::lease::LeaseEvent;
use crate::policy::PolicySource;
use crate::policy::fixture::{at, by, credential_name, now, person, role, rule, source, world, world_of};
use crate::request::tests::Story;
use crate::rule::Approval;
use crate::session::tests::established;
use crate::session::{CloseReason, SessionEvent};

fn lease(events: &[LeaseEvent]) -> Lease {
    let id = LeaseId::from_bytes([1; 5]);
    let made = lease::tests::events().into_iter().take(1).chain(events.iter().cloned());
    made.fold(None, |lease, event| Some(lease::evolve(id, lease, &event).unwrap())).unwrap()
}

fn started(digest: Digest) -> Run {
    let [queued, started] = [0, 1].map(|place| run::tests::events()[place].clone());
    let id = RunId::from_bytes([1; 5]);
    let run = run::evolve(id, Some(run::evolve(id, None, &queued).unwrap()), &started).unwrap();
    Run { plan: run::Plan { digest, ..run.plan.clone() }, ..run }
}

#[test]
fn g2_a_session_permit_ends_with_the_grant() {
    let permit = Permit::session(now(1), &world(), &active(terms()), &established()).unwrap();
    assert_eq!(permit.deadline(), Some(at(60)));
    assert_eq!(permit.check(now(59)), Ok(()));
    assert_eq!(permit.check(now(60)), Err(Refusal::Time(TimeRefusal::GrantOver)));
    assert_eq!(permit.allow(now(60), Capability::Shell), Err(Refusal::Time(TimeRefusal::GrantOver)));

    let sooner = Grant { deadline: at(20), ..active(terms()) };
    let permit = Permit::session(now(1), &world(), &sooner, &established()).unwrap();
    assert_eq!(permit.deadline(), Some(at(20)), "tightened after the session was opened");
}

#[test]
fn r3_what_a_role_does_not_list_is_refused_with_the_role_that_would_do() {
    let roles = vec![source().roles[0].clone(), role("tunnel", "deploy", &[Capability::ForwardLocal], "1h")];
    let tunnel = crate::rule::Rule {
        roles: ["tunnel".parse().unwrap()].into(),
        ..rule("tunnels", 9, &["group:engineering"], Approval::Auto)
    };
    let rules = source().rules.into_iter().chain([tunnel]).collect();
    let world = world_of(PolicySource { roles, rules, ..source() });
    let permit = Permit::session(now(1), &world, &active(terms()), &established()).unwrap();
    for capability in Capability::ALL {
        let expected = match capability {
            Capability::ForwardAgent | Capability::ForwardRemote | Capability::ForwardSocket => Some(vec![]),
            Capability::ForwardLocal => Some(vec!["tunnel".parse().unwrap()]),
            _ => None,
        };
        let expected = expected.map_or(Ok(()), |roles| Err(Refusal::Capability { wanted: capability, roles }));
        assert_eq!(permit.allow(now(1), capability), expected);
    }
    assert_eq!(permit.ssh().login.as_str(), "deploy");
    assert_eq!((permit.grant(), permit.who()), (grant_id(1), &Principal::Person(person("alice"))));
}

#[test]
fn g11_no_session_permit_for_what_is_over() {
    let grant = active(terms());
    let cut =
        session::evolve(established().id, Some(established()), &SessionEvent::Terminated(CloseReason::TimeUp)).unwrap();
    assert_eq!(Permit::session(now(1), &world(), &grant, &cut).err(), Some(Refusal::Over { phase: "terminating" }));
    let revoked = GrantEvent::Revoked { cause: crate::grant::RevocationCause::Person, reason: None };
    let revoked = crate::grant::evolve(grant.id, Some(grant.clone()), &revoked).unwrap();
    assert!(Permit::session(now(1), &world(), &revoked, &established()).is_err());
    let mut gone = world();
    gone.directory.revoked.insert(credential_name("alice", "key"));
    assert_eq!(Permit::session(now(1), &gone, &grant, &established()).err(), Some(Refusal::Gone));
    let other = Grant { id: grant_id(2), ..grant };
    assert_eq!(
        Permit::session(now(1), &world(), &other, &established()).err(),
        Some(Refusal::GrantedElsewhere(Mismatch::Grant))
    );
    let dave = active(Terms { who: Principal::Person(person("dave")), ..terms() });
    assert_eq!(
        Permit::session(now(1), &world(), &dave, &established()).err(),
        Some(Refusal::GrantedElsewhere(Mismatch::Principal))
    );
}

#[test]
fn a12_a_run_permit_is_for_what_was_approved() {
    let (grant, run) = (active(terms()), started(Digest::of(b"plan")));
    let permit = Permit::run(now(1), &grant, &run, Digest::of(b"plan")).unwrap();
    assert_eq!((permit.digest(), permit.deadline()), (Digest::of(b"plan"), Some(at(60))));
    assert_eq!(Permit::run(now(1), &grant, &run, Digest::of(b"other")).err(), Some(Refusal::Changed));
    assert!(Permit::run(now(60), &grant, &run, Digest::of(b"plan")).is_err());
    let queued = Run { state: run::State::Queued, ..run };
    assert_eq!(
        Permit::run(now(1), &grant, &queued, Digest::of(b"plan")).err(),
        Some(Refusal::Over { phase: "queued" })
    );
}

#[test]
fn g4_nothing_is_provisioned_without_an_intent_or_after_the_end() {
    let grant = active(terms());
    assert!(Permit::provision(now(1), &grant, &lease(&[])).is_ok());
    assert!(Permit::provision(now(60), &grant, &lease(&[])).is_err());
    assert!(Permit::provision(now(1), &grant, &lease(&[LeaseEvent::Made])).is_err());
    assert!(Permit::provision(now(1), &grant, &lease(&[LeaseEvent::RevocationBegan])).is_err());
}

#[test]
fn g5_revoking_has_no_deadline() {
    let permit = Permit::revoke(&lease(&[LeaseEvent::RevocationBegan])).unwrap();
    assert_eq!((permit.deadline(), permit.check(now(1_000_000))), (None, Ok(())));
    assert!(Permit::revoke(&lease(&[LeaseEvent::Made])).is_err());
}

#[test]
fn previews_are_for_open_requests_and_scans_for_administrators() {
    let mut story = Story::asked(world(), &by("alice"));
    assert_eq!(Permit::preview(now(1), story.request()).unwrap().digest(), story.request().digest);
    assert!(Permit::preview(now(30), story.request()).is_err());
    story.yes(1, "bob").unwrap();
    assert!(Permit::preview(now(1), story.request()).is_err());

    let web1 = "web1.prod".parse().unwrap();
    assert!(Permit::scan(now(1), &by("root"), &world(), &web1).is_ok());
    assert_eq!(Permit::scan(now(1), &by("alice"), &world(), &web1).err(), Some(Refusal::NotFound));
    assert_eq!(Permit::scan(now(1), &by("root"), &world(), &"web9".parse().unwrap()).err(), Some(Refusal::NotFound));
}
