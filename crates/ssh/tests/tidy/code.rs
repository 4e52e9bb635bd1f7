//! Rules about Rust source. Each takes one file and returns its violations, ready to print.

use crate::token::{functions, lines_with, std_modules, tokens};
use crate::tree::File;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Module names that say nothing about what is inside.
const EMPTY_MODULES: &[&str] = &["common", "helper", "helpers", "misc", "types", "util", "utils"];

/// What the engine may not name under `std`, and what to do instead.
const ENGINE_STD: &[(&str, &str)] = &[
    ("env", "take the value as an argument"),
    ("fs", "take the bytes as an argument"),
    ("net", "sockets belong to the driver; for an address as a value, use `core::net::IpAddr`"),
    ("os", "what depends on the system belongs to the driver"),
    ("process", "end with an error, or tell the user of the engine by an event"),
    ("thread", "hand the work out as an event, or do it in the step"),
];

/// Every file opens with what it owns, its invariants, and what it must not know.
pub(crate) fn missing_header(file: &File) -> Vec<String> {
    if !file.is_rust() || file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!("{}:1: begin with `//!`: what the file owns, its invariants, what it must not know", file.path)]
}

pub(crate) fn long_file(file: &File, exceptions: &[(&str, &str)]) -> Vec<String> {
    let lines = file.text.lines().count();
    let excepted = exceptions.iter().any(|(path, _)| *path == file.path);
    if !file.is_rust() || lines <= FILE_LINES_MAX || excepted {
        return Vec::new();
    }
    vec![format!(
        "{}: {lines} lines; split it where a part has a name of its own, or list it in LONG_FILES with the reason",
        file.path
    )]
}

pub(crate) fn long_functions(file: &File, exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let excepted = |name: &str| exceptions.iter().any(|(path, function, _)| *path == file.path && *function == name);
    functions(&tokens(&file.text))
        .into_iter()
        .filter(|function| function.lines > FUNCTION_LINES_MAX && !excepted(&function.name))
        .map(|function| {
            let (line, name, lines) = (function.line, function.name, function.lines);
            format!("{}:{line}: `{name}` has {lines} lines; give its steps names, as functions below it", file.path)
        })
        .collect()
}

/// Names that are banned because they say nothing.
pub(crate) fn empty_names(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let module_of_path = |part: &&str| EMPTY_MODULES.contains(&part.trim_end_matches(".rs"));
    if let Some(part) = file.path.split('/').find(module_of_path) {
        found.push(format!("{}: `{part}` says nothing; name it after the one thing it owns", file.path));
    }
    for pair in tokens(&file.text).windows(2) {
        if let [keyword, name] = pair
            && let Some(instead) = empty_name(&keyword.text, &name.text)
        {
            found.push(format!("{}:{}: `{} {}`: {instead}", file.path, name.line, keyword.text, name.text));
        }
    }
    found
}

/// Unit tests live in `foo/tests.rs`, so that a file shows the code that it is about.
pub(crate) fn inline_tests(file: &File) -> Vec<String> {
    let in_src = file.path.split('/').any(|part| part == "src");
    if !file.is_rust() || !in_src {
        return Vec::new();
    }
    let stem = file.path.trim_end_matches(".rs");
    lines_with(&tokens(&file.text), &["mod", "tests", "{"])
        .into_iter()
        .map(|line| format!("{}:{line}: move these into {stem}/tests.rs, with `mod tests;` here", file.path))
        .collect()
}

/// No `unsafe`, and every crate says so itself.
pub(crate) fn unsafe_code(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let tokens = tokens(&file.text);
    let mut found: Vec<String> = lines_with(&tokens, &["unsafe"])
        .into_iter()
        .map(|line| {
            format!("{}:{line}: unsafe code; use a kept crate that has it inside, or another design", file.path)
        })
        .collect();
    let is_root = file.path.ends_with("/src/lib.rs") || file.path.ends_with("/src/main.rs");
    if is_root && lines_with(&tokens, &["forbid", "(", "unsafe_code", ")"]).is_empty() {
        found.push(format!("{}: say `#![forbid(unsafe_code)]`", file.path));
    }
    found
}

/// The SSH engine, which is everything beside its driver, has no IO and no clock.
pub(crate) fn engine_io(file: &File) -> Vec<String> {
    let engine = file.path.strip_prefix("crates/ssh/src/").is_some_and(|module| {
        let first = module.split(['/', '.']).next();
        first != Some("driver")
    });
    if !file.is_rust() || !engine {
        return Vec::new();
    }
    let tokens = tokens(&file.text);
    let mut found = Vec::new();
    let mut add = |line: usize, what: &str, instead: &str| {
        found.push(format!("{}:{line}: the engine must not know `{what}`: {instead}", file.path));
    };
    for line in lines_with(&tokens, &["tokio"]) {
        add(line, "tokio", "move it to the driver, crates/ssh/src/driver");
    }
    for clock in ["Instant", "SystemTime"] {
        for line in lines_with(&tokens, &[clock, "::", "now"]) {
            add(line, &format!("{clock}::now"), "take the time as an argument");
        }
    }
    for (module, line) in std_modules(&tokens) {
        // A test may compare what the engine does with a page of the documentation.
        if GOLDEN_STD.contains(&module.as_str()) && file.path.contains("/tests/") {
            continue;
        }
        if let Some((_, instead)) = ENGINE_STD.iter().find(|(banned, _)| *banned == module) {
            add(line, &format!("std::{module}"), instead);
        }
    }
    found
}

/// What tests need in order to read and write golden files.
const GOLDEN_STD: [&str; 2] = ["env", "fs"];

/// What to do instead, if the name that this keyword introduces is banned.
fn empty_name(keyword: &str, name: &str) -> Option<&'static str> {
    match keyword {
        "fn" if name.starts_with("get_") => Some("name what it returns: `window()`"),
        "mod" if EMPTY_MODULES.contains(&name) => Some("name it after the one thing it owns"),
        "struct" | "enum" | "trait" | "type" | "union" => empty_type_name(name),
        _ => None,
    }
}

fn empty_type_name(name: &str) -> Option<&'static str> {
    let versioned = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if versioned.len() < name.len() && versioned.ends_with('V') {
        return Some("replace the old one, or say what is different about the new");
    }
    let empty = ["Manager", "Helper", "Service"].iter().any(|suffix| name.ends_with(suffix));
    empty.then_some("name it after what it is: a table, a queue, a gate, an issuer")
}

#[cfg(test)]
mod tests;
