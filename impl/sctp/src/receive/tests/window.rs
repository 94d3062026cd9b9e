//! How much may come, and how much is held.

use super::*;

/// Bytes in packets of 1,000 as the next of an endless message stream, and read.
fn stream_in(told: &mut Told, step: &mut u32, packets: u32) {
    for _ in 0..packets {
        let ssn = u16::try_from(*step & 0xffff).unwrap();
        told.data("BE", *step, 1, ssn, &[0; 1_000]).unwrap();
        let _ = told.receiver.poll_message().unwrap();
        *step += 1;
    }
}

#[test]
fn the_window_grows_to_four_times_what_arrives_in_a_round_trip() {
    let mut told = Told::new(NEAR_WRAP);
    told.receiver.set_rtt(Duration::from_millis(50));
    let mut step = 0;
    stream_in(&mut told, &mut step, 200);
    told.pass(Duration::from_millis(50));
    stream_in(&mut told, &mut step, 1);
    assert_eq!(told.receiver.held().1, 1 << 20, "201 kB do not need more");
    for _ in 0..2 {
        stream_in(&mut told, &mut step, 1_000);
        told.pass(Duration::from_millis(50));
    }
    stream_in(&mut told, &mut step, 1);
    assert_eq!(told.receiver.held().1, 4_004_000);
    for _ in 0..3 {
        stream_in(&mut told, &mut step, 10_000);
        told.pass(Duration::from_millis(50));
    }
    stream_in(&mut told, &mut step, 1);
    assert_eq!(told.receiver.held().1, 16 << 20, "as far as it may");
    told.receiver.end_of_packet(told.now);
    assert_eq!(told.sack_within(100).1, 16 << 20);
}

/// A receiver with the smallest window, full of unread messages of 1,000 bytes.
fn full() -> (Told, u32) {
    let mut told = Told::with(ReceiverConfig { max_window: 4_096, ..CONFIG }, NEAR_WRAP, false);
    for step in 0..3 {
        told.data("BE", step, 1, u16::try_from(step).unwrap(), &[0; 1_000]).unwrap();
    }
    (told, 3)
}

#[test]
fn a_full_window_takes_no_more_and_says_so_at_once() {
    let (mut told, step) = full();
    let (_, window, ..) = told.sack().unwrap();
    assert_eq!(window, 0, "904 bytes of 4,096 would be a silly window");
    told.data("BE", step, 1, 3, &[0; 1_000]).unwrap();
    assert_eq!(told.sack().unwrap().0, 3);
    assert_eq!(told.receiver.drops().count(DropReason::WindowFull), 1);
}

#[test]
fn a_window_that_opens_by_a_quarter_is_told_once() {
    let (mut told, step) = full();
    let _ = told.sack().unwrap();
    told.receiver.poll_message().unwrap();
    assert_eq!(told.receiver.deadline(), Some(told.now), "as soon as time is told");
    assert_eq!(told.sack(), None, "a poll decides nothing");
    told.pass(Duration::ZERO);
    assert_eq!(told.sack().unwrap().1, 4_096 - 2 * 1_064);
    told.receiver.poll_message().unwrap();
    told.pass(Duration::ZERO);
    assert_eq!(told.sack().unwrap().1, 4_096 - 1_064);
    told.receiver.poll_message().unwrap();
    assert_eq!(told.receiver.deadline(), None, "the peer has room enough to go on");
    told.data("BE", step, 1, 3, &[0; 1_000]).unwrap();
    assert_eq!(told.read().len(), 1);
}

#[test]
fn a_message_that_is_taken_is_held_until_it_is_read() {
    let (mut told, _) = full();
    let taken = std::iter::from_fn(|| told.receiver.take_message()).count();
    told.pass(Duration::ZERO);
    assert_eq!((taken, told.receiver.held().0), (3, 3 * 1_064));
    assert_eq!(told.sack_within(100).1, 0);
    for _ in 0..4 {
        told.receiver.release(1_000);
    }
    told.pass(Duration::ZERO);
    assert_eq!((told.receiver.held().0, told.sack().unwrap().1), (0, 4_096));
}

