//! Replays the corpora of `fuzz/` through the functions that the fuzz targets call, so that they stay true without a fuzzer.
//!
//! A failing input that was ever found stays in its corpus as `regression-…`, so this is also where it would fail again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test may panic: that is how it fails")]

#[path = "../../fuzz/body/lib.rs"]
mod body;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Corpora are read by people who review them: few files, and small.
const FILES_MAX: usize = 100;
const BYTES_MAX: u64 = 200 * 1024;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn files(target: &str) -> Vec<PathBuf> {
    let folder = corpora().join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_input_of_the_corpora_holds() {
    let mut failed = Vec::new();
    for (name, run) in body::TARGETS {
        for file in files(name) {
            let bytes = fs::read(&file).unwrap();
            // The message of a panic is on standard error already; here it is only said which input it was.
            if catch_unwind(|| run(&bytes)).is_err() {
                failed.push(file.display().to_string());
            }
        }
    }
    assert!(failed.is_empty(), "these inputs fail:\n{}", failed.join("\n"));
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let mut bytes = 0;
    for (name, _) in body::TARGETS {
        let files = files(name);
        assert!((1..=FILES_MAX).contains(&files.len()), "{name} has {} files", files.len());
        bytes += files.iter().map(|file| fs::metadata(file).unwrap().len()).sum::<u64>();
    }
    assert!(bytes <= BYTES_MAX, "the corpora have {bytes} bytes: minimise them with `cargo fuzz cmin`");
    for entry in fs::read_dir(corpora()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(body::TARGETS.iter().any(|(target, _)| name == *target), "nothing runs the corpus {name:?}");
    }
}

/// The way around the key exchange stays out of everything but the targets and these tests.
#[test]
fn nothing_enables_the_feature_fuzzing() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = fs::read_dir(ours.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let manifests = crates.map(|folder| folder.join("Cargo.toml")).chain([ours.join("../../Cargo.toml")]);
    for manifest in manifests.filter(|manifest| manifest.exists()) {
        let text = fs::read_to_string(&manifest).unwrap();
        let enables = |line: &&str| line.contains("\"fuzzing\"") && !line.starts_with("required-features");
        assert_eq!(text.lines().find(enables), None, "{}", manifest.display());
    }
}
