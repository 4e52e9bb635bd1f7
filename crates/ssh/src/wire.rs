//! The data types of RFC 4251, section 5, read from and written to byte slices.
//!
//! Owns: the encoding and nothing else. Invariants: reading never allocates and never trusts a
//! length further than the bytes that are there; writing never truncates a length (a value too long for
//! its field poisons the writer, and the packet is refused). Must not know: what any message means.

use std::str;

/// A field that does not decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed field: {0}")]
pub struct Malformed(pub &'static str);

/// Takes typed fields off the front of a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over the whole of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `count` bytes as they are.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed("fewer bytes than promised"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// `byte[N]` of a fixed size.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed("fewer bytes than promised"))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// `byte`
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// `boolean`: zero is false, everything else true.
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        self.u8().map(|byte| byte != 0)
    }

    /// `uint32`
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// `uint64`
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// `string`: any bytes.
    pub fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()?;
        self.bytes(usize::try_from(length).map_err(|_| Malformed("length"))?)
    }

    /// `string` of at most `max` bytes.
    pub fn string_max(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let bytes = self.string()?;
        if bytes.len() > max { Err(Malformed("string longer than allowed")) } else { Ok(bytes) }
    }

    /// `string` that must be UTF-8, of at most `max` bytes.
    pub fn text(&mut self, max: usize) -> Result<&'a str, Malformed> {
        str::from_utf8(self.string_max(max)?).map_err(|_| Malformed("text is not UTF-8"))
    }

    /// `name-list`: non-empty printable US-ASCII names (RFC 4251 section 5, RFC 4250 section 4.6.1).
    pub fn name_list(&mut self) -> Result<NameList<'a>, Malformed> {
        NameList::parse(self.string()?)
    }

    /// `mpint` that must be positive; answers the magnitude without leading zeros.
    pub fn mpint(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.string()?;
        match bytes {
            [] => Err(Malformed("mpint is zero")),
            [first, ..] if *first & 0x80 != 0 => Err(Malformed("mpint is negative")),
            [0, second, ..] if *second & 0x80 == 0 => Err(Malformed("mpint has needless leading zeros")),
            [0] => Err(Malformed("mpint has needless leading zeros")),
            [0, magnitude @ ..] => Ok(magnitude),
            magnitude => Ok(magnitude),
        }
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes everything that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("bytes after the last field")) }
    }
}

/// A validated `name-list`, in the peer's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameList<'a>(&'a str);

impl<'a> NameList<'a> {
    /// Checks the comma-separated form.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(bytes).map_err(|_| Malformed("name-list is not ASCII"))?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Malformed("name-list is not printable ASCII"));
        }
        if !text.is_empty() && text.split(',').any(str::is_empty) {
            return Err(Malformed("empty name in a name-list"));
        }
        Ok(Self(text))
    }

    /// The names in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split(',').filter(|name| !name.is_empty())
    }

    /// Whether a name is in the list, compared whole.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|candidate| candidate == name)
    }

    /// The list as it was on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

/// Appends typed fields to a byte vector.
#[derive(Debug)]
pub struct Writer<'v> {
    out: &'v mut Vec<u8>,
    fit: Fit,
}

/// Whether everything written so far fitted its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Fits,
    TooLong,
}

impl<'v> Writer<'v> {
    /// Writes behind what `out` already holds.
    pub fn new(out: &'v mut Vec<u8>) -> Self {
        Self { out, fit: Fit::Fits }
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// `byte`
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.out.push(value);
        self
    }

    /// `boolean`
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    /// `uint32`
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// `uint64`
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// `string`
    pub fn string(&mut self, bytes: &[u8]) -> &mut Self {
        match u32::try_from(bytes.len()) {
            Ok(length) => self.u32(length).bytes(bytes),
            Err(_) => {
                self.fit = Fit::TooLong;
                self
            }
        }
    }

    /// `string` whose content is itself written by `fill`.
    pub fn nested(&mut self, fill: impl FnOnce(&mut Writer<'_>)) -> &mut Self {
        let mut inner = Vec::new();
        let mut writer = Writer::new(&mut inner);
        fill(&mut writer);
        if writer.finish().is_err() {
            self.fit = Fit::TooLong;
        }
        self.string(&inner)
    }

    /// `name-list`
    pub fn name_list<'n, I: IntoIterator<Item = &'n str>>(&mut self, names: I) -> &mut Self {
        let joined = names.into_iter().collect::<Vec<_>>().join(",");
        self.string(joined.as_bytes())
    }

    /// `mpint` of an unsigned big-endian magnitude.
    pub fn mpint(&mut self, magnitude: &[u8]) -> &mut Self {
        let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
        let magnitude = magnitude.get(zeros..).unwrap_or_default();
        let Ok(length) = u32::try_from(magnitude.len()) else {
            self.fit = Fit::TooLong;
            return self;
        };
        if magnitude.first().is_some_and(|byte| byte & 0x80 != 0) {
            self.u32(length.saturating_add(1)).u8(0).bytes(magnitude)
        } else {
            self.u32(length).bytes(magnitude)
        }
    }

    /// Fails if anything did not fit the length field in front of it.
    pub fn finish(&self) -> Result<(), Malformed> {
        match self.fit {
            Fit::Fits => Ok(()),
            Fit::TooLong => Err(Malformed("a value is too long for its length field")),
        }
    }
}

/// Builds a free-standing encoding, for blobs that are hashed or signed.
pub fn encode(fill: impl FnOnce(&mut Writer<'_>)) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    fill(&mut writer);
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests;
