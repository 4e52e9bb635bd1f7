//! An SSH server on the engine, to be taken into a program.
//!
//! Owns: what a host is made of, and the loop that accepts connections. Invariants: connections are bounded in number; one that
//! fails takes nobody along. Must not know: command lines, files of keys.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use sallyport_ssh::auth::ServerAuthConfig;
use sallyport_ssh::connection::ConnectionLimits;
use sallyport_ssh::engine::{ServerConfig, Timing};
use sallyport_ssh::key::UserAuthorities;
use sallyport_ssh::transport::TransportConfig;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

mod connection;
mod forward;
mod login;
mod process;
mod session;
mod stream;
mod terminal;
mod tunnel;

pub(crate) use login::Admission;

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 2048;
/// How long nobody is accepted after that has failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One host: its identity, and who may come in.
pub(crate) struct Host {
    transport: Arc<TransportConfig>,
    admission: Admission,
}

impl Host {
    /// Whoever passes `admission` is the user who runs this program.
    pub(crate) fn new(transport: TransportConfig, admission: Admission) -> Result<Self> {
        ensure!(!admission.is_empty(), "nobody could come in");
        Ok(Self { transport: Arc::new(transport), admission })
    }

    fn server_config(&self, source: SocketAddr) -> ServerConfig {
        let mut auth = ServerAuthConfig {
            methods: self.admission.methods(),
            source: Some(source.ip()),
            ..ServerAuthConfig::default()
        };
        if !self.admission.authorities.is_empty() {
            let authorities = UserAuthorities::new(self.admission.authorities.clone());
            auth.certificate_policy = Some(Arc::new(authorities));
        }
        ServerConfig {
            transport: self.transport.clone(),
            auth: Arc::new(auth),
            connection: ConnectionLimits { channels_max: connection::CHANNELS_MAX, ..ConnectionLimits::default() },
            timing: Timing::default(),
        }
    }
}

/// Accepts connections for ever. Dropped, it ends all of them.
pub(crate) async fn serve(listener: TcpListener, host: Arc<Host>) -> Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let place = places.clone().acquire_owned().await?;
        while connections.try_join_next().is_some() {}
        let (stream, source) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Somebody who left again, or too many open files, which others may give back: neither is the end.
                eprintln!("cannot accept: {error}");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let host = host.clone();
        connections.spawn(async move {
            if let Err(error) = connection::run(stream, source, &host).await {
                eprintln!("{source}: {error:#}");
            }
            drop(place);
        });
    }
}
