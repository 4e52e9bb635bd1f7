//! The gateway with a target of its own, for a first look.
//!
//! Owns: a private folder with the keys of one run, and the lines to copy. Invariants: everything listens on loopback, at free
//! ports; nobody is asked whether to trust a host, because the keys are told; the folder goes when the demo ends, unless it is
//! killed. Must not know: how the gateway and the target work.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use sallyport_ssh::connection::ConnectionLimits;
use sallyport_ssh::engine::{ClientConfig, Timing};
use sallyport_ssh::key::{HostTrust, PublicKey, SigningKey};
use sallyport_ssh::transport::{HostIdentity, TransportConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::Gateway;
use crate::host::{Admission, Host};

/// Runs until Ctrl-C, SIGTERM, or the end of the terminal.
pub(crate) async fn run() -> Result<()> {
    let folder = Folder::create()?;
    let recordings = folder.0.join("recordings");
    let (visitor, identity, gateway_key, target_key) =
        (SigningKey::generate()?, SigningKey::generate()?, SigningKey::generate()?, SigningKey::generate()?);
    let target_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let target_address = target_listener.local_addr()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    write_client_files(&folder.0, address, &visitor, gateway_key.public_key())?;

    let trust = HostTrust { keys: vec![target_key.public_key().clone()], ..HostTrust::default() };
    let target = target(target_key, identity.public_key())?;
    let gateway = Gateway {
        server: Arc::new(server(gateway_key)),
        client: ClientConfig {
            transport: Arc::new(TransportConfig::client(trust)),
            connection: ConnectionLimits::default(),
            timing: Timing::default(),
        },
        target: target_address,
        authorized: vec![visitor.public_key().clone()],
        identity,
        user: None,
        record: Some(recordings.clone()),
    };
    println!("{}", welcome(&folder.0, &recordings, address, target_address));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        result = crate::serve(listener, Arc::new(gateway)) => result,
        result = crate::host::serve(target_listener, Arc::new(target)) => result,
        result = tokio::signal::ctrl_c() => result.context("cannot wait for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

fn server(key: SigningKey) -> TransportConfig {
    TransportConfig::server(HostIdentity { key: Arc::new(key), certificate: None, next_keys: Vec::new() })
}

/// Lets in the gateway and nobody else.
fn target(key: SigningKey, gateway: &PublicKey) -> Result<Host> {
    let admission = Admission { keys: vec![gateway.clone()], authorities: Vec::new(), password: None };
    Host::new(server(key), admission)
}

/// What `ssh -F` needs to come in without a question.
fn write_client_files(folder: &Path, address: SocketAddr, visitor: &SigningKey, gateway: &PublicKey) -> Result<()> {
    let (ip, port) = (address.ip(), address.port());
    let (key, known_hosts) = (folder.join("key"), folder.join("known_hosts"));
    write_private(&key, visitor.to_openssh("sallyport demo")?.as_bytes())?;
    let known = format!("[{ip}]:{port} {}\n", gateway.to_openssh());
    write_private(&known_hosts, known.as_bytes())?;
    let config = format!(
        "Host demo\n\
         \x20 HostName {ip}\n\
         \x20 Port {port}\n\
         \x20 User demo\n\
         \x20 IdentityFile \"{}\"\n\
         \x20 IdentitiesOnly yes\n\
         \x20 UserKnownHostsFile \"{}\"\n\
         \x20 StrictHostKeyChecking yes\n",
        key.display(),
        known_hosts.display()
    );
    write_private(&folder.join("config"), config.as_bytes())
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .with_context(|| path.display().to_string())
}

fn welcome(folder: &Path, recordings: &Path, gateway: SocketAddr, target: SocketAddr) -> String {
    let config = shell_quoted(&folder.join("config"));
    format!(
        "The demo of sallyport's SSH engine: a gateway, and a target behind it that is you again.\n\
         Nobody approves anything yet: whoever has the key passes.\n\
         \n\
         \x20   client  ->  gateway {gateway}  ->  target {target}\n\
         \n\
         In another terminal:\n\
         \n\
         \x20   ssh  -F {config} demo\n\
         \x20   sftp -F {config} demo\n\
         \n\
         What passes is written down before it passes, also what you type:\n\
         \n\
         \x20   {}\n\
         \n\
         Ctrl-C ends the demo and removes {}",
        recordings.display(),
        folder.display()
    )
}

/// As a shell takes it for one word.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A folder that nobody else can look into, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self> {
        let base = std::env::temp_dir();
        for attempt in 0..100 {
            let name = format!("sallyport-demo-{}-{attempt}", std::process::id());
            let path = base.join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            }
        }
        anyhow::bail!("{} is full of folders of earlier demos", base.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}
