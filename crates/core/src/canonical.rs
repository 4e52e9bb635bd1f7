//! One sequence of bytes for one value: canonical JSON (RFC 8785).
//!
//! Owns: what is hashed, signed and kept in the audit log. Invariants: equal values give equal bytes, for ever and in every
//! implementation of RFC 8785; numbers are whole and exact in every JSON parser, since a fraction has more than one spelling.
//! Must not know: what the value means. Goldens in `audit/tests` hold the bytes of every event.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::digest::Digest;

/// The highest whole number that every JSON parser reads exactly: 2^53 - 1.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// A value that has no canonical form.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// A type that JSON cannot hold, such as a map with keys that are not text.
    #[error("the value has no form in JSON")]
    Json(#[source] serde_json::Error),
    /// A fraction, or a number beyond 2^53 - 1.
    #[error("the number {0} is not whole, or too large to be read exactly everywhere")]
    Number(serde_json::Number),
}

/// The canonical bytes of a value.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value).map_err(CanonicalError::Json)?;
    let mut out = String::new();
    write_value(&value, &mut out)?;
    Ok(out.into_bytes())
}

/// The SHA-256 of the canonical bytes, after the name of what is hashed and a zero byte: a digest of one kind of value is never
/// that of another kind.
pub fn digest<T: Serialize + ?Sized>(kind: &str, value: &T) -> Result<Digest, CanonicalError> {
    let bytes = encode(value)?;
    Ok(Digest::of_parts(&[kind.as_bytes(), &[0], &bytes]))
}

fn write_value(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let exact = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if exact.is_none_or(|number| number > NUMBER_MAX) {
                return Err(CanonicalError::Number(number.clone()));
            }
            out.push_str(&number.to_string());
        }
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            // Sorted here, because a feature of serde_json that another crate switches on changes the order of its map.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (name, field)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_value(field, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// RFC 8785, section 3.2.2.2.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                out.push_str("\\u00");
                out.push(if c < '\u{10}' { '0' } else { '1' });
                out.extend(char::from_digit(u32::from(c) % 16, 16));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests;
