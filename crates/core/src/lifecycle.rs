//! What all aggregates have in common: a table of transitions, and replaying.
//!
//! Owns: the shape of a table and the error of a history that does not follow one. Invariant: what a table does not list does not
//! happen. Must not know: any aggregate. The tables themselves stand above the code of each; one test holds every table against
//! `evolve` and prints them all as `docs/reference/lifecycle.md`, and the store repeats them as a constraint.

use std::fmt;

use thiserror::Error;

/// One line of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition<P> {
    /// The phase before; `None` before the first event.
    pub from: Option<P>,
    /// The event.
    pub event: &'static str,
    /// The phase after.
    pub to: P,
}

/// A line of a table: `row(Some(before), event, after)`.
#[must_use]
pub const fn row<P>(from: Option<P>, event: &'static str, to: P) -> Transition<P> {
    Transition { from, event, to }
}

/// A history that cannot have happened: the store is damaged, or older than a change that it was not migrated for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("event `{event}` cannot follow when the {aggregate} is {phase}")]
pub struct ReplayError {
    /// What it is the history of.
    pub aggregate: &'static str,
    /// The phase before.
    pub phase: &'static str,
    /// The event that cannot follow.
    pub event: &'static str,
}

impl ReplayError {
    /// For an aggregate in this phase, or one that has not begun.
    pub(crate) fn new<P: Phase>(aggregate: &'static str, phase: Option<P>, event: &'static str) -> Self {
        Self { aggregate, phase: phase.map_or("not there yet", Phase::name), event }
    }
}

/// The name of a state, without what it owns.
pub trait Phase: Copy + Eq + fmt::Debug + 'static {
    /// Every phase, in the order of a life.
    const ALL: &'static [Self];

    /// As events, screens and the store write it.
    fn name(self) -> &'static str;

    /// Whether nothing follows.
    fn is_final(self) -> bool;
}

/// Declares the phases of an aggregate; those after the semicolon are final.
macro_rules! phases {
    ($(#[$doc:meta])* $name:ident { $($open:ident = $open_text:literal,)+; $($last:ident = $last_text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("It is ", $open_text, ".")] $open,)+
            $(#[doc = concat!("It is ", $last_text, ", for good.")] $last,)+
        }

        impl $crate::lifecycle::Phase for $name {
            const ALL: &'static [Self] = &[$(Self::$open,)+ $(Self::$last,)+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$open => $open_text,)+
                    $(Self::$last => $last_text,)+
                }
            }

            fn is_final(self) -> bool {
                match self {
                    $(Self::$open => false,)+
                    $(Self::$last => true,)+
                }
            }
        }
    };
}
pub(crate) use phases;

#[cfg(test)]
mod tests;
