//! The handshake, from one end and from both.

use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::{AssociationState, CloseReason, ConnectError, DropReason, SendError};

#[test]
fn the_handshake_takes_two_round_trips() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(Duration::from_secs(1));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]]);
}

#[test]
fn a_message_travels_with_the_cookie_and_is_there_after_one_round_trip_and_a_half() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"hello");
    pair.run_for(Duration::from_millis(150));
    assert_eq!(pair.messages[B].len(), 1);
    pair.run_for(Duration::from_secs(1));
    insta::assert_snapshot!(pair.ladder);
}

#[test]
fn both_ends_may_begin_at_once() {
    let mut pair = Pair::new(&quiet());
    for end in [A, B] {
        pair.ends[end].connect(pair.now).unwrap();
        pair.send(end, 0, b"hello");
    }
    pair.run_for(Duration::from_secs(3));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]]);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1]);
}

/// The second end begins at any time during the handshake of the first: one association comes of it.
#[rstest]
fn collisions_end_in_one_association(
    #[values(10, 49, 50, 51, 90, 100, 110, 150, 199, 200, 250)] at: u64,
) {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 1, b"from a");
    pair.run_for(Duration::from_millis(at));
    // Refused if the association stands already.
    let _ = pair.ends[B].connect(pair.now);
    pair.send(B, 1, b"from b");
    pair.run_for(Duration::from_secs(10));
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]], "{}", pair.ladder);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1], "{}", pair.ladder);
    assert_eq!(pair.ends[A].state.peer_tag(), pair.ends[B].state.local_tag());
    assert_eq!(pair.ends[B].state.peer_tag(), pair.ends[A].state.local_tag());
}

#[test]
fn the_end_that_answers_keeps_nothing() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    let init = pair.poll_all(A).remove(0);
    for _ in 0..3 {
        pair.hand(B, &init);
        assert_eq!(pair.poll_all(B).len(), 1);
        assert_eq!(pair.ends[B].state(), AssociationState::Closed);
        assert_eq!(pair.ends[B].poll_timeout(), None);
    }
    // A flood is answered as far as answers leave.
    for _ in 0..100 {
        pair.hand(B, &init);
    }
    assert_eq!(pair.poll_all(B).len(), 16);
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::TooManyAnswers), 84);
}

#[test]
fn set_up_is_given_up_after_as_many_repetitions_as_were_set() {
    let config = Config { max_init_retransmits: 3, ..quiet() };
    let mut pair = Pair::new(&config);
    pair.network = Box::new(|_, _, _| Fate::Lose);
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(Duration::from_secs(100));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::SetupTimeout)]);
    assert_eq!(pair.ends[A].poll_timeout(), None);
    // It may be tried again, under another tag.
    pair.ends[A].connect(pair.now).unwrap();
}

#[test]
fn cookie_echo_is_given_up_after_as_many_repetitions_as_were_set() {
    let config = Config { max_init_retransmits: 2, ..quiet() };
    let mut pair = Pair::new(&config);
    pair.network = Box::new(|number, _, _| if number < 2 { Fate::Arrive } else { Fate::Lose });
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"hello");
    pair.run_for(Duration::from_secs(100));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::SetupTimeout)]);
}

#[test]
fn what_is_under_way_is_not_begun_again() {
    let mut pair = Pair::new(&quiet());
    assert_eq!(
        pair.ends[A].send(
            pair.now,
            StreamId::new(0),
            Ppid::new(51),
            Bytes::from_static(b"x"),
            &SendOptions::default(),
        ),
        Err(SendError::NotConnected)
    );
    pair.ends[A].connect(pair.now).unwrap();
    assert_eq!(pair.ends[A].connect(pair.now), Err(ConnectError::UnderWay));
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.ends[B].connect(pair.now), Err(ConnectError::UnderWay));
}

#[test]
fn streams_are_as_many_as_the_one_wants_and_the_other_takes() {
    let a = Config { outgoing_streams: 10, incoming_streams: 20, ..quiet() };
    let b = Config { outgoing_streams: 30, incoming_streams: 5, ..quiet() };
    let mut pair = Pair::of(end(a, 1), end(b, 2));
    pair.ends[A].connect(pair.now).unwrap();
    assert_eq!(pair.ends[A].outgoing_streams(), 10);
    // Taken before the peer said how many it takes, and given up then.
    pair.send(A, 7, b"lost");
    pair.send(A, 4, b"kept");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.ends[A].outgoing_streams(), 5);
    assert_eq!(pair.ends[B].outgoing_streams(), 20);
    assert_eq!(pair.messages[B].iter().map(|m| m.stream.get()).collect::<Vec<_>>(), [4]);
    let (stream, ppid) = (StreamId::new(7), Ppid::new(53));
    assert!(pair.events[A].contains(&Event::Abandoned { stream, ppid, sent: false }));
}
