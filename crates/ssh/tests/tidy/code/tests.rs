//! Each rule about source against a text that breaks it and one that does not.

use super::{empty_names, engine_io, inline_tests, long_file, long_functions, missing_header, unsafe_code};
use crate::tree::File;

fn count(rule: impl Fn(&File) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&File::fixture(path, text)).len()
}

#[test]
fn a_file_without_header_is_found() {
    assert_eq!(count(missing_header, "a.rs", "use std::fmt;\n//! late"), 1);
    assert_eq!(count(missing_header, "a.rs", "//! What it owns.\n"), 0);
    assert_eq!(count(missing_header, "a.md", "prose"), 0);
}

#[test]
fn a_long_file_is_found_unless_listed() {
    let text = "//! x\n".repeat(501);
    assert_eq!(count(|file| long_file(file, &[]), "a.rs", &text), 1);
    assert_eq!(count(|file| long_file(file, &[("a.rs", "a reason")]), "a.rs", &text), 0);
    assert_eq!(count(|file| long_file(file, &[]), "a.rs", &"//! x\n".repeat(500)), 0);
}

#[test]
fn a_long_function_is_found_unless_listed() {
    let function = |lines: usize| format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2));
    assert_eq!(count(|file| long_functions(file, &[]), "a.rs", &function(71)), 1);
    assert_eq!(count(|file| long_functions(file, &[]), "a.rs", &function(70)), 0);
    let listed = [("a.rs", "long", "a reason")];
    assert_eq!(count(|file| long_functions(file, &listed), "a.rs", &function(71)), 0);
    assert_eq!(count(|file| long_functions(file, &listed), "b.rs", &function(71)), 1);
}

#[test]
fn empty_names_are_found() {
    for text in [
        "fn get_window() {}",
        "struct SessionManager;",
        "enum KeyHelper {}",
        "trait ChannelService {}",
        "struct PacketV2 {}",
        "type StateV10 = u8;",
        "mod utils;",
        "mod types {}",
    ] {
        assert_eq!(count(empty_names, "a.rs", text), 1, "{text}");
    }
    assert_eq!(count(empty_names, "crates/ssh/src/common.rs", "//! x"), 1);
    assert_eq!(count(empty_names, "crates/ssh/src/utils/pad.rs", "//! x"), 1);
}

#[test]
fn good_names_pass() {
    for text in [
        "fn get(&self) {}",
        "fn target_window() { map.get_mut(&id); self.get_window(); }",
        "struct Managers; struct ServiceRequest; enum Ipv6 {}",
        "enum Step { Service, Helper }",
        "// struct SessionManager",
        "mod kind;",
    ] {
        assert_eq!(count(empty_names, "crates/ssh/src/kind.rs", text), 0, "{text}");
    }
}

#[test]
fn inline_tests_are_found() {
    assert_eq!(count(inline_tests, "crates/ssh/src/a.rs", "#[cfg(test)]\nmod tests { }"), 1);
    assert_eq!(count(inline_tests, "crates/ssh/src/a.rs", "#[cfg(test)]\nmod tests;"), 0);
    assert_eq!(count(inline_tests, "crates/ssh/tests/a.rs", "mod tests { }"), 0);
}

#[test]
fn unsafe_code_is_found() {
    assert_eq!(count(unsafe_code, "a.rs", "fn f() { unsafe { g() } }"), 1);
    assert_eq!(count(unsafe_code, "a.rs", "// unsafe\nlet s = \"unsafe\";"), 0);
    assert_eq!(count(unsafe_code, "crates/ssh/src/lib.rs", "//! x"), 1);
    assert_eq!(count(unsafe_code, "crates/ssh/src/lib.rs", "//! x\n// #![forbid(unsafe_code)]"), 1);
    assert_eq!(count(unsafe_code, "crates/ssh/src/lib.rs", "//! x\n#![forbid(unsafe_code)]"), 0);
}

#[test]
fn io_in_the_engine_is_found() {
    for text in [
        "use tokio::io::AsyncRead;",
        "let now = Instant::now();",
        "let now = std::time::SystemTime::now();",
        "use std::net::TcpStream;",
        "use std::{collections::VecDeque, fs};",
        "std::thread::spawn(f);",
        "std::env::var(name)",
    ] {
        assert_eq!(count(engine_io, "crates/ssh/src/channel/window.rs", text), 1, "{text}");
        assert_eq!(count(engine_io, "crates/ssh/src/driver/relay.rs", text), 0, "{text}");
        assert_eq!(count(engine_io, "crates/ssh/src/driver.rs", text), 0, "{text}");
        assert_eq!(count(engine_io, "crates/ssh/src/drivers.rs", text), 1, "{text}");
    }
}

#[test]
fn values_without_io_pass_in_the_engine() {
    for text in [
        "use core::net::IpAddr;",
        "use std::time::{Duration, Instant}; fn step(now: Instant) {}",
        "#[cfg(feature = \"tokio\")] pub mod driver;",
        "/// The driver hands tokio's bytes in.",
        "use std::{fmt, collections::{fs, net}};",
    ] {
        assert_eq!(count(engine_io, "crates/ssh/src/lib.rs", text), 0, "{text}");
    }
}
