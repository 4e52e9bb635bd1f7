//! What OpenSSH wrote down reads as OpenSSH reads it.

use sallyport_ssh::key::{
    Certificate, CertificateKind, KeyAlgorithm, KeyError, Presented, PublicKey, SignatureAlgorithm, SignatureError,
};

use crate::fixture::{Envelope, blob, certificate, key, text};
use crate::forge::{flags, options, strings};

const SIGNERS: [&str; 5] = ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"];

#[test]
fn fingerprints_are_those_of_openssh() {
    let mut seen = 0;
    for line in text("fingerprints").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (file, fingerprint) = (words[0], words[2]);
        if file.contains("1024") || file.contains("sha1") {
            continue; // refused, see below
        }
        let line = text(file);
        let presented = Presented::from_blob(&blob(&line)).unwrap();
        assert_eq!(presented.key().fingerprint(), fingerprint, "{file}");
        assert_eq!(matches!(presented, Presented::Certificate(_)), file.contains("-cert"), "{file}");
        seen += 1;
    }
    assert_eq!(seen, 17);

    let sk = [
        ("ed25519_sk", "SHA256:pbI9wlyrFSsUbp+GTiIAOqNMvoajbF2tHsPMECyrMYU"),
        ("ecdsa_sk", "SHA256:/ALxJUlmDPE0gxeL1nZip4oXm1VG1qmR2xL5iUzZD1A"),
    ];
    for (name, fingerprint) in sk {
        assert_eq!(key(name).fingerprint(), fingerprint);
    }
    // Published beside the certificates, as ed25519_sk1-cert.fp and ecdsa_sk1-cert.fp.
    let certified = [
        ("ed25519_sk1", "SHA256:6WZVJ44bqhAWLVP4Ns0TDkoSQSsZo/h2K+mEvOaNFbw"),
        ("ecdsa_sk1", "SHA256:Go7HO0CVPYG+BSDSk9ZUJBKGSrtBExp6obTa9iqzIUo"),
    ];
    for (name, fingerprint) in certified {
        assert_eq!(certificate(name).key().fingerprint(), fingerprint);
    }
}

#[test]
fn keys_and_certificates_are_written_as_they_were_read() {
    for name in SIGNERS.iter().chain(&["ed25519_sk", "ecdsa_sk"]) {
        let line = text(&format!("{name}.pub"));
        let expected: Vec<&str> = line.split(' ').take(2).collect();
        assert_eq!(key(name).to_openssh(), expected.join(" "));
    }
    for name in SIGNERS.iter().chain(&["ed25519_sk1", "ecdsa_sk1"]) {
        let line = text(&format!("{name}-cert.pub"));
        let expected: Vec<&str> = line.split(' ').take(2).collect();
        assert_eq!(certificate(name).to_openssh(), expected.join(" "));
        assert_eq!(certificate(name).blob(), blob(&line));
    }
}

#[test]
fn signatures_of_openssh_verify_and_no_others() {
    let algorithms = [
        SignatureAlgorithm::Ed25519,
        SignatureAlgorithm::EcdsaSha2Nistp256,
        SignatureAlgorithm::EcdsaSha2Nistp384,
        SignatureAlgorithm::EcdsaSha2Nistp521,
        SignatureAlgorithm::RsaSha2_512,
    ];
    for (name, algorithm) in SIGNERS.iter().zip(algorithms) {
        let envelope = Envelope::read(&text(&format!("{name}.sig")));
        let key = PublicKey::from_blob(&envelope.key).unwrap();
        assert_eq!(key, self::key(name));
        let verified = key.verify(&envelope.signed(b"what is signed"), &envelope.signature).unwrap();
        assert_eq!((verified.algorithm, verified.touch), (algorithm, None));
        let other = key.verify(&envelope.signed(b"what is not signed"), &envelope.signature);
        assert_eq!(other, Err(SignatureError::Wrong), "{name}");
    }
}

#[test]
fn signatures_of_authenticators_verify_with_their_flags() {
    let cases = [("ed25519_sk", SignatureAlgorithm::SkEd25519), ("ecdsa_sk", SignatureAlgorithm::SkEcdsaSha2Nistp256)];
    for (name, algorithm) in cases {
        let envelope = Envelope::read(&text(&format!("{name}.sig")));
        let data = envelope.signed(b"This is a test, this is only a test");
        let verified = key(name).verify(&data, &envelope.signature).unwrap();
        assert_eq!(verified.algorithm, algorithm);
        let touch = verified.touch.unwrap();
        assert!(touch.user_present() && !touch.user_verified());
        assert_eq!(touch.counter, 0x1234_5678);
        let other = key(name).verify(b"other data", &envelope.signature);
        assert_eq!(other, Err(SignatureError::Wrong));
    }
}

