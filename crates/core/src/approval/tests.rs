//! People are counted, in order, for one text.

use super::*;
use crate::policy::fixture::{person, stage};
use proptest::prelude::*;

fn vote(voter: &str, text: &[u8]) -> Vote {
    Vote { voter: person(voter), digest: Digest::of(text), token: None, comment: None }
}

/// Votes by these people, for the text that stands.
fn count(approval: &Approval, voters: &[&str]) -> Option<usize> {
    let votes: Vec<Vote> = voters.iter().map(|voter| vote(voter, b"now")).collect();
    let may =
        |stage: &Stage, person: &PersonId| stage.from.iter().any(|who| who.to_string().ends_with(person.as_str()));
    match tally(approval, &votes, Digest::of(b"now"), may) {
        Tally::Complete => None,
        Tally::Open { given, .. } => Some(given.len()),
    }
}

#[test]
fn a2_one_person_counts_once() {
    let two = Approval::Stages(vec![stage(2, &["person:bob", "person:carol"])]);
    assert_eq!(count(&two, &["bob", "bob", "bob"]), Some(1));
    assert_eq!(count(&two, &["bob", "dave"]), Some(1));
    assert_eq!(count(&two, &["bob", "carol"]), None);
}

#[test]
fn a2_one_person_counts_in_one_stage() {
    let stages =
        Approval::Stages(vec![stage(1, &["person:bob", "person:carol"]), stage(1, &["person:bob", "person:erin"])]);
    assert_eq!(count(&stages, &["bob", "bob"]), Some(0));
    assert_eq!(count(&stages, &["bob", "erin"]), None);
    // erin was not asked yet when she answered.
    assert_eq!(count(&stages, &["erin", "carol"]), Some(0));
    assert_eq!(count(&stages, &["carol", "bob"]), None);
}

#[test]
fn a3_votes_for_another_text_do_not_count() {
    let one = Approval::Stages(vec![stage(1, &["person:bob"])]);
    let votes = [vote("bob", b"before")];
    assert!(matches!(tally(&one, &votes, Digest::of(b"now"), |_, _| true), Tally::Open { .. }));
    assert_eq!(tally(&one, &votes, Digest::of(b"before"), |_, _| true), Tally::Complete);
}

#[test]
fn no_stage_is_no_yes() {
    assert!(count(&Approval::Stages(Vec::new()), &["bob"]).is_some());
    assert_eq!(count(&Approval::Auto, &[]), None);
}

proptest! {
    #[test]
    fn a2_a_complete_tally_has_enough_different_people(
        counts in prop::collection::vec(1_u8..4, 1..4),
        voters in prop::collection::vec(0_usize..6, 0..20),
    ) {
        let stages: Vec<Stage> = counts.iter().map(|count| stage(*count, &["group:all"])).collect();
        let approval = Approval::Stages(stages);
        let votes: Vec<Vote> = voters.iter().map(|voter| vote(&format!("p{voter}"), b"now")).collect();
        let people: BTreeSet<&usize> = voters.iter().collect();
        let complete = tally(&approval, &votes, Digest::of(b"now"), |_, _| true) == Tally::Complete;
        let needed = usize::try_from(approval.people()).unwrap();
        prop_assert_eq!(complete, people.len() >= needed);
    }
}
