//! What may still be said on a channel that one side has closed.

use super::*;

const EXITED: Request = Request::ExitStatus { status: 7 };

#[test]
fn a_close_takes_the_other_along() {
    let (mut client, channel, mut server, number) = session();
    client.open().close(channel).unwrap();
    assert_eq!(server.hear(&mut client).unwrap(), [ConnectionEvent::Closed { channel: number }]);
    assert_eq!(server.open().request(number, &EXITED, WantReply::No).unwrap(), Sent::Gone);
    assert_eq!(client.hear(&mut server).unwrap(), [ConnectionEvent::Closed { channel }]);
    assert_eq!((client.open().channel_count(), server.open().channel_count()), (0, 0));
}

#[test]
fn a_lingering_channel_tells_how_the_program_ended() {
    let (mut client, channel, mut server, number) = session();
    client.open().linger(channel);
    server.open().linger(number);
    client.open().close(channel).unwrap();
    assert_eq!(server.hear(&mut client).unwrap(), [ConnectionEvent::Closed { channel: number }]);
    assert!(server.out.unsent().is_empty(), "closed before anything was said");

    // Nobody is there for data and questions any more; a last word still leaves.
    let mut open = server.open();
    assert_eq!((open.writable(number), open.send(number, Stream::Data, b"late").unwrap()), (0, 0));
    open.eof(number).unwrap();
    assert_eq!(open.request(number, &EXITED, WantReply::Yes).unwrap(), Sent::Gone);
    assert_eq!(open.request(number, &EXITED, WantReply::No).unwrap(), Sent::Yes);
    open.close(number).unwrap();
    open.close(number).unwrap();

    let request = ConnectionEvent::Request { channel, request: EXITED, reply: None };
    assert_eq!(client.hear(&mut server).unwrap(), [request, ConnectionEvent::Closed { channel }]);
    assert_eq!((client.open().channel_count(), server.open().channel_count()), (0, 0));
}

#[test]
fn requests_after_our_close_are_not_answered() {
    let (mut client, channel, mut server, number) = session();
    client.open().linger(channel);
    client.open().close(channel).unwrap();
    server.open().request(number, &EXITED, WantReply::Yes).unwrap();
    let request = ConnectionEvent::Request { channel, request: EXITED, reply: None };
    assert_eq!(client.hear(&mut server).unwrap(), [request]);
    let events = server.hear(&mut client).unwrap();
    assert_eq!(events, [ConnectionEvent::Closed { channel: number }], "an answer behind the close");
}

type Message<'m> = &'m dyn Fn(u32) -> Result<Vec<u8>, crate::wire::Malformed>;

#[test]
fn p3_a_peer_that_closed_a_lingering_channel_says_no_more_on_it() {
    let data = |channel: u32| {
        crate::wire::encode(|w| {
            w.u8(94).u32(channel).string(b"more");
        })
    };
    let only = |number: u8| {
        move |channel: u32| {
            crate::wire::encode(|w| {
                w.u8(number).u32(channel);
            })
        }
    };
    let adjust = |channel: u32| {
        crate::wire::encode(|w| {
            w.u8(93).u32(channel).u32(1);
        })
    };
    let request = |channel: u32| {
        crate::wire::encode(|w| {
            w.u8(98).u32(channel).string(b"shell").bool(false);
        })
    };
    let messages: [Message<'_>; 7] = [&data, &adjust, &request, &only(96), &only(97), &only(99), &only(100)];
    for message in messages {
        let (mut client, channel, mut server, number) = session();
        server.open().linger(number);
        client.open().close(channel).unwrap();
        server.hear(&mut client).unwrap();
        let payload = message(number.0).unwrap();
        let outcome = server.connection.handle(&payload, &mut server.out);
        assert_eq!(outcome, Err(NOT_OPEN), "message {}", payload[0]);
    }
}

#[test]
fn bytes_that_nobody_consumed_keep_a_lingering_channel_after_both_closes() {
    let (mut client, channel, mut server, number) = session();
    server.open().linger(number);
    client.open().send(channel, Stream::Data, b"held").unwrap();
    client.open().close(channel).unwrap();
    server.hear(&mut client).unwrap();
    server.open().close(number).unwrap();
    assert_eq!(server.open().channel_count(), 1);
    server.open().consume(number, 4).unwrap();
    assert_eq!(server.open().channel_count(), 0);
}
