//! One person behind many names.

use super::*;

fn alice() -> PersonId {
    PersonId::new("alice").unwrap()
}

fn name(text: &str) -> CredentialName {
    CredentialName::new(text).unwrap()
}

#[test]
fn a_program_is_its_owner() {
    let agent = Principal::Workload { id: WorkloadId::new("agent-7").unwrap(), owner: Owner::Person(alice()) };
    assert_eq!(agent.owner(), Principal::Person(alice()).owner());
    assert_eq!(agent.person(), None);
    assert_eq!(agent.to_string(), "agent-7 of alice");
    let actor = Actor::Principal { who: agent, proof: Credential::Token(name("tok1")) };
    assert!(actor.is_behind(&Principal::Person(alice())));
    assert!(!Actor::Gateway.is_behind(&Principal::Person(alice())));
}

/// A program cannot pass for the person of the same name.
#[test]
fn n6_a_workload_of_the_same_name_is_somebody_else() {
    let id = WorkloadId::new("alice").unwrap();
    let program = Principal::Workload { id: id.clone(), owner: Owner::Workload(id) };
    assert_ne!(program.owner(), Principal::Person(alice()).owner());
}

#[test]
fn g11_a_web_session_falls_with_the_key_that_opened_it() {
    let certificate = Credential::SshCertificate { key: name("SHA256:k"), authority: name("SHA256:ca") };
    let web = Credential::WebSession { session: name("w1"), from: Box::new(certificate) };
    for held in ["SHA256:k", "SHA256:ca", "w1"] {
        assert!(web.rests_on(&name(held)), "{held}");
    }
    assert!(!web.rests_on(&name("SHA256:")));
}
