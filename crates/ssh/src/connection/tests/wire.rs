//! What is sent is what is heard, and what is too long is not taken.

use super::*;
use crate::message::connection as msg;
use crate::wire::encode;

fn requests() -> Vec<Request> {
    let size = WindowSize { columns: 80, rows: 24, width: 640, height: 480 };
    vec![
        Request::Pty(Pty { term: b"xterm-256color".to_vec(), size, modes: vec![53, 0, 0, 0, 1, 0] }),
        Request::Env { name: b"LANG".to_vec(), value: b"C.UTF-8".to_vec() },
        Request::Env { name: b"\xff\xfe".to_vec(), value: vec![0; 1000] },
        Request::Shell,
        Request::Exec { command: b"echo '\xe2\x82\xac' \xff".to_vec() },
        Request::Subsystem { name: b"sftp".to_vec() },
        Request::WindowChange(size),
        Request::XonXoff { client_can_do: true },
        Request::Signal { name: "TERM".to_owned() },
        Request::Break { length_ms: 500 },
        Request::ExitStatus { status: u32::MAX },
        Request::ExitSignal {
            name: "SEGV".to_owned(),
            core_dumped: true,
            message: b"core".to_vec(),
            language: b"en".to_vec(),
        },
        Request::EndOfWrite,
        Request::AgentForward,
        Request::X11 { data: b"\x01\0\0\0\0".to_vec() },
        Request::Unknown { name: "new@example.com".to_owned(), data: b"anything".to_vec() },
    ]
}

/// Fails when a field is written in another order than it is read, or left out.
#[test]
fn requests_arrive_as_they_were_sent() {
    for request in requests() {
        for want in [WantReply::Yes, WantReply::No] {
            let (mut client, channel, mut server, number) = session();
            client.open().request(channel, &request, want).unwrap();
            let heard = server.hear(&mut client).unwrap();
            let [ConnectionEvent::Request { channel, request: same, reply }] = &heard[..] else { panic!("{heard:?}") };
            assert_eq!((*channel, same, reply.is_some()), (number, &request, want == WantReply::Yes));
        }
    }
}

#[test]
fn global_requests_arrive_as_they_were_sent() {
    let text = |text: &[u8]| text.to_vec();
    let requests = [
        (Role::Client, GlobalRequest::TcpipForward { host: text(b"0.0.0.0"), port: 0 }),
        (Role::Client, GlobalRequest::CancelTcpipForward { host: text(b"::1"), port: 65_535 }),
        (Role::Client, GlobalRequest::StreamlocalForward { path: text(b"/run/x") }),
        (Role::Client, GlobalRequest::CancelStreamlocalForward { path: text(b"/run/x") }),
        (Role::Server, GlobalRequest::HostKeys { keys: vec![text(b"one"), text(b"two")] }),
        (Role::Client, GlobalRequest::HostKeysProve { keys: vec![text(b"one")] }),
        (Role::Client, GlobalRequest::Unknown { name: "new@example.com".to_owned(), data: text(b"anything") }),
        (Role::Server, GlobalRequest::Unknown { name: "new@example.com".to_owned(), data: text(b"") }),
    ];
    for (role, request) in requests {
        let other = if role == Role::Client { Role::Server } else { Role::Client };
        let (mut asker, mut hearer) = (Peer::new(role), Peer::new(other));
        asker.open().global(&request, WantReply::Yes).unwrap();
        let heard = hearer.hear(&mut asker).unwrap();
        let [ConnectionEvent::Global { request: same, reply: Some(_) }] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(*same, request);
    }
}

/// A length that the field allows but nobody needs. Fails when a text is read without its bound.
#[test]
fn p9_values_have_bounds() {
    let request = |name: &str, fields: &[&[u8]]| {
        encode(|w| {
            w.u8(msg::CHANNEL_REQUEST).u32(0).string(name.as_bytes()).bool(false);
            for field in fields {
                w.string(field);
            }
        })
        .unwrap()
    };
    let long = vec![b'x'; 128 * 1024];
    let longer = vec![b'x'; 128 * 1024 + 1];
    for (payload, fits) in [
        (request("exec", &[&long]), true),
        (request("exec", &[&longer]), false),
        (request("subsystem", &[&longer]), false),
        (request("env", &[b"A", &longer]), false),
        (request("env", &[&longer, b"A"]), false),
        (request("signal", &[&[b'x'; 64]]), true),
        (request("signal", &[&[b'x'; 65]]), false),
        (request("signal", &[b"\xff"]), false),
    ] {
        let (_, _, mut server, _) = session();
        let outcome = server.connection.handle(&payload, &mut server.out);
        let refused = matches!(outcome, Err(Error::Malformed { .. }));
        assert_eq!(!refused, fits, "{:?}: {outcome:?}", &payload[..20]);
    }
    // Paths of sockets, addresses, and host keys have bounds of their own.
    let long = |count| vec![b'x'; count];
    for (request, fits) in [
        (GlobalRequest::StreamlocalForward { path: long(4096) }, true),
        (GlobalRequest::StreamlocalForward { path: long(4097) }, false),
        (GlobalRequest::TcpipForward { host: long(1024), port: 1 }, true),
        (GlobalRequest::TcpipForward { host: long(1025), port: 1 }, false),
        (GlobalRequest::HostKeysProve { keys: vec![long(1); 64] }, true),
        (GlobalRequest::HostKeysProve { keys: vec![long(1); 65] }, false),
    ] {
        let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
        client.open().global(&request, WantReply::No).unwrap();
        assert_eq!(server.hear(&mut client).is_ok(), fits, "{}", request.name());
    }
    let endpoint = |count| Endpoint { host: long(count), port: 1 };
    for (kind, fits) in [
        (ChannelKind::DirectStreamlocal { path: long(4096) }, true),
        (ChannelKind::DirectStreamlocal { path: long(4097) }, false),
        (ChannelKind::DirectTcpip { to: endpoint(1024), from: endpoint(0) }, true),
        (ChannelKind::DirectTcpip { to: endpoint(1025), from: endpoint(0) }, false),
        (ChannelKind::DirectTcpip { to: endpoint(0), from: endpoint(1025) }, false),
    ] {
        let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
        client.open().open(&kind).unwrap();
        assert_eq!(server.hear(&mut client).is_ok(), fits, "{}", kind.name());
    }
}
