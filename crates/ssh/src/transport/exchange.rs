//! The steps of one key exchange (RFC 4253 sections 7 and 8, RFC 5656 section 4).
//!
//! Owns: the states of an exchange. Each owns what it needs and is consumed by the next message; what may not come finds no arm.

use super::{HostIdentity, HostSide, Keys, Negotiated, Transport, Versions};
use crate::cipher::{Opener, Sealer};
use crate::error::Error;
use crate::kex::{
    Agreed, Direction, Form, Guess, Initiator, KexInit, Phase, SharedSecret, Strict, Transcript, derive, exchange_hash,
    negotiate, respond,
};
use crate::key::Presented;
use crate::message::transport as msg;
use crate::role::Role;
use crate::time::Now;
use crate::wire::Reader;

/// Where a key exchange stands.
pub(super) enum Kex {
    /// None runs.
    Idle,
    /// Our KEXINIT is out.
    Offered { ours: KexInit, phase: Phase },
    /// Client: our public value is out.
    AwaitReply { inits: Box<Inits>, initiator: Box<Initiator>, public: Vec<u8>, skip: Skip },
    /// Server: the client's public value is to come.
    AwaitInit { inits: Box<Inits>, skip: Skip },
    /// Our NEWKEYS is out; these keys await the peer's.
    AwaitNewKeys { agreed: Agreed, opener: Opener, session_id: Vec<u8> },
}

/// Both KEXINITs and what came of them.
pub(super) struct Inits {
    agreed: Agreed,
    client: Vec<u8>,
    server: Vec<u8>,
}

/// Whether the peer guessed wrong, so that its next packet is to be dropped (RFC 4253, section 7.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    Nothing,
    Next,
}

impl Kex {
    /// Whether the peer has sent its KEXINIT and not yet its NEWKEYS.
    pub(super) fn peer_is_bound(&self) -> bool {
        !matches!(self, Self::Idle | Self::Offered { .. })
    }
}

impl Transport {
    /// Consumes the state and one message of the exchange.
    pub(super) fn exchange_step(
        &mut self,
        versions: &Versions,
        kex: Kex,
        payload: &[u8],
        sequence: u32,
        now: Now,
    ) -> Result<Kex, Error> {
        let number = payload.first().copied().unwrap_or_default();
        match (kex, number) {
            (Kex::Offered { ours, phase }, msg::KEXINIT) => self.agree(ours, phase, payload, sequence),
            (Kex::AwaitInit { inits, skip: Skip::Next }, 30..=49) => Ok(Kex::AwaitInit { inits, skip: Skip::Nothing }),
            (Kex::AwaitReply { inits, initiator, public, skip: Skip::Next }, 30..=49) => {
                Ok(Kex::AwaitReply { inits, initiator, public, skip: Skip::Nothing })
            }
            (Kex::AwaitInit { inits, skip: Skip::Nothing }, msg::KEX_INIT) => self.answer(versions, &inits, payload),
            (Kex::AwaitReply { inits, initiator, public, skip: Skip::Nothing }, msg::KEX_REPLY) => {
                self.conclude(versions, &inits, *initiator, &public, payload, now)
            }
            (Kex::AwaitNewKeys { agreed, opener, session_id }, msg::NEWKEYS) if payload.len() == 1 => {
                self.inbox.rekey(opener, self.numbering(&agreed));
                self.settle(&agreed, session_id, now);
                Ok(Kex::Idle)
            }
            _ => Err(Error::Misbehaved("key exchange message out of phase")),
        }
    }

    /// Both KEXINITs are there.
    fn agree(&mut self, ours: KexInit, phase: Phase, payload: &[u8], sequence: u32) -> Result<Kex, Error> {
        let theirs = KexInit::parse(payload)?;
        let agreed = negotiate(self.role, &ours, &theirs, self.preferences())?;
        // OpenSSH PROTOCOL section 1.10: with strict exchange, KEXINIT is the very first packet.
        if phase == Phase::Initial && agreed.strict == Strict::Yes && sequence != 0 {
            return Err(Error::Misbehaved("packets before the first KEXINIT"));
        }
        let (client, server) = match self.role {
            Role::Client => (ours, theirs),
            Role::Server => (theirs, ours),
        };
        let (client, server) = (client.payload().to_vec(), server.payload().to_vec());
        let skip = if agreed.guess == Guess::Wrong { Skip::Next } else { Skip::Nothing };
        let inits = Box::new(Inits { agreed, client, server });
        if self.role == Role::Server {
            return Ok(Kex::AwaitInit { inits, skip });
        }
        let (initiator, public) = Initiator::start(agreed.method)?;
        self.outbox.message(msg::KEX_INIT, |w| {
            w.string(&public);
        })?;
        Ok(Kex::AwaitReply { inits, initiator: Box::new(initiator), public, skip })
    }

    /// Server: the client's public value came.
    fn answer(&mut self, versions: &Versions, inits: &Inits, payload: &[u8]) -> Result<Kex, Error> {
        let mut r = Reader::new(payload);
        let mut parse = || {
            r.u8()?;
            let public = r.string()?;
            r.clone().finish().map(|()| public)
        };
        let client_public = parse().map_err(Error::malformed("key exchange init"))?;
        let (server_public, secret) = respond(inits.agreed.method, client_public)?;
        let identity = self.host_identity().ok_or(Error::Misuse("a server without host key"))?;
        let host_key = presented_blob(identity, inits.agreed.host_key.form)?;
        let hash = inits.hash(Role::Server, versions, &host_key, client_public, &server_public, &secret)?;
        let signature = identity.key.sign(&hash);
        self.outbox.message(msg::KEX_REPLY, |w| {
            w.string(&host_key).string(&server_public).string(&signature);
        })?;
        self.take_keys(inits.agreed, &secret, hash)
    }

