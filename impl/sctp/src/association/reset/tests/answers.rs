//! What one end answers.

use rstest::rstest;

use super::*;
use crate::{
    DropReason,
    wire::{AssociationReset, IncomingReset, ReconfigResponse, ReconfigResult},
};

/// What an end says of RE-CONFIG, other chunks left out.
fn answers(pair: &mut Pair, end: usize) -> Vec<String> {
    let said = pair.says(end).join(" | ");
    let chunks = said.split(" | ").filter(|chunk| chunk.starts_with("RE-CONFIG"));
    chunks.map(|chunk| chunk.trim_start_matches("RE-CONFIG ").to_owned()).collect()
}

#[test]
fn one_that_comes_again_is_answered_from_memory() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let streams = ids(&[1]);
    let request = outgoing_reset(&pair, B, number, &streams);
    hand(&mut pair, B, &[request]);
    let first = answers(&mut pair, B);
    assert_eq!(first, [format!("(response {number} performed)")]);
    pair.drain();
    assert_eq!(events(&mut pair, B).len(), 1);
    for _ in 0..3 {
        hand(&mut pair, B, &[request]);
        assert_eq!(answers(&mut pair, B), first);
    }
    pair.drain();
    assert_eq!(events(&mut pair, B), [], "it was done once");
}

/// S12: what is repeated late must not touch the stream that was begun since.
#[test]
fn one_that_comes_late_leaves_the_new_stream_alone() {
    let mut pair = standing();
    pair.send(A, 1, b"old");
    wait(&mut pair);
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    wait(&mut pair);
    let is_request = |bytes: &[u8]| crate::association::tests::show(bytes).contains("outgoing");
    let request = pair.packets.iter().find(|(_, packet)| is_request(packet)).unwrap().1.clone();
    pair.send(A, 1, b"new");
    pair.send(A, 1, b"newer");
    wait(&mut pair);
    for _ in 0..100_000 {
        pair.hand(B, &request);
    }
    pair.send(A, 1, b"newest");
    wait(&mut pair);
    assert_eq!(texts(&pair, B), ["old", "new", "newer", "newest"]);
    assert_eq!(events(&mut pair, B).len(), 1);
}

#[rstest]
#[case::behind(-3)]
#[case::ahead(1)]
#[case::far_ahead(1 << 30)]
#[case::half_way(i32::MIN)]
fn a_number_out_of_turn_is_named(#[case] steps: i32) {
    let mut pair = standing();
    let number = first_number(&pair, A).add(steps.cast_unsigned());
    let streams = ids(&[1]);
    let request = outgoing_reset(&pair, B, number, &streams);
    hand(&mut pair, B, &[request]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} bad sequence number)")]);
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::StrayReconfig), 1);
    pair.drain();
    assert_eq!(events(&mut pair, B), []);
}

#[test]
fn a_stream_that_does_not_exist_is_named() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let streams = ids(&[1, 10]);
    let request = outgoing_reset(&pair, B, number, &streams);
    hand(&mut pair, B, &[request]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} wrong SSN)")]);
    let number = number.next();
    let request = IncomingReset { number, streams: List::from(&streams[..]) };
    hand(&mut pair, B, &[Parameter::IncomingReset(request)]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} wrong SSN)")]);
}

#[test]
fn a_second_request_while_one_waits_for_data_is_refused() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let streams = ids(&[1]);
    let Parameter::OutgoingReset(mut request) = outgoing_reset(&pair, B, number, &streams) else {
        panic!("an outgoing reset");
    };
    request.last_tsn = request.last_tsn.add(5);
    hand(&mut pair, B, &[Parameter::OutgoingReset(request)]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} in progress)")]);
    hand(&mut pair, B, &[Parameter::OutgoingReset(request)]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} in progress)")]);
    request.number = number.next();
    hand(&mut pair, B, &[Parameter::OutgoingReset(request)]);
    let wanted = format!("(response {} request already in progress)", number.next());
    assert_eq!(answers(&mut pair, B), [wanted]);
}

#[test]
fn more_streams_than_are_taken_are_denied() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let add = |number, count| AddStreams { number, count };
    hand(&mut pair, B, &[Parameter::AddOutgoing(add(number, 1))]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} denied)")]);
    let number = number.next();
    hand(&mut pair, B, &[Parameter::AddOutgoing(add(number, u16::MAX))]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} denied)")]);
    let number = number.next();
    hand(&mut pair, B, &[Parameter::AddIncoming(add(number, 1))]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} denied)")]);
}

#[test]
fn two_requests_of_one_chunk_are_answered_in_one() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let add = |number| AddStreams { number, count: 1 };
    let both = [Parameter::AddOutgoing(add(number)), Parameter::AddIncoming(add(number.next()))];
    hand(&mut pair, B, &both);
    let (first, second) = (number, number.next());
    let wanted = format!("(response {first} denied) (response {second} denied)");
    assert_eq!(answers(&mut pair, B), [wanted]);
}

