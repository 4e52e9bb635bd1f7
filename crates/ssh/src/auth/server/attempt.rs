//! What a client asks for, as values that can each be answered once.
//!
//! Owns: the events of the server's side and the tokens in them. Invariants: a token cannot be copied and is consumed by
//! its answer; it is bound to one request of one connection; [`VerifiedIdentity`] cannot be made outside the
//! verification; a [`KeyOffer`] is no [`Attempt`], so nothing accepts it; a token with a secret has no `Debug`.
//! Must not know: how an answer is sent.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::auth::Method;
use crate::key::{CertificateRefusal, CertificateTerms, Presented, SignatureAlgorithm, Touch};

/// What the user of the engine hears while a client authenticates.
///
/// Each of the first six must be answered: until then the engine reads nothing further from this client. A token that is
/// dropped is an answer that never comes; the deadline before authentication then ends the connection.
pub enum ServerAuthEvent {
    /// A key or certificate was offered, without any proof that the client has it (RFC 4252, section 7).
    Offered(KeyOffer),
    /// Method `none`: usually asked to learn what there is, and rejected.
    None(NoneAttempt),
    /// A password.
    Password(PasswordAttempt),
    /// Somebody wants to be asked questions. For a user that does not exist, ask the same ones.
    InteractiveStart(InteractiveAttempt),
    /// The answers to the last questions.
    InteractiveResponse(InteractiveAttempt),
    /// A key, proved by a signature over this connection.
    Verified(VerifiedIdentity),
    /// Questions were left unanswered: the client asked for something else instead.
    InteractiveAbandoned {
        /// Who was asked.
        user: Arc<str>,
    },
    /// The engine refused by itself; the client hears a failure like any other. For logs only.
    Refused(Refused),
    /// The client was told SUCCESS.
    Succeeded {
        /// The name that all of the evidence was shown for.
        user: Arc<str>,
        /// Everything that was shown, in order; the last one decided.
        evidence: Vec<Arc<Evidence>>,
    },
}

/// Something shown that let the client in, or helped to.
#[derive(Debug, PartialEq)]
pub enum Evidence {
    /// Nothing.
    None,
    /// A password that the user of the engine found right.
    Password,
    /// Answers that the user of the engine found right.
    Interactive,
    /// A key.
    Key(KeyProof),
}

impl Evidence {
    /// The method that it was shown with.
    #[must_use]
    pub fn method(&self) -> Method {
        match self {
            Self::None => Method::None,
            Self::Password => Method::Password,
            Self::Interactive => Method::KeyboardInteractive,
            Self::Key(_) => Method::PublicKey,
        }
    }
}

/// A key whose holder signed for this connection. Made only by the verification.
#[derive(Debug, PartialEq)]
pub struct KeyProof {
    pub(super) presented: Presented,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) touch: Option<Touch>,
    pub(super) terms: Option<CertificateTerms>,
    pub(super) binding: Binding,
}

impl KeyProof {
    /// The key or certificate.
    #[must_use]
    pub fn presented(&self) -> &Presented {
        &self.presented
    }

    /// How it signed.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// What a FIDO authenticator vouches for; the demand of [`ServerAuthConfig`](super::ServerAuthConfig) is met.
    #[must_use]
    pub fn touch(&self) -> Option<Touch> {
        self.touch
    }

    /// What the certificate policy attached; always there with a certificate, never with a plain key.
    #[must_use]
    pub fn terms(&self) -> Option<&CertificateTerms> {
        self.terms.as_ref()
    }

    /// What the signature covers.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.binding
    }
}

/// What a publickey signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// The connection, by its session identifier (RFC 4252, section 7).
    Session,
    /// Our host key too, by name (OpenSSH PROTOCOL, section 3.1).
    SessionAndHost,
}

/// Ties a token to one request of one connection.
pub struct Ticket {
    pub(super) connection: Arc<[u8]>,
    pub(super) serial: u64,
}

/// What every token holds.
pub struct Asked {
    pub(super) ticket: Ticket,
    pub(super) user: Arc<str>,
    pub(super) passed: Vec<Arc<Evidence>>,
}

mod sealed {
    /// What only this module can say of a token.
    pub trait Token {
        fn asked(&self) -> &super::Asked;
        fn settle(self) -> (super::Ticket, super::Evidence);
    }
}
use sealed::Token;

/// What can be accepted, rejected or counted as a part.
///
/// A verified key can:
/// ```
/// fn acceptable<A: sallyport_ssh::auth::Attempt>() {}
/// acceptable::<sallyport_ssh::auth::VerifiedIdentity>();
/// ```
/// A key that was merely offered cannot:
/// ```compile_fail,E0277
/// fn acceptable<A: sallyport_ssh::auth::Attempt>() {}
/// acceptable::<sallyport_ssh::auth::KeyOffer>();
/// ```
pub trait Attempt: Token {
    /// Who the client says it is. At most 255 bytes without control characters; otherwise untrusted.
    fn user(&self) -> &str {
        &self.asked().user
    }

    /// What was shown before, with partial success, for the same user name.
    fn passed(&self) -> &[Arc<Evidence>] {
        &self.asked().passed
    }
}

