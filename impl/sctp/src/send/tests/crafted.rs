//! Acknowledgements that no honest peer sends, numbers that wrap, sizes that are odd.

use rstest::rstest;

use super::*;
use crate::{
    Misdeed, Scheduler, SendOptions, StreamId, Tsn,
    send::{Acknowledged, SenderConfig, ring::MAX_SPAN, tests::talk::config},
    wire::{GapBlock, List, Sack},
};

/// Four chunks in flight after one that was acknowledged.
fn four(initial: u32) -> Talk {
    let mut talk = Talk::with(config(), initial);
    talk.warm_up();
    for _ in 0..4 {
        talk.send(1, 1_172);
    }
    assert_eq!(talk.packets().len(), 4);
    talk.wait(100);
    talk
}

fn sack(talk: &mut Talk, cumulative: u32, gaps: &[(u16, u16)]) -> Result<Acknowledged, Misdeed> {
    let gaps: Vec<_> = gaps.iter().map(|&(start, end)| GapBlock { start, end }).collect();
    let sack = Sack {
        cumulative: Tsn::new(talk.initial.wrapping_add(cumulative).wrapping_sub(1)),
        a_rwnd: 1 << 20,
        gaps: List::from(&gaps[..]),
        duplicates: List::EMPTY,
    };
    let result = talk.sender.handle_sack(talk.now, &sack, &mut talk.control, &mut talk.rtt);
    talk.check();
    result
}

#[rstest]
#[case::beyond(6, &[], Err(Misdeed::AckOfUnsent))]
#[case::far_beyond(0x7fff_0000, &[], Err(Misdeed::AckOfUnsent))]
#[case::half_way_round(0x8000_0010, &[], Ok(Acknowledged::Old))]
#[case::old(0, &[], Ok(Acknowledged::Old))]
#[case::before_the_first(u32::MAX - 5, &[], Ok(Acknowledged::Old))]
#[case::gap_beyond(1, &[(2, 5)], Err(Misdeed::AckOfUnsent))]
#[case::gap_far_beyond(1, &[(2, u16::MAX)], Err(Misdeed::AckOfUnsent))]
#[case::second_gap_beyond(1, &[(2, 2), (60_000, 60_001)], Err(Misdeed::AckOfUnsent))]
#[case::backwards(1, &[(3, 2)], Err(Misdeed::BadGapBlocks))]
#[case::from_nowhere(1, &[(0, 2)], Err(Misdeed::BadGapBlocks))]
#[case::the_next(1, &[(1, 1)], Ok(Acknowledged::Progress))]
#[case::all_but_cumulative(1, &[(1, 4)], Ok(Acknowledged::Progress))]
#[case::overlapping(1, &[(2, 3), (3, 4), (2, 2)], Ok(Acknowledged::Progress))]
#[case::same_again(1, &[], Ok(Acknowledged::Nothing))]
#[case::all(5, &[], Ok(Acknowledged::Progress))]
fn strange_acknowledgements_are_named_or_ignored(
    #[case] cumulative: u32,
    #[case] gaps: &[(u16, u16)],
    #[case] expected: Result<Acknowledged, Misdeed>,
    #[values(1, 0xffff_fffc, 0x7fff_fffe)] initial: u32,
) {
    let mut talk = four(initial);
    let before = (talk.sender.in_flight(), talk.sender.outstanding());
    assert_eq!(sack(&mut talk, cumulative, gaps), expected);
    if expected != Ok(Acknowledged::Progress) {
        assert_eq!((talk.sender.in_flight(), talk.sender.outstanding()), before);
    }
}

#[test]
fn an_acknowledgement_before_anything_was_sent_is_nothing() {
    let mut talk = Talk::new();
    assert_eq!(sack(&mut talk, 0, &[]), Ok(Acknowledged::Nothing));
    assert_eq!(sack(&mut talk, 1, &[]), Err(Misdeed::AckOfUnsent));
}

#[test]
fn everything_acknowledged_but_the_cumulative_number_goes_again_after_a_timeout() {
    let mut talk = four(0xffff_fffc);
    sack(&mut talk, 1, &[(1, 4)]).unwrap();
    assert_eq!(talk.sender.in_flight(), 0);
    let before = talk.sender.counters().timeouts;
    while talk.sender.counters().timeouts == before {
        talk.expire();
        talk.check();
    }
    assert!(!talk.packets().is_empty());
}

#[rstest]
#[case(0xffff_ff00)]
#[case(0xffff_fff0)]
#[case(0x7fff_fff0)]
#[case(u32::MAX)]
fn numbers_wrap_under_a_stream_of_messages(#[case] initial: u32) {
    let mut talk = Talk::with(config(), initial);
    let mut cumulative = 0;
    while cumulative < 600 {
        for _ in 0..3 {
            talk.send(1, 800);
        }
        talk.packets();
        talk.wait(20);
        let sent = u32::try_from(talk.sender.outstanding()).unwrap();
        if sent > 2 {
            sack(&mut talk, cumulative, &[(2, u16::try_from(sent).unwrap())]).unwrap();
        }
        talk.packets();
        talk.wait(20);
        cumulative += u32::try_from(talk.sender.outstanding()).unwrap();
        sack(&mut talk, cumulative, &[]).unwrap();
    }
    assert_eq!(
        talk.sender.cumulative_tsn().get(),
        initial.wrapping_add(cumulative).wrapping_sub(1)
    );
}

