//! The one-line text form of keys and certificates: type, base64, comment (OpenSSH's `.pub` files).
//!
//! Owns: that line. Invariant: the type in the text equals the type in the blob. Must not know: what a blob means,
//! options in front of a key (they are a policy of `authorized_keys`, and here an error).

use base64ct::{Base64, Encoding};

use super::error::KeyError;
use crate::wire::Reader;

/// Text longer than this holds nothing that would be accepted as a blob.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The blob of one line `type base64 [comment]`.
pub(super) fn decode(line: &str) -> Result<Vec<u8>, KeyError> {
    if line.len() > LINE_BYTES_MAX {
        return Err(KeyError::TooLarge { what: "the line", max: LINE_BYTES_MAX });
    }
    let line = line.trim_matches([' ', '\t', '\r', '\n']);
    if line.contains(['\n', '\r']) {
        return Err(KeyError::Text("more than one line"));
    }
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let name = words.next().ok_or(KeyError::Text("it is empty"))?;
    let base64 = words.next().ok_or(KeyError::Text("no base64 behind the key type"))?;
    let blob = Base64::decode_vec(base64).map_err(|_| KeyError::Text("the second word is not base64"))?;
    match Reader::new(&blob).string() {
        Ok(inner) if inner == name.as_bytes() => Ok(blob),
        Ok(_) => Err(KeyError::Text("the key type in front is not the one inside")),
        Err(_) => Err(KeyError::Text("there is no key inside")),
    }
}

/// The line without comment and line break.
pub(super) fn encode(name: &str, blob: &[u8]) -> String {
    format!("{name} {}", Base64::encode_string(blob))
}
