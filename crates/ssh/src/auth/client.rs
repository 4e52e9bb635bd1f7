//! The client's side: showing who we are.
//!
//! Owns: the states from SERVICE_REQUEST to SUCCESS, and what a server may send meanwhile. Invariants: one request is under way
//! at a time; an answer is believed only if it answers that request; what a server sends unasked is bounded. Must
//! not know: keys (it is told what to offer, and somebody else signs), or which method is tried next.
//!
//! | state | the user of the engine | the server sends |
//! |---|---|---|
//! | fresh | begin → requested | |
//! | requested | | SERVICE_ACCEPT → idle |
//! | idle | offers a key → offered; names a key → signing; any other method → sent | |
//! | offered | | PK_OK → signing; FAILURE → idle |
//! | signing | signature → sent; abandon → idle | |
//! | sent | | FAILURE → idle; SUCCESS → done; INFO_REQUEST → prompted; PASSWD_CHANGEREQ → idle |
//! | prompted | respond → sent; abandon → idle | |
//!
//! BANNER may come at any time from idle to prompted. Every other message ends the connection.

mod event;

use std::collections::VecDeque;
use std::sync::Arc;

use zeroize::Zeroizing;

pub use event::{ClientAuthEvent, Outcome, SignatureRequest};

use super::Method;
use super::message::{self, PublicKeyRequest};
use crate::error::Error;
use crate::key::{KeyAlgorithm, Presented, SignatureAlgorithm};
use crate::message::{SERVICE_CONNECTION, SERVICE_USERAUTH, transport, userauth};
use crate::packet::Outbox;
use crate::wire::Reader;

/// The longest banner.
const BANNER_BYTES_MAX: usize = 64 * 1024;
/// All banners of one connection.
const BANNERS_BYTES_MAX: usize = 1024 * 1024;
/// The most banners of one connection.
const BANNERS_MAX: u32 = 256;
/// The most rounds of questions of one connection.
const ROUNDS_MAX: u32 = 64;

/// One client, until its server knows it.
pub(crate) struct ClientAuth {
    session_id: Arc<[u8]>,
    server_sig_algs: Option<Vec<String>>,
    state: State,
    serial: u64,
    unasked: Unasked,
    rounds: u32,
    /// Bounded: one for each request, and banners are counted.
    events: VecDeque<ClientAuthEvent>,
}

enum State {
    Fresh,
    Requested,
    Idle,
    Offered(Named),
    Signing(Named),
    Sent(Method),
    Prompted { asked: usize },
    Done,
    Ended,
}

/// A key that was named to the server.
struct Named {
    user: String,
    blob: Box<[u8]>,
    algorithm: SignatureAlgorithm,
    /// The algorithm's name for this key or certificate.
    name: &'static str,
}

/// What the server has sent without being asked.
#[derive(Default)]
struct Unasked {
    banners: u32,
    bytes: usize,
}

impl ClientAuth {
    /// For the connection with this session identifier. `server_sig_algs` is what the server said that it verifies (RFC 8308,
    /// section 3.1), if it has said so.
    pub(crate) fn new(session_id: &[u8], server_sig_algs: Option<Vec<String>>) -> Self {
        Self {
            session_id: session_id.into(),
            server_sig_algs,
            state: State::Fresh,
            serial: 0,
            unasked: Unasked::default(),
            rounds: 0,
            events: VecDeque::new(),
        }
    }

    /// The server said later what it verifies.
    pub(crate) fn learn_server_sig_algs(&mut self, names: Vec<String>) {
        self.server_sig_algs = Some(names);
    }

    /// How such a key signs best for this server: as it said, else as we like. Matters for RSA only.
    pub(crate) fn signature_algorithm(&self, key: KeyAlgorithm) -> Option<SignatureAlgorithm> {
        let fitting = || SignatureAlgorithm::ALL.iter().copied().filter(|algorithm| algorithm.fits(key));
        let listed =
            |algorithm: &SignatureAlgorithm| self.server_sig_algs.iter().flatten().any(|name| name == algorithm.name());
        // Lists are known to be incomplete; what is not listed may still be tried (RFC 8308, section 3.1).
        fitting().find(listed).or_else(|| fitting().next())
    }

    /// Asks for the authentication service.
    pub(crate) fn begin(&mut self, out: &mut Outbox) -> Result<(), Error> {
        if !matches!(self.state, State::Fresh) {
            return Err(Error::Misuse("authentication was begun before"));
        }
        out.message(transport::SERVICE_REQUEST, |w| {
            w.string(SERVICE_USERAUTH.as_bytes());
        })?;
        self.state = State::Requested;
        Ok(())
    }

    /// What the user of the engine has not heard yet.
    pub(crate) fn next_event(&mut self) -> Option<ClientAuthEvent> {
        self.events.pop_front()
    }

