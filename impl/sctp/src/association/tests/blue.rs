//! Packets out of the blue, and wrong tags on every chunk: RFC 9260 §8.4, §8.5; reliability rows S05, S07,
//! S08.

use super::*;
use crate::{
    AssociationState, CloseReason, DropReason, Ssn, Tsn,
    wire::{
        Abort, Cause, CookieAck, CookieEcho, Cwr, Data, DataFlags, Ecne, ForwardTsn, Heartbeat,
        IData, IForwardTsn, Init, OperationError, Pad, Reconfig, Sack, Shutdown, ShutdownAck,
        ShutdownComplete,
    },
};

/// One of every chunk.
pub(super) fn every_chunk() -> Vec<Chunk<'static>> {
    let (tsn, stream) = (Tsn::new(0xffff_ffff), StreamId::new(3));
    let init = Init {
        initiate_tag: 0x1234_5678,
        a_rwnd: 100_000,
        outbound_streams: 4,
        inbound_streams: 4,
        initial_tsn: tsn,
        parameters: [].as_slice().into(),
    };
    let (ssn, ppid) = (Ssn::new(0xffff), Ppid::new(51));
    let heartbeat = Heartbeat { info: b"whatever", rest: &[] };
    vec![
        Chunk::Data(Data { flags: DataFlags::WHOLE, tsn, stream, ssn, ppid, payload: b"x" }),
        Chunk::IData(IData {
            flags: DataFlags::WHOLE,
            tsn,
            stream,
            mid: crate::Mid::new(0),
            ppid_or_fsn: 51,
            payload: b"x",
        }),
        Chunk::Init(init),
        Chunk::InitAck(init),
        Chunk::Sack(Sack {
            cumulative: tsn,
            a_rwnd: 1,
            gaps: [].as_slice().into(),
            duplicates: [].as_slice().into(),
        }),
        Chunk::Heartbeat(heartbeat),
        Chunk::HeartbeatAck(heartbeat),
        Chunk::Abort(Abort { is_reflected: false, causes: [].as_slice().into() }),
        Chunk::Error(OperationError { causes: [Cause::OutOfResource].as_slice().into() }),
        Chunk::Shutdown(Shutdown { cumulative: tsn }),
        Chunk::ShutdownAck(ShutdownAck),
        Chunk::ShutdownComplete(ShutdownComplete { is_reflected: false }),
        Chunk::CookieEcho(CookieEcho { cookie: &[7; 65] }),
        Chunk::CookieAck(CookieAck),
        Chunk::Ecne(Ecne { lowest: tsn }),
        Chunk::Cwr(Cwr { lowest: tsn }),
        Chunk::ForwardTsn(ForwardTsn { new_cumulative: tsn, skipped: [].as_slice().into() }),
        Chunk::IForwardTsn(IForwardTsn { new_cumulative: tsn, skipped: [].as_slice().into() }),
        Chunk::Reconfig(Reconfig { parameters: [].as_slice().into() }),
        Chunk::Pad(Pad { length: 8 }),
    ]
}

#[test]
fn answers_to_packets_of_no_association() {
    let mut table = String::new();
    for chunk in every_chunk() {
        let mut pair = Pair::new(&quiet());
        pair.hand(B, &packet(0x0a0b_0c0d, &[chunk]));
        let answers = pair.poll_all(B);
        let answer = answers.first().map_or_else(
            || "-".to_owned(),
            |bytes| {
                format!(
                    "{} tag={:#x}",
                    show(bytes),
                    Packet::parse(bytes).unwrap().header.verification_tag
                )
            },
        );
        let drops = pair.ends[B].stats().dropped;
        writeln!(table, "{:18} {answer:40} {drops:?}", chunk.kind().to_string()).unwrap();
        assert!(answers.len() <= 1);
        assert_eq!(pair.ends[B].state(), AssociationState::Closed);
        assert_eq!(pair.ends[B].poll_timeout(), None);
        assert_eq!(pair.ends[B].poll_event(), None);
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_abort_in_the_packet_keeps_everybody_silent() {
    let mut pair = Pair::new(&quiet());
    let abort = Chunk::Abort(Abort { is_reflected: false, causes: [].as_slice().into() });
    let mut chunks = every_chunk();
    chunks.retain(|chunk| !matches!(chunk, Chunk::Init(_) | Chunk::CookieEcho(_)));
    chunks.push(abort);
    pair.hand(B, &packet(9, &chunks));
    assert!(pair.says(B).is_empty());
}

#[test]
fn a_stale_cookie_error_and_a_shutdown_complete_out_of_the_blue_are_not_answered() {
    let mut pair = Pair::new(&quiet());
    let causes = [Cause::StaleCookie(1)];
    pair.hand(B, &packet(9, &[Chunk::Error(OperationError { causes: causes.as_slice().into() })]));
    pair.hand(B, &packet(9, &[Chunk::ShutdownComplete(ShutdownComplete { is_reflected: true })]));
    assert!(pair.says(B).is_empty());
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::OutOfTheBlue), 2);
}

