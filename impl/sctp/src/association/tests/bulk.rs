//! Much data, many streams, and what nothing to do costs.

use std::time::Duration;

use super::*;
use crate::Reliability;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_megabyte_arrives_in_order_whatever_gets_lost() {
    for every in [usize::MAX, 50, 11] {
        let mut pair = Pair::standing(&quiet());
        pair.network =
            Box::new(
                move |number, _, _| {
                    if number % every == every - 1 { Fate::Lose } else { Fate::Arrive }
                },
            );
        for index in 0..100_u8 {
            pair.send(A, 0, &[index; 10_000]);
        }
        pair.run_for(600 * SECOND);
        let order: Vec<_> = pair.messages[B].iter().map(|m| m.payload[0]).collect();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        assert!(pair.messages[B].iter().all(|m| m.payload.len() == 10_000));
        assert!(pair.ends[A].is_idle());
    }
}

#[test]
fn without_interleaving_everything_works_the_same() {
    let features = Features { interleaving: false, zero_checksum: false, ..Features::default() };
    let mut pair = Pair::standing(&Config { features, ..quiet() });
    pair.network = Box::new(|number, _, _| if number % 9 == 8 { Fate::Lose } else { Fate::Arrive });
    for index in 0..50_u8 {
        pair.send(A, u16::from(index % 3), &[index; 4_000]);
    }
    pair.run_for(60 * SECOND);
    assert_eq!(pair.messages[B].len(), 50);
    assert!(!pair.ladder.contains("I-DATA"));
}

#[test]
fn messages_that_are_given_up_hold_nobody_up() {
    for interleaving in [false, true] {
        let features = Features { interleaving, zero_checksum: false, ..Features::default() };
        let mut pair = Pair::standing(&Config { features, ..quiet() });
        pair.network = Box::new(|number, _, _| if number < 3 { Fate::Lose } else { Fate::Arrive });
        let reliability = Reliability::Retransmits(0);
        let options = SendOptions { reliability, ..SendOptions::default() };
        let (stream, ppid) = (StreamId::new(0), Ppid::new(53));
        let payload = Bytes::from(vec![1; 100]);
        pair.ends[A].send(pair.now, stream, ppid, payload, &options).unwrap();
        pair.run_for(SECOND / 10);
        pair.send(A, 0, b"next");
        pair.run_for(20 * SECOND);
        assert_eq!(pair.messages[B].len(), 1, "{}", pair.ladder);
        assert!(pair.events[A].iter().any(|e| matches!(e, Event::Abandoned { .. })));
        assert!(pair.ladder.contains("FORWARD TSN"), "{}", pair.ladder);
        assert!(pair.ends[A].is_idle());
    }
}

#[test]
fn a_poll_with_nothing_to_do_does_nothing() {
    let mut pair = Pair::standing(&quiet());
    for busy in [false, true] {
        if busy {
            for _ in 0..20 {
                pair.send(A, 0, &[0; 100_000]);
            }
            pair.network = Box::new(|_, _, _| Fate::Lose);
            pair.drain();
        }
        pair.drain();
        let before = format!("{:?}", pair.ends[A]);
        let mut buffer = Vec::new();
        for _ in 0..10 {
            assert_eq!(pair.ends[A].poll_packet(pair.now, &mut buffer), None);
            assert!(pair.ends[A].poll_event().is_none());
            assert!(pair.ends[A].poll_message().is_none());
        }
        assert!(buffer.is_empty());
        assert_eq!(format!("{:?}", pair.ends[A]), before);
    }
}

#[test]
fn a_full_buffer_says_so_and_when_it_is_not() {
    use crate::SendError;
    let mut pair = Pair::standing(&Config { send_buffer: 100_000, ..quiet() });
    let payload = Bytes::from(vec![0; 10_000]);
    let send = |pair: &mut Pair| {
        let (stream, ppid) = (StreamId::new(0), Ppid::new(53));
        let options = SendOptions::default();
        pair.ends[A].send(pair.now, stream, ppid, payload.clone(), &options)
    };
    let taken = (0..100).take_while(|_| send(&mut pair).is_ok()).count();
    assert!((8..=10).contains(&taken), "{taken}");
    assert_eq!(send(&mut pair), Err(SendError::QueueFull));
    pair.run_for(30 * SECOND);
    assert!(pair.events[A].contains(&Event::Writable));
    assert_eq!(pair.messages[B].len(), taken);
}

#[test]
fn zero_checksums_are_sent_where_both_agreed_and_never_at_the_beginning() {
    let features = Features { zero_checksum: true, ..Features::default() };
    let mut pair = Pair::new(&Config { features, ..quiet() });
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, b"with the cookie");
    pair.run_for(SECOND);
    pair.send(A, 0, b"without a checksum");
    pair.run_for(SECOND);
    let sums: Vec<_> = pair
        .packets
        .iter()
        .map(|(_, bytes)| (kind(bytes).to_string(), Packet::parse(bytes).unwrap().checksum != 0))
        .collect();
    let kinds = sums.iter().map(|(kind, has)| format!("{kind}: {has}")).collect::<Vec<_>>();
    insta::assert_snapshot!(kinds.join("\n"));
    assert_eq!(pair.messages[B].len(), 2);
}

#[test]
fn a_packet_without_a_checksum_is_dropped_where_that_was_not_agreed() {
    let mut pair = Pair::standing(&quiet());
    let heartbeat = Chunk::Heartbeat(wire::Heartbeat { info: b"1", rest: &[] });
    let mut bytes = pair.packet_to(A, &[heartbeat]);
    bytes[8..12].fill(0);
    pair.hand(A, &bytes);
    assert!(pair.says(A).is_empty());
    // One end alone does not make an agreement: it takes such packets, and sends none.
    let features = Features { zero_checksum: true, ..Features::default() };
    let mut pair = Pair::of(end(Config { features, ..quiet() }, 1), end(quiet(), 2));
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(SECOND);
    pair.send(A, 0, b"x");
    pair.send(B, 0, b"x");
    pair.run_for(SECOND);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1]);
    assert!(pair.packets.iter().all(|(_, b)| Packet::parse(b).unwrap().has_right_checksum()));
}

#[test]
fn a_batch_of_packets_is_acknowledged_once() {
    let mut pair = Pair::standing(&quiet());
    for _ in 0..3 {
        pair.send(A, 0, &[0; 1_000]);
    }
    let packets = pair.poll_all(A);
    assert_eq!(packets.len(), 3);
    let batch = packets.iter().map(|packet| (packet.as_slice(), Ecn::NotEct));
    pair.ends[B].handle_packets(pair.now, batch);
    assert_eq!(pair.says(B).len(), 1);
}
