//! What is recorded together, and that nothing is recorded by half.

use super::*;
use crate::grant::tests::{active, id as grant_id, terms};
use crate::policy::fixture::{at, by, now, world};
use crate::request::tests::{Story, id, wish};
use crate::request::{Command, Phase};

#[test]
fn a9_a_request_is_approved_together_with_its_grant() {
    let mut story = Story::asked(world(), &by("alice"));
    story.yes(5, "bob").unwrap();
    let events = story.log.split_off(1);
    let appends = settle(now(5), &world(), StreamId::Request(id()), events, None).unwrap();
    let names = |append: &Append| (append.stream, append.events.iter().map(Event::name).collect::<Vec<_>>());
    assert_eq!(names(&appends[0]), (StreamId::Request(id()), vec![("request", "voted"), ("request", "approved")]));
    assert_eq!(names(&appends[1]), (StreamId::Grant(grant_id(1)), vec![("grant", "issued"), ("grant", "activated")]));
    assert_eq!(appends.len(), 2);
}

#[test]
fn an_extension_is_recorded_with_the_end_of_what_it_extends() {
    let old = active(terms());
    let extend = || {
        let mut story = Story::new(world());
        let ask = Command::Ask { id: id(), wish: wish(), extends: Some(&old), grant: grant_id(2) };
        story.run(now(50), &by("alice"), ask).unwrap();
        assert_eq!(story.yes(55, "bob"), Ok(Phase::Approved));
        story.log.into_iter().map(rename).collect::<Vec<_>>()
    };
    let settle = |minutes, old: Option<&Grant>| settle(now(minutes), &world(), StreamId::Request(id()), extend(), old);
    let appends = settle(55, Some(&old)).unwrap();
    assert_eq!(appends[2].stream, StreamId::Grant(grant_id(1)));
    assert_eq!(appends[2].events, [Event::Grant(GrantEvent::Succeeded { by: grant_id(2) })]);

    // Without the old grant, or after it was ended by somebody else, nothing of it is recorded.
    assert_eq!(settle(55, None), Err(Refusal::NoExtension));
    let ended = grant::evolve(old.id, Some(old.clone()), &GrantEvent::Ended(grant::End::Done)).unwrap();
    assert_eq!(settle(55, Some(&ended)), Err(Refusal::Over { phase: "ended" }));
    assert_eq!(old.deadline, at(60));
}

/// `Story` gives every grant the first name.
fn rename(event: RequestEvent) -> RequestEvent {
    match event {
        RequestEvent::Approved { terms, .. } => RequestEvent::Approved { grant: grant_id(2), terms },
        other => other,
    }
}

#[test]
fn effects_are_those_of_the_stream() {
    let ended = Event::Grant(GrantEvent::Ended(grant::End::TimeUp));
    let stream = StreamId::Grant(grant_id(1));
    assert!(effects(stream, &ended).contains(&Effect::EndUseOf(grant_id(1))));
    assert_eq!(effects(StreamId::Gateway, &ended), []);
}