#[test]
fn certificates_say_what_ssh_keygen_was_told() {
    for name in SIGNERS {
        let certificate = certificate(name);
        assert_eq!(*certificate.key(), key(name));
        assert_eq!(*certificate.authority(), key("authority"));
        assert_eq!(certificate.kind(), CertificateKind::User);
        assert_eq!((certificate.serial(), certificate.key_id()), (7, format!("for {name}").as_str()));
        assert_eq!(certificate.principals(), ["alice", "bob"]);
        assert_eq!(certificate.valid_after(), 1_577_836_800); // 2020-01-01
        assert_eq!(certificate.valid_before(), 1_893_456_000); // 2030-01-01
        let mut critical =
            options(&[("force-command", "/bin/echo \"forced\""), ("source-address", "192.0.2.0/24,2001:db8::/32")]);
        critical.extend(flags(&["verify-required"]));
        assert_eq!(reassemble(certificate.critical_options()), critical);
        let mut names: Vec<&str> = certificate.extensions().iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let expected = [
            "no-touch-required",
            "note@example.org",
            "permit-X11-forwarding",
            "permit-agent-forwarding",
            "permit-port-forwarding",
            "permit-pty",
            "permit-user-rc",
        ];
        assert_eq!(names, expected);
        let note = certificate.extensions().iter().find(|(name, _)| name == "note@example.org").unwrap();
        assert_eq!(note.1, strings(&["hello"]));
    }
}

#[test]
fn certificates_for_keys_in_authenticators_are_read() {
    for (name, serial, algorithm) in
        [("ed25519_sk1", 8, KeyAlgorithm::SkEd25519), ("ecdsa_sk1", 7, KeyAlgorithm::SkEcdsaP256)]
    {
        let certificate = certificate(name);
        assert_eq!((certificate.kind(), certificate.serial()), (CertificateKind::Host, serial));
        assert_eq!((certificate.key_id(), certificate.key().algorithm()), ("julius", algorithm));
        assert_eq!(certificate.principals(), ["host1", "host2"]);
        assert_eq!((certificate.valid_after(), certificate.valid_before()), (915_112_800, 1_293_804_000));
    }
}

#[test]
fn authorities_of_every_kind_are_checked() {
    let authorities = [
        ("by_ed25519", "authority"),
        ("by_ecdsa256", "ecdsa256"),
        ("by_ecdsa384", "ecdsa384"),
        ("by_ecdsa521", "ecdsa521"),
        ("by_rsa_sha256", "rsa"),
        ("by_rsa_sha512", "rsa"),
    ];
    for (name, authority) in authorities {
        let certificate = certificate(name);
        assert_eq!(*certificate.authority(), key(authority));
        assert_eq!(
            (certificate.kind(), certificate.principals()),
            (CertificateKind::Host, &["host.example.org".to_owned()][..])
        );
        assert_eq!((certificate.valid_after(), certificate.valid_before()), (0, u64::MAX));
    }
}

#[test]
fn a_good_sha1_signature_of_an_authority_is_refused() {
    let refused = Certificate::from_openssh(&text("by_rsa_sha1-cert.pub"));
    let reason = SignatureError::Algorithm("ssh-rsa".to_owned());
    assert_eq!(refused, Err(KeyError::CertificateSignature(reason)));
}

#[test]
fn rsa_keys_below_2048_bits_are_refused_wherever_they_stand() {
    let weak = KeyError::Unsuitable("RSA key has fewer than 2048 bits");
    assert_eq!(PublicKey::from_openssh(&text("rsa1024.pub")), Err(weak.clone()));
    assert_eq!(Certificate::from_openssh(&text("of_rsa1024-cert.pub")), Err(weak.clone()));
    assert_eq!(Certificate::from_openssh(&text("by_rsa1024-cert.pub")), Err(weak));
}

fn reassemble(options: &[(String, Vec<u8>)]) -> Vec<u8> {
    let parts: Vec<&[u8]> = options.iter().flat_map(|(name, data)| [name.as_bytes(), data]).collect();
    strings(&parts)
}
