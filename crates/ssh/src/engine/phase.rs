//! What can be done in each phase: views that exist only there.

use zeroize::Zeroizing;

use super::{Engine, State};
use crate::auth::{
    Attempt, ClientAuth, InteractiveAttempt, KeyOffer, MethodSet, Prompts, ServerAuth, SignatureRequest,
};
use crate::connection::Open;
use crate::error::{Error, Reason};
use crate::key::{Presented, SignatureAlgorithm};
use crate::packet::Outbox;
use crate::time::Now;

/// The phase that a connection is in, with what may be done in it.
pub enum Phase<'e> {
    /// Keys are being agreed on.
    Handshake,
    /// Server role: somebody signs in.
    ServerAuth(ServerLogin<'e>),
    /// Client role: we sign in.
    ClientAuth(ClientLogin<'e>),
    /// Channels come and go.
    Open(Open<'e>),
    /// It is over.
    Ended(&'e Error),
}

impl Engine {
    /// The phase and its possibilities.
    pub fn phase(&mut self) -> Phase<'_> {
        match self.state {
            State::Handshake => Phase::Handshake,
            State::ServerAuth(_) => Phase::ServerAuth(ServerLogin { engine: self }),
            State::ClientAuth(_) => match &mut self.state {
                State::ClientAuth(auth) => Phase::ClientAuth(ClientLogin { auth, out: &mut self.transport.outbox }),
                _ => Phase::Handshake,
            },
            State::Open(_) | State::Ended(_) => match &mut self.state {
                State::Open(connection) => Phase::Open(Open { connection, out: &mut self.transport.outbox }),
                State::Ended(error) => Phase::Ended(error),
                State::Handshake | State::ServerAuth(_) | State::ClientAuth(_) => Phase::Handshake,
            },
        }
    }

    /// The open connection, if it is open.
    pub fn open_phase(&mut self) -> Option<Open<'_>> {
        match &mut self.state {
            State::Open(connection) => Some(Open { connection, out: &mut self.transport.outbox }),
            _ => None,
        }
    }
}

/// Somebody signs in to us.
pub struct ServerLogin<'e> {
    engine: &'e mut Engine,
}

impl ServerLogin<'_> {
    /// Shows the client a text, before or after its key is verified. Escape what others wrote.
    pub fn banner(&mut self, text: &str) -> Result<(), Error> {
        self.with(|auth, out| auth.banner(text, out))
    }

    /// Lets the client in: channels may be opened from here on.
    pub fn accept(mut self, attempt: impl Attempt) -> Result<(), Error> {
        self.with(|auth, out| auth.accept(attempt, out))?;
        if let State::ServerAuth(auth) = &mut self.engine.state {
            let mut last = Vec::new();
            while let Some(event) = auth.next_event() {
                last.push(super::Event::ServerAuth(event));
            }
            self.engine.events.extend(last);
        }
        self.engine.open()
    }

    /// What was shown is right, and one of `remaining` is needed besides.
    pub fn partial(&mut self, attempt: impl Attempt, remaining: MethodSet) -> Result<(), Error> {
        self.with(|auth, out| auth.partial(attempt, remaining, out))
    }

    /// What was shown does not let the client in.
    pub fn reject(&mut self, attempt: impl Attempt, now: Now) -> Result<(), Error> {
        self.with(|auth, out| auth.reject(attempt, now, out))
    }

    /// A signature by the offered key is worth making. That is all it says.
    pub fn acceptable(&mut self, offer: KeyOffer) -> Result<(), Error> {
        self.with(|auth, out| auth.acceptable(offer, out))
    }

    /// The offered key is of no use.
    pub fn reject_offer(&mut self, offer: KeyOffer, now: Now) -> Result<(), Error> {
        self.with(|auth, out| auth.reject_offer(offer, now, out))
    }

    /// Asks questions, at the start or after answers.
    pub fn prompt(&mut self, attempt: InteractiveAttempt, prompts: &Prompts) -> Result<(), Error> {
        self.with(|auth, out| auth.prompt(attempt, prompts, out))
    }

    /// Ends the connection, with words for the peer.
    pub fn end(self, reason: Reason, text: &str) {
        self.engine.end(reason, text);
    }

    fn with(&mut self, act: impl FnOnce(&mut ServerAuth, &mut Outbox) -> Result<(), Error>) -> Result<(), Error> {
        match &mut self.engine.state {
            State::ServerAuth(auth) => act(auth, &mut self.engine.transport.outbox),
            _ => Err(Error::Misuse("not authenticating")),
        }
    }
}

/// We sign in to somebody.
pub struct ClientLogin<'e> {
    auth: &'e mut ClientAuth,
    out: &'e mut Outbox,
}

impl ClientLogin<'_> {
    /// Asks what there is (RFC 4252, section 5.2).
    pub fn none(&mut self, user: &str) -> Result<(), Error> {
        self.auth.none(user, self.out)
    }

    /// Offers a key or certificate, so that nothing is signed in vain. Leads to
    /// [`ClientAuthEvent::Sign`](crate::auth::ClientAuthEvent::Sign) or a failure.
    pub fn offer_key(&mut self, user: &str, presented: &Presented) -> Result<(), Error> {
        let algorithm = self.algorithm(presented)?;
        self.auth.offer_key(user, presented, algorithm, self.out)
    }

    /// Names a key or certificate without asking first. Leads to
    /// [`ClientAuthEvent::Sign`](crate::auth::ClientAuthEvent::Sign) at once.
    pub fn public_key(&mut self, user: &str, presented: &Presented) -> Result<(), Error> {
        let algorithm = self.algorithm(presented)?;
        self.auth.public_key(user, presented, algorithm)
    }

    /// Shows the signature: a blob as in RFC 4253, section 6.6, by the key that was named.
    pub fn signature(&mut self, request: SignatureRequest, signature: &[u8]) -> Result<(), Error> {
        self.auth.signature(request, signature, self.out)
    }

    /// Shows a password.
    pub fn password(&mut self, user: &str, secret: &Zeroizing<String>) -> Result<(), Error> {
        self.auth.password(user, secret, self.out)
    }

    /// Asks to be asked (RFC 4256).
    pub fn keyboard_interactive(&mut self, user: &str, submethods: &str) -> Result<(), Error> {
        self.auth.keyboard_interactive(user, submethods, self.out)
    }

    /// Answers questions, one answer for each.
    pub fn respond(&mut self, answers: &[Zeroizing<String>]) -> Result<(), Error> {
        self.auth.respond(answers, self.out)
    }

    /// Gives up questions or a signature.
    pub fn abandon(&mut self) -> Result<(), Error> {
        self.auth.abandon()
    }

    /// How the key signs best for this server: as its EXT_INFO says (RFC 8308), else as we like.
    fn algorithm(&self, presented: &Presented) -> Result<SignatureAlgorithm, Error> {
        let key = presented.key().algorithm();
        self.auth.signature_algorithm(key).ok_or(Error::Misuse("a key that cannot sign"))
    }
}
