//! russh, the other Rust implementation: client and server, in the test's own process.
//!
//! It is a peer and nothing else; no part of sallyport is built on it.

use std::borrow::Cow;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ::russh::client::{self, AuthResult};
use ::russh::keys::{
    Algorithm, Certificate, EcdsaCurve, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
    load_openssh_certificate, load_secret_key,
};
use ::russh::server::{self, Auth, Msg, VerifiedPublicKey};
use ::russh::{Channel, ChannelId, ChannelMsg, Disconnect, Limits, Preferred, Sig, cipher, kex, mac};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

use super::{Asking, Host, Running, Serving, Target};
use crate::place::Key;
use crate::program::{Finished, soon, spawn};

/// Everything that russh knows of what anybody here might want.
fn preferred() -> Preferred {
    let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
    let rsa = [HashAlg::Sha512, HashAlg::Sha256];
    let keys: Vec<_> = [Algorithm::Ed25519]
        .into_iter()
        .chain(curves.map(|curve| Algorithm::Ecdsa { curve }))
        .chain(rsa.map(|hash| Algorithm::Rsa { hash: Some(hash) }))
        .collect();
    let mut methods = Preferred::DEFAULT.kex.into_owned();
    methods.extend([kex::ECDH_SHA2_NISTP256, kex::ECDH_SHA2_NISTP384]);
    let mut ciphers = Preferred::DEFAULT.cipher.into_owned();
    ciphers.push(cipher::AES_128_GCM);
    Preferred {
        kex: Cow::Owned(methods),
        host_key_certificates: Cow::Owned(keys.clone()),
        key: Cow::Owned(keys),
        cipher: Cow::Owned(ciphers),
        mac: Cow::Owned(vec![mac::HMAC_SHA512_ETM, mac::HMAC_SHA256_ETM]),
        ..Preferred::DEFAULT
    }
}

/// A config that is narrowed to names, where there are any.
fn narrowed(serving: &Serving<'_>) -> Preferred {
    let mut preferred = preferred();
    let wants = |wanted: &[&str], name: &str| wanted.is_empty() || wanted.contains(&name);
    // What is no method but an extension stays.
    preferred.kex.to_mut().retain(|name| {
        wants(serving.methods, name.as_ref()) || name.as_ref().starts_with("ext-") || name.as_ref().contains("strict")
    });
    preferred.cipher.to_mut().retain(|name| wants(serving.ciphers, name.as_ref()));
    preferred.mac.to_mut().retain(|name| wants(serving.macs, name.as_ref()));
    preferred
}

fn limits(rekey_bytes: Option<u32>) -> Limits {
    rekey_bytes.and_then(|bytes| usize::try_from(bytes).ok()).map_or_else(Limits::default, |bytes| Limits {
        rekey_write_limit: bytes,
        rekey_read_limit: bytes,
        ..Limits::default()
    })
}

/// Ends with its handle.
pub(crate) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A server that runs commands with a shell.
pub(crate) async fn server(serving: &Serving<'_>) -> Target {
    let certificates = serving.host_keys.iter().map(Key::certificate_path).filter(|path| path.exists());
    let config = Arc::new(server::Config {
        keys: serving.host_keys.iter().map(|key| private(&key.path)).collect(),
        certificates: certificates.map(|path| load_openssh_certificate(path).unwrap()).collect(),
        preferred: narrowed(serving),
        limits: limits(serving.rekey_bytes),
        nodelay: true,
        ..server::Config::default()
    });
    let authorized: Vec<_> = serving.authorized.iter().map(|line| PublicKey::from_openssh(line).unwrap()).collect();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = Handler { authorized: authorized.clone(), channel: None };
            let config = config.clone();
            tokio::spawn(async move {
                if let Ok(session) = server::run_stream(config, stream, handler).await
                    && let Err(error) = session.await
                {
                    eprintln!("russh server: {error}");
                }
            });
        }
    });
    Target { address, user: "tester", _running: Running::Task(Task(task)) }
}

struct Handler {
    authorized: Vec<PublicKey>,
    channel: Option<Channel<Msg>>,
}

