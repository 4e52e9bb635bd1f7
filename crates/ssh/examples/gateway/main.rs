//! A minimal SSH gateway on the engine: one target, public keys, optional recording.
//!
//! It shows how little a gateway is once the protocol is done, and it is what the end-to-end tests and the benchmarks run
//! through. It approves nothing and asks nobody: sallyport does.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use sallyport_ssh::auth::{MethodSet, ServerAuthConfig};
use sallyport_ssh::connection::ConnectionLimits;
use sallyport_ssh::engine::{ClientConfig, ServerConfig, Timing};
use sallyport_ssh::key::{Certificate, HostTrust, PublicKey, SigningKey};
use sallyport_ssh::transport::{HostIdentity, TransportConfig};
use tokio::net::TcpListener;

mod demo;
mod door;
#[path = "../host/serve.rs"]
mod host;

use door::Door;
mod record;
mod session;

/// Lets clients with one of the authorized keys through to one target.
#[derive(Parser)]
struct Args {
    /// Start a target, make keys for this run, and say what to type.
    #[arg(long)]
    demo: bool,
    /// Where to listen; port 0 takes a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The target.
    #[arg(long, required_unless_present = "demo")]
    target: Option<SocketAddr>,
    /// The target's host key, in the form of a .pub file. May be given more than once.
    #[arg(long)]
    target_key: Vec<PathBuf>,
    /// A key that may certify the target, in the form of a .pub file.
    #[arg(long)]
    target_authority: Vec<PathBuf>,
    /// The name that a certificate of the target must hold.
    #[arg(long)]
    target_name: Vec<String>,
    /// Our host key: an OpenSSH private key file. Made for this run if it is not given.
    #[arg(long)]
    host_key: Option<PathBuf>,
    /// A certificate for our host key.
    #[arg(long)]
    host_certificate: Option<PathBuf>,
    /// Who may come in: a file with public keys, one on each line.
    #[arg(long, required_unless_present = "demo")]
    authorized: Option<PathBuf>,
    /// The private key to sign in to the target with.
    #[arg(long, required_unless_present = "demo")]
    identity: Option<PathBuf>,
    /// The name to sign in with; the client's own if it is not given.
    #[arg(long)]
    user: Option<String>,
    /// Write everything that passes into files in this folder, before it is forwarded.
    #[arg(long)]
    record: Option<PathBuf>,
    /// The target is old: offer it algorithms that are not offered otherwise.
    #[arg(long)]
    legacy: bool,
    /// Renew keys after so many bytes in one direction.
    #[arg(long)]
    rekey_bytes: Option<u64>,
    /// The only cipher to use towards the target.
    #[arg(long)]
    target_cipher: Option<String>,
}

/// What one gateway knows.
pub(crate) struct Gateway {
    server: Arc<TransportConfig>,
    client: ClientConfig,
    target: SocketAddr,
    authorized: Vec<PublicKey>,
    identity: SigningKey,
    user: Option<String>,
    record: Option<PathBuf>,
}

impl Gateway {
    fn server_config(&self, source: SocketAddr) -> ServerConfig {
        let mut auth = ServerAuthConfig { methods: MethodSet::PUBLIC_KEY, ..ServerAuthConfig::default() };
        auth.source = Some(source.ip());
        ServerConfig {
            transport: self.server.clone(),
            auth: Arc::new(auth),
            connection: ConnectionLimits::default(),
            timing: Timing::default(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    if args.demo {
        return demo::run().await;
    }
    let gateway = Arc::new(gateway(&args)?);
    let listener = TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener, gateway).await
}

/// Accepts connections for ever; one that fails takes nobody along.
async fn serve(listener: TcpListener, gateway: Arc<Gateway>) -> Result<()> {
    let door = Door::new();
    loop {
        let (stream, source) = listener.accept().await?;
        let gateway = gateway.clone();
        door.enter(source.ip(), |place| {
            let connection = tokio::spawn(async move {
                if let Err(error) = session::run(stream, source, place, &gateway).await {
                    eprintln!("{source}: {error:#}");
                }
            });
            connection.abort_handle()
        });
    }
}

fn gateway(args: &Args) -> Result<Gateway> {
    let key = match &args.host_key {
        Some(path) => SigningKey::from_openssh(&read(path)?).with_context(|| path.display().to_string())?,
        None => SigningKey::generate()?,
    };
    let certificate = match &args.host_certificate {
        Some(path) => Some(Certificate::from_openssh(&read(path)?).with_context(|| path.display().to_string())?),
        None => None,
    };
    let trust = HostTrust {
        keys: public_keys(&args.target_key)?,
        authorities: public_keys(&args.target_authority)?,
        names: args.target_name.clone(),
    };
    let mut server = TransportConfig::server(HostIdentity { key: Arc::new(key), certificate, next_keys: Vec::new() });
    let mut client = if args.legacy { TransportConfig::client_legacy(trust) } else { TransportConfig::client(trust) };
    if let Some(name) = &args.target_cipher {
        client.preferences.ciphers.retain(|cipher| cipher.name() == name);
    }
    if let Some(bytes) = args.rekey_bytes {
        server.rekey.bytes = bytes;
        client.rekey.bytes = bytes;
    }
    let identity = args.identity.as_ref().context("--identity is missing")?;
    Ok(Gateway {
        server: Arc::new(server),
        client: ClientConfig {
            transport: Arc::new(client),
            connection: ConnectionLimits::default(),
            timing: Timing::default(),
        },
        target: args.target.context("--target is missing")?,
        authorized: public_keys(args.authorized.as_slice())?,
        identity: SigningKey::from_openssh(&read(identity)?).with_context(|| identity.display().to_string())?,
        user: args.user.clone(),
        record: args.record.clone(),
    })
}

fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>> {
    let mut keys = Vec::new();
    for path in paths {
        for line in read(path)?.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            keys.push(PublicKey::from_openssh(line).with_context(|| format!("{}: {line}", path.display()))?);
        }
    }
    Ok(keys)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
