//! What a client sends, up to the question that it becomes.
//!
//! Owns: the engine's own checks of a request, and making tokens. Invariant: all checks come before the user of the engine hears of a
//! request, and none of them depends on whether the client's user exists. Must not know: how the question is answered.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::ServerAuth;
use super::attempt::{Asked, InteractiveAttempt, KeyOffer, NoneAttempt, PasswordAttempt, Refusal, Refused, Ticket};
use super::attempt::{ServerAuthEvent, VerifiedIdentity};
use super::progress::{Conversation, Cost, Progress, Question, State};
use super::verify::{Claim, Verifier};
use crate::auth::message::{Request, RequestMethod, Responses};
use crate::auth::{Method, SECRET_BYTES_MAX, USER_NAME_BYTES_MAX};
use crate::error::Error;
use crate::message::SERVICE_CONNECTION;
use crate::packet::Outbox;
use crate::time::Now;

/// What a request that passed the engine's own checks asks of its user.
enum Shown {
    None,
    Claim(Claim),
    Password(Zeroizing<String>),
    Interactive { submethods: Arc<str>, conversation: Conversation },
}

/// Why not, and the fingerprint of the key that was shown, if one was.
pub(super) type Objection = (Refusal, Option<String>);

impl ServerAuth {
    /// USERAUTH_REQUEST.
    pub(super) fn request(
        &mut self,
        progress: Progress,
        body: &[u8],
        now: Now,
        out: &mut Outbox,
    ) -> Result<State, Error> {
        let request = Request::decode(body)?;
        let user = user_name(request.user);
        let served = request.service == SERVICE_CONNECTION.as_bytes();
        // Under another name, or for another service, nothing of what was shown remains (RFC 4252, section 5).
        let progress = progress.kept_for(user.filter(|_| served), &self.config);
        let cost = cost(&request.method);
        if cost != Cost::Attempt {
            self.spent.probe();
        }
        let shown = match user {
            None => Err((Refusal::UserName, None)),
            Some(_) if !served => Err((Refusal::Service, None)),
            Some(user) => self.examine(&progress, user, &request.method, body.len(), now),
        };
        match shown {
            Ok(shown) => self.ask(progress, shown, now),
            Err((why, fingerprint)) => {
                let user = user.map(Arc::from);
                self.events.push_back(ServerAuthEvent::Refused(Refused { user, why, fingerprint }));
                self.refuse(progress, cost, now.monotonic, now, out)
            }
        }
    }

    /// INFO_RESPONSE (RFC 4256, section 3.4).
    pub(super) fn response(
        &mut self,
        progress: Progress,
        conversation: Conversation,
        asked: usize,
        body: &[u8],
        now: Now,
        out: &mut Outbox,
    ) -> Result<State, Error> {
        let bytes = conversation.bytes.saturating_add(body.len());
        if bytes > self.config.interactive_bytes_max {
            return Err(Error::Limit("answers of a keyboard-interactive sign-in"));
        }
        match Responses::decode(body, asked)? {
            Responses::Fit(responses) => {
                let question = Question::Conversation(Conversation { bytes });
                let attempt =
                    InteractiveAttempt { asked: self.issue(&progress)?, submethods: Arc::default(), responses };
                self.events.push_back(ServerAuthEvent::InteractiveResponse(attempt));
                Ok(State::Asked { progress, began: now.monotonic, question })
            }
            Responses::Unfit => {
                let refused = Refused { user: progress.user.clone(), why: Refusal::Secret, fingerprint: None };
                self.events.push_back(ServerAuthEvent::Refused(refused));
                self.refuse(progress, Cost::Attempt, now.monotonic, now, out)
            }
        }
    }

    /// Another request came instead of answers (RFC 4252, section 5.1). It counts, or questions could be asked for ever.
    pub(super) fn abandon(&mut self, progress: &Progress) -> Result<(), Error> {
        self.spent.attempt();
        if let Some(user) = &progress.user {
            self.events.push_back(ServerAuthEvent::InteractiveAbandoned { user: Arc::clone(user) });
        }
        if self.spent.everything(&self.config) { Err(Error::AuthExhausted) } else { Ok(()) }
    }

