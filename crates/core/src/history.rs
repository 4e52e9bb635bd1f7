//! Long histories: several people do random things under a chosen clock, while rules, groups and keys change; the invariants hold
//! after every step.
//!
//! Owns: the generator of steps and the test. Invariants: everything is decided by `decide` and recorded by `evolve`, as the shell
//! does it; a failing history is kept as a seed under `proptest-regressions`, and is tried again first. Must not know: what a step should
//! lead to. It is compiled for tests only.

use proptest::prelude::*;

mod check;
mod company;

use company::Company;

/// Something that somebody does. Numbers choose among what there is, so that every step means something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Amend { request: usize, minutes: u32 },
    Answer { request: usize, who: usize, stale: bool, yes: bool },
    Ask { who: usize, minutes: u32, later: Option<u32>, extends: Option<usize> },
    Connect { grant: usize, who: usize },
    Done { grant: usize, who: usize },
    Join { group: usize, who: usize },
    Leave { group: usize, who: usize },
    LoseKey { who: usize },
    Offer { request: usize, who: usize, minutes: u32 },
    Pass { minutes: u64 },
    Regain { who: usize },
    Reload { policy: usize },
    Reply { request: usize, take: bool },
    Restart { wall_minutes: u64 },
    Revoke { grant: usize, who: usize },
    SetClock { wall_minutes: u64 },
    Sweep,
    Withdraw { request: usize, who: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let any = || 0_usize..64;
    let minutes = || 1_u32..150;
    prop_oneof![
        2 => (any(), minutes()).prop_map(|(request, minutes)| Step::Amend { request, minutes }),
        9 => (any(), any(), prop::bool::weighted(0.2), prop::bool::weighted(0.8))
            .prop_map(|(request, who, stale, yes)| Step::Answer { request, who, stale, yes }),
        6 => (any(), minutes(), prop::option::weighted(0.1, 1_u32..60), prop::option::weighted(0.4, any()))
            .prop_map(|(who, minutes, later, extends)| Step::Ask { who, minutes, later, extends }),
        1 => (0_u64..300).prop_map(|wall_minutes| Step::SetClock { wall_minutes }),
        8 => (any(), any()).prop_map(|(grant, who)| Step::Connect { grant, who }),
        1 => (any(), any()).prop_map(|(grant, who)| Step::Done { grant, who }),
        2 => (any(), any()).prop_map(|(group, who)| Step::Join { group, who }),
        1 => (any(), any()).prop_map(|(group, who)| Step::Leave { group, who }),
        1 => any().prop_map(|who| Step::LoseKey { who }),
        2 => (any(), any(), minutes()).prop_map(|(request, who, minutes)| Step::Offer { request, who, minutes }),
        4 => (0_u64..15).prop_map(|minutes| Step::Pass { minutes }),
        4 => any().prop_map(|who| Step::Regain { who }),
        2 => any().prop_map(|policy| Step::Reload { policy }),
        2 => (any(), prop::bool::ANY).prop_map(|(request, take)| Step::Reply { request, take }),
        1 => (0_u64..300).prop_map(|wall_minutes| Step::Restart { wall_minutes }),
        1 => (any(), any()).prop_map(|(grant, who)| Step::Revoke { grant, who }),
        2 => Just(Step::Sweep),
        1 => (any(), any()).prop_map(|(request, who)| Step::Withdraw { request, who }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn a1_a2_a3_a4_a8_a9_g1_g2_g3_g10_g11_hold_in_random_histories(steps in prop::collection::vec(step(), 1..120)) {
        let mut company = Company::new();
        for step in steps {
            company.take(step);
        }
        company.check_replay();
    }
}

/// A generator that never gets anywhere would find nothing: most of what can happen does.
#[test]
fn histories_reach_what_there_is_to_reach() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..150 {
        let steps = prop::collection::vec(step(), 120).new_tree(&mut runner).unwrap().current();
        let mut company = Company::new();
        for step in steps {
            company.take(step);
        }
        seen.extend(company.log.iter().map(|entry| entry.event.name()));
    }
    let expected = [
        ("request", "amended"),
        ("request", "approved"),
        ("request", "denied"),
        ("request", "expired"),
        ("request", "offer_declined"),
        ("request", "offer_taken"),
        ("request", "voted"),
        ("request", "withdrawn"),
        ("grant", "activated"),
        ("grant", "ended"),
        ("grant", "revoked"),
        ("grant", "succeeded"),
        ("grant", "tightened"),
        ("session", "established"),
        ("session", "moved"),
        ("session", "terminated"),
    ];
    let missing: Vec<_> = expected.iter().filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "no history has {missing:?}");
}
