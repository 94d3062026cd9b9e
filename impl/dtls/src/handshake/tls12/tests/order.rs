//! Messages left out, put in other places and said twice: only the legal order connects.

use super::bench::{Bench, Said, Told, answered_pair, keyed_pair};
use crate::{Misdeed, wire::HandshakeType};

/// All orders of `count` things, by Heap's algorithm.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    let mut order: Vec<usize> = (0..count).collect();
    permute(count, &mut order, &mut all);
    all
}

fn permute(count: usize, order: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    if count <= 1 {
        all.push(order.clone());
        return;
    }
    for index in 0..count {
        permute(count - 1, order, all);
        order.swap(if count.is_multiple_of(2) { index } else { 0 }, count - 1);
    }
}

/// The things of a flight in another order, each message with the number of its new place.
fn arranged(flight: &[Said], order: &[usize], first_seq: u16) -> Vec<Said> {
    let mut next_seq = first_seq;
    let mut arranged: Vec<Said> = order.iter().map(|&index| flight[index].clone()).collect();
    for said in &mut arranged {
        if let Said::Message(message) = said {
            message.message_seq = next_seq;
            next_seq += 1;
        }
    }
    arranged
}

/// An end that was told something out of order is not connected, and has not answered.
fn assert_stuck(end: &mut Bench, told: Told, order: &[usize]) {
    assert!(
        matches!(told, Told::NotOpened | Told::Refused(Misdeed::UnexpectedMessage)),
        "{order:?}: {told:?}"
    );
    assert!(!end.is_connected(), "{order:?}");
    assert_eq!(end.says(), [], "{order:?}");
}

#[test]
fn a_client_goes_on_only_after_the_whole_flight_in_its_order() {
    let (_, flight) = answered_pair();
    assert_eq!(flight.len(), 5);
    for order in orders(flight.len()) {
        let ([mut client, _], flight) = answered_pair();
        let told = client.told_all(&arranged(&flight, &order, 0));
        if order == [0, 1, 2, 3, 4] {
            assert_eq!(told, Told::Taken);
        } else if order == [0, 1, 2, 4, 3] {
            // A server need not ask for a certificate, but it cannot ask after the end.
            assert_eq!(told, Told::Refused(Misdeed::UnexpectedMessage));
        } else {
            assert_stuck(&mut client, told, &order);
        }
    }
}

#[test]
fn a_server_connects_only_after_the_whole_flight_in_its_order() {
    let (_, flight) = keyed_pair();
    let change = flight.iter().position(|said| said.kind().is_none()).unwrap();
    assert_eq!((flight.len(), change), (5, 3));
    for order in orders(flight.len()) {
        let ([_, mut server], flight) = keyed_pair();
        let told = server.told_all(&arranged(&flight, &order, 1));
        // The ChangeCipherSpec is no message: it only has to come before what it makes readable.
        let messages: Vec<usize> = order.iter().copied().filter(|&at| at != change).collect();
        let is_legal = messages == [0, 1, 2, 4] && order.last() == Some(&4);
        if is_legal {
            assert_eq!(told, Told::Taken, "{order:?}");
            assert!(server.is_connected(), "{order:?}");
        } else {
            assert_stuck(&mut server, told, &order);
        }
    }
}

#[test]
fn a_client_misses_whatever_is_left_out() {
    let (_, flight) = answered_pair();
    for left_out in 1_u32..1 << flight.len() {
        let order: Vec<usize> = (0..5).filter(|index| left_out & (1 << index) == 0).collect();
        let ([mut client, _], flight) = answered_pair();
        let told = client.told_all(&arranged(&flight, &order, 0));
        let request =
            flight.iter().position(|said| said.kind() == Some(HandshakeType::CERTIFICATE_REQUEST));
        if request.is_some_and(|request| left_out == 1 << request) {
            // A server need not ask.
            assert_eq!(told, Told::Taken);
        } else if told == Told::Taken {
            assert!(!client.is_connected() && client.says().is_empty(), "{order:?}");
        } else {
            assert_stuck(&mut client, told, &order);
        }
    }
}

#[test]
fn a_server_misses_whatever_is_left_out() {
    let (_, flight) = keyed_pair();
    for left_out in 1_u32..1 << flight.len() {
        let order: Vec<usize> = (0..5).filter(|index| left_out & (1 << index) == 0).collect();
        let ([_, mut server], flight) = keyed_pair();
        let told = server.told_all(&arranged(&flight, &order, 1));
        if told != Told::Taken {
            assert_stuck(&mut server, told, &order);
        }
        assert!(!server.is_connected() && server.says().is_empty(), "{order:?}");
    }
}

#[test]
fn nothing_is_said_twice_but_the_change_of_keys() {
    for nth in 0..5 {
        let ([_, mut server], flight) = keyed_pair();
        let order: Vec<usize> =
            (0..5).flat_map(|at| vec![at; 1 + usize::from(at == nth)]).collect();
        let told = server.told_all(&arranged(&flight, &order, 1));
        if flight[nth].kind().is_none() {
            assert_eq!(told, Told::Taken);
        } else {
            assert_eq!(told, Told::Refused(Misdeed::UnexpectedMessage), "twice {nth}");
        }
        let ([mut client, _], flight) = answered_pair();
        let told = client.told_all(&arranged(&flight, &order, 0));
        assert_eq!(told, Told::Refused(Misdeed::UnexpectedMessage), "twice {nth}");
    }
}

#[test]
fn every_other_kind_of_message_is_refused_everywhere() {
    for stage in 0..5 {
        for kind in 0..=u8::MAX {
            let ([mut client, _], mut flight) = told_before(stage);
            let expected = flight[stage].kind();
            let Said::Message(message) = &mut flight[stage] else { unreachable!() };
            message.kind = HandshakeType::new(kind);
            let is_expected = Some(message.kind) == expected
                || (stage == 3 && message.kind == HandshakeType::SERVER_HELLO_DONE)
                || (stage > 0 && message.kind == HandshakeType::HELLO_REQUEST)
                || (stage == 0 && message.kind == HandshakeType::HELLO_VERIFY_REQUEST);
            let told = client.told(&flight[stage]);
            let is_unexpected = told == Told::Refused(Misdeed::UnexpectedMessage);
            assert_eq!(is_unexpected, !is_expected, "{kind} at {stage}: {told:?}");
        }
    }
}

/// A client that has been told what comes before `stage`.
fn told_before(stage: usize) -> ([Bench; 2], Vec<Said>) {
    let ([mut client, server], flight) = answered_pair();
    assert_eq!(client.told_all(&flight[..stage]), Told::Taken);
    ([client, server], flight)
}
