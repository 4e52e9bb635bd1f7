//! Writes again what was read, with another engine, as a gateway does that passes it on.
//!
//! Asserts: the bytes are the same. Where the encoding leaves a choice (booleans, fields that are reserved) they are those
//! of the plainest writing.

use sallyport_ssh::connection::{ChannelId, ChannelKind, ConnectionEvent, GlobalRequest, Request, WantReply};
use sallyport_ssh::engine::{Engine, Event};
use sallyport_ssh::message::connection as msg;
use sallyport_ssh::wire::{Reader, encode};

use super::super::rig;
use super::ledger::number;

/// An engine on which whatever is read somewhere else is written.
pub(super) struct Scribe {
    engine: Engine,
    channel: ChannelId,
}

impl Scribe {
    pub(super) fn new() -> Self {
        let (mut server, mut engine) = rig::keyed(None);
        rig::log_in(&mut server, &mut engine, rig::start());
        let channel = engine.open_phase().unwrap().open(&ChannelKind::Session).unwrap();
        rig::take(&mut engine);
        let mut this = Self { engine, channel };
        this.hear(msg::CHANNEL_OPEN_CONFIRMATION, &[0, 7, 0, 1024]);
        this
    }

    /// `came` is the CHANNEL_OPEN in which this kind was read.
    pub(super) fn check_kind(&mut self, kind: &ChannelKind, came: &[u8]) {
        let id = self.open().open(kind).unwrap();
        let written = self.written();
        let (name, body) = parts(&written, 3);
        let (came_name, came_body) = parts(came, 3);
        assert_eq!(name, came_name);
        match kind {
            ChannelKind::DirectStreamlocal { path } => {
                let plain = encode(|w| {
                    w.string(path).string(b"").u32(0);
                });
                assert_eq!(body, plain.unwrap());
            }
            ChannelKind::ForwardedStreamlocal { path } => {
                let plain = encode(|w| {
                    w.string(path).string(b"");
                });
                assert_eq!(body, plain.unwrap());
            }
            _ => assert_eq!(body, came_body, "{kind:?}"),
        }
        self.hear(msg::CHANNEL_OPEN_FAILURE, &[number(id), 2, 0, 0]);
    }

    /// `came` is the CHANNEL_REQUEST in which this request was read.
    pub(super) fn check_request(&mut self, request: &Request, came: &[u8]) {
        let channel = self.channel;
        self.open().request(channel, request, WantReply::No).unwrap();
        let written = self.written();
        let mut r = Reader::new(&came[5..]);
        let name = r.string().unwrap();
        r.bool().unwrap();
        let mut body = r.rest().to_vec();
        match request {
            Request::XonXoff { client_can_do } => body = vec![u8::from(*client_can_do)],
            Request::ExitSignal { name, core_dumped, .. } => body[4 + name.len()] = u8::from(*core_dumped),
            _ => {}
        }
        let mut w = Reader::new(&written[5..]);
        assert_eq!(w.string().unwrap(), name);
        assert!(!w.bool().unwrap());
        assert_eq!(w.rest(), body, "{request:?}");
    }

    /// `came` is the GLOBAL_REQUEST in which this request was read.
    pub(super) fn check_global(&mut self, request: &GlobalRequest, came: &[u8]) {
        self.open().global(request, WantReply::No).unwrap();
        let written = self.written();
        let (mut w, mut r) = (Reader::new(&written[1..]), Reader::new(&came[1..]));
        assert_eq!(w.string(), r.string());
        assert!(!w.bool().unwrap());
        r.bool().unwrap();
        assert_eq!(w.rest(), r.rest(), "{request:?}");
    }

    fn open(&mut self) -> sallyport_ssh::connection::Open<'_> {
        self.engine.open_phase().unwrap()
    }

    /// The only message that was written. Rekeying is left undone: a new scribe is cheaper.
    fn written(&mut self) -> Vec<u8> {
        let mut payloads = rig::Output::default().take(&mut self.engine);
        assert_eq!(payloads.len(), 1);
        payloads.remove(0)
    }

    fn hear(&mut self, number: u8, fields: &[u32]) {
        let payload = encode(|w| {
            w.u8(number);
            for field in fields {
                w.u32(*field);
            }
        });
        rig::feed(&mut self.engine, &rig::packet(&payload.unwrap()), rig::start());
        while let Some(event) = self.engine.next_event(rig::start()) {
            assert!(matches!(
                event,
                Event::Connection(ConnectionEvent::Opened { .. } | ConnectionEvent::OpenFailed { .. })
            ));
        }
    }
}

/// The name in a CHANNEL_OPEN, and what follows `numbers` numbers behind it.
fn parts(payload: &[u8], numbers: usize) -> (&[u8], &[u8]) {
    let mut r = Reader::new(&payload[1..]);
    let name = r.string().unwrap();
    r.bytes(4 * numbers).unwrap();
    (name, r.rest())
}
