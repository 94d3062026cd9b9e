//! Shutdown and abort, from either end and from both (RFC 9260 §9).

use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::{
    AssociationState, CloseReason, DropReason, SendError,
    wire::{CauseCode, ChunkType},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_shutdown_takes_three_packets() {
    let mut pair = Pair::standing(&quiet());
    pair.ends[A].shutdown(pair.now);
    pair.run_for(SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::Shutdown)]);
    assert_eq!(pair.events[B], [Event::PeerShutdown, Event::Closed(CloseReason::Shutdown)]);
    assert!(pair.ends.iter().all(|end| end.poll_timeout().is_none()));
}

#[test]
fn a_shutdown_waits_for_what_both_ends_have_to_say() {
    let mut pair = Pair::standing(&quiet());
    pair.send(A, 0, &[1; 3_000]);
    pair.send(B, 0, &[2; 3_000]);
    pair.ends[A].shutdown(pair.now);
    assert_eq!(pair.ends[A].state(), AssociationState::ShutdownPending);
    let refused = pair.ends[A].send(
        pair.now,
        StreamId::new(0),
        Ppid::new(53),
        Bytes::from_static(b"late"),
        &SendOptions::default(),
    );
    assert_eq!(refused, Err(SendError::Closed));
    pair.run_for(SECOND);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1], "{}", pair.ladder);
    insta::assert_snapshot!(pair.ladder);
}

#[test]
fn the_peer_delivers_what_it_has_queued_before_it_agrees() {
    let mut pair = Pair::standing(&quiet());
    pair.ends[A].shutdown(pair.now);
    pair.drain();
    pair.send(B, 0, &[2; 40_000]);
    pair.run_for(3 * SECOND);
    assert_eq!(pair.messages[A].len(), 1);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::Shutdown)], "{}", pair.ladder);
    assert_eq!(pair.ends[B].state(), AssociationState::Closed);
}

#[test]
fn both_ends_may_shut_down_at_once() {
    let mut pair = Pair::standing(&quiet());
    pair.ends[A].shutdown(pair.now);
    pair.ends[B].shutdown(pair.now);
    pair.run_for(SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::Shutdown)]);
    assert_eq!(pair.events[B], [Event::Closed(CloseReason::Shutdown)]);
}

/// Each packet of the shutdown lost: both ends come to know of the end all the same.
#[rstest]
fn no_packet_of_the_shutdown_is_missed(
    #[values(0, 1, 2, 3)] which: usize,
    #[values(false, true)] both: bool,
) {
    let mut pair = Pair::standing(&quiet());
    pair.network =
        Box::new(move |number, _, _| if number == which { Fate::Lose } else { Fate::Arrive });
    pair.ends[A].shutdown(pair.now);
    if both {
        pair.ends[B].shutdown(pair.now);
    }
    pair.run_for(20 * SECOND);
    for end in [A, B] {
        assert_eq!(
            pair.events[end].last(),
            Some(&Event::Closed(CloseReason::Shutdown)),
            "{}",
            pair.ladder
        );
    }
}

#[test]
fn a_lost_shutdown_complete_is_answered_out_of_the_blue() {
    let mut pair = Pair::standing(&quiet());
    pair.network = Box::new(|number, _, _| if number == 2 { Fate::Lose } else { Fate::Arrive });
    pair.ends[A].shutdown(pair.now);
    pair.run_for(5 * SECOND);
    insta::assert_snapshot!(pair.ladder);
}

/// The peer's packets carry no checksum, as was agreed with the association that is gone.
#[test]
fn a_lost_shutdown_complete_is_answered_where_packets_have_no_checksum() {
    let mut config = quiet();
    config.features.zero_checksum = true;
    let mut pair = Pair::standing(&config);
    pair.network = Box::new(|number, _, _| if number == 2 { Fate::Lose } else { Fate::Arrive });
    pair.ends[A].shutdown(pair.now);
    pair.run_for(5 * SECOND);
    let closed = Event::Closed(CloseReason::Shutdown);
    assert_eq!(pair.events, [vec![closed.clone()], vec![Event::PeerShutdown, closed]]);
}

#[test]
fn a_shutdown_that_nobody_answers_is_given_up() {
    let config = Config { max_retransmits: 3, ..quiet() };
    let mut pair = Pair::standing(&config);
    pair.network = Box::new(|_, _, _| Fate::Lose);
    pair.ends[A].shutdown(pair.now);
    pair.run_for(100 * SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::Unreachable)]);
}

