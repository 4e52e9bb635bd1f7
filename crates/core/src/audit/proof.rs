//! That a leaf is in a log, and that one log begins with another (RFC 6962, sections 2.1.1 and 2.1.2).
//!
//! Owns: making and checking both proofs. Invariants: a proof is accepted only as a whole, with nothing left over; what is
//! accepted holds for the very sizes and roots that were asked about (R5). Must not know: where nodes are stored: they are asked for.

use super::tree::{Hash, empty_root, node_hash};

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// The node with this index among those of its level; level 0 are the leaves. `None` if it is not stored.
    fn node(&self, level: u8, index: u64) -> Option<Hash>;
}

/// That the leaf at `index` is in the log of `size` leaves: the hashes on the way from it to the root. `None` if there is no such leaf,
/// or a node is missing.
pub fn inclusion(nodes: &impl Nodes, index: u64, size: u64) -> Option<Vec<Hash>> {
    if index >= size {
        return None;
    }
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, begin, middle)?);
            begin = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// That the log of `size` leaves begins with the log of `old` leaves. `None` if it cannot, or a node is missing.
pub fn consistency(nodes: &impl Nodes, old: u64, size: u64) -> Option<Vec<Hash>> {
    if old > size {
        return None;
    }
    if old == 0 || old == size {
        return Some(Vec::new());
    }
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    // The subtree that the old log ends in. As long as the old log fills it from the left, its root is known to who asks.
    let mut known = true;
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, begin, middle)?);
            begin = middle;
            known = false;
        }
    }
    if !known {
        path.push(range(nodes, begin, end)?);
    }
    path.reverse();
    Some(path)
}

/// The root of the first `size` leaves.
pub fn root(nodes: &impl Nodes, size: u64) -> Option<Hash> {
    if size == 0 { Some(empty_root()) } else { range(nodes, 0, size) }
}

/// Whether this leaf is at `index` of the log with this size and root (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], expected: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(*sibling, hash);
            // Levels at which this is the last node and has no sibling.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == expected
}

/// Whether the log with this size and root begins with the one of `old` leaves and its root (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn verify_consistency(old: u64, old_root: Hash, size: u64, size_root: Hash, path: &[Hash]) -> bool {
    if old > size {
        return false;
    }
    if old == size {
        return path.is_empty() && old_root == size_root;
    }
    if old == 0 {
        return path.is_empty() && old_root == empty_root();
    }
    let mut path = path.iter().copied();
    // A complete old log is itself the first node.
    let first = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(first) = first else {
        return false;
    };
    let (mut at, mut last) = (old - 1, size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(sibling, old_hash);
            new_hash = node_hash(sibling, new_hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(new_hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == old_root && new_hash == size_root
}

/// The root of the leaves from `begin` to `end`, which is a subtree of a log: its left part is complete.
fn range(nodes: &impl Nodes, begin: u64, end: u64) -> Option<Hash> {
    let length = end - begin;
    if length.is_power_of_two() {
        let level = u8::try_from(length.trailing_zeros()).ok()?;
        return nodes.node(level, begin >> level);
    }
    let middle = begin + split(length);
    Some(node_hash(range(nodes, begin, middle)?, range(nodes, middle, end)?))
}

/// The largest power of two that is smaller than this number, which is at least two.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

#[cfg(test)]
mod tests;
