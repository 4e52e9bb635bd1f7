//! Each rule about manifests and documentation against a text that breaks it and one that does not.

use super::{broken_links, dependency_edges, foreign_paths, headings, lock_sources, resolve, unlisted_decision};
use crate::tree::File;

fn edges(path: &str, text: &str) -> usize {
    dependency_edges(&File::fixture(path, text)).len()
}

#[test]
fn a_forbidden_edge_is_found() {
    let manifest = "crates/ssh/Cargo.toml";
    assert_eq!(edges(manifest, "[dependencies]\nsallyport-core.workspace = true"), 1);
    assert_eq!(edges(manifest, "[dependencies.sallyport-wire]\nworkspace = true"), 1);
    assert_eq!(edges(manifest, "[target.'cfg(unix)'.dev-dependencies]\nx = { package = \"sallyport-core\" }"), 1);
    assert_eq!(edges(manifest, "[dependencies]\nother = { path = \"../other\" }"), 1);
    assert_eq!(edges("crates/proxy/Cargo.toml", "[dependencies]\nsallyport.workspace = true"), 1);
    assert_eq!(edges("crates/store/Cargo.toml", ""), 1);
}

#[test]
fn an_allowed_edge_passes() {
    let package = "[package]\nname = \"sallyport-ssh\"\n[[example]]\nname = \"gateway\"\npath = \"examples/g.rs\"\n";
    assert_eq!(edges("crates/ssh/Cargo.toml", package), 0);
    assert_eq!(edges("crates/ssh/Cargo.toml", "[dependencies]\nzeroize.workspace = true # not sallyport-core"), 0);
    assert_eq!(edges("crates/proxy/Cargo.toml", "[dependencies]\nsallyport-core.workspace = true"), 0);
    assert_eq!(edges("crates/ssh/fuzz/Cargo.toml", "[dependencies]\nsallyport-ssh = { path = \"..\" }"), 0);
    assert_eq!(edges("Cargo.toml", "[workspace.dependencies]\nsallyport-ssh = { path = \"crates/ssh\" }"), 0);
}

#[test]
fn a_foreign_source_is_found() {
    let lock = |source: &str| File::fixture("Cargo.lock", &format!("name = \"x\"\nsource = \"{source}\"\n"));
    assert_eq!(lock_sources(&lock("git+https://github.com/x/y#1")).len(), 1);
    assert_eq!(lock_sources(&lock("registry+https://mirror.example/index")).len(), 1);
    assert_eq!(lock_sources(&lock("registry+https://github.com/rust-lang/crates.io-index")).len(), 0);
}

#[test]
fn a_broken_link_is_found() {
    let files =
        [File::fixture("README.md", "# One\n"), File::fixture("docs/adr/README.md", "## The `second` part, here\n")];
    let broken = |text: &str| broken_links(&File::fixture("docs/a.md", text), &files).len();
    assert_eq!(broken("[x](gone.md)"), 1);
    assert_eq!(broken("[x](../../README.md)"), 1);
    assert_eq!(broken("[x](../README.md#two)"), 1);
    assert_eq!(broken("[x]: gone.md"), 1);
    assert_eq!(broken("[x](../README.md) and [y](gone.md)"), 1);
    assert_eq!(broken("[x](../README.md#one) [y](adr) [z](adr/README.md#the-second-part-here)"), 0);
    assert_eq!(broken("`[x](gone.md)`\n```\n[x](gone.md)\n```\n[x](https://example.com/gone.md)"), 0);
}

#[test]
fn links_are_resolved_from_their_file() {
    assert_eq!(resolve("docs/adr/a.md", "../../x/./y.rs").as_deref(), Some("x/y.rs"));
    assert_eq!(resolve("a.md", "../y.rs"), None);
}

#[test]
fn headings_become_anchors() {
    assert_eq!(headings("# Where do I change…\ntext\n## A `b-c` (d)"), ["where-do-i-change", "a-b-c-d"]);
}

#[test]
fn an_unlisted_decision_is_found() {
    let list = [File::fixture("docs/adr/README.md", "| [0001](0001-a.md) | A |")];
    assert_eq!(unlisted_decision(&File::fixture("docs/adr/0002-b.md", ""), &list).len(), 1);
    assert_eq!(unlisted_decision(&File::fixture("docs/adr/0001-a.md", ""), &list).len(), 0);
    assert_eq!(unlisted_decision(&File::fixture("docs/adr/0001-a.md", ""), &[]).len(), 1);
}

#[test]
fn a_path_of_one_machine_is_found() {
    let text = format!("cp x {}main\nsee {}/design", ["/wor", "k/"].concat(), ["../sha", "red"].concat());
    assert_eq!(foreign_paths(&File::fixture("test", &text)).len(), 2);
    assert_eq!(foreign_paths(&File::fixture("test", "framework/x work/ shared/")).len(), 0);
}
