//! P2: what a certificate is refused for, through the whole of a sign-in.

use crate::auth::tests::line::*;
use crate::auth::*;
use crate::key::{
    Certificate, CertificateDraft, CertificateKind, CertificateRefusal, Demand, SigningKey, SourceBlock, TouchDemand,
};
use crate::message::userauth;

const NAME: &str = "ssh-ed25519-cert-v01@openssh.com";

fn proved(user: &str, certificate: &Certificate, key: &SigningKey) -> Vec<u8> {
    signed_as(user, NAME, certificate.blob(), SESSION_ID, |data| key.sign(data))
}

/// Refused alike when it is offered and when it is signed with.
fn refused(config: ServerAuthConfig, user: &str, certificate: &Certificate, key: &SigningKey) -> Refusal {
    let mut server = Server::new(config);
    let offered = server.refusal(&offer(user, NAME, certificate.blob()));
    assert_eq!(server.refusal(&proved(user, certificate, key)), offered);
    offered
}

fn refusal(certificate: &Certificate, key: &SigningKey, authority: &SigningKey) -> CertificateRefusal {
    match refused(trusting(authority), "alice", certificate, key) {
        Refusal::Certificate(refusal) => refusal,
        other => panic!("refused for another reason: {other}"),
    }
}

/// What is wrong, and the kind of refusal.
fn rows(key: &SigningKey) -> Vec<(CertificateDraft, &'static str)> {
    let good = || draft(key);
    let names = |principals: &[&str]| {
        let principals = principals.iter().map(|name| (*name).to_owned()).collect();
        CertificateDraft { principals, ..good() }
    };
    let critical_options = vec![("permit-everything".to_owned(), Vec::new())];
    let elsewhere: SourceBlock = "192.0.2.0/24".parse().unwrap();
    vec![
        (CertificateDraft { kind: CertificateKind::Host, ..good() }, "Kind"),
        (names(&["bob"]), "Principal"),
        (names(&["Alice", "alic", "alice1", "*"]), "Principal"),
        (names(&[]), "NoPrincipal"),
        (CertificateDraft { valid_after: WALL + 1, ..good() }, "Early"),
        (CertificateDraft { valid_before: WALL, ..good() }, "Late"),
        (CertificateDraft { critical_options, ..good() }, "CriticalOption"),
        (good().source_addresses(&[elsewhere]), "SourceUnknown"),
        (good().verify_required(), "Unverifiable"),
    ]
}

#[test]
fn p2_a_certificate_of_the_wrong_type_principal_time_or_option_is_refused() {
    let (authority, key) = (key(), key());
    for (number, (draft, kind)) in rows(&key).into_iter().enumerate() {
        let why = refusal(&issue(draft, &authority), &key, &authority);
        let found = format!("{why:?}");
        assert_eq!(found.split([' ', '(']).next(), Some(kind), "row {number}: {why}");
    }
}

#[test]
fn p2_a_certificate_of_another_authority_is_refused() {
    let (authority, stranger, key) = (key(), key(), key());
    let why = refusal(&issue(draft(&key), &stranger), &key, &authority);
    assert!(matches!(why, CertificateRefusal::Authority(_)));
    // One that certifies itself is a stranger's as well.
    assert!(matches!(refusal(&issue(draft(&key), &key), &key, &authority), CertificateRefusal::Authority(_)));
    assert_eq!(refused(config(), "alice", &issue(draft(&key), &authority), &key), Refusal::NoCertificates);
}

#[test]
fn p2_a_certificate_binds_to_addresses() {
    let (authority, key) = (key(), key());
    let block: SourceBlock = "192.0.2.0/24".parse().unwrap();
    let certificate = issue(draft(&key).source_addresses(&[block]), &authority);
    let from = |address: &str| ServerAuthConfig { source: Some(address.parse().unwrap()), ..trusting(&authority) };
    let why = refused(from("198.51.100.1"), "alice", &certificate, &key);
    assert!(matches!(why, Refusal::Certificate(CertificateRefusal::Source(_))));
    let mut server = Server::new(from("::ffff:192.0.2.7"));
    token!(server.ask(&proved("alice", &certificate, &key)), Verified);
}

