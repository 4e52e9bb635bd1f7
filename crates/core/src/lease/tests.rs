//! A lease ends only when it is known that nothing is left.

use super::*;
use crate::grant::tests::{active, id as grant_id, terms};
use crate::policy::fixture::{at, by, now};

fn id() -> LeaseId {
    LeaseId::from_bytes([1; 5])
}

fn trouble() -> String {
    "connection refused".to_owned()
}

pub(crate) fn events() -> Vec<LeaseEvent> {
    let intent = Intent { grant: grant_id(1), target: "web1.prod".parse().unwrap(), deadline: at(60) };
    vec![
        LeaseEvent::Intended(intent),
        LeaseEvent::Made,
        LeaseEvent::Moved { grant: grant_id(2), deadline: at(110) },
        LeaseEvent::RevocationBegan,
        LeaseEvent::AttemptFailed { trouble: trouble() },
        LeaseEvent::ObservedGone,
        LeaseEvent::Failed { trouble: trouble() },
    ]
}

fn lease(state: State) -> Lease {
    Lease { state, ..evolve(id(), None, &events()[0]).unwrap() }
}

fn gateway(minutes: u64, lease: Option<&Lease>, command: Command<'_>) -> Result<Vec<LeaseEvent>, Refusal> {
    decide(now(minutes), &Actor::Gateway, lease, command)
}

#[test]
fn g4_the_intent_comes_before_anything_is_made() {
    let grant = active(terms());
    let events = gateway(1, None, Command::Intend { grant: &grant }).unwrap();
    assert!(matches!(&events[..], [LeaseEvent::Intended(intent)] if intent.deadline == at(60)));
    assert_eq!(effects(id(), &events[0]), [Effect::MakeLease(id())]);
    // Nothing else leads to the effect that makes something.
    for event in self::events().iter().skip(1) {
        assert!(!effects(id(), event).contains(&Effect::MakeLease(id())), "{event:?}");
    }
    assert!(gateway(60, None, Command::Intend { grant: &grant }).is_err());
    assert_eq!(decide(now(1), &by("alice"), None, Command::Intend { grant: &grant }), Err(Refusal::OnlyTheGateway));
}

#[test]
fn g5_revoking_goes_on_until_nothing_is_observed() {
    let mut lease = lease(State::Issuing);
    for command in
        [Command::Revoke, Command::ReportFailure { trouble: trouble() }, Command::ReportFailure { trouble: trouble() }]
    {
        for event in gateway(1, Some(&lease), command).unwrap() {
            assert!(effects(id(), &event).contains(&Effect::RevokeLease(id())), "{event:?} goes on");
            lease = evolve(id(), Some(lease), &event).unwrap();
        }
    }
    assert_eq!(lease.state, State::Revoking { failures: 2 });
    assert!(
        gateway(1, Some(&lease), Command::Fail { trouble: trouble() }).is_err(),
        "what may be there has not failed"
    );
    assert_eq!(gateway(1, Some(&lease), Command::ObserveGone), Ok(vec![LeaseEvent::ObservedGone]));
}

#[test]
fn g4_what_was_made_too_late_is_revoked() {
    assert_eq!(gateway(59, Some(&lease(State::Issuing)), Command::Make), Ok(vec![LeaseEvent::Made]));
    assert_eq!(gateway(60, Some(&lease(State::Issuing)), Command::Make), Ok(vec![LeaseEvent::RevocationBegan]));
}

#[test]
fn revoking_twice_is_revoking_once() {
    for state in [State::Revoking { failures: 3 }, State::Revoked, State::Failed] {
        assert_eq!(gateway(1, Some(&lease(state)), Command::Revoke), Ok(Vec::new()));
    }
    assert_eq!(gateway(1, Some(&lease(State::Live)), Command::Revoke), Ok(vec![LeaseEvent::RevocationBegan]));
}
