//! Blocks of addresses, as in the critical option `source-address` (OpenSSH PROTOCOL.certkeys).
//!
//! Owns: reading and matching CIDR blocks. Invariants: what is not exactly an address or a block is an error, never a
//! smaller or larger block; an IPv4 address mapped into IPv6 is the IPv4 address. Must not know: certificates.

use core::net::IpAddr;
use std::str::FromStr;

/// One block of addresses: all that share the first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceBlock {
    network: IpAddr,
    prefix_bits: u8,
}

/// The text is no address and no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or CIDR block")]
pub struct NotABlock;

impl SourceBlock {
    /// Whether an address lies inside.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_bits)).unwrap_or(0);
                network.to_bits() == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_bits)).unwrap_or(0);
                network.to_bits() == address.to_bits() & mask
            }
            _ => false,
        }
    }

    /// Reads a comma-separated list of at least one block.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, NotABlock> {
        list.split(',').map(str::parse).collect()
    }
}

impl FromStr for SourceBlock {
    type Err = NotABlock;

    /// `address` or `address/bits`. Bits behind the prefix must be zero, as OpenSSH demands too: `10.0.0.1/8` is a
    /// mistake, and it is not for us to say which.
    fn from_str(text: &str) -> Result<Self, NotABlock> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| NotABlock)?;
        let width: u8 = if network.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.map_or(Ok(width), parse_bits)?;
        if prefix_bits > width {
            return Err(NotABlock);
        }
        let block = Self { network, prefix_bits };
        // Fails for bits behind the prefix, and for an IPv4 network mapped into IPv6, which could be meant in two ways.
        if block.contains(network) { Ok(block) } else { Err(NotABlock) }
    }
}

/// Decimal digits without sign and leading zeros.
fn parse_bits(text: &str) -> Result<u8, NotABlock> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| NotABlock) } else { Err(NotABlock) }
}

impl std::fmt::Display for SourceBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests;
