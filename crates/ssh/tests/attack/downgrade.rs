//! P7: what a peer offers, or what somebody between the two says that it does, never makes a connection weaker.

use std::sync::Arc;

use sallyport_ssh::cipher::Cipher;
use sallyport_ssh::engine::{ClientConfig, Timing};
use sallyport_ssh::error::Error;
use sallyport_ssh::kex::{HostKeyAlgorithm, Method};
use sallyport_ssh::key::{HostTrust, PublicKey, SignatureAlgorithm};
use sallyport_ssh::message::{transport as msg, userauth};
use sallyport_ssh::transport::TransportConfig;

use crate::raw::{Offer, Proof, Raw, Strict, message};
use crate::rsa::{self, Hash};
use crate::seal::Suite;
use crate::talk::{honest, service_request, signed_over};
use crate::victim::{Heard, Victim, client_config, server_config, trust};

/// What the victim makes of a peer that offers only this.
fn meet(victim: &mut Victim, change: &dyn Fn(&mut Offer)) {
    let mut raw = Raw::facing(victim);
    change(&mut raw.offer);
    let offer = raw.offer.payload();
    raw.send(victim, &offer);
}

/// Fails when a name that is not in our preferences can be agreed on, or when a list may end without a match.
#[test]
fn p7_a_peer_that_offers_only_what_is_weak_is_left() {
    type Change = Box<dyn Fn(&mut Offer)>;
    let method = |name: &'static str| -> Change { Box::new(move |offer| offer.methods = name.to_owned()) };
    let host_key = |name: &'static str| -> Change { Box::new(move |offer| offer.host_keys = name.to_owned()) };
    let cipher = |name: &'static str| -> Change { Box::new(move |offer| offer.ciphers = name.to_owned()) };
    let compression = |name: &'static str| -> Change { Box::new(move |offer| offer.compressions = name.to_owned()) };
    let cases: Vec<(Change, &str)> = vec![
        (method("diffie-hellman-group1-sha1"), "key exchange method"),
        (method("diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1"), "key exchange method"),
        (method("diffie-hellman-group14-sha256"), "key exchange method"), // for old targets only
        (
            method("kex-strict-s-v00@openssh.com,kex-strict-c-v00@openssh.com,ext-info-s,ext-info-c"),
            "key exchange method",
        ),
        (method("none"), "key exchange method"),
        (method(""), "key exchange method"),
        (host_key("ssh-rsa"), "host key algorithm"),
        (host_key("ssh-dss,null"), "host key algorithm"),
        (cipher("none"), "cipher"),
        (cipher("3des-cbc,aes128-cbc,arcfour"), "cipher"),
        (cipher("aes128-ctr"), "cipher"), // for old targets only
        (compression("zlib"), "compression"),
        (compression("zlib@openssh.com"), "compression"),
    ];
    for (change, what) in cases {
        for mut victim in [Victim::server(), Victim::client()] {
            meet(&mut victim, &*change);
            let found = matches!(&victim.ended, Some(Error::Incompatible { what: missing, .. }) if *missing == what);
            assert!(found, "without a {what} in common: {:?}", victim.ended);
        }
    }
}

/// Fails when a legacy client takes a MAC that is not encrypt-then-MAC with SHA-2.
#[test]
fn p7_even_an_old_target_must_have_integrity() {
    for macs in ["none", "hmac-md5", "hmac-sha1", "hmac-sha1-etm@openssh.com", "hmac-sha2-256", ""] {
        let mut config = client_config(trust());
        config.transport = Arc::new(TransportConfig::client_legacy(trust()));
        let mut victim = Victim::client_with(&config);
        meet(&mut victim, &|offer| {
            offer.ciphers = "aes256-ctr".to_owned();
            offer.macs = macs.to_owned();
        });
        assert!(matches!(&victim.ended, Some(Error::Incompatible { what: "MAC", .. })), "{macs}: {:?}", victim.ended);
    }
}

