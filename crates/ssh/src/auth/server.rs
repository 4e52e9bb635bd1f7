//! The server's side: who is let in, and what a client is told meanwhile.
//!
//! Owns: the states from SERVICE_REQUEST to SUCCESS, the limits before anybody is known, and the time at which a no leaves.
//! Invariants: SUCCESS is written in one place, from a token that a request of this connection made and that nobody
//! used before; every negative answer goes through [`ServerAuth::refuse`]. Must not know: who may log in.
//!
//! | state | the client sends | the user of the engine answers | time |
//! |---|---|---|---|
//! | fresh | SERVICE_REQUEST → open | | |
//! | open | USERAUTH_REQUEST → asked or held; SERVICE_REQUEST | | |
//! | asked | (is not read) | accept → done; partial, acceptable → open; prompt → prompted; reject → held | |
//! | prompted | INFO_RESPONSE → asked or held; USERAUTH_REQUEST → asked or held; SERVICE_REQUEST | | |
//! | held | (is not read) | | due → open, or the end |
//! | done | USERAUTH_REQUEST is ignored | | |
//!
//! Every other message ends the connection.

mod attempt;
mod config;
mod progress;
mod request;
mod verify;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attempt::Ticket;
pub use attempt::{
    Attempt, Binding, Evidence, InteractiveAttempt, KeyOffer, KeyProof, NoneAttempt, PasswordAttempt, Refusal, Refused,
    ServerAuthEvent, VerifiedIdentity,
};
pub use config::ServerAuthConfig;
use progress::{Cost, Negative, Progress, Question, Spent, State};

use super::{MethodSet, PROMPTS_MAX, Prompts, message};
use crate::error::{Error, Reason};
use crate::key::Presented;
use crate::message::{SERVICE_USERAUTH, transport, userauth};
use crate::packet::Outbox;
use crate::time::Now;

/// The longest banner or round of questions that is sent, in bytes: every peer takes a packet of that size.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Banners that may wait for the client to begin.
const BANNERS_WAITING_MAX: usize = 8;
/// Steps of one sign-in. More is a mistake of whoever grants partial success.
const PASSED_MAX: usize = 8;

/// One client, until it is known.
pub(crate) struct ServerAuth {
    config: Arc<ServerAuthConfig>,
    session_id: Arc<[u8]>,
    host_key: Box<[u8]>,
    state: State,
    spent: Spent,
    interactive_since: Option<Instant>,
    serial: u64,
    /// Bounded by the limits of the configuration: a request makes at most two, and requests are counted.
    events: VecDeque<ServerAuthEvent>,
}

impl ServerAuth {
    /// For the connection with this session identifier, on which our host key was presented as `host_key`.
    pub(crate) fn new(config: Arc<ServerAuthConfig>, session_id: &[u8], host_key: &[u8]) -> Self {
        Self {
            config,
            session_id: session_id.into(),
            host_key: host_key.into(),
            state: State::Fresh { banners: Vec::new() },
            spent: Spent::default(),
            interactive_since: None,
            serial: 0,
            events: VecDeque::new(),
        }
    }

    /// Takes one message. Must not be called while [`Self::awaits_answer`].
    pub(crate) fn handle(&mut self, payload: &[u8], now: Now, out: &mut Outbox) -> Result<(), Error> {
        if self.awaits_answer() {
            return Err(Error::Misuse("a message was handed in before the last one was answered"));
        }
        let (number, body) = payload.split_first().ok_or(Error::Misbehaved("empty message"))?;
        self.state = match (std::mem::replace(&mut self.state, State::Ended), *number) {
            (State::Fresh { banners }, transport::SERVICE_REQUEST) => self.start(&banners, body, out)?,
            // Some clients ask again before each attempt. What was shown and asked stays as it is.
            (state @ (State::Open(_) | State::Prompted { .. }), transport::SERVICE_REQUEST) => {
                accept_service(body, out)?;
                state
            }
            (State::Open(progress), userauth::REQUEST) => self.request(progress, body, now, out)?,
            (State::Prompted { progress, .. }, userauth::REQUEST) => {
                self.abandon(&progress)?;
                self.request(progress, body, now, out)?
            }
            (State::Prompted { progress, conversation, asked }, userauth::INFO_RESPONSE) => {
                self.response(progress, conversation, asked, body, now, out)?
            }
            // RFC 4252, section 5.1.
            (State::Done, userauth::REQUEST) => State::Done,
            (State::Ended, _) => return Err(Error::Misuse("authentication has ended")),
            _ => {
                return Err(Error::Misbehaved("a message out of phase while authenticating"));
            }
        };
        Ok(())
    }

    /// Whether the last request waits for an answer: of the user of the engine, or of the clock. Nothing is read meanwhile.
    pub(crate) fn awaits_answer(&self) -> bool {
        matches!(self.state, State::Asked { .. } | State::Held { .. })
    }

