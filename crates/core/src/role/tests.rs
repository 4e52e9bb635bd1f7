//! Narrowing takes away and never adds.

use super::*;
use crate::target::Labels;

fn role(login: &str, allow: &[Capability], environment: &[&str], limit: u32) -> Role {
    Role {
        name: "deploy".parse().unwrap(),
        targets: Selector::Names(["web1".parse().unwrap()].into()),
        access: Access::Ssh(SshAccess {
            login: login.parse().unwrap(),
            allow: allow.iter().copied().collect(),
            environment: environment.iter().map(|name| EnvironmentName::new(*name).unwrap()).collect(),
            input: InputRecording::Omitted,
        }),
        limit: Span::from_mins(limit).unwrap(),
    }
}

fn web1() -> Target {
    Target { name: "web1".parse().unwrap(), labels: Labels::new() }
}

#[test]
fn what_was_gained_since_is_not_added() {
    let then = role("deploy", &[Capability::Shell, Capability::Sftp], &["LANG"], 60);
    let today = role("deploy", &[Capability::Shell, Capability::ForwardAgent], &["LANG", "LC_*"], 120);
    assert_eq!(then.narrowed(&today, &web1()), Ok(role("deploy", &[Capability::Shell], &["LANG"], 60)));
    assert_eq!(then.narrowed(&then, &web1()), Ok(then));
}

#[test]
fn another_login_leaves_nothing() {
    let then = role("deploy", &[Capability::Shell], &[], 60);
    let today = role("root", &[Capability::Shell], &[], 60);
    let error = then.narrowed(&today, &web1()).unwrap_err();
    assert_eq!(error.to_string(), "role deploy uses the login root now; it was deploy");
}

#[test]
fn nothing_in_common_leaves_nothing() {
    let then = role("deploy", &[Capability::Shell], &[], 60);
    let today = role("deploy", &[Capability::Sftp], &[], 60);
    assert_eq!(then.narrowed(&today, &web1()), Err(NothingLeft::Capabilities(then.name.clone())));
    let elsewhere = Target { name: "web2".parse().unwrap(), labels: Labels::new() };
    assert_eq!(then.narrowed(&then, &elsewhere), Err(NothingLeft::Target(then.name.clone())));
}

#[test]
fn variables_are_matched_as_sshd_does() {
    let name = |text: &str| EnvironmentName::new(text).unwrap();
    assert!(name("LC_*").matches("LC_ALL"));
    assert!(!name("LC_*").matches("LANG"));
    assert!(name("LANG").matches("LANG"));
    assert!(!name("LANG").matches("LANGUAGE"));
    for text in ["", "*", "A*B", "A=B", "LD PRELOAD"] {
        assert!(EnvironmentName::new(text).is_err(), "{text}");
    }
}
