//! A certificate is read whole or not at all, and what is issued is read back.

use proptest::collection::vec;
use proptest::prelude::*;
use sallyport_ssh::key::{
    CERTIFICATE_BYTES_MAX, Certificate, KeyAlgorithm, KeyError, OPTIONS_MAX, PRINCIPALS_MAX, Presented, PublicKey,
    SignatureError,
};
use sallyport_ssh::wire::{Reader, Writer, encode};

use crate::fixture::{certificate, key};
use crate::forge::{Forgery, Signer, flags, options, strings};

#[test]
fn an_honest_forgery_is_read() {
    for algorithm in KeyAlgorithm::ALL {
        let (holder, authority) = (Signer::new(*algorithm), Signer::new(*algorithm));
        let mut forgery = Forgery::of(&holder.key());
        forgery.critical_options = options(&[("force-command", "true")]);
        forgery.extensions = flags(&["permit-pty"]);
        forgery.reserved = b"for later".to_vec();
        let certificate = Certificate::from_blob(&forgery.signed_by(&authority)).unwrap();
        assert_eq!((certificate.key(), certificate.authority()), (&holder.key(), &authority.key()));
        assert_eq!((certificate.serial(), certificate.key_id()), (42, "forged"));
        assert_eq!(certificate.principals(), ["alice"]);
        assert_eq!((certificate.valid_after(), certificate.valid_before()), (1_000, 2_000));
        assert_eq!(certificate.critical_options(), [("force-command".to_owned(), strings(&["true"]))]);
        assert_eq!(certificate.extensions(), [("permit-pty".to_owned(), Vec::new())]);
    }
}

#[test]
fn p2_an_authority_that_is_itself_a_certificate_is_refused() {
    let (root, middle, holder) =
        (Signer::new(KeyAlgorithm::Ed25519), Signer::new(KeyAlgorithm::Ed25519), key("ed25519"));
    let mut middle_forgery = Forgery::of(&middle.key());
    middle_forgery.kind = 1;
    let middle_certificate = middle_forgery.signed_by(&root);
    assert!(Certificate::from_blob(&middle_certificate).is_ok());

    // Signed by the middle key, which names its certificate as the authority.
    let mut chain = Forgery::of(&holder);
    chain.authority = Some(middle_certificate);
    assert_eq!(Certificate::from_blob(&chain.signed_by(&middle)), Err(KeyError::Chain));

    // A certificate's type name over a plain key's fields is no way around.
    let mut renamed = Forgery::of(&holder);
    renamed.authority =
        Some([strings(&["ssh-ed25519-cert-v01@openssh.com"]), middle.key().blob()[15..].to_vec()].concat());
    assert_eq!(Certificate::from_blob(&renamed.signed_by(&middle)), Err(KeyError::Chain));
}

