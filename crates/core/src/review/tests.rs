//! A review is somebody else's.

use super::*;
use crate::grant::tests::{active, id as grant_id, terms};
use crate::policy::fixture::{by, by_agent, person, world};

fn id() -> ReviewId {
    ReviewId::from_bytes([1; 5])
}

fn finding() -> Reason {
    Reason::new("as described").unwrap()
}

pub(crate) fn events() -> Vec<ReviewEvent> {
    let who = Principal::Person(person("alice"));
    let subject = Subject { grant: grant_id(1), who, role: "deploy".parse().unwrap() };
    vec![ReviewEvent::Opened(subject), ReviewEvent::Closed { finding: finding() }]
}

#[test]
fn a1_nobody_reviews_themselves() {
    let world = world();
    let opened = decide(&Actor::Gateway, &world, None, Command::Open(&active(terms()))).unwrap();
    assert_eq!(opened, [events()[0].clone()]);
    assert_eq!(effects(id(), &opened[0]), [Effect::Announce(Occasion::ReviewWanted(id()))]);
    let review = evolve(id(), None, &opened[0]).unwrap();
    let close = |by: &Actor| decide(by, &world, Some(&review), Command::Close { finding: finding() });
    assert_eq!(close(&by("alice")), Err(Refusal::OwnRequest), "although she is in sre");
    assert_eq!(close(&by_agent()), Err(Refusal::OwnRequest));
    assert_eq!(close(&Actor::Gateway), Err(Refusal::OnlyPeople));
    assert_eq!(close(&by("dave")), Err(Refusal::NotFound));
    assert_eq!(close(&by("bob")), Ok(vec![events()[1].clone()]));

    let mut without = world.clone();
    without.directory.revoked.insert("bob.key".parse().unwrap());
    let gone = decide(&by("bob"), &without, Some(&review), Command::Close { finding: finding() });
    assert_eq!(gone, Err(Refusal::Gone));

    let closed = evolve(id(), Some(review), &events()[1]).unwrap();
    let again = decide(&by("carol"), &world, Some(&closed), Command::Close { finding: finding() });
    assert_eq!(again, Err(Refusal::Over { phase: "closed" }));
}
