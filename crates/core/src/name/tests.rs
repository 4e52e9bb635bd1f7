//! What may be a name, and that names are compared as wholes.

use super::*;

#[test]
fn plain_names_are_small_and_ascii() {
    for text in ["web1.prod", "a", "0", "engineers-deploy", "a_b", &"x".repeat(64)] {
        assert!(TargetName::new(text).is_ok(), "{text}");
    }
    for text in ["", "Web1", "-a", ".a", "a b", "a/b", "wéb", "а", "a\n", "a\0", &"x".repeat(65)] {
        assert!(TargetName::new(text).is_err(), "{text:?}");
    }
}

/// A comma separates the principals of a certificate: a login that holds one would be two (P2).
#[test]
fn foreign_names_hold_no_separator() {
    for text in ["alice", "DOMAIN+Bob", "https://idp.example#00u1", "SHA256:abc/def+g="] {
        assert!(LoginName::new(text).is_ok(), "{text}");
    }
    for text in ["", "a,root", "a b", "a\tb", "é", "a\u{202e}b", "a\\b", &"x".repeat(256)] {
        assert!(LoginName::new(text).is_err(), "{text:?}");
    }
}

#[test]
fn n6_names_are_compared_as_wholes() {
    let name = |text| PersonId::new(text).unwrap();
    assert_ne!(name("alice"), name("Alice"));
    assert_ne!(name("alice"), name("alice2"));
    assert_eq!(name("alice"), name("alice"));
}

#[test]
fn a_serialised_name_is_checked_again() {
    assert_eq!(serde_json::from_str::<GroupName>("\"sre\"").unwrap().as_str(), "sre");
    let error = serde_json::from_str::<GroupName>("\"S R E\"").unwrap_err().to_string();
    assert!(error.contains("the name of a group is 1 to 64 small letters"), "{error}");
}
