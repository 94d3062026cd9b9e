//! The size of packets: probes (RFC 8899), and what a smaller path does.

use std::time::Duration;

use super::*;
use crate::{AssociationState, wire::ChunkType};

const SECOND: Duration = Duration::from_secs(1);

fn searching() -> Config {
    Config { max_probe: 1_400, ..quiet() }
}

fn is_probe(packet: &[u8]) -> bool {
    let mut chunks = Packet::parse(packet).unwrap().chunks();
    chunks.any(|chunk| matches!(chunk, Ok(Chunk::Pad(_))))
}

#[test]
fn probes_find_what_the_path_carries() {
    for mtu in [1_200, 1_280, 1_352, 1_400, 9_000] {
        let mut pair = Pair::new(&searching());
        pair.mtu = mtu;
        pair.ends[A].connect(pair.now).unwrap();
        pair.run_for(30 * SECOND);
        let found = pair.ends[A].stats().packet_size;
        let best = mtu.min(1_400);
        assert!(found <= best && found + 32 > best, "{found} of {best}");
        assert!(pair.packets.iter().all(|(_, packet)| packet.len() <= 1_400));
    }
}

#[test]
fn a_probe_is_a_heartbeat_and_padding_of_exactly_its_size() {
    let mut pair = Pair::new(&searching());
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(5 * SECOND);
    let probes: Vec<_> = pair.packets.iter().filter(|(_, p)| is_probe(p)).collect();
    assert!(!probes.is_empty());
    for (_, probe) in &probes {
        let kinds: Vec<_> =
            Packet::parse(probe).unwrap().chunks().map(|c| c.unwrap().kind()).collect();
        assert_eq!(kinds, [ChunkType::HEARTBEAT, ChunkType::PAD]);
        assert!(probe.len() > 1_200 && probe.len() % 4 == 0);
    }
    // What fits the path is told apart from what does not, by whoever carries it.
    let mut pair = Pair::new(&searching());
    pair.ends[A].connect(pair.now).unwrap();
    let mut said = 0;
    for _ in 0..50 {
        pair.now += DELAY;
        for from in [A, B] {
            let mut buffer = Vec::new();
            while let Some(out) = pair.ends[from].poll_packet(pair.now, &mut buffer) {
                assert_eq!(out.is_probe, is_probe(&buffer));
                said += u32::from(out.is_probe);
                pair.hand(1 - from, &std::mem::take(&mut buffer));
            }
        }
    }
    assert!(said > 0);
}

#[test]
fn lost_probes_are_no_errors() {
    let mut pair = Pair::new(&Config { max_retransmits: 1, ..searching() });
    pair.network =
        Box::new(|_, _, packet| if is_probe(packet) { Fate::Lose } else { Fate::Arrive });
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(100 * SECOND);
    assert_eq!(pair.events[A], [Event::Connected]);
    assert_eq!(pair.ends[A].stats().packet_size, 1_200);
}

#[test]
fn a_path_that_shrinks_is_no_black_hole() {
    let mut pair = Pair::new(&searching());
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(10 * SECOND);
    assert!(pair.ends[A].stats().packet_size > 1_300);
    pair.mtu = 1_200;
    for _ in 0..20 {
        pair.send(A, 0, &[7; 5_000]);
    }
    pair.run_for(60 * SECOND);
    assert_eq!(pair.messages[B].len(), 20, "{}", pair.ladder);
    assert_eq!(pair.ends[A].stats().packet_size, 1_200);
}

/// What a large packet lost passes again in smaller ones, and no timer fires: it is noticed all the same.
#[test]
fn a_path_that_shrinks_under_a_steady_stream_is_no_black_hole() {
    let mut pair = Pair::new(&searching());
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(10 * SECOND);
    pair.mtu = 1_300;
    for _ in 0..400 {
        for _ in 0..3 {
            pair.send(A, 0, &[7; 5_000]);
        }
        pair.run_for(SECOND / 5);
    }
    pair.run_for(60 * SECOND);
    assert_eq!(pair.messages[B].len(), 1_200);
    let size = pair.ends[A].stats().packet_size;
    assert!(size <= 1_300, "{size}");
}

#[test]
fn what_the_layer_below_says_during_set_up_is_kept() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.ends[A].set_max_packet(pair.now, 600);
    pair.send(A, 0, &[7; 5_000]);
    pair.run_for(5 * SECOND);
    assert!(pair.packets.iter().all(|(_, packet)| packet.len() <= 600), "{}", pair.ladder);
}

#[test]
fn the_layer_below_may_say_how_much_it_carries() {
    let mut pair = Pair::standing(&quiet());
    pair.ends[A].set_max_packet(pair.now, 600);
    pair.send(A, 0, &[7; 5_000]);
    pair.run_for(5 * SECOND);
    assert_eq!(pair.messages[B].len(), 1);
    assert!(pair.packets.iter().all(|(_, packet)| packet.len() <= 600), "{}", pair.ladder);
}

#[test]
fn packets_are_filled_and_never_longer_than_the_path() {
    for max_packet in [256, 280, 576, 1_199, 1_500, 9_001, 65_520] {
        let mut pair = Pair::standing(&Config { max_packet, ..quiet() });
        for size in [1, 100, 1_000, 10_000, 100_000] {
            pair.send(A, 0, &vec![7; size]);
            pair.send(A, 1, &vec![8; size]);
        }
        pair.run_for(30 * SECOND);
        assert_eq!(pair.messages[B].len(), 10, "{max_packet}");
        let longest = pair.packets.iter().map(|(_, packet)| packet.len()).max();
        let most = max_packet & !3;
        assert!(
            longest.unwrap() <= most && longest.unwrap() + 24 > most.min(60_000),
            "{longest:?}"
        );
        assert_eq!(pair.ends[A].state(), AssociationState::Established);
    }
}

#[test]
fn a_limit_of_nothing_leaves_room_for_acknowledgements() {
    let mut pair = Pair::standing(&quiet());
    for end in [A, B] {
        pair.ends[end].set_max_packet(pair.now, 0);
        pair.send(end, 1, &[7; 5_000]);
    }
    pair.run_for(Duration::from_secs(10));
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1]);
}
