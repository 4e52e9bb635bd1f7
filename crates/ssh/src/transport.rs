//! The transport protocol (RFC 4253): versions, key exchanges, what may come in between.
//!
//! Owns: the phases of key exchange, the session id, the rekey schedule. Invariants: strict key exchange wherever the peer knows
//! it (Terrapin, P7); between the peer's KEXINIT and its NEWKEYS nothing but the exchange is taken (P3); the host key is judged
//! and its signature verified in every exchange before keys take effect. Must not know: users, channels.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cipher::Cipher;
use crate::entropy::Entropy;
use crate::error::{Error, Reason};
use crate::kex::{Agreed, KexInit, Phase as KexPhase, Preferences, Strict};
use crate::key::Presented;
use crate::message::transport as msg;
use crate::packet::inbox::Numbering;
use crate::packet::{Inbox, Outbox, Volume};
use crate::role::Role;
use crate::time::Now;
use crate::wire::{NameList, Reader};

mod config;
mod exchange;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod version;

pub use config::{HostIdentity, HostSide, RekeyLimits, TransportConfig};
use exchange::Kex;
use version::VersionExchange;

/// How many names of a `server-sig-algs` are kept: there are not half as many.
const ALGORITHMS_MAX: usize = 64;
/// How many name-value pairs an EXT_INFO may hold.
const EXTENSIONS_MAX: u32 = 64;

/// What the last key exchange agreed on, for logs and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Name of the key exchange method.
    pub method: &'static str,
    /// Name of the host key algorithm.
    pub host_key: &'static str,
    /// What the client's packets are sealed with.
    pub client_to_server: Cipher,
    /// What the server's packets are sealed with.
    pub server_to_client: Cipher,
    /// Whether the exchange was strict.
    pub strict: Strict,
}

/// What came out of the transport.
pub(crate) enum Received {
    /// A message of the transport itself; nothing is left to do.
    Handled,
    /// The payload of a message that belongs to a layer above, in the inbox.
    Payload(Range<usize>),
    /// A key exchange has ended.
    Keys,
    /// The peer told its extensions.
    Extensions,
}

/// One side of a transport.
pub(crate) struct Transport {
    pub(crate) role: Role,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    config: Arc<TransportConfig>,
    state: State,
    keys: Option<Keys>,
    /// Extensions of the peer.
    server_sig_algs: Option<Vec<String>>,
    /// What the server presented last, in the client role.
    presented: Option<Presented>,
    rekey_due: Instant,
    exchange_due: Option<Instant>,
}

/// Which part of the protocol runs.
enum State {
    /// Waiting for the peer's version.
    Version(VersionExchange),
    /// Versions are known; key exchanges come and go.
    Packets { versions: Versions, kex: Kex },
    /// A step was taken that failed.
    Broken,
}

/// Both version lines, without CR LF.
#[derive(Debug, Clone)]
struct Versions {
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// What the first key exchange fixed for the whole connection, and what the last one agreed on.
struct Keys {
    session_id: Vec<u8>,
    strict: Strict,
    negotiated: Negotiated,
}

impl Transport {
    pub(crate) fn new(
        role: Role,
        config: Arc<TransportConfig>,
        entropy: Box<dyn Entropy>,
        now: Now,
    ) -> Result<Self, Error> {
        let mut outbox = Outbox::new(entropy);
        let version = config.version_line();
        // RFC 4253, section 4.2.
        if version.len() > version::VERSION_BYTES_MAX - 2 || !version.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err(Error::Misuse("the version is not a line of at most 253 printable ASCII characters"));
        }
        outbox.raw(version.as_bytes());
        outbox.raw(b"\r\n");
        let rekey_due = now.monotonic + config.rekey.interval;
        // Until the versions are known no key exchange can be started, however short the interval.
        let exchange_due = Some(now.monotonic + config.rekey.timeout);
        Ok(Self {
            role,
            inbox: Inbox::new(),
            outbox,
            config,
            state: State::Version(VersionExchange::default()),
            keys: None,
            server_sig_algs: None,
            presented: None,
            rekey_due,
            exchange_due,
        })
    }

    /// Takes the next step; `None` when more bytes are needed.
    pub(crate) fn step(&mut self, now: Now) -> Result<Option<Received>, Error> {
        if let State::Version(exchange) = &mut self.state {
            let Some(theirs) = exchange.step(self.role, &mut self.inbox)? else {
                return Ok(None);
            };
            let versions = Versions { ours: self.config.version_line().into_bytes(), theirs };
            let kex = self.offer(KexPhase::Initial, now)?;
            self.state = State::Packets { versions, kex };
        }
        self.rekey_if_due(now)?;
        let Some((range, sequence)) = self.inbox.packet()? else { return Ok(None) };
        // One packet a step: whoever counts what an unknown peer makes us do must see each of them.
        Ok(Some(self.packet(range, sequence, now)?.unwrap_or(Received::Handled)))
    }

