//! Holds every table against the code, and prints them all as the reference that people read.

use std::fmt::Write as _;

use super::*;
use crate::{grant, lease, request, review, run, session};

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/lifecycle.md");

const HEAD: &str = "# Lifecycles

Generated from the tables above the code by `cargo test -p sallyport-core lifecycle`; `SALLYPORT_BLESS=1` rewrites it. A table lists
every transition that there is: what is not listed does not happen. Final states are in bold.
";

/// Everything that the check of one aggregate needs.
struct Aggregate<'a, P, S, E> {
    name: &'static str,
    table: &'a [Transition<P>],
    events: Vec<E>,
    event_name: fn(&E) -> &'static str,
    phase: fn(&S) -> P,
    evolve: fn(Option<S>, &E) -> Result<S, ReplayError>,
}

impl<P: Phase, S: Clone, E: Clone> Aggregate<'_, P, S, E> {
    /// Fails where table and code differ, for any phase and any event.
    fn hold(&self) {
        let states = self.states();
        for phase in P::ALL {
            assert!(
                states.iter().any(|state| (self.phase)(state) == *phase),
                "{}: {phase:?} is never reached",
                self.name
            );
        }
        for line in self.table {
            let known = self.events.iter().any(|event| (self.event_name)(event) == line.event);
            assert!(known, "{}: no event is called `{}`", self.name, line.event);
            assert!(!line.from.is_some_and(Phase::is_final), "{}: {line:?} leaves a final phase", self.name);
        }
        let befores = std::iter::once(None).chain(states.into_iter().map(Some));
        for before in befores {
            let from = before.as_ref().map(self.phase);
            for event in &self.events {
                let name = (self.event_name)(event);
                let line = self.table.iter().find(|line| line.from == from && line.event == name);
                let expected = line.map(|line| line.to).ok_or(ReplayError::new(self.name, from, name));
                let found = (self.evolve)(before.clone(), event).map(|after| (self.phase)(&after));
                assert_eq!(found, expected, "{}: {from:?}, {name}", self.name);
            }
        }
    }

    /// One state in each phase, found by following events from the beginning.
    fn states(&self) -> Vec<S> {
        let mut found: Vec<S> = Vec::new();
        let mut fresh: Vec<Option<S>> = vec![None];
        while let Some(before) = fresh.pop() {
            for event in &self.events {
                let Ok(after) = (self.evolve)(before.clone(), event) else { continue };
                if !found.iter().any(|known| (self.phase)(known) == (self.phase)(&after)) {
                    found.push(after.clone());
                    fresh.push(Some(after));
                }
            }
        }
        found
    }

    fn print(&self, out: &mut String) {
        write!(out, "\n## {}\n\n| from | event | to |\n|---|---|---|\n", self.name).unwrap();
        for line in self.table {
            let from = line.from.map_or("–".to_owned(), shown);
            writeln!(out, "| {from} | `{}` | {} |", line.event, shown(line.to)).unwrap();
        }
    }
}

fn shown<P: Phase>(phase: P) -> String {
    if phase.is_final() { format!("**{}**", phase.name()) } else { phase.name().to_owned() }
}

#[test]
fn tables_are_what_the_code_does_and_what_people_read() {
    let mut text = HEAD.to_owned();
    macro_rules! check {
        ($module:ident, $state:ty, $event:ty, $id:expr) => {
            let aggregate = Aggregate {
                name: stringify!($module),
                table: $module::TRANSITIONS,
                events: $module::tests::events(),
                event_name: <$event>::name,
                phase: <$state>::phase,
                evolve: |state, event| $module::evolve($id, state, event),
            };
            aggregate.hold();
            aggregate.print(&mut text);
        };
    }
    check!(request, request::Request, request::RequestEvent, crate::id::RequestId::from_bytes([1; 5]));
    check!(grant, grant::Grant, grant::GrantEvent, crate::id::GrantId::from_bytes([1; 5]));
    check!(lease, lease::Lease, lease::LeaseEvent, crate::id::LeaseId::from_bytes([1; 5]));
    check!(session, session::Session, session::SessionEvent, crate::id::SessionId::from_bytes([1; 5]));
    check!(run, run::Run, run::RunEvent, crate::id::RunId::from_bytes([1; 5]));
    check!(review, review::Review, review::ReviewEvent, crate::id::ReviewId::from_bytes([1; 5]));

    if std::env::var_os("SALLYPORT_BLESS").is_some() {
        std::fs::create_dir_all(std::path::Path::new(REFERENCE).parent().unwrap()).unwrap();
        std::fs::write(REFERENCE, &text).unwrap();
    }
    let found = std::fs::read_to_string(REFERENCE).unwrap_or_default();
    assert!(
        found == text,
        "docs/reference/lifecycle.md is not current: run this test with SALLYPORT_BLESS=1, and read the difference"
    );
}
