//! Client, gateway and host in one thread: client ─► front ═ relay ═ back ─► host.
//!
//! Owns: four engines and the copying between them, which stands for the sockets. Invariants: every byte that is counted was
//! received by the host, and is the one that was sent; what the gateway does is timed apart from everything else.
//! Must not know: what is printed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sallyport_ssh::auth::{ClientAuthEvent, ServerAuthConfig, ServerAuthEvent};
use sallyport_ssh::cipher::Cipher;
use sallyport_ssh::connection::{ChannelId, ChannelKind, ConnectionEvent, ConnectionLimits, Stream};
use sallyport_ssh::engine::{ClientConfig, Engine, Event, Phase, ServerConfig, Timing};
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::kex::Method;
use sallyport_ssh::key::{HostTrust, Presented, SigningKey};
use sallyport_ssh::relay::{NoTap, Relay, RelayEvent};
use sallyport_ssh::transport::{HostIdentity, TransportConfig};

use crate::{cpu, cpu_since, now};

/// What is asked of a socket at once, as in the driver.
const READ_BYTES: usize = 256 * 1024;
/// Rounds in a row in which nothing moves, after which nothing ever will.
const STILL_ROUNDS_MAX: usize = 10;
/// What the data consists of.
const FILLING: u8 = 0x5a;

/// Four engines, signed in, with one channel from end to end.
pub(crate) struct Chain {
    client: Engine,
    gateway: Gateway,
    host: Engine,
    channel: ChannelId,
}

/// The part that is measured.
struct Gateway {
    front: Engine,
    back: Engine,
    relay: Relay,
}

/// CPU time of each part.
#[derive(Default)]
pub(crate) struct Cost {
    pub(crate) sender: Duration,
    pub(crate) gateway: Duration,
    pub(crate) receiver: Duration,
    /// That arrived with data.
    pub(crate) packets: u64,
}

impl Chain {
    /// Signs in on both legs and opens a channel.
    pub(crate) fn open(cipher: Cipher) -> Result<Self> {
        let (mut client, front) = signed_in(cipher)?;
        let (back, host) = signed_in(cipher)?;
        let mut open = client.open_phase().context("not open")?;
        let channel = open.open(&ChannelKind::Session)?;
        let gateway = Gateway { front, back, relay: Relay::new() };
        let mut chain = Self { client, gateway, host, channel };
        for _ in 0..STILL_ROUNDS_MAX {
            chain.round(&mut Cost::default())?;
            if chain.gateway.relay.pair_count() == 1 {
                return Ok(chain);
            }
        }
        bail!("the channel does not open")
    }

    /// Carries data from the client to the host, in packets of the given size.
    pub(crate) fn carry(mut self, bytes: u64, packet: usize) -> Result<Cost> {
        let filling = vec![FILLING; packet];
        let mut cost = Cost::default();
        let (mut unsent, mut received, mut still) = (bytes, 0, 0);
        while received < bytes {
            let before = cpu();
            let sent = self.send(&filling, unsent)?;
            cost.sender += cpu_since(before);
            unsent -= sent;
            let came = self.round(&mut cost)?;
            received += came;
            still = if sent == 0 && came == 0 { still + 1 } else { 0 };
            ensure!(still < STILL_ROUNDS_MAX, "nothing moves after {received} of {bytes} bytes");
        }
        ensure!(received == bytes, "{received} bytes came, {bytes} were sent");
        Ok(cost)
    }

    /// Sends until window or socket are full.
    fn send(&mut self, filling: &[u8], most: u64) -> Result<u64> {
        lend_output(&mut self.client);
        let mut open = self.client.open_phase().context("not open")?;
        let mut sent = 0;
        while sent < most {
            let wanted = filling.get(..usize::try_from(most - sent)?).unwrap_or(filling);
            let taken = open.send(self.channel, Stream::Data, wanted)?;
            sent += u64::try_from(taken)?;
            if taken < wanted.len() {
                break;
            }
        }
        Ok(sent)
    }

    /// Everybody takes one turn; answers how many bytes the host got.
    fn round(&mut self, cost: &mut Cost) -> Result<u64> {
        travel(&mut self.client, &mut self.gateway.front);
        travel(&mut self.host, &mut self.gateway.back);
        let before = cpu();
        self.gateway.turn()?;
        cost.gateway += cpu_since(before);
        travel(&mut self.gateway.back, &mut self.host);
        travel(&mut self.gateway.front, &mut self.client);
        let before = cpu();
        let received = receive(&mut self.host, &mut cost.packets)?;
        cost.receiver += cpu_since(before);
        let before = cpu();
        while let Some(event) = self.client.next_event(now()) {
            if let Event::Ended(error) = event {
                bail!("client: {error}");
            }
        }
        cost.sender += cpu_since(before);
        Ok(received)
    }
}

