//! A run happens once, as it was approved, or it is said that nobody knows.

use super::*;
use crate::grant::tests::{active, id as grant_id, terms};
use crate::policy::fixture::{at, by, now, person, world};

fn id() -> RunId {
    RunId::from_bytes([1; 5])
}

fn plan() -> Plan {
    let who = Principal::Person(person("alice"));
    Plan {
        grant: grant_id(1),
        who,
        target: "web1.prod".parse().unwrap(),
        digest: Digest::of(b"plan"),
        deadline: at(60),
    }
}

fn output() -> Output {
    Output { status: Some(0), digest: Digest::of(b"restarted") }
}

pub(crate) fn events() -> Vec<RunEvent> {
    vec![
        RunEvent::Queued(plan()),
        RunEvent::Started,
        RunEvent::Cancelled,
        RunEvent::Finished(output()),
        RunEvent::Failed(output()),
        RunEvent::Lost,
    ]
}

fn run(state: State) -> Run {
    Run { id: id(), plan: plan(), state }
}

fn gateway(minutes: u64, state: State, command: Command<'_>) -> Result<Vec<RunEvent>, Refusal> {
    decide(now(minutes), &Actor::Gateway, &world(), Some(&run(state)), command)
}

#[test]
fn a12_no_other_plan_starts() {
    let start = |bytes: &[u8]| gateway(1, State::Queued, Command::Start { digest: Digest::of(bytes) });
    assert_eq!(start(b"plan"), Ok(vec![RunEvent::Started]));
    assert_eq!(start(b"plan "), Err(Refusal::Changed));
    let late = gateway(60, State::Queued, Command::Start { digest: Digest::of(b"plan") });
    assert_eq!(late, Err(Refusal::Time(TimeRefusal::GrantOver)));
}

#[test]
fn a9_nothing_starts_twice() {
    for state in [State::Running, State::Unknown, State::Cancelled, State::Succeeded(output()), State::Failed(output())]
    {
        assert!(gateway(1, state, Command::Start { digest: Digest::of(b"plan") }).is_err(), "{state:?}");
    }
    assert_eq!(gateway(1, State::Running, Command::Lose), Ok(vec![RunEvent::Lost]));
    // The outbox repeats what it delivers; the start itself must not be among that.
    assert_eq!(effects(id(), &RunEvent::Started), []);
}

#[test]
fn only_its_own_people_stop_it() {
    let cancel = |who: &str| decide(now(1), &by(who), &world(), Some(&run(State::Running)), Command::Cancel);
    assert_eq!(cancel("alice"), Ok(vec![RunEvent::Cancelled]));
    assert_eq!(cancel("dave"), Err(Refusal::NotFound));
    let lose = decide(now(1), &by("alice"), &world(), Some(&run(State::Running)), Command::Lose);
    assert_eq!(lose, Err(Refusal::OnlyTheGateway));
    let mut without = world();
    without.directory.revoked.insert("alice.key".parse().unwrap());
    let gone = decide(now(1), &by("alice"), &without, Some(&run(State::Running)), Command::Cancel);
    assert_eq!(gone, Err(Refusal::Gone));
    let queue = Command::Queue { grant: &active(terms()), digest: Digest::of(b"plan") };
    assert_eq!(decide(now(1), &by("alice"), &world(), None, queue), Ok(vec![RunEvent::Queued(plan())]));
}
