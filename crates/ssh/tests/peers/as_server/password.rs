//! Passwords, questions in several rounds, and several proofs one after another, with clients that others wrote.

use std::sync::Mutex;

use sallyport_ssh::auth::{
    Attempt, Echo, Evidence, InteractiveAttempt, Method, MethodSet, PasswordAttempt, Prompt, Prompts, ServerAuthConfig,
    VerifiedIdentity,
};
use tokio::process::Command;

use super::Scene;
use crate::ours::server::{self, Door, Seen, Server, Verdict};
use crate::peer::python::Json;
use crate::peer::{ClientPeer, openssh};
use crate::program::{Finished, finish, python};

const PASSWORD: &str = "correct horse ünïcode";
const FRUIT: &str = "pear";
const CODE: &str = "123456";

/// Wants some of: the user's key, a password, two rounds of questions, in the order of [`Wanted`].
struct Gate {
    wanted: Wanted,
    key: sallyport_ssh::key::PublicKey,
    /// What was asked and answered, to be looked at afterwards.
    heard: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Password,
    Questions,
    KeyThenQuestions,
    KeyThenPassword,
    KeyThenQuestionsThenPassword,
}

impl Wanted {
    fn methods(self) -> MethodSet {
        let all = [MethodSet::PUBLIC_KEY, MethodSet::KEYBOARD_INTERACTIVE, MethodSet::PASSWORD];
        match self {
            Self::Password => MethodSet::PASSWORD,
            Self::Questions => MethodSet::KEYBOARD_INTERACTIVE,
            Self::KeyThenQuestions => all[0].with(all[1]),
            Self::KeyThenPassword => all[0].with(all[2]),
            Self::KeyThenQuestionsThenPassword => all[0].with(all[1]).with(all[2]),
        }
    }

    /// What is still needed after `passed`, in order.
    fn after(self, passed: usize) -> Option<MethodSet> {
        let steps: &[MethodSet] = match self {
            Self::Password => &[MethodSet::PASSWORD],
            Self::Questions => &[MethodSet::KEYBOARD_INTERACTIVE],
            Self::KeyThenQuestions => &[MethodSet::PUBLIC_KEY, MethodSet::KEYBOARD_INTERACTIVE],
            Self::KeyThenPassword => &[MethodSet::PUBLIC_KEY, MethodSet::PASSWORD],
            Self::KeyThenQuestionsThenPassword => {
                &[MethodSet::PUBLIC_KEY, MethodSet::KEYBOARD_INTERACTIVE, MethodSet::PASSWORD]
            }
        };
        steps.get(passed).copied()
    }
}

impl Gate {
    /// The proof of one step was right.
    fn step(&self, method: Method, passed: usize) -> Verdict {
        match (self.wanted.after(passed), self.wanted.after(passed + 1)) {
            (Some(now), _) if !now.contains(method) => Verdict::No,
            (Some(_), Some(next)) => Verdict::Partly(next),
            (Some(_), None) => Verdict::In,
            (None, _) => Verdict::No,
        }
    }
}

impl Door for Gate {
    fn banner(&self) -> Option<&str> {
        Some("Authorised use only — Zutritt nur für Befugte\n")
    }

    fn key(&self, identity: &VerifiedIdentity) -> Verdict {
        if *identity.presented().key() == self.key {
            self.step(Method::PublicKey, identity.passed().len())
        } else {
            Verdict::No
        }
    }

    fn password(&self, attempt: &PasswordAttempt) -> Verdict {
        if attempt.user() == "alice" && attempt.secret() == PASSWORD {
            self.step(Method::Password, attempt.passed().len())
        } else {
            Verdict::No
        }
    }

    fn interactive(&self, attempt: &InteractiveAttempt, round: usize) -> Verdict {
        let answers: Vec<&str> = attempt.responses().iter().map(|answer| answer.as_str()).collect();
        self.heard.lock().unwrap().push(format!("{round}: {answers:?}"));
        match (round, answers.as_slice()) {
            (0, []) => ask("Welcome", "Two rounds", &[("Fruit? ", Echo::Shown), ("Password: ", Echo::Hidden)]),
            (1, [FRUIT, PASSWORD]) => ask("", "Now the code", &[("Code: ", Echo::Hidden)]),
            // RFC 4256, section 3.2: questions may be none, and are answered all the same.
            (2, [CODE]) => ask("", "Nothing more", &[]),
            (3, []) => self.step(Method::KeyboardInteractive, attempt.passed().len()),
            _ => Verdict::No,
        }
    }
}

fn ask(name: &str, instruction: &str, questions: &[(&str, Echo)]) -> Verdict {
    let prompts = questions.iter().map(|(text, echo)| Prompt { text: (*text).to_owned(), echo: *echo }).collect();
    Verdict::Ask(Prompts { name: name.to_owned(), instruction: instruction.to_owned(), prompts })
}

