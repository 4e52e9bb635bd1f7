//! The key derivation against published vectors and against OpenSSL, and the exchange hash.

use super::*;
use crate::cipher::Mac;
use crate::kex::tests::bytes;
use crate::wire;

/// NIST CAVS 14.1, SSH KDF, SHA-256 with AES-128: the last case.
const K: &str = "
    1b3a1cab1e87a29e229efcae0f569d855a61d6da6ea0ae5bed3491c7bdb5f70f
    6caf8dc305100160bbf6ecd726b11799da685ce4528ee689fe292043e318ad9f
    797bd5746399e007cf1f40d7918b85e4607f6e674da84709543dd0d50ad1d5c9
    93770b4d0c045fdef89d5534c3d77edd8dc4536a10cc2b5d0bd14caa7e029ba8
    a81d5f5fb16524b56ddb9f35d96593955514b80d89b711ff717e11ad3d691424
    f6cefc5c613b04e5532d89f91383e4a6f45058604bb63876b1308dc7eb8f86cb
    5c032e6f1f061646e0bbf27b0c7eaa8216ba9381cb7734df24fe6691183c4823
    d3b645f3139a45b2b8ee3909bb431477f332ea3616b919724782fda8546a3235";
const H: &str = "fe491f41cdbcaec6b8821eda916eb03bc1a0e934c14850696f79bd30c73a18e2";
const SESSION_ID: &str = "df1c0910cf8b81ca157916b8ac0411b7363f62ce10ee23cbb69ddfe8c3f16be9";

fn keys(hash: Hash, cipher: Cipher, direction: Direction) -> KeyMaterial {
    let secret = SharedSecret::mpint(&bytes(K)).unwrap();
    derive(hash, &secret, &bytes(H), &bytes(SESSION_ID), cipher, direction)
}

#[track_caller]
fn assert_keys(material: &KeyMaterial, iv: &str, key: &str, mac: &str) {
    assert_eq!(*material.iv, bytes(iv), "iv");
    assert_eq!(*material.key, bytes(key), "key");
    assert_eq!(*material.mac, bytes(mac), "mac");
}

#[test]
fn keys_are_those_of_the_published_vector() {
    let cipher = Cipher::Aes128Ctr(Mac::HmacSha256Etm);
    assert_keys(
        &keys(Hash::Sha256, cipher, Direction::ClientToServer),
        "ebb3d10f461d8697a064461822f34507",
        "da1318a6a34224cc86c9afa41991db4b",
        "cc09127a759000f3bd9724fbf5285cd680ee323ffc19cf2f495403f896587317",
    );
    assert_keys(
        &keys(Hash::Sha256, cipher, Direction::ServerToClient),
        "bb95f9cbed695529fd7977281332100b",
        "091f8fa87a01c5768de8d663ba8bf9d7",
        "a3ceddafc49f7c0131ce2965945c3892be6605b465877bc0637685612ede242b",
    );
}

/// NIST CAVS 14.1, SSH KDF, SHA-384 with triple DES: the first case. Ours are longer and begin like those of
/// the vector.
#[test]
fn keys_with_sha_384_begin_like_the_published_vector() {
    let secret = SharedSecret::mpint(&bytes(
        "941456bd72267a90690ffc873528f4b76394431aceee1e24a7bed414568d9b97
         c84ce13d34a2b4a63ef735bac23af0b7fa634a9e56c2d775c741a61d63981332
         f9027d3f52c4a9a3adb83e96d39f7e6bb72514797da32f2f0edb59accfc58a49
         fc34b198e0285b31032ac9f06907def196f5748bd32ce22a5383a1bbdbd31f24",
    ));
    let h = bytes(
        "e0dee80ccc162884393930ad2073d92120c804254162446b7d048f85a1a4dd7b
         636a09b69252b80952a0581e9490ee5a",
    );
    let cipher = Cipher::Aes256Ctr(Mac::HmacSha512Etm);
    let keys = derive(Hash::Sha384, &secret.unwrap(), &h, &h, cipher, Direction::ServerToClient);
    assert_eq!(keys.iv[..8], bytes("675340f27269e7ae"));
    assert_eq!(keys.key[..24], bytes("fae751987c1fa8665e4387e410297db58ff69b260a8fe85f"));
    assert_eq!(
        keys.mac[..48],
        bytes(
            "85a9463cd653c7619d4dc85006406d6ed3364220419ca13810301be0f0389d93
             2ddeaebb0e504a0849e2e73a7d087db2"
        )
    );
}

/// Longer than one hash: `openssl kdf … SSHKDF` of OpenSSL 3.0 over the values of the published vector.
#[test]
fn keys_longer_than_the_hash_are_those_of_openssl() {
    assert_keys(
        &keys(Hash::Sha256, Cipher::ChaCha20Poly1305, Direction::ClientToServer),
        "",
        "da1318a6a34224cc86c9afa41991db4b3903ad98402d4ee0c80d56f4ffd28426
         f61155c74a747625a3e55225accc3873fd2c784eb8fd22146fada68b0a612fe3",
        "",
    );
    assert_keys(
        &keys(Hash::Sha256, Cipher::ChaCha20Poly1305, Direction::ServerToClient),
        "",
        "091f8fa87a01c5768de8d663ba8bf9d7163dfcfe71211d060d4e1e8b6828c471
         cf3574761ad30bf962d31fe1419a85ccb30503fa49ffc59098dc42cd8315f355",
        "",
    );
}

