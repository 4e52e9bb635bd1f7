//! A user that exists for the servers of one test only, so that nobody's home directory is touched.
//!
//! Owns: the name and its home. OpenSSH delivers signals only to ordinary users, and dropbear and tinysshd look for keys in the
//! home that the system says: a library between them and the system says it (libnss-wrapper). Must not know: the
//! servers.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use crate::place::{Place, read};

/// A user, and the files that tell of it.
pub(crate) struct Account {
    home: PathBuf,
    _safe: Option<Place>,
    passwd: PathBuf,
    group: PathBuf,
    library: PathBuf,
}

impl Account {
    /// The name of the user.
    pub(crate) const NAME: &'static str = "tester";
    /// As root, servers become this user; otherwise it is the one that runs the test.
    const ID: u32 = 54_321;

    pub(crate) fn new(place: &Place) -> Self {
        Self::at_home(place, place.path("home"), None)
    }

    /// A home in which nobody else may write on any level, as tinysshd demands it: not below `/tmp`.
    pub(crate) fn in_safe_place(place: &Place) -> Self {
        let parent = if is_root() { PathBuf::from("/run") } else { env::home_dir().unwrap() };
        let safe = Place::inside(&parent);
        Self::at_home(place, safe.path("home"), Some(safe))
    }

    fn at_home(place: &Place, home: PathBuf, safe: Option<Place>) -> Self {
        let me = fs::metadata("/proc/self").unwrap();
        let (user, group) = if is_root() { (Self::ID, Self::ID) } else { (me.uid(), me.gid()) };
        fs::create_dir_all(home.join(".ssh")).unwrap();
        for directory in [home.clone(), home.join(".ssh")] {
            chown(directory, Some(user), Some(group)).unwrap();
        }
        let line = format!("{}:x:{user}:{group}::{}:/bin/sh\n", Self::NAME, home.display());
        let passwd = place.write("passwd", read("/etc/passwd".as_ref()) + &line, 0o644);
        let line = format!("{}:x:{group}:\n", Self::NAME);
        // Without that of terminals, which only root could give them to where /dev/pts is mounted without it.
        let others = read("/etc/group".as_ref());
        let mut others: Vec<&str> = others.lines().filter(|line| !line.starts_with("tty:")).collect();
        others.push(&line);
        let group = place.write("group", others.join("\n"), 0o644);
        Self { home, _safe: safe, passwd, group, library: library() }
    }

    /// Lets these keys in.
    pub(crate) fn authorize(&self, lines: &[String]) {
        let path = self.home.join(".ssh/authorized_keys");
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let home = fs::metadata(&self.home).unwrap();
        chown(&path, Some(home.uid()), Some(home.gid())).unwrap();
    }

    /// Lets the commands of sshd believe in this user, as an option of sshd_config.
    pub(crate) fn shown_to_commands(&self) -> String {
        let [library, passwd, group] = [&self.library, &self.passwd, &self.group].map(|path| path.display());
        format!("SetEnv LD_PRELOAD={library} NSS_WRAPPER_PASSWD={passwd} NSS_WRAPPER_GROUP={group}")
    }

    /// Lets a program believe in this user.
    pub(crate) fn shown_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("NSS_WRAPPER_PASSWD", &self.passwd)
            .env("NSS_WRAPPER_GROUP", &self.group)
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn library() -> PathBuf {
    let name = "libnss_wrapper.so";
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let mut found = folders.map(|folder| folder.join(name)).chain([PathBuf::from("/usr/lib").join(name)]);
    found.find(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is not installed: run ./test, which brings it"))
}
