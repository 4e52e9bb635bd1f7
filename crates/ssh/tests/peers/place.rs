//! A directory that ends with its test, and the keys and certificates in it.
//!
//! Owns: files. Keys are made by OpenSSH's ssh-keygen, never by the code under test. Must not know: who uses them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process};

use sallyport_ssh::key::{Certificate, PublicKey, SigningKey};

/// A directory that ends with the test. Short, because the paths of sockets in it are.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        Self::inside(&env::temp_dir())
    }

    /// The same in another directory than that for temporary files.
    pub(crate) fn inside(parent: &Path) -> Self {
        for number in 0.. {
            let path = parent.join(format!("sallyport-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
                Err(cause) => panic!("{}: {cause}", path.display()),
            }
        }
        unreachable!("numbers have no end")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    /// Writes a file, of mode 0600 or 0700.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The key of this name; a new one the first time.
    pub(crate) fn key_once(&self, name: &str, kind: KeyKind) -> Key {
        let path = self.path(name);
        if path.exists() { Key { path, kind } } else { self.key(name, kind) }
    }

    /// A new private key without passphrase; its public half is beside it.
    pub(crate) fn key(&self, name: &str, kind: KeyKind) -> Key {
        let path = self.path(name);
        let (family, bits) = kind.arguments();
        loop {
            keygen(|command| command.args(["-t", family, "-b", bits, "-N", "", "-C", name, "-f"]).arg(&path));
            // About one ECDSA key in a hundred (its private number starts with zeros) is one that russh cannot read.
            if kind == KeyKind::Rsa || russh::keys::load_secret_key(&path, None).is_ok() {
                return Key { path, kind };
            }
            fs::remove_file(&path).expect("a key of ours");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What ssh-keygen can make without an authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Ed25519,
    Ecdsa256,
    Ecdsa384,
    Ecdsa521,
    Rsa,
}

impl KeyKind {
    pub(crate) const ALL: [Self; 5] = [Self::Ed25519, Self::Ecdsa256, Self::Ecdsa384, Self::Ecdsa521, Self::Rsa];

    /// The type and the bits for ssh-keygen.
    fn arguments(self) -> (&'static str, &'static str) {
        match self {
            Self::Ed25519 => ("ed25519", "256"),
            Self::Ecdsa256 => ("ecdsa", "256"),
            Self::Ecdsa384 => ("ecdsa", "384"),
            Self::Ecdsa521 => ("ecdsa", "521"),
            Self::Rsa => ("rsa", "2048"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::Ecdsa256 => "ecdsa-sha2-nistp256",
            Self::Ecdsa384 => "ecdsa-sha2-nistp384",
            Self::Ecdsa521 => "ecdsa-sha2-nistp521",
            Self::Rsa => "ssh-rsa",
        }
    }
}

/// A private key in a file, with its public half in `.pub`.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) path: PathBuf,
    pub(crate) kind: KeyKind,
}

impl Key {
    pub(crate) fn public_path(&self) -> PathBuf {
        beside(&self.path, ".pub")
    }

    /// Where [`Self::certify`] puts the certificate, and where OpenSSH looks for it.
    pub(crate) fn certificate_path(&self) -> PathBuf {
        beside(&self.path, "-cert.pub")
    }

    pub(crate) fn public_line(&self) -> String {
        read(&self.public_path())
    }

    /// Type and base64.
    pub(crate) fn line(&self) -> String {
        self.public_line().split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_openssh(&self.public_line()).unwrap()
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_openssh(&read(&self.certificate_path())).unwrap()
    }

    /// For our own roles, which sign with Ed25519 only.
    pub(crate) fn signing(&self) -> SigningKey {
        SigningKey::from_openssh(&read(&self.path)).unwrap()
    }

    /// Has `authority` certify this key: `arguments` as for `ssh-keygen -s`, such as `["-n", "alice", "-V", "-1m:+1h"]`.
    pub(crate) fn certify(&self, authority: &Key, arguments: &[&str]) {
        let _ = fs::remove_file(self.certificate_path());
        keygen(|command| {
            command.arg("-s").arg(&authority.path).args(["-I", "test"]).args(arguments).arg(self.public_path())
        });
    }
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn keygen(arguments: impl FnOnce(&mut Command) -> &mut Command) {
    let mut command = Command::new("ssh-keygen");
    arguments(command.arg("-q")).stdin(Stdio::null());
    let status = command.status().expect("ssh-keygen: run ./test, which brings it");
    assert!(status.success(), "{command:?}");
}