#[test]
fn stream_sequence_numbers_wrap_at_sixteen_bits() {
    let mut talk = Talk::new();
    talk.sender.streams.entry(StreamId::new(1)).next_ordered = 0xfffe;
    for _ in 0..3 {
        talk.send(1, 10);
    }
    assert_eq!(talk.packets(), ["--BE 1:1.65534 10 | --BE 2:1.65535 10 | I-BE 3:1.0 10"]);
}

#[test]
fn message_identifiers_wrap_at_thirty_two() {
    let mut talk = Talk::interleaved();
    talk.sender.streams.entry(StreamId::new(1)).next_ordered = u32::MAX;
    for _ in 0..2 {
        talk.send(1, 10);
    }
    assert_eq!(talk.packets(), ["--BE 1:1.4294967295.0 10 | I-BE 2:1.0.0 10"]);
}

#[rstest]
fn nothing_overflows_on_small_paths(
    #[values(256, 268, 400, 1_188, 1_488)] room: usize,
    #[values(false, true)] interleaved: bool,
) {
    let mut talk = Talk::with(SenderConfig { packet_room: room, ..config() }, 0xffff_fff0);
    if interleaved {
        talk.sender.interleave();
    }
    let mut cumulative = 0;
    for round in 0..200_u32 {
        talk.send(1, 3_000);
        talk.packets();
        talk.wait(15);
        let out = u32::try_from(talk.sender.outstanding()).unwrap();
        if round % 7 == 6 {
            talk.expire();
        } else {
            cumulative += out - u32::from(round % 3 == 0 && out > 1);
            sack(&mut talk, cumulative, &[]).unwrap();
        }
    }
}

#[test]
fn no_more_numbers_are_out_than_blocks_can_count() {
    let buffer = 256 << 20;
    let mut talk = Talk::with(SenderConfig { buffer, ..config() }, 0xffff_0000);
    talk.sender.set_peer_window(u32::MAX);
    talk.control = crate::congestion::Control::new(
        crate::congestion::Algorithm::Rfc9260,
        1 << 16,
        &base::Rng::from_seed([1; 32]),
    );
    for _ in 0..400_000 {
        talk.send(1, 1);
    }
    // The window grows until it is no limit.
    let mut acked = 0;
    for _ in 0..200 {
        talk.packets();
        let half = talk.sender.outstanding() / 2;
        if talk.sender.outstanding() >= MAX_SPAN {
            break;
        }
        talk.wait(10);
        acked += u32::try_from(half).unwrap();
        talk.sack(acked, &[]);
    }
    assert_eq!(talk.sender.outstanding(), MAX_SPAN);
    talk.wait(10);
    talk.sack(acked + 600, &[]);
    assert_eq!(talk.sender.outstanding(), MAX_SPAN - 600);
    talk.packets();
    assert_eq!(talk.sender.outstanding(), MAX_SPAN);
    assert!(talk.sender.total_buffered() > 0, "more would have left");
}

#[test]
fn a_million_messages_wait_without_a_stack() {
    let mut talk = Talk::with(SenderConfig { buffer: 1 << 30, ..config() }, 1);
    talk.sender.set_peer_window(0);
    for count in 0..1_000_000_u32 {
        let stream = u16::try_from(count % 1_000).unwrap();
        let payload = bytes::Bytes::from_static(b"x");
        let options = SendOptions::default();
        talk.sender
            .enqueue(talk.now, StreamId::new(stream), crate::Ppid::new(51), payload, &options)
            .unwrap();
    }
    assert_eq!(talk.packets(), [""; 0]);
    talk.sender.set_scheduler(Scheduler::RoundRobin);
    talk.sender.restart(Tsn::new(5));
    assert!(talk.sender.is_idle());
    assert!(talk.sender.used_streams().len() >= 1_000);
}

#[test]
fn a_jump_costs_what_is_held_and_not_its_length() {
    let mut talk = Talk::new();
    let reliability = crate::Reliability::Retransmits(0);
    for _ in 0..4 {
        talk.send_with(1, 100, SendOptions { reliability, ..SendOptions::default() });
    }
    talk.packets();
    while talk.sender.counters().timeouts == 0 {
        talk.expire();
    }
    assert_eq!(talk.packets(), ["forward 4 [1:3]"]);
    // The peer claims to have jumped half the numbers ahead.
    let far = talk.initial.wrapping_add(0x7fff_ffff);
    let sack =
        Sack { cumulative: Tsn::new(far), a_rwnd: 0, gaps: List::EMPTY, duplicates: List::EMPTY };
    let result = talk.sender.handle_sack(talk.now, &sack, &mut talk.control, &mut talk.rtt);
    assert!(matches!(result, Err(Misdeed::AckOfUnsent) | Ok(Acknowledged::Old)));
    talk.check();
}
