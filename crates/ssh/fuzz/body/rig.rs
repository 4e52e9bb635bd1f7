//! Engines to try things on, and what carries bytes in and out of them.
//!
//! Owns: configurations with limits so small that short inputs reach them, made-up time and entropy, plain packets. Must not
//! know: what a target is after.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, UNIX_EPOCH};

use sallyport_ssh::auth::{ClientAuthEvent, MethodSet, ServerAuthConfig, ServerAuthEvent};
use sallyport_ssh::cipher::Cipher;
use sallyport_ssh::connection::ConnectionLimits;
use sallyport_ssh::engine::{ClientConfig, EARLY_BYTES_MAX, Engine, Event, Phase, ServerConfig, Timing};
use sallyport_ssh::entropy::Entropy;
use sallyport_ssh::error::Error;
use sallyport_ssh::key::{HostTrust, PublicKey, SigningKey, UserAuthorities};
use sallyport_ssh::message::transport::NEWKEYS;
use sallyport_ssh::packet::{PACKET_BYTES_MAX, UNSENT_BYTES_MAX};
use sallyport_ssh::time::Now;
use sallyport_ssh::transport::{HostIdentity, TransportConfig};

/// Seconds since 1970 at the start of every run.
pub(crate) const WALL: u64 = 1_800_000_000;
/// A connection ends as soon as more is unsent; the packet that was too much, and a DISCONNECT, still lie behind it.
pub(crate) const UNSENT_BYTES_EVER: usize = UNSENT_BYTES_MAX + PACKET_BYTES_MAX + 4096;

/// The limits of every connection here: small, so that they are reached.
pub(crate) fn limits() -> ConnectionLimits {
    ConnectionLimits {
        channels_max: 4,
        window_bytes_min: 64,
        window_bytes_max: 1024,
        credit_bytes_max: 2048,
        packet_bytes_max: 256,
        requests_max: 4,
    }
}

/// Bytes that look random and are the same in every run.
pub(crate) struct MadeUp(u64);

impl Entropy for MadeUp {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        for byte in buffer {
            // Marsaglia's xorshift.
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            *byte = self.0.to_le_bytes()[0];
        }
        Ok(())
    }
}

pub(crate) fn entropy() -> Box<dyn Entropy> {
    Box::new(MadeUp(0x5a11_1904_2026_0001))
}

/// The time at which every run starts. Only differences of the monotonic part count, so it may be read from a clock once.
pub(crate) fn start() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    Now { monotonic: *START.get_or_init(Instant::now), wall: UNIX_EPOCH + Duration::from_secs(WALL) }
}

/// Signs for the hosts of all runs.
pub(crate) fn host_key() -> &'static Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    KEY.get_or_init(|| Arc::new(SigningKey::from_openssh(include_str!("key/host")).unwrap()))
}

/// Signs certificates.
pub(crate) fn authority() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::from_openssh(include_str!("key/authority")).unwrap())
}

/// Every method, certificates by [`authority`], no waiting before a no.
pub(crate) fn auth_config() -> ServerAuthConfig {
    let methods = MethodSet::PUBLIC_KEY.with(MethodSet::KEYBOARD_INTERACTIVE).with(MethodSet::PASSWORD);
    let authorities: Vec<PublicKey> = vec![authority().public_key().clone()];
    ServerAuthConfig {
        methods,
        attempts_max: 4,
        offers_max: 6,
        answer_floor: Duration::ZERO,
        certificate_policy: Some(Arc::new(UserAuthorities::new(authorities))),
        ..ServerAuthConfig::default()
    }
}

pub(crate) fn server_config(auth: ServerAuthConfig) -> ServerConfig {
    let identity = HostIdentity { key: host_key().clone(), certificate: None, next_keys: Vec::new() };
    let transport = TransportConfig::server(identity);
    ServerConfig {
        transport: Arc::new(transport),
        auth: Arc::new(auth),
        connection: limits(),
        timing: Timing::default(),
    }
}

pub(crate) fn client_config() -> ClientConfig {
    let trust = HostTrust { keys: vec![host_key().public_key().clone()], ..HostTrust::default() };
    let transport = TransportConfig::client(trust);
    ClientConfig { transport: Arc::new(transport), connection: limits(), timing: Timing::default() }
}

/// A server behind its first key exchange, and a client.
pub(crate) fn keyed(cipher: Option<Cipher>) -> (Engine, Engine) {
    let server = Engine::danger_keyed_server(&server_config(auth_config()), cipher, entropy(), start()).unwrap();
    let client = Engine::danger_keyed_client(&client_config(), cipher, entropy(), start()).unwrap();
    (server, client)
}

/// Carries bytes both ways and lets the client in, by method `none`, as a script would. Both engines are open then, and
/// have nothing more to say.
pub(crate) fn log_in(server: &mut Engine, client: &mut Engine, now: Now) {
    for _ in 0..64 {
        carry(client, server, now);
        carry(server, client, now);
        answer_server(server, now);
        answer_client(client, now);
        let open = server.open_phase().is_some() && client.open_phase().is_some();
        if open && server.unsent().is_empty() && client.unsent().is_empty() {
            return;
        }
    }
    panic!("the login that everybody is let in by did not end");
}

