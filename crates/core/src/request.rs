//! A request: a principal asking for a role on a target, with a justification.
//!
//! Owns: the life of a request from asking to its end. Invariants: the requester's owner never votes (A1), distinct people are counted
//! (A2), votes are for one text (A3), a yes is given on the rules of that moment (A4), tokens are used once (A5), what has ended never
//! ends otherwise (A8), and it names at most one grant (A9). Must not know: clocks, randomness, how anybody is told.
//!
//! `decide` holds all the rules; `evolve` holds none but the table below.

use serde::{Deserialize, Serialize};

use crate::approval::Vote;
use crate::digest::Digest;
use crate::effect::{Effect, Occasion, Wake};
use crate::grant::Terms;
use crate::id::{GrantId, RequestId};
use crate::justification::Reason;
use crate::lifecycle::{ReplayError, Transition, phases, row};
use crate::name::PersonId;
use crate::rule::Rule;
use crate::time::Timestamp;

mod ask;
mod command;
mod decision;

pub use ask::{Ask, Start};
pub use command::{Change, Command, Wish};
pub use decision::decide;

phases! {
    /// Where a request is in its life.
    Phase { Pending = "pending", Offered = "offered",; Approved = "approved", Denied = "denied", Withdrawn = "withdrawn", Expired = "expired", }
}

/// Every transition. What is not listed does not happen.
pub const TRANSITIONS: &[Transition<Phase>] = &[
    row(None, "asked", Phase::Pending),
    row(Some(Phase::Pending), "amended", Phase::Pending),
    row(Some(Phase::Pending), "seen", Phase::Pending),
    row(Some(Phase::Pending), "voted", Phase::Pending),
    row(Some(Phase::Pending), "offered", Phase::Offered),
    row(Some(Phase::Pending), "approved", Phase::Approved),
    row(Some(Phase::Pending), "denied", Phase::Denied),
    row(Some(Phase::Pending), "withdrawn", Phase::Withdrawn),
    row(Some(Phase::Pending), "expired", Phase::Expired),
    // An offer does not hold up the others: who says yes to the whole may still do so.
    row(Some(Phase::Offered), "seen", Phase::Offered),
    row(Some(Phase::Offered), "voted", Phase::Offered),
    row(Some(Phase::Offered), "offer_taken", Phase::Pending),
    row(Some(Phase::Offered), "offer_declined", Phase::Pending),
    row(Some(Phase::Offered), "approved", Phase::Approved),
    row(Some(Phase::Offered), "denied", Phase::Denied),
    row(Some(Phase::Offered), "withdrawn", Phase::Withdrawn),
    row(Some(Phase::Offered), "expired", Phase::Expired),
];

/// Something that happened to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestEvent {
    /// The requester changed what they ask for. Votes for the old text are dropped.
    Amended {
        /// What it says now.
        ask: Box<Ask>,
        /// Of that.
        digest: Digest,
    },
    /// It names its grant, whose first event is in the same transaction.
    Approved {
        /// The grant.
        grant: GrantId,
        /// What it gives.
        terms: Box<Terms>,
    },
    /// Somebody asks.
    Asked {
        /// For what, and why.
        ask: Box<Ask>,
        /// Of that.
        digest: Digest,
        /// The rule, as it stood.
        rule: Box<Rule>,
        /// The version of the policy that it stood in.
        policy: Digest,
        /// Until when an answer is waited for.
        open_until: Timestamp,
    },
    /// One no ends it.
    Denied {
        /// Whose no.
        cause: DenialCause,
        /// Why.
        reason: Option<Reason>,
    },
    /// Nobody decided in time.
    Expired,
    /// The requester would rather have what they asked for.
    OfferDeclined,
    /// An approver says yes to less.
    Offered {
        /// Who.
        by: PersonId,
        /// To what.
        ask: Box<Ask>,
        /// Of that.
        digest: Digest,
        /// What they say about it.
        comment: Option<Reason>,
    },
    /// The requester takes the offer. Whoever offered has said yes to it; other votes were for another text.
    OfferTaken,
    /// An approver has looked at it.
    Seen(PersonId),
    /// A yes.
    Voted(Vote),
    /// The requester takes it back.
    Withdrawn,
}

/// Whose no it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenialCause {
    /// An approver's; the envelope tells whose.
    Approver,
    /// The rules', which have changed since it was asked.
    Policy,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// What it says.
    pub ask: Ask,
    /// Of that. Votes are for this.
    pub digest: Digest,
    /// Where it is in its life.
    pub state: State,
}

/// Where a request is, with what belongs to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Named its grant.
    Approved(GrantId),
    /// Somebody said no.
    Denied(DenialCause),
    /// Nobody decided.
    Expired,
    /// The requester has less to choose.
    Offered {
        /// As before.
        open: Open,
        /// What is offered.
        offer: Box<Offer>,
    },
    /// Waits for answers.
    Pending(Open),
    /// Taken back.
    Withdrawn,
}

/// What an undecided request owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The yes that were said, in order. Those for an older text are kept, so that a person or token that comes again is known.
    pub votes: Vec<Vote>,
    /// Who has looked at it.
    pub seen: Vec<PersonId>,
    /// The rule as it stood when it was asked.
    pub rule: Rule,
    /// Until when an answer is waited for.
    pub until: Timestamp,
}

