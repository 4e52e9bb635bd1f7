//! The rules of `ARCHITECTURE.md` and `CONTRIBUTING.md` that a machine can check, run over every file of the workspace.
//!
//! Each rule is a function from one file to its violations, and each violation says what to do instead. Each rule has a
//! test that holds it against a text that breaks it, so that a rule which finds nothing is known to look.
//!
//! It must not know what the code does. It lives in this crate because there is no binary yet; when `crates/sallyport`
//! exists, it moves there unchanged.

mod code;
mod prose;
mod token;
mod tree;

use tree::File;

/// Files that may be longer than 500 lines, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that may be longer than 70 lines: file, name, reason.
const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

#[test]
fn every_rust_file_says_what_it_owns() {
    report("//! on every file", code::missing_header);
}

#[test]
fn files_are_short() {
    report("files of at most 500 lines", |file| code::long_file(file, LONG_FILES));
}

#[test]
fn functions_are_short() {
    report("functions of at most 70 lines", |file| code::long_functions(file, LONG_FUNCTIONS));
}

#[test]
fn exceptions_are_still_needed() {
    let files = tree::files();
    let mut stale = Vec::new();
    for (path, _) in LONG_FILES {
        if !files.iter().any(|file| file.path == *path && !code::long_file(file, &[]).is_empty()) {
            stale.push(format!("LONG_FILES: {path} is gone or short enough by now; take it off the list"));
        }
    }
    for (path, name, _) in LONG_FUNCTIONS {
        let long = |file: &&File| file.path == *path;
        let found = files.iter().filter(long).flat_map(|file| code::long_functions(file, &[]));
        if !found.into_iter().any(|violation| violation.contains(&format!("`{name}`"))) {
            stale.push(format!("LONG_FUNCTIONS: `{name}` in {path} is gone or short enough by now"));
        }
    }
    assert!(stale.is_empty(), "\n{}", stale.join("\n"));
}

#[test]
fn names_say_something() {
    report("names", code::empty_names);
}

#[test]
fn unit_tests_have_files_of_their_own() {
    report("tests in foo/tests.rs", code::inline_tests);
}

#[test]
fn nothing_is_unsafe() {
    report("no unsafe code", code::unsafe_code);
}

#[test]
fn the_engine_has_no_io_and_no_clock() {
    report("the engine is sans-IO", code::engine_io);
}

#[test]
fn crates_depend_only_where_they_may() {
    report("dependency edges", prose::dependency_edges);
}

#[test]
fn locked_packages_come_from_the_public_registry() {
    report("sources in Cargo.lock", prose::lock_sources);
}

#[test]
fn links_lead_somewhere() {
    let files = tree::files();
    report("relative links", |file| prose::broken_links(file, &files));
}

#[test]
fn decisions_are_listed() {
    let files = tree::files();
    report("decision records", |file| prose::unlisted_decision(file, &files));
}

#[test]
fn nothing_names_the_place_where_it_was_written() {
    report("machine-specific paths", prose::foreign_paths);
}

/// Fails with every violation of one rule, over all files.
fn report(rule: &str, check: impl Fn(&File) -> Vec<String>) {
    let files = tree::files();
    assert!(files.len() > 10, "found only {} files: tidy is not looking at the workspace", files.len());
    let violations: Vec<String> = files.iter().flat_map(check).collect();
    assert!(violations.is_empty(), "{rule}, {} times:\n{}", violations.len(), violations.join("\n"));
}
