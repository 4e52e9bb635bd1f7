//! The head of a log, as text that is signed (C2SP tlog-checkpoint and signed-note).
//!
//! Owns: the text of a checkpoint and of a signed note, both ways. Invariants: parsing is strict: what is accepted prints as the same bytes, so
//! that a signature is over what was read; sizes are bounded. Must not know: keys and signatures: it hands out what is to be
//! signed and takes bytes back.

use std::fmt;

use base64ct::{Base64, Encoding};
use thiserror::Error;

use super::tree::Hash;
use crate::digest::{DIGEST_BYTES, Digest};

/// A note is a head with a few signatures of witnesses, never a file.
const NOTE_BYTES_MAX: usize = 16 * 1024;
const SIGNATURES_MAX: usize = 32;
const KEY_ID_BYTES: usize = 4;

/// The head of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: a name that is unique in the world, such as `gate.example/log`.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root of its tree.
    pub root: Hash,
}

/// A text with signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    /// What is signed, with the line feed at its end.
    pub text: String,
    /// By whom.
    pub signatures: Vec<Signature>,
}

/// One signature of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The beginning of a hash over name and key, to tell keys of one name apart.
    pub key_id: [u8; KEY_ID_BYTES],
    /// The signature itself.
    pub bytes: Vec<u8>,
}

/// A text that is not a checkpoint or a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The lines of the checkpoint are not an origin, a size and a root.
    #[error("a checkpoint is an origin, a size and a root, each on a line")]
    Checkpoint,
    /// It is longer than a note can be.
    #[error("a note is at most {NOTE_BYTES_MAX} bytes long, with at most {SIGNATURES_MAX} signatures")]
    Long,
    /// It is not text, an empty line, and signatures.
    #[error("a note is text, an empty line, and lines with signatures")]
    Note,
    /// A line with a signature is not one.
    #[error("a signature is a dash, a name, and a key id and signature in base64")]
    Signature,
}

impl fmt::Display for Checkpoint {
    /// The text of the note, with the line feed at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.origin)?;
        writeln!(f, "{}", self.size)?;
        writeln!(f, "{}", Base64::encode_string(self.root.as_bytes()))
    }
}

impl Checkpoint {
    /// Reads the text of a note. Lines after the third are extensions, which we neither write nor accept.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(NoteError::Checkpoint)?.split('\n').collect();
        let [origin, size, root] = lines.as_slice() else {
            return Err(NoteError::Checkpoint);
        };
        let mut bytes = [0; DIGEST_BYTES];
        let decoded = Base64::decode(root, &mut bytes).map_err(|_| NoteError::Checkpoint)?;
        if decoded.len() != DIGEST_BYTES || !is_name(origin) {
            return Err(NoteError::Checkpoint);
        }
        let size = size.parse().map_err(|_| NoteError::Checkpoint)?;
        let checkpoint = Self { origin: (*origin).to_owned(), size, root: Digest::from_bytes(bytes) };
        // Refuses other spellings, such as a size of `007`.
        if checkpoint.to_string() == text { Ok(checkpoint) } else { Err(NoteError::Checkpoint) }
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let bytes = [&signature.key_id[..], &signature.bytes].concat();
            writeln!(f, "\u{2014} {} {}", signature.name, Base64::encode_string(&bytes))?;
        }
        Ok(())
    }
}

impl SignedNote {
    /// Reads a note. Nothing is verified: that is done by whoever knows the keys, over [`text`](Self::text).
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Long);
        }
        let control = |c: char| c < ' ' && c != '\n';
        if note.contains(control) {
            return Err(NoteError::Note);
        }
        // The text may hold empty lines of its own; the signatures begin after the last one.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Note)?;
        let lines: Vec<&str> = signatures.strip_suffix('\n').ok_or(NoteError::Note)?.split('\n').collect();
        if lines.len() > SIGNATURES_MAX {
            return Err(NoteError::Long);
        }
        let signatures = lines.into_iter().map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }
}

impl Signature {
    /// The key id of a key of this name: the first bytes of a hash over the name, a line feed, the kind of the key and the key. Ed25519 is
    /// of kind 1.
    #[must_use]
    pub fn key_id(name: &str, kind: u8, key: &[u8]) -> [u8; KEY_ID_BYTES] {
        let [a, b, c, d, ..] = *Digest::of_parts(&[name.as_bytes(), b"\n", &[kind], key]).as_bytes();
        [a, b, c, d]
    }

    fn parse(line: &str) -> Result<Self, NoteError> {
        let (name, encoded) =
            line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(NoteError::Signature)?;
        let decoded = Base64::decode_vec(encoded).map_err(|_| NoteError::Signature)?;
        let (key_id, bytes) = decoded.split_first_chunk::<KEY_ID_BYTES>().ok_or(NoteError::Signature)?;
        if !is_name(name) || name.contains('+') || bytes.is_empty() {
            return Err(NoteError::Signature);
        }
        Ok(Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() })
    }
}

/// Names are seen by people: no spaces, and nothing invisible.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
