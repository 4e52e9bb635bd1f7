//! What a peer that has keys and no name can make an engine read.

use std::sync::Arc;

use crate::auth::ServerAuthConfig;
use crate::connection::ConnectionLimits;
use crate::driver;
use crate::engine::{ClientConfig, EARLY_BYTES_MAX, Engine, Phase, ServerConfig, Timing};
use crate::entropy::SystemEntropy;
use crate::key::{HostTrust, SigningKey};
use crate::message::transport as msg;
use crate::time::Now;
use crate::transport::{HostIdentity, TransportConfig};

/// Two engines that have exchanged keys: the server waits for a client to sign in, the client for a server to let it.
fn keyed(now: Now) -> (Engine, Engine) {
    let key = Arc::new(SigningKey::generate().unwrap());
    let trust = HostTrust { keys: vec![key.public_key().clone()], ..HostTrust::default() };
    let identity = HostIdentity { key, certificate: None, next_keys: Vec::new() };
    let (connection, timing) = (ConnectionLimits::default(), Timing::default());
    let server = ServerConfig {
        transport: TransportConfig::server(identity).into(),
        auth: Arc::new(ServerAuthConfig::default()),
        connection: connection.clone(),
        timing,
    };
    let client = ClientConfig { transport: TransportConfig::client(trust).into(), connection, timing };
    let mut server = Engine::server(&server, Box::new(SystemEntropy), now).unwrap();
    let mut client = Engine::client(&client, Box::new(SystemEntropy), now).unwrap();
    for _ in 0..4 {
        carry(&mut client, &mut server, now);
        carry(&mut server, &mut client, now);
    }
    assert!(matches!(server.phase(), Phase::ServerAuth(_)) && matches!(client.phase(), Phase::ClientAuth(_)));
    (server, client)
}

/// Everything that one has to say, to the other; events go by.
fn carry(from: &mut Engine, to: &mut Engine, now: Now) {
    let bytes = from.unsent().to_vec();
    from.sent(bytes.len());
    to.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
    to.filled(bytes.len(), now);
    while to.next_event(now).is_some() {}
}

/// Floods with one kind of message, and answers how many bytes were taken before the end.
fn flood(from: &mut Engine, to: &mut Engine, number: u8, now: Now) -> usize {
    let mut taken = 0;
    while !matches!(to.phase(), Phase::Ended(_)) {
        assert!(taken < 1 << 20, "message {number} may be said for ever");
        let said = from.transport.outbox.message(number, |w| {
            w.string(&[0; 1000]).u32(0);
        });
        said.unwrap();
        taken += from.unsent().len();
        carry(from, to, now);
        // Answers are not what this is about.
        to.sent(to.unsent().len());
    }
    taken
}

#[test]
fn p4_nobody_makes_us_read_more_than_64_kib_of_anything_before_it_is_known() {
    let now = driver::now();
    // What is ignored, and what is answered because its number does not exist.
    for number in [msg::IGNORE, msg::DEBUG, msg::UNIMPLEMENTED, msg::PONG, 150] {
        let (mut server, mut client) = keyed(now);
        assert!(flood(&mut client, &mut server, number, now) <= EARLY_BYTES_MAX, "message {number} to a server");
        let (mut server, mut client) = keyed(now);
        assert!(flood(&mut server, &mut client, number, now) <= EARLY_BYTES_MAX, "message {number} to a client");
    }
}
