//! Full lobbies, crowded addresses, and that everything is given back.

use super::*;

fn lobby(waiting_max: usize, per_address_max: usize) -> Lobby {
    Lobby::new(LobbyLimits { waiting_max, per_address_max, interactive_per_address_max: 2 })
}

fn v4(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn seat(entry: Entry) -> Seat {
    match entry {
        Entry::Seated(seat) | Entry::Instead(seat, _) => seat,
        Entry::Refused => panic!("refused"),
    }
}

#[test]
fn p4_the_oldest_stranger_goes_first_when_the_lobby_is_full() {
    let mut lobby = lobby(3, 10);
    let seats: Vec<_> = (0..3).map(|n| seat(lobby.enter(v4(n)))).collect();
    lobby.leave(seats[1]);
    let third = seat(lobby.enter(v4(9)));
    assert_eq!(lobby.enter(v4(10)), Entry::Instead(Seat(4), seats[0]));
    assert_eq!(lobby.enter(v4(11)), Entry::Instead(Seat(5), seats[2]));
    assert_eq!(lobby.enter(v4(12)), Entry::Instead(Seat(6), third));
    assert_eq!(lobby.waiting(), 3);
}

#[test]
fn p4_one_address_has_few_places_and_gets_them_back() {
    let mut lobby = lobby(100, 2);
    let first = seat(lobby.enter(v4(1)));
    lobby.enter(v4(1));
    assert_eq!(lobby.enter(v4(1)), Entry::Refused);
    assert!(matches!(lobby.enter(v4(2)), Entry::Seated(_)));
    lobby.leave(first);
    lobby.leave(first);
    assert!(matches!(lobby.enter(v4(1)), Entry::Seated(_)));
    assert_eq!(lobby.enter(v4(1)), Entry::Refused);
}

#[test]
fn p4_slow_sign_ins_are_few_for_each_address() {
    let mut lobby = lobby(100, 10);
    let seats: Vec<_> = (0..3).map(|_| seat(lobby.enter(v4(1)))).collect();
    assert_eq!(lobby.ask(seats[0]), Questions::Allowed);
    assert_eq!(lobby.ask(seats[0]), Questions::Allowed, "asking again costs nothing");
    assert_eq!(lobby.ask(seats[1]), Questions::Allowed);
    assert_eq!(lobby.ask(seats[2]), Questions::TooMany);
    let elsewhere = seat(lobby.enter(v4(2)));
    assert_eq!(lobby.ask(elsewhere), Questions::Allowed);
    lobby.leave(seats[0]);
    assert_eq!(lobby.ask(seats[2]), Questions::Allowed);
    assert_eq!(lobby.ask(seats[0]), Questions::TooMany, "who left is not there");
}

#[test]
fn a_network_counts_as_one_address_in_ipv6() {
    let mut lobby = lobby(100, 1);
    let a: IpAddr = "2001:db8:0:1::1".parse().unwrap();
    let b: IpAddr = "2001:db8:0:1:ffff::2".parse().unwrap();
    let c: IpAddr = "2001:db8:0:2::1".parse().unwrap();
    lobby.enter(a);
    assert_eq!(lobby.enter(b), Entry::Refused);
    assert!(matches!(lobby.enter(c), Entry::Seated(_)));
    lobby.enter(v4(1));
    assert_eq!(lobby.enter("::ffff:192.0.2.1".parse().unwrap()), Entry::Refused);
}

#[test]
fn an_empty_lobby_keeps_nothing() {
    let mut lobby = lobby(1000, 10);
    let seats: Vec<_> = (0..100).map(|n| seat(lobby.enter(v4(n)))).collect();
    for seat in seats {
        lobby.ask(seat);
        lobby.leave(seat);
    }
    assert_eq!((lobby.waiting(), lobby.addresses.len(), lobby.seats.len()), (0, 0, 0));
}
