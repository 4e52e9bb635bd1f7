//! `UserAuthorities` lets in whom a certificate names, and nobody else.

use proptest::prelude::*;
use sallyport_ssh::key::{
    Certificate, CertificateAttempt, CertificatePolicy, CertificateRefusal, CertificateTerms, KeyAlgorithm,
    TouchDemand, UserAuthorities,
};

use crate::at;
use crate::fixture::{certificate, key};
use crate::forge::{Forgery, Signer, flags, options, strings};

/// An authority, a policy that trusts it, and a forgery that it would let in.
pub(crate) struct Scene {
    authority: Signer,
    policy: UserAuthorities,
    pub(crate) honest: Forgery,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::of(&key("ed25519"))
    }

    pub(crate) fn of(holder: &sallyport_ssh::key::PublicKey) -> Self {
        let authority = Signer::new(KeyAlgorithm::Ed25519);
        let policy = UserAuthorities::new(vec![key("authority"), authority.key()]);
        Self { authority, policy, honest: Forgery::of(holder) }
    }

    pub(crate) fn judge(
        &self,
        forgery: &Forgery,
        attempt: &CertificateAttempt<'_>,
    ) -> Result<CertificateTerms, CertificateRefusal> {
        let certificate = Certificate::from_blob(&forgery.signed_by(&self.authority)).unwrap();
        self.policy.judge(&certificate, attempt)
    }

    pub(crate) fn judge_alice(&self, forgery: &Forgery) -> Result<CertificateTerms, CertificateRefusal> {
        self.judge(forgery, &alice())
    }
}

/// Alice, at a time when the forgeries are valid, from an address that is known.
pub(crate) fn alice() -> CertificateAttempt<'static> {
    CertificateAttempt { user: "alice", source: Some("192.0.2.9".parse().unwrap()), now: at(1_500) }
}

#[test]
fn an_honest_certificate_is_accepted_on_its_terms() {
    let scene = Scene::new();
    assert_eq!(scene.judge_alice(&scene.honest), Ok(CertificateTerms::default()));
    let mut forgery = scene.honest.clone();
    forgery.critical_options =
        options(&[("force-command", "uptime -p"), ("source-address", "10.0.0.0/8,192.0.2.0/24")]);
    forgery.extensions = flags(&["permit-pty", "unknown@example.org"]);
    let terms = scene.judge_alice(&forgery).unwrap();
    assert_eq!(terms.force_command.as_deref(), Some("uptime -p"));
    assert_eq!(terms.extensions, ["permit-pty", "unknown@example.org"]);
    assert!(terms.permits("permit-pty") && !terms.permits("permit-port-forwarding") && !terms.permits("permit"));
    assert_eq!(terms.touch, TouchDemand::default());
}

#[test]
fn a_certificate_of_openssh_with_every_option_is_judged() {
    let policy = UserAuthorities::new(vec![key("authority")]);
    let attempt =
        CertificateAttempt { user: "bob", source: Some("2001:db8::7".parse().unwrap()), now: at(1_600_000_000) };
    // These demand a verified user, which keys outside an authenticator cannot show.
    let refused = policy.judge(&certificate("ecdsa384"), &attempt);
    assert_eq!(refused, Err(CertificateRefusal::Unverifiable("ecdsa-sha2-nistp384")));
}

#[test]
fn another_authority_is_refused_and_none_lets_nobody_in() {
    let scene = Scene::new();
    let stranger = Signer::new(KeyAlgorithm::Ed25519);
    let by_stranger = Certificate::from_blob(&scene.honest.signed_by(&stranger)).unwrap();
    let refused = CertificateRefusal::Authority(stranger.key().to_string());
    assert_eq!(scene.policy.judge(&by_stranger, &alice()), Err(refused));
    let by_trusted = Certificate::from_blob(&scene.honest.signed_by(&scene.authority)).unwrap();
    assert!(matches!(UserAuthorities::default().judge(&by_trusted, &alice()), Err(CertificateRefusal::Authority(_))));
    // That a key is certified makes it no authority, not even its own.
    let own = Signer::new(KeyAlgorithm::Ed25519);
    let by_itself = Certificate::from_blob(&Forgery::of(&own.key()).signed_by(&own)).unwrap();
    assert!(matches!(scene.policy.judge(&by_itself, &alice()), Err(CertificateRefusal::Authority(_))));
}

#[test]
fn a_host_certificate_is_refused() {
    let scene = Scene::new();
    let host = scene.honest.but(|f| f.kind = 2);
    let refused = CertificateRefusal::Kind { found: "host", wanted: "user" };
    assert_eq!(scene.judge_alice(&host), Err(refused));
}

