//! Who may ask for what.

use super::*;

fn endpoint(port: u32) -> Endpoint {
    Endpoint { host: b"localhost".to_vec(), port }
}

fn kinds() -> Vec<(ChannelKind, Option<Role>)> {
    vec![
        (ChannelKind::Session, Some(Role::Client)),
        (ChannelKind::DirectTcpip { to: endpoint(1), from: endpoint(2) }, Some(Role::Client)),
        (ChannelKind::DirectStreamlocal { path: b"/x".to_vec() }, Some(Role::Client)),
        (ChannelKind::ForwardedTcpip { listening: endpoint(1), from: endpoint(2) }, Some(Role::Server)),
        (ChannelKind::ForwardedStreamlocal { path: b"/x".to_vec() }, Some(Role::Server)),
        (ChannelKind::Agent, Some(Role::Server)),
        (ChannelKind::X11 { from: endpoint(2) }, Some(Role::Server)),
        (ChannelKind::Unknown { name: "x@y".to_owned(), data: b"z".to_vec() }, None),
    ]
}

/// What the asker hears, and whether the other's user heard of it.
fn ask(asker: &mut Peer, other: &mut Peer, kind: &ChannelKind) -> (Option<OpenFailure>, bool) {
    let channel = asker.open().open(kind).unwrap();
    let mut heard = false;
    for event in other.hear(asker).unwrap() {
        let ConnectionEvent::Offer(offer) = event else { continue };
        assert_eq!(offer.kind, *kind);
        heard = true;
        other.open().accept(offer).unwrap();
    }
    match asker.hear(other).unwrap().pop() {
        Some(ConnectionEvent::Opened { channel: opened }) if opened == channel => (None, heard),
        Some(ConnectionEvent::OpenFailed { channel: refused, failure, text }) if refused == channel => {
            assert!(!text.is_empty(), "refused without a word");
            (Some(failure), heard)
        }
        other => panic!("{other:?}"),
    }
}

/// RFC 4254, sections 6.1 and 7.2: a server opens no sessions, a client no forwarded channels. Fails when `objection` does not
/// ask who opens.
#[test]
fn p3_channels_of_the_wrong_direction_reach_nobody() {
    for (kind, opener) in kinds() {
        for role in [Role::Client, Role::Server] {
            let (mut asker, mut other) = match role {
                Role::Client => (Peer::new(Role::Client), Peer::new(Role::Server)),
                Role::Server => (Peer::new(Role::Server), Peer::new(Role::Client)),
            };
            allow_forwards(&mut asker, &mut other);
            let (refused, heard) = ask(&mut asker, &mut other, &kind);
            let may = opener.is_none_or(|opener| opener == role);
            assert_eq!((refused.is_none(), heard), (may, may), "{} by the {role:?}", kind.name());
            if !may {
                assert_eq!(refused, Some(OpenFailure::ADMINISTRATIVELY_PROHIBITED));
            }
        }
    }
}

/// The client has asked for what [`kinds`] are forwards of.
fn allow_forwards(one: &mut Peer, other: &mut Peer) {
    let (client, server) = if one.connection.role == Role::Client { (one, other) } else { (other, one) };
    forward(client, server, &GlobalRequest::TcpipForward { host: b"".to_vec(), port: 1 }, Outcome::Success, b"");
    forward(client, server, &GlobalRequest::StreamlocalForward { path: b"/x".to_vec() }, Outcome::Success, b"");
}

/// Asks for a forward, and answers it.
fn forward(client: &mut Peer, server: &mut Peer, request: &GlobalRequest, outcome: Outcome, body: &[u8]) {
    client.open().global(request, WantReply::Yes).unwrap();
    for event in server.hear(client).unwrap() {
        let ConnectionEvent::Global { reply: Some(token), .. } = event else { panic!("{event:?}") };
        server.open().reply_global(token, outcome, body).unwrap();
    }
    assert_eq!(client.hear(server).unwrap().len(), 1);
}

fn forwarded(port: u32) -> ChannelKind {
    ChannelKind::ForwardedTcpip { listening: endpoint(port), from: endpoint(2) }
}

fn is_let_in(client: &mut Peer, server: &mut Peer, kind: &ChannelKind) -> bool {
    let (refused, heard) = ask(server, client, kind);
    assert_eq!(refused.is_none(), heard);
    heard
}

