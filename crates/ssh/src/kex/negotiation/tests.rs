//! Who gets what, as a table, and what a hostile KEXINIT cannot achieve.

mod announcement;

use proptest::prelude::*;

use super::*;
use crate::cipher::Mac;
use crate::kex::Phase;
use crate::key::SignatureAlgorithm;
use crate::wire;

/// A peer's KEXINIT, written by hand.
#[derive(Clone, Copy)]
struct Peer<'a> {
    methods: &'a str,
    host_keys: &'a str,
    ciphers: [&'a str; 2],
    macs: [&'a str; 2],
    compressions: [&'a str; 2],
    guess: bool,
}

const PEER: Peer<'_> = Peer {
    methods: "curve25519-sha256",
    host_keys: "ssh-ed25519",
    ciphers: ["aes256-gcm@openssh.com"; 2],
    macs: ["hmac-sha2-256"; 2],
    compressions: ["none"; 2],
    guess: false,
};

impl Peer<'_> {
    fn init(self) -> KexInit {
        let payload = wire::encode(|writer| {
            writer.u8(20).bytes(&[9; 16]);
            writer.string(self.methods.as_bytes()).string(self.host_keys.as_bytes());
            for list in [self.ciphers, self.macs, self.compressions].concat() {
                writer.string(list.as_bytes());
            }
            writer.string(b"").string(b"").bool(self.guess).u32(0);
        });
        KexInit::parse(&payload.unwrap()).unwrap()
    }
}

fn server() -> Preferences {
    let host_keys = vec![HostKeyAlgorithm::plain(SignatureAlgorithm::Ed25519)];
    let mut preferences = Preferences::server(host_keys);
    // The order that a processor with AES gives, whatever this one has.
    preferences.ciphers = vec![Cipher::Aes256Gcm, Cipher::Aes128Gcm, Cipher::ChaCha20Poly1305];
    preferences
}

fn as_server(peer: Peer<'_>) -> Result<Agreed, Error> {
    in_phase(Phase::Initial, peer)
}

fn in_phase(phase: Phase, peer: Peer<'_>) -> Result<Agreed, Error> {
    let preferences = server();
    let ours = KexInit::ours(Role::Server, &preferences, phase, [1; 16]).unwrap();
    negotiate(Role::Server, &ours, &peer.init(), &preferences)
}

fn as_client(preferences: &Preferences, peer: Peer<'_>) -> Result<Agreed, Error> {
    let ours = KexInit::ours(Role::Client, preferences, Phase::Initial, [1; 16]).unwrap();
    negotiate(Role::Client, &ours, &peer.init(), preferences)
}

