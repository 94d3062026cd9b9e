//! A peer that begins anew: RFC 9260 §5.2.2, §5.2.4.

use std::time::Duration;

use super::*;
use crate::{AssociationState, DropReason, wire::ChunkType};

const SECOND: Duration = Duration::from_secs(1);

fn restarted() -> Pair {
    let mut pair = Pair::standing(&quiet());
    pair.send(B, 0, b"to the one that is no more");
    pair.ends[A] = end(quiet(), 9);
    pair.ends[A].connect(pair.now).unwrap();
    pair
}

#[test]
fn a_restart_is_told_and_everything_begins_anew() {
    let mut pair = restarted();
    pair.send(A, 0, b"here again");
    pair.run_for(5 * SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Restarted]]);
    assert_eq!(pair.messages[A].len(), 0, "what waited is lost");
    assert_eq!(pair.messages[B].len(), 1);
    pair.send(B, 0, b"welcome back");
    pair.run_for(SECOND);
    assert_eq!(pair.messages[A].len(), 1);
    assert!(pair.ends[B].is_idle());
}

#[test]
fn whoever_waits_for_room_hears_of_it_after_a_restart_and_wishes_of_streams_stay() {
    use crate::SendError;
    let mut pair = Pair::standing(&Config { send_buffer: 10_000, ..quiet() });
    pair.ends[B].set_buffered_low(StreamId::new(3), 500);
    let payload = Bytes::from(vec![0; 9_000]);
    let (stream, ppid) = (StreamId::new(3), Ppid::new(53));
    let options = SendOptions::default();
    pair.ends[B].send(pair.now, stream, ppid, payload.clone(), &options).unwrap();
    let refused = pair.ends[B].send(pair.now, stream, ppid, payload, &options);
    assert_eq!(refused, Err(SendError::QueueFull));
    pair.ends[A] = end(quiet(), 9);
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(SECOND);
    assert!(pair.events[B].contains(&Event::Restarted));
    assert!(pair.events[B].contains(&Event::Writable), "{:?}", pair.events[B]);
    let text = format!("{:?}", pair.ends[B].state);
    assert!(text.contains("low_threshold: 500"));
}

#[test]
fn an_init_changes_nothing_before_its_cookie_comes_back() {
    let mut pair = restarted();
    let init = pair.poll_all(A).remove(0);
    let before = format!("{:?}", pair.ends[B].state);
    pair.hand(B, &init);
    assert_eq!(format!("{:?}", pair.ends[B].state), before);
    let said = pair.poll_all(B);
    assert_eq!(kind(&said[0]), ChunkType::INIT_ACK);
    assert_eq!(pair.ends[B].poll_event(), None);
    assert_eq!(pair.ends[B].state(), AssociationState::Established);
}

#[test]
fn what_was_read_by_nobody_before_a_restart_can_be_read_after_it() {
    let mut pair = Pair::standing(&quiet());
    pair.send(A, 0, b"before");
    for packet in pair.poll_all(A) {
        pair.hand(B, &packet);
    }
    pair.ends[A] = end(quiet(), 9);
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"after");
    pair.run_for(SECOND);
    let texts: Vec<_> = pair.messages[B].iter().map(|m| m.payload.to_vec()).collect();
    assert_eq!(texts, [b"before".to_vec(), b"after".to_vec()]);
}

/// RFC 9260 §5.2.4 A: who is about to be gone does not begin anew first.
#[test]
fn a_restart_during_shutdown_waits_for_its_end() {
    let mut pair = states::at(AssociationState::ShutdownAckSent);
    pair.ends[B] = end(quiet(), 9);
    pair.ends[B].connect(pair.now).unwrap();
    pair.network = Box::new(|_, _, _| Fate::Arrive);
    pair.ladder.clear();
    pair.run_for(30 * SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.ends[A].state(), AssociationState::Established);
    assert_eq!(pair.ends[B].state(), AssociationState::Established);
}

#[test]
fn a_cookie_of_a_restart_is_refused_during_shutdown() {
    // Made while the association stood, brought back when its end is all but there.
    let mut pair = Pair::standing(&quiet());
    let mut other = Pair::of(end(quiet(), 9), end(quiet(), 2));
    std::mem::swap(&mut other.ends[B], &mut pair.ends[A]);
    other.ends[A].connect(pair.now).unwrap();
    for packet in other.poll_all(A) {
        other.hand(B, &packet);
    }
    for packet in other.poll_all(B) {
        other.hand(A, &packet);
    }
    let echo = other.poll_all(A).remove(0);
    assert_eq!(kind(&echo), ChunkType::COOKIE_ECHO);
    std::mem::swap(&mut other.ends[B], &mut pair.ends[A]);
    pair.network =
        Box::new(
            |_, _, packet| {
                if kind(packet) == ChunkType::SHUTDOWN_ACK { Fate::Lose } else { Fate::Arrive }
            },
        );
    pair.ends[B].shutdown(pair.now);
    pair.run_for(SECOND / 8);
    assert_eq!(pair.ends[A].state(), AssociationState::ShutdownAckSent);
    pair.hand(A, &echo);
    assert_eq!(pair.says(A), ["SHUTDOWN ACK | ERROR (cookie received while shutting down)"]);
    assert_eq!(pair.ends[A].state(), AssociationState::ShutdownAckSent);
}

