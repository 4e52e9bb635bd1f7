//! The files that the rules look at: what git tracks, and what it would offer to track. Ignored files are nobody's business.

#![allow(clippy::expect_used, reason = "without the list of files there is nothing to check")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// One file of the workspace.
pub(crate) struct File {
    /// Relative to the root, with `/` between the parts.
    pub(crate) path: String,
    /// What is not UTF-8 is replaced, so that binary files can be searched too.
    pub(crate) text: String,
}

impl File {
    /// A file that exists only in a test of a rule.
    #[cfg(test)]
    pub(crate) fn fixture(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// Every file of the workspace, in the order of git.
pub(crate) fn files() -> Vec<File> {
    let root = workspace_root();
    let output = Command::new("git")
        // A clone may belong to another user than the one that runs its tests.
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("git is needed to tell which files belong to the workspace");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("file names are UTF-8");
    listed
        .split_terminator('\0')
        // A file that was deleted but not yet committed is listed and cannot be read.
        .filter_map(|path| Some((path, std::fs::read(root.join(path)).ok()?)))
        .map(|(path, bytes)| File { path: path.to_owned(), text: String::from_utf8_lossy(&bytes).into_owned() })
        .collect()
}

fn workspace_root() -> PathBuf {
    let is_root = |dir: &&Path| {
        std::fs::read_to_string(dir.join("Cargo.toml")).is_ok_and(|text| text.lines().any(|line| line == "[workspace]"))
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().find(is_root).expect("this crate belongs to a workspace").to_owned()
}
