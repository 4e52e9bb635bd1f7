//! Channel requests (RFC 4254 sections 6.2 to 6.10, RFC 4335, OpenSSH PROTOCOL section 2).
//!
//! Owns: their encoding. A request that is not known keeps its name and its bytes, so that a gateway can pass it on.

use crate::error::Error;
use crate::wire::{Malformed, Reader, Writer};

/// Longest request or channel type name: RFC 4250 section 4.6.1 allows 64 characters.
pub(super) const NAME_BYTES_MAX: usize = 64;
/// Longest path of a socket that is taken; none can be longer than 108 bytes on Linux.
pub(super) const PATH_BYTES_MAX: usize = 4096;
/// Longest command or variable that is taken.
pub(super) const TEXT_BYTES_MAX: usize = 128 * 1024;

/// A request on a channel. Text from the peer is bytes: SSH does not promise an encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `pty-req`
    Pty(Pty),
    /// `env`
    Env {
        /// Name of the variable.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// `shell`
    Shell,
    /// `exec`
    Exec {
        /// The command line, as one string.
        command: Vec<u8>,
    },
    /// `subsystem`
    Subsystem {
        /// Its name, such as `sftp`.
        name: Vec<u8>,
    },
    /// `window-change`
    WindowChange(WindowSize),
    /// `xon-xoff`
    XonXoff {
        /// Whether the client may do flow control by itself.
        client_can_do: bool,
    },
    /// `signal`
    Signal {
        /// Name without `SIG`.
        name: String,
    },
    /// `break` (RFC 4335)
    Break {
        /// Milliseconds.
        length_ms: u32,
    },
    /// `exit-status`
    ExitStatus {
        /// Of the command.
        status: u32,
    },
    /// `exit-signal`
    ExitSignal {
        /// Name without `SIG`.
        name: String,
        /// Whether a core was dumped.
        core_dumped: bool,
        /// Words for people.
        message: Vec<u8>,
        /// Language tag.
        language: Vec<u8>,
    },
    /// `eow@openssh.com`: the peer reads no more of the data stream.
    EndOfWrite,
    /// `auth-agent-req@openssh.com`
    AgentForward,
    /// `x11-req`, not taken apart.
    X11 {
        /// The fields as they came.
        data: Vec<u8>,
    },
    /// Any other.
    Unknown {
        /// Its name.
        name: String,
        /// Its fields as they came.
        data: Vec<u8>,
    },
}

/// `pty-req`: a terminal is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pty {
    /// Value of TERM.
    pub term: Vec<u8>,
    /// Its size.
    pub size: WindowSize,
    /// Encoded terminal modes (RFC 4254, section 8).
    pub modes: Vec<u8>,
}

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// In characters.
    pub columns: u32,
    /// In characters.
    pub rows: u32,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Request {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Pty(_) => "pty-req",
            Self::Env { .. } => "env",
            Self::Shell => "shell",
            Self::Exec { .. } => "exec",
            Self::Subsystem { .. } => "subsystem",
            Self::WindowChange(_) => "window-change",
            Self::XonXoff { .. } => "xon-xoff",
            Self::Signal { .. } => "signal",
            Self::Break { .. } => "break",
            Self::ExitStatus { .. } => "exit-status",
            Self::ExitSignal { .. } => "exit-signal",
            Self::EndOfWrite => "eow@openssh.com",
            Self::AgentForward => "auth-agent-req@openssh.com",
            Self::X11 { .. } => "x11-req",
            Self::Unknown { name, .. } => name,
        }
    }

    /// Reads the fields behind the name and the want-reply flag.
    pub(super) fn parse(name: &str, data: &[u8]) -> Result<Self, Error> {
        parse(name, data).map_err(Error::malformed("channel request"))
    }

    /// Writes the fields behind the name and the want-reply flag.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Pty(pty) => {
                w.string(&pty.term);
                write_size(pty.size, w);
                w.string(&pty.modes);
            }
            Self::Env { name, value } => {
                w.string(name).string(value);
            }
            Self::Shell | Self::EndOfWrite | Self::AgentForward => {}
            Self::Exec { command: text } | Self::Subsystem { name: text } => {
                w.string(text);
            }
            Self::WindowChange(size) => write_size(*size, w),
            Self::XonXoff { client_can_do } => {
                w.bool(*client_can_do);
            }
            Self::Signal { name } => {
                w.string(name.as_bytes());
            }
            Self::Break { length_ms } => {
                w.u32(*length_ms);
            }
            Self::ExitStatus { status } => {
                w.u32(*status);
            }
            Self::ExitSignal { name, core_dumped, message, language } => {
                w.string(name.as_bytes()).bool(*core_dumped).string(message).string(language);
            }
            Self::X11 { data } | Self::Unknown { data, .. } => {
                w.bytes(data);
            }
        }
    }
}

fn parse(name: &str, data: &[u8]) -> Result<Request, Malformed> {
    let mut r = Reader::new(data);
    let request = match name {
        "pty-req" => {
            let term = r.string_max(NAME_BYTES_MAX * 4)?.to_vec();
            let size = read_size(&mut r)?;
            Request::Pty(Pty { term, size, modes: r.string_max(4096)?.to_vec() })
        }
        "env" => Request::Env { name: owned(&mut r)?, value: owned(&mut r)? },
        "shell" => Request::Shell,
        "exec" => Request::Exec { command: owned(&mut r)? },
        "subsystem" => Request::Subsystem { name: owned(&mut r)? },
        "window-change" => Request::WindowChange(read_size(&mut r)?),
        "xon-xoff" => Request::XonXoff { client_can_do: r.bool()? },
        "signal" => Request::Signal { name: r.text(NAME_BYTES_MAX)?.to_owned() },
        "break" => Request::Break { length_ms: r.u32()? },
        "exit-status" => Request::ExitStatus { status: r.u32()? },
        "exit-signal" => Request::ExitSignal {
            name: r.text(NAME_BYTES_MAX)?.to_owned(),
            core_dumped: r.bool()?,
            message: owned(&mut r)?,
            language: owned(&mut r)?,
        },
        "eow@openssh.com" => Request::EndOfWrite,
        "auth-agent-req@openssh.com" => Request::AgentForward,
        "x11-req" => Request::X11 { data: r.take_rest().to_vec() },
        other => Request::Unknown { name: other.to_owned(), data: r.take_rest().to_vec() },
    };
    r.finish()?;
    Ok(request)
}

fn owned(r: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    r.string_max(TEXT_BYTES_MAX).map(<[u8]>::to_vec)
}

fn read_size(r: &mut Reader<'_>) -> Result<WindowSize, Malformed> {
    Ok(WindowSize { columns: r.u32()?, rows: r.u32()?, width: r.u32()?, height: r.u32()? })
}

fn write_size(size: WindowSize, w: &mut Writer<'_>) {
    w.u32(size.columns).u32(size.rows).u32(size.width).u32(size.height);
}
