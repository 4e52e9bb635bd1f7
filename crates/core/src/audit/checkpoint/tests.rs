//! Against the examples of the specifications, and everything that is spelled otherwise.

use super::*;
use crate::audit::tree::leaf_hash;

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

fn text() -> String {
    format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n")
}

#[test]
fn r5_reads_and_writes_the_example_of_the_specification() {
    let checkpoint = Checkpoint::parse(&text()).unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), text());
}

#[test]
fn r5_refuses_other_spellings() {
    for (from, to) in [
        ("20852163", "020852163"),
        ("20852163", "+20852163"),
        ("20852163", "-1"),
        ("20852163", "99999999999999999999"),
        ("example.com/behind-the-sofa", ""),
        ("example.com/behind-the-sofa", "a b"),
        (ROOT, "CsUYapGGPo4dkMgIAUqom"),
        (ROOT, "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J="),
        ("q2I=\n", "q2I="),
        ("q2I=\n", "q2I=\nextension\n"),
        ("q2I=\n", "q2I=\n\n"),
        ("\n20852163", "\r\n20852163"),
    ] {
        let other = text().replacen(from, to, 1);
        assert_eq!(Checkpoint::parse(&other), Err(NoteError::Checkpoint), "{other:?}");
    }
}

#[test]
fn r5_a_note_comes_back_with_its_signatures() {
    let signature = Signature {
        name: "gate.example/log".to_owned(),
        key_id: Signature::key_id("gate.example/log", 1, &[7; 32]),
        bytes: vec![9; 64],
    };
    let checkpoint = Checkpoint { origin: "gate.example/log".to_owned(), size: 3, root: leaf_hash(b"x") };
    let note = SignedNote { text: checkpoint.to_string(), signatures: vec![signature.clone(), signature] };
    let printed = note.to_string();
    assert_eq!(SignedNote::parse(&printed), Ok(note));
    assert!(printed.contains("\n\n\u{2014} gate.example/log "), "{printed}");
    for (from, to, error) in [
        ("\n\n", "\n", NoteError::Note),
        ("\u{2014} gate", "- gate", NoteError::Signature),
        ("\u{2014} gate.example/log ", "\u{2014} gate.example/log", NoteError::Signature),
        ("\u{2014} gate.example/log ", "\u{2014} gate+log ", NoteError::Signature),
        ("3\n", "3\t\n", NoteError::Note),
    ] {
        assert_eq!(SignedNote::parse(&printed.replacen(from, to, 1)), Err(error), "{from:?} {to:?}");
    }
    assert_eq!(SignedNote::parse(printed.trim_end()), Err(NoteError::Note));
    assert_eq!(SignedNote::parse(&"x".repeat(NOTE_BYTES_MAX + 1)), Err(NoteError::Long));
    let many = format!("{}\n{}", text(), "\u{2014} a AAAAAAA=\n".repeat(SIGNATURES_MAX + 1));
    assert_eq!(SignedNote::parse(&many), Err(NoteError::Long));
}

/// The public key of the Go checksum database, and the key id in its name.
#[test]
fn key_ids_are_those_of_the_go_checksum_database() {
    let key = Base64::decode_vec("Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8").unwrap();
    let (kind, key) = key.split_first().unwrap();
    assert_eq!(Signature::key_id("sum.golang.org", *kind, key), [0x03, 0x3d, 0xe0, 0xae]);
}
