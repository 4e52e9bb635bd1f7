//! Why a certificate does not let somebody in.
//!
//! Owns: the words for the operator and the audit log. The peer is told none of them.

/// Why a certificate was refused. Worded for people; never for the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateRefusal {
    /// A host certificate where a user's is asked for, or the reverse.
    #[error("the certificate is for a {found}, not for a {wanted}")]
    Kind {
        /// What was presented.
        found: &'static str,
        /// What was needed.
        wanted: &'static str,
    },
    /// Signed by somebody else.
    #[error("the certificate is signed by {0}, which is not a trusted authority")]
    Authority(String),
    /// Not valid yet.
    #[error("the certificate is valid only from {valid_after} on; now is {now} (seconds since 1970)")]
    Early {
        /// When it starts.
        valid_after: u64,
        /// The clock's word.
        now: u64,
    },
    /// Valid no more.
    #[error("the certificate expired at {valid_before}; now is {now} (seconds since 1970)")]
    Late {
        /// When it ended.
        valid_before: u64,
        /// The clock's word.
        now: u64,
    },
    /// It names nobody, which some readers take for everybody.
    #[error("the certificate names no principal")]
    NoPrincipal,
    /// Another reader could take one principal for several.
    #[error("the certificate's principal {0:?} is empty or holds a comma")]
    Separator(String),
    /// It names others.
    #[error("the certificate does not name {0:?}")]
    Principal(String),
    /// It is bound to addresses, and this is none of them.
    #[error("the certificate may not be used from {0}")]
    Source(core::net::IpAddr),
    /// It is bound to addresses, and the source is not known.
    #[error("the certificate is bound to source addresses, and the source of the connection is unknown")]
    SourceUnknown,
    /// A critical option that this gateway does not know, or that has no meaning here.
    #[error("the certificate has the critical option {0:?}, which is not supported")]
    CriticalOption(String),
    /// A known option whose data makes no sense.
    #[error("the certificate's option {0} is malformed")]
    MalformedOption(&'static str),
    /// It asks for a verified user, and its key cannot tell.
    #[error("the certificate requires a verified user, which a {0} key cannot show")]
    Unverifiable(&'static str),
    /// A policy of the caller's said no.
    #[error("{0}")]
    Other(String),
}
