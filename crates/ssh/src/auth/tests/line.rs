//! Messages carried between two halves, in the packets that they would travel in, under a chosen clock.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, UNIX_EPOCH};

use crate::auth::message::PublicKeyRequest;
use crate::auth::{
    Attempt, ClientAuth, ClientAuthEvent, InteractiveAttempt, KeyOffer, Method, MethodSet, Prompts, ServerAuth,
    ServerAuthConfig, ServerAuthEvent,
};
use crate::entropy::SystemEntropy;
use crate::error::Error;
use crate::key::{
    Certificate, CertificateDraft, CertificateKind, KeyAlgorithm, Presented, PublicKey, SigningKey, UserAuthorities,
};
use crate::message::{transport, userauth};
use crate::packet::{Inbox, Outbox};
use crate::time::Now;
use crate::wire::{Writer, encode};

pub(in crate::auth) const SESSION_ID: &[u8] = b"the first exchange hash, 32 byte";
pub(in crate::auth) const HOST_KEY: &[u8] = b"the blob of our host key";
/// The wall clock at the start, in seconds since 1970.
pub(in crate::auth) const WALL: u64 = 1_800_000_000;
pub(in crate::auth) const FLOOR: Duration = Duration::from_millis(20);

/// The same instant for every call, so that times can be compared.
pub(in crate::auth) fn start() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    Now {
        monotonic: *START.get_or_init(|| crate::driver::now().monotonic),
        wall: UNIX_EPOCH + Duration::from_secs(WALL),
    }
}

/// Every method, no waiting, certificates refused.
pub(in crate::auth) fn config() -> ServerAuthConfig {
    let methods = MethodSet::PUBLIC_KEY.with(MethodSet::KEYBOARD_INTERACTIVE).with(MethodSet::PASSWORD);
    ServerAuthConfig { methods, answer_floor: Duration::ZERO, ..ServerAuthConfig::default() }
}

/// The same, and certificates by `authority` are judged.
pub(in crate::auth) fn trusting(authority: &SigningKey) -> ServerAuthConfig {
    let authorities = UserAuthorities::new(vec![authority.public_key().clone()]);
    ServerAuthConfig { certificate_policy: Some(Arc::new(authorities)), ..config() }
}

pub(in crate::auth) fn key() -> SigningKey {
    SigningKey::generate().unwrap()
}

pub(in crate::auth) fn plain(key: &SigningKey) -> Presented {
    Presented::Key(key.public_key().clone())
}

/// A draft for `alice` that is good for an hour around [`WALL`].
pub(in crate::auth) fn draft(key: &SigningKey) -> CertificateDraft {
    let principals = vec!["alice".to_owned()];
    CertificateDraft::new(key.public_key().clone(), CertificateKind::User, principals, WALL - 60, WALL + 3600)
}

pub(in crate::auth) fn issue(draft: CertificateDraft, authority: &SigningKey) -> Certificate {
    draft.danger_issue_for_anyone(authority, &mut SystemEntropy).unwrap()
}

/// A public key blob and the signatures of an Ed25519 key in a FIDO authenticator, whose flags are chosen.
pub(in crate::auth) struct Authenticator {
    inner: SigningKey,
    pub(in crate::auth) public: PublicKey,
}

impl Authenticator {
    pub(in crate::auth) fn new() -> Self {
        let inner = key();
        let mut reader = crate::wire::Reader::new(inner.public_key().blob());
        reader.string().unwrap();
        let point = reader.string().unwrap();
        let blob = encode(|w| {
            w.string(KeyAlgorithm::SkEd25519.name().as_bytes()).string(point).string(b"ssh:");
        });
        let public = PublicKey::from_blob(&blob.unwrap()).unwrap();
        Self { inner, public }
    }

    pub(in crate::auth) fn sign(&self, data: &[u8], flags: u8) -> Vec<u8> {
        let sha256 = |bytes: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut asserted = sha256(b"ssh:").as_ref().to_vec();
        asserted.push(flags);
        asserted.extend_from_slice(&7u32.to_be_bytes());
        asserted.extend_from_slice(sha256(data).as_ref());
        let blob = self.inner.sign(&asserted);
        let mut reader = crate::wire::Reader::new(&blob);
        reader.string().unwrap();
        let raw = reader.string().unwrap();
        let blob = encode(|w| {
            w.string(KeyAlgorithm::SkEd25519.name().as_bytes()).string(raw).u8(flags).u32(7);
        });
        blob.unwrap()
    }
}

/// One direction: what is written comes out as payloads.
pub(in crate::auth) struct Line {
    pub(in crate::auth) out: Outbox,
    inbox: Inbox,
}

impl Line {
    pub(in crate::auth) fn new() -> Self {
        Self { out: Outbox::new(Box::new(SystemEntropy)), inbox: Inbox::new() }
    }

