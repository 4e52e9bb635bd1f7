//! Who may come in.
//!
//! Owns: the answer to each attempt to sign in, and what its certificate leaves somebody to do. Invariants: only what was verified
//! is accepted; what is compared with a secret is compared in a time that tells no more than its length, and for a wrong name
//! too. The name decides nothing else: everybody is the user who runs the host.

use std::str::FromStr;

use anyhow::{Context, Result, bail};
use sallyport_ssh::auth::{Attempt, Echo, Evidence, InteractiveAttempt, MethodSet, Prompt, Prompts, ServerAuthEvent};
use sallyport_ssh::driver::{Link, now};
use sallyport_ssh::engine::{Event, Phase, ServerLogin};
use sallyport_ssh::error::Error;
use sallyport_ssh::key::{CertificateTerms, Presented, PublicKey};
use subtle::ConstantTimeEq;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// What lets somebody in: any one of these.
pub(crate) struct Admission {
    /// Keys.
    pub(crate) keys: Vec<PublicKey>,
    /// Keys whose certificates for users are trusted.
    pub(crate) authorities: Vec<PublicKey>,
    /// A name and its password.
    pub(crate) password: Option<Password>,
}

/// A name and its secret.
pub(crate) struct Password {
    user: String,
    secret: Zeroizing<String>,
}

impl FromStr for Password {
    type Err = anyhow::Error;

    /// `NAME:SECRET`
    fn from_str(text: &str) -> Result<Self> {
        let (user, secret) = text.split_once(':').context("a password is given as NAME:SECRET")?;
        Ok(Self { user: user.to_owned(), secret: Zeroizing::new(secret.to_owned()) })
    }
}

impl Password {
    fn is(&self, user: &str, secret: &str) -> bool {
        let right = self.secret.as_bytes().ct_eq(secret.as_bytes());
        bool::from(right) && self.user == user
    }
}

impl Admission {
    /// Whether nobody could come in.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.authorities.is_empty() && self.password.is_none()
    }

    /// What clients are told to try.
    pub(crate) fn methods(&self) -> MethodSet {
        if self.password.is_none() {
            return MethodSet::PUBLIC_KEY;
        }
        MethodSet::PUBLIC_KEY.with(MethodSet::KEYBOARD_INTERACTIVE).with(MethodSet::PASSWORD)
    }

    /// A certificate was judged by the engine before it is shown here.
    fn knows(&self, presented: &Presented) -> bool {
        match presented {
            Presented::Key(key) => self.keys.contains(key),
            Presented::Certificate(certificate) => self.authorities.contains(certificate.authority()),
        }
    }

    fn has(&self, user: &str, secret: &str) -> bool {
        self.password.as_ref().is_some_and(|password| password.is(user, secret))
    }
}

/// What somebody who came in may do: with a certificate, what it says; otherwise everything.
pub(crate) struct Rights(Option<CertificateTerms>);

impl Rights {
    /// The only command that may run, whatever is asked for.
    pub(crate) fn forced_command(&self) -> Option<&str> {
        self.0.as_ref()?.force_command.as_deref()
    }

    /// Whether a terminal may be had.
    pub(crate) fn permit_terminal(&self) -> bool {
        self.permit("permit-pty")
    }

    /// Whether connections may be forwarded, either way.
    pub(crate) fn permit_forwards(&self) -> bool {
        self.permit("permit-port-forwarding")
    }

    fn permit(&self, extension: &str) -> bool {
        self.0.as_ref().is_none_or(|terms| terms.permits(extension))
    }
}

/// Answers attempts until one of them lets the client in, or it leaves.
pub(crate) async fn welcome(link: &mut Link<TcpStream>, admission: &Admission) -> Result<Option<Rights>> {
    loop {
        let event = match link.next().await {
            Some(Event::ServerAuth(ServerAuthEvent::Succeeded { evidence, .. })) => {
                let terms = evidence.iter().find_map(|shown| match &**shown {
                    Evidence::Key(proof) => proof.terms().cloned(),
                    Evidence::None | Evidence::Password | Evidence::Interactive => None,
                });
                return Ok(Some(Rights(terms)));
            }
            Some(Event::ServerAuth(event)) => event,
            Some(Event::Ended(Error::Disconnected { .. })) | None => return Ok(None),
            Some(Event::Ended(error)) => bail!(error),
            Some(_) => continue,
        };
        if let Phase::ServerAuth(login) = link.engine.phase() {
            answer(login, event, admission)?;
        }
    }
}

fn answer(mut login: ServerLogin<'_>, event: ServerAuthEvent, admission: &Admission) -> Result<(), Error> {
    match event {
        ServerAuthEvent::Offered(offer) if admission.knows(offer.presented()) => login.acceptable(offer),
        ServerAuthEvent::Offered(offer) => login.reject_offer(offer, now()),
        ServerAuthEvent::Verified(identity) => {
            let known = admission.knows(identity.presented());
            decide(login, identity, known)
        }
        ServerAuthEvent::Password(attempt) => {
            let right = admission.has(attempt.user(), attempt.secret());
            decide(login, attempt, right)
        }
        ServerAuthEvent::InteractiveStart(attempt) => login.prompt(attempt, &question()),
        ServerAuthEvent::InteractiveResponse(attempt) => {
            let right = answered(&attempt, admission);
            decide(login, attempt, right)
        }
        ServerAuthEvent::None(attempt) => login.reject(attempt, now()),
        ServerAuthEvent::InteractiveAbandoned { .. }
        | ServerAuthEvent::Refused(_)
        | ServerAuthEvent::Succeeded { .. } => Ok(()),
    }
}

fn decide(mut login: ServerLogin<'_>, attempt: impl Attempt, right: bool) -> Result<(), Error> {
    if right { login.accept(attempt) } else { login.reject(attempt, now()) }
}

fn question() -> Prompts {
    let text = "Password: ".to_owned();
    let prompts = vec![Prompt { text, echo: Echo::Hidden }];
    Prompts { prompts, ..Prompts::default() }
}

fn answered(attempt: &InteractiveAttempt, admission: &Admission) -> bool {
    match attempt.responses() {
        [secret] => admission.has(attempt.user(), secret),
        _ => false,
    }
}
