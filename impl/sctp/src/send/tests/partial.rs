//! Messages that are given up: RFC 3758, RFC 7496, RFC 8260 §2.3.1.

use std::time::Duration;

use super::*;
use crate::{
    Event, Ppid, Reliability, SendError, SendOptions, StreamId,
    send::{SenderConfig, tests::talk::config},
};

fn limited(retransmits: u16) -> SendOptions {
    SendOptions { reliability: Reliability::Retransmits(retransmits), ..SendOptions::default() }
}

fn lasting(millis: u64) -> SendOptions {
    let reliability = Reliability::Lifetime(Duration::from_millis(millis));
    SendOptions { reliability, ..SendOptions::default() }
}

fn ranked(priority: u32) -> SendOptions {
    SendOptions { reliability: Reliability::Priority(priority), ..SendOptions::default() }
}

fn given_up(stream: u16, sent: bool) -> Event {
    Event::Abandoned { stream: StreamId::new(stream), ppid: Ppid::new(51), sent }
}

/// What was given up since the last look.
fn losses(talk: &mut Talk) -> Vec<Event> {
    let mut events = talk.events();
    events.retain(|event| matches!(event, Event::Abandoned { .. }));
    events
}

fn timeout(talk: &mut Talk) {
    let before = talk.sender.counters().timeouts;
    while talk.sender.counters().timeouts == before {
        talk.expire();
    }
}

#[test]
fn what_may_not_go_again_is_given_up_when_it_is_lost() {
    let mut talk = Talk::new();
    talk.send_with(1, 100, limited(0));
    talk.send_with(2, 100, limited(1));
    assert_eq!(talk.packets(), ["--BE 1:1.0 100 | I-BE 2:2.0 100"]);
    timeout(&mut talk);
    assert_eq!(losses(&mut talk), [given_up(1, true)]);
    assert_eq!(talk.packets(), ["forward 1 [1:0] | I-BE 2:2.0 100"]);
    timeout(&mut talk);
    assert_eq!(losses(&mut talk), [given_up(2, true)]);
    assert_eq!(talk.packets(), ["forward 2 [1:0,2:0]"]);
    talk.sack(2, &[]);
    assert!(talk.sender.is_idle());
    assert_eq!(talk.sender.deadline(), None);
    assert_eq!(talk.sender.messages.len(), 0);
}

/// The chunks of the message lie between those of others in the list of what is lost, and leave it once.
#[test]
fn a_timeout_gives_up_a_message_of_several_chunks_once() {
    let mut talk = Talk::new();
    talk.send(1, 1_000);
    talk.send_with(2, 2_000, lasting(50));
    talk.send(3, 200);
    assert_eq!(talk.packets().len(), 3);
    timeout(&mut talk);
    assert_eq!(losses(&mut talk), [given_up(2, true)]);
    talk.sack(0, &[(4, 4)]);
    let again = talk.packets().join(" / ");
    assert!(again.contains("1:1.0 1000") && !again.contains("4:"), "{again}");
}

#[test]
fn what_is_too_old_before_it_leaves_takes_no_number() {
    let mut talk = Talk::new();
    talk.sender.set_peer_window(0);
    talk.send_with(1, 100, lasting(50));
    talk.send(1, 100);
    assert_eq!(talk.packets(), [""; 0]);
    assert_eq!(talk.sender.deadline(), Some(talk.now + Duration::from_millis(50)));
    talk.expire();
    assert_eq!(losses(&mut talk), [given_up(1, false)]);
    talk.sender.set_peer_window(10_000);
    assert_eq!(talk.packets(), ["I-BE 1:1.0 100"], "RFC 3758 §4.1 TR3");
}

#[test]
fn what_is_too_old_when_it_is_lost_does_not_go_again() {
    let mut talk = Talk::new();
    talk.send_with(1, 100, lasting(50));
    talk.packets();
    timeout(&mut talk);
    assert_eq!(talk.packets(), ["forward 1 [1:0]"], "RFC 3758 §4.1 TR4");
    assert_eq!(losses(&mut talk), [given_up(1, true)]);
}