/// RFC 4254, section 7.2. Fails when `objection` does not look at what was asked for.
#[test]
fn p3_forwards_that_were_never_asked_for_are_refused() {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    let tcp = |port| GlobalRequest::TcpipForward { host: b"localhost".to_vec(), port };
    assert!(!is_let_in(&mut client, &mut server, &forwarded(8080)), "nothing was asked for");
    forward(&mut client, &mut server, &tcp(8080), Outcome::Failure, b"");
    assert!(!is_let_in(&mut client, &mut server, &forwarded(8080)), "it was refused");
    forward(&mut client, &mut server, &tcp(8080), Outcome::Success, b"");
    assert!(is_let_in(&mut client, &mut server, &forwarded(8080)));
    assert!(!is_let_in(&mut client, &mut server, &forwarded(8081)), "another port");

    let unix = |path: &[u8]| ChannelKind::ForwardedStreamlocal { path: path.to_vec() };
    assert!(!is_let_in(&mut client, &mut server, &unix(b"/run/a")));
    let request = GlobalRequest::StreamlocalForward { path: b"/run/a".to_vec() };
    forward(&mut client, &mut server, &request, Outcome::Success, b"");
    assert!(is_let_in(&mut client, &mut server, &unix(b"/run/a")));
    assert!(!is_let_in(&mut client, &mut server, &unix(b"/run/ab")), "another path");
    let cancel = GlobalRequest::CancelStreamlocalForward { path: b"/run/a".to_vec() };
    forward(&mut client, &mut server, &cancel, Outcome::Success, b"");
    assert!(!is_let_in(&mut client, &mut server, &unix(b"/run/a")), "cancelled");
}

/// Port 0 asks the server to choose (RFC 4254, section 7.1). Fails when `with_chosen_port` does not read the answer.
#[test]
fn a_port_that_the_server_chose_is_the_one_that_counts() {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    let any = GlobalRequest::TcpipForward { host: b"".to_vec(), port: 0 };
    forward(&mut client, &mut server, &any, Outcome::Success, &40_001_u32.to_be_bytes());
    assert!(!is_let_in(&mut client, &mut server, &forwarded(0)));
    assert!(is_let_in(&mut client, &mut server, &forwarded(40_001)));
    let cancel = GlobalRequest::CancelTcpipForward { host: b"".to_vec(), port: 40_001 };
    forward(&mut client, &mut server, &cancel, Outcome::Success, b"");
    assert!(!is_let_in(&mut client, &mut server, &forwarded(40_001)), "cancelled");
    // A server that chooses no port has not understood.
    client.open().global(&any, WantReply::Yes).unwrap();
    let answer = client.connection.handle(&[crate::message::connection::REQUEST_SUCCESS], &mut client.out);
    assert!(matches!(answer, Err(Error::Malformed { .. })), "{answer:?}");
}

/// Two addresses with the same port are two forwards. Fails when one cancel forgets both.
#[test]
fn a_cancel_forgets_one_forward() {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    for host in [&b"127.0.0.1"[..], b"10.0.0.1"] {
        let request = GlobalRequest::TcpipForward { host: host.to_vec(), port: 8080 };
        forward(&mut client, &mut server, &request, Outcome::Success, b"");
    }
    let cancel = |host: &[u8]| GlobalRequest::CancelTcpipForward { host: host.to_vec(), port: 8080 };
    forward(&mut client, &mut server, &cancel(b"127.0.0.1"), Outcome::Success, b"");
    assert!(is_let_in(&mut client, &mut server, &forwarded(8080)), "the other address still listens");
    forward(&mut client, &mut server, &cancel(b"10.0.0.1"), Outcome::Success, b"");
    assert!(!is_let_in(&mut client, &mut server, &forwarded(8080)));
}

/// What a client remembers of its forwards is bounded, whatever a server agrees to.
#[test]
fn forwards_are_bounded() {
    let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
    let request = |at: u32| GlobalRequest::StreamlocalForward { path: format!("/run/{at}").into_bytes() };
    let mut agreed = 0;
    let refused = loop {
        match client.open().global(&request(agreed), WantReply::Yes) {
            Ok(_) => {}
            Err(error) => break error,
        }
        for event in server.hear(&mut client).unwrap() {
            let ConnectionEvent::Global { reply: Some(token), .. } = event else { panic!("{event:?}") };
            server.open().reply_global(token, Outcome::Success, b"").unwrap();
        }
        client.hear(&mut server).unwrap();
        agreed += 1;
        assert!(agreed <= 10_000, "no end");
    };
    assert_eq!(refused, Error::Limit("too many forwards on one connection"));
    assert!(agreed >= 100, "only {agreed} forwards");
    // One that goes makes room for another.
    client.open().global(&GlobalRequest::CancelStreamlocalForward { path: b"/run/0".to_vec() }, WantReply::No).unwrap();
    client.open().global(&request(agreed), WantReply::Yes).unwrap();
}