    /// Everything that is checked before the user of the engine hears of a request.
    fn examine(
        &self,
        progress: &Progress,
        user: &str,
        method: &RequestMethod<'_>,
        bytes: usize,
        now: Now,
    ) -> Result<Shown, Objection> {
        if self.spent.all_probes(&self.config) {
            return Err((Refusal::Offers, None));
        }
        if !continues(method, progress) {
            return Err((Refusal::Method, None));
        }
        match method {
            RequestMethod::None => Ok(Shown::None),
            RequestMethod::PublicKey(request) => {
                let (config, session_id, host_key) = (&*self.config, &*self.session_id, &*self.host_key);
                let verifier = Verifier { config, session_id, host_key, user, passed: &progress.passed, now };
                verifier.check(request).map(Shown::Claim)
            }
            RequestMethod::Password(secret) => match str::from_utf8(secret) {
                Ok(text) if text.len() <= SECRET_BYTES_MAX => Ok(Shown::Password(Zeroizing::new(text.to_owned()))),
                _ => Err((Refusal::Secret, None)),
            },
            RequestMethod::PasswordChange => Err((Refusal::PasswordChange, None)),
            RequestMethod::KeyboardInteractive { .. } if bytes > self.config.interactive_bytes_max => {
                Err((Refusal::Secret, None))
            }
            RequestMethod::KeyboardInteractive { submethods } => {
                let submethods = str::from_utf8(submethods).unwrap_or_default().into();
                Ok(Shown::Interactive { submethods, conversation: Conversation { bytes } })
            }
            RequestMethod::Unknown => Err((Refusal::Method, None)),
        }
    }

    /// Hands the user of the engine a token for what was shown.
    fn ask(&mut self, progress: Progress, shown: Shown, now: Now) -> Result<State, Error> {
        let asked = self.issue(&progress)?;
        let (event, question) = match shown {
            Shown::None => (ServerAuthEvent::None(NoneAttempt { asked }), Question::Decision),
            Shown::Claim(Claim::Offered { presented, algorithm, terms }) => {
                (ServerAuthEvent::Offered(KeyOffer { asked, presented, algorithm, terms }), Question::Offer)
            }
            Shown::Claim(Claim::Proved(proof)) => {
                (ServerAuthEvent::Verified(VerifiedIdentity { asked, proof }), Question::Decision)
            }
            Shown::Password(secret) => {
                (ServerAuthEvent::Password(PasswordAttempt { asked, secret }), Question::Decision)
            }
            Shown::Interactive { submethods, conversation } => {
                let attempt = InteractiveAttempt { asked, submethods, responses: Vec::new() };
                (ServerAuthEvent::InteractiveStart(attempt), Question::Conversation(conversation))
            }
        };
        self.events.push_back(event);
        Ok(State::Asked { progress, began: now.monotonic, question })
    }

    fn issue(&mut self, progress: &Progress) -> Result<Asked, Error> {
        self.serial = self.serial.wrapping_add(1);
        let user = progress.user.clone().ok_or(Error::Misuse("an attempt of nobody"))?;
        let ticket = Ticket { connection: Arc::clone(&self.session_id), serial: self.serial };
        Ok(Asked { ticket, user, passed: progress.passed.clone() })
    }
}

/// The name, if it is one that a user could have.
fn user_name(bytes: &[u8]) -> Option<&str> {
    let name = str::from_utf8(bytes).ok()?;
    (name.len() <= USER_NAME_BYTES_MAX && !name.chars().any(char::is_control)).then_some(name)
}

fn cost(method: &RequestMethod<'_>) -> Cost {
    match method {
        RequestMethod::None => Cost::Nothing,
        RequestMethod::PublicKey(key) if key.signature.is_none() => Cost::Probe,
        _ => Cost::Attempt,
    }
}

/// Whether this sign-in can go on with such a request. Behind a partial success, what remains must be shown; nothing is not enough.
fn continues(method: &RequestMethod<'_>, progress: &Progress) -> bool {
    let method = match method {
        RequestMethod::None => return progress.passed.is_empty(),
        RequestMethod::PublicKey(_) => Method::PublicKey,
        RequestMethod::Password(_) | RequestMethod::PasswordChange => Method::Password,
        RequestMethod::KeyboardInteractive { .. } => Method::KeyboardInteractive,
        RequestMethod::Unknown => return false,
    };
    progress.methods.contains(method)
}
