//! What refusals say.

use super::*;

#[test]
fn a_refusal_names_what_would_help() {
    let forward = |roles: &[&str]| Refusal::Capability {
        wanted: Capability::ForwardLocal,
        roles: roles.iter().map(|name| name.parse().unwrap()).collect(),
    };
    assert_eq!(forward(&[]).to_string(), "forward_local is not part of this grant");
    assert_eq!(forward(&[]).help().unwrap(), "no role on this target includes it");
    assert_eq!(forward(&["tunnel", "admin"]).help().unwrap(), "ask for tunnel or admin");
    assert_eq!(Refusal::Over { phase: "denied" }.to_string(), "it is denied");
    assert_eq!(Refusal::GrantedElsewhere(Mismatch::Credential).to_string(), "the grant is for another key or token");
    assert_eq!(Refusal::NotFound.help(), None);
}

/// Programs tell refusals apart by their codes.
#[test]
fn codes_differ() {
    let refusals = [
        Refusal::AlreadyAnswered,
        Refusal::Capability { wanted: Capability::Shell, roles: Vec::new() },
        Refusal::Changed,
        Refusal::ClockBehind,
        Refusal::Gone,
        Refusal::GrantedElsewhere(Mismatch::Grant),
        Refusal::NoExtension,
        Refusal::NotAsked,
        Refusal::NotFound,
        Refusal::NotYours,
        Refusal::OfferedMore,
        Refusal::OnlyPeople,
        Refusal::OnlyTheGateway,
        Refusal::Over { phase: "denied" },
        Refusal::OwnRequest,
        Refusal::Token,
        Refusal::Time(TimeRefusal::Expired),
        Refusal::Time(TimeRefusal::GrantOver),
        Refusal::Time(TimeRefusal::NotYet),
        Refusal::Time(TimeRefusal::StartPassed),
        Refusal::Time(TimeRefusal::TooEarly),
        Refusal::Unencodable,
    ];
    let codes: std::collections::BTreeSet<&str> = refusals.iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), refusals.len());
}