    /// Asks what there is (RFC 4252, section 5.2).
    pub(crate) fn none(&mut self, user: &str, out: &mut Outbox) -> Result<(), Error> {
        self.idle()?;
        out.message(userauth::REQUEST, |w| {
            message::write_request_head(w, user, "none");
        })?;
        self.state = State::Sent(Method::None);
        Ok(())
    }

    /// Offers a key or certificate, so that nothing is signed in vain. Leads to [`ClientAuthEvent::Sign`] or a failure.
    pub(crate) fn offer_key(
        &mut self,
        user: &str,
        presented: &Presented,
        algorithm: SignatureAlgorithm,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        self.idle()?;
        let named = Named::new(user, presented, algorithm)?;
        out.message(userauth::REQUEST, |w| named.request(None).encode(w, user))?;
        self.state = State::Offered(named);
        Ok(())
    }

    /// Names a key or certificate without asking first. Leads to [`ClientAuthEvent::Sign`] at once.
    pub(crate) fn public_key(
        &mut self,
        user: &str,
        presented: &Presented,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), Error> {
        self.idle()?;
        self.state = self.challenge(Named::new(user, presented, algorithm)?)?;
        Ok(())
    }

    /// Shows the signature: a blob as in RFC 4253, section 6.6, by the key that was named.
    pub(crate) fn signature(
        &mut self,
        request: SignatureRequest,
        signature: &[u8],
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let ours = Arc::ptr_eq(&request.connection, &self.session_id) && request.serial == self.serial;
        let State::Signing(named) = &self.state else {
            return Err(Error::Misuse("nothing was to be signed"));
        };
        if !ours {
            return Err(Error::Misuse("a signature for another request"));
        }
        if Reader::new(signature).string() != Ok(named.algorithm.name().as_bytes()) {
            return Err(Error::Misuse("a signature by another algorithm"));
        }
        out.message(userauth::REQUEST, |w| {
            named.request(Some(signature)).encode(w, &named.user);
        })?;
        self.state = State::Sent(Method::PublicKey);
        Ok(())
    }

    /// Shows a password.
    pub(crate) fn password(&mut self, user: &str, secret: &Zeroizing<String>, out: &mut Outbox) -> Result<(), Error> {
        self.idle()?;
        out.message(userauth::REQUEST, |w| {
            message::write_request_head(w, user, "password");
            w.bool(false).string(secret.as_bytes());
        })?;
        self.state = State::Sent(Method::Password);
        Ok(())
    }

    /// Asks to be asked (RFC 4256, section 3.1). `submethods` is a hint, usually empty.
    pub(crate) fn keyboard_interactive(&mut self, user: &str, submethods: &str, out: &mut Outbox) -> Result<(), Error> {
        self.idle()?;
        out.message(userauth::REQUEST, |w| {
            message::write_request_head(w, user, "keyboard-interactive");
            w.string(b"").string(submethods.as_bytes());
        })?;
        self.state = State::Sent(Method::KeyboardInteractive);
        Ok(())
    }

    /// Answers [`ClientAuthEvent::Prompt`], question by question.
    pub(crate) fn respond(&mut self, answers: &[Zeroizing<String>], out: &mut Outbox) -> Result<(), Error> {
        match self.state {
            State::Prompted { asked } if asked == answers.len() => {}
            State::Prompted { .. } => {
                return Err(Error::Misuse("not as many answers as questions"));
            }
            _ => return Err(Error::Misuse("nothing was asked")),
        }
        out.message(userauth::INFO_RESPONSE, |w| {
            message::write_responses(w, answers);
        })?;
        self.state = State::Sent(Method::KeyboardInteractive);
        Ok(())
    }

    /// Gives up questions or a signature. The server hears of it by the next request (RFC 4252, section 5.1).
    pub(crate) fn abandon(&mut self) -> Result<(), Error> {
        match self.state {
            State::Signing(_) | State::Prompted { .. } => {
                self.state = State::Idle;
                Ok(())
            }
            _ => Err(Error::Misuse("nothing to give up")),
        }
    }

    /// Takes one message.
    pub(crate) fn handle(&mut self, payload: &[u8]) -> Result<(), Error> {
        let (number, body) = payload.split_first().ok_or(Error::Misbehaved("empty message"))?;
        self.state = match (std::mem::replace(&mut self.state, State::Ended), *number) {
            (State::Requested, transport::SERVICE_ACCEPT) => self.accepted(body)?,
            (State::Ended, _) => return Err(Error::Misuse("authentication has ended")),
            (state @ (State::Fresh | State::Requested | State::Done), _) => {
                return Err(state.out_of_phase());
            }
            (state, userauth::BANNER) => {
                self.banner(body)?;
                state
            }
            (State::Offered(_) | State::Sent(_), userauth::FAILURE) => self.failure(body)?,
            // RFC 4252, section 7: an offer is answered with PK_OK or a failure, so SUCCESS answers nothing there.
            (State::Sent(method), userauth::SUCCESS) => self.success(method, body)?,
            (State::Offered(named), userauth::PK_OK) => self.pk_ok(named, body)?,
            (State::Sent(Method::Password), userauth::PASSWD_CHANGEREQ) => {
                let instruction = message::decode_password_change(body)?;
                self.events.push_back(ClientAuthEvent::PasswordExpired { instruction });
                State::Idle
            }
            (State::Sent(Method::KeyboardInteractive), userauth::INFO_REQUEST) => self.prompts(body)?,
            (state, _) => return Err(state.out_of_phase()),
        };
        Ok(())
    }

