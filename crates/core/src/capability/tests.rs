//! Sets of capabilities are closed downwards, and never grow by being combined.

use super::*;
use proptest::prelude::*;

fn set(names: &[Capability]) -> Capabilities {
    names.iter().copied().collect()
}

#[test]
fn exec_includes_the_commands_that_have_a_name() {
    let exec = set(&[Capability::Exec]);
    assert!(exec.allow(Capability::Rsync));
    assert!(!exec.allow(Capability::Shell));
    assert!(!exec.allow(Capability::Sftp));
    assert!(!set(&[Capability::Rsync]).allow(Capability::Exec));
}

#[test]
fn serialises_as_it_prints() {
    for capability in Capability::ALL {
        assert_eq!(serde_json::to_string(&capability).unwrap(), format!("\"{capability}\""));
    }
}

proptest! {
    #[test]
    fn what_both_allow_is_what_each_allows(
        a in prop::collection::vec(prop::sample::select(&Capability::ALL[..]), 0..6),
        b in prop::collection::vec(prop::sample::select(&Capability::ALL[..]), 0..6),
    ) {
        let (a, b) = (set(&a), set(&b));
        let common = a.common(&b);
        for capability in Capability::ALL {
            prop_assert_eq!(common.allow(capability), a.allow(capability) && b.allow(capability));
        }
    }
}