impl Gateway {
    fn turn(&mut self) -> Result<()> {
        lend_output(&mut self.front);
        lend_output(&mut self.back);
        while let Some(event) = self.relay.turn(&mut self.front, &mut self.back, &mut NoTap, now()) {
            match event {
                RelayEvent::Event(_, Event::Ended(error)) => bail!("gateway: {error}"),
                RelayEvent::Event(side, Event::Connection(event)) => {
                    self.relay.pass(side, event, &mut self.front, &mut self.back);
                }
                RelayEvent::Event(..) | RelayEvent::Data { .. } | RelayEvent::Stopped { .. } => {}
            }
        }
        Ok(())
    }
}

/// The host takes what came.
fn receive(host: &mut Engine, packets: &mut u64) -> Result<u64> {
    let mut received = 0;
    let now = now();
    lend_output(host);
    while let Some(event) = host.next_event(now) {
        match event {
            Event::Data { channel, bytes, .. } => {
                ensure!(
                    bytes.first() == Some(&FILLING) && bytes.last() == Some(&FILLING),
                    "other bytes than were sent"
                );
                let count = bytes.len();
                received += u64::try_from(count)?;
                *packets += 1;
                host.open_phase().context("not open")?.consume(channel, count)?;
            }
            Event::Connection(ConnectionEvent::Offer(offer)) => {
                host.open_phase().context("not open")?.accept(offer)?;
            }
            Event::Ended(error) => bail!("host: {error}"),
            _ => {}
        }
    }
    Ok(received)
}

/// What one `write` and one `read` would do.
fn travel(from: &mut Engine, to: &mut Engine) {
    if from.unsent().is_empty() || !to.wants_read() {
        return;
    }
    to.lend(READ_BYTES, || vec![0; READ_BYTES]);
    let space = to.space(READ_BYTES / 8);
    let waiting = from.unsent();
    let count = waiting.len().min(space.len());
    if let (Some(space), Some(bytes)) = (space.get_mut(..count), waiting.get(..count)) {
        space.copy_from_slice(bytes);
    }
    from.sent(count);
    to.filled(count, now());
}

fn lend_output(engine: &mut Engine) {
    engine.lend_output(|| Vec::with_capacity(READ_BYTES));
}

/// A client and a server that are past authentication.
fn signed_in(cipher: Cipher) -> Result<(Engine, Engine)> {
    let (host_key, user_key) = (SigningKey::generate()?, SigningKey::generate()?);
    let trust = HostTrust { keys: vec![host_key.public_key().clone()], ..HostTrust::default() };
    let identity = HostIdentity { key: Arc::new(host_key), certificate: None, next_keys: Vec::new() };
    let mut ends = (TransportConfig::client(trust), TransportConfig::server(identity));
    for config in [&mut ends.0, &mut ends.1] {
        config.preferences.methods = vec![Method::Curve25519];
        config.preferences.ciphers = vec![cipher];
    }
    let connection = ConnectionLimits::default();
    let config =
        ClientConfig { transport: Arc::new(ends.0), connection: connection.clone(), timing: Timing::default() };
    let mut client = Engine::client(&config, Box::new(SystemEntropy), now())?;
    let auth = Arc::new(ServerAuthConfig::default());
    let config = ServerConfig { transport: Arc::new(ends.1), auth, connection, timing: Timing::default() };
    let mut server = Engine::server(&config, Box::new(SystemEntropy), now())?;
    for _ in 0..100 {
        travel(&mut client, &mut server);
        admit(&mut server)?;
        travel(&mut server, &mut client);
        prove(&mut client, &user_key)?;
        if client.open_phase().is_some() && server.open_phase().is_some() && server.unsent().is_empty() {
            return Ok((client, server));
        }
    }
    bail!("signing in does not end")
}

/// Lets anybody in who has a key.
fn admit(server: &mut Engine) -> Result<()> {
    while let Some(event) = server.next_event(now()) {
        match event {
            Event::Ended(error) => bail!("server: {error}"),
            Event::ServerAuth(ServerAuthEvent::Verified(identity)) => {
                let Phase::ServerAuth(login) = server.phase() else { bail!("out of phase") };
                login.accept(identity)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn prove(client: &mut Engine, key: &SigningKey) -> Result<()> {
    while let Some(event) = client.next_event(now()) {
        let event = match event {
            Event::Ended(error) => bail!("client: {error}"),
            Event::ClientAuth(event) => event,
            _ => continue,
        };
        match (event, client.phase()) {
            (ClientAuthEvent::Ready, Phase::ClientAuth(mut login)) => {
                login.public_key("bench", &Presented::Key(key.public_key().clone()))?;
            }
            (ClientAuthEvent::Sign(request), Phase::ClientAuth(mut login)) => {
                let signature = key.sign(request.data());
                login.signature(request, &signature)?;
            }
            _ => {}
        }
    }
    Ok(())
}
