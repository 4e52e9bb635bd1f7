//! The key exchange against programs that others wrote, in both roles: OpenSSH, and paramiko for ML-KEM.
//!
//! Everything up to SSH_MSG_NEWKEYS goes unencrypted, so this needs no more of the engine than what it is about. As a
//! client, the server's signature over our exchange hash proves that both sides hashed and computed the same; as a server,
//! it is that the peer, which checks the same, goes on to SSH_MSG_NEWKEYS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test may panic: that is how it fails"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, io, process};

use sallyport_ssh::kex::{
    HostKeyAlgorithm, Initiator, KexInit, Method, Phase, Preferences, Transcript, exchange_hash, negotiate, respond,
};
use sallyport_ssh::key::{Presented, SignatureAlgorithm, SigningKey};
use sallyport_ssh::message::transport;
use sallyport_ssh::role::Role;
use sallyport_ssh::wire::{Reader, encode};

const OUR_VERSION: &[u8] = b"SSH-2.0-sallyport_test";
const PATIENCE: Duration = Duration::from_secs(30);

/// What OpenSSH 9.2 knows. Newer ones know ML-KEM, too.
const OPENSSH: [Method; 6] = [
    Method::Sntrup761X25519,
    Method::Curve25519,
    Method::EcdhP256,
    Method::EcdhP384,
    Method::DhGroup14,
    Method::DhGroup16,
];

/// By the names under which paramiko knows them.
const PARAMIKO: [(Method, &str); 2] =
    [(Method::MlKem768X25519, "mlkem768x25519-sha256"), (Method::Curve25519, "curve25519-sha256@libssh.org")];

#[test]
fn openssh_as_server_signs_what_we_hash() {
    let directory = Directory::new("sshd");
    let key = directory.host_key();
    for method in OPENSSH {
        for name in method.names() {
            let mut sshd = Program::start(
                Command::new(installed("sshd"))
                    .args(["-i", "-e", "-f", "/dev/null", "-o", "PidFile=none"])
                    .arg("-h")
                    .arg(&key)
                    .args(["-o", &format!("KexAlgorithms={name}")])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped()),
            );
            let (output, input) = (sshd.0.stdin.take().unwrap(), sshd.0.stdout.take().unwrap());
            let algorithm = as_client(Connection::new(input, output), method);
            assert_eq!(algorithm, SignatureAlgorithm::Ed25519, "{name}");
            sshd.wait_for_end();
        }
    }
}

#[test]
fn openssh_as_client_takes_our_answer() {
    for method in [Method::Sntrup761X25519, Method::Curve25519] {
        for name in method.names() {
            let message = to_openssh_client(method, name, Signed::ExchangeHash);
            assert_eq!(message, Some(transport::NEWKEYS), "{name}");
        }
    }
}

/// The test above can fail: the client looks at the signature.
#[test]
fn openssh_as_client_refuses_a_signature_over_something_else() {
    let message = to_openssh_client(Method::Curve25519, "curve25519-sha256", Signed::SomethingElse);
    assert_ne!(message, Some(transport::NEWKEYS));
}