/// A key or certificate that the client says it has. Nothing can be derived from it but whether to go on.
pub struct KeyOffer {
    pub(super) asked: Asked,
    pub(super) presented: Presented,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) terms: Option<CertificateTerms>,
}

impl KeyOffer {
    /// Who the client says it is.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.asked.user
    }

    /// The key or certificate: public, and so in anybody's hands.
    #[must_use]
    pub fn presented(&self) -> &Presented {
        &self.presented
    }

    /// What the certificate policy would attach.
    #[must_use]
    pub fn terms(&self) -> Option<&CertificateTerms> {
        self.terms.as_ref()
    }
}

/// Nothing was shown.
pub struct NoneAttempt {
    pub(super) asked: Asked,
}

/// A password was shown.
pub struct PasswordAttempt {
    pub(super) asked: Asked,
    pub(super) secret: Zeroizing<String>,
}

impl PasswordAttempt {
    /// The password. Compare in constant time, and do the same work for users that do not exist.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

/// Questions may be asked, or were answered.
pub struct InteractiveAttempt {
    pub(super) asked: Asked,
    pub(super) submethods: Arc<str>,
    pub(super) responses: Vec<Zeroizing<String>>,
}

impl InteractiveAttempt {
    /// The client's hints (RFC 4256, section 3.1); usually empty.
    #[must_use]
    pub fn submethods(&self) -> &str {
        &self.submethods
    }

    /// The answers, as many as there were questions; none at the start.
    #[must_use]
    pub fn responses(&self) -> &[Zeroizing<String>] {
        &self.responses
    }
}

/// A key whose holder signed for this connection and this user name. That it may log in is for the user of the engine to say.
pub struct VerifiedIdentity {
    pub(super) asked: Asked,
    pub(super) proof: KeyProof,
}

impl VerifiedIdentity {
    /// The key, and what it signed.
    #[must_use]
    pub fn proof(&self) -> &KeyProof {
        &self.proof
    }

    /// The key or certificate.
    #[must_use]
    pub fn presented(&self) -> &Presented {
        &self.proof.presented
    }
}

impl Attempt for NoneAttempt {}
impl Attempt for PasswordAttempt {}
impl Attempt for InteractiveAttempt {}
impl Attempt for VerifiedIdentity {}

impl Token for NoneAttempt {
    fn asked(&self) -> &Asked {
        &self.asked
    }

    fn settle(self) -> (Ticket, Evidence) {
        (self.asked.ticket, Evidence::None)
    }
}

impl Token for PasswordAttempt {
    fn asked(&self) -> &Asked {
        &self.asked
    }

    fn settle(self) -> (Ticket, Evidence) {
        (self.asked.ticket, Evidence::Password)
    }
}

impl Token for InteractiveAttempt {
    fn asked(&self) -> &Asked {
        &self.asked
    }

    fn settle(self) -> (Ticket, Evidence) {
        (self.asked.ticket, Evidence::Interactive)
    }
}

impl Token for VerifiedIdentity {
    fn asked(&self) -> &Asked {
        &self.asked
    }

    fn settle(self) -> (Ticket, Evidence) {
        (self.asked.ticket, Evidence::Key(self.proof))
    }
}

/// What the engine refused by itself. Nothing in it was proved.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Who the client said it is, if that was a name.
    pub user: Option<Arc<str>>,
    /// Why.
    pub why: Refusal,
    /// The fingerprint of the key that was shown, if any: a claim.
    pub fingerprint: Option<String>,
}

/// Why the engine refused by itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The user name is too long, not UTF-8, or holds control characters.
    #[error("the user name is not one")]
    UserName,
    /// The client wants another service than `ssh-connection`.
    #[error("the service is not one that is offered")]
    Service,
    /// The method is unknown, or not one that can continue.
    #[error("the method is not one that is offered now")]
    Method,
    /// The key does not decode, or is of a kind that is not supported.
    #[error("the key is not one that is supported")]
    Key,
    /// The algorithm is not one that is accepted (such as `ssh-rsa`), or not one of this key.
    #[error("the signature algorithm is not one that is accepted for this key")]
    Algorithm,
    /// The request names another host key than ours.
    #[error("the request is bound to another host key")]
    HostBinding,
    /// The signature does not hold.
    #[error("the signature does not verify")]
    Signature,
    /// The authenticator was not touched, or did not check its user, as is demanded.
    #[error("the authenticator did not vouch for its user as is demanded")]
    Touch,
    /// There is no policy for certificates.
    #[error("certificates are not accepted here")]
    NoCertificates,
    /// The policy refused the certificate.
    #[error("the certificate is refused: {0}")]
    Certificate(CertificateRefusal),
    /// The key was a part of this sign-in already.
    #[error("the key was already used in this sign-in")]
    KeyUsed,
    /// A change of password was asked for.
    #[error("passwords cannot be changed here")]
    PasswordChange,
    /// A password or answer is too long or not UTF-8, or there are not as many answers as questions.
    #[error("the secret is too long, not UTF-8, or not what was asked for")]
    Secret,
    /// More keys were offered than the limit allows.
    #[error("more was offered than the limit allows")]
    Offers,
}