    fn idle(&self) -> Result<(), Error> {
        match self.state {
            State::Idle => Ok(()),
            _ => Err(Error::Misuse("a request while authentication is not waiting for one")),
        }
    }

    fn accepted(&mut self, body: &[u8]) -> Result<State, Error> {
        if message::decode_service(body)? != SERVICE_USERAUTH.as_bytes() {
            return Err(Error::Misbehaved("another service was accepted than was asked for"));
        }
        self.events.push_back(ClientAuthEvent::Ready);
        Ok(State::Idle)
    }

    fn banner(&mut self, body: &[u8]) -> Result<(), Error> {
        let text = message::decode_banner(body, BANNER_BYTES_MAX)?;
        self.unasked.banners = self.unasked.banners.saturating_add(1);
        self.unasked.bytes = self.unasked.bytes.saturating_add(text.len());
        if self.unasked.banners > BANNERS_MAX || self.unasked.bytes > BANNERS_BYTES_MAX {
            return Err(Error::Limit("banners"));
        }
        self.events.push_back(ClientAuthEvent::Banner { text });
        Ok(())
    }

    fn failure(&mut self, body: &[u8]) -> Result<State, Error> {
        let (methods, partial) = message::decode_failure(body)?;
        let outcome = if partial { Outcome::PartialSuccess } else { Outcome::Refused };
        self.events.push_back(ClientAuthEvent::Failure { methods, outcome });
        Ok(State::Idle)
    }

    fn success(&mut self, method: Method, body: &[u8]) -> Result<State, Error> {
        Reader::new(body).finish().map_err(Error::malformed("USERAUTH_SUCCESS"))?;
        self.events.push_back(ClientAuthEvent::Succeeded { method });
        Ok(State::Done)
    }

    fn pk_ok(&mut self, named: Named, body: &[u8]) -> Result<State, Error> {
        // Some servers repeat the type of an RSA key instead of the algorithm. We sign as we said, so only the key counts.
        let (_, blob) = message::decode_pk_ok(body)?;
        if *blob != *named.blob {
            return Err(Error::Misbehaved("another key was accepted than was offered"));
        }
        self.challenge(named)
    }

    fn challenge(&mut self, named: Named) -> Result<State, Error> {
        let data =
            named.request(None).signed_data(&self.session_id, named.user.as_bytes(), SERVICE_CONNECTION.as_bytes())?;
        self.serial = self.serial.wrapping_add(1);
        let request = SignatureRequest {
            connection: Arc::clone(&self.session_id),
            serial: self.serial,
            data,
            algorithm: named.algorithm,
        };
        self.events.push_back(ClientAuthEvent::Sign(request));
        Ok(State::Signing(named))
    }

    fn prompts(&mut self, body: &[u8]) -> Result<State, Error> {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds > ROUNDS_MAX {
            return Err(Error::Limit("rounds of questions"));
        }
        let prompts = message::decode_prompts(body)?;
        let asked = prompts.prompts.len();
        self.events.push_back(ClientAuthEvent::Prompt(prompts));
        Ok(State::Prompted { asked })
    }
}

impl State {
    fn out_of_phase(&self) -> Error {
        Error::Misbehaved(match self {
            Self::Fresh | Self::Requested => "a message before the authentication service was accepted",
            Self::Idle => "an answer to no request",
            Self::Done => "an authentication message after success",
            _ => "an answer to another kind of request",
        })
    }
}

impl Named {
    fn new(user: &str, presented: &Presented, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        let name = match presented {
            Presented::Key(_) => algorithm.name(),
            Presented::Certificate(_) => algorithm.certificate_name(),
        };
        if presented.signature_algorithm(name) != Some(algorithm) {
            return Err(Error::Misuse("an algorithm that is not one of this key"));
        }
        Ok(Self { user: user.to_owned(), blob: presented.blob().into(), algorithm, name })
    }

    fn request<'a>(&'a self, signature: Option<&'a [u8]>) -> PublicKeyRequest<'a> {
        PublicKeyRequest { algorithm: self.name.as_bytes(), blob: &self.blob, host_key: None, signature }
    }
}

#[cfg(test)]
mod tests;
