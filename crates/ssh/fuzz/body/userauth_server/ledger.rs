//! What a sign-in must come to, kept beside the engine and in another way.
//!
//! Owns: who showed what, how often, and the answers to it. Must not know: messages.

use std::collections::VecDeque;

use sallyport_ssh::auth::{
    Attempt, Echo, InteractiveAttempt, MethodSet, Prompt, Prompts, Refusal, Refused, ServerAuthConfig, ServerAuthEvent,
};
use sallyport_ssh::engine::ServerLogin;
use sallyport_ssh::error::Error;
use sallyport_ssh::message::userauth;
use sallyport_ssh::time::Now;
use sallyport_ssh::wire::Reader;

/// Whom the signatures in the corpus are for.
const SIGNER: &str = "alice";

/// What happened, and how often.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) accepted: usize,
    pub(super) partial: usize,
    pub(super) said_success: usize,
    pub(super) said_partial: usize,
    told_success: usize,
    rejected: u32,
    probes: u32,
    /// What was not answered yet, in order: the names in requests, and nothing for answers to questions.
    waiting: VecDeque<Option<Vec<u8>>>,
    /// For whom something was shown, and how much of it was right.
    user: Option<String>,
    passed: usize,
}

impl Ledger {
    /// The client says something. It may wait in the engine until what came before is answered.
    pub(super) fn heard(&mut self, payload: &[u8]) {
        let mut reader = Reader::new(payload);
        match (reader.u8(), reader.string()) {
            (Ok(userauth::REQUEST), Ok(user)) => self.waiting.push_back(Some(user.to_vec())),
            (Ok(userauth::INFO_RESPONSE), _) => self.waiting.push_back(None),
            _ => {}
        }
    }

    /// What must be true of an event, given what came before.
    pub(super) fn note(&mut self, event: &ServerAuthEvent, config: &ServerAuthConfig) {
        match event {
            ServerAuthEvent::Offered(offer) => {
                self.probes += 1;
                assert_eq!(self.oldest().as_deref(), Some(offer.user().as_bytes()));
                self.shown_by(Some(offer.user()));
            }
            ServerAuthEvent::None(attempt) => {
                self.probes += 1;
                self.attempted(attempt);
                assert_eq!(self.passed, 0, "nothing is not enough behind a part");
            }
            ServerAuthEvent::Password(attempt) => self.attempted(attempt),
            ServerAuthEvent::Verified(identity) => {
                assert_eq!(identity.user(), SIGNER, "nobody signed for this name");
                self.attempted(identity);
            }
            ServerAuthEvent::InteractiveStart(attempt) => self.attempted(attempt),
            ServerAuthEvent::InteractiveResponse(attempt) => {
                assert_eq!(self.oldest(), None, "answers out of nothing");
                self.shown_by(Some(attempt.user()));
                assert_eq!(attempt.passed().len(), self.passed);
            }
            ServerAuthEvent::Refused(refused) => self.refused(refused),
            ServerAuthEvent::InteractiveAbandoned { user } => {
                assert_eq!(self.user.as_deref(), Some(&**user));
            }
            ServerAuthEvent::Succeeded { user, evidence } => {
                self.told_success += 1;
                assert_eq!(self.user.as_deref(), Some(&**user));
                assert_eq!(evidence.len(), self.passed + 1, "evidence of another name");
            }
        }
        assert!(self.probes <= config.offers_max, "{} were offered", self.probes);
    }

    /// Answers an event as the script has it.
    pub(super) fn answer(
        &mut self,
        mut login: ServerLogin<'_>,
        event: ServerAuthEvent,
        choice: u8,
        now: Now,
    ) -> Result<(), Error> {
        match event {
            ServerAuthEvent::Offered(offer) if choice.is_multiple_of(2) => login.acceptable(offer),
            ServerAuthEvent::Offered(offer) => login.reject_offer(offer, now),
            // Asking what there is counts as a question, not as an attempt.
            ServerAuthEvent::None(attempt) if choice % 4 >= 2 => login.reject(attempt, now),
            ServerAuthEvent::None(attempt) => self.decide(login, attempt, choice, now),
            ServerAuthEvent::Password(attempt) => self.decide(login, attempt, choice, now),
            ServerAuthEvent::Verified(identity) => self.decide(login, identity, choice, now),
            ServerAuthEvent::InteractiveStart(attempt) | ServerAuthEvent::InteractiveResponse(attempt) => {
                if choice & 8 != 0 {
                    return ask(&mut login, attempt, choice);
                }
                self.decide(login, attempt, choice, now)
            }
            ServerAuthEvent::InteractiveAbandoned { .. }
            | ServerAuthEvent::Refused(_)
            | ServerAuthEvent::Succeeded { .. } => Ok(()),
        }
    }

    /// What holds at any time.
    pub(super) fn check(&self, config: &ServerAuthConfig) {
        assert!(self.rejected <= config.attempts_max);
        assert!(self.told_success <= 1 && self.told_success == self.accepted);
    }

    fn decide(&mut self, mut login: ServerLogin<'_>, attempt: impl Attempt, choice: u8, now: Now) -> Result<(), Error> {
        match choice % 4 {
            0 => {
                login.accept(attempt).unwrap();
                self.accepted += 1;
                Ok(())
            }
            1 => {
                let remaining = match choice >> 4 & 1 {
                    0 => MethodSet::PUBLIC_KEY,
                    _ => MethodSet::PUBLIC_KEY.with(MethodSet::PASSWORD),
                };
                login.partial(attempt, remaining)?;
                self.partial += 1;
                self.passed += 1;
                Ok(())
            }
            _ => {
                self.rejected += 1;
                login.reject(attempt, now)
            }
        }
    }

    fn attempted(&mut self, attempt: &impl Attempt) {
        assert_eq!(self.oldest().as_deref(), Some(attempt.user().as_bytes()), "under another name than was asked for");
        self.shown_by(Some(attempt.user()));
        assert_eq!(attempt.passed().len(), self.passed, "what another name showed");
    }

    fn oldest(&mut self) -> Option<Vec<u8>> {
        self.waiting.pop_front().expect("an event that nothing led to")
    }

    fn refused(&mut self, refused: &Refused) {
        if let (Some(claimed), Some(user)) = (self.oldest(), &refused.user) {
            assert_eq!(claimed, user.as_bytes());
        }
        // Without a name or a service that exists, nobody has shown anything any more.
        let nobody = matches!(refused.why, Refusal::UserName | Refusal::Service);
        self.shown_by(refused.user.as_deref().filter(|_| !nobody));
    }

    /// Another name, and everything that was shown is gone.
    fn shown_by(&mut self, user: Option<&str>) {
        if self.user.as_deref() != user || user.is_none() {
            self.user = user.map(str::to_owned);
            self.passed = 0;
        }
    }
}

fn ask(login: &mut ServerLogin<'_>, attempt: InteractiveAttempt, choice: u8) -> Result<(), Error> {
    let prompt = Prompt { text: "Code: ".to_owned(), echo: Echo::Hidden };
    let prompts = vec![prompt; usize::from(choice >> 4)];
    login.prompt(attempt, &Prompts { prompts, ..Prompts::default() })
}
