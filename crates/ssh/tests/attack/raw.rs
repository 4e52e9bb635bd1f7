//! A peer that keeps to no rule: it completes a key exchange as either side, and then says what it likes, when it likes.
//!
//! Owns: framing, numbering and keys of its own. Sending or receiving NEWKEYS switches keys by itself, as do KEXINITs the
//! transcript; everything else is up to the test. Must not know: the engine's insides.

use std::collections::VecDeque;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::digest::{SHA256, digest};
use sallyport_ssh::message::transport as msg;
use sallyport_ssh::role::Role;
use sallyport_ssh::wire::{Reader, Writer, encode};

use crate::seal::{Seal, Secret, Suite};
use crate::victim::Victim;

/// The line that the attacker opens with.
pub(crate) const VERSION: &[u8] = b"SSH-2.0-attacker";

/// The attacker's side of a connection.
pub(crate) struct Raw {
    role: Role,
    /// What its KEXINIT says.
    pub(crate) offer: Offer,
    pub(crate) strict: Strict,
    victim_version: Vec<u8>,
    /// Bytes of the victim that are not understood yet.
    incoming: VecDeque<u8>,
    sealing: Seal,
    opening: Seal,
    pending: Option<(Seal, Seal)>,
    pub(crate) sent: u32,
    pub(crate) received: u32,
    ours: Vec<u8>,
    theirs: Vec<u8>,
    pub(crate) session_id: Vec<u8>,
}

/// Whether sequence numbers start anew with new keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strict {
    Yes,
    No,
}

/// The lists of a KEXINIT.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) methods: String,
    pub(crate) host_keys: String,
    pub(crate) ciphers: String,
    pub(crate) macs: String,
    pub(crate) compressions: String,
    pub(crate) guess: u8,
}

impl Offer {
    fn new(role: Role) -> Self {
        let strict = match role {
            Role::Client => "kex-strict-c-v00@openssh.com",
            Role::Server => "kex-strict-s-v00@openssh.com",
        };
        Self {
            methods: format!("curve25519-sha256,{strict}"),
            host_keys: "ssh-ed25519".to_owned(),
            ciphers: Suite::Gcm.name().to_owned(),
            macs: "hmac-sha2-256-etm@openssh.com".to_owned(),
            compressions: "none".to_owned(),
            guess: 0,
        }
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        message(msg::KEXINIT, |w| {
            w.bytes(&[7; 16]).string(self.methods.as_bytes()).string(self.host_keys.as_bytes());
            for list in [&self.ciphers, &self.ciphers, &self.macs, &self.macs, &self.compressions, &self.compressions] {
                w.string(list.as_bytes());
            }
            w.string(b"").string(b"").u8(self.guess).u32(0)
        })
    }

    fn suite(&self) -> Suite {
        if self.ciphers == Suite::ChaCha.name() { Suite::ChaCha } else { Suite::Gcm }
    }
}

/// How the attacker proves, as a server, who it is.
pub(crate) struct Proof<'p> {
    pub(crate) blob: Vec<u8>,
    pub(crate) sign: Signer<'p>,
}

/// Fields one behind the other.
pub(crate) fn fields(fill: impl for<'w, 'v> FnOnce(&'w mut Writer<'v>) -> &'w mut Writer<'v>) -> Vec<u8> {
    encode(|w| {
        fill(w);
    })
    .unwrap()
}

/// Makes a signature blob.
pub(crate) type Signer<'s> = Box<dyn Fn(&[u8]) -> Vec<u8> + 's>;

/// The payload of a message.
pub(crate) fn message(number: u8, fill: impl for<'w, 'v> FnOnce(&'w mut Writer<'v>) -> &'w mut Writer<'v>) -> Vec<u8> {
    fields(|w| fill(w.u8(number)))
}

impl Raw {
    /// Plays the other role than the victim; versions have been exchanged.
    pub(crate) fn facing(victim: &mut Victim) -> Self {
        let mut raw = Self::silent(victim);
        raw.say_version(victim, VERSION);
        raw
    }

