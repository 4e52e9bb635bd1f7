//! The domain has no IO, no clock and no randomness: nothing in its source names a way to any.
//!
//! Owns: the list of what may not be named. Its tests may read goldens, and are left out.
#![allow(clippy::expect_used, reason = "a source that cannot be read is a failure")]

use std::path::{Path, PathBuf};

/// What may not stand in the source, and what to do instead.
const BANNED: &[(&str, &str)] = &[
    ("std::env", "take the value as an argument"),
    ("std::fs", "take the bytes as an argument"),
    ("std::io", "take the bytes as an argument"),
    ("std::net", "for an address as a value there is `core::net::IpAddr`"),
    ("std::process", "answer with a refusal or an effect"),
    ("std::thread", "answer with an effect"),
    ("Instant", "take a `Now`"),
    ("SystemTime", "take a `Now`"),
    ("tokio", "answer with an effect"),
    ("rand::", "take the bytes as an argument"),
    ("getrandom", "take the bytes as an argument"),
    ("RandomState", "use a `BTreeMap`: its order is the same in every run"),
    ("HashMap", "use a `BTreeMap`: its order is the same in every run"),
    ("HashSet", "use a `BTreeSet`: its order is the same in every run"),
];

#[test]
fn the_domain_is_pure() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 30, "found only {} files", files.len());
    let violations: Vec<String> = files.iter().flat_map(|file| violations(file)).collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the source is there") {
        let path = entry.expect("the folder can be read").path();
        let tested = ["tests", "tests.rs", "fixture.rs", "history", "history.rs"];
        if path.file_name().is_some_and(|name| tested.iter().any(|tested| name == *tested)) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn violations(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("source is text");
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for (banned, instead) in BANNED.iter().filter(|(banned, _)| code.contains(banned)) {
            found.push(format!("{}:{number}: `{banned}`: {instead}", file.display()));
        }
    }
    found
}