#[test]
fn what_is_being_reset_already_leaves_nothing_to_do() {
    let mut pair = standing();
    pair.ends[B].reset_streams(pair.now, &ids(&[1, 2])).unwrap();
    let _ = pair.poll_all(B);
    let number = first_number(&pair, A);
    let streams = ids(&[2]);
    let request = IncomingReset { number, streams: List::from(&streams[..]) };
    hand(&mut pair, B, &[Parameter::IncomingReset(request)]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} nothing to do)")]);
}

#[test]
fn a_request_to_reset_our_streams_comes_again_as_our_own_request() {
    let mut pair = standing();
    let (number, own) = (first_number(&pair, A), first_number(&pair, B));
    let streams = ids(&[2]);
    let request =
        Parameter::IncomingReset(IncomingReset { number, streams: List::from(&streams[..]) });
    hand(&mut pair, B, &[request]);
    let first = answers(&mut pair, B);
    assert_eq!(first.len(), 1);
    assert!(
        first[0].starts_with(&format!("(reset outgoing req={own} resp={number} ")),
        "{first:?}"
    );
    hand(&mut pair, B, &[request]);
    assert_eq!(answers(&mut pair, B), first, "the same once more");
    let response = ReconfigResponse { number: own, result: ReconfigResult::PERFORMED, next: None };
    hand(&mut pair, B, &[Parameter::ReconfigResponse(response)]);
    hand(&mut pair, B, &[request]);
    assert_eq!(answers(&mut pair, B), [format!("(response {number} performed)")]);
}

#[rstest]
#[case::denied(ReconfigResult::DENIED)]
#[case::wrong(ReconfigResult::WRONG_SSN)]
#[case::busy(ReconfigResult::ALREADY_IN_PROGRESS)]
#[case::number(ReconfigResult::BAD_SEQUENCE_NUMBER)]
#[case::unheard_of(ReconfigResult::new(99))]
fn a_refusal_ends_the_request_and_the_stream_goes_on(#[case] result: ReconfigResult) {
    let mut pair = standing();
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    let _ = pair.poll_all(A);
    let number = first_number(&pair, A);
    hand(
        &mut pair,
        A,
        &[Parameter::ReconfigResponse(ReconfigResponse { number, result, next: None })],
    );
    pair.drain();
    assert_eq!(events(&mut pair, A), [Event::ResetDenied { outgoing: ids(&[1]) }]);
    pair.send(A, 1, b"goes on");
    wait(&mut pair);
    assert_eq!(texts(&pair, B), ["goes on"]);
}

#[test]
fn silence_after_in_progress_is_no_error() {
    let mut pair = standing();
    pair.network = Box::new(|_, _, _| crate::association::tests::Fate::Lose);
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    let _ = pair.poll_all(A);
    let number = first_number(&pair, A);
    let result = ReconfigResult::IN_PROGRESS;
    let response = ReconfigResponse { number, result, next: None };
    hand(&mut pair, A, &[Parameter::ReconfigResponse(response)]);
    pair.run_for(Duration::from_secs(300));
    assert_eq!(events(&mut pair, A), []);
    assert!(pair.packets.len() > 100, "it asks again and again");
}

#[test]
fn an_answer_to_what_was_not_asked_changes_nothing() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let result = ReconfigResult::PERFORMED;
    let response = ReconfigResponse { number, result, next: None };
    hand(&mut pair, A, &[Parameter::ReconfigResponse(response)]);
    assert_eq!(pair.ends[A].stats().dropped.count(DropReason::StrayReconfig), 1);
    assert_eq!(answers(&mut pair, A), [""; 0]);
}

#[test]
fn a_reset_of_everything_is_answered_with_the_same_numbers_each_time() {
    let mut pair = standing();
    pair.send(A, 1, b"old");
    wait(&mut pair);
    let number = first_number(&pair, A);
    let link = pair.ends[B].state.link().unwrap();
    let next_of_b = link.sender.next_tsn();
    let next_of_a = link.receiver.cumulative_tsn().add((1 << 31) + 1);
    let request = Parameter::AssociationReset(AssociationReset { number });
    let wanted = format!("(response {number} performed next={next_of_b},{next_of_a})");
    for _ in 0..2 {
        hand(&mut pair, B, &[request]);
        assert_eq!(answers(&mut pair, B), [wanted.as_str()]);
    }
    assert_eq!(pair.ends[B].state.link().unwrap().receiver.cumulative_tsn().next(), next_of_a);
    pair.drain();
    assert_eq!(events(&mut pair, B), [Event::AssociationReset]);
    assert_eq!(Tsn::new(next_of_a.get()), next_of_a);
}
