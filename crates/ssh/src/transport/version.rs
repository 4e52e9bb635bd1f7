//! The version exchange (RFC 4253, section 4.2).
//!
//! Owns: the first lines of a connection. Invariants: every line and their number are bounded; only a server may say something
//! before its version. Must not know: what comes after.

use crate::error::{Error, Reason};
use crate::packet::Inbox;
use crate::role::Role;

/// A version line with its CR LF (RFC 4253, section 4.2).
pub(super) const VERSION_BYTES_MAX: usize = 255;
/// A line before it. The RFC sets no limit; OpenSSH allows 8,192 bytes.
const LINE_BYTES_MAX: usize = 2048;
/// Lines before it.
const LINES_MAX: u32 = 64;

/// Waits for the peer's version.
#[derive(Debug, Default)]
pub(super) struct VersionExchange {
    lines: u32,
}

impl VersionExchange {
    /// The peer's version without CR LF, once it has come.
    pub(super) fn step(&mut self, role: Role, inbox: &mut Inbox) -> Result<Option<Vec<u8>>, Error> {
        while let Some(mut line) = inbox.line(LINE_BYTES_MAX)? {
            if line.starts_with(b"SSH-") {
                if line.len() > VERSION_BYTES_MAX {
                    return Err(Error::Limit("the version line is too long"));
                }
                line.pop();
                // CR LF is required; old peers that send LF alone are many.
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                check(role, &line)?;
                return Ok(Some(line));
            }
            if role == Role::Server {
                return Err(Error::Misbehaved("the client did not start with its SSH version"));
            }
            self.lines += 1;
            if self.lines > LINES_MAX {
                return Err(Error::Limit("too many lines before the SSH version"));
            }
        }
        Ok(None)
    }
}

fn check(role: Role, line: &[u8]) -> Result<(), Error> {
    // 1.99 means a server that also speaks the old protocol (RFC 4253, section 5.1).
    let supported = line.starts_with(b"SSH-2.0-") || (role == Role::Client && line.starts_with(b"SSH-1.99-"));
    if !supported {
        let text = "only SSH 2.0 is spoken here".to_owned();
        return Err(Error::Closed { reason: Reason::PROTOCOL_VERSION_NOT_SUPPORTED, text });
    }
    if !line.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        return Err(Error::Malformed { message: "version", field: "not printable ASCII" });
    }
    Ok(())
}
