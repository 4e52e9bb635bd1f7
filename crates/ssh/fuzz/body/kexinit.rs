//! KEXINIT and what is chosen between two of them (RFC 4253, section 7.1), in both roles and with every list of preferences.
//!
//! Asserts: a KEXINIT that is taken is kept byte by byte; each choice is the first of the client's names that the server has
//! and that we know, found here in another way; strict key exchange exactly where the peer names it; an error repeats
//! little of what the peer sent.

use sallyport_ssh::cipher::Cipher;
use sallyport_ssh::error::Error;
use sallyport_ssh::kex::{Agreed, Form, Guess, HostKeyAlgorithm, KexInit, Phase, Preferences, Strict, negotiate};
use sallyport_ssh::key::SignatureAlgorithm;
use sallyport_ssh::role::Role;
use sallyport_ssh::wire::Reader;

use super::input::Input;

/// First byte: our side. The rest: the peer's KEXINIT, from the message number on.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.choice();
    let (role, preferences) = match choice % 4 {
        0 => (Role::Server, Preferences::server(vec![HostKeyAlgorithm::plain(SignatureAlgorithm::Ed25519)])),
        1 => (Role::Server, Preferences::server(own_forms())),
        2 => (Role::Client, Preferences::client()),
        _ => (Role::Client, Preferences::client_legacy()),
    };
    let phase = if choice & 4 == 0 { Phase::Initial } else { Phase::Rekey };
    let payload = input.rest();
    let Ok(theirs) = KexInit::parse(payload) else {
        return;
    };
    assert_eq!(theirs.payload(), payload);
    let ours = KexInit::ours(role, &preferences, phase, [7; 16]).unwrap();
    match negotiate(role, &ours, &theirs, &preferences) {
        Ok(agreed) => check(role, phase, &Lists::read(ours.payload()), &Lists::read(payload), &agreed),
        Err(Error::Incompatible { offered, .. }) => {
            assert!(offered.len() <= 600, "{} bytes", offered.len());
        }
        Err(error) => panic!("two KEXINITs that decode end in {error}"),
    }
}

fn own_forms() -> Vec<HostKeyAlgorithm> {
    vec![
        HostKeyAlgorithm { signature: SignatureAlgorithm::Ed25519, form: Form::Certificate },
        HostKeyAlgorithm { signature: SignatureAlgorithm::Ed25519, form: Form::Plain },
    ]
}

/// The ten lists and the flag, taken apart without the engine's own types.
struct Lists {
    names: Vec<Vec<String>>,
    guessed: bool,
}

impl Lists {
    fn read(payload: &[u8]) -> Self {
        let mut reader = Reader::new(&payload[17..]);
        let list = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).unwrap();
            text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let names = (0..10).map(|_| list(reader.string().unwrap())).collect();
        Self { names, guessed: reader.bool().unwrap() }
    }

    fn has(&self, list: usize, name: &str) -> bool {
        self.names[list].iter().any(|known| known == name)
    }
}

fn check(role: Role, phase: Phase, ours: &Lists, theirs: &Lists, agreed: &Agreed) {
    let (client, server) = match role {
        Role::Client => (ours, theirs),
        Role::Server => (theirs, ours),
    };
    let first = |list: usize| {
        let pseudo = |name: &str| name.starts_with("ext-info-") || name.starts_with("kex-strict-");
        let common = client.names[list].iter().filter(|name| server.has(list, name));
        common.filter(|name| !pseudo(name)).map(String::as_str).next().unwrap()
    };
    assert!(agreed.method.names().contains(&first(0)), "{:?} instead of {}", agreed.method, first(0));
    assert_eq!(agreed.host_key.name(), first(1));
    for (list, cipher) in [(2, agreed.client_to_server), (3, agreed.server_to_client)] {
        assert_eq!(cipher.name(), first(list));
        if let Cipher::Aes128Ctr(mac) | Cipher::Aes256Ctr(mac) = cipher {
            assert_eq!(mac.name(), first(list + 2));
        }
        assert_eq!(first(list + 4), "none");
    }
    let strict = match role {
        Role::Client => "kex-strict-s-v00@openssh.com",
        Role::Server => "kex-strict-c-v00@openssh.com",
    };
    let strict = phase == Phase::Initial && theirs.has(0, strict);
    assert_eq!(agreed.strict, if strict { Strict::Yes } else { Strict::No });
    let right = ours.names[0].first() == theirs.names[0].first() && ours.names[1].first() == theirs.names[1].first();
    let guess = match (theirs.guessed, right) {
        (false, _) => Guess::None,
        (true, true) => Guess::Right,
        (true, false) => Guess::Wrong,
    };
    assert_eq!(agreed.guess, guess);
}