#[test]
fn what_is_in_flight_when_it_grows_old_may_still_arrive() {
    let mut talk = Talk::new();
    talk.send_with(1, 100, lasting(50));
    talk.packets();
    talk.wait(100);
    let now = talk.now;
    talk.sender.handle_timeout(now, &mut talk.control, &mut talk.rtt);
    assert_eq!(talk.sender.in_flight(), 116);
    talk.sack(1, &[]);
    assert_eq!(losses(&mut talk), []);
}

#[test]
fn the_rest_of_a_message_that_was_begun_takes_one_number_that_never_leaves() {
    let mut talk = Talk::new();
    talk.send_with(1, 6 * 1_172, lasting(50));
    assert_eq!(talk.packets().len(), 4, "the first window");
    talk.wait(10);
    talk.sack(4, &[]);
    let fifth = talk.packet();
    assert!(!fifth.is_empty());
    talk.sack(5, &[]);
    assert_eq!(talk.sender.outstanding(), 0, "all that was sent arrived");
    talk.wait(50);
    talk.expire();
    assert_eq!(talk.packets(), ["forward 6 [1:0]"], "or the beginning would wait for ever");
    talk.check();
    assert_eq!(losses(&mut talk), [given_up(1, true)]);
    talk.send(1, 10);
    assert_eq!(talk.packets(), ["I-BE 7:1.1 10"]);
    talk.sack(7, &[]);
    assert!(talk.sender.is_idle());
    assert_eq!(talk.sender.deadline(), None);
}

#[test]
fn a_forward_tsn_that_is_lost_is_sent_again() {
    let mut talk = Talk::new();
    talk.warm_up();
    talk.send_with(1, 100, limited(0));
    talk.packets();
    timeout(&mut talk);
    assert_eq!(talk.packets(), ["forward 2 [1:0]"]);
    talk.sack(1, &[]);
    assert_eq!(talk.packets(), [""; 0], "not at every acknowledgement");
    talk.wait(101);
    talk.sack(1, &[]);
    assert_eq!(talk.packets(), ["forward 2 [1:0]"], "but after a round trip");
    timeout(&mut talk);
    assert_eq!(talk.packets(), ["forward 2 [1:0]"], "and after a timeout");
    talk.sack(2, &[]);
    assert_eq!(talk.sender.deadline(), None);
}

#[test]
fn unordered_messages_are_never_listed_in_data_and_always_in_i_data() {
    let unordered = SendOptions { unordered: true, ..limited(0) };
    let mut talk = Talk::new();
    talk.send_with(1, 100, unordered);
    talk.send_with(2, 100, limited(0));
    talk.packets();
    timeout(&mut talk);
    assert_eq!(talk.packets(), ["forward 2 [2:0]"]);
    let mut talk = Talk::interleaved();
    talk.send_with(1, 100, unordered);
    talk.send_with(1, 100, unordered);
    talk.send_with(1, 100, limited(0));
    talk.packets();
    timeout(&mut talk);
    let lines = talk.packets();
    assert_eq!(lines, ["i-forward 3 [1:0,1U:1]"]);
}

#[test]
fn a_stream_is_listed_once_with_its_newest() {
    let mut talk = Talk::new();
    for _ in 0..3 {
        talk.send_with(4, 100, limited(0));
        talk.send_with(2, 100, limited(0));
    }
    talk.packets();
    timeout(&mut talk);
    assert_eq!(talk.packets(), ["forward 6 [2:2,4:2]"]);
}

#[test]
fn a_forward_tsn_that_does_not_fit_moves_less_far() {
    let mut talk = Talk::new();
    for stream in 0..5 {
        talk.send_with(stream, 100, limited(0));
    }
    talk.packets();
    timeout(&mut talk);
    talk.room = 8 + 2 * 4;
    assert_eq!(
        talk.packets(),
        ["forward 2 [0:0,1:0]"; 1],
        "RFC 3758 §3.5 C4: and no more until the peer has moved"
    );
    talk.sack(2, &[]);
    assert_eq!(talk.packets(), ["forward 4 [2:0,3:0]"]);
    talk.sack(4, &[]);
    assert_eq!(talk.packets(), ["forward 5 [4:0]"]);
    talk.room = 1_188;
    talk.sack(5, &[]);
    assert!(talk.sender.is_idle());
}

