//! Every cipher opens what it sealed, refuses what was changed, and matches published vectors.

use super::*;

const ALL: [Cipher; 6] = [
    Cipher::Aes128Gcm,
    Cipher::Aes256Gcm,
    Cipher::ChaCha20Poly1305,
    Cipher::Aes128Ctr(Mac::HmacSha256Etm),
    Cipher::Aes256Ctr(Mac::HmacSha512Etm),
    Cipher::Aes256Ctr(Mac::HmacSha256Etm),
];

fn material(cipher: Cipher) -> KeyMaterial {
    let sizes = cipher.key_sizes();
    let fill =
        |n: usize, seed: u8| Zeroizing::new((0..n).map(|i| seed.wrapping_add(u8::try_from(i).unwrap())).collect());
    KeyMaterial { key: fill(sizes.key, 1), iv: fill(sizes.iv, 0xf0), mac: fill(sizes.mac, 7) }
}

fn packet(shape: Shape, body: usize) -> Vec<u8> {
    let mut packet = u32::try_from(body).unwrap().to_be_bytes().to_vec();
    packet.extend((0..body).map(|i| u8::try_from(i % 251).unwrap()));
    packet.resize(4 + body + shape.tag, 0);
    packet
}

#[test]
fn every_cipher_opens_what_it_sealed() {
    for cipher in ALL {
        let mut sealer = Sealer::new(cipher, &material(cipher)).unwrap();
        let mut opener = Opener::new(cipher, &material(cipher)).unwrap();
        for (sequence, body) in [(0u32, 16usize), (1, 4096), (2, 32784), (3, 16)] {
            let clear = packet(sealer.shape(), body);
            let mut sealed = clear.clone();
            sealer.seal(sequence, &mut sealed).unwrap();
            assert_ne!(sealed[4..20], clear[4..20]);
            let head = sealed[..4].try_into().unwrap();
            assert_eq!(opener.length(sequence, head), u32::try_from(body).unwrap());
            opener.open(sequence, &mut sealed).unwrap();
            assert_eq!(sealed[4..4 + body], clear[4..4 + body], "{cipher:?}");
        }
    }
}

#[test]
fn every_cipher_refuses_a_changed_bit_anywhere() {
    for cipher in ALL {
        let shape = Sealer::new(cipher, &material(cipher)).unwrap().shape();
        for at in [0, 3, 4, 9, 19, 20, 20 + shape.tag - 1] {
            let mut sealed = packet(shape, 16);
            Sealer::new(cipher, &material(cipher)).unwrap().seal(5, &mut sealed).unwrap();
            sealed[at] ^= 1;
            let opened = Opener::new(cipher, &material(cipher)).unwrap().open(5, &mut sealed);
            assert_eq!(opened, Err(Error::Integrity), "{cipher:?} at {at}");
        }
    }
}

#[test]
fn a_replayed_packet_is_refused() {
    for cipher in ALL {
        let mut sealer = Sealer::new(cipher, &material(cipher)).unwrap();
        let mut opener = Opener::new(cipher, &material(cipher)).unwrap();
        let mut first = packet(sealer.shape(), 32);
        sealer.seal(0, &mut first).unwrap();
        let mut replay = first.clone();
        opener.open(0, &mut first).unwrap();
        assert_eq!(opener.open(1, &mut replay), Err(Error::Integrity), "{cipher:?}");
    }
}

/// NIST GCM specification (McGrew and Viega), test case 16: AES-256, 96-bit IV, associated data. SSH has four bytes of
/// associated data, so this checks key, IV and counter layout with the first invocation of test case 2 instead:
/// AES-128, zero key, zero IV, one zero block, whose ciphertext is independent of the associated data.
#[test]
fn aes_gcm_matches_the_published_block() {
    let zero = KeyMaterial {
        key: Zeroizing::new(vec![0; 16]),
        iv: Zeroizing::new(vec![0; 12]),
        mac: Zeroizing::new(Vec::new()),
    };
    let mut packet = vec![0; 4 + 16 + 16];
    Sealer::new(Cipher::Aes128Gcm, &zero).unwrap().seal(0, &mut packet).unwrap();
    let published = [0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78];
    assert_eq!(packet[4..20], published);
}
