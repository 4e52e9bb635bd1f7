//! The encoding of a KEXINIT, ours and hostile ones.

use proptest::prelude::*;

use super::*;
use crate::kex::HostKeyAlgorithm;
use crate::key::SignatureAlgorithm;

fn server() -> Preferences {
    Preferences::server(vec![HostKeyAlgorithm::plain(SignatureAlgorithm::Ed25519)])
}

fn ours(role: Role, preferences: &Preferences, phase: Phase) -> KexInit {
    KexInit::ours(role, preferences, phase, [7; 16]).unwrap()
}

/// The KEXINIT with these ten lists, then `rest`.
fn raw(lists: [&[u8]; 10], rest: &[u8]) -> Vec<u8> {
    let mut payload = vec![20];
    payload.extend([0; 16]);
    for list in lists {
        payload.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        payload.extend(list);
    }
    payload.extend(rest);
    payload
}

const LISTS: [&[u8]; 10] = [b"a,b", b"c", b"d", b"e", b"f", b"g", b"none", b"none", b"", b"en,de"];
const END: [u8; 5] = [0; 5];

#[track_caller]
fn assert_malformed(payload: &[u8]) {
    assert!(matches!(KexInit::parse(payload), Err(Error::Malformed { message: "KEXINIT", .. })));
}

#[test]
fn a_server_says_what_it_does() {
    let mut preferences = server();
    preferences.ciphers = vec![Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305];
    let init = ours(Role::Server, &preferences, Phase::Initial);
    let expected = raw(
        [
            b"mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,\
              curve25519-sha256,curve25519-sha256@libssh.org,kex-strict-s-v00@openssh.com",
            b"ssh-ed25519",
            b"aes256-gcm@openssh.com,chacha20-poly1305@openssh.com",
            b"aes256-gcm@openssh.com,chacha20-poly1305@openssh.com",
            b"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com",
            b"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com",
            b"none",
            b"none",
            b"",
            b"",
        ],
        &END,
    );
    assert_eq!(init.payload()[1..17], [7; 16]);
    assert_eq!(init.payload()[17..], expected[17..]);
    assert_eq!(init.payload()[0], 20);
}

#[test]
fn extensions_are_announced_in_the_first_kexinit_only() {
    let extensions = |role, phase| -> Vec<String> {
        let init = ours(role, &Preferences::client(), phase);
        let methods = init.offer().unwrap().methods;
        let known = |name: &&str| !Preferences::client().methods.iter().any(|method| method.names().contains(name));
        methods.iter().filter(known).map(str::to_owned).collect()
    };
    let client = ["ext-info-c", "kex-strict-c-v00@openssh.com"];
    assert_eq!(extensions(Role::Client, Phase::Initial), client);
    assert_eq!(extensions(Role::Server, Phase::Initial), ["kex-strict-s-v00@openssh.com"]);
    assert!(extensions(Role::Client, Phase::Rekey).is_empty());
    assert!(extensions(Role::Server, Phase::Rekey).is_empty());
}

#[test]
fn a_cipher_with_two_macs_is_listed_once() {
    let init = ours(Role::Client, &Preferences::client_legacy(), Phase::Initial);
    let lists = init.offer().unwrap().client_to_server;
    let ciphers: Vec<&str> = lists.ciphers.iter().collect();
    assert_eq!(ciphers.len(), 5);
    assert_eq!(ciphers[3..], ["aes256-ctr", "aes128-ctr"]);
    let macs: Vec<&str> = lists.macs.iter().collect();
    assert_eq!(macs, ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"]);
}

#[test]
fn ours_is_read_as_it_was_written() {
    let init = ours(Role::Client, &Preferences::client_legacy(), Phase::Initial);
    assert_eq!(KexInit::parse(init.payload()).unwrap(), init);
}

#[test]
fn every_field_lands_where_it_belongs() {
    let payload = raw(LISTS, &[1, 0xde, 0xad, 0xbe, 0xef]);
    let init = KexInit::parse(&payload).unwrap();
    assert_eq!(init.payload(), payload);
    let offer = init.offer().unwrap();
    assert_eq!(offer.methods.as_str(), "a,b");
    assert_eq!(offer.host_keys.as_str(), "c");
    let directions = [offer.client_to_server, offer.server_to_client];
    assert_eq!(directions.map(|lists| lists.ciphers.as_str()), ["d", "e"]);
    assert_eq!(directions.map(|lists| lists.macs.as_str()), ["f", "g"]);
    assert_eq!(directions.map(|lists| lists.compressions.as_str()), ["none", "none"]);
    assert_eq!(offer.next, Next::Guess);
    let waiting = KexInit::parse(&raw(LISTS, &END)).unwrap();
    assert_eq!(waiting.offer().unwrap().next, Next::Wait);
}

#[test]
fn every_truncation_is_malformed() {
    let payload = raw(LISTS, &END);
    for length in 0..payload.len() {
        assert_malformed(&payload[..length]);
    }
}

#[test]
fn bytes_behind_the_end_are_malformed() {
    assert_malformed(&raw(LISTS, &[0; 6]));
}

#[test]
fn another_message_is_malformed() {
    let mut payload = raw(LISTS, &END);
    payload[0] = 21;
    assert_malformed(&payload);
}

#[test]
fn a_length_beyond_the_packet_is_malformed() {
    let mut payload = raw(LISTS, &END);
    payload[17..21].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_malformed(&payload);
}

#[test]
fn a_list_that_is_no_name_list_is_malformed() {
    for bad in [&b"a,,b"[..], b",", b"a,", b",a", b"a b", b"a\nb", b"a\0b", b"\xc3\xa9", b"\xff", b"\x1b[2J"] {
        for place in 0..LISTS.len() {
            let mut lists = LISTS;
            lists[place] = bad;
            assert_malformed(&raw(lists, &END));
        }
    }
}

/// What is in a list is not for the parser to judge.
#[test]
fn empty_lists_and_unknown_names_decode() {
    assert!(KexInit::parse(&raw([b""; 10], &END)).is_ok());
    assert!(KexInit::parse(&raw([b"nobody@knows.example"; 10], &END)).is_ok());
}

proptest! {
    #[test]
    fn parsing_never_panics(payload: Vec<u8>) {
        let _ = KexInit::parse(&payload);
    }

    /// Mostly well-formed, so that the parser gets further than the first list.
    #[test]
    fn parsing_never_panics_on_nearly_good_input(
        lists in prop::array::uniform10("[a-z0-9,@.-]{0,40}"),
        rest in prop::collection::vec(any::<u8>(), 0..8),
        at: prop::sample::Index,
        with: u8,
    ) {
        let lists = lists.each_ref().map(|list: &String| list.as_bytes());
        let mut payload = raw(lists, &rest);
        if let Ok(init) = KexInit::parse(&payload) {
            prop_assert_eq!(init.payload(), &payload);
            prop_assert!(init.offer().is_ok());
        }
        let at = at.index(payload.len());
        payload[at] = with;
        let _ = KexInit::parse(&payload);
    }
}