/// A peer that begins anew, sends and aborts, over and over, to an application that reads nothing.
#[test]
fn what_nobody_reads_is_bounded() {
    let window = 100_000;
    let mut pair =
        Pair::of(end(quiet(), 1), end(Config { max_receive_window: window, ..quiet() }, 2));
    for seed in 0..200 {
        pair.ends[A] = end(quiet(), seed);
        pair.ends[A].connect(pair.now).unwrap();
        pair.send(A, 0, &[1; 10_000]);
        for _ in 0..12 {
            pair.now += DELAY;
            for from in [A, B] {
                pair.ends[from].handle_timeout(pair.now);
                for packet in pair.poll_all(from) {
                    pair.hand(1 - from, &packet);
                }
            }
        }
        pair.ends[A].abort(pair.now, b"");
        for packet in pair.poll_all(A) {
            pair.hand(B, &packet);
        }
    }
    let unread: usize = pair.ends[B].unread.iter().map(|message| message.payload.len()).sum();
    assert!(unread > 100_000 && unread <= 120_000, "{unread}");
    assert!(pair.ends[B].stats().dropped.count(DropReason::Unread) > 100);
    // Once it is read, the peer may come again.
    while pair.ends[B].poll_message().is_some() {}
    pair.ends[A] = end(quiet(), 201);
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.ends[B].state(), AssociationState::Established);
}

/// RFC 9260 §5.2.4 C: our cookie arrives after the peer has gone on with a tag of its own.
#[test]
fn a_cookie_that_was_overtaken_is_dropped() {
    let mut pair = Pair::new(&quiet());
    // B answers A's INIT, keeps nothing, and then begins itself.
    pair.ends[A].connect(pair.now).unwrap();
    let init = pair.poll_all(A).remove(0);
    pair.hand(B, &init);
    let answer = pair.poll_all(B).remove(0);
    pair.ends[B].connect(pair.now).unwrap();
    let init = pair.poll_all(B).remove(0);
    pair.hand(A, &init);
    let answer_of_a = pair.poll_all(A).remove(0);
    // A's answer arrives first; B's tag is another by now than in the cookie that A brings back.
    pair.hand(B, &answer_of_a);
    pair.hand(A, &answer);
    let echo = pair.poll_all(A).remove(0);
    pair.hand(B, &echo);
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::OvertakenCookie), 1);
    assert_eq!(pair.ends[B].state(), AssociationState::CookieEchoed);
    // B's cookie settles it: action B at A.
    pair.run_for(5 * SECOND);
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]], "{}", pair.ladder);
    pair.send(A, 0, b"a");
    pair.send(B, 0, b"b");
    pair.run_for(SECOND);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1]);
}

#[test]
fn a_stale_cookie_is_asked_for_anew_with_a_longer_life() {
    let mut pair = Pair::new(&Config { cookie_life: Duration::from_millis(150), ..quiet() });
    // The first COOKIE ECHO takes too long.
    pair.network =
        Box::new(
            |number, _, _| {
                if number == 2 { Fate::Late(Duration::from_millis(100)) } else { Fate::Arrive }
            },
        );
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"patience");
    pair.run_for(5 * SECOND);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]]);
    assert_eq!(pair.messages[B].len(), 1);
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::StaleCookie), 1);
}

#[test]
fn a_peer_whose_cookies_are_always_stale_is_given_up() {
    let mut pair = Pair::new(&Config { max_init_retransmits: 3, ..quiet() });
    pair.network = Box::new(|_, _, _| Fate::Lose);
    pair.ends[A].connect(pair.now).unwrap();
    for round in 0..20 {
        let Some(init) = pair.poll_all(A).pop() else { break };
        pair.hand(B, &init);
        for answer in pair.poll_all(B) {
            pair.hand(A, &answer);
        }
        assert!(round < 10, "it never ends");
        pair.poll_all(A);
        let causes = [wire::Cause::StaleCookie(5)];
        let causes = causes.as_slice().into();
        let stale = [Chunk::Error(wire::OperationError { causes })];
        if pair.ends[A].state() == AssociationState::CookieEchoed {
            let bytes = pair.packet_to(A, &stale);
            pair.hand(A, &bytes);
        }
    }
    assert_eq!(pair.ends[A].state(), AssociationState::Closed);
}

/// RFC 9260 §5.2.4 3: a cookie of the association that stands is good however old it is.
#[test]
fn a_stale_cookie_of_what_stands_is_acknowledged() {
    let mut pair = Pair::new(&Config { cookie_life: Duration::from_millis(500), ..quiet() });
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(60 * SECOND);
    let (_, echo) = pair.packets[2].clone();
    assert_eq!(kind(&echo), ChunkType::COOKIE_ECHO);
    pair.hand(B, &echo);
    assert_eq!(pair.says(B), ["COOKIE ACK"]);
}

#[test]
fn a_cookie_that_comes_again_after_the_end_makes_no_ghost() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"once");
    pair.run_for(SECOND);
    let (_, echo) = pair.packets[2].clone();
    assert_eq!(kind(&echo), ChunkType::COOKIE_ECHO);
    for end in [A, B] {
        pair.ends[end].abort(pair.now, b"");
    }
    pair.run_for(SECOND);
    pair.hand(B, &echo);
    assert!(pair.says(B).is_empty());
    assert_eq!(pair.ends[B].state(), AssociationState::Closed);
    assert_eq!(pair.messages[B].len(), 1);
    // Another set-up is another matter.
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(SECOND);
    assert_eq!(pair.ends[B].state(), AssociationState::Established);
}
