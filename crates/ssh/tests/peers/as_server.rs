//! Our server role towards clients that others wrote.

mod algorithm;
mod certificate;
mod host;
mod host_key;
mod keepalive;
mod password;
mod rekey;
mod user_key;

use sallyport_ssh::auth::ServerAuthConfig;

use crate::ours::server::{self, Keys, Seen, Server};
use crate::peer::{Asking, Host};
use crate::place::{Key, KeyKind, Place};

/// A place with our host key and a user's key in it.
struct Scene {
    place: Place,
    host_key: Key,
    user_key: Key,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let host_key = place.key("host_key", KeyKind::Ed25519);
        let user_key = place.key("user_key", KeyKind::Ed25519);
        Self { place, host_key, user_key }
    }

    /// Our server, which lets the user's key in.
    async fn server(&self) -> Server {
        let door = Keys(vec![self.user_key.public()]);
        Server::start(server::config(&self.host_key), ServerAuthConfig::default(), door).await
    }

    /// What a client is told.
    fn asking<'a>(&'a self, server: &Server, command: &'a str) -> Asking<'a> {
        Asking {
            place: &self.place,
            address: server.address,
            user: "alice",
            key: &self.user_key,
            with_certificate: false,
            host: Host::Key(&self.host_key),
            command,
            rekey_bytes: None,
        }
    }
}

/// The key exchanges among what was seen.
fn exchanges(seen: &[Seen]) -> Vec<&sallyport_ssh::transport::Negotiated> {
    let keys = seen.iter().filter_map(|seen| match seen {
        Seen::Keys(keys) => Some(keys),
        _ => None,
    });
    keys.collect()
}
