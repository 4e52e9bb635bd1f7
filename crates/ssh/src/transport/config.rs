//! What a transport is given before it starts.

use std::sync::Arc;
use std::time::Duration;

use super::EXCHANGE_TIMEOUT;
use crate::kex::{Form, HostKeyAlgorithm, Preferences};
use crate::key::{Certificate, HostTrust, SignatureAlgorithm, SigningKey};

/// Algorithms, identities and limits of one transport. Shared by all connections of a kind.
pub struct TransportConfig {
    /// Behind `SSH-2.0-`. Starts with `OpenSSH` by default: OpenSSH clients say that a reader went away
    /// (`eow@openssh.com`) only to peers whose version starts so.
    pub version: String,
    /// What is offered.
    pub preferences: Preferences,
    /// When keys are renewed.
    pub rekey: RekeyLimits,
    /// Whom the host is to be.
    pub host: HostSide,
}

/// The part that depends on the role.
pub enum HostSide {
    /// We are the host.
    Server(Box<HostIdentity>),
    /// We judge the host.
    Client(HostTrust),
}

/// How a server proves who it is.
#[derive(Clone)]
pub struct HostIdentity {
    /// Signs every key exchange.
    pub key: Arc<SigningKey>,
    /// Presented to clients that know host certificates.
    pub certificate: Option<Certificate>,
    /// Further keys that clients are told of, and may have proved to them, so that the key can be changed.
    pub next_keys: Vec<Arc<SigningKey>>,
}

/// When the keys of a connection are renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekeyLimits {
    /// Bytes in one direction. RFC 4253 section 9 advises 1 GiB.
    pub bytes: u64,
    /// Packets in one direction: never more than 2^31 (RFC 4344, section 3.1).
    pub packets: u64,
    /// Time. RFC 4253 section 9 advises an hour.
    pub interval: Duration,
    /// How long one key exchange may take.
    pub timeout: Duration,
}

impl Default for RekeyLimits {
    fn default() -> Self {
        Self { bytes: 1 << 30, packets: 1 << 31, interval: Duration::from_hours(1), timeout: EXCHANGE_TIMEOUT }
    }
}

/// The version that is told by default.
const VERSION: &str = concat!("OpenSSH_sallyport_", env!("CARGO_PKG_VERSION"));

impl TransportConfig {
    /// A server with this identity.
    #[must_use]
    pub fn server(identity: HostIdentity) -> Self {
        let certified = identity.certificate.iter().map(|_| HostKeyAlgorithm::certificate(SignatureAlgorithm::Ed25519));
        let host_keys = certified.chain([HostKeyAlgorithm::plain(SignatureAlgorithm::Ed25519)]).collect();
        Self {
            version: VERSION.to_owned(),
            preferences: Preferences::server(host_keys),
            rekey: RekeyLimits::default(),
            host: HostSide::Server(Box::new(identity)),
        }
    }

    /// A client that trusts these hosts. It asks only for host keys that it could trust; with an empty trust it asks
    /// for any, to see what the host presents.
    #[must_use]
    pub fn client(trust: HostTrust) -> Self {
        Self::with_trust(trust, Preferences::client())
    }

    /// A client of a target that is declared to be old.
    #[must_use]
    pub fn client_legacy(trust: HostTrust) -> Self {
        Self::with_trust(trust, Preferences::client_legacy())
    }

    fn with_trust(trust: HostTrust, mut preferences: Preferences) -> Self {
        if !trust.keys.is_empty() || !trust.authorities.is_empty() {
            preferences.host_keys.retain(|algorithm| match algorithm.form {
                Form::Certificate => !trust.authorities.is_empty(),
                Form::Plain => trust.keys.iter().any(|key| algorithm.signature.fits(key.algorithm())),
            });
        }
        Self { version: VERSION.to_owned(), preferences, rekey: RekeyLimits::default(), host: HostSide::Client(trust) }
    }

    pub(super) fn version_line(&self) -> String {
        format!("SSH-2.0-{}", self.version)
    }
}
