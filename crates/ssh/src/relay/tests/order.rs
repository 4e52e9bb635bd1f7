//! What overtakes what, and what is left out.

use super::*;

impl Gateway {
    /// Everything travels until nothing moves; data that comes out of either end is consumed. What came out at the client
    /// and at the target.
    fn settle(&mut self, tap: &mut dyn Tap) -> [Vec<Out>; 2] {
        let now = self.near.now;
        let mut heard = [Vec::new(), Vec::new()];
        loop {
            carry(&mut self.near.client, &mut self.near.server, now);
            carry(&mut self.far.server, &mut self.far.client, now);
            while let Some(event) = self.relay.turn(&mut self.near.server, &mut self.far.client, tap, now) {
                match event {
                    RelayEvent::Event(_, Event::Connection(ConnectionEvent::Global { .. })) => {}
                    RelayEvent::Event(side, Event::Connection(event)) => {
                        self.relay.pass(side, event, &mut self.near.server, &mut self.far.client);
                    }
                    RelayEvent::Stopped { .. } => heard.iter_mut().for_each(|heard| heard.push(Out::Stopped)),
                    _ => {}
                }
            }
            carry(&mut self.near.server, &mut self.near.client, now);
            carry(&mut self.far.client, &mut self.far.server, now);
            let moved =
                listen(&mut self.near.client, now, &mut heard[0]) + listen(&mut self.far.server, now, &mut heard[1]);
            let unsent = !self.near.client.unsent().is_empty() || !self.far.server.unsent().is_empty();
            if moved == 0 && !unsent {
                return heard;
            }
        }
    }
}

/// What comes out at an end.
#[derive(Debug, PartialEq, Eq)]
enum Out {
    Data(String),
    Errors(String),
    Eof,
    Closed,
    Request(Request),
    Reply(Outcome),
    Stopped,
}

fn listen(engine: &mut Engine, now: Now, heard: &mut Vec<Out>) -> usize {
    let before = heard.len();
    loop {
        let (out, consumed) = match engine.next_event(now) {
            None => return heard.len() - before,
            Some(Event::Data { channel, stream, bytes }) => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                let out = if stream == Stream::Data { Out::Data(text) } else { Out::Errors(text) };
                (out, Some((channel, bytes.len())))
            }
            Some(Event::Connection(ConnectionEvent::Eof { .. })) => (Out::Eof, None),
            Some(Event::Connection(ConnectionEvent::Closed { .. })) => (Out::Closed, None),
            Some(Event::Connection(ConnectionEvent::Request { request, reply, .. })) => {
                if let Some(token) = reply {
                    let outcome = if request == Request::Shell { Outcome::Success } else { Outcome::Failure };
                    engine.open_phase().unwrap().reply(token, outcome).unwrap();
                }
                (Out::Request(request), None)
            }
            Some(Event::Connection(ConnectionEvent::Reply { outcome, .. })) => (Out::Reply(outcome), None),
            Some(_) => continue,
        };
        heard.push(out);
        if let Some((channel, count)) = consumed {
            engine.open_phase().unwrap().consume(channel, count).unwrap();
        }
    }
}

fn data(text: &str) -> Out {
    Out::Data(text.to_owned())
}

