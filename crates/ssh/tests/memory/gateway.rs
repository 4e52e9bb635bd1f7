//! A client, a gateway (server engine, relay, client engine) and a target, all in memory, with buffers that go back as a
//! driver's do.
//!
//! Owns: carrying bytes between them. Must not know: what is measured.

use std::sync::Arc;

use sallyport_ssh::auth::{ClientAuthEvent, MethodSet, ServerAuthConfig, ServerAuthEvent};
use sallyport_ssh::connection::{ChannelId, ChannelKind, ConnectionEvent, ConnectionLimits, Stream};
use sallyport_ssh::driver::now;
use sallyport_ssh::engine::{ClientConfig, Engine, Event, Phase, ServerConfig, Timing};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::key::{HostTrust, Presented, SigningKey};
use sallyport_ssh::relay::{NoTap, Relay, RelayEvent};
use sallyport_ssh::time::Now;
use sallyport_ssh::transport::{HostIdentity, TransportConfig};

/// Whether the users at both ends take what comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Read,
    Stopped,
}

pub(crate) struct Gateway {
    client: Engine,
    near: Engine,
    far: Engine,
    target: Engine,
    pub(crate) relay: Relay,
    /// Bytes that came out at either end.
    pub(crate) relayed: usize,
    readers: Readers,
    now: Now,
}

impl Gateway {
    /// Two connections, signed in.
    pub(crate) fn open(limits: &ConnectionLimits) -> Self {
        let (client, near) = connection(limits);
        let (far, target) = connection(limits);
        let (relay, readers) = (Relay::new(), Readers::Read);
        Self { client, near, far, target, relay, relayed: 0, readers, now: now() }
    }

    /// A channel from end to end: its number at the client and at the target.
    pub(crate) fn channel(&mut self) -> (ChannelId, ChannelId) {
        let (client, near) = channel(&mut self.client, &mut self.near, self.now);
        let (far, target) = channel(&mut self.far, &mut self.target, self.now);
        self.relay.join((near, far), &mut self.near, &mut self.far);
        (client, target)
    }

    pub(crate) fn send_up(&mut self, client: ChannelId, stream: Stream, bytes: &[u8]) -> usize {
        self.client.open_phase().unwrap().send(client, stream, bytes).unwrap()
    }

    pub(crate) fn send_down(&mut self, target: ChannelId, stream: Stream, bytes: &[u8]) -> usize {
        self.target.open_phase().unwrap().send(target, stream, bytes).unwrap()
    }

    pub(crate) fn stop_reading(&mut self) {
        self.readers = Readers::Stopped;
    }

    pub(crate) fn close(&mut self, client: ChannelId, target: ChannelId) {
        self.client.open_phase().unwrap().close(client).unwrap();
        self.target.open_phase().unwrap().close(target).unwrap();
    }

    /// Everything travels until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = carry(&mut self.client, &mut self.near, self.now);
            moved += carry(&mut self.target, &mut self.far, self.now);
            while let Some(event) = self.relay.turn(&mut self.near, &mut self.far, &mut NoTap, self.now) {
                assert!(!matches!(event, RelayEvent::Event(_, Event::Ended(_))), "a connection ended");
            }
            moved += carry(&mut self.near, &mut self.client, self.now);
            moved += carry(&mut self.far, &mut self.target, self.now);
            for engine in [&mut self.client, &mut self.target] {
                self.relayed += read(engine, self.readers, self.now);
            }
            if moved == 0 {
                return;
            }
        }
    }
}

/// Hears everything; answers how many bytes came.
fn read(engine: &mut Engine, readers: Readers, now: Now) -> usize {
    let mut count = 0;
    loop {
        let taken = match engine.next_event(now) {
            None => break,
            Some(Event::Data { channel, bytes, .. }) => (channel, bytes.len()),
            Some(Event::Ended(error)) => panic!("a connection ended: {error}"),
            Some(_) => continue,
        };
        count += taken.1;
        if readers == Readers::Read {
            engine.open_phase().unwrap().consume(taken.0, taken.1).unwrap();
        }
    }
    drop(engine.reclaim());
    count
}

