//! The arithmetic of windows.

use crate::connection::flow::{Credit, Receiving, Sending};

#[test]
fn a_window_doubles_while_its_bytes_are_taken_at_once() {
    let mut credit = Credit::new(1000, 10, 80, 2);
    let mut receiving = credit.open().unwrap();
    let mut windows = vec![receiving.window()];
    for _ in 0..5 {
        let all = receiving.window();
        receiving.receive(usize::try_from(all).unwrap()).unwrap();
        receiving.consume(usize::try_from(all).unwrap());
        assert_eq!(receiving.refill(&mut credit), Some(receiving.window()));
        windows.push(receiving.window());
    }
    assert_eq!(windows, [10, 20, 40, 80, 80, 80]);
}

#[test]
fn a_window_whose_bytes_are_left_alone_does_not_grow() {
    let mut credit = Credit::new(1000, 10, 80, 2);
    let mut receiving = credit.open().unwrap();
    receiving.receive(10).unwrap();
    receiving.consume(9);
    // Nine of ten are given back; the one that is held keeps the window from growing.
    assert_eq!(receiving.refill(&mut credit), Some(9));
    assert_eq!((receiving.window(), receiving.held()), (9, 1));
}

#[test]
fn credit_goes_back_in_halves() {
    let mut credit = Credit::new(1000, 10, 10, 2);
    let mut receiving = credit.open().unwrap();
    receiving.receive(10).unwrap();
    for count in [1, 2, 3, 4] {
        receiving.consume(1);
        assert_eq!(receiving.refill(&mut credit), None, "after {count} bytes");
    }
    receiving.consume(1);
    assert_eq!(receiving.refill(&mut credit), Some(5));
}

#[test]
fn windows_of_one_byte_get_along() {
    let mut credit = Credit::new(1, 1, 1, 1);
    let mut receiving = credit.open().unwrap();
    for _ in 0..3 {
        assert_eq!(receiving.receive(2), None);
        receiving.receive(1).unwrap();
        assert_eq!(receiving.receive(1), None);
        assert_eq!(receiving.refill(&mut credit), None);
        receiving.consume(1);
        assert_eq!(receiving.refill(&mut credit), Some(1));
    }
}

/// However far busy channels have grown, each that may still be opened gets its smallest window.
#[test]
fn channels_that_are_not_open_yet_keep_their_reserve() {
    // 100 for 4 channels of at least 10: one may grow by no more than the other three leave.
    let mut credit = Credit::new(100, 10, 1000, 4);
    let mut busy = credit.open().unwrap();
    for _ in 0..10 {
        let all = usize::try_from(busy.window()).unwrap();
        busy.receive(all).unwrap();
        busy.consume(all);
        busy.refill(&mut credit);
    }
    assert_eq!(busy.window(), 70);
    let others: Vec<Receiving> = std::iter::from_fn(|| credit.open()).collect();
    assert_eq!(others.iter().map(Receiving::window).collect::<Vec<_>>(), [10, 10, 10]);
    // What a channel grew to is there for others again once it is gone.
    credit.close(&busy);
    let mut next = credit.open().unwrap();
    next.receive(10).unwrap();
    next.consume(10);
    assert_eq!(next.refill(&mut credit), Some(20));
}

/// A total that is smaller than the reserve is taken for the reserve.
#[test]
fn every_channel_gets_a_window_whatever_the_total_says() {
    let mut credit = Credit::new(0, 10, 1000, 3);
    let windows: Vec<_> = std::iter::from_fn(|| credit.open()).map(|receiving| receiving.window()).collect();
    assert_eq!(windows, [10, 10, 10]);
    // And none of them grows: there is nothing to grow from.
    let mut alone = Credit::new(0, 10, 1000, 1);
    let mut receiving = alone.open().unwrap();
    receiving.receive(10).unwrap();
    receiving.consume(10);
    assert_eq!(receiving.refill(&mut alone), Some(10));
}