/// A server's order counts for nothing, so one that puts weak names first gains nothing. Fails when `Table::pick` walks the
/// server's list.
#[test]
fn p7_the_order_of_a_server_changes_nothing() {
    let mut victim = Victim::client();
    let mut raw = Raw::facing(&mut victim);
    raw.offer.ciphers = "none,arcfour,aes128-gcm@openssh.com,aes256-gcm@openssh.com".to_owned();
    raw.offer.methods = format!("diffie-hellman-group1-sha1,{}", raw.offer.methods);
    raw.open(&mut victim);
    raw.prove(&mut victim, &honest());
    raw.send(&mut victim, &[msg::NEWKEYS]);
    let negotiated = victim.engine.negotiated().unwrap();
    assert_eq!(negotiated.method, "curve25519-sha256");
    let ours = TransportConfig::client(trust()).preferences.ciphers;
    let first = ours.into_iter().find(|cipher| raw.offer.ciphers.contains(cipher.name()));
    assert_eq!(Some(negotiated.client_to_server), first);
}

/// What somebody between the two may do without any key: remove names from KEXINITs, slip packets in, take packets out.
struct Between {
    client: Victim,
    server: Victim,
}

impl Between {
    fn new(suite: Cipher) -> Self {
        let mut server = server_config();
        let mut client = client_config(trust());
        for transport in [&mut server.transport, &mut client.transport] {
            let transport = Arc::get_mut(transport).unwrap();
            transport.preferences.ciphers = vec![suite];
            transport.preferences.methods = vec![Method::Curve25519];
        }
        Self { client: Victim::client_with(&client), server: Victim::server_with(&server) }
    }

    /// Carries everything until nobody says anything more; each packet of the first key exchange, and what comes behind it, may be
    /// changed by `meddle(direction, number of the packet, its bytes)`.
    fn run(&mut self, meddle: &mut dyn FnMut(usize, usize, Vec<u8>) -> Vec<u8>) {
        let mut counts = [0, 0];
        let mut plain = [true, true];
        loop {
            let said = [self.client.said(), self.server.said()];
            if said.iter().all(Vec::is_empty) {
                return;
            }
            for (direction, bytes) in said.into_iter().enumerate() {
                for packet in packets(&bytes, &mut plain[direction]) {
                    let changed = meddle(direction, counts[direction], packet);
                    counts[direction] += 1;
                    let to = if direction == 0 { &mut self.server } else { &mut self.client };
                    to.take(&changed);
                }
            }
        }
    }

    fn is_open(&self) -> bool {
        self.client.is_in() || self.server.is_in()
    }
}

/// Cuts what was said into the version line, plain packets, and sealed packets (whose length GCM shows).
fn packets(mut bytes: &[u8], plain: &mut bool) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        let length = if bytes.starts_with(b"SSH-") {
            bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1
        } else {
            let tag = if *plain { 0 } else { 16 };
            4 + usize::try_from(u32::from_be_bytes(bytes[..4].try_into().unwrap())).unwrap() + tag
        };
        if *plain && bytes.get(5) == Some(&msg::NEWKEYS) {
            *plain = false;
        }
        packets.push(bytes[..length].to_vec());
        bytes = &bytes[length..];
    }
    packets
}

fn plain_packet(payload: &[u8]) -> Vec<u8> {
    let mut victim = Victim::client();
    Raw::silent(&mut victim).frame(payload)
}

/// The rest of these tests says something only if this one works: client and server find each other.
#[test]
fn between_two_victims_nothing_happens_by_itself() {
    let mut between = Between::new(Cipher::Aes256Gcm);
    between.run(&mut |_, _, packet| packet);
    assert!(between.client.is_in() && between.server.is_in());
}

/// Terrapin (CVE-2023-48795): a packet that is slipped in before NEWKEYS makes room for one that is taken out behind it. Fails
/// when `Transport::admits` takes IGNORE before the first NEWKEYS and `numbering` never restarts.
#[test]
fn p7_terrapin_finds_no_room_before_newkeys() {
    let insertions = [
        plain_packet(&message(msg::IGNORE, |w| w.string(b""))),
        plain_packet(&message(msg::DEBUG, |w| w.bool(false).string(b"").string(b""))),
        plain_packet(&message(msg::UNIMPLEMENTED, |w| w.u32(0))),
        plain_packet(&[200]),
    ];
    for insertion in insertions {
        for direction in 0..2 {
            // Before the KEXINIT, before the public value, before NEWKEYS: 0 is the version line.
            for place in 1..=3 {
                let mut between = Between::new(Cipher::Aes256Gcm);
                between.run(&mut |from, number, packet| {
                    if from == direction && number == place {
                        return [&*insertion, &packet].concat();
                    }
                    // What would be taken out in exchange: the first packet under keys.
                    if from == direction && number == 4 { Vec::new() } else { packet }
                });
                assert!(!between.is_open(), "{insertion:?} at {place} from {direction}");
            }
        }
    }
}

