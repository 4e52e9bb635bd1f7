//! Each message in each state of a channel.

use super::*;
use crate::message::connection as msg;
use crate::wire::{Writer, encode};

/// The states in which a channel can be when a message of the peer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No such channel, and never was one.
    Never,
    /// We asked for it.
    Opening,
    /// The peer asked for it.
    Offered,
    Open,
    /// The peer has said EOF.
    Ended,
    /// We have closed, the peer has not.
    ClosedByUs,
    /// Both have closed; bytes are held.
    Draining,
    /// Both have closed, and nothing is left.
    Gone,
}

const STATES: [State; 8] = [
    State::Never,
    State::Opening,
    State::Offered,
    State::Open,
    State::Ended,
    State::ClosedByUs,
    State::Draining,
    State::Gone,
];

/// What a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// The connection ends.
    Refused,
    Nothing,
    Data,
    Event,
}

fn payload(number: u8, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    encode(|w| {
        w.u8(number);
        fill(w);
    })
    .unwrap()
}

/// A message that holds nothing but the number of channel 0.
fn only(number: u8) -> Vec<u8> {
    payload(number, |w| {
        w.u32(0);
    })
}

fn data() -> Vec<u8> {
    payload(msg::CHANNEL_DATA, |w| {
        w.u32(0).string(b"held");
    })
}

impl Peer {
    fn handle(&mut self, payload: &[u8]) -> Result<Incoming, Error> {
        self.connection.handle(payload, &mut self.out)
    }
}

/// A server whose channel 0 is in this state. Its peer calls it 3.
fn reach(state: State) -> Peer {
    let mut peer = Peer::new(Role::Server);
    match state {
        State::Never => return peer,
        State::Opening => {
            peer.open().open(&ChannelKind::Agent).unwrap();
            return peer;
        }
        _ => {}
    }
    let open = payload(msg::CHANNEL_OPEN, |w| {
        w.string(b"session").u32(3).u32(1000).u32(1000);
    });
    let Ok(Incoming::Event(ConnectionEvent::Offer(offer))) = peer.handle(&open) else { panic!("no offer") };
    if state == State::Offered {
        return peer;
    }
    let channel = peer.open().accept(offer).unwrap();
    match state {
        State::Ended => drop(peer.handle(&only(msg::CHANNEL_EOF)).unwrap()),
        State::ClosedByUs => peer.open().close(channel).unwrap(),
        State::Draining => {
            peer.handle(&data()).unwrap();
            peer.handle(&only(msg::CHANNEL_CLOSE)).unwrap();
        }
        State::Gone => drop(peer.handle(&only(msg::CHANNEL_CLOSE)).unwrap()),
        State::Never | State::Opening | State::Offered | State::Open => {}
    }
    peer
}

/// Each message, and what it comes to in each of [`STATES`].
fn table() -> Vec<(Vec<u8>, [Became; 8])> {
    use Became::{Data as D, Event as E, Nothing as N, Refused as R};
    let extended = payload(msg::CHANNEL_EXTENDED_DATA, |w| {
        w.u32(0).u32(1).string(b"held");
    });
    let adjust = payload(msg::CHANNEL_WINDOW_ADJUST, |w| {
        w.u32(0).u32(1);
    });
    let request = payload(msg::CHANNEL_REQUEST, |w| {
        w.u32(0).string(b"shell").bool(false);
    });
    let confirmation = payload(msg::CHANNEL_OPEN_CONFIRMATION, |w| {
        w.u32(0).u32(3).u32(1).u32(1);
    });
    let failure = payload(msg::CHANNEL_OPEN_FAILURE, |w| {
        w.u32(0).u32(2).string(b"").string(b"");
    });
    vec![
        //                                 never opening offered open ended closed-by-us draining gone
        (data(), [R, R, R, D, R, N, R, R]),
        (extended, [R, R, R, D, R, N, R, R]),
        (adjust, [R, R, R, N, N, N, R, R]),
        (only(msg::CHANNEL_EOF), [R, R, R, E, R, N, R, R]),
        (only(msg::CHANNEL_CLOSE), [R, R, R, E, E, E, R, R]),
        (request, [R, R, R, E, E, N, R, R]),
        (only(msg::CHANNEL_SUCCESS), [R, R, R, R, R, R, R, R]),
        (only(msg::CHANNEL_FAILURE), [R, R, R, R, R, R, R, R]),
        (confirmation, [R, E, R, R, R, R, R, R]),
        (failure, [R, E, R, R, R, R, R, R]),
    ]
}

