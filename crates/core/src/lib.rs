//! The domain of sallyport, pure: what may be asked for, whose yes it takes, what follows from it, and how that is proved.
//!
//! Owns: every rule. Invariants: no IO, no clock, no randomness: the time, random bytes and the current policy are arguments.
//! Only events and policy are serialisable, because they are file formats. Must not know: protocols, databases, pages, secrets.
//!
//! # The rooms
//!
//! - *What there is*: [`principal`], [`target`], [`capability`], [`role`], [`rule`], [`directory`]; together a [`policy::World`].
//! - *What may be*: [`policy::evaluate`] answers a question from the world of now, and explains itself.
//! - *What happens*: [`request`], [`grant`], [`lease`], [`session`], [`run`], [`review`]. Each has a table of transitions, `decide` (all the rules),
//!   `evolve` (no rules) and `effects` (what the shell has to do). [`event::settle`] binds the streams that one decision touches.
//! - *What it takes to act*: a [`permit::Permit`], which only this crate can make.
//! - *What proves it*: [`audit`]: envelopes, the tree over them, checkpoints.
//! - *How it is shown*: [`escape`], [`refusal`].
//!
//! # The way of a request
//!
//! The shell loads an aggregate by folding `evolve` over its events, decides, appends, and runs the effects from its outbox:
//!
//! ```
//! use std::collections::BTreeSet;
//! use sallyport_core::capability::Capability;
//! use sallyport_core::directory::Directory;
//! use sallyport_core::event::{Event, settle};
//! use sallyport_core::id::{GrantId, RequestId, SessionId, StreamId};
//! use sallyport_core::justification::{Justification, Justify, Reason};
//! use sallyport_core::permit::Permit;
//! use sallyport_core::policy::{Policy, PolicySource, World};
//! use sallyport_core::principal::{Actor, Credential, Principal};
//! use sallyport_core::request::{self, Command, Start, Wish};
//! use sallyport_core::role::{Access, InputRecording, Role, SshAccess};
//! use sallyport_core::rule::{Approval, Binding, Place, Rule, Stage};
//! use sallyport_core::target::{Labels, Selector, Target};
//! use sallyport_core::time::{Now, Timestamp};
//! use sallyport_core::{grant, session};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What was loaded from the configuration.
//! let role = Role {
//!     name: "deploy".parse()?,
//!     targets: Selector::All,
//!     access: Access::Ssh(SshAccess {
//!         login: "deploy".parse()?,
//!         allow: [Capability::Shell].into_iter().collect(),
//!         environment: BTreeSet::new(),
//!         input: InputRecording::Omitted,
//!     }),
//!     limit: "2h".parse()?,
//! };
//! let rule = Rule {
//!     name: "engineers-deploy".parse()?,
//!     place: Place { file: "rules.toml".to_owned(), line: 14 },
//!     who: ["person:alice".parse()?].into(),
//!     roles: ["deploy".parse()?].into(),
//!     targets: Selector::All,
//!     limit: None,
//!     approval: Approval::Stages(vec![Stage { count: 1.try_into()?, from: ["group:sre".parse()?].into() }]),
//!     justify: Justify { reason: true, ticket: Some("INC-[0-9]+".parse()?) },
//!     open_for: "30m".parse()?,
//!     binding: Binding::Principal,
//! };
//! let person = |id: &str| -> Result<Actor, Box<dyn std::error::Error>> {
//!     let (who, proof) = (Principal::Person(id.parse()?), Credential::SshKey(format!("SHA256:{id}").parse()?));
//!     Ok(Actor::Principal { who, proof })
//! };
//! let mut directory = Directory {
//!     people: ["alice".parse()?, "bob".parse()?].into(),
//!     groups: [("sre".parse()?, ["bob".parse()?].into())].into(),
//!     ..Directory::default()
//! };
//! for id in ["alice", "bob"] {
//!     directory.credentials.insert(format!("SHA256:{id}").parse()?, Principal::Person(id.parse()?));
//! }
//! let source = PolicySource { roles: vec![role], rules: vec![rule], ..PolicySource::default() };
//! let policy = Policy::new(source).expect("the rules fit together");
//! let web1 = Target { name: "web1".parse()?, labels: Labels::new() };
//! let world = World { policy, directory, targets: [(web1.name.clone(), web1.clone())].into() };
//!
//! // alice asks. The clock and the random bytes of the ids come from the shell.
//! let now = Now::at_start("2026-11-21T10:14:24.000000Z".parse()?, Timestamp::MIN);
//! let (id, grant_id) = (RequestId::from_bytes([1; 5]), GrantId::from_bytes([2; 5]));
//! let wish = Wish {
//!     role: "deploy".parse()?,
//!     target: web1.name.clone(),
//!     span: "30m".parse()?,
//!     start: Start::Yes,
//!     justification: Justification { reason: Some(Reason::new("disk full, INC-482")?), ticket: None },
//!     bundle: None,
//! };
//! let ask = Command::Ask { id, wish, extends: None, grant: grant_id };
//! let events = request::decide(now, &person("alice")?, &world, None, ask)?;
//! let request = request::evolve(id, None, &events[0])?;
//!
//! // bob has read it, and says yes to just that text. Request and grant are recorded together.
//! let yes = Command::Approve { seen: request.digest, token: None, comment: None, grant: grant_id };
//! let events = request::decide(now, &person("bob")?, &world, Some(&request), yes)?;
//! let appends = settle(now, &world, StreamId::Request(id), events, None)?;
//! let mut granted = None;
//! for event in appends.iter().flat_map(|append| &append.events) {
//!     if let Event::Grant(event) = event {
//!         granted = Some(grant::evolve(grant_id, granted, event)?);
//!     }
//! }
//! let granted = granted.expect("it took one yes");
//!
//! // A session opens under the grant; only its permit lets anything be dialled, until the one end of the grant.
//! let session_id = SessionId::from_bytes([3; 5]);
//! let open = session::Command::Open { grant: &granted, target: &web1.name };
//! let events = session::decide(now, &person("alice")?, &world, None, open)?;
//! let session = session::evolve(session_id, None, &events[0])?;
//! let permit = Permit::session(now, &world, &granted, &session)?;
//! permit.allow(now, Capability::Shell)?;
//! assert!(permit.allow(now, Capability::ForwardAgent).is_err());
//! assert_eq!(permit.deadline(), Some("2026-11-21T10:44:24.000000Z".parse()?));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod approval;
pub mod audit;
pub mod canonical;
pub mod capability;
pub mod digest;
pub mod directory;
pub mod effect;
pub mod escape;
pub mod event;
pub mod grant;
pub mod id;
pub mod justification;
pub mod lease;
pub mod lifecycle;
pub mod name;
pub mod permit;
pub mod policy;
pub mod principal;
pub mod refusal;
pub mod request;
pub mod review;
pub mod role;
pub mod rule;
pub mod run;
pub mod session;
pub mod target;
pub mod time;

#[cfg(test)]
mod history;
