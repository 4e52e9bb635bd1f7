//! paramiko and asyncssh, in the scripts of `python/`.

use std::fmt::Write as _;
use std::path::Path;

use tokio::process::Command;

use super::{Asking, Serving, Target};
use crate::place::Key;
use crate::program::{Daemon, python};

pub(crate) fn paramiko_server(serving: &Serving<'_>) -> Target {
    server("paramiko_server.py", serving)
}

pub(crate) fn asyncssh_server(serving: &Serving<'_>) -> Target {
    server("asyncssh_server.py", serving)
}

/// One command through a server.
pub(crate) fn client(library: &str, asking: &Asking<'_>) -> Command {
    let certificate = asking.with_certificate.then(|| asking.key.certificate_path());
    let options = Json::default()
        .string("library", library)
        .raw("port", &asking.address.port().to_string())
        .string("user", asking.user)
        .path("key", &asking.key.path)
        .raw("certificate", &certificate.map_or("null".to_owned(), |path| quote(&path.to_string_lossy())))
        .string("host_key", &asking.host.key().line())
        .raw("authority", if asking.host.is_authority() { "true" } else { "false" })
        .string("command", asking.command)
        .raw("rekey_bytes", &number(asking.rekey_bytes))
        .finish();
    let mut command = python("client.py");
    command.arg(options);
    command.into()
}

/// asyncssh with a command that it sends a signal to, as soon as something has come from it.
pub(crate) fn client_that_signals(asking: &Asking<'_>, signal: &str) -> Command {
    let mut command = client("asyncssh", asking);
    command.arg(signal);
    command
}

/// asyncssh with a window of this many bytes, and packets of at most so many.
pub(crate) fn client_with_window(asking: &Asking<'_>, window: u32, packet: u32) -> Command {
    let mut command = client("asyncssh", asking);
    command.args([window.to_string(), packet.to_string()]);
    command
}

fn server(script: &str, serving: &Serving<'_>) -> Target {
    let keys: Vec<String> = serving.host_keys.iter().map(|key| key.path.to_string_lossy().into_owned()).collect();
    let certificates = serving.host_keys.iter().map(Key::certificate_path).filter(|path| path.exists());
    let certificates: Vec<String> = certificates.map(|path| path.to_string_lossy().into_owned()).collect();
    let options = Json::default()
        .names("host_keys", &keys.iter().map(String::as_str).collect::<Vec<_>>())
        .names("certificates", &certificates.iter().map(String::as_str).collect::<Vec<_>>())
        .names("authorized", &serving.authorized.iter().map(String::as_str).collect::<Vec<_>>())
        .names("kex", serving.methods)
        .names("ciphers", serving.ciphers)
        .names("macs", serving.macs)
        .raw("rekey_bytes", &number(serving.rekey_bytes))
        .finish();
    (Daemon::start(python(script).arg(options)), "tester").into()
}

/// A JSON object (RFC 8259) of what the scripts take: texts without control characters.
#[derive(Default)]
pub(crate) struct Json(String);

impl Json {
    pub(crate) fn raw(mut self, name: &str, value: &str) -> Self {
        let comma = if self.0.is_empty() { "" } else { ", " };
        let _ = write!(self.0, "{comma}{}: {value}", quote(name));
        self
    }

    pub(crate) fn string(self, name: &str, value: &str) -> Self {
        self.raw(name, &quote(value))
    }

    pub(crate) fn path(self, name: &str, value: &Path) -> Self {
        self.string(name, &value.to_string_lossy())
    }

    pub(crate) fn names(self, name: &str, values: &[&str]) -> Self {
        let list = values.iter().map(|value| quote(value)).collect::<Vec<_>>().join(", ");
        self.raw(name, &format!("[{list}]"))
    }

    pub(crate) fn finish(self) -> String {
        format!("{{{}}}", self.0)
    }
}

fn number(value: Option<u32>) -> String {
    value.map_or("null".to_owned(), |value| value.to_string())
}

fn quote(text: &str) -> String {
    assert!(!text.contains(|letter: char| letter.is_control()), "{text:?}");
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
