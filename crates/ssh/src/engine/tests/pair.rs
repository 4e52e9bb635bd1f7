//! A client and a server that know each other, with bytes carried by hand.

use std::sync::Arc;

use crate::auth::{Attempt, ClientAuthEvent, MethodSet, ServerAuthConfig, ServerAuthEvent};
use crate::connection::ConnectionLimits;
use crate::driver::now;
use crate::engine::{ClientConfig, Engine, Event, Phase, ServerConfig, Timing};
use crate::entropy::SystemEntropy;
use crate::key::{HostTrust, Presented, SigningKey};
use crate::time::Now;
use crate::transport::{HostIdentity, TransportConfig};

pub(crate) struct Pair {
    pub(crate) server: Engine,
    pub(crate) client: Engine,
    pub(crate) now: Now,
    key: SigningKey,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let host = Arc::new(SigningKey::generate().unwrap());
        let trust = HostTrust { keys: vec![host.public_key().clone()], ..HostTrust::default() };
        let identity = HostIdentity { key: host, certificate: None, next_keys: Vec::new() };
        let server = ServerConfig {
            transport: Arc::new(TransportConfig::server(identity)),
            auth: Arc::new(ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, ..ServerAuthConfig::default() }),
            connection: ConnectionLimits::default(),
            timing: Timing::default(),
        };
        let client = ClientConfig {
            transport: Arc::new(TransportConfig::client(trust)),
            connection: ConnectionLimits::default(),
            timing: Timing::default(),
        };
        let now = now();
        Self {
            server: Engine::server(&server, Box::new(SystemEntropy), now).unwrap(),
            client: Engine::client(&client, Box::new(SystemEntropy), now).unwrap(),
            now,
            key: SigningKey::generate().unwrap(),
        }
    }

    /// Carries one byte to each side that has one, in turn, until nothing is left or `stop` says so.
    pub(crate) fn run(&mut self, mut stop: impl FnMut(&mut Self) -> bool) {
        loop {
            if stop(self) {
                return;
            }
            let moved = carry(&mut self.client, &mut self.server, self.now);
            self.settle();
            if stop(self) {
                return;
            }
            let moved = carry(&mut self.server, &mut self.client, self.now) || moved;
            self.settle();
            if !moved {
                return;
            }
        }
    }

    /// Both answer what they are asked.
    fn settle(&mut self) {
        while let Some(event) = self.server.next_event(self.now) {
            let Event::ServerAuth(event) = event else { continue };
            let Phase::ServerAuth(mut login) = self.server.phase() else { continue };
            match event {
                ServerAuthEvent::Verified(identity) => {
                    assert_eq!(identity.user(), "alice");
                    login.accept(identity).unwrap();
                }
                ServerAuthEvent::Offered(offer) => login.acceptable(offer).unwrap(),
                _ => {}
            }
        }
        while let Some(event) = self.client.next_event(self.now) {
            let Event::ClientAuth(event) = event else { continue };
            let Phase::ClientAuth(mut login) = self.client.phase() else { continue };
            match event {
                ClientAuthEvent::Ready => {
                    let key = Presented::Key(self.key.public_key().clone());
                    login.public_key("alice", &key).unwrap();
                }
                ClientAuthEvent::Sign(request) => {
                    let signature = self.key.sign(request.data());
                    login.signature(request, &signature).unwrap();
                }
                _ => {}
            }
        }
    }
}

fn carry(from: &mut Engine, to: &mut Engine, now: Now) -> bool {
    let Some(byte) = from.unsent().first().copied() else { return false };
    to.space(1)[0] = byte;
    to.filled(1, now);
    from.sent(1);
    true
}
