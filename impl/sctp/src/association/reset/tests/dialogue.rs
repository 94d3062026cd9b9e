//! What two ends say to each other.

use rstest::rstest;

use super::*;
use crate::{
    ResetError, SendError, SendOptions,
    association::tests::{Fate, kind},
    wire::ChunkType,
};

#[test]
fn a_stream_begins_anew_and_both_hear_of_it() {
    let mut pair = standing();
    pair.send(A, 1, b"old");
    wait(&mut pair);
    pair.ladder.clear();
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    wait(&mut pair);
    pair.send(A, 1, b"new");
    wait(&mut pair);
    assert_eq!(events(&mut pair, A), [Event::ResetDone { outgoing: ids(&[1]) }]);
    assert_eq!(events(&mut pair, B), [Event::StreamsReset { incoming: ids(&[1]) }]);
    assert_eq!(texts(&pair, B), ["old", "new"]);
    insta::assert_snapshot!(pair.ladder);
}

#[test]
fn what_waits_is_sent_before_and_nothing_is_taken_meanwhile() {
    let mut pair = standing();
    let payload = vec![7; 40_000];
    pair.send(A, 1, &payload);
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    let refused = |pair: &mut Pair, stream: u16| {
        let options = SendOptions::default();
        let payload = bytes::Bytes::from_static(b"x");
        let (stream, ppid) = (StreamId::new(stream), crate::Ppid::new(53));
        pair.ends[A].send(pair.now, stream, ppid, payload, &options)
    };
    assert_eq!(refused(&mut pair, 1), Err(SendError::StreamResetting));
    assert_eq!(refused(&mut pair, 2), Ok(()), "the others go on");
    wait(&mut pair);
    assert_eq!(events(&mut pair, A), [Event::ResetDone { outgoing: ids(&[1]) }]);
    assert_eq!(pair.messages[B].len(), 2);
    assert!(pair.messages[B].iter().any(|message| message.payload == payload));
    assert_eq!(refused(&mut pair, 1), Ok(()));
}

#[test]
fn the_peer_says_in_progress_until_lost_data_has_come() {
    let mut pair = standing();
    pair.network = Box::new(|number, _, _| if number == 0 { Fate::Lose } else { Fate::Arrive });
    pair.send(A, 1, b"lost once");
    pair.drain();
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    wait(&mut pair);
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(texts(&pair, B), ["lost once"]);
    assert_eq!(events(&mut pair, A), [Event::ResetDone { outgoing: ids(&[1]) }]);
    assert_eq!(events(&mut pair, B), [Event::StreamsReset { incoming: ids(&[1]) }]);
}

/// The request, its answer, or both are lost some times: it ends all the same, and once.
#[rstest]
fn lost_requests_and_answers_are_repeated(#[values(1, 2, 3, 4)] times: usize) {
    let mut pair = standing();
    let mut lost = 0;
    pair.network = Box::new(move |_, _, packet| {
        if kind(packet) == ChunkType::RE_CONFIG && lost < times {
            lost += 1;
            return Fate::Lose;
        }
        Fate::Arrive
    });
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    pair.run_for(Duration::from_secs(20));
    assert_eq!(events(&mut pair, A), [Event::ResetDone { outgoing: ids(&[1]) }]);
    assert_eq!(events(&mut pair, B), [Event::StreamsReset { incoming: ids(&[1]) }]);
    assert_eq!(pair.ends[A].poll_timeout(), None, "no timer is left");
}

#[test]
fn each_repetition_waits_twice_as_long_and_the_peer_is_given_up_in_the_end() {
    let mut pair = standing();
    pair.network = Box::new(|_, _, _| Fate::Lose);
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    pair.run_for(Duration::from_secs(600));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!(
        events(&mut pair, A),
        [Event::PathActive(false), Event::Closed(crate::CloseReason::Unreachable)]
    );
    assert_eq!(pair.ends[A].poll_timeout(), None);
}

#[test]
fn the_peer_can_be_asked_to_begin_its_streams_anew() {
    let mut pair = standing();
    pair.send(B, 3, b"old");
    wait(&mut pair);
    pair.ladder.clear();
    pair.ends[A].request_reset(pair.now, &ids(&[3])).unwrap();
    wait(&mut pair);
    pair.send(B, 3, b"new");
    wait(&mut pair);
    assert_eq!(events(&mut pair, A), [Event::StreamsReset { incoming: ids(&[3]) }]);
    assert_eq!(events(&mut pair, B), [Event::ResetDone { outgoing: ids(&[3]) }]);
    assert_eq!(texts(&pair, A), ["old", "new"]);
    insta::assert_snapshot!(pair.ladder);
}