/// Fails when any arm of [`Connection::handle`] finds a channel in a state that is not its.
#[test]
fn p3_every_message_in_every_state_of_a_channel() {
    for (message, expected) in table() {
        for (state, expected) in STATES.into_iter().zip(expected) {
            let became = match reach(state).handle(&message) {
                Err(Error::Misbehaved(_)) => Became::Refused,
                Ok(Incoming::Nothing) => Became::Nothing,
                Ok(Incoming::Data { .. }) => Became::Data,
                Ok(Incoming::Event(_)) => Became::Event,
                Err(other) => panic!("message {} in {state:?}: {other}", message[0]),
            };
            assert_eq!(became, expected, "message {} in {state:?}", message[0]);
        }
    }
}

/// What a user does on a channel that is not open does nothing, and says so.
#[test]
fn a_channel_that_is_not_open_takes_nothing() {
    for state in STATES {
        let mut peer = reach(state);
        let channel = ChannelId(0);
        peer.out.sent(peer.out.unsent().len());
        let (open, live) = (state == State::Open || state == State::Ended, 4);
        assert_eq!(peer.open().writable(channel) > 0, open, "{state:?}");
        assert_eq!(peer.open().send(channel, Stream::Data, b"late"), Ok(if open { live } else { 0 }), "{state:?}");
        let sent = peer.open().request(channel, &Request::Shell, WantReply::Yes);
        assert_eq!(sent, Ok(if open { Sent::Yes } else { Sent::Gone }), "{state:?}");
        peer.open().eof(channel).unwrap();
        peer.open().close(channel).unwrap();
        assert_eq!(peer.out.unsent().is_empty(), !open, "{state:?}");
        // Bytes that nobody holds are not given back.
        peer.open().consume(channel, 1000).unwrap();
    }
}

/// A channel keeps its place until the last of its bytes has been taken, and not longer.
#[test]
fn a_channel_keeps_its_place_until_its_bytes_are_taken() {
    let mut peer = reach(State::Draining);
    assert_eq!(peer.open().channel_count(), 1);
    peer.open().consume(ChannelId(0), 3).unwrap();
    assert_eq!(peer.open().channel_count(), 1);
    peer.open().consume(ChannelId(0), 1).unwrap();
    assert_eq!(peer.open().channel_count(), 0);
}

/// What comes on a channel that we have closed is thrown away, and counts against the window all the same.
#[test]
fn p9_a_closed_channel_has_a_window_too() {
    let mut peer = reach(State::ClosedByUs);
    let window = ConnectionLimits::default().window_bytes_min;
    let piece = payload(msg::CHANNEL_DATA, |w| {
        w.u32(0).string(&vec![0; 32 * 1024]);
    });
    for _ in 0..window / (32 * 1024) {
        assert_eq!(peer.handle(&piece), Ok(Incoming::Nothing));
    }
    assert_eq!(peer.handle(&data()), Err(Error::Misbehaved("more data than the window allows")));
}

/// Numbers are not used again, so that a stale one finds nothing.
#[test]
fn p3_numbers_of_channels_are_used_once() {
    let mut peer = Peer::new(Role::Server);
    for number in 0..1000 {
        let channel = peer.open().open(&ChannelKind::Agent).unwrap();
        assert_eq!(channel, ChannelId(number));
        let failure = payload(msg::CHANNEL_OPEN_FAILURE, |w| {
            w.u32(number).u32(2).string(b"").string(b"");
        });
        assert!(matches!(peer.handle(&failure), Ok(Incoming::Event(ConnectionEvent::OpenFailed { .. }))));
        peer.out.sent(peer.out.unsent().len());
    }
}
