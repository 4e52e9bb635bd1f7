//! Whatever comes in whatever order: nothing panics, and nobody is let in by chance.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::line::*;
use crate::auth::*;
use crate::error::Error;
use crate::key::SigningKey;
use crate::message::userauth;

const USERS: [&str; 4] = ["alice", "bob", "", "al\u{1}ce"];

/// A message of a client, well-formed or not.
#[derive(Debug, Clone)]
enum Said {
    Bytes(Vec<u8>),
    Numbered(u8, Vec<u8>),
    Mangled(Box<Said>, usize, u8),
    Service(bool),
    None(usize),
    Password(usize),
    Interactive(usize),
    Responses(usize),
    Offer(usize),
    /// For another session, by another key, or under another name than the signature says.
    BadlySigned(usize, u8),
    Signed(usize),
}

fn said() -> impl Strategy<Value = Said> {
    let user = 0..USERS.len();
    let plain = prop_oneof![
        any::<bool>().prop_map(Said::Service),
        user.clone().prop_map(Said::None),
        user.clone().prop_map(Said::Password),
        user.clone().prop_map(Said::Interactive),
        (0..3usize).prop_map(Said::Responses),
        user.clone().prop_map(Said::Offer),
        (user.clone(), 0..3u8).prop_map(|(user, way)| Said::BadlySigned(user, way)),
        user.prop_map(Said::Signed),
    ];
    let mangled = (plain.clone(), any::<prop::sample::Index>(), 1..=u8::MAX)
        .prop_map(|(said, at, by)| Said::Mangled(Box::new(said), at.index(1 << 16), by));
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Said::Bytes),
        1 => (prop_oneof![Just(5u8), Just(50), Just(61), 0..=99u8], prop::collection::vec(any::<u8>(), 0..64))
            .prop_map(|(number, body)| Said::Numbered(number, body)),
        1 => mangled,
        12 => plain,
    ]
}

impl Said {
    fn payload(&self, key: &SigningKey, other: &SigningKey) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Numbered(number, body) => [vec![*number], body.clone()].concat(),
            Self::Mangled(said, at, by) => {
                let mut payload = said.payload(key, other);
                let at = at % payload.len();
                payload[at] ^= by;
                payload
            }
            Self::Service(right) => service_request(if *right { "ssh-userauth" } else { "ssh-connection" }),
            Self::None(user) => none(USERS[*user]),
            Self::Password(user) => password(USERS[*user], "right"),
            Self::Interactive(user) => interactive(USERS[*user]),
            Self::Responses(count) => responses(&vec!["x"; *count]),
            Self::Offer(user) => offer(USERS[*user], "ssh-ed25519", key.public_key().blob()),
            Self::BadlySigned(user, way) => {
                let (user, blob) = (USERS[*user], key.public_key().blob());
                match way {
                    0 => signed_as(user, "ssh-ed25519", blob, b"another session", |data| key.sign(data)),
                    1 => signed_as(user, "ssh-ed25519", blob, SESSION_ID, |data| other.sign(data)),
                    _ => {
                        let of_other = signed_as("mallory", "ssh-ed25519", blob, SESSION_ID, |data| key.sign(data));
                        let at = of_other.len() - 83;
                        let mut payload = signed(user, key);
                        let end = payload.len() - 83;
                        payload.truncate(end);
                        [payload, of_other[at..].to_vec()].concat()
                    }
                }
            }
            Self::Signed(user) => signed(USERS[*user], key),
        }
    }
}

/// What the user of the engine decides, if it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Decision {
    Accept,
    Reject,
    Partial,
    Prompt,
}

fn decision() -> impl Strategy<Value = Decision> {
    use Decision::*;
    prop_oneof![2 => Just(Accept), 3 => Just(Reject), 4 => Just(Partial), 2 => Just(Prompt)]
}

/// Follows a server and keeps its own account of what was shown.
struct Watched {
    server: Server,
    /// By whom, in a row.
    shown: Vec<(String, Method)>,
    accepted: Option<String>,
}

impl Watched {
    /// A request under this name came: what others showed is worth nothing any more.
    fn came(&mut self, user: Option<&str>) {
        self.shown.retain(|(before, _)| Some(before.as_str()) == user);
    }

