//! Encodings against the RFCs' layouts, byte for byte.

use super::*;

fn string(bytes: &[u8]) -> Vec<u8> {
    [u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec(), bytes.to_vec()].concat()
}

#[test]
fn a_signature_covers_what_rfc_4252_section_7_lists() {
    let request = PublicKeyRequest { algorithm: b"ssh-ed25519", blob: b"BLOB", host_key: None, signature: None };
    let expected = [
        string(b"SESSION"),
        vec![50],
        string(b"alice"),
        string(b"ssh-connection"),
        string(b"publickey"),
        vec![1],
        string(b"ssh-ed25519"),
        string(b"BLOB"),
    ];
    assert_eq!(request.signed_data(b"SESSION", b"alice", b"ssh-connection").unwrap(), expected.concat());
}

#[test]
fn a_host_bound_signature_covers_the_host_key_too() {
    let request =
        PublicKeyRequest { algorithm: b"ssh-ed25519", blob: b"BLOB", host_key: Some(b"HOST"), signature: None };
    let expected = [
        string(b"SESSION"),
        vec![50],
        string(b"alice"),
        string(b"ssh-connection"),
        string(b"publickey-hostbound-v00@openssh.com"),
        vec![1],
        string(b"ssh-ed25519"),
        string(b"BLOB"),
        string(b"HOST"),
    ];
    assert_eq!(request.signed_data(b"SESSION", b"alice", b"ssh-connection").unwrap(), expected.concat());
}

#[test]
fn publickey_requests_read_as_they_are_written() {
    for host_key in [None, Some(b"HOST".as_slice())] {
        for signature in [None, Some(b"SIGNATURE".as_slice())] {
            let request = PublicKeyRequest { algorithm: b"ssh-ed25519", blob: b"BLOB", host_key, signature };
            let body = encode(|w| request.encode(w, "alice")).unwrap();
            let read = Request::decode(&body).unwrap();
            let RequestMethod::PublicKey(key) = read.method else { panic!("another method") };
            assert_eq!((read.user, read.service), (b"alice".as_slice(), b"ssh-connection".as_slice()));
            assert_eq!((key.algorithm, key.blob), (b"ssh-ed25519".as_slice(), b"BLOB".as_slice()));
            assert_eq!((key.host_key, key.signature), (host_key, signature));
        }
    }
}

/// RFC 4256, section 3.2.
#[test]
fn questions_are_encoded_as_rfc_4256_lists() {
    let prompts = Prompts {
        name: "N".to_owned(),
        instruction: "I".to_owned(),
        prompts: vec![
            Prompt { text: "P".to_owned(), echo: Echo::Hidden },
            Prompt { text: "Q".to_owned(), echo: Echo::Shown },
        ],
    };
    let body = encode(|w| write_prompts(w, &prompts)).unwrap();
    let expected = b"\0\0\0\x01N\0\0\0\x01I\0\0\0\0\0\0\0\x02\0\0\0\x01P\0\0\0\0\x01Q\x01";
    assert_eq!(body, expected);
    assert_eq!(decode_prompts(&body).unwrap(), prompts);
}

#[test]
fn answers_are_encoded_as_rfc_4256_lists() {
    let answers = ["a", ""].map(|text| Zeroizing::new(text.to_owned()));
    let body = encode(|w| write_responses(w, &answers)).unwrap();
    assert_eq!(body, b"\0\0\0\x02\0\0\0\x01a\0\0\0\0");
    assert!(matches!(Responses::decode(&body, 2).unwrap(), Responses::Fit(read) if read == answers));
}

#[test]
fn p9_a_count_is_not_believed_before_its_items_are_there() {
    let body = encode(|w| {
        w.string(b"").string(b"").string(b"").u32(u32::MAX);
    });
    assert!(decode_prompts(&body.unwrap()).is_err());
    assert!(matches!(Responses::decode(&u32::MAX.to_be_bytes(), 2), Ok(Responses::Unfit)));
    assert!(Responses::decode(&2u32.to_be_bytes(), 2).is_err());
}

#[test]
fn old_servers_may_send_texts_that_are_not_utf8() {
    let body = encode(|w| {
        w.string(b"Gr\xfc\xdfe").string(b"de");
    });
    assert_eq!(decode_banner(&body.unwrap(), 64).unwrap(), "Gr\u{fffd}\u{fffd}e");
}

#[test]
fn names_of_methods_in_a_failure_are_names() {
    let body = |list: &[u8]| {
        encode(|w| {
            w.string(list).bool(true);
        })
        .unwrap()
    };
    assert_eq!(
        decode_failure(&body(b"publickey,password")).unwrap(),
        (vec!["publickey".into(), "password".into()], true)
    );
    assert_eq!(decode_failure(&body(b"")).unwrap(), (Vec::new(), true));
    for list in [b"a,,b".as_slice(), b"a b", b"\xff", b","] {
        assert!(decode_failure(&body(list)).is_err());
    }
}
