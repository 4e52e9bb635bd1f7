//! What the policies must say of a certificate, spelled out once more.

use std::net::IpAddr;

use sallyport_ssh::key::{
    CERTIFICATE_BYTES_MAX, Certificate, CertificateAttempt, CertificateDraft, CertificateKind, CertificatePolicy,
    HostTrust, KeyError, Presented, UserAuthorities,
};
use sallyport_ssh::wire::Reader;

use super::super::rig;

const NAME: &str = "alice";
const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// The authority signed everything in front of the signature, which is the last field.
pub(super) fn check_signature(certificate: &Certificate) {
    let blob = certificate.blob();
    let authority = certificate.authority().blob();
    // Behind the authority's blob stands nothing but the signature, so the last place where one follows the other is it.
    let end_of_signed = |at: usize| {
        let behind = at + authority.len();
        let mut rest = Reader::new(&blob[behind..]);
        (blob[at..behind] == *authority && rest.string().is_ok() && rest.finish().is_ok()).then_some(behind)
    };
    let last = (0..=blob.len() - authority.len()).rev().find_map(end_of_signed);
    let (signed, rest) = blob.split_at(last.expect("the authority stands in its certificate"));
    let signature = Reader::new(rest).string().unwrap();
    assert!(certificate.authority().verify(signed, signature).is_ok(), "nobody signed this certificate");
}

/// What was read can be issued again, and then says the same.
pub(super) fn check_reissued(certificate: &Certificate) {
    let draft = CertificateDraft {
        key: certificate.key().clone(),
        kind: certificate.kind(),
        serial: certificate.serial(),
        key_id: certificate.key_id().to_owned(),
        principals: certificate.principals().to_vec(),
        valid_after: certificate.valid_after(),
        valid_before: certificate.valid_before(),
        critical_options: certificate.critical_options().to_vec(),
        extensions: certificate.extensions().to_vec(),
    };
    let issued = match draft.danger_issue_for_anyone(rig::authority(), &mut *rig::entropy()) {
        Ok(issued) => issued,
        Err(KeyError::Draft(_)) => {
            let odd = |name: &String| name.is_empty() || name.contains([',', '\0', '\n', '\r']);
            let never = certificate.valid_after() >= certificate.valid_before();
            assert!(never || certificate.principals().iter().any(odd));
            return;
        }
        // Its nonce may be longer than the one that was read.
        Err(KeyError::TooLarge { .. }) => {
            return assert!(certificate.blob().len() > CERTIFICATE_BYTES_MAX - 256);
        }
        Err(error) => panic!("what was read is not issued: {error}"),
    };
    assert_eq!(issued.key(), certificate.key());
    assert_eq!(issued.kind(), certificate.kind());
    assert_eq!(issued.serial(), certificate.serial());
    assert_eq!(issued.key_id(), certificate.key_id());
    assert_eq!(issued.principals(), certificate.principals());
    assert_eq!(issued.valid_after(), certificate.valid_after());
    assert_eq!(issued.valid_before(), certificate.valid_before());
    assert_eq!(issued.critical_options(), sorted(certificate.critical_options()));
    assert_eq!(issued.extensions(), sorted(certificate.extensions()));
}

/// Whoever is let in is named, in time, by the authority, from an allowed address, and everything critical is known.
pub(super) fn check_user(certificate: &Certificate) {
    let policy = UserAuthorities::new(vec![rig::authority().public_key().clone()]);
    for source in [Some(SOURCE), None] {
        let now = rig::start();
        let attempt = CertificateAttempt { user: NAME, source, now };
        let Ok(terms) = policy.judge(certificate, &attempt) else {
            continue;
        };
        check_origin(certificate, CertificateKind::User);
        for (name, data) in certificate.critical_options() {
            match name.as_str() {
                "force-command" => {
                    let command = terms.force_command.as_deref().map(str::as_bytes);
                    assert_eq!(Reader::new(data).string().ok(), command);
                }
                "source-address" => assert!(source.is_some()),
                "verify-required" => assert!(certificate.key().algorithm().in_authenticator()),
                other => panic!("{other} is not understood"),
            }
        }
        assert_eq!(terms.extensions.len(), certificate.extensions().len());
    }
}

/// The same of a host.
pub(super) fn check_host(certificate: &Certificate) {
    let trust = HostTrust {
        authorities: vec![rig::authority().public_key().clone()],
        names: vec![NAME.to_owned()],
        ..HostTrust::default()
    };
    let presented = Presented::Certificate(Box::new(certificate.clone()));
    if trust.judge(&presented, rig::start()).is_ok() {
        check_origin(certificate, CertificateKind::Host);
        assert!(certificate.critical_options().is_empty());
    }
}

fn check_origin(certificate: &Certificate, kind: CertificateKind) {
    assert_eq!(certificate.kind(), kind);
    assert_eq!(certificate.authority(), rig::authority().public_key());
    assert!((certificate.valid_after()..certificate.valid_before()).contains(&rig::WALL));
    let principals = certificate.principals();
    assert!(principals.iter().any(|principal| principal == NAME));
    assert!(!principals.iter().any(|principal| principal.contains(',')));
}

fn sorted(options: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let mut options = options.to_vec();
    options.sort();
    options
}