#[test]
fn all_chunks_of_a_message_are_given_up_together() {
    let mut talk = Talk::new();
    talk.warm_up();
    talk.send_with(1, 3 * 1_172, limited(0));
    talk.send(2, 100);
    assert_eq!(talk.packets().len(), 4);
    talk.wait(100);
    // The first is lost; the others are on their way or there.
    talk.sack(1, &[(3, 3), (5, 5)]);
    talk.expire();
    assert_eq!(losses(&mut talk), [given_up(1, true)]);
    assert_eq!(talk.packets(), ["forward 4 [1:0]"], "RFC 3758 §3.5 A3");
    talk.check();
    talk.sack(5, &[]);
    assert!(talk.sender.is_idle());
    assert_eq!(talk.sender.messages.len(), 0);
}

#[test]
fn what_is_given_up_in_flight_stays_in_flight_until_it_is_known_of() {
    let mut talk = Talk::new();
    talk.warm_up();
    talk.send_with(1, 4 * 1_172, limited(0));
    assert_eq!(talk.packets().len(), 4);
    talk.wait(100);
    talk.sack(1, &[(3, 3)]);
    talk.expire();
    assert_eq!(losses(&mut talk), [given_up(1, true)]);
    assert_eq!(talk.sender.in_flight(), 2 * 1_188, "the network still holds them");
    talk.packets();
    talk.sack(5, &[]);
    assert_eq!(talk.sender.in_flight(), 0);
}

#[test]
fn losses_of_what_is_given_up_are_congestion_all_the_same() {
    let mut talk = Talk::new();
    talk.warm_up();
    for _ in 0..4 {
        talk.send_with(1, 1_172, limited(0));
    }
    talk.packets();
    let window = talk.control.window();
    timeout(&mut talk);
    assert!(talk.control.window() < window, "RFC 3758 §3.5 F5");
}

#[test]
fn without_forward_tsn_only_what_was_not_begun_is_given_up() {
    let mut talk = Talk::new();
    talk.sender.abandoning = false;
    talk.send_with(1, 6 * 1_172, lasting(50));
    talk.send_with(1, 100, lasting(50));
    assert_eq!(talk.packets().len(), 4);
    talk.wait(60);
    talk.sack(4, &[]);
    talk.expire();
    assert_eq!(losses(&mut talk), [given_up(1, false)]);
    assert_eq!(talk.packets().len(), 2, "it is finished");
    timeout(&mut talk);
    assert!(!talk.sender.forward_tsn_due());
    talk.check();
}

#[test]
fn urgent_messages_make_the_least_urgent_ones_go() {
    let mut talk = Talk::with(SenderConfig { buffer: 4_000, ..config() }, 1);
    talk.sender.set_peer_window(0);
    for priority in [5, 7, 6] {
        talk.send_with(1, 1_000, ranked(priority));
    }
    assert_eq!(talk.try_send(1, 1_000, ranked(7)), Err(SendError::QueueFull), "not lower");
    assert_eq!(losses(&mut talk), []);
    talk.send_with(2, 1_000, ranked(6));
    assert_eq!(losses(&mut talk), [given_up(1, false)]);
    talk.send(3, 1_000);
    talk.send(3, 1_000);
    talk.send(3, 1_000);
    assert_eq!(losses(&mut talk), [given_up(2, false), given_up(1, false), given_up(1, false)]);
    assert_eq!(talk.try_send(3, 1_000, SendOptions::default()), Err(SendError::QueueFull));
    talk.check();
}

#[test]
fn nothing_goes_for_a_message_that_would_not_fit_anyhow() {
    let mut talk = Talk::with(SenderConfig { buffer: 4_000, ..config() }, 1);
    talk.sender.set_peer_window(0);
    talk.send(1, 3_000);
    talk.send_with(1, 500, ranked(5));
    assert_eq!(talk.try_send(1, 2_000, SendOptions::default()), Err(SendError::QueueFull));
    assert_eq!(losses(&mut talk), []);
}

#[test]
fn messages_on_streams_that_the_peer_does_not_take_are_given_up() {
    let mut talk = Talk::new();
    talk.send(1, 100);
    talk.send(7, 100);
    talk.send(7, 100);
    talk.sender.set_outgoing_streams(5);
    let events = talk.events();
    assert_eq!(events.iter().filter(|event| **event == given_up(7, false)).count(), 2);
    assert_eq!(events.last(), Some(&Event::BufferedLow(StreamId::new(7))));
    assert_eq!(talk.packets(), ["I-BE 1:1.0 100"]);
}
