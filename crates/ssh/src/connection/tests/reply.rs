//! Requests and their answers: each is answered once, and in order.

use super::*;
use crate::message::connection as msg;
use crate::wire::{Writer, encode};

fn payload(number: u8, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    encode(|w| {
        w.u8(number);
        fill(w);
    })
    .unwrap()
}

impl Peer {
    /// The tokens of requests that the other has sent, in order.
    fn tokens(&mut self, other: &mut Self) -> Vec<ReplyToken> {
        let token = |event| match event {
            ConnectionEvent::Request { reply, .. } => reply,
            other => panic!("{other:?}"),
        };
        self.hear(other).unwrap().into_iter().filter_map(token).collect()
    }

    fn global_tokens(&mut self, other: &mut Self) -> Vec<GlobalReplyToken> {
        let token = |event| match event {
            ConnectionEvent::Global { reply, .. } => reply,
            other => panic!("{other:?}"),
        };
        self.hear(other).unwrap().into_iter().filter_map(token).collect()
    }
}

const OUTCOMES: [Outcome; 4] = [Outcome::Success, Outcome::Failure, Outcome::Failure, Outcome::Success];

/// RFC 4254, section 5.4. Fails when `Owed::ready` does not wait for the first.
#[test]
fn answers_leave_in_the_order_of_the_requests() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
        let (mut client, channel, mut server, _) = session();
        for _ in OUTCOMES {
            client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
        }
        let mut tokens: Vec<Option<ReplyToken>> = server.tokens(&mut client).into_iter().map(Some).collect();
        let mut heard = Vec::new();
        for at in order {
            server.open().reply(tokens[at].take().unwrap(), OUTCOMES[at]).unwrap();
            heard.extend(client.hear(&mut server).unwrap());
        }
        let expected = OUTCOMES.map(|outcome| ConnectionEvent::Reply { channel, outcome });
        assert_eq!(heard, expected, "answered in the order {order:?}");
    }
}

/// The same for requests about the connection, with bodies.
#[test]
fn global_answers_leave_in_the_order_of_the_requests() {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    let request = |number: u8| GlobalRequest::Unknown { name: "x@y".to_owned(), data: vec![number] };
    let ids: Vec<_> = (0..3).map(|at| client.open().global(&request(at), WantReply::Yes).unwrap()).collect();
    let mut tokens: Vec<_> = server.global_tokens(&mut client).into_iter().map(Some).collect();
    for at in [2, 0, 1] {
        let body = vec![u8::try_from(at).unwrap(); at];
        let outcome = if at == 1 { Outcome::Failure } else { Outcome::Success };
        server.open().reply_global(tokens[at].take().unwrap(), outcome, &body).unwrap();
    }
    let reply = |at: usize, outcome, data| ConnectionEvent::GlobalReply { id: ids[at], outcome, data };
    let expected = [
        reply(0, Outcome::Success, vec![]),
        reply(1, Outcome::Failure, vec![]),
        reply(2, Outcome::Success, vec![2, 2]),
    ];
    assert_eq!(client.hear(&mut server).unwrap(), expected);
}

/// Requests without a wish for an answer take no place among those that wait for one.
#[test]
fn requests_without_a_wish_for_an_answer_have_none() {
    let (mut client, channel, mut server, number) = session();
    client.open().request(channel, &Request::Shell, WantReply::No).unwrap();
    client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
    let events = server.hear(&mut client).unwrap();
    let [ConnectionEvent::Request { reply: None, .. }, ConnectionEvent::Request { reply: Some(_), .. }] = &events[..]
    else {
        panic!("{events:?}");
    };
    let Some(ConnectionEvent::Request { reply: Some(token), .. }) = events.into_iter().nth(1) else { panic!() };
    server.open().reply(token, Outcome::Success).unwrap();
    let reply = ConnectionEvent::Reply { channel, outcome: Outcome::Success };
    assert_eq!(client.hear(&mut server).unwrap(), [reply]);
    // An answer more than was asked for.
    let surplus = payload(msg::CHANNEL_SUCCESS, |w| {
        w.u32(number.0);
    });
    assert_eq!(server.connection.handle(&surplus, &mut server.out), Err(Error::Misbehaved("an answer to nothing")));
}