#[test]
fn paramiko_as_server_signs_what_we_hash() {
    let server = "
import paramiko, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
transport = paramiko.Transport(listener.accept()[0])
transport.add_server_key(paramiko.ECDSAKey.generate())
transport.get_security_options().kex = (sys.argv[1],)
transport.start_server(server=paramiko.ServerInterface())
";
    for (method, name) in PARAMIKO {
        let mut paramiko = Program::start(python(server).arg(name).stdout(Stdio::piped()));
        let mut port = String::new();
        BufReader::new(paramiko.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let address = ("127.0.0.1", port.trim().parse().unwrap());
        let algorithm = as_client(Connection::over(TcpStream::connect(address).unwrap()), method);
        assert_eq!(algorithm, SignatureAlgorithm::EcdsaSha2Nistp256, "{method:?}");
    }
}

#[test]
fn paramiko_as_client_takes_our_answer() {
    let client = "
import paramiko, socket, sys
transport = paramiko.Transport(socket.create_connection(('127.0.0.1', int(sys.argv[2]))))
transport.get_security_options().kex = (sys.argv[1],)
transport.start_client(timeout=30)
";
    for (method, name) in PARAMIKO {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let _paramiko = Program::start(python(client).args([name, &port]));
        let connection = Connection::over(listener.accept().unwrap().0);
        let key = SigningKey::generate().unwrap();
        let message = as_server(connection, method, &key, Signed::ExchangeHash);
        assert_eq!(message, Some(transport::NEWKEYS), "{method:?}");
    }
}

/// What stands in the signature of our answer.
#[derive(Clone, Copy, PartialEq)]
enum Signed {
    ExchangeHash,
    SomethingElse,
}

fn to_openssh_client(method: Method, name: &str, signed: Signed) -> Option<u8> {
    let directory = Directory::new("ssh");
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let key = SigningKey::generate().unwrap();
    let known_hosts = directory.0.join("known_hosts");
    let line = format!("[127.0.0.1]:{port} {}\n", key.public_key().to_openssh());
    fs::write(&known_hosts, line).unwrap();
    let _ssh = Program::start(
        Command::new(installed("ssh"))
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"])
            .args(["-o", &format!("UserKnownHostsFile={}", known_hosts.display())])
            .args(["-o", "GlobalKnownHostsFile=none", "-o", &format!("KexAlgorithms={name}")])
            .args(["-p", &port.to_string(), "user@127.0.0.1", "true"])
            .stdin(Stdio::null()),
    );
    as_server(Connection::over(listener.accept().unwrap().0), method, &key, signed)
}

/// Does a key exchange as the client, checks the host's signature, and answers how it was made.
fn as_client(mut connection: Connection, method: Method) -> SignatureAlgorithm {
    let preferences = Preferences { methods: vec![method], ..Preferences::client_legacy() };
    let (their_version, ours, theirs) = connection.begin(Role::Client, &preferences);
    let agreed = negotiate(Role::Client, &ours, &theirs, &preferences).unwrap();
    assert_eq!(agreed.method, method);

    let (initiator, client_public) = Initiator::start(method).unwrap();
    let init = encode(|writer| {
        writer.u8(transport::KEX_INIT).string(&client_public);
    });
    connection.write_packet(&init.unwrap());
    let reply = connection.read_packet().expect("an answer");
    let mut reader = Reader::new(&reply);
    assert_eq!(reader.u8().unwrap(), transport::KEX_REPLY);
    let host_key = reader.string().unwrap();
    let server_public = reader.string().unwrap();
    let signature = reader.string().unwrap();

    let secret = initiator.finish(server_public).unwrap();
    let transcript = Transcript {
        client_version: OUR_VERSION,
        server_version: &their_version,
        client_kexinit: ours.payload(),
        server_kexinit: theirs.payload(),
        host_key,
        client_public: &client_public,
        server_public,
    };
    let hash = exchange_hash(method.hash(), &transcript, &secret).unwrap();
    let presented = Presented::from_blob(host_key).unwrap();
    let verified = presented.key().verify(&hash, signature).expect("the signature verifies");
    verified.algorithm
}

/// Does a key exchange as the server and answers the number of the message with which the client goes on, if it does.
fn as_server(mut connection: Connection, method: Method, key: &SigningKey, signed: Signed) -> Option<u8> {
    let host_keys = vec![HostKeyAlgorithm::plain(SignatureAlgorithm::Ed25519)];
    let preferences = Preferences { methods: vec![method], ..Preferences::server(host_keys) };
    let (their_version, ours, theirs) = connection.begin(Role::Server, &preferences);
    let agreed = negotiate(Role::Server, &ours, &theirs, &preferences).unwrap();
    assert_eq!(agreed.method, method);

    let init = connection.read_packet().expect("the client's public value");
    let mut reader = Reader::new(&init);
    assert_eq!(reader.u8().unwrap(), transport::KEX_INIT);
    let client_public = reader.string().unwrap();
    let (server_public, secret) = respond(method, client_public).unwrap();
    let transcript = Transcript {
        client_version: &their_version,
        server_version: OUR_VERSION,
        client_kexinit: theirs.payload(),
        server_kexinit: ours.payload(),
        host_key: key.public_key().blob(),
        client_public,
        server_public: &server_public,
    };
    let mut hash = exchange_hash(method.hash(), &transcript, &secret).unwrap();
    if signed == Signed::SomethingElse {
        hash[0] ^= 1;
    }
    let reply = encode(|writer| {
        writer.u8(transport::KEX_REPLY).string(key.public_key().blob());
        writer.string(&server_public).string(&key.sign(&hash));
    });
    connection.write_packet(&reply.unwrap());
    connection.read_packet().map(|packet| packet[0])
}

/// An unencrypted connection (RFC 4253, section 6).
struct Connection {
    input: Box<dyn BufRead>,
    output: Box<dyn Write>,
}

impl Connection {
    fn new(input: impl Read + 'static, output: impl Write + 'static) -> Self {
        Self { input: Box::new(BufReader::new(input)), output: Box::new(output) }
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self::new(stream.try_clone().unwrap(), stream)
    }

    /// Exchanges versions and KEXINITs, and answers the peer's version, our KEXINIT and the peer's.
    fn begin(&mut self, role: Role, preferences: &Preferences) -> (Vec<u8>, KexInit, KexInit) {
        self.output.write_all(&[OUR_VERSION, b"\r\n"].concat()).unwrap();
        let mut version = Vec::new();
        self.input.read_until(b'\n', &mut version).unwrap();
        let version = version.trim_ascii_end().to_vec();
        assert!(version.starts_with(b"SSH-2.0-"), "{}", version.escape_ascii());
        let ours = KexInit::ours(role, preferences, Phase::Initial, [0x5a; 16]).unwrap();
        self.write_packet(ours.payload());
        let theirs = KexInit::parse(&self.read_packet().expect("a KEXINIT")).unwrap();
        (version, ours, theirs)
    }

    fn write_packet(&mut self, payload: &[u8]) {
        let padding = 4 + (16 - (payload.len() + 1 + 4 + 4) % 8) % 8;
        let packet = encode(|writer| {
            writer.u32(u32::try_from(1 + payload.len() + padding).unwrap());
            writer.u8(u8::try_from(padding).unwrap()).bytes(payload).bytes(&vec![0; padding]);
        });
        self.output.write_all(&packet.unwrap()).unwrap();
        self.output.flush().unwrap();
    }

    /// The next payload, or nothing if the peer has hung up.
    fn read_packet(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        match self.input.read_exact(&mut length) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionReset => return None,
            Err(cause) => panic!("{cause}"),
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
        assert!(length < 100_000, "no plain packet");
        let mut packet = vec![0; length];
        self.input.read_exact(&mut packet).unwrap();
        let padding = usize::from(packet[0]);
        Some(packet[1..length - padding].to_vec())
    }
}

/// A program that ends with the test.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        let program = command.stderr(Stdio::null()).spawn();
        Self(program.unwrap_or_else(|cause| panic!("{command:?}: {cause}")))
    }
}

impl Program {
    /// For a program that ends because the connection did. Killing sshd would leave the process that it keeps for a client
    /// that has not signed in.
    fn wait_for_end(mut self) {
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The interpreter that `./test` has prepared, running `script`.
fn python(script: &str) -> Command {
    let python = env::var_os("SALLYPORT_TEST_PYTHON").expect("SALLYPORT_TEST_PYTHON: run ./test, which sets it");
    let mut command = Command::new(python);
    command.args(["-c", script]);
    command
}

/// Where a program is. `sshd` insists on being called by its whole path.
fn installed(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    let found = env::split_paths(&path).chain(system).map(|directory| directory.join(program));
    let mut found = found.filter(|candidate| candidate.is_file());
    found.next().unwrap_or_else(|| panic!("{program} is not installed: run ./test, which brings it"))
}

/// A directory that ends with the test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let mut number = 0;
        loop {
            let path = path.join(format!("key_exchange-{name}-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(cause) => panic!("{}: {cause}", path.display()),
            }
        }
    }

    fn host_key(&self) -> PathBuf {
        let path = self.0.join("host_key");
        let made = Command::new(installed("ssh-keygen"))
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
