//! The peer's window, and what is asked to be acknowledged at once.

use rstest::rstest;

use super::*;
use crate::{
    Event, SendError, SendOptions, StreamId,
    send::{SenderConfig, tests::talk::config},
};

#[test]
fn nothing_new_leaves_into_a_window_that_is_too_small() {
    let mut talk = Talk::new();
    talk.sender.set_peer_window(2_000);
    for _ in 0..3 {
        talk.send(1, 1_172);
    }
    assert_eq!(talk.packets(), ["I-BE 1:1.0 1172"], "RFC 9260 §6.1 A");
    talk.window = 2_000;
    talk.wait(10);
    talk.sack(1, &[]);
    assert_eq!(talk.packets(), ["I-BE 2:1.1 1172"]);
}

#[test]
fn a_shut_window_is_probed_ever_more_rarely_and_never_counts_against_the_peer() {
    let mut talk = Talk::new();
    talk.warm_up();
    talk.window = 0;
    talk.sack(1, &[]);
    talk.send(1, 100);
    assert_eq!(talk.packets(), [""; 0]);
    let (waited, _) = talk.expire();
    let rto = 300;
    assert_eq!(waited, rto, "one timeout later");
    assert_eq!(talk.packets(), ["I-BE 2:1.0 100"]);
    let mut waits = Vec::new();
    for _ in 0..4 {
        talk.sack(1, &[]);
        let (waited, expired) = talk.expire();
        assert!(!expired.is_error, "the peer is there");
        waits.push(waited);
        assert_eq!(talk.packets(), ["I-BE 2:1.0 100"]);
    }
    assert!(waits.is_sorted() && waits[3] >= 4 * waits[0], "{waits:?}");
    let window = talk.control.window();
    talk.window = 1 << 20;
    talk.sack(2, &[]);
    assert!(talk.sender.is_idle());
    assert!(talk.control.window() >= window, "probing says nothing about the network");
}

#[test]
fn a_silent_peer_counts_as_gone_even_while_its_window_is_shut() {
    let mut talk = Talk::new();
    talk.warm_up();
    talk.window = 0;
    talk.sack(1, &[]);
    talk.send(1, 100);
    talk.packets();
    talk.expire();
    talk.packets();
    talk.expire();
    talk.packets();
    assert!(talk.expire().1.is_error);
}

#[test]
fn a_window_that_opens_is_used_at_once() {
    let mut talk = Talk::new();
    talk.warm_up();
    talk.window = 0;
    talk.sack(1, &[]);
    talk.send(1, 100);
    assert_eq!(talk.packets(), [""; 0]);
    talk.window = 5_000;
    talk.sack(1, &[]);
    assert_eq!(talk.packets().len(), 1);
}

#[test]
fn small_messages_share_a_packet_and_do_not_wait_for_each_other() {
    let mut talk = Talk::new();
    for _ in 0..3 {
        talk.send(1, 5);
    }
    assert_eq!(talk.packets(), ["--BE 1:1.0 5 | --BE 2:1.1 5 | I-BE 3:1.2 5"]);
    talk.send(1, 5);
    assert_eq!(talk.packets(), ["I-BE 4:1.3 5"], "no Nagle");
}

#[test]
fn only_what_has_to_wait_asks_to_be_acknowledged_at_once() {
    let mut talk = Talk::new();
    talk.send(1, 6_000);
    let lines = talk.packets();
    assert_eq!(lines.len(), 4, "the first window");
    let asking: Vec<_> = lines.iter().map(|line| line.starts_with('I')).collect();
    assert_eq!(asking, [false, false, false, false], "earlier ones bring an acknowledgement");
    talk.wait(10);
    talk.sack(2, &[]);
    let lines = talk.packets();
    assert!(lines.last().unwrap().starts_with('I'), "{lines:?}");
}

#[test]
fn the_application_can_ask_for_it() {
    let mut talk = Talk::new();
    talk.send_with(1, 2_000, SendOptions { immediate: true, ..SendOptions::default() });
    talk.send(1, 2_000);
    let lines = talk.packets();
    assert_eq!(lines[1].split(" | ").next(), Some("I--E 2:1.0 828"));
}

