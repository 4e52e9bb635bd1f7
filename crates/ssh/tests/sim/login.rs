//! Signing in, in several ways, on both sides.
//!
//! Owns: who shows what when. The way is chosen by the client; the server takes any that is right.

use anyhow::{Result, bail, ensure};
use sallyport_ssh::auth::{
    ClientAuthEvent, Echo, InteractiveAttempt, MethodSet, Outcome, Prompt, Prompts, ServerAuthEvent,
};
use sallyport_ssh::engine::{Engine, Phase, ServerLogin};
use sallyport_ssh::key::Presented;
use sallyport_ssh::time::Now;
use zeroize::Zeroizing;

use crate::plan::user_key;
use crate::random::Random;

const USER: &str = "alice";
const PASSWORD: &str = "right";
/// Everything the server offers. Those that sign in with two things are told so by a partial success.
const WAYS: usize = 6;

/// The client's side.
pub(crate) struct Guest {
    way: usize,
    failures: usize,
}

impl Guest {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self { way: random.below(WAYS), failures: 0 }
    }

    pub(crate) fn answer(&mut self, engine: &mut Engine, event: ClientAuthEvent) -> Result<()> {
        if matches!(event, ClientAuthEvent::Succeeded { .. }) {
            return Ok(());
        }
        let Phase::ClientAuth(mut login) = engine.phase() else {
            bail!("an authentication event outside of authentication");
        };
        let identity = Presented::Key(user_key().public_key().clone());
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        match event {
            ClientAuthEvent::Ready => match self.way {
                0 => login.public_key(USER, &identity)?,
                1 | 5 => login.offer_key(USER, &identity)?,
                2 => login.none(USER)?,
                3 => login.password(USER, &secret("wrong"))?,
                _ => login.keyboard_interactive(USER, "")?,
            },
            ClientAuthEvent::Failure { methods, outcome } => {
                self.failures += 1;
                ensure!(self.failures < 3, "refused: {methods:?}");
                match (self.way, outcome) {
                    (2, Outcome::Refused) => login.public_key(USER, &identity)?,
                    _ => login.password(USER, &secret(PASSWORD))?,
                }
            }
            ClientAuthEvent::Sign(request) => {
                let signature = user_key().sign(request.data());
                login.signature(request, &signature)?;
            }
            ClientAuthEvent::Prompt(prompts) => {
                let answers: Vec<_> = prompts.prompts.iter().map(|prompt| secret(&prompt.text)).collect();
                login.respond(&answers)?;
            }
            ClientAuthEvent::Banner { text } => ensure!(text == "hello\n", "banner {text:?}"),
            ClientAuthEvent::PasswordExpired { .. } | ClientAuthEvent::Succeeded { .. } => {
                bail!("an event that nobody caused")
            }
        }
        Ok(())
    }
}

/// The server's side.
pub(crate) struct Door {
    way: Way,
    rounds: usize,
}

/// What the door asks of somebody with a key.
#[derive(Clone, Copy)]
enum Way {
    Key,
    KeyAndPassword,
}

impl Door {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self { way: random.pick(&[Way::Key, Way::Key, Way::KeyAndPassword]), rounds: random.below(3) }
    }

    pub(crate) fn answer(&mut self, engine: &mut Engine, event: ServerAuthEvent, now: Now) -> Result<()> {
        match &event {
            ServerAuthEvent::Succeeded { user, .. } => {
                ensure!(&**user == USER, "signed in as {user}");
                return Ok(());
            }
            ServerAuthEvent::Refused(refused) => bail!("refused by the engine: {}", refused.why),
            _ => {}
        }
        let Phase::ServerAuth(mut login) = engine.phase() else {
            bail!("an authentication event outside of authentication");
        };
        login.banner("hello\n")?;
        match event {
            ServerAuthEvent::Offered(offer) => login.acceptable(offer)?,
            ServerAuthEvent::None(attempt) => login.reject(attempt, now)?,
            ServerAuthEvent::Password(attempt) if attempt.secret() == PASSWORD => login.accept(attempt)?,
            ServerAuthEvent::Password(attempt) => login.reject(attempt, now)?,
            ServerAuthEvent::Verified(identity) => {
                ensure!(identity.presented().key() == user_key().public_key(), "somebody else's key");
                match self.way {
                    Way::Key => login.accept(identity)?,
                    Way::KeyAndPassword => login.partial(identity, MethodSet::PASSWORD)?,
                }
            }
            ServerAuthEvent::InteractiveStart(attempt) => self.ask(login, attempt)?,
            ServerAuthEvent::InteractiveResponse(attempt) => {
                for (index, response) in attempt.responses().iter().enumerate() {
                    ensure!(**response == question(self.rounds + 1, index), "another answer");
                }
                self.ask(login, attempt)?;
            }
            _ => bail!("an event that nobody caused"),
        }
        Ok(())
    }

    /// Another round of questions, or in.
    fn ask(&mut self, mut login: ServerLogin<'_>, attempt: InteractiveAttempt) -> Result<()> {
        if self.rounds == 0 {
            return Ok(login.accept(attempt)?);
        }
        let prompt = |index| Prompt { text: question(self.rounds, index), echo: Echo::Hidden };
        let prompts = Prompts { prompts: (0..self.rounds).map(prompt).collect(), ..Prompts::default() };
        self.rounds -= 1;
        Ok(login.prompt(attempt, &prompts)?)
    }
}

fn question(round: usize, index: usize) -> String {
    format!("question {index} of round {round}")
}