#[test]
fn a_bit_flipped_anywhere_in_a_certificate_is_refused() {
    for name in ["ed25519", "ecdsa256", "ed25519_sk1", "ecdsa_sk1", "by_ecdsa521", "by_rsa_sha256"] {
        let good = certificate(name).blob().to_vec();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert!(Certificate::from_blob(&bad).is_err(), "{name}: bit {bit} of byte {at}");
                assert!(Presented::from_blob(&bad).is_err(), "{name}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn p9_no_length_in_a_certificate_is_taken_at_its_word() {
    let authority = Signer::new(KeyAlgorithm::Ed25519);
    let mut forgery = Forgery::of(&key("ecdsa256"));
    forgery.critical_options = options(&[("force-command", "true")]);
    forgery.extensions = flags(&["permit-pty", "permit-X11-forwarding"]);
    let good = forgery.signed_by(&authority);
    for end in 0..good.len() {
        assert!(Certificate::from_blob(&good[..end]).is_err(), "cut at {end}");
    }
    let longer = [&good[..], &[0]].concat();
    let reason = KeyError::Malformed { what: "certificate", field: "bytes after the last field" };
    assert_eq!(Certificate::from_blob(&longer), Err(reason));

    // Each length in turn says something else, under a signature that covers the lie.
    let body = forgery.body(authority.key().blob());
    let lengths = lengths(&body);
    assert_eq!(lengths.len(), 10);
    for at in lengths {
        let length = u32::from_be_bytes(body[at..at + 4].try_into().unwrap());
        for wrong in [u32::MAX, 1 << 31, 0x0001_0000, length + 1, length.wrapping_sub(1)] {
            let mut bad = body.clone();
            bad[at..at + 4].copy_from_slice(&wrong.to_be_bytes());
            let signature = authority.sign(&bad);
            Writer::new(&mut bad).string(&signature);
            assert!(Certificate::from_blob(&bad).is_err(), "length {wrong} at {at}");
        }
    }
}

/// Where the lengths of an ECDSA certificate's fields stand (OpenSSH PROTOCOL.certkeys), but for those inside of lists.
fn lengths(body: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new(body);
    let mut found = Vec::new();
    // Type, nonce, curve, point; serial and kind; key id, principals; validity; options, extensions, reserved, authority.
    for (strings, fixed) in [(4, 12), (2, 16), (4, 0)] {
        for _ in 0..strings {
            found.push(body.len() - reader.rest().len());
            reader.string().unwrap();
        }
        reader.bytes(fixed).unwrap();
    }
    reader.finish().unwrap();
    found
}

#[test]
fn p9_lists_inside_a_certificate_end_where_they_say() {
    let authority = Signer::new(KeyAlgorithm::Ed25519);
    let lists = [
        vec![0],
        vec![0, 0, 0],
        vec![0, 0, 0, 1],
        vec![0xff; 4],
        vec![0, 0, 0, 2, b'a'],
        [strings(&["alice"]), vec![0, 0]].concat(),
    ];
    for list in lists {
        let honest = Forgery::of(&key("ed25519"));
        let wrong = [
            honest.but(|f| f.principals = list.clone()),
            honest.but(|f| f.critical_options = list.clone()),
            honest.but(|f| f.extensions = list.clone()),
        ];
        for forgery in wrong {
            let refused = Certificate::from_blob(&forgery.signed_by(&authority));
            assert!(matches!(refused, Err(KeyError::Malformed { .. })), "{list:?}: {refused:?}");
        }
    }
    // An option is two strings.
    let alone = Forgery { extensions: strings(&["permit-pty"]), ..Forgery::of(&key("ed25519")) };
    assert!(Certificate::from_blob(&alone.signed_by(&authority)).is_err());
}

#[test]
fn p9_lists_and_blobs_have_a_limit() {
    let authority = Signer::new(KeyAlgorithm::Ed25519);
    let read = |forgery: Forgery| Certificate::from_blob(&forgery.signed_by(&authority)).map(|_| ());
    let honest = Forgery::of(&key("ed25519"));
    let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
    let pairs = |count: usize| flags(&names(count).iter().map(String::as_str).collect::<Vec<_>>());

    assert_eq!(read(honest.but(|f| f.principals = strings(&names(PRINCIPALS_MAX)))), Ok(()));
    let refused = read(honest.but(|f| f.principals = strings(&names(PRINCIPALS_MAX + 1))));
    assert_eq!(refused, Err(KeyError::TooLarge { what: "the list of principals", max: PRINCIPALS_MAX }));

    assert_eq!(read(honest.but(|f| f.extensions = pairs(OPTIONS_MAX))), Ok(()));
    let refused = read(honest.but(|f| f.extensions = pairs(OPTIONS_MAX + 1)));
    assert_eq!(refused, Err(KeyError::TooLarge { what: "the list of extensions", max: OPTIONS_MAX }));
    let refused = read(honest.but(|f| f.critical_options = pairs(OPTIONS_MAX + 1)));
    assert_eq!(refused, Err(KeyError::TooLarge { what: "the list of critical options", max: OPTIONS_MAX }));

    let rest = honest.signed_by(&authority).len() - honest.key_id.len();
    let key_id = |bytes: usize| honest.but(|f| f.key_id = vec![b'x'; bytes]);
    assert_eq!(read(key_id(CERTIFICATE_BYTES_MAX - rest)), Ok(()));
    let refused = read(key_id(CERTIFICATE_BYTES_MAX - rest + 1));
    assert_eq!(refused, Err(KeyError::TooLarge { what: "the certificate", max: CERTIFICATE_BYTES_MAX }));
}

#[test]
fn what_is_odd_in_a_certificate_is_refused_and_not_repaired() {
    let authority = Signer::new(KeyAlgorithm::Ed25519);
    let honest = Forgery::of(&key("ed25519"));
    let twice = [options(&[("force-command", "one")]), options(&[("force-command", "two")])].concat();
    let not_text = strings(&[&[0xff, 0xfe][..]]);
    let option_not_text = [not_text.clone(), strings(&[""])].concat();
    let wrong = [
        honest.but(|f| f.kind = 0),
        honest.but(|f| f.kind = 3),
        honest.but(|f| f.kind = 0x0100_0001),
        honest.but(|f| f.key_id = vec![0xff]),
        honest.but(|f| f.principals = not_text),
        honest.but(|f| f.critical_options = option_not_text),
        honest.but(|f| f.critical_options = twice.clone()),
        honest.but(|f| f.extensions = twice),
    ];
    for forgery in wrong {
        let refused = Certificate::from_blob(&forgery.signed_by(&authority));
        assert!(matches!(refused, Err(KeyError::Malformed { .. })), "{refused:?}");
    }
}

#[test]
fn the_name_of_a_certificate_is_that_of_its_key() {
    let authority = Signer::new(KeyAlgorithm::Ed25519);
    let honest = Forgery::of(&key("ed25519"));
    // A key of another type under the name, and a plain key's name over a certificate.
    let crossed = honest.but(|f| f.name = b"ecdsa-sha2-nistp256-cert-v01@openssh.com".to_vec());
    assert!(Certificate::from_blob(&crossed.signed_by(&authority)).is_err());
    let unnamed = honest.but(|f| f.name = b"ssh-ed25519".to_vec());
    assert_eq!(Certificate::from_blob(&unnamed.signed_by(&authority)), Err(KeyError::NotCertificate));
    let older = honest.but(|f| f.name = b"ssh-rsa-cert-v00@openssh.com".to_vec());
    assert!(matches!(Certificate::from_blob(&older.signed_by(&authority)), Err(KeyError::UnknownAlgorithm(_))));
}

#[test]
fn only_the_named_authoritys_signature_over_this_certificate_counts() {
    let (authority, stranger) = (Signer::new(KeyAlgorithm::Ed25519), Signer::new(KeyAlgorithm::Ed25519));
    let honest = Forgery::of(&key("ed25519"));
    let read = |body: &[u8], signature: &[u8]| {
        let mut blob = body.to_vec();
        Writer::new(&mut blob).string(signature);
        Certificate::from_blob(&blob)
    };
    let body = honest.body(authority.key().blob());
    assert!(read(&body, &authority.sign(&body)).is_ok());
    let wrong = Err(KeyError::CertificateSignature(SignatureError::Wrong));
    assert_eq!(read(&body, &stranger.sign(&body)), wrong);
    assert_eq!(read(&body, &authority.sign(b"another certificate")), wrong);
    // Without the authority's field, or with the signature's length behind it.
    let unnamed = body.len() - 4 - authority.key().blob().len();
    assert_eq!(read(&body, &authority.sign(&body[..unnamed])), wrong);
    assert_eq!(read(&body, &authority.sign(&[&body[..], &[0, 0, 0, 83]].concat())), wrong);
    // Bytes behind the signature, inside its field.
    let longer = [authority.sign(&body), vec![0]].concat();
    let reason = SignatureError::Malformed("bytes after the last field");
    assert_eq!(read(&body, &longer), Err(KeyError::CertificateSignature(reason)));
    assert!(matches!(read(&body, &[]), Err(KeyError::CertificateSignature(SignatureError::Malformed(_)))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Under a good signature, bytes that mean nothing are an error and never more.
    #[test]
    fn no_signed_bytes_make_reading_panic(at: prop::sample::Index, replacement in vec(any::<u8>(), 0..12), cut in 0..12_usize) {
        let authority = Signer::new(KeyAlgorithm::Ed25519);
        let mut body = Forgery::of(&key("ecdsa256")).body(authority.key().blob());
        let at = at.index(body.len());
        let end = (at + cut).min(body.len());
        body.splice(at..end, replacement);
        let signature = authority.sign(&body);
        Writer::new(&mut body).string(&signature);
        if let Ok(certificate) = Certificate::from_blob(&body) {
            prop_assert_eq!(certificate.authority(), &authority.key());
            prop_assert_eq!(certificate.blob(), &body);
        }
    }
}

#[test]
fn a_certificates_key_is_the_plain_key() {
    for name in ["ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"] {
        let certificate = certificate(name);
        let mut reader = Reader::new(certificate.key().blob());
        let plain = PublicKey::from_blob(reader.rest()).unwrap();
        assert_eq!((plain.algorithm().name().as_bytes(), &plain), (reader.string().unwrap(), certificate.key()));
        let renamed = encode(|w| {
            w.string(certificate.key().algorithm().certificate_name().as_bytes()).bytes(reader.rest());
        });
        assert_eq!(PublicKey::from_blob(&renamed.unwrap()), Err(KeyError::IsCertificate));
    }
}