#[rstest]
#[case::half(300, "--BE 1:1.0 300 | --B- 2:1.1 856", "I--E 3:1.1 144")]
#[case::little_left(1_000, "--BE 1:1.0 1000", "I-BE 2:1.1 1000")]
fn a_fragment_fills_what_is_left_if_that_is_not_little(
    #[case] length: usize,
    #[case] first: &str,
    #[case] second: &str,
) {
    let mut talk = Talk::new();
    talk.send(1, length);
    talk.send(1, 1_000);
    assert_eq!(talk.packets(), [first, second]);
}

#[rstest]
#[case(268)]
#[case(500)]
#[case(1_188)]
#[case(65_508)]
fn every_packet_fits_its_path(#[case] room: usize) {
    let mut talk = Talk::with(SenderConfig { packet_room: room, ..config() }, 0xffff_fffe);
    for length in [1, 100, 251, 252, 253, 1_172, 5_000, 70_000] {
        talk.send(1, length);
    }
    let mut cumulative = 0;
    while !talk.sender.is_idle() {
        loop {
            let packet = talk.paced();
            assert!(packet.len() <= room, "{}", packet.len());
            if packet.is_empty() {
                break;
            }
        }
        cumulative += u32::try_from(talk.sender.outstanding()).unwrap();
        talk.wait(5);
        talk.sack(cumulative, &[]);
    }
}

#[test]
fn chunks_cut_for_a_larger_path_leave_as_they_are() {
    let mut talk = Talk::new();
    talk.send(1, 1_172);
    talk.send(1, 1_172);
    assert_eq!(talk.packets().len(), 2);
    talk.sender.set_packet_room(500);
    talk.room = 500;
    talk.expire();
    assert_eq!(talk.packet().len(), 1_188, "RFC 9260 §6.9");
}

#[test]
fn a_chunk_that_does_not_fit_beside_others_waits_for_a_packet_of_its_own() {
    let mut talk = Talk::new();
    talk.send(1, 1_172);
    talk.packets();
    talk.expire();
    let mut bytes = Vec::new();
    let mut writer = base::Writer::new(&mut bytes);
    assert_eq!(talk.sender.fill(talk.now, 1_000, &mut writer, &mut talk.control, &talk.rtt), 0);
    assert_eq!(talk.packets().len(), 1, "after a timeout, too");
}

#[test]
fn a_full_buffer_refuses_and_says_when_it_is_not() {
    let mut talk = Talk::with(SenderConfig { buffer: 10_000, ..config() }, 1);
    for _ in 0..9 {
        talk.send(1, 1_000);
    }
    let refused = talk.try_send(1, 1_000, SendOptions::default());
    assert_eq!(refused, Err(SendError::QueueFull));
    assert!(talk.events().is_empty());
    let mut cumulative = 0;
    while !talk.sender.is_idle() {
        talk.packets();
        cumulative += u32::try_from(talk.sender.outstanding()).unwrap();
        talk.wait(10);
        talk.sack(cumulative, &[]);
    }
    assert!(talk.events().contains(&Event::Writable));
    talk.try_send(1, 1_000, SendOptions::default()).unwrap();
}

#[test]
fn messages_that_cannot_be_are_refused() {
    let mut talk = Talk::new();
    let mut try_send = |length| talk.try_send(1, length, SendOptions::default());
    assert_eq!(try_send(0), Err(SendError::Empty));
    assert_eq!(try_send((256 << 10) + 1), Err(SendError::TooLong));
    assert_eq!(try_send(256 << 10), Ok(()));
    talk.sender.set_outgoing_streams(2);
    assert_eq!(talk.try_send(2, 1, SendOptions::default()), Err(SendError::NoSuchStream));
}

#[test]
fn an_empty_buffer_takes_one_message_of_any_length() {
    let mut talk = Talk::with(SenderConfig { buffer: 1_000, ..config() }, 1);
    talk.send(1, 100_000);
    assert!(talk.try_send(1, 1, SendOptions::default()).is_err());
}

#[test]
fn the_threshold_tells_when_it_is_crossed_and_only_then() {
    let mut talk = Talk::new();
    let stream = StreamId::new(1);
    talk.sender.set_low_threshold(stream, 1_000);
    talk.send(1, 900);
    talk.packets();
    assert!(talk.events().is_empty(), "it was never above");
    talk.send(1, 3_000);
    assert_eq!(talk.sender.buffered(stream), 3_000);
    talk.packets();
    assert_eq!(talk.events(), [Event::BufferedLow(stream)]);
}
