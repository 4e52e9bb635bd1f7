//! tinysshd: one server for one connection, with an Ed25519 host key in a format of its own.

use std::fs;
use std::path::Path;

use super::{Serving, Target};
use crate::account::Account;
use crate::inetd::Inetd;
use crate::place::read;
use crate::program::installed;

/// A server for [`Account::NAME`]. It cannot be narrowed.
pub(crate) fn tinysshd(serving: &Serving<'_>) -> Target {
    let account = Account::in_safe_place(serving.place);
    account.authorize(serving.authorized);
    let keys = serving.place.path("tinysshd");
    write_key(&keys, &serving.host_keys[0].path);
    let inetd = Inetd::start(move || {
        let mut command = std::process::Command::new(installed("tinysshd"));
        command.arg("-s").arg(&keys);
        account.shown_to(&mut command);
        command
    });
    (inetd, Account::NAME).into()
}

/// A key of tinysshd is two files: the public half, and the seed with the public half behind it.
fn write_key(directory: &Path, private: &Path) {
    let pem = read(private);
    let key = ssh_key(&pem);
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("ed25519.pk"), &key[32..]).unwrap();
    fs::write(directory.join(".ed25519.sk"), key).unwrap();
}

/// The 64 bytes of an unencrypted OpenSSH private key of type Ed25519 (OpenSSH PROTOCOL.key).
fn ssh_key(pem: &str) -> Vec<u8> {
    let key = russh::keys::decode_secret_key(pem, None).unwrap();
    key.key_data().ed25519().expect("an Ed25519 key").to_bytes().to_vec()
}