    pub(in crate::auth) fn take(&mut self) -> Vec<Vec<u8>> {
        let bytes = self.out.unsent().to_vec();
        self.out.sent(bytes.len());
        self.inbox.space(bytes.len())[..bytes.len()].copy_from_slice(&bytes);
        self.inbox.filled(bytes.len());
        std::iter::from_fn(|| self.inbox.packet().unwrap().map(|(range, _)| self.inbox.payload(range).to_vec()))
            .collect()
    }
}

/// A server's side at the hands of a client that says whatever it likes.
pub(in crate::auth) struct Server {
    pub(in crate::auth) auth: ServerAuth,
    pub(in crate::auth) line: Line,
    pub(in crate::auth) now: Now,
}

impl Server {
    /// Before anything was said.
    pub(in crate::auth) fn fresh(config: ServerAuthConfig) -> Self {
        let auth = ServerAuth::new(Arc::new(config), SESSION_ID, HOST_KEY);
        Self { auth, line: Line::new(), now: start() }
    }

    /// Behind SERVICE_ACCEPT.
    pub(in crate::auth) fn new(config: ServerAuthConfig) -> Self {
        let mut this = Self::fresh(config);
        this.send(&service_request("ssh-userauth")).unwrap();
        assert_eq!(this.line.take().len(), 1);
        this
    }

    pub(in crate::auth) fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.auth.handle(payload, self.now, &mut self.line.out)
    }

    /// Sends, and takes the event that it leads to.
    pub(in crate::auth) fn ask(&mut self, payload: &[u8]) -> ServerAuthEvent {
        self.send(payload).unwrap();
        self.auth.next_event().expect("an event")
    }

    /// Sends, and takes the reason for which the engine refuses by itself; the client hears a plain failure.
    pub(in crate::auth) fn refusal(&mut self, payload: &[u8]) -> crate::auth::Refusal {
        let ServerAuthEvent::Refused(refused) = self.ask(payload) else { panic!("not refused by the engine") };
        assert_eq!(self.line.take(), [failure("publickey,keyboard-interactive,password", false)]);
        assert!(self.auth.next_event().is_none() && !self.auth.awaits_answer());
        refused.why
    }

    pub(in crate::auth) fn accept(&mut self, attempt: impl Attempt) {
        self.auth.accept(attempt, &mut self.line.out).unwrap();
    }

    pub(in crate::auth) fn reject(&mut self, attempt: impl Attempt) {
        self.auth.reject(attempt, self.now, &mut self.line.out).unwrap();
    }

    pub(in crate::auth) fn partial(&mut self, attempt: impl Attempt, remaining: MethodSet) {
        self.auth.partial(attempt, remaining, &mut self.line.out).unwrap();
    }

    pub(in crate::auth) fn prompt(&mut self, attempt: InteractiveAttempt, prompts: &Prompts) {
        self.auth.prompt(attempt, prompts, &mut self.line.out).unwrap();
    }

    pub(in crate::auth) fn acceptable(&mut self, offer: KeyOffer) {
        self.auth.acceptable(offer, &mut self.line.out).unwrap();
    }

    pub(in crate::auth) fn reject_offer(&mut self, offer: KeyOffer) {
        self.auth.reject_offer(offer, self.now, &mut self.line.out).unwrap();
    }

    /// The last no is sent by the clock.
    pub(in crate::auth) fn exhausted(&mut self) {
        self.line.take();
        assert!(self.auth.awaits_answer());
        assert!(self.auth.deadline().is_some_and(|due| due <= self.now.monotonic));
        let ended = self.auth.on_time(self.now, &mut self.line.out);
        assert_eq!(ended, Err(Error::AuthExhausted));
        assert!(self.line.take().is_empty());
        assert!(matches!(self.send(&none("alice")), Err(Error::Misuse(_))));
    }

    pub(in crate::auth) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.auth.on_time(self.now, &mut self.line.out).unwrap();
    }
}

/// Takes the token out of an event, or fails the test.
macro_rules! token {
    ($event:expr, $variant:ident) => {{
        let event: crate::auth::ServerAuthEvent = $event;
        match event {
            crate::auth::ServerAuthEvent::$variant(token) => token,
            _ => panic!(concat!("the event is not ", stringify!($variant))),
        }
    }};
}
pub(in crate::auth) use token;

pub(in crate::auth) fn service_request(name: &str) -> Vec<u8> {
    message(transport::SERVICE_REQUEST, |w| {
        w.string(name.as_bytes());
    })
}

pub(in crate::auth) fn message(number: u8, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let fill = |w: &mut Writer<'_>| {
        w.u8(number);
        fill(w);
    };
    encode(fill).unwrap()
}

/// USERAUTH_REQUEST for `ssh-connection`, without the fields of its method.
pub(in crate::auth) fn request(user: &str, method: &str, fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    request_for(user, "ssh-connection", method, fill)
}