    /// The same, but for its version, which it has not said.
    pub(crate) fn silent(victim: &mut Victim) -> Self {
        let role = match victim.engine.role() {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        Self {
            role,
            offer: Offer::new(role),
            strict: Strict::Yes,
            victim_version: Vec::new(),
            incoming: VecDeque::new(),
            sealing: Seal::None,
            opening: Seal::None,
            pending: None,
            sent: 0,
            received: 0,
            ours: Vec::new(),
            theirs: Vec::new(),
            session_id: Vec::new(),
        }
    }

    pub(crate) fn say_version(&mut self, victim: &mut Victim, version: &[u8]) {
        victim.take(&[version, b"\r\n"].concat());
        let line = victim.said();
        let end = line.iter().position(|byte| *byte == b'\n').expect("no version");
        self.victim_version = line[..end - 1].to_vec();
        self.incoming.extend(&line[end + 1..]);
    }

    // --- packets ---

    /// Seals a payload, with correct lengths and padding.
    pub(crate) fn frame(&mut self, payload: &[u8]) -> Vec<u8> {
        let (block, free) = self.sealing.block();
        let padding = block - (5 - free + payload.len()) % block;
        let padding = if padding < 4 { padding + block } else { padding };
        let length = 1 + payload.len() + padding;
        self.frame_with(payload, padding, padding, length)
    }

    /// Seals a payload with any padding, and with any claims about padding and length.
    pub(crate) fn frame_with(&mut self, payload: &[u8], padding: usize, claimed: usize, length: usize) -> Vec<u8> {
        let mut packet = u32::try_from(length).unwrap().to_be_bytes().to_vec();
        packet.push(u8::try_from(claimed).unwrap());
        packet.extend_from_slice(payload);
        packet.resize(packet.len() + padding, 0);
        self.sealing.seal(self.sent, &mut packet);
        self.sent = self.sent.wrapping_add(1);
        match payload.first() {
            Some(&msg::KEXINIT) => self.ours = payload.to_vec(),
            Some(&msg::NEWKEYS) => self.switch_sealing(),
            _ => {}
        }
        packet
    }

    fn switch_sealing(&mut self) {
        if let Some((sealing, opening)) = self.pending.take() {
            self.sealing = sealing;
            if !matches!(opening, Seal::None) {
                self.pending = Some((Seal::None, opening));
            }
            if self.strict == Strict::Yes {
                self.sent = 0;
            }
        }
    }

    fn switch_opening(&mut self) {
        if let Some((sealing, opening)) = self.pending.take() {
            self.opening = opening;
            if !matches!(sealing, Seal::None) {
                self.pending = Some((sealing, Seal::None));
            }
            if self.strict == Strict::Yes {
                self.received = 0;
            }
        }
    }

    pub(crate) fn send(&mut self, victim: &mut Victim, payload: &[u8]) {
        let packet = self.frame(payload);
        victim.take(&packet);
    }

    /// The victim's next message, if there is one.
    pub(crate) fn receive(&mut self, victim: &mut Victim) -> Option<Vec<u8>> {
        self.incoming.extend(victim.said());
        let head: Vec<u8> = self.incoming.iter().take(4).copied().collect();
        let length = self.opening.length(self.received, head.try_into().ok()?);
        let packet = self.incoming.drain(..4 + length + self.opening.tag_len()).collect();
        let body = self.opening.open(self.received, packet);
        self.received = self.received.wrapping_add(1);
        let payload = body[1..body.len() - usize::from(body[0])].to_vec();
        match payload[0] {
            msg::KEXINIT => self.theirs.clone_from(&payload),
            msg::NEWKEYS => self.switch_opening(),
            _ => {}
        }
        Some(payload)
    }

    /// The victim's next message with this number; those before it are left out.
    pub(crate) fn until(&mut self, victim: &mut Victim, number: u8) -> Vec<u8> {
        let mut others = Vec::new();
        while let Some(payload) = self.receive(victim) {
            if payload[0] == number {
                return payload;
            }
            others.push(payload[0]);
        }
        panic!("no message {number} came, but {others:?}; the victim: {:?}", victim.ended);
    }

    /// Everything that the victim has said.
    pub(crate) fn everything(&mut self, victim: &mut Victim) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.receive(victim)).collect()
    }

    // --- key exchange ---

    /// Both KEXINITs.
    pub(crate) fn open(&mut self, victim: &mut Victim) {
        let offer = self.offer.payload();
        self.send(victim, &offer);
        self.until(victim, msg::KEXINIT);
    }

    /// As a client: one whole key exchange.
    pub(crate) fn exchange(&mut self, victim: &mut Victim) {
        self.open(victim);
        self.agree(victim);
        self.send(victim, &[msg::NEWKEYS]);
    }

    /// As a client, behind both KEXINITs: everything up to the victim's NEWKEYS.
    pub(crate) fn agree(&mut self, victim: &mut Victim) {
        let (private, public) = half();
        self.send(victim, &message(msg::KEX_INIT, |w| w.string(&public)));
        let reply = self.until(victim, msg::KEX_REPLY);
        let mut r = Reader::new(&reply[1..]);
        let (host_key, theirs) = (r.string().unwrap(), r.string().unwrap());
        let shared = secret(&private, theirs);
        self.derive(host_key, [&public, theirs], &shared);
        self.until(victim, msg::NEWKEYS);
    }

    /// As a server: one whole key exchange.
    pub(crate) fn host(&mut self, victim: &mut Victim, proof: &Proof<'_>) {
        self.open(victim);
        self.prove(victim, proof);
        self.send(victim, &[msg::NEWKEYS]);
        if victim.ended.is_none() {
            self.until(victim, msg::NEWKEYS);
        }
    }

    /// As a server, behind both KEXINITs: the answer to the client's public value.
    pub(crate) fn prove(&mut self, victim: &mut Victim, proof: &Proof<'_>) {
        let init = self.until(victim, msg::KEX_INIT);
        let theirs = Reader::new(&init[1..]).string().unwrap();
        let (private, public) = half();
        let shared = secret(&private, theirs);
        let hash = self.derive(&proof.blob, [theirs, &public], &shared);
        let signature = (proof.sign)(&hash);
        let reply = message(msg::KEX_REPLY, |w| w.string(&proof.blob).string(&public).string(&signature));
        self.send(victim, &reply);
    }

    /// The exchange hash; the keys wait for NEWKEYS.
    fn derive(&mut self, host_key: &[u8], publics: [&[u8]; 2], shared: &[u8]) -> Vec<u8> {
        let (ours, theirs) = ((VERSION, &*self.ours), (&*self.victim_version, &*self.theirs));
        let (client, server) = if self.role == Role::Client { (ours, theirs) } else { (theirs, ours) };
        let transcript = fields(|w| {
            w.string(client.0).string(server.0).string(client.1).string(server.1);
            w.string(host_key).string(publics[0]).string(publics[1]).bytes(shared)
        });
        let hash = digest(&SHA256, &transcript).as_ref().to_vec();
        if self.session_id.is_empty() {
            self.session_id.clone_from(&hash);
        }
        let secret = Secret { shared, hash: &hash, session_id: &self.session_id };
        let suite = self.offer.suite();
        let (up, down) = (Seal::new(suite, &secret, *b"AC"), Seal::new(suite, &secret, *b"BD"));
        self.pending = Some(if self.role == Role::Client { (up, down) } else { (down, up) });
        hash
    }
}

fn half() -> (PrivateKey, Vec<u8>) {
    let private = PrivateKey::generate(&X25519).unwrap();
    let public = private.compute_public_key().unwrap().as_ref().to_vec();
    (private, public)
}

/// K, as it is hashed.
fn secret(private: &PrivateKey, theirs: &[u8]) -> Vec<u8> {
    let theirs = UnparsedPublicKey::new(&X25519, theirs);
    let encoded = |secret: &[u8]| Ok(fields(|w| w.mpint(secret)));
    agree(private, theirs, (), encoded).unwrap()
}
