//! P2: when a certificate's signer is itself a certificate, or a principal holds a separator, it is never accepted; names are
//! compared whole.

use std::sync::Arc;
use std::time::Duration;

use sallyport_ssh::key::{SigningKey, UserAuthorities};
use sallyport_ssh::message::userauth;

use crate::forge::Forgery;
use crate::raw::Raw;
use crate::talk::{offer, signed};
use crate::victim::{Heard, Victim, auth_config, server_config, user_key};

const USER: u32 = 1;

/// What happens to somebody who signs in as `user` with this certificate, by the book in everything else.
fn show(user: &str, certificate: &[u8], authority: &SigningKey) -> Victim {
    let mut auth = auth_config();
    auth.certificate_policy = Some(Arc::new(UserAuthorities::new(vec![authority.public_key().clone()])));
    let mut config = server_config();
    config.auth = Arc::new(auth);
    let mut victim = Victim::server_with(&config);
    let mut raw = Raw::knock(&mut victim);
    raw.send(&mut victim, &offer(user, certificate));
    let answer = raw.receive(&mut victim).unwrap();
    let request = signed(&raw, user, certificate, user_key());
    raw.send(&mut victim, &request);
    let decision = raw.receive(&mut victim).unwrap();
    let is_in = decision[0] == userauth::SUCCESS;
    assert_eq!(is_in, answer[0] == userauth::PK_OK, "offer and signature are judged differently");
    assert_eq!(is_in, victim.is_in());
    victim
}

fn is_refused(user: &str, certificate: &[u8], authority: &SigningKey, why: &str) {
    let victim = show(user, certificate, authority);
    assert!(!victim.is_in(), "somebody is in as {user}: {:?}", victim.heard);
    let told = victim.heard.iter().any(|heard| matches!(heard, Heard::Auth(text) if text.contains(why)));
    assert!(told, "{why:?} is not among {:?}", victim.heard);
}

fn authority() -> SigningKey {
    SigningKey::generate().unwrap()
}

/// The others say something only if this one works.
#[test]
fn a_good_certificate_lets_its_principal_in() {
    let authority = authority();
    let certificate = Forgery::new(user_key(), USER, "alice").sign(&authority);
    assert_eq!(show("alice", &certificate, &authority).heard.last(), Some(&Heard::In("alice".to_owned(), 1)));
}

/// Fails when `read_authority` takes the key out of a certificate in the authority's place.
#[test]
fn p2_a_certificate_signed_by_a_certificate_is_refused() {
    let (authority, middle) = (authority(), authority());
    let delegation = Forgery::new(&middle, USER, "alice").sign(&authority);
    let mut leaf = Forgery::new(user_key(), USER, "alice");
    leaf.authority_blob = Some(delegation);
    is_refused("alice", &leaf.sign(&middle), &authority, "key is not one that is supported");
}

/// Fails when `judge_principal` does not look for separators.
#[test]
fn p2_a_principal_with_a_separator_names_nobody() {
    let authority = authority();
    for principal in ["alice,root", "root,alice", "alice\nroot", "alice\0", ""] {
        let certificate = Forgery::new(user_key(), USER, principal).sign(&authority);
        for user in ["alice", "root"] {
            is_refused(user, &certificate, &authority, "principal");
        }
    }
    // One odd name spoils the good one beside it.
    let mut certificate = Forgery::new(user_key(), USER, "alice");
    certificate.principals.push("x,y");
    is_refused("alice", &certificate.sign(&authority), &authority, "comma");
}

/// Fails when `judge_principal` compares by prefix, or without regard to case.
#[test]
fn p2_principals_are_compared_whole() {
    let authority = authority();
    for principal in ["alic", "alice2", "Alice", "alice ", "*", "alice*", "%u"] {
        let certificate = Forgery::new(user_key(), USER, principal).sign(&authority);
        is_refused("alice", &certificate, &authority, "does not name");
    }
    let mut nobodys = Forgery::new(user_key(), USER, "alice");
    nobodys.principals.clear();
    is_refused("alice", &nobodys.sign(&authority), &authority, "names no principal");
}

/// Fails when `judge_origin` leaves out the kind, the authority or one of the times, or when `apply_critical` skips what
/// it does not know.
#[test]
fn p2_a_certificate_of_the_wrong_kind_authority_time_or_demand_is_refused() {
    let authority = authority();
    let now = Victim::server().now.unix_seconds();
    let forge = |change: &dyn Fn(&mut Forgery<'_>)| {
        let mut certificate = Forgery::new(user_key(), USER, "alice");
        change(&mut certificate);
        certificate.sign(&authority)
    };
    let hour = Duration::from_hours(1).as_secs();
    let cases: [(Vec<u8>, &str); 6] = [
        (forge(&|c| c.kind = 2), "is for a host"),
        (forge(&|c| c.valid_after = now + hour), "valid only from"),
        (forge(&|c| c.valid_before = now - hour), "expired"),
        (forge(&|c| c.critical_options = vec![("new-demand@example.com", Vec::new())]), "new-demand@example.com"),
        (forge(&|c| c.critical_options = vec![("source-address", b"\0\0\0\x0a10.0.0.0/8".to_vec())]), "source"),
        (Forgery::new(user_key(), USER, "alice").sign(&SigningKey::generate().unwrap()), "not a trusted authority"),
    ];
    for (certificate, why) in cases {
        is_refused("alice", &certificate, &authority, why);
    }
    // The authority's name is right, its signature is not.
    let mut certificate = forge(&|_| {});
    let last = certificate.len() - 1;
    certificate[last] ^= 1;
    is_refused("alice", &certificate, &authority, "key is not one that is supported");
}