/// Clients that can be told answers.
const CLIENTS: [ClientPeer; 3] = [ClientPeer::OpenSsh, ClientPeer::Paramiko, ClientPeer::Asyncssh];

#[tokio::test]
async fn password() {
    for peer in CLIENTS {
        passes(peer, Wanted::Password, &[Method::Password]).await;
    }
}

#[tokio::test]
async fn questions_in_several_rounds() {
    for peer in CLIENTS {
        passes(peer, Wanted::Questions, &[Method::KeyboardInteractive]).await;
    }
}

#[tokio::test]
async fn a_key_and_then_questions() {
    for peer in CLIENTS {
        let shown = [Method::PublicKey, Method::KeyboardInteractive];
        passes(peer, Wanted::KeyThenQuestions, &shown).await;
    }
}

#[tokio::test]
async fn a_key_and_then_a_password() {
    for peer in CLIENTS {
        passes(peer, Wanted::KeyThenPassword, &[Method::PublicKey, Method::Password]).await;
    }
}

#[tokio::test]
async fn a_key_and_questions_and_a_password() {
    for peer in CLIENTS {
        let shown = [Method::PublicKey, Method::KeyboardInteractive, Method::Password];
        passes(peer, Wanted::KeyThenQuestionsThenPassword, &shown).await;
    }
}

/// A wrong password, and a wrong answer in the second round.
#[tokio::test]
async fn wrong() {
    for peer in CLIENTS {
        for (wanted, password, code) in [
            (Wanted::Password, "wrong", CODE),
            (Wanted::Questions, PASSWORD, "000000"),
            (Wanted::KeyThenPassword, "", CODE),
        ] {
            let scene = Scene::new();
            let mut server = gate(&scene, wanted).await;
            let finished = answer(peer, &scene, &server, password, code).await;
            assert_ne!(finished.status, Some(3), "{}", peer.name());
            let seen = server.seen_to_the_end().await;
            assert!(!seen.iter().any(|seen| matches!(seen, Seen::In { .. })), "{}: {seen:?}", peer.name());
        }
    }
}

async fn passes(peer: ClientPeer, wanted: Wanted, shown: &[Method]) {
    let scene = Scene::new();
    let mut server = gate(&scene, wanted).await;
    let finished = answer(peer, &scene, &server, PASSWORD, CODE).await;
    assert_eq!((finished.text().as_str(), finished.status), ("inside", Some(3)), "{}", peer.name());
    let seen = server.seen_to_the_end().await;
    let evidence = seen.iter().find_map(|seen| match seen {
        Seen::In { user, evidence } if user == "alice" => Some(evidence),
        _ => None,
    });
    let methods: Vec<_> =
        evidence.expect("somebody came in").iter().map(|evidence| Evidence::method(evidence)).collect();
    assert_eq!(methods, shown, "{}", peer.name());
}

async fn gate(scene: &Scene, wanted: Wanted) -> Server {
    let auth = ServerAuthConfig { methods: wanted.methods(), ..ServerAuthConfig::default() };
    let door = Gate { wanted, key: scene.user_key.public(), heard: Mutex::default() };
    Server::start(server::config(&scene.host_key), auth, door).await
}

/// Runs a client that gives these answers, and sends `inside` through when it is.
async fn answer(peer: ClientPeer, scene: &Scene, server: &Server, password: &str, code: &str) -> Finished {
    let mut command = match peer {
        ClientPeer::OpenSsh => ssh(scene, server, password, code),
        ClientPeer::Paramiko => script("paramiko", scene, server, password, code),
        _ => script("asyncssh", scene, server, password, code),
    };
    finish(&mut command, b"inside").await
}

/// OpenSSH asks a program for secrets, with the question as its argument.
fn ssh(scene: &Scene, server: &Server, password: &str, code: &str) -> Command {
    let script = format!(
        "#!/bin/sh\ncase $1 in *Fruit*) echo {FRUIT};; *assword*) echo '{password}';; *Code*) echo {code};; *) exit 1;; esac\n"
    );
    let askpass = scene.place.write("askpass", script, 0o700);
    let mut command = openssh::client("ssh", &scene.asking(server, ""));
    command.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force");
    command.args(["-p", &server.address.port().to_string(), "alice@127.0.0.1", "echo 3"]);
    openssh::without(&command, "BatchMode=yes", &["-o", "NumberOfPasswordPrompts=1"])
}

fn script(library: &str, scene: &Scene, server: &Server, password: &str, code: &str) -> Command {
    let options = Json::default()
        .string("library", library)
        .raw("port", &server.address.port().to_string())
        .string("user", "alice")
        .path("key", &scene.user_key.path)
        .string("host_key", &scene.host_key.line())
        .string("password", password)
        .string("fruit", FRUIT)
        .string("code", code)
        .string("command", "echo 3")
        .finish();
    let mut command = python("answers.py");
    command.arg(options);
    command.into()
}
