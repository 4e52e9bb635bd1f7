//! The verification of keys: the one place where a [`KeyProof`] is made.
//!
//! Owns: which checks a publickey request passes, and their order. Invariant: none of them depends on whether the user
//! exists, so all of them are done before anybody is asked who may log in. Must not know: states and answers.

use std::sync::Arc;

use super::attempt::{Binding, Evidence, KeyProof, Refusal};
use super::config::ServerAuthConfig;
use super::request::Objection;
use crate::auth::message::PublicKeyRequest;
use crate::key::{CertificateAttempt, CertificateTerms, Demand, Presented, SignatureAlgorithm, TouchDemand};
use crate::message::SERVICE_CONNECTION;
use crate::time::Now;

/// What a publickey request amounts to.
pub(super) enum Claim {
    /// Only offered.
    Offered { presented: Presented, algorithm: SignatureAlgorithm, terms: Option<CertificateTerms> },
    /// Signed, and the signature holds.
    Proved(KeyProof),
}

/// Against what a request is checked.
pub(super) struct Verifier<'a> {
    pub(super) config: &'a ServerAuthConfig,
    pub(super) session_id: &'a [u8],
    pub(super) host_key: &'a [u8],
    pub(super) user: &'a str,
    pub(super) passed: &'a [Arc<Evidence>],
    pub(super) now: Now,
}

impl Verifier<'_> {
    /// Checks everything that can be checked without knowing the user. A refusal comes with the key's fingerprint.
    pub(super) fn check(&self, request: &PublicKeyRequest<'_>) -> Result<Claim, Objection> {
        let presented = Presented::from_blob(request.blob).map_err(|_| (Refusal::Key, None))?;
        let fingerprint = presented.key().fingerprint();
        self.claim(request, presented).map_err(|refusal| (refusal, Some(fingerprint)))
    }

    fn claim(&self, request: &PublicKeyRequest<'_>, presented: Presented) -> Result<Claim, Refusal> {
        let algorithm = str::from_utf8(request.algorithm)
            .ok()
            .and_then(|name| presented.signature_algorithm(name))
            .ok_or(Refusal::Algorithm)?;
        let binding = match request.host_key {
            None => Binding::Session,
            Some(named) if named == self.host_key => Binding::SessionAndHost,
            Some(_) => return Err(Refusal::HostBinding),
        };
        if self.passed.iter().any(|evidence| uses(evidence, &presented)) {
            return Err(Refusal::KeyUsed);
        }
        let Some(signature) = request.signature else {
            let terms = self.judge(&presented)?;
            return Ok(Claim::Offered { presented, algorithm, terms });
        };
        let data = request
            .signed_data(self.session_id, self.user.as_bytes(), SERVICE_CONNECTION.as_bytes())
            .map_err(|_| Refusal::Signature)?;
        let verified = presented.key().verify(&data, signature).map_err(|_| Refusal::Signature)?;
        // RFC 8332, section 3.2: the name in the request is the one that the signature must bear.
        if verified.algorithm != algorithm {
            return Err(Refusal::Algorithm);
        }
        let terms = self.judge(&presented)?;
        if !self.touch(terms.as_ref()).met_by(&verified) {
            return Err(Refusal::Touch);
        }
        Ok(Claim::Proved(KeyProof { presented, algorithm, touch: verified.touch, terms, binding }))
    }

    /// What the policy says of a certificate; a plain key has no terms.
    fn judge(&self, presented: &Presented) -> Result<Option<CertificateTerms>, Refusal> {
        let Presented::Certificate(certificate) = presented else {
            return Ok(None);
        };
        let policy = self.config.certificate_policy.as_ref().ok_or(Refusal::NoCertificates)?;
        let attempt = CertificateAttempt { user: self.user, source: self.config.source, now: self.now };
        policy.judge(certificate, &attempt).map(Some).map_err(Refusal::Certificate)
    }

    /// What an authenticator must show. An authority may waive the touch, as in OpenSSH, but not that its user is verified.
    fn touch(&self, terms: Option<&CertificateTerms>) -> TouchDemand {
        let ours = self.config.touch;
        match terms {
            Some(terms) if ours.verification == Demand::Required => {
                TouchDemand { presence: terms.touch.presence, verification: Demand::Required }
            }
            Some(terms) => terms.touch,
            None => ours,
        }
    }
}

/// Two certificates for one key are one key.
fn uses(evidence: &Evidence, presented: &Presented) -> bool {
    matches!(evidence, Evidence::Key(proof) if proof.presented.key() == presented.key())
}