pub(in crate::auth) fn request_for(
    user: &str,
    service: &str,
    method: &str,
    fill: impl FnOnce(&mut Writer<'_>),
) -> Vec<u8> {
    message(userauth::REQUEST, |w| {
        w.string(user.as_bytes()).string(service.as_bytes()).string(method.as_bytes());
        fill(w);
    })
}

pub(in crate::auth) fn none(user: &str) -> Vec<u8> {
    request(user, "none", |_| {})
}

pub(in crate::auth) fn password(user: &str, secret: &str) -> Vec<u8> {
    request(user, "password", |w| {
        w.bool(false).string(secret.as_bytes());
    })
}

pub(in crate::auth) fn interactive(user: &str) -> Vec<u8> {
    request(user, "keyboard-interactive", |w| {
        w.string(b"").string(b"");
    })
}

pub(in crate::auth) fn responses(answers: &[&str]) -> Vec<u8> {
    message(userauth::INFO_RESPONSE, |w| {
        w.u32(u32::try_from(answers.len()).unwrap());
        for answer in answers {
            w.string(answer.as_bytes());
        }
    })
}

pub(in crate::auth) fn offer(user: &str, algorithm: &str, blob: &[u8]) -> Vec<u8> {
    let request = PublicKeyRequest { algorithm: algorithm.as_bytes(), blob, host_key: None, signature: None };
    message(userauth::REQUEST, |w| request.encode(w, user))
}

/// A request for `user` by a plain Ed25519 key, signed as it should be.
pub(in crate::auth) fn signed(user: &str, key: &SigningKey) -> Vec<u8> {
    signed_as(user, "ssh-ed25519", key.public_key().blob(), SESSION_ID, |data| key.sign(data))
}

/// The same with everything chosen.
pub(in crate::auth) fn signed_as(
    user: &str,
    algorithm: &str,
    blob: &[u8],
    session_id: &[u8],
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let mut request = PublicKeyRequest { algorithm: algorithm.as_bytes(), blob, host_key: None, signature: None };
    let signature = sign(&request.signed_data(session_id, user.as_bytes(), b"ssh-connection").unwrap());
    request.signature = Some(&signature);
    message(userauth::REQUEST, |w| request.encode(w, user))
}

pub(in crate::auth) fn failure(methods: &str, partial: bool) -> Vec<u8> {
    message(userauth::FAILURE, |w| {
        w.string(methods.as_bytes()).bool(partial);
    })
}

/// Both halves, and what travels between them.
pub(in crate::auth) struct Pair {
    pub(in crate::auth) server: ServerAuth,
    pub(in crate::auth) client: ClientAuth,
    pub(in crate::auth) to_client: Line,
    pub(in crate::auth) to_server: Line,
    unread: std::collections::VecDeque<Vec<u8>>,
    pub(in crate::auth) now: Now,
}

impl Pair {
    /// Behind SERVICE_ACCEPT.
    pub(in crate::auth) fn new(config: ServerAuthConfig) -> Self {
        let mut this = Self {
            server: ServerAuth::new(Arc::new(config), SESSION_ID, HOST_KEY),
            client: ClientAuth::new(SESSION_ID, None),
            to_client: Line::new(),
            to_server: Line::new(),
            unread: std::collections::VecDeque::new(),
            now: start(),
        };
        this.client.begin(&mut this.to_server.out).unwrap();
        this.carry();
        assert!(matches!(this.heard(), ClientAuthEvent::Ready));
        this
    }

    /// Moves messages until both wait for somebody; the server's side is handed nothing while it waits for an answer.
    pub(in crate::auth) fn carry(&mut self) {
        loop {
            self.unread.extend(self.to_server.take());
            let replies = self.to_client.take();
            for payload in &replies {
                self.client.handle(payload).unwrap();
            }
            match self.unread.pop_front() {
                Some(payload) if !self.server.awaits_answer() => {
                    self.server.handle(&payload, self.now, &mut self.to_client.out).unwrap();
                }
                Some(payload) => return self.unread.push_front(payload),
                None if replies.is_empty() && self.to_client.out.unsent().is_empty() => return,
                None => {}
            }
        }
    }

    /// What the server's user is asked.
    pub(in crate::auth) fn asked(&mut self) -> ServerAuthEvent {
        self.carry();
        self.server.next_event().expect("the server's user is asked")
    }

    /// What the client's user hears.
    pub(in crate::auth) fn heard(&mut self) -> ClientAuthEvent {
        self.carry();
        self.client.next_event().expect("the client's user hears something")
    }

    pub(in crate::auth) fn heard_failure(&mut self) -> (Vec<String>, crate::auth::Outcome) {
        match self.heard() {
            ClientAuthEvent::Failure { methods, outcome } => (methods, outcome),
            _ => panic!("the client hears no failure"),
        }
    }

    pub(in crate::auth) fn heard_success(&mut self) -> Method {
        match self.heard() {
            ClientAuthEvent::Succeeded { method } => method,
            _ => panic!("the client hears no success"),
        }
    }
}