#[track_caller]
fn assert_incompatible(result: Result<Agreed, Error>, what: &str) {
    match result {
        Err(Error::Incompatible { what: found, .. }) => assert_eq!(found, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_clients_order_wins_over_ours() {
    for (methods, expected) in [
        ("mlkem768x25519-sha256,curve25519-sha256", Method::MlKem768X25519),
        ("curve25519-sha256,mlkem768x25519-sha256", Method::Curve25519),
        ("curve25519-sha256@libssh.org,mlkem768x25519-sha256", Method::Curve25519),
        ("sntrup761x25519-sha512@openssh.com,curve25519-sha256", Method::Sntrup761X25519),
        ("sntrup761x25519-sha512,curve25519-sha256", Method::Sntrup761X25519),
        ("unknown,ecdh-sha2-nistp256,curve25519-sha256", Method::Curve25519),
    ] {
        assert_eq!(as_server(Peer { methods, ..PEER }).unwrap().method, expected, "{methods}");
    }
}

#[test]
fn our_order_wins_over_the_servers() {
    let methods = "diffie-hellman-group14-sha256,curve25519-sha256,mlkem768x25519-sha256";
    let host_keys = "rsa-sha2-256,rsa-sha2-512,ssh-ed25519-cert-v01@openssh.com,ssh-rsa,ssh-ed25519";
    let agreed = as_client(&Preferences::client_legacy(), Peer { methods, host_keys, ..PEER });
    let agreed = agreed.unwrap();
    assert_eq!(agreed.method, Method::MlKem768X25519);
    assert_eq!(agreed.host_key.name(), "ssh-ed25519-cert-v01@openssh.com");
}

#[test]
fn directions_are_negotiated_apart() {
    let ciphers = ["chacha20-poly1305@openssh.com,aes256-gcm@openssh.com", "aes256-ctr,aes128-gcm@openssh.com"];
    let agreed = as_server(Peer { ciphers, ..PEER }).unwrap();
    assert_eq!(agreed.client_to_server, Cipher::ChaCha20Poly1305);
    assert_eq!(agreed.server_to_client, Cipher::Aes128Gcm);
}

#[test]
fn old_targets_get_what_only_they_need_if_they_are_declared_to_be_old() {
    for (methods, expected) in [
        ("ecdh-sha2-nistp256", Method::EcdhP256),
        ("ecdh-sha2-nistp384", Method::EcdhP384),
        ("diffie-hellman-group14-sha256", Method::DhGroup14),
        ("diffie-hellman-group16-sha512", Method::DhGroup16),
    ] {
        let peer = Peer { methods, ..PEER };
        assert_eq!(as_client(&Preferences::client_legacy(), peer).unwrap().method, expected);
        assert_incompatible(as_client(&Preferences::client(), peer), "key exchange method");
        assert_incompatible(as_server(peer), "key exchange method");
    }
}

#[test]
fn a_cipher_without_integrity_takes_the_mac_that_is_agreed_on() {
    for (macs, expected) in [
        ("hmac-sha2-512-etm@openssh.com", Mac::HmacSha512Etm),
        ("hmac-sha2-256-etm@openssh.com", Mac::HmacSha256Etm),
        // Our order counts.
        ("hmac-sha1,hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com", Mac::HmacSha256Etm),
    ] {
        let peer = Peer { ciphers: ["aes128-ctr", "aes256-ctr"], macs: [macs; 2], ..PEER };
        let agreed = as_client(&Preferences::client_legacy(), peer).unwrap();
        assert_eq!(agreed.client_to_server, Cipher::Aes128Ctr(expected), "{macs}");
        assert_eq!(agreed.server_to_client, Cipher::Aes256Ctr(expected), "{macs}");
    }
}

/// Encrypt-and-MAC and SHA-1 are not done, whoever asks.
#[test]
fn a_cipher_without_integrity_and_without_a_common_mac_is_no_agreement() {
    for macs in ["hmac-sha2-256,hmac-sha2-512,hmac-sha1-etm@openssh.com", ""] {
        let peer = Peer { ciphers: ["aes256-ctr"; 2], macs: [macs; 2], ..PEER };
        assert_incompatible(as_client(&Preferences::client_legacy(), peer), "MAC");
    }
}

#[test]
fn the_mac_list_does_not_matter_to_a_cipher_with_integrity() {
    for macs in ["", "hmac-md5"] {
        assert!(as_server(Peer { macs: [macs; 2], ..PEER }).is_ok(), "{macs}");
    }
}

#[test]
fn nothing_in_common_names_the_list() {
    let unknown = "nobody@knows.example";
    for list in ["", unknown] {
        assert_incompatible(as_server(Peer { methods: list, ..PEER }), "key exchange method");
        assert_incompatible(as_server(Peer { host_keys: list, ..PEER }), "host key algorithm");
        for lists in [[list, PEER.ciphers[1]], [PEER.ciphers[0], list]] {
            assert_incompatible(as_server(Peer { ciphers: lists, ..PEER }), "cipher");
        }
        for lists in [[list, "none"], ["none", list]] {
            assert_incompatible(as_server(Peer { compressions: lists, ..PEER }), "compression");
        }
    }
}

#[test]
fn there_is_no_compression() {
    let listed = "zlib@openssh.com,zlib,none";
    assert!(as_server(Peer { compressions: [listed; 2], ..PEER }).is_ok());
    let zlib = Peer { compressions: ["zlib", "none"], ..PEER };
    assert_incompatible(as_server(zlib), "compression");
}

#[test]
fn names_that_are_no_methods_are_never_agreed_on() {
    let extensions = "ext-info-c,ext-info-s,kex-strict-c-v00@openssh.com,kex-strict-s-v00@openssh.com";
    assert_incompatible(as_server(Peer { methods: extensions, ..PEER }), "key exchange method");
    let client = Preferences::client();
    assert_incompatible(as_client(&client, Peer { methods: extensions, ..PEER }), "key exchange method");
    let methods = format!("{extensions},curve25519-sha256");
    let agreed = as_server(Peer { methods: &methods, ..PEER }).unwrap();
    assert_eq!(agreed.method, Method::Curve25519);
}

/// That ssh-rsa, which signs with SHA-1, is offered changes nothing.
#[test]
fn a_host_key_with_sha_1_is_not_agreed_on() {
    for host_keys in ["ssh-rsa", "ssh-dss", "ssh-rsa-cert-v01@openssh.com"] {
        let peer = Peer { host_keys, ..PEER };
        assert_incompatible(as_client(&Preferences::client_legacy(), peer), "host key algorithm");
    }
}

#[test]
fn an_error_repeats_only_the_start_of_a_hostile_list() {
    let methods = vec!["x"; 8000].join(",");
    match as_server(Peer { methods: &methods, ..PEER }) {
        Err(Error::Incompatible { offered, .. }) => {
            assert!(offered.len() < 600, "{}", offered.len());
            assert!(offered.starts_with("x,x,x") && offered.ends_with('…'));
        }
        other => panic!("{other:?}"),
    }
    match as_server(Peer { methods: "short,list", ..PEER }) {
        Err(Error::Incompatible { offered, .. }) => assert_eq!(offered, "short,list"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_engines_agree_on_the_first_of_everything() {
    let (client, server) = (Preferences::client(), server());
    let ours = KexInit::ours(Role::Client, &client, Phase::Initial, [1; 16]).unwrap();
    let theirs = KexInit::ours(Role::Server, &server, Phase::Initial, [2; 16]).unwrap();
    let in_client = negotiate(Role::Client, &ours, &theirs, &client).unwrap();
    let in_server = negotiate(Role::Server, &theirs, &ours, &server).unwrap();
    assert_eq!(in_client.method, Method::MlKem768X25519);
    assert_eq!(in_client.ext_info, ExtInfo::Unwanted);
    assert_eq!(in_server.ext_info, ExtInfo::Wanted);
    assert_eq!(in_client, Agreed { ext_info: ExtInfo::Unwanted, ..in_server });
    assert_eq!(in_client.strict, Strict::Yes);
}

/// Names that a list may hold, known and unknown.
fn list(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(names), 0..6).prop_map(|names| names.join(","))
}

const METHODS: &[&str] = &[
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "diffie-hellman-group14-sha256",
    "ecdh-sha2-nistp384",
    "ext-info-c",
    "kex-strict-c-v00@openssh.com",
    "unknown",
];
const CIPHERS: &[&str] = &["aes256-gcm@openssh.com", "aes128-ctr", "chacha20-poly1305@openssh.com", "3des-cbc"];
const MACS: &[&str] = &["hmac-sha2-512-etm@openssh.com", "hmac-sha1", "none"];

proptest! {
    /// Both sides come to the same result, or both to none.
    #[test]
    fn both_sides_agree(
        (methods, up, down, macs) in (list(METHODS), list(CIPHERS), list(CIPHERS), list(MACS)),
    ) {
        let client = Preferences::client_legacy();
        let peer = Peer {
            methods: &methods,
            ciphers: [&up, &down],
            macs: [&macs; 2],
            ..PEER
        };
        let (ours, theirs) = (
            KexInit::ours(Role::Client, &client, Phase::Rekey, [1; 16]).unwrap(),
            peer.init(),
        );
        let here = negotiate(Role::Client, &ours, &theirs, &client);
        let there = negotiate(Role::Server, &theirs, &ours, &client);
        match (here, there) {
            (Ok(here), Ok(there)) => prop_assert_eq!(here, there),
            (Err(Error::Incompatible { what: here, .. }), Err(Error::Incompatible { what: there, .. })) => {
                prop_assert_eq!(here, there);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
