//! `HostTrust` trusts what is listed, and learns nothing.

use sallyport_ssh::key::{Certificate, HostTrust, KeyAlgorithm, Presented};

use crate::at;
use crate::fixture::{certificate, key};
use crate::forge::{Forgery, Signer, flags, options, strings};

fn plain(name: &str) -> Presented {
    Presented::Key(key(name))
}

fn forged(forgery: &Forgery, authority: &Signer) -> Presented {
    let certificate = Certificate::from_blob(&forgery.signed_by(authority)).unwrap();
    Presented::Certificate(Box::new(certificate))
}

#[test]
fn nothing_is_trusted_by_nobody() {
    let nobody = HostTrust::default();
    assert!(nobody.judge(&plain("ed25519"), at(1_500)).is_err());
    assert!(nobody.judge(&Presented::Certificate(Box::new(certificate("by_ed25519"))), at(1_500)).is_err());
}

#[test]
fn listed_keys_are_trusted_and_changed_ones_are_not() {
    let trust = HostTrust { keys: vec![key("ed25519"), key("rsa")], ..HostTrust::default() };
    assert_eq!(trust.judge(&plain("ed25519"), at(0)), Ok(()));
    assert_eq!(trust.judge(&plain("rsa"), at(0)), Ok(()));
    let why = trust.judge(&plain("ecdsa256"), at(0)).unwrap_err();
    // The operator sees what was expected.
    assert!(why.contains(&key("ed25519").fingerprint()) && why.contains(&key("rsa").fingerprint()), "{why}");
    let changed = Presented::Key(Signer::new(KeyAlgorithm::Ed25519).key());
    assert!(trust.judge(&changed, at(0)).is_err());
    // An authority is no host, and a host is no authority.
    let authorities = HostTrust {
        authorities: vec![key("ed25519")],
        names: vec!["host.example.org".to_owned()],
        ..HostTrust::default()
    };
    assert!(authorities.judge(&plain("ed25519"), at(0)).is_err());
    let certified = Presented::Certificate(Box::new(certificate("by_ed25519")));
    assert_eq!(certified.key(), &key("ed25519"));
    assert!(trust.judge(&certified, at(0)).is_err());
}

#[test]
fn certificates_of_openssh_are_trusted_by_name_and_authority() {
    let authorities = vec![key("authority"), key("ecdsa256"), key("ecdsa384"), key("ecdsa521"), key("rsa")];
    let trust = |name: &str| HostTrust {
        authorities: authorities.clone(),
        names: vec![name.to_owned()],
        ..HostTrust::default()
    };
    for name in ["by_ed25519", "by_ecdsa256", "by_ecdsa384", "by_ecdsa521", "by_rsa_sha256", "by_rsa_sha512"] {
        let presented = Presented::Certificate(Box::new(certificate(name)));
        assert_eq!(trust("host.example.org").judge(&presented, at(1_600_000_000)), Ok(()));
        for other in [
            "host",
            "example.org",
            "host.example.org.",
            "Host.example.org",
            "*.example.org",
            "other,host.example.org",
            "",
        ] {
            assert!(trust(other).judge(&presented, at(1_600_000_000)).is_err(), "{other}");
        }
    }
}

#[test]
fn a_host_certificate_is_refused_for_each_single_fault() {
    let authority = Signer::new(KeyAlgorithm::EcdsaP256);
    let stranger = Signer::new(KeyAlgorithm::EcdsaP256);
    let trust = HostTrust {
        keys: vec![key("ed25519")], // that the plain key is known must not help
        authorities: vec![authority.key()],
        names: vec!["db1".to_owned(), "192.0.2.1".to_owned()],
    };
    let honest = Forgery { kind: 2, principals: strings(&["db0", "db1"]), ..Forgery::of(&key("ed25519")) };
    assert_eq!(trust.judge(&forged(&honest, &authority), at(1_500)), Ok(()));

    let faults = [
        (honest.but(|f| f.kind = 1), "for a user"),
        (honest.but(|f| f.principals = strings(&["db0"])), "does not name"),
        (honest.but(|f| f.principals = strings(&["db1x", "d"])), "does not name"),
        (honest.but(|f| f.principals = strings(&["db1,db2"])), "comma"),
        (honest.but(|f| f.principals = strings(&["db1", "a,b"])), "comma"),
        (honest.but(|f| f.principals = strings(&["*"])), "does not name"),
        (honest.but(|f| f.principals = Vec::new()), "names no principal"),
        (honest.but(|f| f.critical_options = options(&[("force-command", "true")])), "critical option"),
        (honest.but(|f| f.critical_options = flags(&["unknown@example.org"])), "critical option"),
        (honest.but(|f| f.valid_before = 1_500), "expired"),
        (honest.but(|f| f.valid_after = 1_501), "valid only from"),
    ];
    for (forgery, words) in faults {
        let why = trust.judge(&forged(&forgery, &authority), at(1_500)).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
    let why = trust.judge(&forged(&honest, &stranger), at(1_500)).unwrap_err();
    assert!(why.contains("not a trusted authority"), "{why}");
    let extended = honest.but(|f| f.extensions = flags(&["unknown@example.org"]));
    assert_eq!(trust.judge(&forged(&extended, &authority), at(1_500)), Ok(()));
}
