//! What a KEXINIT says beside its algorithms: strict key exchange, EXT_INFO, and a guess.

use super::*;

#[test]
fn key_exchange_is_strict_if_both_sides_say_so() {
    for (methods, strict) in [
        ("curve25519-sha256,kex-strict-c-v00@openssh.com", Strict::Yes),
        ("kex-strict-c-v00@openssh.com,curve25519-sha256", Strict::Yes),
        ("curve25519-sha256", Strict::No),
        // The server's name out of a client's mouth means nothing.
        ("curve25519-sha256,kex-strict-s-v00@openssh.com", Strict::No),
        ("curve25519-sha256,kex-strict-c-v01@openssh.com", Strict::No),
    ] {
        assert_eq!(as_server(Peer { methods, ..PEER }).unwrap().strict, strict, "{methods}");
    }
    for (methods, strict) in [
        ("curve25519-sha256,kex-strict-s-v00@openssh.com", Strict::Yes),
        ("curve25519-sha256,kex-strict-c-v00@openssh.com", Strict::No),
    ] {
        let agreed = as_client(&Preferences::client(), Peer { methods, ..PEER });
        assert_eq!(agreed.unwrap().strict, strict, "{methods}");
    }
}

/// OpenSSH PROTOCOL, section 1.10: the names are valid in the first KEXINIT only and ignored in later ones.
#[test]
fn a_later_kexinit_announces_nothing() {
    let methods = "curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com";
    let peer = Peer { methods, ..PEER };
    let first = in_phase(Phase::Initial, peer).unwrap();
    assert_eq!((first.strict, first.ext_info), (Strict::Yes, ExtInfo::Wanted));
    let later = in_phase(Phase::Rekey, peer).unwrap();
    assert_eq!((later.strict, later.ext_info), (Strict::No, ExtInfo::Unwanted));
}

#[test]
fn ext_info_is_sent_to_those_who_want_it() {
    for (methods, ext_info) in [
        ("curve25519-sha256,ext-info-c", ExtInfo::Wanted),
        ("curve25519-sha256", ExtInfo::Unwanted),
        ("curve25519-sha256,ext-info-s", ExtInfo::Unwanted),
    ] {
        assert_eq!(as_server(Peer { methods, ..PEER }).unwrap().ext_info, ext_info, "{methods}");
    }
    let peer = Peer { methods: "curve25519-sha256,ext-info-s", ..PEER };
    let agreed = as_client(&Preferences::client(), peer).unwrap();
    assert_eq!(agreed.ext_info, ExtInfo::Wanted);
}

/// RFC 4253, section 7.1: a guess is right if both lists begin alike, for the method and for the host key.
#[test]
fn guesses_are_right_or_wrong() {
    let right = Peer { methods: "mlkem768x25519-sha256,curve25519-sha256", guess: true, ..PEER };
    assert_eq!(as_server(Peer { guess: false, ..right }).unwrap().guess, Guess::None);
    assert_eq!(as_server(right).unwrap().guess, Guess::Right);
    for wrong in [
        Peer { methods: "curve25519-sha256,mlkem768x25519-sha256", ..right },
        // Agreed on all the same, but not the first of theirs.
        Peer { methods: "unknown,mlkem768x25519-sha256", ..right },
        // An alias of our first is another name.
        Peer { methods: "sntrup761x25519-sha512@openssh.com", ..right },
        Peer { host_keys: "rsa-sha2-512,ssh-ed25519", ..right },
    ] {
        assert_eq!(as_server(wrong).unwrap().guess, Guess::Wrong, "{}", wrong.methods);
    }
}
