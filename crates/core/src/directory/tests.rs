//! Who is who, and what stops being theirs.

use super::*;

fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

fn key(name: &str) -> CredentialName {
    name.parse().unwrap()
}

fn who(text: &str) -> Who {
    text.parse().unwrap()
}

fn directory() -> Directory {
    let agent: WorkloadId = "agent".parse().unwrap();
    let owner = Owner::Person(person("alice"));
    Directory {
        people: ["alice", "bob"].map(person).into(),
        groups: [("sre".parse().unwrap(), ["bob", "carol"].map(person).into())].into(),
        workloads: [(agent.clone(), owner.clone())].into(),
        credentials: [
            (key("k1"), Principal::Person(person("alice"))),
            (key("t1"), Principal::Workload { id: agent, owner }),
        ]
        .into(),
        authorities: [key("ca")].into(),
        revoked: BTreeSet::new(),
    }
}

#[test]
fn who_is_not_listed_is_nobody() {
    let directory = directory();
    assert!(directory.is(&Principal::Person(person("bob")), &who("group:sre")));
    assert!(!directory.is(&Principal::Person(person("carol")), &who("group:sre")), "in the group, but gone");
    assert!(!directory.is(&Principal::Person(person("bob")), &who("group:sr")));
    assert!(!directory.is(&Principal::Person(person("bob")), &who("group:dba")));
    let approvers = ["group:sre", "person:bob", "workload:agent"].map(who).into();
    assert_eq!(directory.people_of(&approvers), [&person("bob")].into());
}

#[test]
fn g11_a_program_goes_with_its_owner() {
    let mut directory = directory();
    let agent = Principal::Workload { id: "agent".parse().unwrap(), owner: Owner::Person(person("alice")) };
    assert!(directory.is(&agent, &who("workload:agent")));
    assert!(!directory.is(&agent, &who("person:alice")), "it is not the person");
    directory.people.remove(&person("alice"));
    assert!(!directory.is(&agent, &who("workload:agent")));
}

#[test]
fn g11_a_credential_is_theirs_until_it_is_taken_back() {
    let mut directory = directory();
    let alice = Principal::Person(person("alice"));
    let registered = Credential::SshKey(key("k1"));
    let certificate = Credential::SshCertificate { key: key("k9"), authority: key("ca") };
    let web = Credential::WebSession { session: key("w1"), from: Box::new(registered.clone()) };
    for credential in [&registered, &certificate, &web] {
        assert!(directory.holds(&alice, credential), "{credential:?}");
    }
    assert!(!directory.holds(&Principal::Person(person("bob")), &registered));
    let foreign = Credential::SshCertificate { key: key("k9"), authority: key("other") };
    assert!(!directory.holds(&alice, &foreign));

    directory.revoked = ["k1", "k9"].map(key).into();
    for credential in [&registered, &certificate, &web] {
        assert!(!directory.holds(&alice, credential), "{credential:?}");
    }
}
