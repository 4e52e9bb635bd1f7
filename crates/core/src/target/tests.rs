//! What a selector selects.

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| (LabelKey::new(*key).unwrap(), LabelValue::new(*value).unwrap())).collect()
}

#[test]
fn every_label_must_be_there_as_a_whole() {
    let web = Target { name: "web1.prod".parse().unwrap(), labels: labels(&[("env", "prod"), ("tier", "web")]) };
    for (wanted, matches) in [
        (labels(&[("env", "prod")]), true),
        (labels(&[("env", "prod"), ("tier", "web")]), true),
        (labels(&[("env", "prod"), ("tier", "db")]), false),
        (labels(&[("env", "pro")]), false),
        (labels(&[("zone", "prod")]), false),
        (labels(&[]), false),
    ] {
        assert_eq!(Selector::Labels(wanted.clone()).matches(&web), matches, "{wanted:?}");
    }
}

#[test]
fn n6_a_name_selects_only_itself() {
    let named = Selector::Names(["web1".parse().unwrap()].into());
    let target = |name: &str| Target { name: name.parse().unwrap(), labels: Labels::new() };
    assert!(named.matches(&target("web1")));
    assert!(!named.matches(&target("web1.prod")));
    assert!(!named.matches(&target("web")));
    assert!(Selector::All.matches(&target("web")));
}
