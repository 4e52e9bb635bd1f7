//! The binary packet protocol under every cipher (RFC 4253, section 6): packets that are sealed properly, then bent.
//!
//! Asserts: exactly the packets that end before the first changed byte arrive, in order and unchanged; nothing that was changed,
//! and nothing behind it, does. Without a cipher, where anything can be forged: no panic, and bounded memory.

use sallyport_ssh::cipher::{Cipher, Mac};
use sallyport_ssh::connection::{ConnectionEvent, GlobalRequest};
use sallyport_ssh::engine::{Engine, Event, Phase};
use sallyport_ssh::message::connection::GLOBAL_REQUEST;
use sallyport_ssh::time::Now;
use sallyport_ssh::wire::encode;

use super::input::Input;
use super::rig;

const CIPHERS: [Option<Cipher>; 8] = [
    None,
    Some(Cipher::Aes128Gcm),
    Some(Cipher::Aes256Gcm),
    Some(Cipher::ChaCha20Poly1305),
    Some(Cipher::Aes128Ctr(Mac::HmacSha256Etm)),
    Some(Cipher::Aes128Ctr(Mac::HmacSha512Etm)),
    Some(Cipher::Aes256Ctr(Mac::HmacSha256Etm)),
    Some(Cipher::Aes256Ctr(Mac::HmacSha512Etm)),
];
/// The name of the request that carries what is sent.
const NAME: &str = "fuzz@sallyport";
const STEPS_MAX: usize = 64;

/// First byte: cipher. Second: how the bytes are cut. Then steps: seal a message, change a byte, add bytes, take some away.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let cipher = CIPHERS[usize::from(input.choice()) % CIPHERS.len()];
    let cut = 1 + usize::from(input.choice());
    let now = rig::start();
    let (mut server, mut client) = rig::keyed(cipher);
    rig::log_in(&mut server, &mut client, now);
    let mut stream = Stream::default();
    for _ in 0..STEPS_MAX {
        let Some(step) = input.byte() else { break };
        match step % 4 {
            0 => stream.seal(&mut client, input.chunk()),
            1 => stream.change(input.number(), input.choice()),
            2 => stream.bent.extend_from_slice(input.chunk()),
            _ => stream.bent.truncate(stream.bent.len().saturating_sub(input.number())),
        }
    }
    let arrived = deliver(&mut server, &stream.bent, cut, now);
    if cipher.is_some() {
        assert_eq!(arrived, stream.unharmed(), "what arrives is what was sent, up to the first change");
    }
}

/// What was sealed, and what became of it.
#[derive(Default)]
struct Stream {
    sealed: Vec<u8>,
    bent: Vec<u8>,
    /// Each message with the place in `sealed` where its packet ends.
    messages: Vec<(Vec<u8>, usize)>,
}

impl Stream {
    fn seal(&mut self, client: &mut Engine, message: &[u8]) {
        let payload = encode(|w| {
            w.u8(GLOBAL_REQUEST).string(NAME.as_bytes()).bool(false).bytes(message);
        });
        client.danger_say(&payload.unwrap()).unwrap();
        let bytes = rig::take(client);
        self.sealed.extend_from_slice(&bytes);
        self.bent.extend_from_slice(&bytes);
        self.messages.push((message.to_vec(), self.sealed.len()));
    }

    fn change(&mut self, place: usize, mask: u8) {
        if let Some(byte) = self.bent.get_mut(place) {
            *byte ^= mask;
        }
    }

    /// The messages whose packets lie before the first difference.
    fn unharmed(&self) -> Vec<Vec<u8>> {
        let same = self.sealed.iter().zip(&self.bent).take_while(|(sealed, bent)| sealed == bent).count();
        let before = self.messages.iter().take_while(|(_, end)| *end <= same);
        before.map(|(message, _)| message.clone()).collect()
    }
}

fn deliver(server: &mut Engine, bytes: &[u8], cut: usize, now: Now) -> Vec<Vec<u8>> {
    let mut arrived = Vec::new();
    for piece in bytes.chunks(cut) {
        if matches!(server.phase(), Phase::Ended(_)) {
            break;
        }
        rig::feed(server, piece, now);
        while let Some(event) = server.next_event(now) {
            if let Event::Connection(ConnectionEvent::Global { request: GlobalRequest::Unknown { name, data }, .. }) =
                event
                && name == NAME
            {
                arrived.push(data);
            }
        }
        rig::check(server);
    }
    arrived
}
