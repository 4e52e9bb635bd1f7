//! Signatures from ssh-agent, for keys that we hold no private half of (draft-ietf-sshm-ssh-agent).
//!
//! Owns: one agent process, and the two messages that a signature takes. Must not know: what is signed.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use sallyport_ssh::key::SignatureAlgorithm;
use sallyport_ssh::wire::{Reader, encode};

use crate::place::Place;
use crate::program::{Daemon, python};

const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;

/// An agent that ends with the test.
pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    daemon: Daemon,
}

impl Agent {
    /// OpenSSH's agent, with these keys and the certificates that lie beside them.
    pub(crate) fn start(place: &Place, keys: &[&Path]) -> Self {
        let socket = place.path("agent");
        // With -D it stays our child, so that it can be ended by its process id.
        let daemon = Daemon::start(Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket));
        let agent = Self { socket, daemon };
        for key in keys {
            let mut command = Command::new("ssh-add");
            let status = command.env("SSH_AUTH_SOCK", &agent.socket).arg("-q").arg(key).stdin(Stdio::null()).status();
            assert!(status.unwrap().success(), "{command:?}");
        }
        agent
    }

    /// An agent whose keys are in a FIDO authenticator made of software. Public halves are written to `id_<kind>.pub`.
    pub(crate) fn start_authenticator(place: &Place) -> Self {
        let socket = place.path("fido");
        let daemon = Daemon::start(python("fido_agent.py").arg(&socket).arg(place.directory()));
        Self { socket, daemon }
    }

    /// A signature blob over `data` by the key or certificate with this blob.
    pub(crate) fn sign(&self, blob: &[u8], data: &[u8], algorithm: SignatureAlgorithm) -> Result<Vec<u8>> {
        let flags = match algorithm {
            SignatureAlgorithm::RsaSha2_256 => RSA_SHA2_256,
            SignatureAlgorithm::RsaSha2_512 => RSA_SHA2_512,
            _ => 0,
        };
        let body = encode(|writer| {
            writer.u8(SIGN_REQUEST).string(blob).string(data).u32(flags);
        });
        let message = encode(|writer| {
            writer.string(&body.unwrap_or_default());
        });
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.write_all(&message.unwrap_or_default())?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length))?];
        stream.read_exact(&mut answer)?;
        let mut reader = Reader::new(&answer);
        ensure!(reader.u8() == Ok(SIGN_RESPONSE), "agent {} does not sign", self.daemon.id());
        Ok(reader.string().unwrap_or_default().to_vec())
    }
}