#[test]
fn a_peer_in_the_middle_of_a_message_finishes_it_first() {
    let mut pair = standing();
    pair.send(B, 3, &[7; 100_000]);
    pair.drain();
    pair.send(B, 3, b"after");
    pair.ends[A].request_reset(pair.now, &ids(&[3])).unwrap();
    pair.run_for(Duration::from_secs(5));
    assert_eq!(events(&mut pair, A), [Event::StreamsReset { incoming: ids(&[3]) }]);
    assert_eq!(events(&mut pair, B), [Event::ResetDone { outgoing: ids(&[3]) }]);
    let lengths: Vec<_> = pair.messages[A].iter().map(|message| message.payload.len()).collect();
    assert_eq!(lengths, [100_000, 5]);
}

#[test]
fn all_streams_begin_anew_together() {
    let mut pair = standing();
    for stream in [0, 4, 9] {
        pair.send(A, stream, b"old");
    }
    pair.ends[A].reset_streams(pair.now, &[]).unwrap();
    wait(&mut pair);
    assert_eq!(events(&mut pair, A), [Event::ResetDone { outgoing: vec![] }]);
    assert_eq!(events(&mut pair, B), [Event::StreamsReset { incoming: vec![] }]);
    for stream in [0, 4, 9] {
        pair.send(A, stream, b"new");
    }
    wait(&mut pair);
    assert_eq!(texts(&pair, B), ["old", "old", "old", "new", "new", "new"]);
}

#[test]
fn the_peer_is_asked_to_begin_all_its_streams_anew_while_it_sends() {
    let mut pair = standing();
    for stream in 0..5 {
        pair.send(B, stream, &[7; 20_000]);
    }
    pair.ends[A].request_reset(pair.now, &[]).unwrap();
    pair.run_for(Duration::from_millis(120));
    for stream in 0..10 {
        pair.send(B, stream, b"new");
    }
    pair.run_for(Duration::from_secs(5));
    assert_eq!(events(&mut pair, B), [Event::ResetDone { outgoing: vec![] }]);
    assert_eq!(pair.messages[A].len(), 15);
}

#[test]
fn everything_begins_anew_numbers_included() {
    let mut pair = standing();
    for end in [A, B] {
        pair.send(end, 1, b"old");
    }
    pair.ends[A].reset_association(pair.now).unwrap();
    pair.send(A, 2, b"waits");
    wait(&mut pair);
    for end in [A, B] {
        assert_eq!(events(&mut pair, end), [Event::AssociationReset]);
        pair.send(end, 1, b"new");
    }
    wait(&mut pair);
    assert_eq!(texts(&pair, B), ["old", "waits", "new"]);
    assert_eq!(texts(&pair, A), ["old", "new"]);
    insta::assert_snapshot!(pair.ladder);
}

/// The one who is asked gives up what is outstanding, and what it was told to skip is forgotten with it.
#[test]
fn who_is_asked_to_begin_everything_anew_gives_up_what_is_outstanding() {
    let mut pair = standing();
    let limited =
        SendOptions { reliability: crate::Reliability::Retransmits(0), ..SendOptions::default() };
    let (stream, ppid) = (StreamId::new(2), crate::Ppid::new(53));
    let payload = bytes::Bytes::from(vec![8; 5_000]);
    pair.ends[B].send(pair.now, stream, ppid, payload, &limited).unwrap();
    pair.send(B, 3, &[7; 100_000]);
    pair.network = Box::new(|_, from, _| if from == B { Fate::Lose } else { Fate::Arrive });
    pair.run_for(Duration::from_secs(3));
    pair.ends[A].reset_association(pair.now).unwrap();
    wait(&mut pair);
    pair.network = Box::new(|_, _, _| Fate::Arrive);
    pair.run_for(Duration::from_secs(20));
    for stream in [2, 3] {
        pair.send(B, stream, b"new");
    }
    wait(&mut pair);
    assert_eq!(texts(&pair, A), ["new", "new"]);
    assert!(pair.ends[B].is_idle());
    let given_up = events(&mut pair, B);
    let is_it = |event: &&Event| matches!(event, Event::Abandoned { sent: true, .. });
    assert_eq!(given_up.iter().filter(is_it).count(), 2, "{given_up:?}");
}

#[test]
fn no_two_resets_of_everything_come_within_half_a_minute() {
    let mut pair = standing();
    let began = pair.now;
    pair.ends[A].reset_association(pair.now).unwrap();
    wait(&mut pair);
    pair.ends[A].reset_association(pair.now).unwrap();
    pair.send(A, 0, b"held");
    wait(&mut pair);
    assert_eq!(events(&mut pair, A).len(), 1);
    pair.run_for(Duration::from_secs(26) - (pair.now.saturating_duration_since(began)));
    assert_eq!(texts(&pair, B).len(), 0, "nothing is numbered meanwhile");
    pair.run_for(Duration::from_secs(10));
    assert_eq!(events(&mut pair, A), [Event::AssociationReset]);
    assert_eq!(texts(&pair, B), ["held"]);
}

