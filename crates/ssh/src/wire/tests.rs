//! RFC 4251 section 5 examples, and lengths that lie.

use super::*;

#[test]
fn mpint_matches_the_examples_of_rfc_4251() {
    let cases: [(&[u8], &[u8]); 3] = [
        (
            &[0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7],
            &[0, 0, 0, 8, 0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7],
        ),
        (&[0x80], &[0, 0, 0, 2, 0, 0x80]),
        (&[0, 0, 0x01], &[0, 0, 0, 1, 1]),
    ];
    for (magnitude, encoded) in cases {
        assert_eq!(
            encode(|w| {
                w.mpint(magnitude);
            })
            .unwrap(),
            encoded
        );
        let stripped: Vec<u8> = magnitude.iter().copied().skip_while(|b| *b == 0).collect();
        assert_eq!(Reader::new(encoded).mpint().unwrap(), stripped);
    }
    assert_eq!(
        encode(|w| {
            w.mpint(&[0]);
        })
        .unwrap(),
        [0, 0, 0, 0]
    );
}

#[test]
fn mpint_refuses_negative_zero_and_padded_values() {
    for encoded in [&[0, 0, 0, 0][..], &[0, 0, 0, 1, 0xed], &[0, 0, 0, 2, 0, 0x7f], &[0, 0, 0, 1, 0]] {
        assert!(Reader::new(encoded).mpint().is_err(), "{encoded:?}");
    }
}

#[test]
fn p9_a_length_beyond_the_bytes_is_refused_not_truncated() {
    let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    assert!(reader.string().is_err());
    assert!(Reader::new(&[0, 0, 0, 4, 1, 2, 3]).string().is_err());
    assert!(Reader::new(&[0, 0, 0]).u32().is_err());
    assert!(Reader::new(&[0, 0, 0, 3, b'a', b'b', b'c']).string_max(2).is_err());
}

#[test]
fn name_lists_are_ascii_without_empty_names() {
    let list = NameList::parse(b"zlib,none").unwrap();
    assert_eq!(list.iter().collect::<Vec<_>>(), ["zlib", "none"]);
    assert!(list.contains("none") && !list.contains("non"));
    assert_eq!(NameList::parse(b"").unwrap().iter().count(), 0);
    for bad in [&b",a"[..], b"a,", b"a,,b", b"a b", b"\xc3\xa9", b"a\0"] {
        assert!(NameList::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn nested_strings_and_the_end_are_checked() {
    let blob = encode(|w| {
        w.u8(7)
            .nested(|n| {
                n.string(b"in").u32(9);
            })
            .bool(true)
            .u64(1);
    })
    .unwrap();
    let mut reader = Reader::new(&blob);
    assert_eq!(reader.u8().unwrap(), 7);
    let mut inner = Reader::new(reader.string().unwrap());
    assert_eq!(inner.string().unwrap(), b"in");
    assert_eq!(inner.u32().unwrap(), 9);
    inner.finish().unwrap();
    assert!(reader.bool().unwrap());
    assert!(reader.clone().finish().is_err());
    assert_eq!(reader.u64().unwrap(), 1);
    reader.finish().unwrap();
}
