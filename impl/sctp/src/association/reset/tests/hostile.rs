//! What a peer might do to harm.

use rstest::rstest;

use super::*;
use crate::{
    DropReason,
    wire::{AssociationReset, IncomingReset, ReconfigResponse, ReconfigResult},
};

/// Parameters of every kind.
fn any(pair: &Pair, kind: usize, number: RequestNumber) -> Parameter<'static> {
    let add = AddStreams { number, count: 1 };
    match kind {
        0 => outgoing_reset(pair, B, number, &[]),
        1 => Parameter::IncomingReset(IncomingReset { number, streams: List::EMPTY }),
        2 => Parameter::AssociationReset(AssociationReset { number }),
        3 => Parameter::AddOutgoing(add),
        4 => Parameter::AddIncoming(add),
        _ => {
            let result = ReconfigResult::DENIED;
            Parameter::ReconfigResponse(ReconfigResponse { number, result, next: None })
        }
    }
}

/// RFC 6525 §3.1 lists what may stand together.
#[test]
fn only_some_parameters_belong_together() {
    let mut table = String::new();
    for first in 0..6 {
        for second in 0..6 {
            let mut pair = standing();
            let number = first_number(&pair, A);
            let both = [any(&pair, first, number), any(&pair, second, number.next())];
            hand(&mut pair, B, &both);
            let is_violation = pair.says(B).join(" ").contains("protocol violation");
            table.push_str(if is_violation { " -" } else { " x" });
        }
        table.push('\n');
    }
    assert_eq!(
        table,
        " - x - - - x\n x - - - - -\n - - - - - -\n - - - - x -\n - - - x - -\n x - - - - x\n"
    );
}

#[rstest]
#[case::none(0)]
#[case::three(3)]
fn none_and_three_are_a_violation_that_ends_nothing(#[case] count: usize) {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let parameters = vec![any(&pair, 5, number); count];
    hand(&mut pair, B, &parameters);
    assert!(pair.says(B).join(" ").contains("protocol violation"));
    pair.send(A, 1, b"goes on");
    wait(&mut pair);
    assert_eq!(texts(&pair, B), ["goes on"]);
}

#[test]
fn a_parameter_that_belongs_elsewhere_is_a_violation() {
    let mut pair = standing();
    hand(&mut pair, B, &[Parameter::EcnCapable]);
    assert!(pair.says(B).join(" ").contains("protocol violation"));
}

/// S12: a flood fills no memory and leaves no more than a few answers.
#[test]
fn a_flood_of_requests_fills_no_memory() {
    let mut pair = standing();
    let mut number = first_number(&pair, A);
    let mut performed = 0;
    for round in 0..100_000_u32 {
        let streams = ids(&[1]);
        let request = outgoing_reset(&pair, B, number, &streams);
        hand(&mut pair, B, &[request]);
        number = number.next();
        performed = round;
    }
    assert_eq!(performed, 99_999);
    assert!(pair.ends[B].stats().dropped.count(DropReason::TooManyAnswers) > 90_000);
    let said = pair.says(B);
    assert!(said.len() <= 4, "{}", said.len());
    pair.drain();
    assert!(events(&mut pair, B).len() <= 1_024);
}

#[test]
fn a_reset_that_waits_for_ever_holds_nothing_but_itself() {
    let mut pair = standing();
    let number = first_number(&pair, A);
    let streams = ids(&[1]);
    let Parameter::OutgoingReset(mut request) = outgoing_reset(&pair, B, number, &streams) else {
        panic!("an outgoing reset");
    };
    request.last_tsn = request.last_tsn.add((1 << 31) - 1);
    hand(&mut pair, B, &[Parameter::OutgoingReset(request)]);
    pair.send(A, 1, b"on the stream");
    pair.send(A, 2, b"on another");
    wait(&mut pair);
    assert_eq!(texts(&pair, B), ["on the stream", "on another"]);
    assert_eq!(pair.ends[B].poll_timeout(), None);
}

#[test]
fn without_the_extension_it_is_a_chunk_of_no_known_type() {
    let mut plain = quiet();
    plain.features.reconfig = false;
    let mut pair = Pair::standing(&plain);
    let number = first_number(&pair, A);
    let request = any(&pair, 0, number);
    hand(&mut pair, B, &[request]);
    assert!(pair.says(B).is_empty());
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::UnknownChunk), 1);
}

/// S28: the association ends while a request is under way.
#[rstest]
fn no_timer_outlives_the_association(#[values(true, false)] orderly: bool) {
    let mut pair = standing();
    pair.network = Box::new(|number, _, _| match number {
        0 => crate::association::tests::Fate::Lose,
        _ => crate::association::tests::Fate::Arrive,
    });
    pair.ends[A].reset_streams(pair.now, &ids(&[1])).unwrap();
    pair.drain();
    if orderly {
        pair.ends[A].shutdown(pair.now);
    } else {
        pair.ends[A].abort(pair.now, b"bye");
    }
    wait(&mut pair);
    for end in [A, B] {
        assert_eq!(pair.ends[end].poll_timeout(), None);
        assert_eq!(pair.ends[end].state(), crate::AssociationState::Closed);
    }
}