/// Fails when an answer is sent on a channel that is closed, or when its token is an error there.
#[test]
fn answers_to_a_closed_channel_go_nowhere() {
    let (mut client, channel, mut server, number) = session();
    client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
    let token = server.tokens(&mut client).pop().unwrap();
    server.open().close(number).unwrap();
    client.hear(&mut server).unwrap();
    server.open().reply(token, Outcome::Success).unwrap();
    assert!(server.out.unsent().is_empty());
}

/// What waits for our answer is bounded: per channel, and for the connection. Fails when `requests_max` is not looked at.
#[test]
fn requests_that_wait_for_an_answer_are_bounded() {
    let max = ConnectionLimits::default().requests_max;
    let (mut client, channel, mut server, _) = session();
    for _ in 0..max {
        client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
    }
    let mut tokens = server.tokens(&mut client);
    assert_eq!(tokens.len(), max);
    // Without a wish for an answer there is no bound: nothing is kept.
    client.open().request(channel, &Request::Shell, WantReply::No).unwrap();
    assert_eq!(server.hear(&mut client).map(|events| events.len()), Ok(1));
    server.open().reply(tokens.remove(0), Outcome::Success).unwrap();
    client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
    assert_eq!(server.tokens(&mut client).len(), 1, "one was answered, so there is room for one");
    client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
    assert_eq!(server.hear(&mut client), Err(Error::Limit("too many requests wait for an answer")));
}

#[test]
fn global_requests_that_wait_for_an_answer_are_bounded() {
    let max = ConnectionLimits::default().requests_max;
    let request = GlobalRequest::Unknown { name: "x@y".to_owned(), data: vec![] };
    let mut server = Peer::new(Role::Server);
    let mut greedy = Peer::new(Role::Client);
    greedy.connection.limits.requests_max = max + 1;
    for _ in 0..=max {
        greedy.open().global(&request, WantReply::Yes).unwrap();
    }
    assert_eq!(server.hear(&mut greedy), Err(Error::Limit("too many requests wait for an answer")));
    // A client of ours asks no more than that itself.
    let mut client = Peer::new(Role::Client);
    for _ in 0..max {
        client.open().global(&request, WantReply::Yes).unwrap();
    }
    let refused = client.open().global(&request, WantReply::Yes);
    assert_eq!(refused, Err(Error::Limit("the peer does not answer global requests")));
    client.open().global(&request, WantReply::No).unwrap();
}