/// RFC 9260 §9.2: a peer that goes on sending for ever is cut off by the guard.
#[test]
fn a_shutdown_that_never_ends_is_ended_by_the_guard() {
    let mut pair = Pair::standing(&quiet());
    pair.ends[A].shutdown(pair.now);
    pair.drain();
    let start = pair.now;
    pair.network = Box::new(|_, from, packet| {
        let is_agreement = from == B && kind(packet) == ChunkType::SHUTDOWN_ACK;
        if is_agreement { Fate::Lose } else { Fate::Arrive }
    });
    // Something that is no data keeps the peer from counting as gone.
    let heartbeat = wire::Heartbeat { info: b"?", rest: &[] };
    for _ in 0..60 {
        if pair.ends[A].state() == AssociationState::Closed {
            break;
        }
        let packet = pair.packet_to(A, &[Chunk::Heartbeat(heartbeat)]);
        pair.hand(A, &packet);
        pair.run_for(SECOND);
    }
    let took = pair.now.saturating_duration_since(start);
    pair.run_for(SECOND);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::ShutdownTimeout)]);
    assert!(took >= 50 * SECOND && took < 52 * SECOND, "{took:?}");
    assert!(matches!(
        pair.events[B].last(),
        Some(Event::Closed(CloseReason::AbortedByPeer { cause: Some(CauseCode::USER_ABORT), .. }))
    ));
}

#[test]
fn an_abort_tells_the_reason() {
    let mut pair = Pair::standing(&quiet());
    pair.send(A, 0, b"lost");
    pair.ends[A].abort(pair.now, b"enough");
    pair.run_for(SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events[A], [Event::Closed(CloseReason::Aborted)]);
    let reason = Bytes::from_static(b"enough");
    let cause = Some(CauseCode::USER_ABORT);
    assert_eq!(pair.events[B], [Event::Closed(CloseReason::AbortedByPeer { cause, reason })]);
    assert_eq!(pair.messages[B].len(), 0);
}

#[test]
fn nobody_answers_an_abort() {
    let mut pair = Pair::standing(&quiet());
    pair.ends[A].abort(pair.now, b"");
    pair.ends[B].abort(pair.now, b"");
    pair.run_for(10 * SECOND);
    assert_eq!(pair.packets.len(), 2, "{}", pair.ladder);
}

#[test]
fn a_lost_abort_shows_when_the_peer_speaks_next() {
    let mut pair = Pair::standing(&quiet());
    pair.network = Box::new(|number, _, _| if number == 0 { Fate::Lose } else { Fate::Arrive });
    pair.ends[A].abort(pair.now, b"");
    pair.run_for(SECOND);
    pair.send(B, 0, b"still there?");
    pair.run_for(SECOND);
    insta::assert_snapshot!(pair.ladder);
    let reason = Bytes::new();
    assert_eq!(pair.events[B], [Event::Closed(CloseReason::AbortedByPeer { cause: None, reason })]);
    assert_eq!(pair.ends[A].stats().dropped.count(DropReason::OutOfTheBlue), 1);
}

#[test]
fn what_was_whole_when_the_end_came_can_still_be_read() {
    let mut pair = Pair::standing(&quiet());
    pair.send(A, 0, b"last words");
    let data = pair.poll_all(A);
    pair.ends[A].abort(pair.now, b"");
    let abort = pair.poll_all(A);
    for packet in data.iter().chain(&abort) {
        pair.hand(B, packet);
    }
    assert_eq!(pair.ends[B].state(), AssociationState::Closed);
    assert_eq!(pair.ends[B].poll_message().unwrap().payload, b"last words"[..]);
}

#[test]
fn a_shutdown_during_set_up_comes_after_it() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"one thing");
    pair.ends[A].shutdown(pair.now);
    pair.run_for(5 * SECOND);
    assert_eq!(pair.messages[B].len(), 1);
    assert_eq!(pair.events[A], [Event::Connected, Event::Closed(CloseReason::Shutdown)]);
}

#[test]
fn an_abort_during_set_up_tells_whoever_is_known() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.ends[A].abort(pair.now, b"");
    assert!(pair.says(A).is_empty(), "the peer has no tag yet");
    assert_eq!(pair.ends[A].state(), AssociationState::Closed);
}

#[test]
fn a_dead_peer_is_noticed_and_the_end_told() {
    let config = Config { max_retransmits: 4, ..quiet() };
    let mut pair = Pair::standing(&config);
    pair.network = Box::new(|_, _, _| Fate::Lose);
    pair.send(A, 0, b"hello?");
    pair.run_for(200 * SECOND);
    let told = [Event::PathActive(false), Event::Closed(CloseReason::Unreachable)];
    assert_eq!(pair.events[A], told, "{}", pair.ladder);
    assert_eq!(pair.ends[A].poll_timeout(), None);
}

#[test]
fn an_idle_dead_peer_is_noticed_by_heartbeats() {
    let interval = Some(Duration::from_secs(5));
    let config = Config { heartbeat_interval: interval, max_retransmits: 2, ..quiet() };
    let mut pair = Pair::standing(&config);
    pair.run_for(30 * SECOND);
    assert_eq!(pair.events[A], [], "answered heartbeats are no errors");
    pair.network = Box::new(|_, _, _| Fate::Lose);
    pair.run_for(100 * SECOND);
    let told = [Event::PathActive(false), Event::Closed(CloseReason::Unreachable)];
    assert_eq!(pair.events[A], told, "{}", pair.ladder);
}
