//! Two connections back to back, without transport.

use super::*;
use crate::entropy::SystemEntropy;
use crate::packet::{Inbox, Outbox};

mod credit;
mod linger;
mod permission;
mod reply;
mod state;
mod wire;

/// One connection and what it sends.
struct Peer {
    connection: Connection,
    out: Outbox,
}

impl Peer {
    fn new(role: Role) -> Self {
        let connection = Connection::new(role, ConnectionLimits::default());
        Self { connection, out: Outbox::new(Box::new(SystemEntropy)) }
    }

    fn open(&mut self) -> Open<'_> {
        Open { connection: &mut self.connection, out: &mut self.out }
    }

    /// Takes everything that `other` has sent. Answers the events; data is not one of them.
    fn hear(&mut self, other: &mut Self) -> Result<Vec<ConnectionEvent>, Error> {
        let bytes = other.out.unsent().to_vec();
        other.out.sent(bytes.len());
        let mut inbox = Inbox::new();
        inbox.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
        inbox.filled(bytes.len());
        let mut events = Vec::new();
        while let Some((range, _)) = inbox.packet()? {
            if let Incoming::Event(event) = self.connection.handle(inbox.payload(range), &mut self.out)? {
                events.push(event);
            }
        }
        Ok(events)
    }
}

/// A client and a server with one session between them; its numbers at the client and at the server.
fn session() -> (Peer, ChannelId, Peer, ChannelId) {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    let ours = client.open().open(&ChannelKind::Session).unwrap();
    let Some(ConnectionEvent::Offer(offer)) = server.hear(&mut client).unwrap().pop() else {
        panic!("no channel is offered");
    };
    let theirs = server.open().accept(offer).unwrap();
    assert_eq!(client.hear(&mut server).unwrap(), [ConnectionEvent::Opened { channel: ours }]);
    (client, ours, server, theirs)
}
