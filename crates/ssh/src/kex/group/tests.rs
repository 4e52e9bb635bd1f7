//! The groups against RFC 3526, and agreement against an independent computation.

use super::*;
use crate::kex::tests::digest;

/// A value of [`Half::from_exponent`] and the expected digests: of the public values that belong to [`ONE`] and
/// [`OTHER`], and of the shared value as an `mpint`. Computed with Python's integers, as `pow(2, x, p)`.
struct Known {
    group: Group,
    one_public: &'static str,
    other_public: &'static str,
    shared: &'static str,
}

const KNOWN: [Known; 2] = [
    Known {
        group: Group::Fourteen,
        one_public: "412e8160a129808cd7abcdc486ad36a8247a0ef5ad9812e5a4b63d4f7735a8fe",
        other_public: "9f015e5fc1e149f4a2e20616888ed91e91c1f3ecd3719b21efd3638dfd510b9a",
        shared: "4125c8f1ae8c277110f07758e90ca1a734305cf0c836ccb4ec76e4c22327a982",
    },
    Known {
        group: Group::Sixteen,
        one_public: "0439872574dafc9b300359ea0dd742c3976ccf9fa56883bdb8268462adedf8cf",
        other_public: "9f28bf162efaab697f912149711e9c0bcd4f401311d5e16c5293bc250edf526b",
        shared: "27facfbdff2a2947a65483ef22bcc614a9f57a48faf1ef354b2753a8f0663dce",
    },
];

/// The bytes 1, 2, …, 64.
fn one() -> [u8; 64] {
    std::array::from_fn(|index| u8::try_from(index).unwrap() + 1)
}

/// The bytes 64, 63, …, 1.
fn other() -> [u8; 64] {
    std::array::from_fn(|index| 64 - u8::try_from(index).unwrap())
}

fn mpint(magnitude: &[u8]) -> Vec<u8> {
    wire::encode(|writer| {
        writer.mpint(magnitude);
    })
    .unwrap()
}

fn fresh(group: Group) -> Half {
    Half::start(group).unwrap().0
}

fn prime(group: Group) -> Vec<u8> {
    match group {
        Group::Fourteen => FOURTEEN.get().to_be_bytes().as_slice().to_vec(),
        Group::Sixteen => SIXTEEN.get().to_be_bytes().as_slice().to_vec(),
    }
}

/// The primes were computed from the formulas of RFC 3526, sections 3 and 5, `2^n - 2^(n - 64) - 1 + 2^64 *
/// ([2^(n - 130) pi] + c)`, and these are the digests of what came out.
#[test]
fn primes_are_those_of_rfc_3526() {
    let fourteen = "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e";
    let sixteen = "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33";
    assert_eq!(digest(&prime(Group::Fourteen)), fourteen);
    assert_eq!(digest(&prime(Group::Sixteen)), sixteen);
}

#[test]
fn powers_equal_an_independent_computation() {
    for known in KNOWN {
        let (one, one_public) = Half::from_exponent(known.group, &one()).unwrap();
        let (other, other_public) = Half::from_exponent(known.group, &other()).unwrap();
        assert_eq!(digest(&one_public), known.one_public);
        assert_eq!(digest(&other_public), known.other_public);
        assert_eq!(digest(&mpint(&one.agree(&other_public).unwrap())), known.shared);
        assert_eq!(digest(&mpint(&other.agree(&one_public).unwrap())), known.shared);
    }
}

#[test]
fn fresh_exponents_agree_and_differ() {
    for group in [Group::Fourteen, Group::Sixteen] {
        let (one, one_public) = Half::start(group).unwrap();
        let (other, other_public) = Half::start(group).unwrap();
        assert_ne!(one_public, other_public);
        assert_eq!(*one.agree(&other_public).unwrap(), *other.agree(&one_public).unwrap());
    }
}

/// RFC 4253, section 8: "Values of 'e' or 'f' that are not in the range \[1, p-1\] MUST NOT be sent or
/// accepted"; and the ends of that range give the secret away.
#[test]
fn values_outside_the_group_are_refused() {
    for group in [Group::Fourteen, Group::Sixteen] {
        let prime = prime(group);
        let with_last = |last: u8| {
            let mut value = prime.clone();
            *value.last_mut().unwrap() = last;
            [&[0], value.as_slice()].concat()
        };
        // The primes end with 0xff, so no borrow and no carry reaches further.
        let (p, p_minus_1, p_minus_2) = (with_last(0xff), with_last(0xfe), with_last(0xfd));
        // One byte longer than the prime, and small in what would be left if the first were cut off.
        let mut longer = vec![0; prime.len() + 1];
        (longer[0], longer[prime.len()]) = (1, 5);
        for refused in [&[1][..], &p, &p_minus_1, &longer] {
            assert!(matches!(fresh(group).agree(refused), Err(Error::Misbehaved(_))));
        }
        for accepted in [&[2][..], &p_minus_2] {
            assert!(fresh(group).agree(accepted).is_ok());
        }
    }
}

#[test]
fn values_that_are_no_positive_mpint_are_refused() {
    for malformed in [&[][..], &[0], &[0x80], &[0, 2], &[0xff; 256]] {
        let result = fresh(Group::Fourteen).agree(malformed);
        assert!(matches!(result, Err(Error::Malformed { .. })), "{malformed:?}");
    }
}

#[test]
fn a_value_far_too_long_is_refused() {
    let long = vec![0x7f; 32 * 1024];
    assert!(matches!(fresh(Group::Fourteen).agree(&long), Err(Error::Misbehaved(_))));
}
