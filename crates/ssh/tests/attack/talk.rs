//! Messages that attackers say, by the book or not.
//!
//! Owns: payloads of the authentication and connection protocols, and whole sign-ins made of them.

use sallyport_ssh::key::SigningKey;
use sallyport_ssh::message::{connection, transport, userauth};
use sallyport_ssh::wire::{Reader, Writer};

use crate::raw::{Proof, Raw, fields, message};
use crate::victim::{Victim, host_key, user_key};

pub(crate) fn service_request() -> Vec<u8> {
    message(transport::SERVICE_REQUEST, |w| w.string(b"ssh-userauth"))
}

/// A request to sign in, up to the method's own fields.
pub(crate) fn userauth(
    user: &str,
    method: &str,
    fill: impl for<'w, 'v> FnOnce(&'w mut Writer<'v>) -> &'w mut Writer<'v>,
) -> Vec<u8> {
    message(userauth::REQUEST, |w| fill(w.string(user.as_bytes()).string(b"ssh-connection").string(method.as_bytes())))
}

pub(crate) fn password(user: &str, secret: &str) -> Vec<u8> {
    userauth(user, "password", |w| w.bool(false).string(secret.as_bytes()))
}

/// A key, without a signature.
pub(crate) fn offer(user: &str, blob: &[u8]) -> Vec<u8> {
    userauth(user, "publickey", |w| w.bool(false).string(key_type(blob)).string(blob))
}

/// A key, with a signature over what a signature is to be over.
pub(crate) fn signed(raw: &Raw, user: &str, blob: &[u8], key: &SigningKey) -> Vec<u8> {
    signed_over(&raw.session_id, user, blob, key_type(blob), |data| key.sign(data))
}

/// The same for any session, algorithm and way to sign.
pub(crate) fn signed_over(
    session_id: &[u8],
    user: &str,
    blob: &[u8],
    algorithm: &[u8],
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let mut request = userauth(user, "publickey", |w| w.bool(true).string(algorithm).string(blob));
    let data = fields(|w| w.string(session_id).bytes(&request));
    Writer::new(&mut request).string(&sign(&data));
    request
}

fn key_type(blob: &[u8]) -> &[u8] {
    Reader::new(blob).string().unwrap()
}

pub(crate) fn channel_open(kind: &str, ours: u32, window: u32, packet: u32) -> Vec<u8> {
    message(connection::CHANNEL_OPEN, |w| w.string(kind.as_bytes()).u32(ours).u32(window).u32(packet))
}

pub(crate) fn data(channel: u32, bytes: &[u8]) -> Vec<u8> {
    message(connection::CHANNEL_DATA, |w| w.u32(channel).string(bytes))
}

pub(crate) fn adjust(channel: u32, count: u32) -> Vec<u8> {
    message(connection::CHANNEL_WINDOW_ADJUST, |w| w.u32(channel).u32(count))
}

pub(crate) fn exec(channel: u32, command: &[u8]) -> Vec<u8> {
    message(connection::CHANNEL_REQUEST, |w| w.u32(channel).string(b"exec").bool(true).string(command))
}

pub(crate) fn close(channel: u32) -> Vec<u8> {
    message(connection::CHANNEL_CLOSE, |w| w.u32(channel))
}

/// The host that the victim trusts.
pub(crate) fn honest() -> Proof<'static> {
    Proof { blob: host_key().public_key().blob().to_vec(), sign: Box::new(|hash| host_key().sign(hash)) }
}

impl Raw {
    /// As a client: keys, and the service is accepted.
    pub(crate) fn knock(victim: &mut Victim) -> Self {
        let mut raw = Self::facing(victim);
        raw.exchange(victim);
        raw.ask_service(victim);
        raw
    }

    pub(crate) fn ask_service(&mut self, victim: &mut Victim) {
        self.send(victim, &service_request());
        self.until(victim, transport::SERVICE_ACCEPT);
    }

    /// As a client: signed in as alice, by the book.
    pub(crate) fn guest(victim: &mut Victim) -> Self {
        let mut raw = Self::knock(victim);
        let blob = user_key().public_key().blob();
        let request = signed(&raw, "alice", blob, user_key());
        raw.send(victim, &request);
        raw.until(victim, userauth::SUCCESS);
        assert!(victim.is_in(), "the victim heard {:?}", victim.heard);
        victim.heard.clear();
        raw
    }

    /// As a client: signed in, with a channel of the victim's that is answered; its number.
    pub(crate) fn with_channel(victim: &mut Victim) -> (Self, u32) {
        let mut raw = Self::guest(victim);
        let channel = raw.open_channel(victim, 5);
        victim.heard.clear();
        (raw, channel)
    }

    /// The victim's number for a channel that is `ours` here.
    pub(crate) fn open_channel(&mut self, victim: &mut Victim, ours: u32) -> u32 {
        self.send(victim, &channel_open("session", ours, 1 << 20, 1 << 15));
        let confirmation = self.until(victim, connection::CHANNEL_OPEN_CONFIRMATION);
        let mut r = Reader::new(&confirmation[1..]);
        assert_eq!(r.u32(), Ok(ours));
        r.u32().unwrap()
    }

    /// As a server: the victim has signed in, by the book.
    pub(crate) fn server(victim: &mut Victim) -> Self {
        let mut raw = Self::facing(victim);
        raw.host(victim, &honest());
        raw.let_in(victim);
        raw
    }

    /// As a server behind the first key exchange: the victim signs in.
    pub(crate) fn let_in(&mut self, victim: &mut Victim) {
        self.until(victim, transport::SERVICE_REQUEST);
        self.send(victim, &message(transport::SERVICE_ACCEPT, |w| w.string(b"ssh-userauth")));
        self.until(victim, userauth::REQUEST);
        self.send(victim, &[userauth::SUCCESS]);
        assert!(victim.is_in(), "the victim heard {:?}", victim.heard);
        victim.heard.clear();
    }
}
