//! Rules about everything that is not Rust source: manifests, the lock file, documentation, and what any file may mention.

use crate::tree::File;

/// Which of our crates each of our crates may depend on.
const EDGES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("ssh", &[]),
    ("wire", &[]),
    ("proxy", &["sallyport-core", "sallyport-ssh", "sallyport-wire"]),
    ("sallyport", &["sallyport-core", "sallyport-proxy"]),
];

const REGISTRY: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// A crate depends on those of ours that the map in `ARCHITECTURE.md` allows, and on no directory beside the workspace.
pub(crate) fn dependency_edges(file: &File) -> Vec<String> {
    let parts: Vec<&str> = file.path.split('/').collect();
    let (name, fuzz) = match parts.as_slice() {
        ["crates", name, "Cargo.toml"] => (*name, false),
        ["crates", name, "fuzz", "Cargo.toml"] => (*name, true),
        _ => return Vec::new(),
    };
    let parent = format!("sallyport-{name}");
    let allowed: Vec<&str> = match EDGES.iter().find(|(known, _)| *known == name) {
        Some(_) if fuzz => vec![&parent],
        Some((_, edges)) => edges.to_vec(),
        None => {
            return vec![format!(
                "{}: a new crate needs a decision record, a row in ARCHITECTURE.md and in EDGES",
                file.path
            )];
        }
    };
    let mut found = Vec::new();
    for (number, section, line) in dependency_lines(&file.text) {
        let place = format!("{}:{number}", file.path);
        for ours in our_crates(&section).into_iter().chain(our_crates(line)) {
            if !allowed.contains(&ours) {
                found.push(format!(
                    "{place}: {name} must not know {ours}; pass values or a trait in from above instead"
                ));
            }
        }
        let path = line.split_once("path").is_some_and(|(_, rest)| rest.trim_start().starts_with('='));
        if path && !fuzz {
            found
                .push(format!("{place}: put the path into [workspace.dependencies] and write `workspace = true` here"));
        }
    }
    found
}

/// Every package of a lock file comes from the public registry.
pub(crate) fn lock_sources(file: &File) -> Vec<String> {
    if !file.path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let foreign = |(_, line): &(usize, &str)| line.starts_with("source = ") && *line != REGISTRY;
    let numbered = file.text.lines().enumerate().filter(foreign);
    numbered.map(|(at, line)| format!("{}:{}: {line}: depend on a published version", file.path, at + 1)).collect()
}

/// Relative links in documentation lead to a file that exists, and to a heading that it has.
pub(crate) fn broken_links(file: &File, files: &[File]) -> Vec<String> {
    if !is_markdown(&file.path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, target) in links(&file.text) {
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let resolved = if path.is_empty() { Some(file.path.clone()) } else { resolve(&file.path, path) };
        let Some(resolved) = resolved.filter(|path| exists(path, files)) else {
            found.push(format!("{}:{number}: nothing is at `{target}`; correct or drop the link", file.path));
            continue;
        };
        let destination = files.iter().find(|other| other.path == resolved);
        let lacks = |other: &File| is_markdown(&other.path) && !headings(&other.text).contains(&heading.to_owned());
        if !heading.is_empty() && destination.is_some_and(lacks) {
            found.push(format!("{}:{number}: {resolved} has no heading `#{heading}`", file.path));
        }
    }
    found
}

/// Every decision record is in the list that people read.
pub(crate) fn unlisted_decision(file: &File, files: &[File]) -> Vec<String> {
    let Some(name) = file.path.strip_prefix("docs/adr/").filter(|name| *name != "README.md") else {
        return Vec::new();
    };
    let list = files.iter().find(|other| other.path == "docs/adr/README.md");
    if list.is_some_and(|list| list.text.contains(&format!("({name})"))) {
        return Vec::new();
    }
    vec![format!("{}: add a row to docs/adr/README.md", file.path)]
}

/// Nothing depends on where it was written.
pub(crate) fn foreign_paths(file: &File) -> Vec<String> {
    // In pieces, so that this file passes.
    let patterns = [["/wor", "k/"].concat(), ["/far", "m/"].concat(), ["../sha", "red"].concat()];
    let mut found = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for pattern in patterns.iter().filter(|pattern| line.contains(pattern.as_str())) {
            let number = at + 1;
            found.push(format!(
                "{}:{number}: `{pattern}` exists on one machine; use a path inside the clone",
                file.path
            ));
        }
    }
    found
}

/// Line number, section and text of the lines of a manifest that declare dependencies.
fn dependency_lines(manifest: &str) -> Vec<(usize, String, &str)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with('[') {
            line.trim_matches(['[', ']']).clone_into(&mut section);
        } else if section.contains("dependencies") && !line.is_empty() {
            found.push((at + 1, section.clone(), line));
        }
    }
    found
}

/// The crates of ours that a text names.
fn our_crates(text: &str) -> Vec<&str> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    text.split(word).filter(|name| *name == "sallyport" || name.starts_with("sallyport-")).collect()
}

fn is_markdown(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "md")
}

/// Line number and target of each link that stays inside the repository. What is in a fence or in backticks is code.
fn links(markdown: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let inline =
            line.match_indices("](").filter(|(start, _)| !in_backticks(line, *start)).filter_map(|(start, _)| {
                let rest = line.get(start + 2..)?;
                rest.split([')', ' ']).next()
            });
        let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
        let outside = |target: &&str| target.contains("://") || target.starts_with("mailto:");
        found.extend(inline.chain(reference).filter(|target| !outside(target)).map(|target| (at + 1, target)));
    }
    found
}

fn in_backticks(line: &str, position: usize) -> bool {
    line.get(..position).is_some_and(|before| before.matches('`').count() % 2 == 1)
}

/// Where a relative link leads, or `None` where it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn exists(path: &str, files: &[File]) -> bool {
    let below = format!("{path}/");
    files.iter().any(|file| file.path == path || file.path.starts_with(&below))
}

/// The anchors of a document's headings, formed as code forges form them.
fn headings(markdown: &str) -> Vec<String> {
    let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase();
    let anchor = |text: String| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    markdown.lines().filter(|line| line.starts_with('#')).map(heading).map(anchor).collect()
}

#[cfg(test)]
mod tests;
