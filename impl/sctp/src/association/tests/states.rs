//! Every chunk in every state: nothing panics, and what changes is a table (reliability row S05).

use std::time::Duration;

use super::*;
use crate::{AssociationState, wire::ChunkType};

/// The states in which the peer is known of.
pub(super) const ALL: [AssociationState; 7] = [
    AssociationState::CookieWait,
    AssociationState::CookieEchoed,
    AssociationState::Established,
    AssociationState::ShutdownPending,
    AssociationState::ShutdownSent,
    AssociationState::ShutdownReceived,
    AssociationState::ShutdownAckSent,
];

/// A pair whose end A is in `state`.
pub(super) fn at(state: AssociationState) -> Pair {
    let second = Duration::from_secs(1);
    let mut pair = match state {
        AssociationState::CookieWait | AssociationState::CookieEchoed => Pair::new(&quiet()),
        _ => Pair::standing(&quiet()),
    };
    let lose = |unwanted: ChunkType| -> Network {
        Box::new(
            move |_, _, packet| if kind(packet) == unwanted { Fate::Lose } else { Fate::Arrive },
        )
    };
    match state {
        AssociationState::Closed | AssociationState::Established => {}
        AssociationState::CookieWait => {
            pair.network = lose(ChunkType::INIT);
            pair.ends[A].connect(pair.now).unwrap();
        }
        AssociationState::CookieEchoed => {
            pair.network = lose(ChunkType::COOKIE_ECHO);
            pair.ends[A].connect(pair.now).unwrap();
        }
        AssociationState::ShutdownPending => {
            pair.network = lose(ChunkType::I_DATA);
            pair.send(A, 0, b"not yet");
            pair.ends[A].shutdown(pair.now);
        }
        AssociationState::ShutdownSent => {
            pair.network = lose(ChunkType::SHUTDOWN);
            pair.ends[A].shutdown(pair.now);
        }
        AssociationState::ShutdownReceived => {
            pair.network = lose(ChunkType::I_DATA);
            pair.send(A, 0, b"not yet");
            pair.ends[B].shutdown(pair.now);
        }
        AssociationState::ShutdownAckSent => {
            pair.network = lose(ChunkType::SHUTDOWN_ACK);
            pair.ends[B].shutdown(pair.now);
        }
    }
    pair.run_for(second / 8);
    pair.events = Default::default();
    assert_eq!(pair.ends[A].state(), state);
    pair
}

#[test]
fn every_chunk_in_every_state() {
    let mut table = String::new();
    for state in ALL {
        for chunk in blue::every_chunk() {
            let mut pair = at(state);
            let chunk = fit_in(&pair, chunk);
            let bytes = pair.packet_to(A, &[chunk]);
            pair.hand(A, &bytes);
            let kind = chunk.kind().to_string();
            let after = pair.ends[A].state();
            let said: Vec<_> = pair.poll_all(A).iter().map(|packet| summary(packet)).collect();
            let said = said.join("; ");
            writeln!(table, "{state:18} {kind:18} {after:18} {said}").unwrap();
            pair.run_for(Duration::from_secs(30));
        }
    }
    insta::assert_snapshot!(table);
}

/// The chunk with numbers that the conversation has got to.
fn fit_in<'a>(pair: &Pair, chunk: Chunk<'a>) -> Chunk<'a> {
    let Some(link) = pair.ends[A].state.link() else { return chunk };
    let (sent, got) = (link.sender.cumulative_tsn(), link.receiver.cumulative_tsn());
    match chunk {
        Chunk::IData(data) => Chunk::IData(wire::IData { tsn: got.next(), ..data }),
        Chunk::Sack(sack) => Chunk::Sack(wire::Sack { cumulative: sent, ..sack }),
        Chunk::Shutdown(_) => Chunk::Shutdown(wire::Shutdown { cumulative: sent }),
        Chunk::IForwardTsn(forward) => {
            Chunk::IForwardTsn(wire::IForwardTsn { new_cumulative: got.next(), ..forward })
        }
        other => other,
    }
}

/// The types of the chunks of a packet.
fn summary(packet: &[u8]) -> String {
    let chunks = Packet::parse(packet).unwrap().chunks();
    let kinds: Vec<_> = chunks.map(|chunk| chunk.unwrap().kind().to_string()).collect();
    kinds.join(" + ")
}

#[test]
fn unknown_chunks_are_dealt_with_as_their_types_say() {
    let mut table = String::new();
    for kind in [0x3d_u8, 0x7d, 0xbd, 0xfd] {
        let mut pair = Pair::standing(&quiet());
        let heartbeat = Chunk::Heartbeat(wire::Heartbeat { info: b"after", rest: &[] });
        let after = pair.packet_to(A, &[heartbeat]);
        let mut bytes = after[..HEADER_LENGTH].to_vec();
        bytes.extend_from_slice(&[kind, 0, 0, 5, 9, 0, 0, 0]);
        bytes.extend_from_slice(&after[HEADER_LENGTH..]);
        wire::seal(&mut bytes);
        pair.hand(A, &bytes);
        writeln!(table, "{kind:#04x}: {:?}", pair.says(A)).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_flood_of_unknown_chunks_is_reported_once_a_packet() {
    let mut pair = Pair::standing(&quiet());
    let mut bytes = pair.packet_to(A, &[]);
    for _ in 0..200 {
        bytes.extend_from_slice(&[0xfd, 0, 0, 4]);
    }
    wire::seal(&mut bytes);
    pair.hand(A, &bytes);
    assert_eq!(pair.says(A), ["ERROR (unrecognized chunk type len=4)"]);
}

/// Restart, shutdown and abort of each end in each state of the other (reliability row S03).
#[test]
fn either_end_may_end_or_begin_anew_in_any_state() {
    for state in ALL {
        for what in 0..4 {
            let mut pair = at(state);
            pair.network = Box::new(|_, _, _| Fate::Arrive);
            match what {
                0 => pair.ends[A].abort(pair.now, b"now"),
                1 => pair.ends[B].abort(pair.now, b"now"),
                2 => pair.ends[A].shutdown(pair.now),
                _ => {
                    pair.ends[B] = end(quiet(), 99);
                    pair.ends[B].connect(pair.now).unwrap();
                }
            }
            pair.run_for(Duration::from_secs(300));
            let [a, b] = [pair.ends[A].state(), pair.ends[B].state()];
            // Whatever came first, both agree in the end.
            assert_eq!(a, b, "{state} {what}: {}", pair.ladder);
            let settled = [AssociationState::Closed, AssociationState::Established];
            assert!(settled.contains(&a), "{state} {what}: {a} {}", pair.ladder);
        }
    }
}