    fn decide(&mut self, attempt: impl Attempt, method: Method, decision: Decision) -> Result<(), Error> {
        let user = attempt.user().to_owned();
        self.came(Some(&user));
        let passed: Vec<_> = attempt.passed().iter().map(|shown| (user.clone(), shown.method())).collect();
        assert_eq!(passed, self.shown, "what was shown before is what this user showed");
        let (auth, out, now) = (&mut self.server.auth, &mut self.server.line.out, self.server.now);
        match decision {
            Decision::Accept => {
                self.shown.push((user.clone(), method));
                self.accepted = Some(user);
                auth.accept(attempt, out)
            }
            Decision::Partial => {
                self.shown.push((user, method));
                auth.partial(attempt, config().methods, out)
            }
            Decision::Reject | Decision::Prompt => auth.reject(attempt, now, out),
        }
    }

    fn answer(&mut self, event: ServerAuthEvent, decision: Decision) -> Result<(), Error> {
        match event {
            ServerAuthEvent::Offered(offer) => {
                self.came(Some(offer.user()));
                let (auth, out, now) = (&mut self.server.auth, &mut self.server.line.out, self.server.now);
                match decision {
                    Decision::Reject => auth.reject_offer(offer, now, out),
                    _ => auth.acceptable(offer, out),
                }
            }
            ServerAuthEvent::None(attempt) => self.decide(attempt, Method::None, decision),
            ServerAuthEvent::Password(attempt) => self.decide(attempt, Method::Password, decision),
            ServerAuthEvent::InteractiveStart(attempt) | ServerAuthEvent::InteractiveResponse(attempt) => {
                if decision != Decision::Prompt {
                    return self.decide(attempt, Method::KeyboardInteractive, decision);
                }
                self.came(Some(attempt.user()));
                self.server.auth.prompt(attempt, &Prompts::default(), &mut self.server.line.out)
            }
            ServerAuthEvent::Verified(identity) => self.decide(identity, Method::PublicKey, decision),
            ServerAuthEvent::InteractiveAbandoned { .. } => Ok(()),
            ServerAuthEvent::Refused(refused) => {
                self.came(refused.user.as_deref().filter(|_| refused.why != Refusal::Service));
                Ok(())
            }
            ServerAuthEvent::Succeeded { user, evidence } => {
                assert_eq!(Some(&*user), self.accepted.as_deref());
                let evidence: Vec<_> = evidence.iter().map(|shown| (user.to_string(), shown.method())).collect();
                assert_eq!(evidence, self.shown, "all of it was shown under this name");
                Ok(())
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Somebody who may decide anything: what counts is only ever one user's, and only an `accept` lets in.
    #[test]
    fn p1_what_was_shown_belongs_to_one_user(said in prop::collection::vec((said(), decision()), 1..40)) {
        let (key, other) = (key(), key());
        let mut watched = Watched { server: Server::new(ServerAuthConfig { attempts_max: 100, ..config() }), shown: Vec::new(), accepted: None };
        'connection: for (said, decision) in said {
            if watched.server.send(&said.payload(&key, &other)).is_err() {
                break;
            }
            while let Some(event) = watched.server.auth.next_event() {
                // Too long a chain, or nothing left to try: the connection ends.
                if watched.answer(event, decision).is_err() {
                    break 'connection;
                }
            }
            prop_assert!(!watched.server.auth.awaits_answer());
            let successes = watched.server.line.take().iter().filter(|payload| payload[0] == userauth::SUCCESS).count();
            prop_assert!(successes == 0 || watched.accepted.is_some());
        }
    }

    /// Whoever says yes to everything that is proved lets nobody in who proved nothing.
    #[test]
    fn p1_random_requests_prove_nothing(said in prop::collection::vec(said(), 1..40)) {
        let (key, other) = (key(), key());
        let mut server = Server::new(ServerAuthConfig { attempts_max: 100, ..config() });
        for said in said {
            // A message with one byte changed may still be right: a bit of the `boolean` TRUE says nothing.
            if matches!(said, Said::Signed(_) | Said::Mangled(..)) {
                continue;
            }
            if server.send(&said.payload(&key, &other)).is_err() {
                break;
            }
            while let Some(event) = server.auth.next_event() {
                let (auth, out, now) = (&mut server.auth, &mut server.line.out, server.now);
                match event {
                    ServerAuthEvent::Offered(offer) => auth.acceptable(offer, out).unwrap(),
                    ServerAuthEvent::Verified(identity) => auth.accept(identity, out).unwrap(),
                    ServerAuthEvent::None(attempt) => drop(auth.reject(attempt, now, out)),
                    ServerAuthEvent::Password(attempt) => drop(auth.reject(attempt, now, out)),
                    ServerAuthEvent::InteractiveStart(attempt) => auth.prompt(attempt, &Prompts::default(), out).unwrap(),
                    ServerAuthEvent::InteractiveResponse(attempt) => drop(auth.reject(attempt, now, out)),
                    ServerAuthEvent::InteractiveAbandoned { .. } | ServerAuthEvent::Refused(_) => {}
                    ServerAuthEvent::Succeeded { .. } => prop_assert!(false, "let in"),
                }
            }
            prop_assert!(server.line.take().iter().all(|payload| payload[0] != userauth::SUCCESS));
        }
    }

    /// A signed request with any one bit changed is not the signed request, unless only the truth of TRUE changed.
    #[test]
    fn p1_a_changed_bit_proves_nothing(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let key = key();
        let whole = signed("alice", &key);
        let flag = whole.windows(9).position(|window| window == b"publickey").unwrap() + 9;
        let mut changed = whole.clone();
        let at = at.index(changed.len());
        changed[at] ^= 1 << bit;
        let mut server = Server::new(config());
        let _ = server.send(&changed);
        let verified = matches!(server.auth.next_event(), Some(ServerAuthEvent::Verified(_)));
        prop_assert_eq!(verified, at == flag && changed[at] != 0);
    }

    /// A server that says anything: no panic, and success only in answer to a request that can succeed.
    #[test]
    fn p3_a_client_believes_answers_only(said in prop::collection::vec((0..12u8, 0..9u8, prop::collection::vec(any::<u8>(), 0..48)), 1..40)) {
        let key = key();
        let mut auth = ClientAuth::new(SESSION_ID, None);
        let mut line = Line::new();
        let _ = auth.begin(&mut line.out);
        auth.handle(&message(6, |w| { w.string(b"ssh-userauth"); })).unwrap();
        let mut provable = false;
        for (number, act, body) in said {
            let number = [51, 51, 51, 52, 53, 60, 60, 6, 1, 50, 61, 90][usize::from(number)];
            let secret = Zeroizing::new("x".to_owned());
            let algorithm = crate::key::SignatureAlgorithm::Ed25519;
            let acted = match act {
                0 => auth.none("alice", &mut line.out),
                1 => auth.password("alice", &secret, &mut line.out),
                2 => auth.keyboard_interactive("alice", "", &mut line.out),
                3 => auth.offer_key("alice", &plain(&key), algorithm, &mut line.out).map(|()| provable = false),
                4 => auth.public_key("alice", &plain(&key), algorithm).map(|()| provable = false),
                5 => auth.respond(&[secret], &mut line.out),
                _ => auth.abandon().map(|()| provable = false),
            };
            provable |= acted.is_ok() && [0, 1, 2, 5].contains(&act);
            let body = match number {
                51 => failure("password", body.len() % 2 == 0)[1..].to_vec(),
                52 => Vec::new(),
                53 => [&5u32.to_be_bytes()[..], b"hello", &[0; 4]].concat(),
                60 if act == 2 => message(60, |w| { w.string(b"").string(b"").string(b"").u32(1).string(b"?").bool(true); })[1..].to_vec(),
                _ => body,
            };
            let result = auth.handle(&[vec![number], body].concat());
            let mut succeeded = 0;
            while let Some(event) = auth.next_event() {
                match event {
                    ClientAuthEvent::Succeeded { .. } => succeeded += 1,
                    ClientAuthEvent::Failure { .. } | ClientAuthEvent::PasswordExpired { .. } | ClientAuthEvent::Prompt(_) => provable = false,
                    _ => {}
                }
            }
            prop_assert_eq!(succeeded, usize::from(number == 52 && provable && result.is_ok()));
            prop_assert!(number != 52 || result.is_ok() == provable);
            if result.is_err() || number == 52 {
                break;
            }
            line.take();
        }
    }
}

/// Keeps the strategies honest: what they call signed is taken for signed.
#[test]
fn the_random_requests_hold_good_ones() {
    let (key, other) = (key(), key());
    let mut server = Server::new(config());
    token!(server.ask(&Said::Signed(0).payload(&key, &other)), Verified);
    for way in 0..3 {
        assert_eq!(Server::new(config()).refusal(&Said::BadlySigned(0, way).payload(&key, &other)), Refusal::Signature);
    }
}