/// OpenSSH asks so on the connection and on channels; any answer will do, and nobody needs to hear of it.
#[test]
fn keepalives_are_answered_by_themselves_and_in_order() {
    let (mut client, channel, mut server, _) = session();
    let id = client.open().global(&GlobalRequest::Keepalive, WantReply::Yes).unwrap();
    assert_eq!(server.hear(&mut client).unwrap(), []);
    assert_eq!(client.hear(&mut server).unwrap(), [], "our own is no event either");
    let request = GlobalRequest::Unknown { name: "x@y".to_owned(), data: vec![] };
    assert_ne!(client.open().global(&request, WantReply::Yes).unwrap(), id);
    let global = server.global_tokens(&mut client).pop().unwrap();

    let keepalive = Request::Unknown { name: "keepalive@openssh.com".to_owned(), data: vec![] };
    client.open().request(channel, &Request::Shell, WantReply::Yes).unwrap();
    client.open().request(channel, &keepalive, WantReply::Yes).unwrap();
    client.open().global(&GlobalRequest::Keepalive, WantReply::Yes).unwrap();
    let token = server.tokens(&mut client).pop().unwrap();
    assert!(server.out.unsent().is_empty(), "an answer overtook an earlier one");
    server.open().reply(token, Outcome::Success).unwrap();
    server.open().reply_global(global, Outcome::Success, b"").unwrap();
    let heard = client.hear(&mut server).unwrap();
    let outcomes: Vec<_> = heard
        .iter()
        .map(|event| match event {
            ConnectionEvent::Reply { outcome, .. } => ("channel", *outcome),
            ConnectionEvent::GlobalReply { outcome, .. } => ("global", *outcome),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [("channel", Outcome::Success), ("channel", Outcome::Failure), ("global", Outcome::Success)];
    assert_eq!(outcomes, expected);
}

/// A peer that answers no global request is not given up for that while it says other things: one question more changes nothing.
/// Fails when a keepalive that finds no place ends the connection.
#[test]
fn a_keepalive_waits_where_too_many_requests_wait() {
    let mut client = Peer::new(Role::Client);
    for _ in 0..2 * ConnectionLimits::default().requests_max {
        client.connection.keepalive(&mut client.out).unwrap();
    }
    assert_eq!(client.connection.asked.len(), ConnectionLimits::default().requests_max);
}

/// Nobody listens to what was asked without a wish for an answer, so an answer to it is one to nothing.
#[test]
fn p3_a_global_answer_to_nothing_ends_the_connection() {
    for number in [msg::REQUEST_SUCCESS, msg::REQUEST_FAILURE] {
        let mut client = Peer::new(Role::Client);
        client.open().global(&GlobalRequest::NoMoreSessions, WantReply::No).unwrap();
        let answer = client.connection.handle(&[number], &mut client.out);
        assert_eq!(answer, Err(Error::Misbehaved("an answer to nothing")));
    }
}

/// What does not fit a packet is refused, and takes no place: the next answer is still for the next request.
#[test]
fn p9_a_request_that_does_not_fit_is_not_awaited() {
    let (mut client, channel, mut server, number) = session();
    let huge = Request::Exec { command: vec![0; crate::packet::PACKET_BYTES_MAX] };
    assert!(matches!(client.open().request(channel, &huge, WantReply::Yes), Err(Error::Misuse(_))));
    let surplus = payload(msg::CHANNEL_SUCCESS, |w| {
        w.u32(channel.0);
    });
    let answer = client.connection.handle(&surplus, &mut client.out);
    assert_eq!(answer, Err(Error::Misbehaved("an answer to nothing")));
    let huge = GlobalRequest::Unknown { name: "x@y".to_owned(), data: vec![0; crate::packet::PACKET_BYTES_MAX] };
    assert!(matches!(client.open().global(&huge, WantReply::Yes), Err(Error::Misuse(_))));
    let answer = client.connection.handle(&[msg::REQUEST_SUCCESS], &mut client.out);
    assert_eq!(answer, Err(Error::Misbehaved("an answer to nothing")));
    assert!(server.hear(&mut client).unwrap().is_empty() && number.0 == 0);
}

/// The same for a channel: fails when the place that was reserved for it is not given back.
#[test]
fn p9_a_channel_that_does_not_fit_takes_no_place() {
    let mut client = Peer::new(Role::Client);
    let huge = ChannelKind::Unknown { name: "x@y".to_owned(), data: vec![0; crate::packet::PACKET_BYTES_MAX] };
    for _ in 0..2 * ConnectionLimits::default().channels_max {
        assert!(matches!(client.open().open(&huge), Err(Error::Misuse(_))));
    }
    assert_eq!(client.open().channel_count(), 0);
    client.open().open(&ChannelKind::Session).unwrap();
}

/// And for an answer: the peer still gets one, or every later answer would be taken for an earlier one.
#[test]
fn p9_an_answer_that_does_not_fit_becomes_a_failure() {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    let request = GlobalRequest::Unknown { name: "x@y".to_owned(), data: vec![] };
    let ids = [0, 1].map(|_| client.open().global(&request, WantReply::Yes).unwrap());
    let mut tokens = server.global_tokens(&mut client);
    let second = tokens.pop().unwrap();
    let first = tokens.pop().unwrap();
    let huge = vec![0; crate::packet::PACKET_BYTES_MAX];
    assert!(matches!(server.open().reply_global(first, Outcome::Success, &huge), Err(Error::Misuse(_))));
    server.open().reply_global(second, Outcome::Success, b"second").unwrap();
    let reply = |id, outcome, data: &[u8]| ConnectionEvent::GlobalReply { id, outcome, data: data.to_vec() };
    let expected = [reply(ids[0], Outcome::Failure, b""), reply(ids[1], Outcome::Success, b"second")];
    assert_eq!(client.hear(&mut server).unwrap(), expected);
}
