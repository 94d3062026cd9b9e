//! User data passes two associations without allocations, but for those that hold a delivered message.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{collections::VecDeque, time::Duration};

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use rstest::rstest;
use sctp::{Association, Config, Ppid, SendOptions, StreamId};

/// Time between two turns of the loop.
const TICK: Duration = Duration::from_micros(50);

/// Packets before the count, in which everything grows to its size.
const WARM_UP: usize = 15_000;
const COUNTED: usize = 5_000;

/// Two ends with a network between them that holds packets back and loses some.
struct Pair {
    ends: [Association; 2],
    now: Instant,
    message: Bytes,
    streams: u16,
    next_stream: u16,
    /// Packets under way to the second end, in buffers that are used again.
    line: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// Every so many packets one is lost; 0 for none.
    loses: usize,
    packets: usize,
    answer: Vec<u8>,
    arrived: usize,
}

impl Pair {
    fn new(interleaving: bool, length: usize, streams: u16, loses: usize) -> Self {
        let mut config = Config::default();
        config.features.interleaving = interleaving;
        let rng = Rng::from_seed([5; 32]);
        let ends = ["a", "b"]
            .map(|label| Association::new(config.clone(), rng.fork(label), Instant::ZERO));
        let mut pair = Self {
            ends,
            now: Instant::ZERO,
            message: vec![0xab; length].into(),
            streams,
            next_stream: 0,
            line: VecDeque::new(),
            spare: Vec::new(),
            loses: 0,
            packets: 0,
            answer: Vec::new(),
            arrived: 0,
        };
        pair.ends[0].connect(pair.now).unwrap();
        pair.turn(0);
        for _ in 0..20 {
            pair.turn(0);
        }
        pair.loses = loses;
        pair
    }

    /// Offers messages, lets time pass, and delivers what is under way beyond `held` packets, at least one.
    fn turn(&mut self, held: usize) {
        let [from, to] = &mut self.ends;
        while from.total_buffered() < 64 << 10 {
            let (stream, ppid) = (StreamId::new(self.next_stream), Ppid::new(53));
            let options = SendOptions::default();
            if from.send(self.now, stream, ppid, self.message.clone(), &options).is_err() {
                break;
            }
            self.next_stream = (self.next_stream + 1) % self.streams;
        }
        loop {
            let mut packet = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(2_000));
            packet.clear();
            if from.poll_packet(self.now, &mut packet).is_none() {
                self.spare.push(packet);
                break;
            }
            self.line.push_back(packet);
        }
        let held = held.min(self.line.len().saturating_sub(1));
        while self.line.len() > held {
            let packet = self.line.pop_front().unwrap();
            self.packets += 1;
            if self.loses == 0 || !self.packets.is_multiple_of(self.loses) {
                to.handle_packet(self.now, &packet, Ecn::NotEct);
            }
            self.spare.push(packet);
            while let Some(message) = to.poll_message() {
                assert_eq!(message.payload, self.message);
                self.arrived += 1;
            }
            self.answer.clear();
            while to.poll_packet(self.now, &mut self.answer).is_some() {
                from.handle_packet(self.now, &self.answer, Ecn::NotEct);
                self.answer.clear();
            }
        }
        self.now += TICK;
        for end in &mut self.ends {
            while end.poll_event().is_some() {}
            if end.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }
}

#[rstest]
fn a_packet_allocates_nothing_and_a_message_its_bytes(
    #[values(1_000, 16 << 10, 256 << 10)] length: usize,
    #[values(1, 3)] streams: u16,
    #[values(false, true)] interleaving: bool,
) {
    let mut pair = Pair::new(interleaving, length, streams, 0);
    while pair.packets < WARM_UP {
        pair.turn(100);
    }
    let (packets, arrived) = (pair.packets, pair.arrived);
    let info = allocation_counter::measure(|| {
        while pair.packets < packets + COUNTED {
            pair.turn(100);
        }
    });
    let arrived = pair.arrived - arrived;
    assert!(arrived > 0 && info.count_total > 0);
    let allowed = u64::try_from(arrived).unwrap();
    // A message that began before the count or ends after it is one more.
    let extra = info.count_total.saturating_sub(allowed);
    assert!(extra <= u64::from(streams), "{} for {arrived} messages", info.count_total);
}

/// What waits for a lost fragment is kept in few buffers, not one for each packet.
#[rstest]
fn a_lost_packet_costs_a_few_allocations_and_not_one_for_each_that_waits(
    #[values(16 << 10, 64 << 10)] length: usize,
    #[values(false, true)] interleaving: bool,
) {
    let mut pair = Pair::new(interleaving, length, 1, 500);
    while pair.packets < WARM_UP {
        pair.turn(100);
    }
    let (packets, arrived) = (pair.packets, pair.arrived);
    let info = allocation_counter::measure(|| {
        while pair.packets < packets + COUNTED {
            pair.turn(100);
        }
    });
    let lost = (pair.packets - packets) / 500;
    let arrived = pair.arrived - arrived;
    let extra = info.count_total.saturating_sub(u64::try_from(arrived).unwrap());
    let allowed = u64::try_from(lost * 60).unwrap();
    assert!(extra <= allowed, "{extra} more than {arrived} messages, {lost} packets lost");
}
