//! What people and the gateway can want of a request.
//!
//! Owns: the commands and what they carry. Must not know: what follows from them (that is `decide`'s).

use super::Start;
use crate::approval::VoteToken;
use crate::capability::Capabilities;
use crate::digest::Digest;
use crate::grant::Grant;
use crate::id::{BundleId, GrantId, RequestId};
use crate::justification::{Justification, Reason};
use crate::name::{RoleName, TargetName};
use crate::time::Span;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Which role.
    pub role: RoleName,
    /// Where.
    pub target: TargetName,
    /// For how long.
    pub span: Span,
    /// From when.
    pub start: Start,
    /// Why.
    pub justification: Justification,
    /// What else is asked for at the same time.
    pub bundle: Option<BundleId>,
}

/// What the requester changes.
#[derive(Debug, Clone)]
pub struct Change {
    /// For how long.
    pub span: Span,
    /// Why.
    pub justification: Justification,
}

/// Something that somebody wants to do to a request. Commands that can lead to a grant carry its name, since names are random.
#[derive(Debug)]
pub enum Command<'c> {
    /// Change what is asked for. Votes for the old text do not count any more.
    Amend {
        /// To what.
        change: Change,
        /// Its grant, should that be automatic.
        grant: GrantId,
    },
    /// Say yes.
    Approve {
        /// To the text with this digest.
        seen: Digest,
        /// With this token, if it came through a link or a button.
        token: Option<&'c VoteToken>,
        /// And say this.
        comment: Option<Reason>,
        /// Its grant, should this be the last yes.
        grant: GrantId,
    },
    /// Ask.
    Ask {
        /// Its name.
        id: RequestId,
        /// For what.
        wish: Wish,
        /// The grant that it is to succeed, for more time.
        extends: Option<&'c Grant>,
        /// Its grant, should that be automatic.
        grant: GrantId,
    },
    /// Rather have what was asked for.
    DeclineOffer,
    /// Say no.
    Deny {
        /// With this token, if it came through a link or a button.
        token: Option<&'c VoteToken>,
        /// Why.
        reason: Option<Reason>,
    },
    /// Record that nobody decided in time.
    Expire,
    /// Say yes to less.
    Offer {
        /// Than the text with this digest.
        seen: Digest,
        /// For this long.
        span: Span,
        /// With these capabilities, if not with all.
        allow: Option<Capabilities>,
        /// And say this.
        comment: Option<Reason>,
    },
    /// Look again, because the rules, the groups or the targets have changed.
    Reconsider {
        /// Its grant, should nothing be missing any more.
        grant: GrantId,
    },
    /// Record that an approver has looked at it.
    See,
    /// Take the offer.
    TakeOffer {
        /// Its grant, should nothing be missing then.
        grant: GrantId,
    },
    /// Take the request back.
    Withdraw,
}
