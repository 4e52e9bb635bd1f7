//! dropbear and its client. Both have key files of their own format.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::{Asking, Serving, Target};
use crate::account::Account;
use crate::inetd::Inetd;
use crate::place::{Key, Place};
use crate::program::{installed, succeed};

/// A server for [`Account::NAME`]. It cannot be narrowed.
pub(crate) async fn dropbear(serving: &Serving<'_>) -> Target {
    let account = Account::new(serving.place);
    account.authorize(serving.authorized);
    let mut keys = Vec::new();
    for key in serving.host_keys {
        keys.push(convert(serving.place, key).await);
    }
    let inetd = Inetd::start(move || {
        let mut command = std::process::Command::new(installed("dropbear"));
        command.args(["-i", "-m", "-s"]); // says nothing: -E does not go with -i
        for key in &keys {
            command.arg("-r").arg(key);
        }
        account.shown_to(&mut command);
        command
    });
    (inetd, Account::NAME).into()
}

/// One command through a server. The host key is looked up in the home of a user made for this.
pub(crate) async fn dbclient(asking: &Asking<'_>) -> Command {
    let home = asking.place.path("dbclient");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    let known = format!("127.0.0.1 {}", asking.host.key().line()); // it would take a comment for a part of the key
    fs::write(home.join(".ssh/known_hosts"), known).unwrap();
    let key = convert(asking.place, asking.key).await;
    let mut command = Command::new("dbclient");
    command.env("HOME", home).arg("-i").arg(key);
    command.args(["-T", "-p", &asking.address.port().to_string(), "-l", asking.user, "127.0.0.1", asking.command]);
    command
}

async fn convert(place: &Place, key: &Key) -> PathBuf {
    let name = key.path.file_name().unwrap().to_string_lossy();
    let path = place.path(&format!("{name}.dropbear"));
    if !path.exists() {
        let mut command = Command::new("dropbearconvert");
        command.stderr(Stdio::null()); // it tells what it does
        succeed(command.args(["openssh", "dropbear"]).args([&key.path, &path]), b"").await;
    }
    path
}
