//! Whose turn it is: RFC 8260 §3.

use rstest::rstest;

use super::*;
use crate::{Scheduler, SendOptions, StreamId, send::streams::NORMAL_PRIORITY};

/// The streams of the chunks in the order in which they leave.
fn order(talk: &mut Talk) -> String {
    let streams = |line: String| -> String {
        line.split(" | ")
            .map(|chunk| chunk.split([':', '.']).nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("+")
    };
    talk.packets().into_iter().map(streams).collect::<Vec<_>>().join(" ")
}

/// Opens the congestion window wide, and leaves nothing behind.
fn open(talk: &mut Talk) {
    let (mut sent, mut acked) = (0, 0);
    for _ in 0..400 {
        talk.send(9, 1_100);
    }
    while !talk.sender.is_idle() {
        sent += u32::try_from(talk.packets().len()).unwrap();
        assert!(acked < sent, "the window never opens");
        talk.wait(10);
        acked += 1;
        talk.sack(acked, &[]);
    }
    talk.wait(100);
    talk.initial = talk.initial.wrapping_add(acked);
}

fn two_streams(scheduler: Scheduler, interleaved: bool) -> Talk {
    let mut talk = if interleaved { Talk::interleaved() } else { Talk::new() };
    talk.sender.set_scheduler(scheduler);
    open(&mut talk);
    talk
}

#[rstest]
#[case::fcfs(Scheduler::FirstComeFirstServed, "1 1 2 2 1 1 2 2")]
#[case::round_robin(Scheduler::RoundRobin, "1 1 2 2 1 1 2 2")]
#[case::fair(Scheduler::FairCapacity, "1 1 2 2 1 1 2 2")]
#[case::weighted(Scheduler::WeightedFair, "1 1 2 2 1 1 2 2")]
#[case::priority(Scheduler::Priority, "1 1 2 2 1 1 2 2")]
fn messages_of_data_stay_whole(#[case] scheduler: Scheduler, #[case] expected: &str) {
    let mut talk = two_streams(scheduler, false);
    for stream in [1, 2, 1, 2] {
        talk.send(stream, 2 * 1_172);
    }
    assert_eq!(order(&mut talk), expected);
}

#[rstest]
#[case::fcfs(Scheduler::FirstComeFirstServed, "1 1 2 2 1 1 2 2")]
#[case::round_robin(Scheduler::RoundRobin, "1 2 1 2 1 2 1 2")]
#[case::per_packet(Scheduler::RoundRobinPerPacket, "1 2 1 2 1 2 1 2")]
#[case::fair(Scheduler::FairCapacity, "1 2 1 2 1 2 1 2")]
#[case::weighted(Scheduler::WeightedFair, "1 2 1 2 1 2 1 2")]
#[case::priority(Scheduler::Priority, "1 2 1 2 1 2 1 2")]
fn chunks_of_interleaved_messages_take_turns(#[case] scheduler: Scheduler, #[case] expected: &str) {
    let mut talk = two_streams(scheduler, true);
    for stream in [1, 2, 1, 2] {
        talk.send(stream, 2 * 1_168);
    }
    assert_eq!(order(&mut talk), expected);
}

#[test]
fn round_robin_takes_messages_and_fair_capacity_takes_bytes() {
    for (scheduler, expected) in
        [(Scheduler::RoundRobin, "1 2+1+2+1+2+1+2"), (Scheduler::FairCapacity, "1 2+2+2+2+1+1+1")]
    {
        let mut talk = two_streams(scheduler, true);
        talk.send(1, 1_168);
        for _ in 0..3 {
            talk.send(1, 100);
        }
        for _ in 0..4 {
            talk.send(2, 100);
        }
        assert_eq!(order(&mut talk), expected, "{scheduler:?}");
    }
}

#[test]
fn a_packet_holds_one_stream_where_turns_are_packets() {
    let mut talk = two_streams(Scheduler::RoundRobinPerPacket, false);
    for stream in [1, 2, 1, 2, 3] {
        talk.send(stream, 100);
    }
    talk.send(1, 2_000);
    assert_eq!(order(&mut talk), "1+1+1 1 3 2+2");
}

#[test]
fn urgent_messages_do_not_wait_for_long_ones_when_interleaved() {
    let mut talk = two_streams(Scheduler::Priority, true);
    talk.sender.set_priority(StreamId::new(2), 1_024);
    talk.send(1, 3 * 1_168);
    assert_eq!(talk.paced()[9], 1, "the stream of the chunk");
    talk.send(2, 1_168);
    assert_eq!(order(&mut talk), "2 1 1");
}

#[test]
fn a_message_of_data_that_was_begun_is_finished_first() {
    let mut talk = two_streams(Scheduler::Priority, false);
    talk.sender.set_priority(StreamId::new(2), 1_024);
    talk.send(1, 3 * 1_172);
    talk.paced();
    talk.send(2, 1_172);
    assert_eq!(order(&mut talk), "1 1 2");
}

#[rstest]
#[case(512, 256, 2.0)]
#[case(1_024, 256, 4.0)]
#[case(256, 256, 1.0)]
#[case(768, 256, 3.0)]
fn weights_share_the_bytes(#[case] one: u16, #[case] other: u16, #[case] ratio: f64) {
    let mut talk = two_streams(Scheduler::WeightedFair, true);
    talk.sender.set_priority(StreamId::new(1), one);
    talk.sender.set_priority(StreamId::new(2), other);
    for _ in 0..20 {
        talk.send(1, 20_000);
        talk.send(2, 20_000);
    }
    let mut sent = [0_u32; 3];
    for _ in 0..120 {
        let packet = talk.paced();
        assert!(!packet.is_empty());
        sent[usize::from(packet[9])] += 1;
    }
    let found = f64::from(sent[1]) / f64::from(sent[2]);
    assert!((found / ratio - 1.0).abs() < 0.1, "{found} for {ratio}");
}

#[test]
fn who_was_silent_has_saved_up_no_share() {
    let mut talk = two_streams(Scheduler::WeightedFair, true);
    talk.send(1, 40 * 1_168);
    for _ in 0..30 {
        assert!(!talk.paced().is_empty());
    }
    talk.send(2, 10 * 1_168);
    assert_eq!(
        order(&mut talk),
        "2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1 2 1".replacen("2 1", "1 2", 10)
    );
}

#[test]
fn unused_streams_cost_nothing_and_used_ones_little() {
    let mut talk = Talk::new();
    talk.send(u16::MAX - 1, 10);
    assert_eq!(talk.sender.used_streams().len(), 16, "one page");
    assert!(talk.try_send(u16::MAX, 10, SendOptions::default()).is_err());
    assert_eq!(NORMAL_PRIORITY, 256);
}

#[test]
fn the_rules_may_change_while_messages_wait() {
    let mut talk = two_streams(Scheduler::FirstComeFirstServed, true);
    for stream in [1, 1, 1, 2, 2, 2] {
        talk.send(stream, 1_168);
    }
    talk.paced();
    talk.sender.set_scheduler(Scheduler::RoundRobin);
    // Stream 2 has waited since before the first turn of stream 1 was over.
    assert_eq!(order(&mut talk), "2 1 2 1 2");
}

#[test]
fn no_more_messages_are_begun_than_the_peer_has_room_to_finish() {
    let mut talk = two_streams(Scheduler::RoundRobin, true);
    // Half of a megabyte holds five of these.
    for stream in 0..10 {
        talk.send(stream, 100_000);
    }
    talk.send(30, 500);
    let mut begun = std::collections::BTreeSet::new();
    let mut most = 0;
    let (mut acked, mut rounds) = (0, 0);
    while !talk.sender.is_idle() {
        rounds += 1;
        assert!(rounds < 10_000);
        for line in talk.packets() {
            for chunk in line.split(" | ") {
                let stream = chunk.split([':', '.']).nth(1).unwrap().to_owned();
                if chunk.contains('E') {
                    begun.remove(&stream)
                } else {
                    begun.insert(stream)
                };
            }
            most = most.max(begun.len());
        }
        talk.check();
        talk.wait(10);
        acked += u32::try_from(talk.sender.outstanding()).unwrap();
        talk.sack(acked, &[]);
    }
    assert_eq!(most, 5);
    assert!(begun.is_empty());
}

#[test]
fn streams_that_wait_for_room_are_not_forgotten_when_others_are_paused() {
    let config = crate::send::SenderConfig { buffer: 8 << 20, ..talk::config() };
    let mut talk = Talk::with(config, 1);
    talk.sender.interleave();
    talk.sender.set_scheduler(Scheduler::RoundRobin);
    for stream in 0..40 {
        talk.send(stream, 100_000);
    }
    talk.packets();
    let mut acked = 0;
    for _ in 0..60 {
        acked += u32::try_from(talk.sender.outstanding()).unwrap();
        talk.wait(10);
        talk.sack(acked, &[]);
        talk.packets();
    }
    assert!(talk.sender.begun >= 400_000, "five are under way");
    for stream in 5..39 {
        talk.sender.pause(StreamId::new(stream));
    }
    for _ in 0..2_000 {
        acked += u32::try_from(talk.sender.outstanding()).unwrap();
        talk.wait(10);
        talk.sack(acked, &[]);
        talk.packets();
    }
    assert_eq!(talk.sender.buffered(StreamId::new(39)), 0, "the last one went");
    assert_eq!(talk.sender.outstanding(), 0);
}
