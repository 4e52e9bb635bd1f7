//! P12: when a host's key is new or changed, it is never accepted in silence; nothing about it is learned.

use std::time::Duration;

use sallyport_ssh::error::{Error, Reason};
use sallyport_ssh::key::{HostTrust, SigningKey};
use sallyport_ssh::message::transport as msg;
use sallyport_ssh::wire::Reader;

use crate::forge::Forgery;
use crate::raw::{Proof, Raw, Signer};
use crate::talk::honest;
use crate::victim::{Victim, client_config, host_key, trust};

const USER: u32 = 1;
const HOST: u32 = 2;
const NAME: &str = "db.example.com";
const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com";

fn proof(blob: Vec<u8>, key: &SigningKey) -> Proof<'_> {
    Proof { blob, sign: Box::new(|hash| key.sign(hash)) }
}

/// What is wrong with a certificate.
type Change<'c> = &'c dyn Fn(&mut Forgery<'_>);

/// A client with this trust meets a host that presents this.
fn meet(trust: HostTrust, form: &str, proof: &Proof<'_>) -> Victim {
    let mut victim = Victim::client_with(&client_config(trust));
    let mut raw = Raw::facing(&mut victim);
    form.clone_into(&mut raw.offer.host_keys);
    raw.open(&mut victim);
    if victim.ended.is_none() {
        raw.prove(&mut victim, proof);
    }
    if let Some(Error::HostKey { .. } | Error::HostSignature) = victim.ended {
        // It is told why, and hears nothing under keys.
        let goodbye = raw.until(&mut victim, msg::DISCONNECT);
        let reason = Reader::new(&goodbye[1..]).u32().map(Reason);
        assert!(matches!(reason, Ok(Reason::HOST_KEY_NOT_VERIFIABLE | Reason::KEY_EXCHANGE_FAILED)));
    }
    victim
}

#[track_caller]
fn is_distrusted(victim: &Victim, why: &str) {
    let Some(Error::HostKey { why: words, presented }) = &victim.ended else { panic!("{:?}", victim.ended) };
    assert!(words.contains(why), "{words:?} does not say {why:?}");
    assert!(presented.contains("SHA256:"), "{presented}");
    assert!(victim.heard.is_empty(), "{:?}", victim.heard);
}

fn plain(key: &SigningKey) -> Vec<u8> {
    key.public_key().blob().to_vec()
}

/// Fails when `HostTrust::judge` lets a plain key pass that is not listed.
#[test]
fn p12_an_unknown_or_changed_key_is_refused() {
    let other = SigningKey::generate().unwrap();
    let victim = meet(trust(), "ssh-ed25519", &proof(plain(&other), &other));
    is_distrusted(&victim, "not the known host key");
    // Nothing is known: it may be looked at, and is not trusted.
    let victim = meet(HostTrust::default(), "ssh-ed25519", &proof(plain(&other), &other));
    is_distrusted(&victim, "no plain host key is known");
    assert_eq!(victim.engine.presented_host_key().map(|presented| presented.blob().to_vec()), Some(plain(&other)));
    // By the book:
    assert_eq!(meet(trust(), "ssh-ed25519", &honest()).ended, None);
}

/// Fails when `judge_host` does not verify the signature over this exchange.
#[test]
fn p12_a_key_without_its_signature_is_refused() {
    let other = SigningKey::generate().unwrap();
    let forgeries: [(&str, Signer<'_>); 6] = [
        ("another key's", Box::new(|hash| other.sign(hash))),
        ("over other data", Box::new(|_| host_key().sign(b"something else"))),
        ("over nothing", Box::new(|_| host_key().sign(b""))),
        ("none", Box::new(|_| Vec::new())),
        ("cut", Box::new(|hash| host_key().sign(hash)[..40].to_vec())),
        (
            "with a bit changed",
            Box::new(|hash| {
                let mut signature = host_key().sign(hash);
                *signature.last_mut().unwrap() ^= 1;
                signature
            }),
        ),
    ];
    for (name, sign) in forgeries {
        let victim = meet(trust(), "ssh-ed25519", &Proof { blob: plain(host_key()), sign });
        assert_eq!(victim.ended, Some(Error::HostSignature), "{name}");
        assert!(victim.heard.is_empty());
    }
}

fn authorities(authority: &SigningKey) -> HostTrust {
    HostTrust {
        authorities: vec![authority.public_key().clone()],
        names: vec![NAME.to_owned()],
        ..HostTrust::default()
    }
}

/// Fails when `HostTrust::judge` leaves out the kind, the authority, a time, the name or the critical options.
#[test]
fn p12_a_certificate_must_be_right_in_everything() {
    let (authority, host) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let now = Victim::client().now.unix_seconds();
    let hour = Duration::from_hours(1).as_secs();
    let cases: [(Change<'_>, &str); 9] = [
        (&|c| c.kind = USER, "is for a user"),
        (&|c| c.valid_after = now + hour, "valid only from"),
        (&|c| c.valid_before = now - hour, "expired"),
        (&|c| c.principals = vec!["web.example.com"], "does not name"),
        (&|c| c.principals = vec!["*.example.com"], "does not name"),
        (&|c| c.principals = vec!["DB.example.com"], "does not name"),
        (&|c| c.principals = vec!["db.example.com,web.example.com"], "comma"),
        (&|c| c.principals = vec![], "names no principal"),
        (&|c| c.critical_options = vec![("force-command", b"\0\0\0\x02id".to_vec())], "force-command"),
    ];
    for (change, why) in cases {
        let mut certificate = Forgery::new(&host, HOST, NAME);
        change(&mut certificate);
        let proof = proof(certificate.sign(&authority), &host);
        is_distrusted(&meet(authorities(&authority), CERTIFICATE, &proof), why);
    }
    let stranger = SigningKey::generate().unwrap();
    let by_stranger = Forgery::new(&host, HOST, NAME).sign(&stranger);
    is_distrusted(&meet(authorities(&authority), CERTIFICATE, &proof(by_stranger, &host)), "not a trusted authority");
    // By the book:
    let good = Forgery::new(&host, HOST, NAME).sign(&authority);
    assert_eq!(meet(authorities(&authority), CERTIFICATE, &proof(good.clone(), &host)).ended, None);
    // The same, signed by a key that is not the one certified.
    let victim = meet(authorities(&authority), CERTIFICATE, &proof(good, &stranger));
    assert_eq!(victim.ended, Some(Error::HostSignature));
}

/// A certificate whose authority's signature is broken, or whose authority is itself a certificate, is not even read. Fails when
/// `Certificate::from_blob` does not verify.
#[test]
fn p12_a_certificate_that_nobody_signed_is_none() {
    let (authority, host) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let mut broken = Forgery::new(&host, HOST, NAME).sign(&authority);
    *broken.last_mut().unwrap() ^= 1;
    let mut chained = Forgery::new(&host, HOST, NAME);
    chained.authority_blob = Some(Forgery::new(&authority, HOST, NAME).sign(&authority));
    for blob in [broken, chained.sign(&authority)] {
        let victim = meet(authorities(&authority), CERTIFICATE, &proof(blob, &host));
        assert!(matches!(victim.ended, Some(Error::HostKey { .. })), "{:?}", victim.ended);
        assert!(victim.heard.is_empty());
    }
}

/// A host that presents another kind of key than was agreed on. Fails when `judge_host` does not compare the forms.
#[test]
fn p12_a_host_presents_what_was_agreed_on() {
    let (authority, host) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let mut trust = authorities(&authority);
    trust.keys.push(host.public_key().clone());
    let certificate = Forgery::new(&host, HOST, NAME).sign(&authority);
    for (form, blob) in [("ssh-ed25519", certificate), (CERTIFICATE, plain(&host))] {
        let victim = meet(trust.clone(), form, &proof(blob, &host));
        assert_eq!(victim.ended, Some(Error::Misbehaved("the host key is not of the kind agreed on")), "{form}");
    }
    // A certified key that is listed as a plain one does not make its certificate trusted.
    let stranger = SigningKey::generate().unwrap();
    let by_stranger = Forgery::new(&host, HOST, NAME).sign(&stranger);
    is_distrusted(&meet(trust, CERTIFICATE, &proof(by_stranger, &host)), "not a trusted authority");
}

/// A client that knows no key asks for none that it could not trust. Fails when `TransportConfig::with_trust` keeps every algorithm.
#[test]
fn p12_only_what_could_be_trusted_is_asked_for() {
    let victim = meet(trust(), CERTIFICATE, &honest());
    assert!(matches!(victim.ended, Some(Error::Incompatible { what: "host key algorithm", .. })), "{:?}", victim.ended);
}

/// Every key exchange is judged, not only the first. Fails when `judge_host` is left out once a session identifier is there.
#[test]
fn p12_a_host_key_that_changes_in_a_later_exchange_is_refused() {
    let other = SigningKey::generate().unwrap();
    let mut victim = Victim::client();
    let mut raw = Raw::server(&mut victim);
    raw.host(&mut victim, &honest());
    assert_eq!(victim.ended, None, "by the book it goes on");
    victim.heard.clear();
    raw.open(&mut victim);
    raw.prove(&mut victim, &proof(plain(&other), &other));
    is_distrusted(&victim, "not the known host key");

    let mut victim = Victim::client();
    let mut raw = Raw::server(&mut victim);
    raw.open(&mut victim);
    raw.prove(&mut victim, &proof(plain(host_key()), &other));
    assert_eq!(victim.ended, Some(Error::HostSignature));
}