#[test]
fn p1_a_certificate_without_its_key_proves_nothing() {
    let (authority, holder, thief) = (key(), key(), key());
    let certificate = issue(draft(&holder), &authority);
    let mut server = Server::new(trusting(&authority));
    assert_eq!(server.refusal(&proved("alice", &certificate, &thief)), Refusal::Signature);
    // The algorithm of the plain key does not make a plain key of it.
    let plain_name = signed_as("alice", "ssh-ed25519", certificate.blob(), SESSION_ID, |data| holder.sign(data));
    assert_eq!(server.refusal(&plain_name), Refusal::Algorithm);
    // One byte of what the authority signed.
    let mut forged = certificate.blob().to_vec();
    let at = forged.windows(5).position(|window| window == b"alice").unwrap();
    forged[at..at + 5].copy_from_slice(b"admin");
    let payload = signed_as("admin", NAME, &forged, SESSION_ID, |data| holder.sign(data));
    assert_eq!(server.refusal(&payload), Refusal::Key);
    token!(server.ask(&proved("alice", &certificate, &holder)), Verified);
}

/// What is asked about the plain key afterwards says nothing of the certificate.
#[test]
fn p2_a_refused_certificate_leaves_only_the_plain_key() {
    let (authority, key) = (key(), key());
    let expired = issue(CertificateDraft { valid_before: WALL, ..draft(&key) }, &authority);
    let mut server = Server::new(trusting(&authority));
    assert!(matches!(server.refusal(&proved("alice", &expired, &key)), Refusal::Certificate(_)));
    let identity = token!(server.ask(&signed("alice", &key)), Verified);
    assert_eq!(identity.presented(), &plain(&key));
    assert!(identity.proof().terms().is_none());
}

#[test]
fn p2_a_certificate_expires_between_its_offer_and_its_signature() {
    let (authority, key) = (key(), key());
    let certificate = issue(CertificateDraft { valid_before: WALL + 5, ..draft(&key) }, &authority);
    let mut server = Server::new(trusting(&authority));
    let offered = token!(server.ask(&offer("alice", NAME, certificate.blob())), Offered);
    server.acceptable(offered);
    assert_eq!(server.line.take()[0][0], userauth::PK_OK);
    server.pass(std::time::Duration::from_secs(5));
    let why = server.refusal(&proved("alice", &certificate, &key));
    assert!(matches!(why, Refusal::Certificate(CertificateRefusal::Late { .. })));
}

/// A certificate's key that was shown already is the same key, with or without the certificate.
#[test]
fn p1_a_certified_key_counts_once_in_a_chain() {
    let (authority, key) = (key(), key());
    let certificate = issue(draft(&key), &authority);
    let mut server = Server::new(trusting(&authority));
    let identity = token!(server.ask(&proved("alice", &certificate, &key)), Verified);
    server.partial(identity, MethodSet::PUBLIC_KEY);
    let ServerAuthEvent::Refused(refused) = server.ask(&signed("alice", &key)) else { panic!() };
    assert_eq!(refused.why, Refusal::KeyUsed);
    assert_eq!(refused.fingerprint, Some(key.public_key().fingerprint()));
}

/// The authority may waive the touch; that the user is verified, only we may.
#[test]
fn p2_an_authority_waives_the_touch_and_nothing_else() {
    let authority = key();
    let rows = [
        (Demand::Waived, false, 0, false),
        (Demand::Waived, true, 0, true),
        (Demand::Waived, false, 1, true),
        (Demand::Required, true, 0, false),
        (Demand::Required, true, 4, true),
    ];
    for (verification, waived, flags, enough) in rows {
        let device = Authenticator::new();
        let mut wanted = CertificateDraft { key: device.public.clone(), ..draft(&authority) };
        if waived {
            wanted = wanted.extension("no-touch-required");
        }
        let certificate = issue(wanted, &authority);
        let touch = TouchDemand { presence: Demand::Required, verification };
        let mut server = Server::new(ServerAuthConfig { touch, ..trusting(&authority) });
        let name = device.public.algorithm().certificate_name();
        let payload = signed_as("alice", name, certificate.blob(), SESSION_ID, |data| device.sign(data, flags));
        if enough {
            token!(server.ask(&payload), Verified);
        } else {
            assert_eq!(server.refusal(&payload), Refusal::Touch, "{verification:?} {waived} {flags}");
        }
    }
}
