//! Blocks contain what their bits say, and nothing that is nearly a block is one.

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_not_exactly_a_block_is_refused() {
    let wrong = [
        "",
        " ",
        "10.0.0.0/8 ",
        " 10.0.0.0/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0/8",
        "010.0.0.0/8",
        "10.0.0.1/8",
        "0.0.0.1/0",
        "::1/0",
        "::/129",
        "2001:db8::1/32",
        "!10.0.0.0/8",
        "10.0.0.*",
        "host.example.org",
        "fe80::1%eth0",
        "::ffff:10.0.0.0/104",
        "::ffff:10.0.0.1",
        "[::1]",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/256",
        "10.0.0.0/264",
    ];
    for text in wrong {
        assert_eq!(text.parse::<SourceBlock>(), Err(NotABlock), "{text:?}");
    }
    for list in ["", ",", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8, 192.0.2.1", "10.0.0.0/8,,192.0.2.1"] {
        assert!(SourceBlock::parse_list(list).is_err(), "{list:?}");
    }
}

#[test]
fn blocks_contain_their_addresses_and_no_neighbours() {
    let cases = [
        ("10.0.0.0/8", "10.255.255.255", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/8", "9.255.255.255", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.6", false),
        ("0.0.0.0/0", "255.255.255.255", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "10.0.0.1", false),
        ("::/0", "ffff::", true),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true), // what a dual-stack socket reports
        ("::/0", "::ffff:10.1.2.3", false),
    ];
    for (block, address, inside) in cases {
        let block: SourceBlock = block.parse().unwrap();
        assert_eq!(block.contains(address.parse().unwrap()), inside, "{block} {address}");
    }
}

proptest! {
    #[test]
    fn v4_agrees_with_comparing_bit_by_bit(network: u32, prefix in 0_u8..=32, other: u32, shared in 0_u8..=32) {
        // `other` shares at least some first bits, or matches would be rare.
        let other = splice(u128::from(network) << 96, u128::from(other) << 96, shared) >> 96;
        let network = (splice(u128::from(network) << 96, 0, prefix) >> 96) as u32;
        let block: SourceBlock = format!("{}/{prefix}", Ipv4Addr::from(network)).parse().unwrap();
        let other = other as u32;
        let same = (0..prefix).all(|bit| (network >> (31 - bit)) & 1 == (other >> (31 - bit)) & 1);
        prop_assert_eq!(block.contains(Ipv4Addr::from(other).into()), same);
    }

    #[test]
    fn v6_agrees_with_comparing_bit_by_bit(network: u128, prefix in 0_u8..=128, other: u128, shared in 0_u8..=128) {
        let network = splice(network, 0, prefix) | 1 << 127; // never in the mapped block
        let (other, network) = (splice(network, other, shared) | 1 << 127, splice(network, 0, prefix.max(1)));
        let block: SourceBlock = format!("{}/{}", Ipv6Addr::from(network), prefix.max(1)).parse().unwrap();
        let same = (0..prefix.max(1)).all(|bit| (network >> (127 - bit)) & 1 == (other >> (127 - bit)) & 1);
        prop_assert_eq!(block.contains(Ipv6Addr::from(other).into()), same);
    }

    #[test]
    fn a_block_prints_as_it_is_read(network: u32, prefix in 0_u8..=32) {
        let network = (splice(u128::from(network) << 96, 0, prefix) >> 96) as u32;
        let block: SourceBlock = format!("{}/{prefix}", Ipv4Addr::from(network)).parse().unwrap();
        prop_assert_eq!(block.to_string().parse(), Ok(block));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9a-f:./,!* ]{0,40}") {
        let _ = SourceBlock::parse_list(&text);
    }
}

/// The first `count` bits of `first`, the rest of `second`.
fn splice(first: u128, second: u128, count: u8) -> u128 {
    let mask = (0..count).fold(0, |mask, bit| mask | 1_u128 << (127 - bit));
    (first & mask) | (second & !mask)
}