    /// Since when somebody is being asked questions. Stays from the first question of the connection on, so that a mistyped
    /// answer does not end a slow sign-in, and never moves, so that it cannot be stretched.
    pub(crate) fn interactive_since(&self) -> Option<Instant> {
        match &self.state {
            State::Asked { began, question: Question::Conversation(_), .. } => {
                Some(self.interactive_since.unwrap_or(*began))
            }
            _ => self.interactive_since,
        }
    }

    /// When [`Self::on_time`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Held { due, .. } => Some(*due),
            _ => None,
        }
    }

    /// Sends the no that waited for its time.
    pub(crate) fn on_time(&mut self, now: Now, out: &mut Outbox) -> Result<(), Error> {
        if self.deadline().is_none_or(|due| now.monotonic < due) {
            return Ok(());
        }
        if let State::Held { progress, answer, .. } = std::mem::replace(&mut self.state, State::Ended) {
            self.state = negative(progress, answer, out)?;
        }
        Ok(())
    }

    /// What the user of the engine has not heard yet.
    pub(crate) fn next_event(&mut self) -> Option<ServerAuthEvent> {
        self.events.pop_front()
    }

    /// Shows the client a text: at any time before success. Escaping is the caller's.
    pub(crate) fn banner(&mut self, text: &str, out: &mut Outbox) -> Result<(), Error> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::Misuse("the banner is too long"));
        }
        match &mut self.state {
            State::Fresh { banners } if banners.len() < BANNERS_WAITING_MAX => {
                banners.push(text.to_owned());
                Ok(())
            }
            State::Fresh { .. } => Err(Error::Misuse("too many banners before the client began")),
            State::Done | State::Ended => Err(Error::Misuse("a banner after authentication")),
            State::Open(_) | State::Asked { .. } | State::Prompted { .. } | State::Held { .. } => {
                write_banner(text, out)
            }
        }
    }

    /// Lets the client in, by what it showed.
    pub(crate) fn accept(&mut self, attempt: impl Attempt, out: &mut Outbox) -> Result<(), Error> {
        let (progress, evidence) = self.settle(attempt)?;
        let mut shown = progress.passed;
        shown.push(Arc::new(evidence));
        let user = progress.user.ok_or(Error::Misuse("nobody to let in"))?;
        out.message(userauth::SUCCESS, |_| {})?;
        self.events.push_back(ServerAuthEvent::Succeeded { user, evidence: shown });
        self.state = State::Done;
        Ok(())
    }

    /// What was shown is right, and one of `remaining` is needed besides (RFC 4252, section 5.1). It is remembered for this user name.
    pub(crate) fn partial(
        &mut self,
        attempt: impl Attempt,
        remaining: MethodSet,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let remaining = remaining.and(self.config.methods);
        if remaining.is_empty() || attempt.passed().len() >= PASSED_MAX {
            return Err(Error::Misuse("a partial success from which nothing leads on"));
        }
        let (mut progress, evidence) = self.settle(attempt)?;
        progress.passed.push(Arc::new(evidence));
        progress.methods = remaining;
        write_failure(remaining, Success::Partial, out)?;
        self.state = State::Open(progress);
        Ok(())
    }

    /// What was shown does not let the client in.
    pub(crate) fn reject(&mut self, attempt: impl Attempt, now: Now, out: &mut Outbox) -> Result<(), Error> {
        let began = self.began()?;
        let (progress, evidence) = self.settle(attempt)?;
        let cost = if evidence == Evidence::None { Cost::Nothing } else { Cost::Attempt };
        self.state = self.refuse(progress, cost, began, now, out)?;
        Ok(())
    }

    /// A signature by the offered key is worth making. That is all it says.
    pub(crate) fn acceptable(&mut self, offer: KeyOffer, out: &mut Outbox) -> Result<(), Error> {
        let KeyOffer { asked, presented, algorithm, .. } = offer;
        let progress = self.redeem(&asked.ticket)?;
        let name = match presented {
            Presented::Key(_) => algorithm.name(),
            Presented::Certificate(_) => algorithm.certificate_name(),
        };
        out.message(userauth::PK_OK, |w| {
            w.string(name.as_bytes()).string(presented.blob());
        })?;
        self.state = State::Open(progress);
        Ok(())
    }

    /// The offered key is of no use.
    pub(crate) fn reject_offer(&mut self, offer: KeyOffer, now: Now, out: &mut Outbox) -> Result<(), Error> {
        let began = self.began()?;
        let progress = self.redeem(&offer.asked.ticket)?;
        self.state = self.refuse(progress, Cost::Probe, began, now, out)?;
        Ok(())
    }

    /// Asks questions, at the start or after answers (RFC 4256, section 3.2).
    pub(crate) fn prompt(
        &mut self,
        attempt: InteractiveAttempt,
        prompts: &Prompts,
        out: &mut Outbox,
    ) -> Result<(), Error> {
        let text: usize = prompts.prompts.iter().map(|prompt| prompt.text.len() + 5).sum();
        if prompts.prompts.len() > PROMPTS_MAX || text + prompts.name.len() + prompts.instruction.len() > TEXT_BYTES_MAX
        {
            return Err(Error::Misuse("too many questions, or too long ones"));
        }
        self.check(&attempt.asked.ticket)?;
        let State::Asked { progress, began, question: Question::Conversation(conversation) } =
            std::mem::replace(&mut self.state, State::Ended)
        else {
            return Err(Error::Misuse("questions without a conversation"));
        };
        out.message(userauth::INFO_REQUEST, |w| {
            message::write_prompts(w, prompts);
        })?;
        self.interactive_since.get_or_insert(began);
        self.state = State::Prompted { progress, conversation, asked: prompts.prompts.len() };
        Ok(())
    }

    fn start(&mut self, banners: &[String], body: &[u8], out: &mut Outbox) -> Result<State, Error> {
        accept_service(body, out)?;
        for banner in banners {
            write_banner(banner, out)?;
        }
        Ok(State::Open(Progress::new(None, self.config.methods)))
    }

    /// A no: counted, and sent when its time has come.
    fn refuse(
        &mut self,
        progress: Progress,
        cost: Cost,
        began: Instant,
        now: Now,
        out: &mut Outbox,
    ) -> Result<State, Error> {
        if cost == Cost::Attempt {
            self.spent.attempt();
        }
        let answer = if self.spent.everything(&self.config) { Negative::Exhausted } else { Negative::Failure };
        let floor = if cost == Cost::Nothing { Duration::ZERO } else { self.config.answer_floor };
        let due = began.checked_add(floor).unwrap_or(began);
        // The end always comes by the clock, even at once: an answer of the caller is no place for it.
        if now.monotonic < due || answer == Negative::Exhausted {
            return Ok(State::Held { progress, answer, due });
        }
        negative(progress, answer, out)
    }

    /// Takes a token back: what was shown so far, and what it shows now.
    fn settle(&mut self, attempt: impl Attempt) -> Result<(Progress, Evidence), Error> {
        let (ticket, evidence) = attempt.settle();
        Ok((self.redeem(&ticket)?, evidence))
    }

    fn redeem(&mut self, ticket: &Ticket) -> Result<Progress, Error> {
        self.check(ticket)?;
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Asked { progress, .. } => Ok(progress),
            _ => Err(Error::Misuse("an answer to nothing")),
        }
    }

    /// A ticket is of this connection and of the last request. (The address of the identifier is unique while a ticket holds it.)
    fn check(&self, ticket: &Ticket) -> Result<(), Error> {
        let ours = Arc::ptr_eq(&ticket.connection, &self.session_id) && ticket.serial == self.serial;
        if ours && matches!(self.state, State::Asked { .. }) {
            Ok(())
        } else {
            Err(Error::Misuse("an answer to another request"))
        }
    }

    fn began(&self) -> Result<Instant, Error> {
        match &self.state {
            State::Asked { began, .. } => Ok(*began),
            _ => Err(Error::Misuse("an answer to nothing")),
        }
    }
}

