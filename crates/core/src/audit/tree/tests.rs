//! Against the vectors of Certificate Transparency, and against another implementation.

use super::*;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;

/// The leaves and roots that implementations of RFC 6962 test with.
pub(crate) const VECTORS: [(&[u8], &str); 8] = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (b"PQRSTUVW", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (b"`abcdefghijklmno", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

#[test]
fn r5_roots_are_those_of_the_vectors() {
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), empty_root());
    for (leaf, root) in VECTORS {
        frontier.append(leaf_hash(leaf));
        assert_eq!(frontier.root().to_string(), root, "{} leaves", frontier.size());
    }
    assert_eq!(Frontier::from_roots(8, frontier.roots().to_vec()), Some(frontier.clone()));
    assert_eq!(Frontier::from_roots(7, frontier.roots().to_vec()), None);
}

proptest! {
    #[test]
    fn r5_roots_are_those_of_another_implementation(leaves in prop::collection::vec(any::<[u8; 3]>(), 0..200)) {
        let mut oracle = MemoryBackedTree::<Sha256, [u8; 3]>::new();
        let mut frontier = Frontier::new();
        for leaf in leaves {
            oracle.push(leaf);
            frontier.append(leaf_hash(&leaf));
            prop_assert_eq!(frontier.root().as_bytes().to_vec(), oracle.root().as_bytes().to_vec());
            prop_assert_eq!(frontier.size(), oracle.len());
        }
    }
}