/// All bytes that wait go over; buffers go back where nothing is left in them.
fn carry(from: &mut Engine, to: &mut Engine, now: Now) -> usize {
    let mut count = 0;
    while !from.unsent().is_empty() && to.wants_read() {
        let space = to.space(from.unsent().len());
        let taken = space.len().min(from.unsent().len());
        space[..taken].copy_from_slice(&from.unsent()[..taken]);
        to.filled(taken, now);
        from.sent(taken);
        count += taken;
    }
    drop(from.reclaim_output());
    drop(from.reclaim());
    count
}

/// A client and a server that know each other.
fn connection(limits: &ConnectionLimits) -> (Engine, Engine) {
    let host = Arc::new(SigningKey::generate().unwrap());
    let key = SigningKey::generate().unwrap();
    let trust = HostTrust { keys: vec![host.public_key().clone()], ..HostTrust::default() };
    let identity = HostIdentity { key: host, certificate: None, next_keys: Vec::new() };
    let server = ServerConfig {
        transport: Arc::new(TransportConfig::server(identity)),
        auth: Arc::new(ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, ..ServerAuthConfig::default() }),
        connection: limits.clone(),
        timing: Timing::default(),
    };
    let client = ClientConfig {
        transport: Arc::new(TransportConfig::client(trust)),
        connection: limits.clone(),
        timing: Timing::default(),
    };
    let now = now();
    let mut server = Engine::server(&server, Box::new(SystemEntropy), now).unwrap();
    let mut client = Engine::client(&client, Box::new(SystemEntropy), now).unwrap();
    loop {
        let moved = carry(&mut client, &mut server, now) + carry(&mut server, &mut client, now);
        while let Some(event) = server.next_event(now) {
            if let (Event::ServerAuth(ServerAuthEvent::Verified(identity)), Phase::ServerAuth(login)) =
                (detach(event), server.phase())
            {
                login.accept(identity).unwrap();
            }
        }
        while let Some(event) = client.next_event(now) {
            sign_in(detach(event), &mut client, &key);
        }
        if moved == 0 {
            return (client, server);
        }
    }
}

/// An event without data borrows nothing.
fn detach(event: Event<'_>) -> Event<'static> {
    match event {
        Event::ServerAuth(event) => Event::ServerAuth(event),
        Event::ClientAuth(event) => Event::ClientAuth(event),
        Event::Connection(event) => Event::Connection(event),
        Event::Keys(keys) => Event::Keys(keys),
        Event::Ended(error) => panic!("a connection ended: {error}"),
        Event::Data { .. } => panic!("data before there is a channel"),
    }
}

fn sign_in(event: Event<'static>, client: &mut Engine, key: &SigningKey) {
    match (event, client.phase()) {
        (Event::ClientAuth(ClientAuthEvent::Ready), Phase::ClientAuth(mut login)) => {
            login.public_key("alice", &Presented::Key(key.public_key().clone())).unwrap();
        }
        (Event::ClientAuth(ClientAuthEvent::Sign(request)), Phase::ClientAuth(mut login)) => {
            let signature = key.sign(request.data());
            login.signature(request, &signature).unwrap();
        }
        _ => {}
    }
}

/// A channel between two engines.
fn channel(client: &mut Engine, server: &mut Engine, now: Now) -> (ChannelId, ChannelId) {
    let asked = client.open_phase().unwrap().open(&ChannelKind::Session).unwrap();
    carry(client, server, now);
    let offer = loop {
        match server.next_event(now).map(detach) {
            Some(Event::Connection(ConnectionEvent::Offer(offer))) => break offer,
            Some(_) => {}
            None => panic!("no offer came"),
        }
    };
    let accepted = server.open_phase().unwrap().accept(offer).unwrap();
    carry(server, client, now);
    while client.next_event(now).map(detach).is_some() {}
    (asked, accepted)
}
