//! Which host keys a client trusts.
//!
//! Owns: the trust in one host, as data. Invariants: nothing is learned (a key that is not listed is refused, never
//! remembered); names are compared as whole strings. Must not know: where the list comes from.

use super::certificate::CertificateKind;
use super::policy::{judge_origin, judge_principal};
use super::presented::Presented;
use super::public::PublicKey;
use super::refusal::CertificateRefusal;
use crate::time::Now;

/// What identifies one host. With nothing in it, no host is trusted.
#[derive(Debug, Clone, Default)]
pub struct HostTrust {
    /// Its plain keys.
    pub keys: Vec<PublicKey>,
    /// Who may certify it.
    pub authorities: Vec<PublicKey>,
    /// Names of which its certificate must hold one, each compared whole: no patterns, no ports, no case folding.
    pub names: Vec<String>,
}

impl HostTrust {
    /// Trusts or says why not, worded for the operator. A certificate is trusted only as a certificate: that its plain key
    /// is listed does not count.
    pub fn judge(&self, presented: &Presented, now: Now) -> Result<(), String> {
        match presented {
            Presented::Key(key) if self.keys.contains(key) => Ok(()),
            Presented::Key(_) if self.keys.is_empty() => Err("no plain host key is known, only authorities".to_owned()),
            Presented::Key(_) => {
                let known = self.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                Err(format!("it is not the known host key: {known}"))
            }
            Presented::Certificate(certificate) => {
                judge_origin(certificate, CertificateKind::Host, &self.authorities, now)
                    .map_err(|why| why.to_string())?;
                let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
                judge_principal(certificate, &names).map_err(|why| why.to_string())?;
                // None are defined for hosts (OpenSSH PROTOCOL.certkeys).
                match certificate.critical_options().first() {
                    Some((name, _)) => Err(CertificateRefusal::CriticalOption(name.clone()).to_string()),
                    None => Ok(()),
                }
            }
        }
    }
}
