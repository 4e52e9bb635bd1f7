//! OpenSSH's `ssh-keygen` as a peer: what one side makes, the other reads and verifies.
//!
//! Owns: running the program in a directory of its own, which is removed in the end. A machine without it fails.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sallyport_ssh::entropy::{Entropy, SystemEntropy};
use sallyport_ssh::key::{
    Certificate, CertificateAttempt, CertificateDraft, CertificateKind, CertificatePolicy, KeyError, PublicKey,
    SigningKey, UserAuthorities,
};
use sallyport_ssh::wire::{Writer, encode};

use crate::at;
use crate::fixture::Envelope;

/// A directory that is there as long as the value.
struct Workshop(PathBuf);

impl Workshop {
    fn new() -> Self {
        let mut name = [0; 8];
        SystemEntropy.fill(&mut name).unwrap();
        let path = std::env::temp_dir().join(format!("sallyport-keygen-{:016x}", u64::from_be_bytes(name)));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A private key is read only by its owner, or ssh-keygen refuses it.
    fn write_secret(&self, name: &str, text: &str) {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Runs it with this on its standard input, and answers its standard output.
    fn keygen(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let mut child = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(&self.0)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ssh-keygen must be installed");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(String::from_utf8(output.stdout).unwrap()) } else { Err(errors) }
    }

    fn make(&self, name: &str, kind: &[&str]) {
        let arguments = [&["-q", "-N", "", "-C", "made here", "-f", name], kind].concat();
        self.keygen(&arguments, b"").unwrap();
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const KINDS: [&[&str]; 7] = [
    &["-t", "ed25519"],
    &["-t", "ecdsa", "-b", "256"],
    &["-t", "ecdsa", "-b", "384"],
    &["-t", "ecdsa", "-b", "521"],
    &["-t", "rsa", "-b", "2048"],
    &["-t", "rsa", "-b", "3072"],
    &["-t", "rsa", "-b", "4096"],
];

#[test]
fn signatures_of_fresh_keys_of_every_kind_verify() {
    let workshop = Workshop::new();
    for (number, kind) in KINDS.iter().enumerate() {
        let name = format!("key{number}");
        workshop.make(&name, kind);
        let key = PublicKey::from_openssh(&workshop.text(&format!("{name}.pub"))).unwrap();
        let listed = workshop.keygen(&["-l", "-f", &name], b"").unwrap();
        assert_eq!(listed.split(' ').nth(1).unwrap(), key.fingerprint());

        for message in [&b""[..], b"short", &vec![0x5a; 100_000]] {
            let armoured = workshop.keygen(&["-q", "-Y", "sign", "-f", &name, "-n", "test"], message).unwrap();
            let envelope = Envelope::read(&armoured);
            assert_eq!(envelope.key, key.blob());
            key.verify(&envelope.signed(message), &envelope.signature).unwrap();
            assert!(key.verify(&envelope.signed(b"another"), &envelope.signature).is_err());
        }
    }
}

#[test]
fn openssh_accepts_our_signatures_and_keys() {
    let workshop = Workshop::new();
    let key = SigningKey::generate().unwrap();
    workshop.write_secret("ours", &key.to_openssh("ours").unwrap());
    let public = workshop.keygen(&["-y", "-f", "ours"], b"").unwrap();
    assert_eq!(public.trim(), format!("{} ours", key.public_key().to_openssh()));

    fs::write(workshop.path("signers"), format!("me {}\n", key.public_key().to_openssh())).unwrap();
    let message = b"signed by us";
    fs::write(workshop.path("good"), armour(&key, message)).unwrap();
    let verify = ["-Y", "verify", "-f", "signers", "-I", "me", "-n", "test", "-s", "good"];
    assert!(workshop.keygen(&verify, message).unwrap().starts_with("Good \"test\" signature"));
    assert!(workshop.keygen(&verify, b"signed by nobody").is_err());
}

#[test]
fn private_keys_of_openssh_are_read_and_others_are_named() {
    let workshop = Workshop::new();
    for (number, kind) in KINDS.iter().enumerate() {
        let name = format!("key{number}");
        workshop.make(&name, kind);
        let public = PublicKey::from_openssh(&workshop.text(&format!("{name}.pub"))).unwrap();
        match SigningKey::from_openssh(&workshop.text(&name)) {
            Ok(key) => assert_eq!((number, key.public_key()), (0, &public)),
            Err(KeyError::NotEd25519(_)) => assert_ne!(number, 0),
            Err(other) => panic!("{kind:?}: {other}"),
        }
    }
    workshop.keygen(&["-q", "-t", "ed25519", "-N", "passphrase", "-f", "locked"], b"").unwrap();
    let refused = SigningKey::from_openssh(&workshop.text("locked")).err();
    assert_eq!(refused, Some(KeyError::Encrypted));
    workshop.keygen(&["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", "old"], b"").unwrap();
    let refused = SigningKey::from_openssh(&workshop.text("old")).err();
    assert!(matches!(refused, Some(KeyError::PrivateKey(_))));
}

#[test]
fn openssh_reads_in_our_certificates_what_we_wrote() {
    let workshop = Workshop::new();
    let authority = SigningKey::generate().unwrap();
    for (number, kind) in KINDS.iter().enumerate() {
        let name = format!("key{number}");
        workshop.make(&name, kind);
        let key = PublicKey::from_openssh(&workshop.text(&format!("{name}.pub"))).unwrap();
        let principals = vec!["alice".to_owned(), "b ob".to_owned()];
        let mut draft =
            CertificateDraft::new(key.clone(), CertificateKind::User, principals, 1_600_000_000, 1_700_000_000)
                .extension("permit-pty")
                .extension("no-touch-required")
                .force_command("uptime")
                .source_addresses(&["192.0.2.0/24".parse().unwrap(), "2001:db8::1".parse().unwrap()])
                .verify_required();
        draft.serial = 18_446_744_073_709_551_615;
        draft.key_id = "who and why".to_owned();
        let certificate = draft.issue(&authority, &mut SystemEntropy).unwrap();
        fs::write(workshop.path("issued-cert.pub"), format!("{}\n", certificate.to_openssh())).unwrap();

        let listed = workshop.keygen(&["-L", "-f", "issued-cert.pub"], b"").unwrap();
        let lines: Vec<&str> = listed.lines().map(str::trim).skip(1).collect();
        let expected = [
            format!("Type: {} user certificate", key.algorithm().certificate_name()),
            format!("Public key: {}-CERT {}", openssh_name(number), key.fingerprint()),
            format!("Signing CA: ED25519 {} (using ssh-ed25519)", authority.public_key().fingerprint()),
            "Key ID: \"who and why\"".to_owned(),
            "Serial: 18446744073709551615".to_owned(),
            "Valid: from 2020-09-13T12:26:40 to 2023-11-14T22:13:20".to_owned(),
            "Principals:".to_owned(),
            "alice".to_owned(),
            "b ob".to_owned(),
            "Critical Options:".to_owned(),
            "force-command uptime".to_owned(),
            "source-address 192.0.2.0/24,2001:db8::1/128".to_owned(),
            "verify-required".to_owned(),
            "Extensions:".to_owned(),
            "no-touch-required".to_owned(),
            "permit-pty".to_owned(),
        ];
        assert_eq!(lines, expected);
    }
}

#[test]
fn certificates_of_openssh_are_read_and_judged() {
    let workshop = Workshop::new();
    workshop.make("authority", &["-t", "rsa", "-b", "3072"]);
    let authority = PublicKey::from_openssh(&workshop.text("authority.pub")).unwrap();
    let policy = UserAuthorities::new(vec![authority.clone()]);
    for (number, kind) in KINDS.iter().enumerate() {
        let name = format!("key{number}");
        workshop.make(&name, kind);
        let public = format!("{name}.pub");
        let options = [
            "-n",
            "alice,bob",
            "-V",
            "20200913122640:20231114221320",
            "-O",
            "clear",
            "-O",
            "permit-pty",
            "-O",
            "force-command=id",
        ];
        let arguments =
            [&["-q", "-s", "authority", "-t", "rsa-sha2-256", "-I", "id", "-z", "9"], &options[..], &[&public]]
                .concat();
        workshop.keygen(&arguments, b"").unwrap();
        let certificate = Certificate::from_openssh(&workshop.text(&format!("{name}-cert.pub"))).unwrap();
        assert_eq!(*certificate.authority(), authority);
        assert_eq!((certificate.valid_after(), certificate.valid_before()), (1_600_000_000, 1_700_000_000));
        let attempt = CertificateAttempt { user: "bob", source: None, now: at(1_650_000_000) };
        let terms = policy.judge(&certificate, &attempt).unwrap();
        assert_eq!(terms.force_command.as_deref(), Some("id"));
        assert_eq!(terms.extensions, ["permit-pty"]);
    }
}

fn openssh_name(number: usize) -> &'static str {
    ["ED25519", "ECDSA", "ECDSA", "ECDSA", "RSA", "RSA", "RSA"][number]
}

/// A signature file of ours (OpenSSH PROTOCOL.sshsig) in the namespace `test`.
fn armour(key: &SigningKey, message: &[u8]) -> String {
    use aws_lc_rs::digest;
    use base64ct::{Base64, Encoding};
    let hashed = digest::digest(&digest::SHA512, message);
    let signed = encode(|w| {
        w.bytes(b"SSHSIG").string(b"test").string(b"").string(b"sha512").string(hashed.as_ref());
    });
    let mut blob = Vec::new();
    Writer::new(&mut blob)
        .bytes(b"SSHSIG")
        .u32(1)
        .string(key.public_key().blob())
        .string(b"test")
        .string(b"")
        .string(b"sha512")
        .string(&key.sign(&signed.unwrap()));
    let base64 = Base64::encode_string(&blob);
    let lines: Vec<&str> = base64.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

#[test]
fn the_workshop_leaves_nothing_behind() {
    let workshop = Workshop::new();
    let path = workshop.0.clone();
    assert!(Path::new(&path).is_dir());
    drop(workshop);
    assert!(!path.exists());
}