/// What fills a gap was promised room before what is beyond it came.
#[test]
fn what_is_missing_finds_room_where_more_would_not() {
    let config = ReceiverConfig { max_window: 4_096, ..CONFIG };
    let mut told = Told::with(config, NEAR_WRAP, false);
    for step in 1..4 {
        told.data("BE", step, 1, u16::try_from(step).unwrap(), &[0; 1_000]).unwrap();
    }
    told.data("BE", 4, 1, 4, &[0; 1_000]).unwrap();
    assert_eq!(told.sack().unwrap().2, "2-4", "no room for more");
    told.data("BE", 0, 1, 0, &[0; 1_000]).unwrap();
    assert_eq!(told.read().len(), 4);
}

#[test]
fn one_byte_fragments_with_gaps_are_held_within_bounds() {
    for interleaving in [false, true] {
        let mut told = Told::with(CONFIG, NEAR_WRAP, interleaving);
        for step in (1..60_000).step_by(2) {
            if interleaving {
                told.i_data("", step, (1, 0, step), b"x").unwrap();
            } else {
                told.data("", step, 1, 0, b"x").unwrap();
            }
            told.pass(Duration::from_micros(10));
        }
        let (held, limit) = told.receiver.held();
        assert_eq!(told.receiver.ledger.pieces(), 4_096);
        assert_eq!(held, 4_096 * 65);
        assert_eq!(limit, 1 << 20);
        assert!(told.sack_within(1_172).2.split(',').count() <= 289);
        let refused = told.receiver.drops().count(DropReason::TooManyHeld);
        assert_eq!(refused, 30_000 - 4_096);
    }
}

/// Acknowledgements that overtook each other made the sender take the window for wider than it was: what is
/// missing still comes, and completes all that waits behind it.
#[test]
fn what_fills_a_gap_is_taken_though_the_window_is_full() {
    let mut told = Told::with(ReceiverConfig { max_window: 5_000, ..CONFIG }, NEAR_WRAP, false);
    told.data("E", 1, 1, 0, &[0; 1_100]).unwrap();
    for step in 2..5 {
        let ssn = u16::try_from(step).unwrap() - 1;
        told.data("BE", step, 1, ssn, &[0; 1_100]).unwrap();
    }
    told.data("B", 0, 1, 0, &[0; 1_100]).unwrap();
    assert_eq!(told.receiver.drops().count(DropReason::WindowFull), 0);
}

#[test]
fn more_unfinished_messages_than_the_largest_window_holds_are_a_misdeed() {
    let mut told = Told::with(ReceiverConfig { max_window: 2 << 20, ..CONFIG }, NEAR_WRAP, true);
    let mut result = Ok(());
    let mut step = 0;
    while result.is_ok() {
        let stream = u16::try_from(step % 1_000).unwrap();
        let flags = if step < 1_000 { "B" } else { "" };
        result = told.i_data(flags, step, (stream, 0, step / 1_000), &[0; 1_000]);
        step += 1;
    }
    assert_eq!(result, Err(Misdeed::NothingFinished));
    assert!((1_900..2_100).contains(&step), "{step}: the window had to grow first");
}

/// Nothing else could make room.
#[test]
fn what_ends_a_message_is_taken_where_the_window_is_full_of_begun_ones() {
    let mut told = Told::with(ReceiverConfig { max_window: 4_096, ..CONFIG }, NEAR_WRAP, true);
    for step in 0..3 {
        told.i_data("B", step, (u16::try_from(step).unwrap(), 0, 0), &[0; 1_000]).unwrap();
    }
    assert_eq!(told.sack_within(100).1, 0);
    told.i_data("E", 3, (1, 0, 1), &[0; 1_000]).unwrap();
    assert_eq!(told.receiver.poll_message().unwrap().payload.len(), 2_000);
    told.pass(Duration::ZERO);
    assert!(told.sack().unwrap().1 > 1_200, "there is room again");
}