/// Less than what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Who offers.
    pub by: PersonId,
    /// What.
    pub ask: Ask,
    /// Of that.
    pub digest: Digest,
}

impl Request {
    /// Where it is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Approved(_) => Phase::Approved,
            State::Denied(_) => Phase::Denied,
            State::Expired => Phase::Expired,
            State::Offered { .. } => Phase::Offered,
            State::Pending(_) => Phase::Pending,
            State::Withdrawn => Phase::Withdrawn,
        }
    }

    /// What it owns while it is undecided.
    #[must_use]
    pub fn open(&self) -> Option<&Open> {
        match &self.state {
            State::Offered { open, .. } | State::Pending(open) => Some(open),
            State::Approved(_) | State::Denied(_) | State::Expired | State::Withdrawn => None,
        }
    }
}

impl RequestEvent {
    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Amended { .. } => "amended",
            Self::Approved { .. } => "approved",
            Self::Asked { .. } => "asked",
            Self::Denied { .. } => "denied",
            Self::Expired => "expired",
            Self::OfferDeclined => "offer_declined",
            Self::Offered { .. } => "offered",
            Self::OfferTaken => "offer_taken",
            Self::Seen(_) => "seen",
            Self::Voted(_) => "voted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// The request after an event. `id` names the stream.
pub fn evolve(id: RequestId, request: Option<Request>, event: &RequestEvent) -> Result<Request, ReplayError> {
    let Some(request) = request else {
        let RequestEvent::Asked { ask, digest, rule, open_until, policy: _ } = event else {
            return Err(ReplayError::new::<Phase>("request", None, event.name()));
        };
        let open = Open { votes: Vec::new(), seen: Vec::new(), rule: (**rule).clone(), until: *open_until };
        return Ok(Request { id, ask: (**ask).clone(), digest: *digest, state: State::Pending(open) });
    };
    let error = ReplayError::new("request", Some(request.phase()), event.name());
    let Request { id, ask, digest, state } = request;
    match (state, event) {
        (State::Pending(open), RequestEvent::Amended { ask, digest }) => {
            Ok(Request { id, ask: (**ask).clone(), digest: *digest, state: State::Pending(open) })
        }
        (State::Offered { open, offer }, RequestEvent::OfferTaken) => Ok(take(id, open, *offer)),
        (state, event) => step(state, event).map(|state| Request { id, ask, digest, state }).ok_or(error),
    }
}

/// Transitions that leave the text as it is.
fn step(state: State, event: &RequestEvent) -> Option<State> {
    let (mut open, offer) = match state {
        State::Pending(open) => (open, None),
        State::Offered { open, offer } => (open, Some(offer)),
        State::Approved(_) | State::Denied(_) | State::Expired | State::Withdrawn => return None,
    };
    match event {
        RequestEvent::Voted(vote) => open.votes.push(vote.clone()),
        RequestEvent::Seen(person) => open.seen.push(person.clone()),
        RequestEvent::Offered { by, ask, digest, comment: _ } if offer.is_none() => {
            let offer = Offer { by: by.clone(), ask: (**ask).clone(), digest: *digest };
            let offer = Box::new(offer);
            return Some(State::Offered { open, offer });
        }
        RequestEvent::OfferDeclined if offer.is_some() => return Some(State::Pending(open)),
        RequestEvent::Approved { grant, .. } => return Some(State::Approved(*grant)),
        RequestEvent::Denied { cause, .. } => return Some(State::Denied(*cause)),
        RequestEvent::Withdrawn => return Some(State::Withdrawn),
        RequestEvent::Expired => return Some(State::Expired),
        RequestEvent::Amended { .. }
        | RequestEvent::Asked { .. }
        | RequestEvent::OfferDeclined
        | RequestEvent::Offered { .. }
        | RequestEvent::OfferTaken => return None,
    }
    Some(match offer {
        Some(offer) => State::Offered { open, offer },
        None => State::Pending(open),
    })
}

fn take(id: RequestId, mut open: Open, offer: Offer) -> Request {
    open.votes.push(Vote { voter: offer.by, digest: offer.digest, token: None, comment: None });
    Request { id, ask: offer.ask, digest: offer.digest, state: State::Pending(open) }
}

/// What has to be done after an event.
#[must_use]
pub fn effects(id: RequestId, event: &RequestEvent) -> Vec<Effect> {
    match event {
        RequestEvent::Asked { open_until, .. } => {
            vec![
                Effect::Announce(Occasion::AnswerWanted(id)),
                Effect::Wake { at: *open_until, what: Wake::Request(id) },
            ]
        }
        RequestEvent::Amended { .. }
        | RequestEvent::OfferTaken
        | RequestEvent::OfferDeclined
        | RequestEvent::Voted(_) => {
            vec![Effect::Announce(Occasion::AnswerWanted(id))]
        }
        RequestEvent::Offered { .. } => vec![Effect::Announce(Occasion::Offered(id))],
        RequestEvent::Approved { .. }
        | RequestEvent::Denied { .. }
        | RequestEvent::Expired
        | RequestEvent::Withdrawn => {
            vec![Effect::Announce(Occasion::Decided(id))]
        }
        RequestEvent::Seen(_) => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
