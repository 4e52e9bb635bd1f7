//! P1: identity comes from a verified signature alone, and a changed user name resets everything. P2: certificates.
//!
//! The rules themselves are tested where they are made, in `auth`. Here a whole connection stands behind them.

use sallyport_ssh::key::SigningKey;
use sallyport_ssh::message::{connection, userauth};

use crate::raw::Raw;
use crate::talk::{channel_open, offer, password, signed, signed_over, userauth as request};
use crate::victim::{Heard, Rule, Victim, user_key};

fn blob() -> &'static [u8] {
    user_key().public_key().blob()
}

/// Fails when `ServerAuth::request` answers an offer as if it had been signed (in `verify.rs`, taking a missing signature for
/// a good one).
#[test]
fn p1_an_offered_key_opens_nothing() {
    let mut victim = Victim::server();
    let mut raw = Raw::knock(&mut victim);
    raw.send(&mut victim, &offer("alice", blob()));
    raw.until(&mut victim, userauth::PK_OK);
    raw.send(&mut victim, &request("alice", "none", |w| w));
    raw.until(&mut victim, userauth::FAILURE);
    raw.send(&mut victim, &offer("alice", blob()));
    raw.until(&mut victim, userauth::PK_OK);
    raw.send(&mut victim, &channel_open("session", 0, 1000, 1000));
    assert!(victim.ended.is_some(), "a channel was opened behind an offered key");
    assert!(victim.handled().is_empty() && !victim.is_in(), "heard: {:?}", victim.heard);
}

/// Fails when `Verifier::claim` does not check the signature.
#[test]
fn p1_a_signature_by_another_key_or_over_another_session_is_none() {
    let mut victim = Victim::server();
    let mut raw = Raw::knock(&mut victim);
    let other = SigningKey::generate().unwrap();
    raw.send(&mut victim, &offer("alice", blob()));
    raw.until(&mut victim, userauth::PK_OK);
    let forgeries = [
        ("another key's", signed(&raw, "alice", blob(), &other)),
        ("another session's", signed_over(b"another", "alice", blob(), b"ssh-ed25519", |data| user_key().sign(data))),
        ("nobody's", signed_over(&raw.session_id, "alice", blob(), b"ssh-ed25519", |_| user_key().sign(b""))),
    ];
    for (whose, forgery) in forgeries {
        raw.send(&mut victim, &forgery);
        raw.until(&mut victim, userauth::FAILURE);
        assert!(!victim.is_in(), "{whose} signature let somebody in");
    }
    let replayed = {
        // The name is under the signature: put another one there afterwards.
        let mut request = signed(&raw, "alice", blob(), user_key());
        request[5..10].copy_from_slice(b"admin");
        request
    };
    raw.send(&mut victim, &replayed);
    raw.until(&mut victim, userauth::FAILURE);
    assert!(!victim.heard.iter().any(|heard| *heard == Heard::Auth("verified admin".to_owned())));
}

/// Fails when `Progress::kept_for` keeps what was shown under another name.
#[test]
fn p1_a_changed_user_name_forgets_what_was_shown() {
    let mut victim = Victim::server();
    victim.rule = Rule::KeyAndPassword;
    let mut raw = Raw::knock(&mut victim);
    let key = signed(&raw, "alice", blob(), user_key());
    raw.send(&mut victim, &key);
    raw.until(&mut victim, userauth::FAILURE);
    // The password alone, under another name and again under the first: the key counts for neither.
    for user in ["bob", "alice"] {
        raw.send(&mut victim, &password(user, "right"));
        raw.until(&mut victim, userauth::FAILURE);
        let heard = Heard::Auth(format!("password {user} behind 0 keys"));
        assert_eq!(victim.heard.last(), Some(&heard));
    }
    // By the book it works, so that what failed above is what is tested.
    raw.send(&mut victim, &key);
    raw.until(&mut victim, userauth::FAILURE);
    raw.send(&mut victim, &password("alice", "right"));
    raw.until(&mut victim, userauth::SUCCESS);
    assert_eq!(victim.heard.last(), Some(&Heard::In("alice".to_owned(), 2)));
    raw.send(&mut victim, &channel_open("session", 0, 1000, 1000));
    raw.until(&mut victim, connection::CHANNEL_OPEN_CONFIRMATION);
}