/// Data, EOF and CLOSE keep their order also where they have to wait. Fails when a close makes an EOF before it unsaid.
#[test]
fn the_end_of_data_is_not_lost_before_a_close_that_waits() {
    let mut gateway = Gateway::new();
    let now = gateway.near.now;
    let block = "x".repeat(64 * 1024);
    let (channel, target) = (gateway.client, gateway.target);
    // The target's window is full, and something waits in the relay.
    let mut open = gateway.near.client.open_phase().unwrap();
    assert_eq!(open.send(channel, Stream::Data, block.as_bytes()), Ok(block.len()));
    carry(&mut gateway.near.client, &mut gateway.near.server, now);
    assert!(gateway.turn().is_none());
    carry(&mut gateway.near.server, &mut gateway.near.client, now);
    while gateway.near.client.next_event(now).is_some() {}
    let mut open = gateway.near.client.open_phase().unwrap();
    assert_eq!(open.send(channel, Stream::Data, b"last"), Ok(4));
    open.eof(channel).unwrap();
    open.close(channel).unwrap();
    carry(&mut gateway.near.client, &mut gateway.near.server, now);
    assert!(gateway.turn().is_none());
    assert_eq!(gateway.relay.queued_bytes(), 4);

    let [_, heard] = gateway.settle(&mut NoTap);
    assert_eq!(&heard[heard.len() - 3..], [data("last"), Out::Eof, Out::Closed]);
    gateway.far.server.open_phase().unwrap().close(target).unwrap();
    gateway.settle(&mut NoTap);
    assert_eq!((gateway.relay.pair_count(), gateway.relay.queued_bytes()), (0, 0));
}

/// A signal reaches a program that does not read. Fails when requests wait behind data.
#[test]
fn requests_overtake_data_that_waits() {
    let mut gateway = Gateway::new();
    let now = gateway.near.now;
    let channel = gateway.client;
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..2 {
        gateway.near.client.open_phase().unwrap().send(channel, Stream::Data, &block).unwrap();
        carry(&mut gateway.near.client, &mut gateway.near.server, now);
        assert!(gateway.turn().is_none());
        carry(&mut gateway.near.server, &mut gateway.near.client, now);
        while gateway.near.client.next_event(now).is_some() {}
    }
    assert!(gateway.relay.queued_bytes() > 0, "nothing waits");
    let signal = Request::Signal { name: "INT".to_owned() };
    gateway.near.client.open_phase().unwrap().request(channel, &signal, WantReply::No).unwrap();
    carry(&mut gateway.near.client, &mut gateway.near.server, now);
    let Some(RelayEvent::Event(side, Event::Connection(event))) = gateway.turn() else { panic!("no request") };
    gateway.relay.pass(side, event, &mut gateway.near.server, &mut gateway.far.client);
    carry(&mut gateway.far.client, &mut gateway.far.server, now);
    let mut heard = Vec::new();
    // The target takes nothing, and hears of it all the same.
    while let Some(event) = gateway.far.server.next_event(now) {
        if let Event::Connection(ConnectionEvent::Request { request, .. }) = event {
            heard.push(request);
        }
    }
    assert_eq!(heard, [signal]);
    assert!(gateway.relay.queued_bytes() > 0);
}

/// Answers come back to the one that asked, in order, also from a gateway that answers some by itself.
#[test]
fn answers_come_back_in_order() {
    let mut gateway = Gateway::new();
    let channel = gateway.client;
    let mut open = gateway.near.client.open_phase().unwrap();
    for request in [Request::Shell, Request::AgentForward, Request::Shell] {
        open.request(channel, &request, WantReply::Yes).unwrap();
    }
    let [client, target] = gateway.settle(&mut NoTap);
    let expected = [Request::Shell, Request::AgentForward, Request::Shell].map(Out::Request);
    assert_eq!(target, expected);
    let expected = [Outcome::Success, Outcome::Failure, Outcome::Success].map(Out::Reply);
    assert_eq!(client, expected);
}

/// `eow@openssh.com`: the data stream is dropped and paid for, standard error goes on. Fails when what nobody wants still waits
/// for a window.
#[test]
fn what_nobody_reads_any_more_is_dropped_and_the_rest_goes_on() {
    let mut gateway = Gateway::new();
    let (channel, target) = (gateway.client, gateway.target);
    gateway.near.client.open_phase().unwrap().request(channel, &Request::EndOfWrite, WantReply::No).unwrap();
    let [_, heard] = gateway.settle(&mut NoTap);
    assert_eq!(heard, [Out::Request(Request::EndOfWrite)]);
    let block = vec![b'x'; 64 * 1024];
    for round in 0..10 {
        let mut open = gateway.far.server.open_phase().unwrap();
        assert_eq!(open.send(target, Stream::STDERR, b"e"), Ok(1));
        assert!(open.send(target, Stream::Data, &block).unwrap() > 0, "round {round}");
        let [heard, _] = gateway.settle(&mut NoTap);
        assert_eq!(heard, [Out::Errors("e".to_owned())]);
        assert_eq!(gateway.relay.queued_bytes(), 0);
    }
}

