//! What an engine is given before it starts.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::ServerAuthConfig;
use crate::connection::ConnectionLimits;
use crate::transport::TransportConfig;

/// What a server is made of.
pub struct ServerConfig {
    /// Algorithms and host keys.
    pub transport: Arc<TransportConfig>,
    /// Who may try to sign in, and how often.
    pub auth: Arc<ServerAuthConfig>,
    /// What a connection may ask for.
    pub connection: ConnectionLimits,
    /// Deadlines.
    pub timing: Timing,
}

/// What a client is made of.
pub struct ClientConfig {
    /// Algorithms and the host's identity.
    pub transport: Arc<TransportConfig>,
    /// What a connection may ask for.
    pub connection: ConnectionLimits,
    /// Deadlines.
    pub timing: Timing,
}

/// Deadlines of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the first byte to a successful sign-in (P4).
    pub login: Duration,
    /// The same while somebody answers questions (keyboard-interactive): counted from the first question.
    pub interactive: Duration,
    /// Silence after which the peer of an open connection is asked whether it is there; zero never asks.
    pub keepalive: Duration,
    /// Unanswered questions after which it is not.
    pub keepalives_max: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            login: Duration::from_secs(20),
            interactive: Duration::from_mins(5),
            keepalive: Duration::from_secs(30),
            keepalives_max: 4,
        }
    }
}