    /// Client: the server's public value, its host key and its signature came.
    fn conclude(
        &mut self,
        versions: &Versions,
        inits: &Inits,
        initiator: Initiator,
        client_public: &[u8],
        payload: &[u8],
        now: Now,
    ) -> Result<Kex, Error> {
        let mut r = Reader::new(payload);
        let mut parse = || {
            r.u8()?;
            let fields = (r.string()?, r.string()?, r.string()?);
            r.clone().finish().map(|()| fields)
        };
        let (host_key, server_public, signature) = parse().map_err(Error::malformed("key exchange reply"))?;
        let secret = initiator.finish(server_public)?;
        let hash = inits.hash(Role::Client, versions, host_key, client_public, server_public, &secret)?;
        self.judge_host(&inits.agreed, host_key, &hash, signature, now)?;
        self.take_keys(inits.agreed, &secret, hash)
    }

    /// The host's key is one we trust, it is of the kind agreed on, and it signed this exchange.
    fn judge_host(
        &mut self,
        agreed: &Agreed,
        blob: &[u8],
        hash: &[u8],
        signature: &[u8],
        now: Now,
    ) -> Result<(), Error> {
        let presented = Presented::from_blob(blob)
            .map_err(|error| Error::HostKey { why: error.to_string(), presented: "unreadable".to_owned() })?;
        let form = match presented {
            Presented::Key(_) => Form::Plain,
            Presented::Certificate(_) => Form::Certificate,
        };
        if form != agreed.host_key.form || !agreed.host_key.signature.fits(presented.key().algorithm()) {
            return Err(Error::Misbehaved("the host key is not of the kind agreed on"));
        }
        let verified = presented.key().verify(hash, signature).map_err(|_| Error::HostSignature)?;
        if verified.algorithm != agreed.host_key.signature {
            return Err(Error::HostSignature);
        }
        let HostSide::Client(trust) = &self.config.host else {
            return Err(Error::Misuse("a client with a host key"));
        };
        let verdict = trust.judge(&presented, now);
        let description = presented.describe();
        self.presented = Some(presented);
        verdict.map_err(|why| Error::HostKey { why, presented: description })
    }

    /// Sends NEWKEYS and seals with the new keys; the others wait for the peer's NEWKEYS.
    fn take_keys(&mut self, agreed: Agreed, secret: &SharedSecret, hash: Vec<u8>) -> Result<Kex, Error> {
        let session_id = self.session_id().map_or_else(|| hash.clone(), <[u8]>::to_vec);
        let derive = |cipher, direction| derive(agreed.method.hash(), secret, &hash, &session_id, cipher, direction);
        let to_server = (agreed.client_to_server, Direction::ClientToServer);
        let to_client = (agreed.server_to_client, Direction::ServerToClient);
        let (seal, open) = if self.role == Role::Client { (to_server, to_client) } else { (to_client, to_server) };
        let sealer = Sealer::new(seal.0, &derive(seal.0, seal.1))?;
        let opener = Opener::new(open.0, &derive(open.0, open.1))?;
        self.outbox.message(msg::NEWKEYS, |_| {})?;
        self.seal_with(&agreed, sealer)?;
        Ok(Kex::AwaitNewKeys { agreed, opener, session_id })
    }

    /// Both directions use the new keys.
    fn settle(&mut self, agreed: &Agreed, session_id: Vec<u8>, now: Now) {
        let strict = self.keys.as_ref().map_or(agreed.strict, |keys| keys.strict);
        let negotiated = Negotiated {
            method: agreed.method.names().first().copied().unwrap_or_default(),
            host_key: agreed.host_key.name(),
            client_to_server: agreed.client_to_server,
            server_to_client: agreed.server_to_client,
            strict,
        };
        self.keys = Some(Keys { session_id, strict, negotiated });
        self.exchange_due = None;
        self.rekey_due = now.monotonic + self.config.rekey.interval;
    }
}

impl Inits {
    fn hash(
        &self,
        role: Role,
        versions: &Versions,
        host_key: &[u8],
        client_public: &[u8],
        server_public: &[u8],
        secret: &SharedSecret,
    ) -> Result<Vec<u8>, Error> {
        let (client_version, server_version) = match role {
            Role::Client => (&versions.ours, &versions.theirs),
            Role::Server => (&versions.theirs, &versions.ours),
        };
        let transcript = Transcript {
            client_version,
            server_version,
            client_kexinit: &self.client,
            server_kexinit: &self.server,
            host_key,
            client_public,
            server_public,
        };
        exchange_hash(self.agreed.method.hash(), &transcript, secret)
    }
}

fn presented_blob(identity: &HostIdentity, form: Form) -> Result<Vec<u8>, Error> {
    match (form, &identity.certificate) {
        (Form::Plain, _) => Ok(identity.key.public_key().blob().to_vec()),
        (Form::Certificate, Some(certificate)) => Ok(certificate.blob().to_vec()),
        (Form::Certificate, None) => Err(Error::Misuse("no host certificate to present")),
    }
}
