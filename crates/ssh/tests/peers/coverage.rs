//! The table of what was tried with a peer, and of what the peer does not know.
//!
//! Owns: counting. Invariant: a combination is either tried or listed with the peer's own word for why not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::knowledge::Knowledge;

/// What became of the combinations with one peer.
pub(crate) struct Coverage {
    title: String,
    tried: BTreeMap<String, Vec<String>>,
    unknown: BTreeMap<String, Vec<String>>,
}

impl Coverage {
    pub(crate) fn new(role: &str, peer: &str, version: &str) -> Self {
        Self { title: format!("{role} {peer} ({version})"), tried: BTreeMap::new(), unknown: BTreeMap::new() }
    }

    pub(crate) fn of(role: &str, peer: &str, knowledge: &Knowledge) -> Self {
        Self::new(role, peer, &knowledge.version)
    }

    /// `what` of a row was tried, and worked.
    pub(crate) fn tried(&mut self, row: &str, what: &str) {
        self.tried.entry(row.to_owned()).or_default().push(what.to_owned());
    }

    /// The peer said that it does not know it.
    pub(crate) fn unknown(&mut self, row: &str, what: &str) {
        self.unknown.entry(row.to_owned()).or_default().push(what.to_owned());
    }

    /// Shows the table; wants at least so many combinations, so that a peer which suddenly knows nothing is noticed.
    #[track_caller]
    pub(crate) fn report(self, tried_min: usize) {
        let mut text = format!("== {}\n", self.title);
        for (mark, rows) in [("   tried", &self.tried), ("   not known to the peer", &self.unknown)] {
            for (row, list) in rows {
                let _ = writeln!(text, "{mark}: {row}: {}", list.join(", "));
            }
        }
        let tried: usize = self.tried.values().map(Vec::len).sum();
        let _ = writeln!(text, "   {tried} combinations");
        print!("{text}");
        assert!(tried >= tried_min, "only {tried} of {tried_min} combinations:\n{text}");
    }
}
