//! What one seed decides before anything runs: limits, algorithms, keys, pace.
//!
//! Owns: the choice of extremes. Windows of one byte and rekeys with every packet are as likely as what people use.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sallyport_ssh::auth::{MethodSet, ServerAuthConfig};
use sallyport_ssh::cipher::{Cipher, Mac};
use sallyport_ssh::connection::ConnectionLimits;
use sallyport_ssh::engine::{ClientConfig, Engine, ServerConfig, Timing};
use sallyport_ssh::kex::Method;
use sallyport_ssh::key::{HostTrust, SigningKey};
use sallyport_ssh::time::Now;
use sallyport_ssh::transport::{HostIdentity, RekeyLimits, TransportConfig};

use crate::random::Random;

/// What one seed decides before anything runs.
pub(crate) struct Plan {
    /// Operations before everything is brought to an end.
    pub(crate) steps: usize,
    /// The largest piece in which bytes travel.
    pub(crate) piece_bytes_max: usize,
    /// What a pipe holds.
    pub(crate) pipe_bytes_max: usize,
    /// The clock moves on by at most so much with each step.
    pub(crate) tick: Duration,
    /// Bytes that the users send on one channel, about.
    pub(crate) channel_bytes_max: usize,
    /// Channels that the users open, all in all.
    pub(crate) channels_opened_max: usize,
    /// Requests that one end leaves unanswered at a time.
    pub(crate) requests_open_max: usize,
    size: Size,
    wear: Wear,
    keepalive: Duration,
    methods: Vec<Method>,
    ciphers: Vec<Cipher>,
}

/// How large windows and packets are.
#[derive(Clone, Copy)]
enum Size {
    /// Down to one byte.
    Tiny,
    /// As anybody would have them.
    Usual,
    /// Each engine differently.
    Mixed,
}

/// How soon keys are renewed.
#[derive(Clone, Copy)]
enum Wear {
    Never,
    Sometimes,
    Often,
    /// With every packet.
    Always,
}

/// The keys of all simulations. Which ones they are changes nothing.
struct Keys {
    host: Arc<SigningKey>,
    user: SigningKey,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys { host: Arc::new(SigningKey::generate().unwrap()), user: SigningKey::generate().unwrap() })
}

pub(crate) fn user_key() -> &'static SigningKey {
    &keys().user
}

const CIPHERS: [Cipher; 5] = [
    Cipher::Aes256Gcm,
    Cipher::Aes128Gcm,
    Cipher::ChaCha20Poly1305,
    Cipher::Aes128Ctr(Mac::HmacSha256Etm),
    Cipher::Aes256Ctr(Mac::HmacSha512Etm),
];

impl Plan {
    pub(crate) fn new(random: &mut Random) -> Self {
        let piece_bytes_max = random.pick(&[1, 3, 40, 1000, 100_000, 100_000]);
        let keepalive = random.pick(&[0, 0, 30]);
        Self {
            steps: 50 + random.below(1500),
            piece_bytes_max,
            pipe_bytes_max: random.pick(&[1, 200, 5000, 300_000]).max(piece_bytes_max),
            tick: Duration::from_micros(random.pick(&[1, 50, 300])),
            channel_bytes_max: random.pick(&[300, 20_000, 300_000]),
            channels_opened_max: random.pick(&[1, 4, 12, 40]),
            requests_open_max: random.pick(&[1, 3, 8]),
            size: random.pick(&[Size::Tiny, Size::Usual, Size::Usual, Size::Mixed]),
            wear: random.pick(&[
                Wear::Never,
                Wear::Never,
                Wear::Never,
                Wear::Never,
                Wear::Sometimes,
                Wear::Sometimes,
                Wear::Sometimes,
                Wear::Often,
                Wear::Always,
            ]),
            keepalive: Duration::from_secs(keepalive),
            methods: vec![random.pick(&[
                Method::Curve25519,
                Method::Curve25519,
                Method::Curve25519,
                Method::MlKem768X25519,
            ])],
            ciphers: vec![random.pick(&CIPHERS), random.pick(&CIPHERS)],
        }
    }