/// OpenSSH PROTOCOL, section 2.2. Fails when `own_answer` does not remember it, or `objection` does not ask.
#[test]
fn p3_after_no_more_sessions_there_are_no_more() {
    for want in [WantReply::Yes, WantReply::No] {
        let (mut client, mut server) = (Peer::new(Role::Client), Peer::new(Role::Server));
        assert_eq!(ask(&mut client, &mut server, &ChannelKind::Session), (None, true));
        client.open().global(&GlobalRequest::NoMoreSessions, want).unwrap();
        let told = ConnectionEvent::Global { request: GlobalRequest::NoMoreSessions, reply: None };
        assert_eq!(server.hear(&mut client).unwrap(), [told], "a gateway passes it on");
        assert_eq!(client.hear(&mut server).unwrap().len(), usize::from(want == WantReply::Yes));
        let refused = (Some(OpenFailure::ADMINISTRATIVELY_PROHIBITED), false);
        assert_eq!(ask(&mut client, &mut server, &ChannelKind::Session), refused);
        let direct = ChannelKind::DirectStreamlocal { path: b"/x".to_vec() };
        assert_eq!(ask(&mut client, &mut server, &direct), (None, true), "other kinds go on");
    }
}

/// Requests that only the other role may make are answered with a failure, and nobody hears of them.
#[test]
fn p3_requests_of_the_wrong_direction_reach_nobody() {
    let host = || b"".to_vec();
    let of_clients = [
        GlobalRequest::TcpipForward { host: host(), port: 1 },
        GlobalRequest::CancelTcpipForward { host: host(), port: 1 },
        GlobalRequest::StreamlocalForward { path: host() },
        GlobalRequest::CancelStreamlocalForward { path: host() },
        GlobalRequest::HostKeysProve { keys: vec![host()] },
        GlobalRequest::NoMoreSessions,
    ];
    let of_servers = [GlobalRequest::HostKeys { keys: vec![host()] }];
    for (role, requests) in [(Role::Server, &of_clients[..]), (Role::Client, &of_servers[..])] {
        for request in requests {
            let other = if role == Role::Server { Role::Client } else { Role::Server };
            let (mut asker, mut hearer) = (Peer::new(role), Peer::new(other));
            asker.open().global(request, WantReply::Yes).unwrap();
            assert_eq!(hearer.hear(&mut asker).unwrap(), [], "{} by a {role:?}", request.name());
            let answers = asker.hear(&mut hearer).unwrap();
            assert!(matches!(answers[..], [ConnectionEvent::GlobalReply { outcome: Outcome::Failure, .. }]));
        }
    }
}

/// Fails when the limit is looked at in one direction only, or when a channel that is offered counts for nothing.
#[test]
fn channels_are_bounded_in_both_directions_together() {
    let mut server = Peer::new(Role::Server);
    let channels_max = 4;
    let limits = ConnectionLimits { channels_max, ..ConnectionLimits::default() };
    server.connection = Connection::new(Role::Server, limits);
    let mut client = Peer::new(Role::Client);
    let mut kept = Vec::new();
    for _ in 0..2 {
        server.open().open(&ChannelKind::Agent).unwrap();
        client.open().open(&ChannelKind::Session).unwrap();
    }
    kept.extend(server.hear(&mut client).unwrap());
    assert_eq!(kept.len(), 2);
    let refused = Err(Error::Limit("too many channels on one connection"));
    assert_eq!(server.open().open(&ChannelKind::Agent), refused);
    let (failure, heard) = {
        server.out.sent(server.out.unsent().len());
        ask(&mut client, &mut server, &ChannelKind::Session)
    };
    assert_eq!((failure, heard), (Some(OpenFailure::RESOURCE_SHORTAGE), false));
    // One that is refused makes room.
    let Some(ConnectionEvent::Offer(offer)) = kept.pop() else { panic!("no offer") };
    server.open().refuse(offer, OpenFailure::CONNECT_FAILED, "no").unwrap();
    assert!(server.open().open(&ChannelKind::Agent).is_ok());
}
