//! What a certificate's options demand is enforced or handed out, and what is not understood refuses.

use core::net::IpAddr;

use sallyport_ssh::key::{CertificateAttempt, CertificateRefusal, Demand, KeyAlgorithm, TouchDemand};

use crate::forge::{Signer, flags, options, strings};
use crate::policy::{Scene, alice};

#[test]
fn unknown_critical_options_are_refused_and_unknown_extensions_are_not() {
    let scene = Scene::new();
    for name in [
        "unknown@example.org",
        "permit-pty",
        "Force-Command",
        "force-command ",
        "no-touch-required",
        "",
        "source-address-v2",
    ] {
        let critical = scene.honest.but(|f| f.critical_options = flags(&[name]));
        assert_eq!(scene.judge_alice(&critical), Err(CertificateRefusal::CriticalOption(name.to_owned())));
        let beside = [options(&[("force-command", "true")]), flags(&[name])].concat();
        let critical = scene.honest.but(|f| f.critical_options = beside);
        assert!(matches!(scene.judge_alice(&critical), Err(CertificateRefusal::CriticalOption(_))));
    }
    let extension = scene.honest.but(|f| {
        f.extensions = options(&[("unknown@example.org", "data"), ("force-command", "x")]);
    });
    assert_eq!(scene.judge_alice(&extension).unwrap().force_command, None);
}

#[test]
fn source_addresses_are_enforced() {
    let scene = Scene::new();
    let list = "192.0.2.0/24,2001:db8::/32,198.51.100.7";
    let forgery = scene.honest.but(|f| f.critical_options = options(&[("source-address", list)]));
    let from = |source: Option<&str>| {
        let source = source.map(|text| text.parse::<IpAddr>().unwrap());
        scene.judge(&forgery, &CertificateAttempt { source, ..alice() }).map(|_| ())
    };
    for inside in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "198.51.100.7"] {
        assert_eq!(from(Some(inside)), Ok(()), "{inside}");
    }
    for outside in ["192.0.3.1", "2001:db9::1", "198.51.100.8", "127.0.0.1", "::1", "::192.0.2.1"] {
        assert_eq!(from(Some(outside)), Err(CertificateRefusal::Source(outside.parse().unwrap())));
    }
    assert_eq!(from(None), Err(CertificateRefusal::SourceUnknown));
}

#[test]
fn options_whose_data_makes_no_sense_are_refused() {
    let scene = Scene::new();
    let critical = |name: &str, data: &[u8]| {
        let critical_options = strings(&[name.as_bytes(), data]);
        scene.judge_alice(&scene.honest.but(|f| f.critical_options = critical_options))
    };
    let malformed = |name| Err(CertificateRefusal::MalformedOption(name));
    for data in
        [&b""[..], b"true", &[0, 0, 0, 9, b'x'], &[0, 0, 0, 1, b'x', b'y'], &[0, 0, 0, 1, 0xff], &[0, 0, 0, 1, 0]]
    {
        assert_eq!(critical("force-command", data), malformed("force-command"), "{data:?}");
        assert_eq!(critical("source-address", data), malformed("source-address"), "{data:?}");
    }
    for list in ["", "everywhere", "192.0.2.9/24", "192.0.2.0/24,", "192.0.2.0/24, 10.0.0.0/8", "!10.0.0.0/8,192.0.2.9"]
    {
        assert_eq!(critical("source-address", &strings(&[list])), malformed("source-address"), "{list:?}");
    }
    assert_eq!(critical("verify-required", &strings(&[""])), malformed("verify-required"));
    let extensions = strings(&[&b"no-touch-required"[..], &[0]]);
    assert_eq!(scene.judge_alice(&scene.honest.but(|f| f.extensions = extensions)), malformed("no-touch-required"));
}

#[test]
fn an_empty_forced_command_is_one() {
    let scene = Scene::new();
    let forgery = scene.honest.but(|f| f.critical_options = options(&[("force-command", "")]));
    assert_eq!(scene.judge_alice(&forgery).unwrap().force_command.as_deref(), Some(""));
}

#[test]
fn touch_is_demanded_as_the_certificate_says() {
    let (required, waived) = (Demand::Required, Demand::Waived);
    for algorithm in [KeyAlgorithm::SkEd25519, KeyAlgorithm::SkEcdsaP256] {
        let scene = Scene::of(&Signer::new(algorithm).key());
        let table = [
            (&[][..], &[][..], required, waived),
            (&["verify-required"], &[], required, required),
            (&[], &["no-touch-required"], waived, waived),
            (&["verify-required"], &["no-touch-required"], waived, required),
        ];
        for (critical, extensions, presence, verification) in table {
            let forgery = scene.honest.but(|f| {
                f.critical_options = flags(critical);
                f.extensions = flags(extensions);
            });
            let terms = scene.judge_alice(&forgery).unwrap();
            assert_eq!(terms.touch, TouchDemand { presence, verification });
        }
    }
}

#[test]
fn a_key_that_cannot_show_its_user_never_satisfies_verify_required() {
    for algorithm in KeyAlgorithm::ALL.iter().filter(|algorithm| !algorithm.in_authenticator()) {
        let scene = Scene::of(&Signer::new(*algorithm).key());
        let forgery = scene.honest.but(|f| f.critical_options = flags(&["verify-required"]));
        assert_eq!(scene.judge_alice(&forgery), Err(CertificateRefusal::Unverifiable(algorithm.name())));
    }
}
