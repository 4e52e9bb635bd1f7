//! The peer's public values of every key exchange method, as a server and as a client.
//!
//! Asserts: a server answers with the public value of the method's length, and never by a method that is for old targets
//! only; what differs in length is refused.

use sallyport_ssh::kex::{Initiator, Method, respond};

use super::input::Input;

/// The methods with the lengths of the client's and the server's public value; those of groups vary.
const METHODS: [(Method, Lengths); 7] = [
    (Method::MlKem768X25519, Lengths::Fixed { client: 1184 + 32, server: 1088 + 32 }),
    (Method::Sntrup761X25519, Lengths::Fixed { client: 1158 + 32, server: 1039 + 32 }),
    (Method::Curve25519, Lengths::Fixed { client: 32, server: 32 }),
    (Method::EcdhP256, Lengths::Old),
    (Method::EcdhP384, Lengths::Old),
    (Method::DhGroup14, Lengths::Old),
    (Method::DhGroup16, Lengths::Old),
];

#[derive(Clone, Copy)]
enum Lengths {
    Fixed {
        client: usize,
        server: usize,
    },
    /// No server answers by it.
    Old,
}

/// First byte: the method and the role. The rest: the peer's public value.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.choice();
    let (method, lengths) = METHODS[usize::from(choice >> 1) % METHODS.len()];
    let theirs = input.rest();
    if choice & 1 == 0 {
        as_server(method, lengths, theirs);
    } else {
        as_client(method, lengths, theirs);
    }
}

fn as_server(method: Method, lengths: Lengths, theirs: &[u8]) {
    let Ok((ours, _)) = respond(method, theirs) else {
        return;
    };
    match lengths {
        Lengths::Fixed { client, server } => {
            assert_eq!((theirs.len(), ours.len()), (client, server));
        }
        Lengths::Old => panic!("a server answered by {method:?}"),
    }
}

fn as_client(method: Method, lengths: Lengths, theirs: &[u8]) {
    let (initiator, ours) = Initiator::start(method).unwrap();
    if let (Lengths::Fixed { client, server }, Ok(_)) = (lengths, initiator.finish(theirs)) {
        assert_eq!((ours.len(), theirs.len()), (client, server));
    }
}
