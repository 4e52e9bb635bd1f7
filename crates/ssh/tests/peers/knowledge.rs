//! What a peer knows, as it says itself: its KEXINIT, which goes unencrypted (RFC 4253, section 7.1).
//!
//! Owns: reading it. Must not know: what we know.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use sallyport_ssh::message::transport;
use sallyport_ssh::wire::Reader;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::program::{soon, spawn};

/// The names that a peer lists.
pub(crate) struct Knowledge {
    /// Its version line.
    pub(crate) version: String,
    pub(crate) methods: BTreeSet<String>,
    pub(crate) host_keys: BTreeSet<String>,
    pub(crate) ciphers: BTreeSet<String>,
    pub(crate) macs: BTreeSet<String>,
}

/// Asks the server at an address.
pub(crate) async fn of_server(address: SocketAddr) -> Knowledge {
    let stream = TcpStream::connect(address).await.unwrap();
    soon("the server's KEXINIT", listen(stream)).await
}

/// Asks a client, which `command` connects to `listener`.
pub(crate) async fn of_client(listener: TcpListener, mut command: Command) -> Knowledge {
    let quiet = || std::process::Stdio::null();
    let mut child = spawn(command.stdin(quiet()).stdout(quiet()).stderr(quiet()));
    let (stream, _) = soon("the client's connection", listener.accept()).await.unwrap();
    let knowledge = soon("the client's KEXINIT", listen(stream)).await;
    let _ = child.kill().await;
    knowledge
}

/// Says a version and reads until the peer's KEXINIT.
pub(crate) async fn listen(stream: TcpStream) -> Knowledge {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"SSH-2.0-question\r\n").await.unwrap();
    let mut version = Vec::new();
    while !version.starts_with(b"SSH-") {
        version.clear();
        assert_ne!(stream.read_until(b'\n', &mut version).await.unwrap(), 0, "the peer hung up");
    }
    let length = usize::try_from(stream.read_u32().await.unwrap()).unwrap();
    assert!(length < 35_000, "not a packet");
    let mut packet = vec![0; length];
    stream.read_exact(&mut packet).await.unwrap();
    let mut reader = Reader::new(&packet[1..]);
    assert_eq!(reader.u8().unwrap(), transport::KEXINIT);
    reader.bytes(16).unwrap();
    let mut list = || reader.name_list().unwrap().iter().map(ToOwned::to_owned).collect::<BTreeSet<_>>();
    let (methods, host_keys, ciphers, _, macs) = (list(), list(), list(), list(), list());
    let version = String::from_utf8_lossy(&version).trim_end().to_owned();
    Knowledge { version, methods, host_keys, ciphers, macs }
}