    /// Limits of one engine. Their product with the volume stays small enough to simulate.
    pub(crate) fn limits(&mut self, random: &mut Random) -> ConnectionLimits {
        let (windows, packets): (&[u32], &[u32]) = match self.size {
            Size::Tiny => (&[1, 2, 7, 60], &[1, 3, 50]),
            Size::Usual => (&[1000, 32_768, 65_536], &[1000, 32_768]),
            Size::Mixed => (&[1, 60, 1000, 65_536], &[1, 50, 1000, 32_768]),
        };
        let window_bytes_min = random.pick(windows);
        let packet_bytes_max = random.pick(packets);
        let growth = random.pick(&[1, 2, 5, 100]);
        let channels_max = random.pick(&[1, 3, 12, 128]);
        if window_bytes_min * growth < 100 || packet_bytes_max < 10 {
            self.channel_bytes_max = self.channel_bytes_max.min(400);
        } else if packet_bytes_max < 100 {
            self.channel_bytes_max = self.channel_bytes_max.min(5000);
        }
        let reserve = u64::from(window_bytes_min) * u64::from(channels_max);
        ConnectionLimits {
            channels_max,
            window_bytes_min,
            window_bytes_max: window_bytes_min.saturating_mul(growth),
            credit_bytes_max: reserve.saturating_mul(random.pick(&[0, 1, 2, 100])),
            packet_bytes_max,
            // Keepalives are requests as well.
            requests_max: self.requests_open_max + if self.keepalive.is_zero() { 0 } else { 5 },
        }
    }

    fn rekey(&self, random: &mut Random) -> RekeyLimits {
        let (bytes, packets, interval_ms): (&[u64], &[u64], &[u64]) = match self.wear {
            Wear::Never => (&[1 << 30], &[1 << 31], &[3_600_000]),
            Wear::Sometimes => (&[1 << 30, 20_000], &[1 << 31, 100], &[3_600_000, 500, 100]),
            Wear::Often => (&[1 << 30, 3000], &[1 << 31, 10], &[3_600_000, 30]),
            Wear::Always => (&[1 << 30, 1], &[1 << 31, 1], &[3_600_000]),
        };
        RekeyLimits {
            bytes: random.pick(bytes),
            packets: random.pick(packets),
            interval: Duration::from_millis(random.pick(interval_ms)),
            ..RekeyLimits::default()
        }
    }

    fn timing(&self) -> Timing {
        // Bytes may travel one by one, between a hundred key exchanges; when signing in takes too long is tested elsewhere.
        let login = Duration::from_hours(1);
        Timing { login, interactive: login, keepalive: self.keepalive, ..Timing::default() }
    }

    pub(crate) fn server(&self, limits: &ConnectionLimits, random: &mut Random, now: Now) -> Engine {
        let identity = HostIdentity { key: keys().host.clone(), certificate: None, next_keys: Vec::new() };
        let transport = self.algorithms(TransportConfig::server(identity), random);
        let auth = ServerAuthConfig {
            methods: MethodSet::PUBLIC_KEY.with(MethodSet::PASSWORD).with(MethodSet::KEYBOARD_INTERACTIVE),
            answer_floor: Duration::from_millis(random.pick(&[0, 1])),
            ..ServerAuthConfig::default()
        };
        let config = ServerConfig {
            transport: Arc::new(transport),
            auth: Arc::new(auth),
            connection: limits.clone(),
            timing: self.timing(),
        };
        Engine::server(&config, Box::new(random.fork()), now).unwrap()
    }

    pub(crate) fn client(&self, limits: &ConnectionLimits, random: &mut Random, now: Now) -> Engine {
        let trust = HostTrust { keys: vec![keys().host.public_key().clone()], ..HostTrust::default() };
        let transport = self.algorithms(TransportConfig::client(trust), random);
        let config = ClientConfig { transport: Arc::new(transport), connection: limits.clone(), timing: self.timing() };
        Engine::client(&config, Box::new(random.fork()), now).unwrap()
    }

    fn algorithms(&self, mut config: TransportConfig, random: &mut Random) -> TransportConfig {
        config.preferences.methods.clone_from(&self.methods);
        config.preferences.ciphers.clone_from(&self.ciphers);
        config.rekey = self.rekey(random);
        config
    }
}
