//! PuTTY's plink, psftp and pscp, with settings of their own.

use std::fs;
use std::path::PathBuf;

use tokio::process::Command;

use super::{Asking, Host};
use crate::place::{Key, Place};
use crate::program::succeed;

/// One command through a server.
pub(crate) async fn plink(asking: &Asking<'_>) -> Command {
    let mut command = client("plink", asking).await;
    command.args(["-T", "127.0.0.1", asking.command]);
    command
}

/// `plink`, `psftp` or `pscp` with everything but the destination.
pub(crate) async fn client(program: &str, asking: &Asking<'_>) -> Command {
    let settings = asking.place.path("putty");
    fs::create_dir_all(settings.join("sshhostcas")).unwrap();
    let mut command = Command::new(program);
    command.env("PUTTYDIR", &settings).args(["-batch", "-noagent"]);
    if program == "plink" {
        command.args(["-ssh", "-no-antispoof"]);
    }
    match asking.host {
        Host::Key(key) => command.args(["-hostkey", &key.public().fingerprint()]),
        Host::Authority(key) => {
            let blob = key.public_line().split(' ').nth(1).unwrap().to_owned();
            fs::write(settings.join("sshhostcas/test"), format!("PublicKey={blob}\nValidity=127.0.0.1\n")).unwrap();
            &mut command
        }
    };
    if let Some(bytes) = asking.rekey_bytes {
        fs::create_dir_all(settings.join("sessions")).unwrap();
        fs::write(settings.join("sessions/rekey"), format!("RekeyBytes={bytes}\n")).unwrap();
        command.args(["-load", "rekey"]);
    }
    command.arg("-i").arg(convert(asking).await);
    command.args(["-P", &asking.address.port().to_string(), "-l", asking.user]);
    command
}

/// The key in PuTTY's format; a certificate is part of the file.
async fn convert(asking: &Asking<'_>) -> PathBuf {
    let name = file_name(asking.place, asking.key, asking.with_certificate);
    let mut command = Command::new("puttygen");
    command.arg(&asking.key.path).args(["-O", "private", "-o"]).arg(&name);
    if asking.with_certificate {
        command.arg("--certificate").arg(asking.key.certificate_path());
    }
    succeed(&mut command, b"").await;
    name
}

fn file_name(place: &Place, key: &Key, with_certificate: bool) -> PathBuf {
    let name = key.path.file_name().unwrap().to_string_lossy();
    place.path(&format!("{name}{}.ppk", if with_certificate { "-cert" } else { "" }))
}
