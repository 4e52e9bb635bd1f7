//! How rules are written and read aloud.

use super::*;

fn stage(count: u8, from: &[&str]) -> Stage {
    Stage { count: NonZeroU8::new(count).unwrap(), from: from.iter().map(|who| who.parse().unwrap()).collect() }
}

#[test]
fn who_is_written_with_its_kind() {
    for text in ["group:sre", "person:https://idp#00u1", "workload:ci/app"] {
        assert_eq!(text.parse::<Who>().unwrap().to_string(), text);
    }
    for text in ["sre", "groups:sre", "group:", "group:S R E", ":sre", "everyone"] {
        assert!(text.parse::<Who>().is_err(), "{text}");
    }
}

#[test]
fn approvals_are_read_aloud() {
    assert_eq!(Approval::Auto.to_string(), "automatic");
    let plan = Approval::Stages(vec![stage(1, &["group:sre", "person:bob"]), stage(2, &["group:security"])]);
    assert_eq!(plan.to_string(), "needs 1 of sre or bob, then 2 of security");
    assert_eq!(plan.people(), 3);
}

#[test]
fn nobody_is_not_a_number_of_people() {
    assert!(serde_json::from_str::<Stage>(r#"{"count":0,"from":["group:sre"]}"#).is_err());
    assert!(serde_json::from_str::<Stage>(r#"{"count":1,"from":["group:sre"]}"#).is_ok());
}
