//! A small SSH server on the engine: programs, terminals, sftp and forwards for the user who started it.
//!
//! Owns: the command line and the keys it names. The server itself is in `serve.rs`. It listens on loopback only: whoever signs
//! in is the user who started it, under whatever name.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use sallyport_ssh::key::{Certificate, PublicKey, SigningKey};
use sallyport_ssh::transport::{HostIdentity, TransportConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

// Named by its path, so that its own modules are found beside it here as well as from the gateway's demo.
#[path = "serve.rs"]
mod serve;

use serve::{Admission, Host};

/// Serves the user who starts it, on loopback.
#[derive(Parser)]
struct Args {
    /// Where to listen: a loopback address. Port 0 takes a free one, which is printed.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The host key: an OpenSSH private key file. Made for this run if it is not given.
    #[arg(long)]
    host_key: Option<PathBuf>,
    /// A certificate for the host key.
    #[arg(long)]
    host_certificate: Option<PathBuf>,
    /// Who may come in: a file with public keys, one on each line.
    #[arg(long)]
    authorized: Vec<PathBuf>,
    /// A key that may certify users, in the form of a .pub file. The certificate must name the user.
    #[arg(long)]
    authority: Vec<PathBuf>,
    /// NAME:SECRET, also lets in who knows it, by password and keyboard-interactive. Visible to other users of the machine: for
    /// tests.
    #[arg(long)]
    password: Option<String>,
    /// Renew keys after so many bytes in one direction.
    #[arg(long)]
    rekey_bytes: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.listen.ip().is_loopback(), "{} is not a loopback address", args.listen);
    let key = host_key(&args)?;
    let public = key.public_key().to_openssh();
    let host = Arc::new(host(&args, key)?);
    let listener = TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    println!("listening on {}", listener.local_addr()?);
    println!("host key {public}");
    let mut terminate = signal(SignalKind::terminate())?;
    // What ends this way ends its sessions as well: their programs hear of it when their connection is dropped.
    tokio::select! {
        result = serve::serve(listener, host) => result,
        result = tokio::signal::ctrl_c() => result.context("cannot wait for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

fn host_key(args: &Args) -> Result<SigningKey> {
    match &args.host_key {
        Some(path) => SigningKey::from_openssh(&read(path)?).with_context(|| path.display().to_string()),
        None => Ok(SigningKey::generate()?),
    }
}

fn host(args: &Args, key: SigningKey) -> Result<Host> {
    let certificate = match &args.host_certificate {
        Some(path) => Some(Certificate::from_openssh(&read(path)?).with_context(|| path.display().to_string())?),
        None => None,
    };
    let admission = Admission {
        keys: public_keys(&args.authorized)?,
        authorities: public_keys(&args.authority)?,
        password: args.password.as_deref().map(str::parse).transpose()?,
    };
    let mut transport =
        TransportConfig::server(HostIdentity { key: Arc::new(key), certificate, next_keys: Vec::new() });
    if let Some(bytes) = args.rekey_bytes {
        transport.rekey.bytes = bytes;
    }
    Host::new(transport, admission).context("give --authorized, --authority or --password")
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