/// Fails when packets under keys are not bound to their number.
#[test]
fn p7_a_packet_that_is_taken_out_is_missed() {
    for cipher in [Cipher::Aes256Gcm, Cipher::Aes128Gcm] {
        let mut between = Between::new(cipher);
        // The server's EXT_INFO.
        between.run(&mut |from, number, packet| if from == 1 && number == 4 { Vec::new() } else { packet });
        assert_eq!(between.client.ended, Some(Error::Integrity));
        assert!(!between.is_open());
    }
    for suite in [Suite::Gcm, Suite::ChaCha] {
        let mut victim = Victim::server();
        let mut raw = Raw::facing(&mut victim);
        raw.offer.ciphers = suite.name().to_owned();
        raw.exchange(&mut victim);
        raw.frame(&message(msg::IGNORE, |w| w.string(b"taken out")));
        raw.send(&mut victim, &service_request());
        // What ChaCha hides is the length as well, so that a wrong number may show in it first.
        let missed = matches!(victim.ended, Some(Error::Integrity | Error::Misbehaved("packet length out of bounds")));
        assert!(missed, "{suite:?}: {:?}", victim.ended);
    }
}

/// Taking the wish for strict key exchange out of the KEXINITs changes the exchange hash. Fails when the signature over it is not
/// checked.
#[test]
fn p7_strictness_cannot_be_taken_out_of_the_kexinits() {
    let strip = |mut packet: Vec<u8>| {
        for name in [&b"kex-strict-c-v00@openssh.com"[..], b"kex-strict-s-v00@openssh.com"] {
            if let Some(at) = packet.windows(name.len()).position(|window| window == name) {
                packet[at..at + name.len()].fill(b'x');
            }
        }
        packet
    };
    for both in [false, true] {
        let mut between = Between::new(Cipher::Aes256Gcm);
        between
            .run(&mut |from, number, packet| if number == 1 && (both || from == 1) { strip(packet) } else { packet });
        assert_eq!(between.client.ended, Some(Error::HostSignature));
        assert!(!between.is_open());
    }
}

/// A peer that does not know strict key exchange gets no laxer treatment. Fails when `Transport::admits` asks for strictness first.
#[test]
fn p7_without_strict_key_exchange_nothing_is_slipped_in_either() {
    for number in [msg::IGNORE, msg::DEBUG, msg::UNIMPLEMENTED] {
        let mut victim = Victim::client();
        let mut raw = Raw::facing(&mut victim);
        raw.offer.methods = "curve25519-sha256".to_owned();
        raw.offer.ciphers = Suite::ChaCha.name().to_owned();
        raw.strict = Strict::No;
        raw.open(&mut victim);
        raw.send(&mut victim, &message(number, |w| w.string(b"")));
        assert!(matches!(victim.ended, Some(Error::Misbehaved(_))), "{number}: {:?}", victim.ended);
    }
    // By the book such a peer is served, with numbers that go on.
    let mut victim = Victim::client();
    let mut raw = Raw::facing(&mut victim);
    raw.offer.methods = "curve25519-sha256".to_owned();
    raw.offer.ciphers = Suite::ChaCha.name().to_owned();
    raw.strict = Strict::No;
    raw.host(&mut victim, &honest());
    raw.let_in(&mut victim);
}

/// A client that trusts an RSA host key, and asks for this algorithm.
fn rsa_client(signature: SignatureAlgorithm) -> ClientConfig {
    let key = PublicKey::from_blob(&rsa::blob()).unwrap();
    let mut transport = TransportConfig::client(HostTrust { keys: vec![key], ..HostTrust::default() });
    transport.preferences.host_keys = vec![HostKeyAlgorithm::plain(signature)];
    ClientConfig { transport: Arc::new(transport), timing: Timing::default(), ..client_config(trust()) }
}