impl server::Handler for Handler {
    type Error = ::russh::Error;

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let ours = self.authorized.iter().any(|known| known.key_data() == key.public_key.key_data());
        Ok(if ours { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        _: &mut server::Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        self.channel = Some(channel);
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(id)?;
        if let Some(channel) = self.channel.take() {
            let command = String::from_utf8_lossy(command).into_owned();
            tokio::spawn(serve(channel, session.handle(), command));
        }
        Ok(())
    }
}

/// Runs one command on a channel.
async fn serve(channel: Channel<Msg>, handle: server::Handle, command: String) {
    let id = channel.id();
    let mut child = spawn(Command::new("/bin/sh").args(["-c", &command]).stdin(Stdio::piped()).stdout(Stdio::piped()));
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut reader, writer) = channel.split();
    let feed = tokio::spawn(async move {
        while let Some(message) = reader.wait().await {
            match message {
                ChannelMsg::Data { data } if input.write_all(&data).await.is_ok() => {}
                ChannelMsg::Eof | ChannelMsg::Data { .. } => break,
                _ => {}
            }
        }
    });
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        if writer.data(&buffer[..count]).await.is_err() {
            break;
        }
    }
    feed.abort();
    let status = child.wait().await.unwrap();
    let _ = match status.code() {
        Some(code) => handle.exit_status_request(id, u32::try_from(code).unwrap()).await,
        None => handle.exit_signal_request(id, Sig::KILL, false, String::new(), String::new()).await,
    };
    let _ = handle.eof(id).await;
    let _ = handle.close(id).await;
}

/// Runs one command through a server, as the programs of other clients do.
pub(crate) async fn run(asking: &Asking<'_>, input: &[u8]) -> Finished {
    soon("russh's command", command(asking, input)).await.unwrap_or_else(|error| {
        eprintln!("russh client: {error}");
        Finished { status: Some(255), output: Vec::new() }
    })
}

/// Connects to a server, and goes no further than that wants.
pub(crate) async fn connect(asking: &Asking<'_>) -> Result<client::Handle<Believing>, ::russh::Error> {
    let config = client::Config {
        preferred: preferred(),
        limits: limits(asking.rekey_bytes),
        nodelay: true,
        ..client::Config::default()
    };
    let handler = Believing {
        host: PublicKey::from_openssh(&asking.host.key().public_line())?,
        is_authority: matches!(asking.host, Host::Authority(_)),
    };
    client::connect(Arc::new(config), asking.address, handler).await
}

async fn command(asking: &Asking<'_>, input: &[u8]) -> Result<Finished, ::russh::Error> {
    let mut session = connect(asking).await?;
    let key = Arc::new(private(&asking.key.path));
    let signed_in = if asking.with_certificate {
        let certificate = load_openssh_certificate(asking.key.certificate_path())?;
        session.authenticate_openssh_cert(asking.user, key, certificate).await?
    } else {
        let hash = session.best_supported_rsa_hash().await?.flatten();
        session.authenticate_publickey(asking.user, PrivateKeyWithHashAlg::new(key, hash)).await?
    };
    if !matches!(signed_in, AuthResult::Success) {
        return Ok(Finished { status: Some(255), output: Vec::new() });
    }
    let channel = session.channel_open_session().await?;
    channel.exec(true, asking.command).await?;
    let (mut reader, writer) = channel.split();
    let input = input.to_vec();
    let feed = tokio::spawn(async move {
        let _ = writer.data(&input[..]).await;
        let _ = writer.eof().await;
    });
    let mut finished = Finished { status: None, output: Vec::new() };
    while let Some(message) = reader.wait().await {
        match message {
            ChannelMsg::Data { data } => finished.output.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => finished.status = i32::try_from(exit_status).ok(),
            _ => {}
        }
    }
    feed.abort();
    session.disconnect(Disconnect::ByApplication, "", "").await?;
    Ok(finished)
}

/// Believes one host key, or the certificates of one authority.
pub(crate) struct Believing {
    host: PublicKey,
    is_authority: bool,
}

impl client::Handler for Believing {
    type Error = ::russh::Error;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(match presented {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                !self.is_authority && key.key_data() == self.host.key_data()
            }
            PublicKeyOrCertificate::Certificate(certificate) => self.is_authority && self.vouches_for(certificate),
        })
    }
}

impl Believing {
    fn vouches_for(&self, certificate: &Certificate) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let fingerprint = self.host.fingerprint(HashAlg::Sha256);
        certificate.validate_at(now, [&fingerprint]).is_ok()
            && certificate.valid_principals().iter().any(|name| name == "127.0.0.1")
    }
}

fn private(path: &std::path::Path) -> PrivateKey {
    load_secret_key(path, None).unwrap()
}
