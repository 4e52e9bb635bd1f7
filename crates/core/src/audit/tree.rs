//! The Merkle tree of RFC 6962, section 2.1 (RFC 9162, section 2.1).
//!
//! Owns: hashes of leaves and nodes, and the root of a growing log. Invariants: a leaf is never taken for a node; the root depends on
//! every byte, on the order and on the number of leaves. Must not know: what leaves mean.

use crate::digest::Digest;

/// A SHA-256 in the tree.
pub type Hash = Digest;

/// What a leaf's hash begins with.
const LEAF: &[u8] = &[0];
/// What a node's hash begins with.
const NODE: &[u8] = &[1];

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Digest::of_parts(&[LEAF, leaf])
}

/// The hash of a node with these children.
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Digest::of_parts(&[NODE, left.as_bytes(), right.as_bytes()])
}

/// The root of a log without a leaf.
#[must_use]
pub fn empty_root() -> Hash {
    Digest::of(&[])
}

/// What has to be remembered of a log to append to it: the roots of its complete subtrees, from the largest to the smallest. As many as the
/// number of leaves has ones in binary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Of a log without a leaf.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a log of this size, whose complete subtrees have these roots. `None` if there are more or fewer than that.
    #[must_use]
    pub fn from_roots(size: u64, roots: Vec<Hash>) -> Option<Self> {
        let expected = usize::try_from(size.count_ones()).ok()?;
        (roots.len() == expected).then_some(Self { size, roots })
    }

    /// How many leaves there are.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Appends a leaf, and answers the complete nodes that came to be, from the leaf up: `(level, index, hash)`. Whoever stores them all
    /// can later make every proof.
    pub fn append(&mut self, leaf: Hash) -> Vec<(u8, u64, Hash)> {
        let mut made = vec![(0, self.size, leaf)];
        let mut hash = leaf;
        let mut index = self.size;
        let mut level = 0;
        // Each one at the end of the old size is a subtree of the same height, which is complete now.
        while index & 1 == 1
            && let Some(left) = self.roots.pop()
        {
            hash = node_hash(left, hash);
            index >>= 1;
            level += 1;
            made.push((level, index, hash));
        }
        self.roots.push(hash);
        self.size += 1;
        made
    }

    /// The root of the log.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut smaller_first = self.roots.iter().rev().copied();
        let Some(smallest) = smaller_first.next() else {
            return empty_root();
        };
        smaller_first.fold(smallest, |right, left| node_hash(left, right))
    }
}

#[cfg(test)]
mod tests;