fn answer_server(server: &mut Engine, now: Now) {
    loop {
        let event = match server.next_event(now) {
            Some(Event::ServerAuth(event)) => event,
            Some(Event::Ended(error)) => panic!("the server ended while logging in: {error}"),
            Some(_) => continue,
            None => return,
        };
        if let (ServerAuthEvent::None(attempt), Phase::ServerAuth(login)) = (event, server.phase()) {
            login.accept(attempt).unwrap();
        }
    }
}

fn answer_client(client: &mut Engine, now: Now) {
    loop {
        let event = match client.next_event(now) {
            Some(Event::ClientAuth(event)) => event,
            Some(Event::Ended(error)) => panic!("the client ended while logging in: {error}"),
            Some(_) => continue,
            None => return,
        };
        if let (ClientAuthEvent::Ready, Phase::ClientAuth(mut login)) = (event, client.phase()) {
            login.none("alice").unwrap();
        }
    }
}

/// Everything that one engine has to send, to another.
pub(crate) fn carry(from: &mut Engine, to: &mut Engine, now: Now) {
    let bytes = take(from);
    feed(to, &bytes, now);
}

/// Everything that an engine has to send.
pub(crate) fn take(engine: &mut Engine) -> Vec<u8> {
    let bytes = engine.unsent().to_vec();
    engine.sent(bytes.len());
    bytes
}

/// Bytes from the peer, all or none of them: an engine that has ended, or a stranger's, has no room for more than it may hold.
/// Answers whether there was room.
pub(crate) fn feed(engine: &mut Engine, bytes: &[u8], now: Now) -> bool {
    let Some(space) = engine.space(bytes.len()).get_mut(..bytes.len()) else {
        return false;
    };
    space.copy_from_slice(bytes);
    engine.filled(bytes.len(), now);
    true
}

/// A packet that is not sealed (RFC 4253, section 6).
pub(crate) fn packet(payload: &[u8]) -> Vec<u8> {
    let mut padding = 8 - (5 + payload.len()) % 8;
    if padding < 4 {
        padding += 8;
    }
    let length = u32::try_from(1 + payload.len() + padding).unwrap();
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.push(u8::try_from(padding).unwrap());
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len() + padding, 0);
    bytes
}

/// Reads what an engine sends, as long as it is not sealed.
#[derive(Default)]
pub(crate) struct Output {
    /// NEWKEYS was sent: a key exchange has succeeded, and nothing can be read from here on.
    pub(crate) sealed: bool,
}

impl Output {
    /// The payloads of everything that waits to be sent.
    pub(crate) fn take(&mut self, engine: &mut Engine) -> Vec<Vec<u8>> {
        let bytes = take(engine);
        let mut bytes = bytes.as_slice();
        let mut found = Vec::new();
        while !self.sealed && !bytes.is_empty() {
            let (payload, behind) = split_packet(bytes);
            self.sealed = payload.first() == Some(&NEWKEYS);
            found.push(payload.to_vec());
            bytes = behind;
        }
        found
    }
}

/// The payload of the first packet, and what lies behind the packet.
fn split_packet(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (head, rest) = bytes.split_first_chunk::<4>().expect("an engine sends whole packets");
    let length = usize::try_from(u32::from_be_bytes(*head)).unwrap();
    let (packet, behind) = rest.split_at_checked(length).expect("an engine sends whole packets");
    let padding = usize::from(packet[0]);
    assert!(padding >= 4 && (4 + length).is_multiple_of(8), "padding of {padding} bytes");
    (&packet[1..length - padding], behind)
}

/// What holds for an engine at any time.
pub(crate) fn check(engine: &mut Engine) {
    assert!(engine.unsent().len() <= UNSENT_BYTES_EVER, "{} bytes are unsent", engine.unsent().len());
    if let Some(open) = engine.open_phase() {
        let channels = open.channel_count();
        assert!(channels <= usize::try_from(limits().channels_max).unwrap(), "{channels} channels");
    }
}

/// Counts what a peer that is not known makes an engine read (P4).
#[derive(Default)]
pub(crate) struct Early {
    fed: usize,
}

impl Early {
    /// Feeds what a driver would: nothing that the engine does not want. Answers whether it did.
    pub(crate) fn feed(&mut self, engine: &mut Engine, bytes: &[u8], now: Now) -> bool {
        let fed = engine.wants_read() && feed(engine, bytes, now);
        if fed {
            self.fed += bytes.len();
        }
        fed
    }

    /// What was understood is bounded, and what waits is.
    pub(crate) fn check(&self, engine: &mut Engine, step_bytes_max: usize) {
        let early = matches!(engine.phase(), Phase::Handshake | Phase::ServerAuth(_) | Phase::ClientAuth(_));
        let most = 2 * EARLY_BYTES_MAX + step_bytes_max;
        assert!(!early || self.fed <= most, "{} bytes were read from a peer that nobody knows", self.fed);
    }
}
