//! What is issued names somebody, stays within the limits and reads back as it was meant.

use proptest::collection::vec;
use proptest::prelude::*;
use sallyport_ssh::entropy::SystemEntropy;
use sallyport_ssh::key::{
    CERTIFICATE_BYTES_MAX, Certificate, CertificateDraft, CertificateKind, KeyError, OPTIONS_MAX, PRINCIPALS_MAX,
    SigningKey,
};

use crate::fixture::key;

#[test]
fn drafts_that_name_nobody_or_several_at_once_are_not_issued() {
    let (authority, holder) = (SigningKey::generate().unwrap(), key("ed25519"));
    let issue = |kind, principals: &[&str]| {
        let principals = principals.iter().map(|name| (*name).to_owned()).collect();
        CertificateDraft::new(holder.clone(), kind, principals, 0, u64::MAX)
            .issue(&authority, &mut SystemEntropy)
            .map(|_| ())
    };
    for kind in [CertificateKind::User, CertificateKind::Host] {
        assert_eq!(issue(kind, &["alice", "bob"]), Ok(()));
        for wrong in [&[][..], &[""], &["alice", ""], &["alice,root"], &["alice", ","], &["al\0ice"], &["alice\n"]] {
            assert!(matches!(issue(kind, wrong), Err(KeyError::Draft(_))), "{wrong:?}");
        }
    }
    let anyone = CertificateDraft::new(holder.clone(), CertificateKind::User, Vec::new(), 0, 1);
    assert_eq!(anyone.danger_issue_for_anyone(&authority, &mut SystemEntropy).unwrap().principals(), [] as [String; 0]);
    let never = CertificateDraft::new(holder, CertificateKind::User, vec!["alice".to_owned()], 5, 5);
    assert!(matches!(never.issue(&authority, &mut SystemEntropy), Err(KeyError::Draft(_))));
}

#[test]
fn p9_drafts_beyond_the_limits_are_refused_and_not_cut() {
    let authority = SigningKey::generate().unwrap();
    let draft = || CertificateDraft::new(key("ed25519"), CertificateKind::User, vec!["alice".to_owned()], 0, u64::MAX);
    let issue = |draft: CertificateDraft| draft.issue(&authority, &mut SystemEntropy).map(|_| ());
    let principals = (0..=PRINCIPALS_MAX).map(|n| n.to_string()).collect();
    let extensions = (0..=OPTIONS_MAX).map(|n| (n.to_string(), Vec::new())).collect();
    let too_large = [
        CertificateDraft { principals, ..draft() },
        CertificateDraft { extensions, ..draft() },
        CertificateDraft { key_id: "x".repeat(CERTIFICATE_BYTES_MAX), ..draft() },
        draft().force_command(&"x".repeat(CERTIFICATE_BYTES_MAX)),
    ];
    for draft in too_large {
        assert!(matches!(issue(draft), Err(KeyError::TooLarge { .. })));
    }
    let twice = draft().force_command("one").force_command("two");
    assert!(matches!(issue(twice), Err(KeyError::Malformed { .. })));
}

#[test]
fn two_certificates_of_one_draft_differ_by_their_nonce() {
    let authority = SigningKey::generate().unwrap();
    let draft = CertificateDraft::new(key("rsa"), CertificateKind::Host, vec!["host".to_owned()], 0, u64::MAX);
    let one = draft.clone().issue(&authority, &mut SystemEntropy).unwrap();
    let two = draft.issue(&authority, &mut SystemEntropy).unwrap();
    assert_ne!(one, two);
    assert_eq!(one.key(), two.key());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever may be issued reads back as it was meant, options sorted.
    #[test]
    fn what_is_issued_reads_back(
        holder in 0..7_usize,
        serial: u64,
        key_id in ".{0,40}",
        principals in vec("[^,\0\n\r]{1,20}", 1..5),
        times: (u64, u64),
        critical in prop::collection::btree_map("[a-z@.-]{0,20}", vec(any::<u8>(), 0..30), 0..5),
        extensions in prop::collection::btree_map("[a-z@.-]{0,20}", vec(any::<u8>(), 0..30), 0..5),
    ) {
        prop_assume!(times.0 != times.1);
        let names = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa", "ed25519_sk", "ecdsa_sk"];
        let authority = SigningKey::generate().unwrap();
        let draft = CertificateDraft {
            key: key(names[holder]),
            kind: CertificateKind::User,
            serial,
            key_id: key_id.clone(),
            principals: principals.clone(),
            valid_after: times.0.min(times.1),
            valid_before: times.0.max(times.1),
            critical_options: critical.clone().into_iter().rev().collect(),
            extensions: extensions.clone().into_iter().rev().collect(),
        };
        let issued = draft.issue(&authority, &mut SystemEntropy).unwrap();
        let read = Certificate::from_openssh(&issued.to_openssh()).unwrap();
        prop_assert_eq!(&read, &issued);
        prop_assert_eq!(read.key(), &key(names[holder]));
        prop_assert_eq!(read.authority(), authority.public_key());
        prop_assert_eq!((read.serial(), read.key_id()), (serial, key_id.as_str()));
        prop_assert_eq!(read.principals(), &principals);
        prop_assert_eq!((read.valid_after(), read.valid_before()), (times.0.min(times.1), times.0.max(times.1)));
        prop_assert_eq!(read.critical_options(), &critical.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(read.extensions(), &extensions.into_iter().collect::<Vec<_>>());
    }
}