#[test]
fn nothing_without_a_tag_but_init_is_looked_at() {
    let mut pair = Pair::standing(&quiet());
    for chunk in every_chunk() {
        if matches!(chunk, Chunk::Init(_)) {
            continue;
        }
        pair.hand(B, &packet(0, &[chunk]));
    }
    assert!(pair.says(B).is_empty());
    assert_eq!(pair.ends[B].state(), AssociationState::Established);
    assert_eq!(pair.ends[B].poll_event(), None);
}

#[test]
fn an_init_is_alone_or_not_looked_at() {
    let mut pair = Pair::new(&quiet());
    let init = every_chunk().remove(2);
    pair.hand(B, &packet(0, &[init, Chunk::Pad(Pad { length: 4 })]));
    pair.hand(B, &packet(0, &[Chunk::Pad(Pad { length: 4 }), init]));
    assert!(pair.says(B).is_empty());
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::NotAlone), 1);
}

/// Whoever does not know the tag does nothing, in no state and with no chunk.
#[test]
fn a_wrong_tag_has_no_effect_in_any_state() {
    for state in states::ALL {
        for chunk in every_chunk() {
            for tag_off_by in [1, 0x8000_0000] {
                let mut pair = states::at(state);
                let tag = pair.tag_of(A).wrapping_add(tag_off_by);
                let before = format!("{:?}", pair.ends[A].state);
                pair.hand(A, &packet(tag, &[chunk]));
                assert_eq!(pair.ends[A].state(), state, "{chunk}");
                assert_eq!(format!("{:?}", pair.ends[A].state), before, "{state} {chunk}");
                assert_eq!(pair.ends[A].poll_event(), None, "{state} {chunk}");
            }
        }
    }
}

#[test]
fn the_peers_own_tag_is_right_only_where_it_is_reflected() {
    for is_reflected in [false, true] {
        for with_own_tag in [false, true] {
            let mut pair = Pair::standing(&quiet());
            let tag = pair.tag_of(if with_own_tag { A } else { B });
            let abort = Abort { is_reflected, causes: [].as_slice().into() };
            pair.hand(A, &packet(tag, &[Chunk::Abort(abort)]));
            let is_right = with_own_tag != is_reflected;
            let ended = pair.ends[A].state() == AssociationState::Closed;
            assert_eq!(ended, is_right, "T={is_reflected} own={with_own_tag}");
        }
    }
}

#[test]
fn shutdown_complete_obeys_the_same_rule_and_counts_at_the_end_alone() {
    for is_reflected in [false, true] {
        for with_own_tag in [false, true] {
            let mut pair = states::at(AssociationState::ShutdownAckSent);
            let complete = [Chunk::ShutdownComplete(ShutdownComplete { is_reflected })];
            let tag = pair.tag_of(if with_own_tag { A } else { B });
            pair.hand(A, &packet(tag, &complete));
            let ended = pair.ends[A].state() == AssociationState::Closed;
            assert_eq!(ended, with_own_tag != is_reflected, "T={is_reflected} own={with_own_tag}");
        }
    }
    let mut pair = Pair::standing(&quiet());
    let complete = Chunk::ShutdownComplete(ShutdownComplete { is_reflected: false });
    let bytes = pair.packet_to(A, &[complete]);
    pair.hand(A, &bytes);
    assert_eq!(pair.ends[A].state(), AssociationState::Established);
}

#[test]
fn a_shutdown_ack_of_an_earlier_association_is_completed_during_set_up() {
    for state in [AssociationState::CookieWait, AssociationState::CookieEchoed] {
        let mut pair = states::at(state);
        pair.hand(A, &packet(77, &[Chunk::ShutdownAck(ShutdownAck)]));
        let said = pair.says(A);
        assert_eq!(said, ["SHUTDOWN COMPLETE T"], "{state}");
        assert_eq!(pair.ends[A].state(), state);
    }
}

#[test]
fn wrong_ports_and_wrong_checksums_are_not_ours() {
    let mut pair = Pair::standing(&quiet());
    let good = pair.packet_to(A, &[Chunk::Heartbeat(Heartbeat { info: b"1", rest: &[] })]);
    for at in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[at / 8] ^= 1 << (at % 8);
        pair.hand(A, &bad);
    }
    assert!(pair.says(A).is_empty());
    let mut bad = good.clone();
    bad[3] ^= 1;
    wire::seal(&mut bad);
    pair.hand(A, &bad);
    assert!(pair.says(A).is_empty());
    let drops = pair.ends[A].stats().dropped;
    let bits = u64::try_from(good.len() * 8).unwrap();
    assert_eq!(drops.count(DropReason::BadChecksum) + drops.count(DropReason::WrongPort), bits + 1);
    pair.hand(A, &good);
    assert_eq!(pair.says(A).len(), 1);
}

#[test]
fn an_abort_of_the_peer_during_set_up_ends_it() {
    let mut pair = states::at(AssociationState::CookieWait);
    let causes = [Cause::OutOfResource];
    let abort = Abort { is_reflected: false, causes: causes.as_slice().into() };
    let bytes = pair.packet_to(A, &[Chunk::Abort(abort)]);
    pair.hand(A, &bytes);
    let cause = Some(wire::CauseCode::OUT_OF_RESOURCE);
    let reason = Bytes::new();
    let told = Event::Closed(CloseReason::AbortedByPeer { cause, reason });
    assert_eq!(pair.ends[A].poll_event(), Some(told));
}
