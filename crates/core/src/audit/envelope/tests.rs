//! The bytes of every event, for ever.

use super::*;
use crate::digest::Digest;
use crate::event::GatewayEvent;
use crate::id::{GrantId, LeaseId, RequestId, ReviewId, RunId, SessionId, StreamId};
use crate::policy::fixture::{at, by, by_agent};
use crate::{grant, lease, request, review, run, session};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/leaves.jsonl");

fn envelopes() -> Vec<Envelope> {
    let bytes = [1; 5];
    let mut events: Vec<(StreamId, Event)> = Vec::new();
    let gateway = [
        GatewayEvent::ClockSetBack { wall: at(0) },
        GatewayEvent::PolicyLoaded { policy: Digest::of(b"new"), before: Some(Digest::of(b"old")) },
        GatewayEvent::RecordingRead { session: SessionId::from_bytes(bytes) },
        GatewayEvent::Refused { about: StreamId::Gateway, code: "not_found".to_owned(), words: "no".to_owned() },
        GatewayEvent::Started { version: "0.1.0".to_owned() },
        GatewayEvent::Stopped,
    ];
    events.extend(gateway.map(|event| (StreamId::Gateway, Event::Gateway(event))));
    let mut add = |stream, of: Vec<Event>| events.extend(of.into_iter().map(|event| (stream, event)));
    let request = StreamId::Request(RequestId::from_bytes(bytes));
    add(request, request::tests::events().into_iter().map(Event::Request).collect());
    add(StreamId::Grant(GrantId::from_bytes(bytes)), grant::tests::events().into_iter().map(Event::Grant).collect());
    add(StreamId::Lease(LeaseId::from_bytes(bytes)), lease::tests::events().into_iter().map(Event::Lease).collect());
    let session = StreamId::Session(SessionId::from_bytes(bytes));
    add(session, session::tests::events().into_iter().map(Event::Session).collect());
    add(StreamId::Run(RunId::from_bytes(bytes)), run::tests::events().into_iter().map(Event::Run).collect());
    add(
        StreamId::Review(ReviewId::from_bytes(bytes)),
        review::tests::events().into_iter().map(Event::Review).collect(),
    );

    let actors = [by("alice"), by_agent(), Actor::Gateway];
    let numbered = (1..).zip(events).zip(actors.iter().cycle());
    let envelope = |((seq, (stream, event)), by): ((u64, (StreamId, Event)), &Actor)| Envelope {
        id: EventId { stream, seq },
        at: at(seq),
        by: by.clone(),
        event,
    };
    numbered.map(envelope).collect()
}

/// A difference here means that logs written so far read differently. A new field is optional, and not written where it is absent.
#[test]
fn r5_the_bytes_of_every_event_stay() {
    let mut text = String::new();
    for envelope in envelopes() {
        let leaf = envelope.to_leaf().unwrap();
        assert_eq!(Envelope::from_leaf(&leaf).unwrap(), envelope);
        text.push_str(std::str::from_utf8(&leaf).unwrap());
        text.push('\n');
    }
    if std::env::var_os("SALLYPORT_BLESS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(GOLDEN).parent().unwrap()).unwrap();
        std::fs::write(GOLDEN, &text).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    for (number, (line, golden)) in (1..).zip(text.lines().zip(golden.lines())) {
        assert_eq!(line, golden, "line {number} of tests/golden/leaves.jsonl");
    }
    assert_eq!(text.lines().count(), golden.lines().count());
}

#[test]
fn r5_there_is_one_spelling_of_a_fact() {
    let leaf = String::from_utf8(envelopes()[0].to_leaf().unwrap()).unwrap();
    let respelled = [
        leaf.replacen(':', ": ", 1),
        format!("{leaf}\n"),
        leaf.replacen("gateway", "g\\u0061teway", 1),
        leaf.replacen('{', "{\"note\":1,", 1),
        leaf.replacen("gateway.1", "gateway.01", 1),
    ];
    for other in respelled {
        assert!(Envelope::from_leaf(other.as_bytes()).is_err(), "{other}");
    }
}

#[test]
fn an_event_stands_only_in_a_stream_of_its_kind() {
    let stream = StreamId::Grant(GrantId::from_bytes([1; 5]));
    let misplaced = Envelope { id: EventId { stream, seq: 1 }, ..envelopes()[0].clone() };
    assert!(matches!(misplaced.to_leaf(), Err(EnvelopeError::Stream(_))));
}