#[test]
fn streams_are_added_in_both_directions() {
    let small = Config { outgoing_streams: 2, incoming_streams: 2, ..quiet() };
    let wide = Config { outgoing_streams: 10, incoming_streams: 10, ..quiet() };
    let a = crate::association::tests::end(wide, 1);
    let b = crate::association::tests::end(small.clone(), 2);
    let mut pair = Pair::of(a, b);
    pair.ends[B].connect(pair.now).unwrap();
    wait(&mut pair);
    assert_eq!(pair.ends[A].outgoing_streams(), 2);
    pair.events = Default::default();
    pair.ladder.clear();
    // B takes no more than it said.
    pair.ends[A].add_streams(pair.now, 3, 0).unwrap();
    wait(&mut pair);
    assert_eq!(events(&mut pair, A), [Event::RequestDenied]);
    // A does.
    pair.ends[B].add_streams(pair.now, 3, 0).unwrap();
    wait(&mut pair);
    assert_eq!(events(&mut pair, A), [Event::StreamsAdded { outgoing: 0, incoming: 3 }]);
    assert_eq!(events(&mut pair, B), [Event::StreamsAdded { outgoing: 3, incoming: 0 }]);
    pair.send(B, 4, b"on a new one");
    wait(&mut pair);
    assert_eq!(texts(&pair, A), ["on a new one"]);
    assert_eq!(pair.ends[B].outgoing_streams(), 5);
    insta::assert_snapshot!(pair.ladder);
}

#[test]
fn the_peer_is_asked_to_have_more_streams() {
    let a = crate::association::tests::end(Config { incoming_streams: 2, ..quiet() }, 1);
    let b = crate::association::tests::end(quiet(), 2);
    let mut pair = Pair::of(a, b);
    pair.ends[A].connect(pair.now).unwrap();
    wait(&mut pair);
    pair.events = Default::default();
    pair.ladder.clear();
    pair.ends[A].add_streams(pair.now, 0, 2).unwrap();
    wait(&mut pair);
    // B asks for what it was asked to ask for, and A has no room for it.
    assert_eq!(events(&mut pair, B), [Event::RequestDenied]);
    insta::assert_snapshot!(pair.ladder);
}

#[test]
fn both_ends_may_ask_at_once() {
    let mut pair = standing();
    for end in [A, B] {
        pair.send(end, 1, b"old");
        pair.ends[end].reset_streams(pair.now, &ids(&[1])).unwrap();
        pair.ends[end].request_reset(pair.now, &ids(&[1, 2])).unwrap();
    }
    pair.run_for(Duration::from_secs(10));
    for end in [A, B] {
        let events = events(&mut pair, end);
        let done = events.iter().filter(|event| matches!(event, Event::ResetDone { .. })).count();
        let heard = events.iter().filter(|e| matches!(e, Event::StreamsReset { .. })).count();
        assert_eq!((done, heard), (2, 2), "{events:?}\n{}", pair.ladder);
        pair.send(end, 1, b"new");
        pair.send(end, 2, b"new");
    }
    wait(&mut pair);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [3, 3]);
}

/// Streams of one wish are told in as many requests as packets are small.
#[test]
fn more_streams_than_a_packet_holds_take_several_requests() {
    let mut pair = Pair::standing(&quiet());
    let many: Vec<_> = (0..2_000).map(StreamId::new).collect();
    pair.ends[A].reset_streams(pair.now, &many).unwrap();
    pair.run_for(Duration::from_secs(10));
    let events = events(&mut pair, A);
    assert!(events.len() > 1);
    let done = events.into_iter().flat_map(|event| match event {
        Event::ResetDone { outgoing } => outgoing,
        other => panic!("{other:?}"),
    });
    assert!(done.eq(many));
    assert!(pair.packets.iter().all(|(_, packet)| packet.len() <= 1_200));
}

#[test]
fn commands_are_refused_where_they_make_no_sense() {
    let mut pair = Pair::new(&quiet());
    let nobody = pair.ends[A].reset_streams(pair.now, &[]);
    assert_eq!(nobody, Err(ResetError::NotConnected));
    let mut pair = standing();
    let wrong = ids(&[10]);
    let now = pair.now;
    let a = &mut pair.ends[A];
    assert_eq!(a.reset_streams(now, &wrong), Err(ResetError::NoSuchStream));
    assert_eq!(a.request_reset(now, &wrong), Err(ResetError::NoSuchStream));
    assert_eq!(a.add_streams(now, u16::MAX - 5, 0), Err(ResetError::TooManyStreams));
    assert_eq!(a.add_streams(now, 1, u16::MAX), Err(ResetError::TooManyStreams));
    let mut plain = quiet();
    plain.features.reconfig = false;
    let mut pair = Pair::standing(&plain);
    let now = pair.now;
    assert_eq!(pair.ends[A].reset_association(now), Err(ResetError::NotSupported));
}