/// `openssl kdf … SSHKDF` of OpenSSL 3.0 over the values of the published vector, with SHA-512.
#[test]
fn keys_with_sha_512_are_those_of_openssl() {
    let cipher = Cipher::Aes256Ctr(Mac::HmacSha512Etm);
    assert_keys(
        &keys(Hash::Sha512, cipher, Direction::ClientToServer),
        "3e24a23b99d291c6e0625b9ac3e508c9",
        "4565cfe67315b210e53eac784137c7523aeb2125a6967096a770042f64b77056",
        "cb0a4c4451f371a60c2dd17272dc031800d852a2e71ccf2c1409d16df4dba0f1
         4ecdfb0288fccd601ac3f187f826c6f1b558d4d60bf6b4e0eb3aa8d938d2ee2f",
    );
    assert_keys(
        &keys(Hash::Sha512, cipher, Direction::ServerToClient),
        "99441b6251889ef9796a0734ca2a20ad",
        "488e6842aa7c73881c3c8a5b516226fc59e70f6940d82d5f931c2d927f956ca1",
        "78e61c0946d9d54cdc185fee3f494dae0685db49ca86cddfe8adf28f9b39771a
         a651c5fff232abfb16c36b66d16130ebec0c1261c0fe549d5fa2ca813bdc7baf",
    );
}

/// Three rounds of one hash, of which the last is cut: `openssl kdf -keylen 100 … SSHKDF`.
#[test]
fn every_round_hashes_all_rounds_before_it() {
    let secret = SharedSecret::mpint(&bytes(K)).unwrap();
    let key = expand(Hash::Sha256, &secret, &bytes(H), &bytes(SESSION_ID), b'C', 100);
    let expected = "
        da1318a6a34224cc86c9afa41991db4b3903ad98402d4ee0c80d56f4ffd28426
        f61155c74a747625a3e55225accc3873fd2c784eb8fd22146fada68b0a612fe3
        056bb1b764131b07512b3c7d2f0f5d421c8d74cba189fd65d78525b19ff92bd2
        7878a87e";
    assert_eq!(*key, bytes(expected));
}

#[test]
fn lengths_are_those_that_the_cipher_asks_for() {
    for cipher in [Cipher::Aes128Gcm, Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let material = keys(Hash::Sha512, cipher, Direction::ClientToServer);
        let sizes = cipher.key_sizes();
        assert_eq!((material.key.len(), material.iv.len(), material.mac.len()), (sizes.key, sizes.iv, sizes.mac));
    }
}

/// RFC 4251, section 5, has the rules of an `mpint`; a Diffie-Hellman value comes with leading zeros now and then.
#[test]
fn a_diffie_hellman_secret_is_hashed_as_an_mpint() {
    for (magnitude, encoded) in [
        ("7f01", "00000002 7f01"),
        ("8001", "00000003 008001"),
        ("00000080", "00000002 0080"),
        ("00007f", "00000001 7f"),
        ("0000", "00000000"),
    ] {
        let secret = SharedSecret::mpint(&bytes(magnitude)).unwrap();
        assert_eq!(*secret.encoded, bytes(encoded), "{magnitude}");
        let mut written = Vec::new();
        wire::Writer::new(&mut written).mpint(&bytes(magnitude));
        assert_eq!(*secret.encoded, written, "{magnitude}");
    }
}

#[test]
fn a_hybrid_secret_is_hashed_as_a_string() {
    let secret = SharedSecret::string(&bytes("0080")).unwrap();
    assert_eq!(*secret.encoded, bytes("00000002 0080"));
}

const TRANSCRIPT: Transcript<'_> = Transcript {
    client_version: b"SSH-2.0-client",
    server_version: b"SSH-2.0-server",
    client_kexinit: b"\x14one",
    server_kexinit: b"\x14other",
    host_key: b"key",
    client_public: b"e",
    server_public: b"f",
};

/// RFC 4253, section 8, written down once more.
#[test]
fn the_exchange_hash_covers_everything_in_order() {
    let secret = SharedSecret::mpint(&[0x80]).unwrap();
    let hashed = b"\0\0\0\x0eSSH-2.0-client\0\0\0\x0eSSH-2.0-server\0\0\0\x04\x14one\0\0\0\x06\x14other\
                   \0\0\0\x03key\0\0\0\x01e\0\0\0\x01f\0\0\0\x02\0\x80";
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        let expected = digest::digest(hash.algorithm(), hashed);
        assert_eq!(exchange_hash(hash, &TRANSCRIPT, &secret).unwrap(), expected.as_ref());
    }
}

#[test]
fn every_part_of_the_transcript_changes_the_exchange_hash() {
    let secret = SharedSecret::string(&[1]).unwrap();
    let hash = |transcript: &Transcript<'_>| exchange_hash(Hash::Sha256, transcript, &secret).unwrap();
    let other: &[u8] = b"something else";
    let changed = [
        TRANSCRIPT,
        Transcript { client_version: other, ..TRANSCRIPT },
        Transcript { server_version: other, ..TRANSCRIPT },
        Transcript { client_kexinit: other, ..TRANSCRIPT },
        Transcript { server_kexinit: other, ..TRANSCRIPT },
        Transcript { host_key: other, ..TRANSCRIPT },
        Transcript { client_public: other, ..TRANSCRIPT },
        Transcript { server_public: other, ..TRANSCRIPT },
    ];
    let hashes: std::collections::HashSet<Vec<u8>> = changed.iter().map(hash).collect();
    assert_eq!(hashes.len(), changed.len());
}
