//! An evaluation in words that people read.
//!
//! Owns: the sentences. Invariants: it says which rule decided and on which line; a rule that would have been easier is named
//! with what stands in its way; rules about other people are not shown, since who may do what is nobody else's business. Must not
//! know: where it is printed.

use std::fmt;

use super::{Considered, Evaluation, Obstacle};
use crate::rule::{Approval, Rule};

/// An evaluation in words: a line for the answer, and a line for each rule that would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Yes, no, or whose yes it takes, and by which rule.
    pub answer: String,
    /// What would be easier, or would be possible.
    pub instead: Vec<String>,
}

impl Evaluation<'_> {
    /// In words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let (answer, effort) = match &self.outcome {
            Ok(path) => (format!("{}   {}", path.rule.approval, describe(path.rule)), path.rule.approval.people()),
            Err(objection) => (format!("no: {objection}"), u32::MAX),
        };
        let helps = |considered: &&Considered<'_>| considered.rule.approval.people() < effort;
        let instead = self.considered.iter().filter(helps).filter_map(advice).collect();
        Explanation { answer, instead }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.answer)?;
        self.instead.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

/// What would make a rule fit, if the requester can do something about it.
fn advice(considered: &Considered<'_>) -> Option<String> {
    let mut changes = Vec::new();
    for obstacle in &considered.obstacles {
        match obstacle {
            Obstacle::Who | Obstacle::Target => return None,
            Obstacle::TooLong(limit) => changes.push(format!("for {limit} or less")),
            Obstacle::Justification(missing) => changes.push(format!("if you say why ({missing})")),
            Obstacle::Approvers { there, .. } => {
                changes.push(format!("if more than {there} people could answer"));
            }
        }
    }
    if changes.is_empty() {
        return None;
    }
    let would = match &considered.rule.approval {
        Approval::Auto => "would be automatic".to_owned(),
        stages @ Approval::Stages(_) => stages.to_string().replacen("needs", "would need", 1),
    };
    Some(format!("{would} {}   {}", changes.join(" and "), describe(considered.rule)))
}

fn describe(rule: &Rule) -> String {
    let who: Vec<String> = rule.who.iter().map(|who| who.to_string().replacen(':', " ", 1)).collect();
    format!("rule {} ({}): {}, {}", rule.name, rule.place, who.join(" or "), rule.targets)
}
