//! Streams and associations that begin anew: RFC 6525 §5.1.2, RFC 9260 §5.2.4.

use super::*;
use crate::{Event, StreamId, Tsn};

#[test]
fn a_paused_stream_finishes_what_it_began_and_begins_nothing() {
    let mut talk = Talk::new();
    let stream = StreamId::new(1);
    talk.send(1, 5 * 1_172);
    talk.send(1, 100);
    assert_eq!(talk.packets().len(), 4);
    assert!(talk.sender.has_begun(stream));
    talk.sender.pause(stream);
    talk.send(2, 50);
    talk.wait(10);
    talk.sack(4, &[]);
    assert_eq!(talk.packets(), ["---E 5:1.0 1172".to_owned(), "I-BE 6:2.0 50".into()]);
    assert!(!talk.sender.has_begun(stream));
    talk.send(1, 100);
    assert_eq!(talk.packets(), [""; 0]);
    talk.sack(6, &[]);
    talk.sender.reset(stream);
    assert_eq!(talk.packets(), ["--BE 7:1.0 100 | I-BE 8:1.1 100"]);
}

#[test]
fn a_stream_that_is_not_reset_numbers_on() {
    let mut talk = Talk::interleaved();
    talk.send(1, 10);
    talk.packets();
    talk.sender.pause(StreamId::new(1));
    talk.send(1, 10);
    talk.sender.resume(StreamId::new(1));
    assert_eq!(talk.packets(), ["I-BE 2:1.1.0 10"]);
}

#[test]
fn an_association_that_begins_anew_keeps_what_was_not_begun() {
    let mut talk = Talk::new();
    talk.send(1, 5 * 1_172);
    talk.send(2, 100);
    assert_eq!(talk.packets().len(), 4);
    talk.sender.reset_all(Tsn::new(0xffff_ffff));
    talk.initial = 0xffff_ffff;
    talk.check();
    let given_up = |event: &Event| matches!(event, Event::Abandoned { sent: true, .. });
    assert_eq!(talk.events().iter().filter(|event| given_up(event)).count(), 1);
    assert_eq!(talk.packets(), ["I-BE 1:2.0 100"]);
    talk.sack(1, &[]);
    assert!(talk.sender.is_idle());
}

#[test]
fn a_restart_leaves_nothing_of_what_was() {
    let mut talk = Talk::interleaved();
    talk.send(1, 5 * 1_172);
    talk.send(2, 100);
    talk.packets();
    talk.sender.restart(Tsn::new(9));
    talk.sender.set_peer_window(1 << 20);
    talk.initial = 9;
    talk.check();
    assert!(talk.sender.is_idle());
    assert_eq!((talk.sender.in_flight(), talk.sender.deadline()), (0, None));
    talk.send(1, 10);
    assert_eq!(talk.packets(), ["I-BE 1:1.0 10"], "DATA, until agreed otherwise");
}
