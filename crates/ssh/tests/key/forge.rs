//! Signers of every kind, and certificates that no honest authority would sign.
//!
//! Owns: a writer of certificates that is independent of the engine's own, so that each field can be wrong by itself,
//! under a signature that is right.

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};
use sallyport_ssh::key::{KeyAlgorithm, PublicKey, SignatureAlgorithm};
use sallyport_ssh::wire::{Reader, Writer, encode};

const APPLICATION: &[u8] = b"ssh:";

/// A private key of any kind, made by the cryptographic library. Keys in authenticators are imitated in the one thing
/// that counts here: what they sign.
pub(crate) enum Signer {
    Ed25519(Ed25519KeyPair),
    Ecdsa(KeyAlgorithm, EcdsaKeyPair),
    Rsa(RsaKeyPair),
    SkEd25519(Ed25519KeyPair),
    SkEcdsa(EcdsaKeyPair),
}

impl Signer {
    pub(crate) fn new(algorithm: KeyAlgorithm) -> Self {
        let ecdsa = |by| EcdsaKeyPair::generate(by).unwrap();
        match algorithm {
            KeyAlgorithm::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            KeyAlgorithm::EcdsaP256 => Self::Ecdsa(algorithm, ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            KeyAlgorithm::EcdsaP384 => Self::Ecdsa(algorithm, ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
            KeyAlgorithm::EcdsaP521 => Self::Ecdsa(algorithm, ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING)),
            KeyAlgorithm::Rsa => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            KeyAlgorithm::SkEd25519 => Self::SkEd25519(Ed25519KeyPair::generate().unwrap()),
            KeyAlgorithm::SkEcdsaP256 => Self::SkEcdsa(ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        }
    }

    pub(crate) fn key(&self) -> PublicKey {
        let blob = encode(|writer| match self {
            Self::Ed25519(pair) => {
                writer.string(b"ssh-ed25519").string(pair.public_key().as_ref());
            }
            Self::Ecdsa(algorithm, pair) => {
                let name = algorithm.name().as_bytes();
                writer.string(name).string(&name[name.len() - 8..]).string(pair.public_key().as_ref());
            }
            Self::Rsa(pair) => {
                // DER of a sequence of a 2048-bit modulus and the exponent 65537.
                let der = pair.public_key().as_ref();
                assert_eq!((der.len(), &der[der.len() - 5..]), (270, &[2, 3, 1, 0, 1][..]));
                writer.string(b"ssh-rsa").mpint(&[1, 0, 1]).mpint(&der[8..265]);
            }
            Self::SkEd25519(pair) => {
                writer.string(b"sk-ssh-ed25519@openssh.com").string(pair.public_key().as_ref()).string(APPLICATION);
            }
            Self::SkEcdsa(pair) => {
                writer
                    .string(b"sk-ecdsa-sha2-nistp256@openssh.com")
                    .string(b"nistp256")
                    .string(pair.public_key().as_ref())
                    .string(APPLICATION);
            }
        });
        PublicKey::from_blob(&blob.unwrap()).unwrap()
    }

    /// A signature blob; of an authenticator with these flags and this counter.
    pub(crate) fn sign_with(&self, data: &[u8], flags: u8, counter: u32) -> Vec<u8> {
        let key = self.key();
        let asserted = || {
            let mut message = digest::digest(&digest::SHA256, APPLICATION).as_ref().to_vec();
            message.push(flags);
            message.extend_from_slice(&counter.to_be_bytes());
            message.extend_from_slice(digest::digest(&digest::SHA256, data).as_ref());
            message
        };
        encode(|writer| {
            let name = key.algorithm().name().as_bytes();
            match self {
                Self::Ed25519(pair) => writer.string(name).string(pair.sign(data).as_ref()),
                Self::Ecdsa(_, pair) => writer.string(name).string(&ecdsa(pair, data)),
                Self::Rsa(pair) => {
                    writer.string(b"rsa-sha2-512").string(&rsa(pair, SignatureAlgorithm::RsaSha2_512, data))
                }
                Self::SkEd25519(pair) => {
                    writer.string(name).string(pair.sign(&asserted()).as_ref()).u8(flags).u32(counter)
                }
                Self::SkEcdsa(pair) => writer.string(name).string(&ecdsa(pair, &asserted())).u8(flags).u32(counter),
            };
        })
        .unwrap()
    }

    /// As after a touch.
    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.sign_with(data, 0x01, 7)
    }
}

/// The bytes of an RSA signature, filled up to the modulus.
pub(crate) fn rsa(pair: &RsaKeyPair, algorithm: SignatureAlgorithm, data: &[u8]) -> Vec<u8> {
    let by = if algorithm == SignatureAlgorithm::RsaSha2_256 { &RSA_PKCS1_SHA256 } else { &RSA_PKCS1_SHA512 };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(by, &SystemRandom::new(), data, &mut signature).unwrap();
    signature
}

fn ecdsa(pair: &EcdsaKeyPair, data: &[u8]) -> Vec<u8> {
    let fixed = pair.sign(&SystemRandom::new(), data).unwrap();
    let (r, s) = fixed.as_ref().split_at(fixed.as_ref().len() / 2);
    encode(|writer| {
        writer.mpint(r).mpint(s);
    })
    .unwrap()
}

/// Every field of a certificate as it will be on the wire.
#[derive(Clone)]
pub(crate) struct Forgery {
    pub(crate) name: Vec<u8>,
    pub(crate) key_fields: Vec<u8>,
    pub(crate) serial: u64,
    pub(crate) kind: u32,
    pub(crate) key_id: Vec<u8>,
    /// The content of the list, encoded.
    pub(crate) principals: Vec<u8>,
    pub(crate) valid_after: u64,
    pub(crate) valid_before: u64,
    pub(crate) critical_options: Vec<u8>,
    pub(crate) extensions: Vec<u8>,
    pub(crate) reserved: Vec<u8>,
    /// In place of the authority's own key.
    pub(crate) authority: Option<Vec<u8>>,
}

impl Forgery {
    /// Kind 1, valid from 1,000 to 2,000, for `alice`.
    pub(crate) fn of(key: &PublicKey) -> Self {
        let mut reader = Reader::new(key.blob());
        reader.string().unwrap();
        Self {
            name: key.algorithm().certificate_name().into(),
            key_fields: reader.take_rest().into(),
            serial: 42,
            kind: 1,
            key_id: b"forged".into(),
            principals: strings(&["alice"]),
            valid_after: 1_000,
            valid_before: 2_000,
            critical_options: Vec::new(),
            extensions: Vec::new(),
            reserved: Vec::new(),
            authority: None,
        }
    }