/// Fails when `judge_host` does not compare the signature's algorithm with the one agreed on, or when SHA-1 gets a name in
/// `SignatureAlgorithm`.
#[test]
fn p7_a_host_signature_of_another_hash_is_refused() {
    let agreed = SignatureAlgorithm::RsaSha2_512;
    let cases = [
        ("rsa-sha2-512", Hash::Sha512, None),
        ("rsa-sha2-256", Hash::Sha256, Some(Error::HostSignature)),
        ("ssh-rsa", Hash::Sha1, Some(Error::HostSignature)),
        ("rsa-sha2-512", Hash::Sha1, Some(Error::HostSignature)),
        ("rsa-sha2-512", Hash::Sha256, Some(Error::HostSignature)),
    ];
    for (name, hash, outcome) in cases {
        let mut victim = Victim::client_with(&rsa_client(agreed));
        let mut raw = Raw::facing(&mut victim);
        raw.offer.host_keys = agreed.name().to_owned();
        let proof = Proof { blob: rsa::blob(), sign: Box::new(move |data| rsa::sign(name, hash, data)) };
        raw.host(&mut victim, &proof);
        assert_eq!(victim.ended, outcome, "{name}");
    }
}

/// The same for users. Fails when `Verifier::claim` does not compare the signature's algorithm with that of the request.
#[test]
fn p7_a_users_sha_1_signature_is_refused() {
    let cases = [
        ("rsa-sha2-256", "rsa-sha2-256", Hash::Sha256, true),
        ("ssh-rsa", "ssh-rsa", Hash::Sha1, false),
        ("rsa-sha2-256", "ssh-rsa", Hash::Sha1, false),
        ("rsa-sha2-256", "rsa-sha2-256", Hash::Sha1, false),
        ("rsa-sha2-512", "rsa-sha2-256", Hash::Sha256, false),
    ];
    for (asked, named, hash, holds) in cases {
        let mut victim = Victim::server();
        let mut raw = Raw::knock(&mut victim);
        let sign = |data: &[u8]| rsa::sign(named, hash, data);
        let request = signed_over(&raw.session_id, "alice", &rsa::blob(), asked.as_bytes(), sign);
        raw.send(&mut victim, &request);
        raw.until(&mut victim, userauth::FAILURE);
        let verified = victim.heard.contains(&Heard::Auth("verified alice".to_owned()));
        assert_eq!(verified, holds, "{asked}, {named}");
        assert!(!victim.is_in());
    }
}

/// A peer may send its first message before it knows what is agreed on; a wrong one is dropped, and only that one (RFC 4253,
/// section 7.1). Fails when `agree` does not look at the guess, or drops more than one packet.
#[test]
fn p7_a_wrong_guess_is_dropped_and_changes_nothing() {
    let guessed = message(msg::KEX_INIT, |w| w.string(b"of another method"));
    let guess = |raw: &mut Raw| {
        raw.offer.methods = format!("diffie-hellman-group1-sha1,{}", raw.offer.methods);
        raw.offer.guess = 1;
    };
    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    guess(&mut raw);
    raw.open(&mut victim);
    raw.send(&mut victim, &guessed);
    raw.agree(&mut victim);
    raw.send(&mut victim, &[msg::NEWKEYS]);
    assert_eq!(victim.engine.negotiated().unwrap().method, "curve25519-sha256");
    raw.ask_service(&mut victim);

    let mut victim = Victim::client();
    let mut raw = Raw::facing(&mut victim);
    guess(&mut raw);
    raw.open(&mut victim);
    raw.send(&mut victim, &message(msg::KEX_REPLY, |w| w.string(b"").string(b"").string(b"")));
    raw.prove(&mut victim, &honest());
    raw.send(&mut victim, &[msg::NEWKEYS]);
    raw.until(&mut victim, msg::NEWKEYS);
    raw.let_in(&mut victim);

    let mut victim = Victim::server();
    let mut raw = Raw::facing(&mut victim);
    guess(&mut raw);
    raw.open(&mut victim);
    raw.send(&mut victim, &guessed);
    raw.send(&mut victim, &guessed);
    assert!(victim.ended.is_some(), "a second wrong packet was dropped as well");
}
