//! How a server authenticates its clients.
//!
//! Owns: the limits and demands. Must not know: users.

use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::MethodSet;
use crate::key::{CertificatePolicy, TouchDemand};

/// How a server authenticates its clients.
#[derive(Clone)]
pub struct ServerAuthConfig {
    /// What is listed. `none` is never listed and always asked.
    pub methods: MethodSet,
    /// With the failure of this number the connection ends. What counts: wrong signatures, passwords and answers, refused
    /// methods, abandoned questions.
    pub attempts_max: u32,
    /// So many keys may be offered, and `none` be asked, before the connection ends: agents hold more keys than
    /// anybody should guess passwords.
    pub offers_max: u32,
    /// Judges certificates. Without one they are all refused.
    pub certificate_policy: Option<Arc<dyn CertificatePolicy>>,
    /// What keys in FIDO authenticators must show. A certificate's own terms decide about the touch.
    pub touch: TouchDemand,
    /// A no leaves this long after the request came, or when it is known, whichever is later. Whoever does slow
    /// work for users that exist does it for the others too, or chooses a floor above it. The no to method `none`, which every client
    /// asks first, does not wait: give it without looking at the name.
    pub answer_floor: Duration,
    /// Where the client is: for certificates that demand an address.
    pub source: Option<IpAddr>,
    /// What a client may send in one keyboard-interactive sign-in.
    pub interactive_bytes_max: usize,
}

impl Default for ServerAuthConfig {
    fn default() -> Self {
        Self {
            methods: MethodSet::PUBLIC_KEY,
            attempts_max: 10,
            offers_max: 32,
            certificate_policy: None,
            touch: TouchDemand::default(),
            answer_floor: Duration::from_millis(20),
            source: None,
            interactive_bytes_max: 4 * 1024,
        }
    }
}
