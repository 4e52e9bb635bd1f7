//! OpenSSH: sshd, and ssh with the options that make it forget whoever runs the test.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{Asking, Serving, Target};
use crate::account::Account;
use crate::inetd::Inetd;
use crate::place::Place;
use crate::program::installed;

/// A server for [`Account::NAME`]; `options` as in sshd_config.
pub(crate) fn sshd(serving: &Serving<'_>, options: &[&str]) -> Target {
    let account = Account::new(serving.place);
    account.authorize(serving.authorized);
    let mut all = vec![
        "PidFile none".to_owned(),
        "UsePAM no".to_owned(),
        "LogLevel ERROR".to_owned(),
        "MaxSessions 100".to_owned(),
        "Subsystem sftp internal-sftp".to_owned(),
        account.shown_to_commands(),
    ];
    for key in serving.host_keys {
        all.push(format!("HostKey {}", key.path.display()));
        if key.certificate_path().exists() {
            all.push(format!("HostCertificate {}", key.certificate_path().display()));
        }
    }
    for (option, names) in [("KexAlgorithms", serving.methods), ("Ciphers", serving.ciphers), ("MACs", serving.macs)] {
        if !names.is_empty() {
            all.push(format!("{option} {}", names.join(",")));
        }
    }
    all.extend(serving.rekey_bytes.map(|bytes| format!("RekeyLimit {bytes}")));
    // The first value of an option counts.
    let all = options.iter().map(|&option| option.to_owned()).chain(all).collect::<Vec<_>>();
    let inetd = Inetd::start(move || {
        let mut command = std::process::Command::new(installed("sshd"));
        command.args(["-i", "-e", "-f", "/dev/null"]);
        for option in &all {
            command.args(["-o", option]);
        }
        account.shown_to(&mut command);
        command
    });
    (inetd, Account::NAME).into()
}

/// One command through a server. More options may follow: those that come first count, and the destination may come before them.
pub(crate) fn ssh(asking: &Asking<'_>) -> Command {
    let mut command = client("ssh", asking);
    let port = asking.address.port().to_string();
    command.args(["-T", "-p", &port, "-l", asking.user, "127.0.0.1", asking.command]);
    command
}

/// `ssh`, `scp` or `sftp` with everything but port, user and destination.
pub(crate) fn client(program: &str, asking: &Asking<'_>) -> Command {
    let mut command = Command::new(program);
    command.args(["-F", "none"]);
    for option in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=none",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "LogLevel=ERROR",
    ] {
        command.args(["-o", option]);
    }
    let known_hosts = known_hosts(asking);
    command.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
    command.arg("-i").arg(&asking.key.path);
    if let Some(bytes) = asking.rekey_bytes {
        command.arg("-o").arg(format!("RekeyLimit={bytes}"));
    }
    if asking.with_certificate {
        command.arg("-o").arg(format!("CertificateFile={}", asking.key.certificate_path().display()));
    }
    command
}

/// The same with keys that an agent holds, besides those that are named.
pub(crate) fn client_with_agent(program: &str, asking: &Asking<'_>, socket: &Path) -> Command {
    let agent = format!("IdentityAgent={}", socket.display());
    without(&client(program, asking), "IdentityAgent=none", &["-o", &agent])
}

/// A command without one `-o` option, and with others in its place: of an option that is given twice, the first counts.
pub(crate) fn without(command: &Command, option: &str, instead: &[&str]) -> Command {
    let command = command.as_std();
    let arguments: Vec<&OsStr> = command.get_args().collect();
    let at = arguments.iter().position(|argument| *argument == option).expect("the option is there");
    let mut changed = Command::new(command.get_program());
    changed.args(&arguments[..at - 1]).args(instead).args(&arguments[at + 1..]);
    for (name, value) in command.get_envs() {
        changed.env(name, value.unwrap_or_default());
    }
    changed
}

/// A file that says whom to believe at this address.
fn known_hosts(asking: &Asking<'_>) -> PathBuf {
    let mark = if asking.host.is_authority() { "@cert-authority " } else { "" };
    let port = asking.address.port();
    let line = format!("{mark}[127.0.0.1]:{port} {}", asking.host.key().public_line());
    asking.place.write(&format!("known_hosts-{port}"), line, 0o600)
}

/// The names that OpenSSH lists for a `-Q` query, such as `kex`.
pub(crate) async fn query(what: &str) -> Vec<String> {
    let output = crate::program::succeed(Command::new("ssh").args(["-Q", what]), b"").await;
    String::from_utf8(output).unwrap().lines().map(ToOwned::to_owned).collect()
}

/// Where the commands of [`sshd`] start.
pub(crate) fn home(place: &Place) -> PathBuf {
    fs::canonicalize(place.path("home")).unwrap()
}