    /// One packet, decided by its number.
    fn packet(&mut self, range: Range<usize>, sequence: u32, now: Now) -> Result<Option<Received>, Error> {
        let number = self.inbox.payload(range.clone()).first().copied().unwrap_or_default();
        if number == msg::DISCONNECT {
            return Err(disconnected(self.inbox.payload(range)));
        }
        if !self.admits(number)? {
            return Err(Error::Misbehaved("message out of phase during a key exchange"));
        }
        match number {
            msg::IGNORE | msg::DEBUG | msg::UNIMPLEMENTED | msg::PONG => Ok(None),
            msg::PING => self.pong(range).map(|()| None),
            msg::EXT_INFO => self.extensions(range).map(|()| Some(Received::Extensions)),
            msg::KEXINIT..=49 => self.kex_message(range, sequence, now),
            msg::SERVICE_REQUEST | msg::SERVICE_ACCEPT | 50..=82 | 90..=100 => Ok(Some(Received::Payload(range))),
            _ => {
                self.outbox.message(msg::UNIMPLEMENTED, |w| {
                    w.u32(sequence);
                })?;
                Ok(None)
            }
        }
    }

    /// Whether a message may come now at all.
    fn admits(&self, number: u8) -> Result<bool, Error> {
        let State::Packets { kex, .. } = &self.state else {
            return Err(Error::Misuse("no packets yet"));
        };
        let exchange = matches!(number, msg::KEXINIT..=49);
        Ok(match (&self.keys, kex.peer_is_bound()) {
            // The first exchange: no peer needs anything else, and whatever could be slipped in is Terrapin's tool.
            (None, _) => exchange,
            // RFC 4253 section 7.1: messages 1 to 4 may come at any time.
            (Some(_), true) => exchange || matches!(number, msg::IGNORE..=msg::DEBUG),
            (Some(_), false) => true,
        })
    }

    fn kex_message(&mut self, range: Range<usize>, sequence: u32, now: Now) -> Result<Option<Received>, Error> {
        let State::Packets { versions, mut kex } = std::mem::replace(&mut self.state, State::Broken) else {
            return Err(Error::Misuse("no packets yet"));
        };
        let payload = self.inbox.payload(range).to_vec();
        let first = payload.first().copied().unwrap_or_default();
        if first == msg::KEXINIT && matches!(kex, Kex::Idle) {
            kex = self.offer(KexPhase::Rekey, now)?;
        }
        let kex = self.exchange_step(&versions, kex, &payload, sequence, now)?;
        let done = matches!(kex, Kex::Idle);
        self.state = State::Packets { versions, kex };
        Ok(done.then_some(Received::Keys))
    }

    /// Sends our KEXINIT; everything else waits from now on.
    fn offer(&mut self, phase: KexPhase, now: Now) -> Result<Kex, Error> {
        let mut cookie = [0; 16];
        self.outbox.entropy().fill(&mut cookie)?;
        let ours = KexInit::ours(self.role, &self.config.preferences, phase, cookie)?;
        let body = ours.payload().get(1..).unwrap_or_default();
        self.outbox.message(msg::KEXINIT, |w| {
            w.bytes(body);
        })?;
        self.outbox.hold();
        self.exchange_due = Some(now.monotonic + self.config.rekey.timeout);
        Ok(Kex::Offered { ours, phase })
    }

    /// Starts a key exchange if the present keys have done enough.
    pub(crate) fn rekey_if_due(&mut self, now: Now) -> Result<(), Error> {
        if matches!(self.exchange_due, Some(due) if now.monotonic >= due) {
            return Err(Error::Timeout("a key exchange did not end"));
        }
        let limits = &self.config.rekey;
        let worn = |volume: Volume| volume.bytes >= limits.bytes || volume.packets >= limits.packets;
        if worn(self.inbox.volume()) || worn(self.outbox.volume()) || now.monotonic >= self.rekey_due {
            self.rekey(now)?;
        }
        Ok(())
    }

    /// Starts a key exchange unless one runs.
    pub(crate) fn rekey(&mut self, now: Now) -> Result<(), Error> {
        if !matches!(&self.state, State::Packets { kex: Kex::Idle, .. }) {
            return Ok(());
        }
        let kex = self.offer(KexPhase::Rekey, now)?;
        if let State::Packets { kex: slot, .. } = &mut self.state {
            *slot = kex;
        }
        Ok(())
    }

    /// New keys for what we send take effect, and what waited leaves.
    fn seal_with(&mut self, agreed: &Agreed, sealer: crate::cipher::Sealer) -> Result<(), Error> {
        let first = self.keys.is_none();
        self.outbox.rekey(sealer, self.numbering(agreed));
        if first && self.role == Role::Server && agreed.ext_info == crate::kex::ExtInfo::Wanted {
            self.tell_extensions()?;
        }
        self.outbox.release()
    }

    fn numbering(&self, agreed: &Agreed) -> Numbering {
        let strict = self.keys.as_ref().map_or(agreed.strict, |keys| keys.strict);
        if strict == Strict::Yes { Numbering::Restart } else { Numbering::Continue }
    }

    fn preferences(&self) -> &Preferences {
        &self.config.preferences
    }

