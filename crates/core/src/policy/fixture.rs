//! A small company for tests of the whole crate: the one of the documentation.
//!
//! Owns: alice and dave (engineering), bob, carol and erin (sre), root (an administrator who is also in sre), a program of alice's.
//! Must not know: any test.

use crate::capability::Capability;
use crate::directory::Directory;
use crate::justification::{Justification, Justify, Reason};
use crate::name::{CredentialName, PersonId};
use crate::policy::{Policy, PolicySource, World};
use crate::principal::{Actor, Credential, Owner, Principal};
use crate::role::{Access, InputRecording, Role, SshAccess};
use crate::rule::{Approval, Binding, Place, Rule, Stage, Who};
use crate::target::{Selector, Target};
use crate::time::{Now, Span, Timestamp};

pub(crate) const PEOPLE: [&str; 6] = ["alice", "dave", "bob", "carol", "erin", "root"];

pub(crate) fn world() -> World {
    world_of(source())
}

pub(crate) fn world_of(source: PolicySource) -> World {
    let web = |name: &str, env: &str| Target {
        name: name.parse().unwrap(),
        labels: [("env", env), ("tier", "web")]
            .map(|(key, value)| (key.parse().unwrap(), value.parse().unwrap()))
            .into(),
    };
    let targets = [web("web1.prod", "prod"), web("web2.prod", "prod"), web("web1.test", "test")];
    World {
        policy: Policy::new(source).unwrap(),
        directory: directory(),
        targets: targets.into_iter().map(|target| (target.name.clone(), target)).collect(),
    }
}

fn directory() -> Directory {
    let group = |name: &str, members: &[&str]| (name.parse().unwrap(), members.iter().map(|id| person(id)).collect());
    let mut directory = Directory {
        people: PEOPLE.iter().map(|id| person(id)).collect(),
        groups: [
            group("engineering", &["alice", "dave"]),
            group("on-call", &["dave"]),
            group("sre", &["bob", "carol", "erin", "root", "alice"]),
            group("security", &["carol", "root"]),
            group("admins", &["root"]),
        ]
        .into(),
        ..Directory::default()
    };
    for id in PEOPLE {
        for suffix in ["key", "other"] {
            directory.credentials.insert(credential_name(id, suffix), Principal::Person(person(id)));
        }
    }
    if let Principal::Workload { id, owner } = agent() {
        directory.workloads.insert(id, owner);
    }
    directory.credentials.insert("agent.key".parse().unwrap(), agent());
    directory
}

pub(crate) fn source() -> PolicySource {
    PolicySource {
        roles: vec![role("deploy", "deploy", &[Capability::Shell, Capability::Exec, Capability::Sftp], "2h")],
        rules: vec![
            rule(
                "engineers-deploy",
                14,
                &["group:engineering", "workload:agent"],
                Approval::Stages(vec![stage(1, &["group:sre"])]),
            ),
            Rule { limit: Some(span("30m")), ..rule("on-call", 31, &["group:on-call"], Approval::Auto) },
        ],
        administrators: [who("group:admins")].into(),
        auditors: [who("person:erin")].into(),
    }
}

pub(crate) fn role(name: &str, login: &str, allow: &[Capability], limit: &str) -> Role {
    Role {
        name: name.parse().unwrap(),
        targets: Selector::Labels([("env".parse().unwrap(), "prod".parse().unwrap())].into()),
        access: Access::Ssh(SshAccess {
            login: login.parse().unwrap(),
            allow: allow.iter().copied().collect(),
            environment: std::collections::BTreeSet::new(),
            input: InputRecording::Omitted,
        }),
        limit: span(limit),
    }
}

pub(crate) fn rule(name: &str, line: u32, asking: &[&str], approval: Approval) -> Rule {
    Rule {
        name: name.parse().unwrap(),
        place: Place { file: "rules.toml".to_owned(), line },
        who: asking.iter().map(|text| who(text)).collect(),
        roles: ["deploy".parse().unwrap()].into(),
        targets: Selector::All,
        limit: None,
        approval,
        justify: Justify::default(),
        open_for: span("30m"),
        binding: Binding::Principal,
    }
}

pub(crate) fn stage(count: u8, from: &[&str]) -> Stage {
    Stage { count: count.try_into().unwrap(), from: from.iter().map(|text| who(text)).collect() }
}

pub(crate) fn who(text: &str) -> Who {
    text.parse().unwrap()
}

pub(crate) fn span(text: &str) -> Span {
    text.parse().unwrap()
}

pub(crate) fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub(crate) fn agent() -> Principal {
    Principal::Workload { id: "agent".parse().unwrap(), owner: Owner::Person(person("alice")) }
}

pub(crate) fn credential_name(id: &str, suffix: &str) -> CredentialName {
    format!("{id}.{suffix}").parse().unwrap()
}

pub(crate) fn key(id: &str) -> Credential {
    Credential::SshKey(credential_name(id, "key"))
}

/// A person, signed in with their first key.
pub(crate) fn by(id: &str) -> Actor {
    Actor::Principal { who: Principal::Person(person(id)), proof: key(id) }
}

/// alice's program, signed in with its own key.
pub(crate) fn by_agent() -> Actor {
    Actor::Principal { who: agent(), proof: key("agent") }
}

pub(crate) fn because(reason: &str) -> Justification {
    Justification { reason: Some(Reason::new(reason).unwrap()), ticket: None }
}

/// Minutes after ten o'clock.
pub(crate) fn at(minutes: u64) -> Timestamp {
    let ten: Timestamp = "2026-11-21T10:00:00.000000Z".parse().unwrap();
    ten.after(std::time::Duration::from_mins(minutes))
}

pub(crate) fn now(minutes: u64) -> Now {
    Now::at_start(at(minutes), Timestamp::MIN)
}