    /// The same but for one change.
    pub(crate) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    /// The blob up to the signature.
    pub(crate) fn body(&self, authority: &[u8]) -> Vec<u8> {
        encode(|writer| self.write(writer, authority)).unwrap()
    }

    /// The blob with a good signature.
    pub(crate) fn signed_by(&self, signer: &Signer) -> Vec<u8> {
        let own = signer.key();
        let mut blob = self.body(self.authority.as_deref().unwrap_or(own.blob()));
        let signature = signer.sign(&blob);
        Writer::new(&mut blob).string(&signature);
        blob
    }

    fn write(&self, writer: &mut Writer<'_>, authority: &[u8]) {
        writer
            .string(&self.name)
            .string(b"nonce")
            .bytes(&self.key_fields)
            .u64(self.serial)
            .u32(self.kind)
            .string(&self.key_id)
            .string(&self.principals)
            .u64(self.valid_after)
            .u64(self.valid_before)
            .string(&self.critical_options)
            .string(&self.extensions)
            .string(&self.reserved)
            .string(authority);
    }
}

/// The content of a list of strings.
pub(crate) fn strings<T: AsRef<[u8]>>(items: &[T]) -> Vec<u8> {
    encode(|writer| {
        for item in items {
            writer.string(item.as_ref());
        }
    })
    .unwrap()
}

/// The content of a list of options whose data is a text in the option's own string.
pub(crate) fn options(items: &[(&str, &str)]) -> Vec<u8> {
    encode(|writer| {
        for (name, text) in items {
            writer.string(name.as_bytes()).nested(|data| {
                data.string(text.as_bytes());
            });
        }
    })
    .unwrap()
}

/// The content of a list of options without data.
pub(crate) fn flags(names: &[&str]) -> Vec<u8> {
    encode(|writer| {
        for name in names {
            writer.string(name.as_bytes()).string(b"");
        }
    })
    .unwrap()
}