/// Takes down what it sees, and stops at a word.
struct Censor {
    seen: Vec<u8>,
    word: &'static [u8],
}

impl Tap for Censor {
    fn data(&mut self, _: Side, _: ChannelId, _: Stream, bytes: &[u8]) -> Result<(), Stop> {
        self.seen.extend_from_slice(bytes);
        if bytes == self.word { Err(Stop) } else { Ok(()) }
    }
}

/// R2, as far as it is the relay's: what the tap did not take is not forwarded. Fails when bytes are sent before the tap sees them.
#[test]
fn what_the_tap_refuses_is_not_forwarded() {
    let mut gateway = Gateway::new();
    let (channel, target) = (gateway.client, gateway.target);
    let mut tap = Censor { seen: Vec::new(), word: b"secret" };
    for text in ["first", "secret", "after"] {
        gateway.near.client.open_phase().unwrap().send(channel, Stream::Data, text.as_bytes()).unwrap();
    }
    gateway.far.server.open_phase().unwrap().send(target, Stream::Data, b"back").unwrap();
    let [client, heard] = gateway.settle(&mut tap);
    assert_eq!(heard, [Out::Stopped, data("first"), Out::Closed]);
    // Whether the target's bytes were quicker is up to the order; the close is not.
    assert!(client.contains(&Out::Stopped) && client.contains(&Out::Closed), "{client:?}");
    assert!(!String::from_utf8_lossy(&tap.seen).contains("after"), "bytes behind the stop were looked at");
    assert_eq!((gateway.relay.pair_count(), gateway.relay.queued_bytes()), (0, 0));
}

/// A refusal comes back with its words; nothing is joined.
#[test]
fn a_channel_that_the_target_refuses_is_refused_to_the_client() {
    let mut gateway = Gateway::new();
    let now = gateway.near.now;
    let kind = ChannelKind::DirectStreamlocal { path: b"/run/x".to_vec() };
    let asked = gateway.near.client.open_phase().unwrap().open(&kind).unwrap();
    carry(&mut gateway.near.client, &mut gateway.near.server, now);
    let Some(RelayEvent::Event(side, Event::Connection(event))) = gateway.turn() else { panic!("no offer") };
    gateway.relay.pass(side, event, &mut gateway.near.server, &mut gateway.far.client);
    carry(&mut gateway.far.client, &mut gateway.far.server, now);
    let offer = loop {
        match gateway.far.server.next_event(now) {
            Some(Event::Connection(ConnectionEvent::Offer(offer))) => break offer,
            Some(_) => {}
            None => panic!("no offer came"),
        }
    };
    assert_eq!(offer.kind, kind, "something else arrived than was asked for");
    gateway.far.server.open_phase().unwrap().refuse(offer, OpenFailure::CONNECT_FAILED, "nobody listens").unwrap();
    carry(&mut gateway.far.server, &mut gateway.far.client, now);
    assert!(gateway.turn().is_none());
    carry(&mut gateway.near.server, &mut gateway.near.client, now);
    let heard = std::iter::from_fn(|| match gateway.near.client.next_event(now)? {
        Event::Connection(event) => Some(Some(event)),
        _ => Some(None),
    });
    let text = "nobody listens".to_owned();
    let refusal = ConnectionEvent::OpenFailed { channel: asked, failure: OpenFailure::CONNECT_FAILED, text };
    assert!(heard.flatten().any(|event| event == refusal));
    assert_eq!(gateway.relay.pair_count(), 1);
    assert!(gateway.relay.opening.is_empty());
}
