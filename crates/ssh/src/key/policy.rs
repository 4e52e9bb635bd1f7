//! Which user certificates let whom in.
//!
//! Owns: the question ([`CertificatePolicy`]), the answer ([`CertificateTerms`]) and the policy that most want
//! ([`UserAuthorities`]). Invariants: names are compared as whole strings, byte by byte; a critical option that is not
//! understood refuses; what cannot be checked counts as not met. Must not know: who may do what behind the gate.

use core::net::IpAddr;

use super::certificate::{Certificate, CertificateKind};
use super::public::PublicKey;
use super::refusal::CertificateRefusal;
use super::signature::{Demand, TouchDemand};
use super::source::SourceBlock;
use crate::time::Now;
use crate::wire::Reader;

/// Decides whether a certificate is good for one attempt. The signature on the certificate was checked before; that the
/// peer holds the key is checked after, and the terms count only then.
pub trait CertificatePolicy: Send + Sync {
    /// Says under which terms, or why not.
    fn judge(
        &self,
        certificate: &Certificate,
        attempt: &CertificateAttempt<'_>,
    ) -> Result<CertificateTerms, CertificateRefusal>;
}

/// What is known about an attempt to sign in.
#[derive(Debug, Clone, Copy)]
pub struct CertificateAttempt<'a> {
    /// The user name that was asked for.
    pub user: &'a str,
    /// Where the connection comes from, if that is known for sure.
    pub source: Option<IpAddr>,
    /// The time.
    pub now: Now,
}

/// What a certificate allows and demands. The gateway must honour all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateTerms {
    /// The only command that may run, whatever is asked for.
    pub force_command: Option<String>,
    /// What the signature must show before these terms count.
    pub touch: TouchDemand,
    /// Names of the certificate's extensions, known or not: `permit-pty`, `permit-port-forwarding`, …
    pub extensions: Vec<String>,
}

impl CertificateTerms {
    /// Whether an extension is there. What is not permitted by one is not permitted.
    #[must_use]
    pub fn permits(&self, extension: &str) -> bool {
        self.extensions.iter().any(|name| name == extension)
    }
}

/// Trusts certificates for users that one of these authorities signed.
#[derive(Debug, Clone, Default)]
pub struct UserAuthorities {
    authorities: Vec<PublicKey>,
}

impl UserAuthorities {
    /// With no authority nobody is let in.
    #[must_use]
    pub fn new(authorities: Vec<PublicKey>) -> Self {
        Self { authorities }
    }
}

impl CertificatePolicy for UserAuthorities {
    fn judge(
        &self,
        certificate: &Certificate,
        attempt: &CertificateAttempt<'_>,
    ) -> Result<CertificateTerms, CertificateRefusal> {
        judge_origin(certificate, CertificateKind::User, &self.authorities, attempt.now)?;
        judge_principal(certificate, &[attempt.user])?;
        let mut terms = CertificateTerms::default();
        for (name, data) in certificate.critical_options() {
            apply_critical(&mut terms, name, data, attempt.source)?;
        }
        for (name, data) in certificate.extensions() {
            if name == NO_TOUCH_REQUIRED {
                flag(NO_TOUCH_REQUIRED, data)?;
                terms.touch.presence = Demand::Waived;
            }
            terms.extensions.push(name.clone());
        }
        // OpenSSH looks at this only for keys in an authenticator. A demand that cannot be met is not met.
        if terms.touch.verification == Demand::Required && !certificate.key().algorithm().in_authenticator() {
            return Err(CertificateRefusal::Unverifiable(certificate.key().algorithm().name()));
        }
        Ok(terms)
    }
}

const FORCE_COMMAND: &str = "force-command";
const SOURCE_ADDRESS: &str = "source-address";
const VERIFY_REQUIRED: &str = "verify-required";
const NO_TOUCH_REQUIRED: &str = "no-touch-required";

/// Kind, authority and time, which users' and hosts' certificates have in common.
pub(super) fn judge_origin(
    certificate: &Certificate,
    wanted: CertificateKind,
    authorities: &[PublicKey],
    now: Now,
) -> Result<(), CertificateRefusal> {
    if certificate.kind() != wanted {
        return Err(CertificateRefusal::Kind { found: certificate.kind().noun(), wanted: wanted.noun() });
    }
    if !authorities.contains(certificate.authority()) {
        return Err(CertificateRefusal::Authority(certificate.authority().to_string()));
    }
    let now = now.unix_seconds();
    let (valid_after, valid_before) = (certificate.valid_after(), certificate.valid_before());
    if now < valid_after {
        return Err(CertificateRefusal::Early { valid_after, now });
    }
    if now >= valid_before {
        return Err(CertificateRefusal::Late { valid_before, now });
    }
    Ok(())
}

/// One of `names` must be a principal. A single principal that could be read as several spoils the whole certificate.
pub(super) fn judge_principal(certificate: &Certificate, names: &[&str]) -> Result<(), CertificateRefusal> {
    let principals = certificate.principals();
    if principals.is_empty() {
        return Err(CertificateRefusal::NoPrincipal);
    }
    if let Some(odd) = principals.iter().find(|principal| separates(principal)) {
        return Err(CertificateRefusal::Separator(odd.clone()));
    }
    if principals.iter().any(|principal| names.contains(&principal.as_str())) {
        Ok(())
    } else {
        Err(CertificateRefusal::Principal(names.join(", ")))
    }
}

/// Whether another reader could take this principal for none or for several. OpenSSH itself joins principals with
/// commas in places, which has let `a,root` pass for `root`.
pub(super) fn separates(principal: &str) -> bool {
    principal.is_empty() || principal.contains([',', '\0', '\n', '\r'])
}

fn apply_critical(
    terms: &mut CertificateTerms,
    name: &str,
    data: &[u8],
    source: Option<IpAddr>,
) -> Result<(), CertificateRefusal> {
    match name {
        FORCE_COMMAND => {
            let command = text(FORCE_COMMAND, data)?;
            if command.contains('\0') {
                return Err(CertificateRefusal::MalformedOption(FORCE_COMMAND));
            }
            terms.force_command = Some(command.to_owned());
        }
        SOURCE_ADDRESS => {
            let malformed = |_| CertificateRefusal::MalformedOption(SOURCE_ADDRESS);
            let blocks = SourceBlock::parse_list(text(SOURCE_ADDRESS, data)?).map_err(malformed)?;
            let source = source.ok_or(CertificateRefusal::SourceUnknown)?;
            if !blocks.iter().any(|block| block.contains(source)) {
                return Err(CertificateRefusal::Source(source));
            }
        }
        VERIFY_REQUIRED => {
            flag(VERIFY_REQUIRED, data)?;
            terms.touch.verification = Demand::Required;
        }
        unknown => return Err(CertificateRefusal::CriticalOption(unknown.to_owned())),
    }
    Ok(())
}

/// An option's data is itself a string inside the string (OpenSSH PROTOCOL.certkeys, "Critical options").
fn text<'a>(name: &'static str, data: &'a [u8]) -> Result<&'a str, CertificateRefusal> {
    let mut reader = Reader::new(data);
    let text = reader.text(data.len()).map_err(|_| CertificateRefusal::MalformedOption(name))?;
    reader.finish().map_err(|_| CertificateRefusal::MalformedOption(name))?;
    Ok(text)
}

/// An option without data.
fn flag(name: &'static str, data: &[u8]) -> Result<(), CertificateRefusal> {
    if data.is_empty() { Ok(()) } else { Err(CertificateRefusal::MalformedOption(name)) }
}