#[test]
fn a_certificate_is_valid_from_its_first_second_to_before_its_last() {
    let scene = Scene::new();
    let at_second = |forgery: &Forgery, second| {
        scene.judge(forgery, &CertificateAttempt { now: at(second), ..alice() }).map(|_| ())
    };
    assert_eq!(at_second(&scene.honest, 999), Err(CertificateRefusal::Early { valid_after: 1_000, now: 999 }));
    assert_eq!(at_second(&scene.honest, 1_000), Ok(()));
    assert_eq!(at_second(&scene.honest, 1_999), Ok(()));
    assert_eq!(at_second(&scene.honest, 2_000), Err(CertificateRefusal::Late { valid_before: 2_000, now: 2_000 }));
    assert!(at_second(&scene.honest, 0).is_err());

    let forever = scene.honest.but(|f| {
        f.valid_after = 0;
        f.valid_before = u64::MAX;
    });
    assert_eq!(at_second(&forever, 0), Ok(()));
    assert_eq!(at_second(&forever, 4_000_000_000), Ok(()));
    for (valid_after, valid_before) in [(2_000, 1_000), (1_500, 1_500), (u64::MAX, u64::MAX), (0, 0)] {
        let never = Forgery { valid_after, valid_before, ..scene.honest.clone() };
        for second in [0, 999, 1_000, 1_500, 2_000, 4_000_000_000] {
            assert!(at_second(&never, second).is_err(), "{valid_after} {valid_before} {second}");
        }
    }
}

#[test]
fn p2_a_principal_that_holds_a_separator_spoils_the_certificate() {
    let scene = Scene::new();
    for odd in ["alice,root", "root,alice", ",", ",alice", "alice,", "", "alice\0", "alice\n", "root\r\nalice"] {
        for principals in [vec![odd], vec!["alice", odd], vec![odd, "alice"]] {
            let forgery = scene.honest.but(|f| f.principals = strings(&principals));
            for user in ["alice", "root", odd, ""] {
                let attempt = CertificateAttempt { user, ..alice() };
                let refused = Err(CertificateRefusal::Separator(odd.to_owned()));
                assert_eq!(scene.judge(&forgery, &attempt), refused, "{principals:?} for {user:?}");
            }
        }
    }
}

#[test]
fn p2_names_are_compared_as_whole_strings() {
    let scene = Scene::new();
    let users = [
        "alic",
        "alice ",
        " alice",
        "alicea",
        "Alice",
        "ALICE",
        "a",
        "",
        "alice\0",
        "alice,bob",
        "bob,alice",
        "al*",
        "*",
        "?lice",
        "alice@example.org",
        "root",
        "а\u{43b}ice",
    ];
    let forgery = scene.honest.but(|f| f.principals = strings(&["alice", "bob"]));
    for user in users {
        let refused = scene.judge(&forgery, &CertificateAttempt { user, ..alice() });
        assert_eq!(refused, Err(CertificateRefusal::Principal(user.to_owned())), "{user:?}");
    }
    for user in ["alice", "bob"] {
        assert!(scene.judge(&forgery, &CertificateAttempt { user, ..alice() }).is_ok());
    }
    for pattern in ["*", "al*", "?????", "%u", "@", "alice*"] {
        let forgery = scene.honest.but(|f| f.principals = strings(&[pattern]));
        assert_eq!(scene.judge_alice(&forgery), Err(CertificateRefusal::Principal("alice".to_owned())));
    }
    // Composed and decomposed forms are different names.
    let composed = scene.honest.but(|f| f.principals = strings(&["andr\u{e9}"]));
    let attempt = CertificateAttempt { user: "andre\u{301}", ..alice() };
    assert!(matches!(scene.judge(&composed, &attempt), Err(CertificateRefusal::Principal(_))));
}

#[test]
fn p2_a_certificate_without_principals_is_for_nobody() {
    let scene = Scene::new();
    let forgery = scene.honest.but(|f| f.principals = Vec::new());
    assert_eq!(scene.judge_alice(&forgery), Err(CertificateRefusal::NoPrincipal));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Who is let in is named, whatever the names look like.
    #[test]
    fn p2_only_who_is_named_is_let_in(names in prop::collection::vec("[a-c,. \0]{0,3}", 0..4), user in "[a-c,. \0]{0,3}") {
        let scene = Scene::new();
        let forgery = scene.honest.but(|f| f.principals = strings(&names));
        let accepted = scene.judge(&forgery, &CertificateAttempt { user: &user, ..alice() }).is_ok();
        let plain = names.iter().all(|name| !name.is_empty() && !name.contains([',', '\0']));
        prop_assert_eq!(accepted, plain && names.contains(&user));
    }
}