#[test]
fn more_is_never_given_back_than_came() {
    let mut credit = Credit::new(1000, 10, 10, 1);
    let mut receiving = credit.open().unwrap();
    receiving.receive(4).unwrap();
    receiving.consume(1_000_000);
    receiving.consume(usize::MAX);
    assert_eq!(receiving.held(), 0);
    assert_eq!(receiving.refill(&mut credit), None);
    receiving.receive(6).unwrap();
    receiving.consume(6);
    assert_eq!(receiving.refill(&mut credit), Some(10));
    assert_eq!(receiving.window(), 10);
}

#[test]
fn p9_what_we_may_send_never_wraps() {
    let mut sending = Sending::new(u32::MAX, 100);
    assert_eq!(sending.grant(1), None);
    sending.spend(10);
    assert_eq!(sending.grant(11), None);
    assert_eq!(sending.grant(10), Some(()));
    assert_eq!(sending.window(), usize::try_from(u32::MAX).unwrap());
    let mut small = Sending::new(5, 100);
    small.spend(7);
    assert_eq!((small.window(), small.chunk(10)), (0, 0));
}

/// A data packet is as large as window, the peer's largest packet and our own limit allow.
#[test]
fn a_chunk_fits_window_and_packet() {
    for (window, packet, wanted, chunk) in
        [(100, 10, 50, 10), (5, 10, 50, 5), (100, 10, 3, 3), (0, 10, 3, 0), (u32::MAX, u32::MAX, 1 << 20, 64 * 1024)]
    {
        assert_eq!(Sending::new(window, packet).chunk(wanted), chunk);
    }
}

mod random {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Something that happens to one of several channels.
    #[derive(Debug, Clone)]
    enum Step {
        Open,
        Receive(usize, usize),
        Consume(usize, usize),
        Close(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Open),
            (0..8_usize, 0..300_usize).prop_map(|(at, count)| Step::Receive(at, count)),
            (0..8_usize, 0..300_usize).prop_map(|(at, count)| Step::Consume(at, count)),
            (0..8_usize).prop_map(Step::Close),
        ]
    }

    proptest! {
        /// Fails when a window grows without taking from what is free, or a channel that goes does not give back what it grew to.
        #[test]
        fn promises_never_exceed_the_total(
            (total, least, most, channels) in (0..2000_u64, 1..50_u32, 1..500_u32, 1..6_u32),
            steps in vec(step(), 0..200),
        ) {
            let mut credit = Credit::new(total, least, most, channels);
            let total = total.max(u64::from(least) * u64::from(channels));
            let mut open: Vec<Receiving> = Vec::new();
            for step in steps {
                match step {
                    Step::Open => {
                        let receiving = credit.open();
                        prop_assert_eq!(receiving.is_none(), open.len() == usize::try_from(channels).unwrap());
                        open.extend(receiving);
                    }
                    Step::Receive(at, count) if at < open.len() => {
                        let window = usize::try_from(open[at].window()).unwrap();
                        prop_assert_eq!(open[at].receive(count).is_some(), count <= window);
                    }
                    Step::Consume(at, count) if at < open.len() => {
                        open[at].consume(count);
                        open[at].refill(&mut credit);
                    }
                    Step::Close(at) if at < open.len() => credit.close(&open.remove(at)),
                    _ => {}
                }
                let promised: u64 = open.iter().map(|one| u64::from(one.window()) + u64::from(one.held())).sum();
                prop_assert!(promised <= total, "{} of {}", promised, total);
                for one in &open {
                    prop_assert!(one.window() + one.held() <= most.max(least));
                    // Whoever has taken everything is never left without a window.
                    prop_assert!(one.held() > 0 || one.window() > 0);
                }
            }
            // Once all are gone, there is room for all again, and for one to grow as far as ever.
            open.drain(..).for_each(|one| credit.close(&one));
            let again = Credit::new(total, least, most, channels);
            prop_assert_eq!(format!("{credit:?}"), format!("{again:?}"));
        }
    }
}