/// The only service before somebody is known (RFC 4253, section 10).
fn accept_service(body: &[u8], out: &mut Outbox) -> Result<(), Error> {
    if message::decode_service(body)? != SERVICE_USERAUTH.as_bytes() {
        let text = "only ssh-userauth may be asked for".to_owned();
        return Err(Error::Closed { reason: Reason::SERVICE_NOT_AVAILABLE, text });
    }
    out.message(transport::SERVICE_ACCEPT, |w| {
        w.string(SERVICE_USERAUTH.as_bytes());
    })
}

/// Sends what waited, or ends the connection if nothing is left to try.
fn negative(progress: Progress, answer: Negative, out: &mut Outbox) -> Result<State, Error> {
    match answer {
        Negative::Exhausted => Err(Error::AuthExhausted),
        Negative::Failure => {
            write_failure(progress.methods, Success::None, out)?;
            Ok(State::Open(progress))
        }
    }
}

/// Whether a failure says that something was right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Success {
    None,
    Partial,
}

fn write_failure(methods: MethodSet, success: Success, out: &mut Outbox) -> Result<(), Error> {
    out.message(userauth::FAILURE, |w| {
        w.name_list(methods.names()).bool(success == Success::Partial);
    })
}

fn write_banner(text: &str, out: &mut Outbox) -> Result<(), Error> {
    out.message(userauth::BANNER, |w| {
        w.string(text.as_bytes()).string(b"");
    })
}

#[cfg(test)]
mod tests;
