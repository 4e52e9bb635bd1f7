//! Proofs are those of another implementation; every other proof is refused.

use std::collections::BTreeMap;

use super::super::tree::{Frontier, leaf_hash};
use super::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

struct Stored(BTreeMap<(u8, u64), Hash>);

impl Nodes for Stored {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.0.get(&(level, index)).copied()
    }
}

/// A log of so many leaves: what is stored of it, its roots by size, and the same log in another implementation.
fn log(size: u64) -> (Stored, Vec<Hash>, MemoryBackedTree<Sha256, [u8; 8]>) {
    let (mut stored, mut frontier) = (BTreeMap::new(), Frontier::new());
    let (mut roots, mut oracle) = (vec![frontier.root()], MemoryBackedTree::new());
    for index in 0..size {
        for (level, index, hash) in frontier.append(leaf(index)) {
            stored.insert((level, index), hash);
        }
        roots.push(frontier.root());
        oracle.push(index.to_be_bytes());
    }
    (Stored(stored), roots, oracle)
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

fn bytes(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn r5_every_inclusion_proof_of_small_logs() {
    for size in 1..=40 {
        let (stored, roots, oracle) = log(size);
        let whole = *roots.last().unwrap();
        assert_eq!(root(&stored, size), Some(whole));
        for index in 0..size {
            let path = inclusion(&stored, index, size).unwrap();
            assert_eq!(bytes(&path), oracle.prove_inclusion(usize::try_from(index).unwrap()).as_bytes());
            assert!(verify_inclusion(leaf(index), index, size, &path, whole));
            for other in (0..=size).filter(|other| *other != index) {
                assert!(!verify_inclusion(leaf(index), other, size, &path, whole), "{index} of {size} as {other}");
            }
        }
        assert_eq!(inclusion(&stored, size, size), None);
    }
}

#[test]
fn r5_every_consistency_proof_of_small_logs() {
    for size in 1..=40 {
        let (stored, roots, oracle) = log(size);
        for old in 0..=size {
            let path = consistency(&stored, old, size).unwrap();
            let [before, after] = [old, size].map(|size| roots[usize::try_from(size).unwrap()]);
            if old > 0 && old < size {
                assert_eq!(bytes(&path), oracle.prove_consistency(usize::try_from(size - old).unwrap()).as_bytes());
            }
            assert!(verify_consistency(old, before, size, after, &path), "{old} of {size}");
            for other in (0..=size).filter(|other| *other != old) {
                assert!(!verify_consistency(other, before, size, after, &path), "{old} of {size} as {other}");
            }
        }
        assert_eq!(consistency(&stored, size + 1, size), None);
    }
}

/// Hashes with a bit turned, left out, doubled, swapped.
fn damaged(path: &[Hash], place: usize, kind: u8) -> Vec<Hash> {
    let mut path = path.to_vec();
    let place = place % path.len().max(1);
    match kind {
        0 if !path.is_empty() => {
            let mut bytes = *path[place].as_bytes();
            bytes[place % 32] ^= 1;
            path[place] = Hash::from_bytes(bytes);
        }
        1 if !path.is_empty() => drop(path.remove(place)),
        2 if path.len() > 1 => path.rotate_left(1),
        _ => path.push(leaf(0)),
    }
    path
}

proptest! {
    #[test]
    fn r5_a_damaged_proof_is_refused(size in 2_u64..300, at: u64, place: usize, kind in 0_u8..4) {
        let (stored, roots, _) = log(size);
        let (index, old) = (at % size, 1 + at % (size - 1));
        let whole = *roots.last().unwrap();
        let path = inclusion(&stored, index, size).unwrap();
        let other = damaged(&path, place, kind);
        prop_assert!(other == path || !verify_inclusion(leaf(index), index, size, &other, whole));

        let path = consistency(&stored, old, size).unwrap();
        let other = damaged(&path, place, kind);
        let before = roots[usize::try_from(old).unwrap()];
        prop_assert!(other == path || !verify_consistency(old, before, size, whole, &other));
    }

    #[test]
    fn r5_a_log_that_was_changed_does_not_continue_the_old_one(size in 2_u64..200, at: u64, old: u64) {
        let (stored, roots, _) = log(size);
        let old = 1 + old % (size - 1);
        let changed = at % old;
        let mut frontier = Frontier::new();
        let mut forged = BTreeMap::new();
        for index in 0..size {
            let hash = if index == changed { leaf_hash(b"forged") } else { leaf(index) };
            forged.extend(frontier.append(hash).into_iter().map(|(level, index, hash)| ((level, index), hash)));
        }
        let before = roots[usize::try_from(old).unwrap()];
        for path in [consistency(&stored, old, size).unwrap(), consistency(&Stored(forged), old, size).unwrap()] {
            prop_assert!(!verify_consistency(old, before, size, frontier.root(), &path));
        }
    }
}
