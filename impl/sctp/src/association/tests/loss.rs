//! Each packet of the handshake lost, doubled or late: RFC 9260 §4, §5.2; reliability row S25.

use std::time::Duration;

use rstest::rstest;

use super::*;

/// Sets up with messages both ways while `fate` befalls packet `which`.
fn set_up_with(which: usize, fate: Fate, both: bool) -> Pair {
    let mut pair = Pair::new(&quiet());
    pair.network = Box::new(move |number, _, _| if number == which { fate } else { Fate::Arrive });
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"from a");
    if both {
        pair.ends[B].connect(pair.now).unwrap();
        pair.send(B, 0, b"from b");
    }
    pair.run_for(Duration::from_secs(20));
    pair
}

fn assert_stands(pair: &Pair, both: bool) {
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]], "{}", pair.ladder);
    let counts = [pair.messages[A].len(), pair.messages[B].len()];
    assert_eq!(counts, [usize::from(both), 1], "{}", pair.ladder);
    assert!(pair.ends.iter().all(Association::is_idle), "{}", pair.ladder);
}

#[rstest]
fn no_packet_of_the_handshake_is_missed(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8)] which: usize,
    #[values(false, true)] both: bool,
) {
    assert_stands(&set_up_with(which, Fate::Lose, both), both);
}

#[rstest]
fn no_packet_of_the_handshake_does_harm_twice(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8)] which: usize,
    #[values(false, true)] both: bool,
) {
    assert_stands(&set_up_with(which, Fate::Twice, both), both);
}

#[rstest]
fn no_packet_of_the_handshake_does_harm_late(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8)] which: usize,
    #[values(30, 120, 1_500, 4_000)] by: u64,
    #[values(false, true)] both: bool,
) {
    assert_stands(&set_up_with(which, Fate::Late(Duration::from_millis(by)), both), both);
}

#[test]
fn any_two_packets_of_the_handshake_may_be_lost() {
    for first in 0..8 {
        for second in first + 1..9 {
            let mut pair = Pair::new(&quiet());
            let lost = [first, second];
            pair.network = Box::new(
                move |number, _, _| {
                    if lost.contains(&number) { Fate::Lose } else { Fate::Arrive }
                },
            );
            for end in [A, B] {
                pair.ends[end].connect(pair.now).unwrap();
                pair.send(end, 0, b"hello");
            }
            pair.run_for(Duration::from_secs(30));
            assert_stands(&pair, true);
        }
    }
}

#[test]
fn a_lost_cookie_echo_is_sent_again_with_its_data() {
    let pair = set_up_with(2, Fate::Lose, false);
    insta::assert_snapshot!(pair.ladder);
}

/// RFC 9260 §8.3: who asks has taken the cookie, and its COOKIE ACK got lost.
#[test]
fn a_heartbeat_before_the_cookie_ack_is_answered_with_the_cookie() {
    use crate::{AssociationState, wire::ChunkType};
    let mut pair = Pair::new(&quiet());
    pair.network =
        Box::new(
            |_, _, packet| {
                if kind(packet) == ChunkType::COOKIE_ACK { Fate::Lose } else { Fate::Arrive }
            },
        );
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(Duration::from_millis(160));
    assert_eq!(pair.ends[A].state(), AssociationState::CookieEchoed);
    pair.network = Box::new(|_, _, _| Fate::Arrive);
    pair.ladder.clear();
    pair.ends[B].request_heartbeat(pair.now);
    pair.run_for(Duration::from_secs(2));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.ends[A].state(), AssociationState::Established);
}

#[test]
fn a_lost_cookie_ack_is_sent_again() {
    let pair = set_up_with(3, Fate::Lose, false);
    insta::assert_snapshot!(pair.ladder);
}