    /// EXT_INFO as the first message after our first NEWKEYS (RFC 8308, section 2.4).
    fn tell_extensions(&mut self) -> Result<(), Error> {
        self.outbox.message(msg::EXT_INFO, |w| {
            w.u32(3);
            w.string(b"server-sig-algs")
                .name_list(crate::key::SignatureAlgorithm::ALL.iter().map(|algorithm| algorithm.name()));
            w.string(b"publickey-hostbound@openssh.com").string(b"0");
            w.string(b"ping@openssh.com").string(b"0");
        })
    }

    fn extensions(&mut self, range: Range<usize>) -> Result<(), Error> {
        let mut r = Reader::new(self.inbox.payload(range));
        let malformed = || Error::malformed("ext info");
        r.u8().map_err(malformed())?;
        let count = r.u32().map_err(malformed())?;
        if count > EXTENSIONS_MAX {
            return Err(Error::Limit("too many extensions"));
        }
        let mut server_sig_algs = None;
        for _ in 0..count {
            let name = r.string().map_err(malformed())?;
            let value = r.string().map_err(malformed())?;
            if name == b"server-sig-algs" {
                let names = NameList::parse(value).map_err(malformed())?;
                server_sig_algs = Some(names.iter().take(ALGORITHMS_MAX).map(str::to_owned).collect());
            }
        }
        r.finish().map_err(malformed())?;
        self.server_sig_algs = server_sig_algs.or(self.server_sig_algs.take());
        Ok(())
    }

    fn pong(&mut self, range: Range<usize>) -> Result<(), Error> {
        let mut r = Reader::new(self.inbox.payload(range));
        r.u8().map_err(Error::malformed("ping"))?;
        let data = r.string_max(4096).map_err(Error::malformed("ping"))?;
        self.outbox.message(msg::PONG, |w| {
            w.string(data);
        })
    }

    /// Says goodbye. Leaves even while a key exchange runs.
    pub(crate) fn disconnect(&mut self, reason: Reason, text: &str) -> Result<(), Error> {
        if matches!(self.state, State::Version(_)) {
            return Ok(());
        }
        self.outbox.message(msg::DISCONNECT, |w| {
            w.u32(reason.0).string(text.as_bytes()).string(b"");
        })
    }

    /// When something is to be done even if nothing comes.
    pub(crate) fn deadline(&self) -> Instant {
        self.exchange_due.unwrap_or(self.rekey_due)
    }

    /// The hash of the first key exchange.
    pub(crate) fn session_id(&self) -> Option<&[u8]> {
        self.keys.as_ref().map(|keys| keys.session_id.as_slice())
    }

    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.keys.as_ref().map(|keys| &keys.negotiated)
    }

    pub(crate) fn presented(&self) -> Option<&Presented> {
        self.presented.as_ref()
    }

    pub(crate) fn server_sig_algs(&self) -> Option<&[String]> {
        self.server_sig_algs.as_deref()
    }

    pub(crate) fn peer_version(&self) -> Option<&[u8]> {
        match &self.state {
            State::Packets { versions, .. } => Some(&versions.theirs),
            State::Version(_) | State::Broken => None,
        }
    }

    /// Our own host keys, in the server role.
    pub(crate) fn host_identity(&self) -> Option<&HostIdentity> {
        match &self.config.host {
            HostSide::Server(identity) => Some(identity),
            HostSide::Client(_) => None,
        }
    }

    /// What we presented in the last exchange, in the server role: the key, or the certificate that holds it.
    pub(crate) fn presented_by_us(&self) -> Option<&[u8]> {
        let identity = self.host_identity()?;
        let agreed = self.negotiated()?.host_key;
        match &identity.certificate {
            Some(certificate) if agreed == certificate.key().algorithm().certificate_name() => Some(certificate.blob()),
            _ => Some(identity.key.public_key().blob()),
        }
    }
}

fn disconnected(payload: &[u8]) -> Error {
    let mut r = Reader::new(payload);
    let mut parse = || {
        r.u8()?;
        Ok((Reason(r.u32()?), r.string_max(4096)?))
    };
    match parse().map_err(Error::malformed("disconnect")) {
        Ok((reason, text)) => Error::Disconnected { reason, text: String::from_utf8_lossy(text).into_owned() },
        Err(error) => error,
    }
}

#[cfg(test)]
impl Transport {
    /// Takes a message as if it had been opened just now.
    pub(crate) fn inject(&mut self, payload: &[u8], now: Now) -> Result<Option<Received>, Error> {
        let range = self.inbox.place(payload);
        self.packet(range, 0, now)
    }

    /// The name of the state, for the page of states.
    pub(crate) fn stage(&self) -> &'static str {
        match &self.state {
            State::Version(_) => "version",
            State::Packets { kex, .. } => match kex {
                Kex::Idle => "ready",
                Kex::Offered { .. } => "offered",
                Kex::AwaitReply { .. } => "await reply",
                Kex::AwaitInit { .. } => "await init",
                Kex::AwaitNewKeys { .. } => "await newkeys",
            },
            State::Broken => "broken",
        }
    }
}

/// The default of [`RekeyLimits::timeout`].
const EXCHANGE_TIMEOUT: Duration = Duration::from_mins(5);
