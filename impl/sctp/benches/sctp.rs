//! What a packet costs with little and with much in flight, what a poll with nothing to do costs, and what
//! an acknowledgement with many blocks does.
//!
//! For the curve, packets of 1,200 bytes arrive at once and their acknowledgements wait in a line, so that
//! what differs between the rows is the book-keeping alone: one buffer holds each packet in turn, all
//! messages share their bytes, and the caches see the same payload in each row. Times are CPU time of the
//! thread where the system tells it.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{collections::VecDeque, hint::black_box, time::Duration};

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use sctp::{Algorithm, Association, Config, Ppid, SendOptions, StreamId};

const PACKET: usize = 1_200;
/// The longest message: each shares these bytes.
const MESSAGE: usize = 16 << 10;
/// What is in flight in each row, in bytes.
const ROWS: [usize; 4] = [64 << 10, 1 << 20, 4 << 20, 16 << 20];
/// Room for an acknowledgement without blocks, and places in the line for those of the last row.
const ANSWER: usize = 64;
const ANSWERS: usize = (16 << 20) / PACKET;
const ROUNDS: usize = 15;
/// Packets in one turn of a row.
const TURN: usize = 60_000;
/// Time that a packet takes on the line: a gigabit in a second.
const TICK: Duration = Duration::from_nanos(9_600);

/// Two ends, and a line from the second back to the first.
struct Pair {
    ends: [Association; 2],
    now: Instant,
    message: Bytes,
    packet: Vec<u8>,
    /// Acknowledgements in turn, each with the packets that had left before it.
    line: VecDeque<(u64, [u8; ANSWER], usize)>,
    answer: Vec<u8>,
    /// Packets that left.
    sent: u64,
    /// Those that the first end knows to have arrived.
    known: u64,
}

impl Pair {
    fn new() -> Self {
        let mut config = Config::default();
        (config.max_packet, config.max_probe) = (PACKET, PACKET);
        config.features.interleaving = false;
        // It knows no other reason to slow down than a loss, and nothing is lost here.
        config.algorithm = Algorithm::Rfc9260;
        config.heartbeat_interval = None;
        let rng = Rng::from_seed([5; 32]);
        let mut ends = ["a", "b"]
            .map(|label| Association::new(config.clone(), rng.fork(label), Instant::ZERO));
        let mut packet = Vec::with_capacity(2 * PACKET);
        ends[0].connect(Instant::ZERO).unwrap();
        for _ in 0..4 {
            let [from, to] = &mut ends;
            while from.poll_packet(Instant::ZERO, &mut packet).is_some() {
                to.handle_packet(Instant::ZERO, &packet, Ecn::NotEct);
                packet.clear();
            }
            ends.reverse();
        }
        Self {
            ends,
            now: Instant::ZERO,
            message: vec![0xab; MESSAGE].into(),
            packet,
            line: VecDeque::with_capacity(ANSWERS),
            answer: Vec::with_capacity(2 * PACKET),
            sent: 0,
            known: 0,
        }
    }

    fn in_flight(&self) -> usize {
        usize::try_from(self.sent - self.known).unwrap()
    }

    /// Gives the first end enough to send.
    fn feed(&mut self) {
        let [from, _] = &mut self.ends;
        while from.total_buffered() < 2 * MESSAGE {
            let (stream, ppid) = (StreamId::new(1), Ppid::new(53));
            let (message, options) = (self.message.clone(), SendOptions::default());
            if from.send(self.now, stream, ppid, message, &options).is_err() {
                break;
            }
        }
    }

    /// A packet leaves and arrives, and acknowledgements come back until `most` packets are in flight; one
    /// comes in any case if no packet may leave.
    fn step(&mut self, most: usize) {
        self.feed();
        let [from, to] = &mut self.ends;
        self.packet.clear();
        let mut may_wait = false;
        if from.poll_packet(self.now, &mut self.packet).is_some() {
            may_wait = true;
            self.sent += 1;
            to.handle_packet(self.now, &self.packet, Ecn::NotEct);
            while let Some(message) = to.poll_message() {
                black_box(message.payload.len());
            }
        }
        self.answer.clear();
        if to.poll_packet(self.now, &mut self.answer).is_some() {
            let mut answer = [0; ANSWER];
            answer.get_mut(..self.answer.len()).unwrap().copy_from_slice(&self.answer);
            self.line.push_back((self.sent, answer, self.answer.len()));
        }
        while !may_wait || self.sent - self.known > most as u64 {
            may_wait = true;
            let Some((sent, answer, length)) = self.line.pop_front() else { break };
            from.handle_packet(self.now, answer.get(..length).unwrap(), Ecn::NotEct);
            self.known = sent;
        }
        self.now += TICK;
        for end in &mut self.ends {
            while end.poll_event().is_some() {}
            if end.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }

    /// Steps until so many packets have been in flight for a while.
    fn fill(&mut self, most: usize) {
        let mut full = 0;
        for _ in 0..200 * most.max(100) {
            self.step(most);
            full = if self.in_flight() + 2 >= most { full + 1 } else { 0 };
            if full > 2 * most {
                return;
            }
        }
        panic!("the line does not fill: {} of {most}", self.in_flight());
    }
}

/// Nanoseconds of CPU time of this thread, if the system tells.
fn cpu_nanos() -> Option<u64> {
    // The count is brought up to date when the thread could be switched, so it is given the occasion.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Nanoseconds that `work` takes: CPU time where it is known, real time elsewhere.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::cast_precision_loss,
    reason = "a benchmark measures real time"
)]
fn nanos(work: impl FnOnce()) -> f64 {
    let (watch, before) = (std::time::Instant::now(), cpu_nanos());
    work();
    let spent = before.zip(cpu_nanos()).map(|(before, after)| after - before);
    spent.map_or_else(|| watch.elapsed().as_nanos() as f64, |nanos| nanos as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds for a packet, both ends together, with so much in flight.
fn curve(turn: usize, rounds: usize) {
    println!("\nin flight    packets    ns per packet, both ends    to the first");
    let mut rows: Vec<(usize, Pair, Vec<f64>)> = ROWS
        .iter()
        .map(|bytes| {
            let most = bytes / PACKET;
            let mut pair = Pair::new();
            pair.fill(most);
            (most, pair, Vec::new())
        })
        .collect();
    for _ in 0..rounds {
        for (most, pair, times) in &mut rows {
            let spent = nanos(|| (0..turn).for_each(|_| pair.step(*most)));
            times.push(spent / f64::from(u32::try_from(turn).unwrap()));
        }
    }
    let mut first = None;
    for (bytes, (most, pair, times)) in ROWS.iter().zip(rows) {
        assert!(pair.in_flight() + 2 >= most, "as many are in flight as there should be");
        let time = median(times);
        let first = *first.get_or_insert(time);
        println!("{:>6} KiB {most:>10} {time:>27.1} {:>14.1}%", bytes >> 10, 100.0 * time / first);
    }
}

/// Nanoseconds for each kind of poll with nothing to do, with so much in flight.
fn idle(calls: u32) {
    println!("\nidle polls, ns: in flight    packet    event    message    timeout");
    for bytes in ROWS {
        let mut pair = Pair::new();
        pair.fill(bytes / PACKET);
        let now = pair.now;
        let [end, _] = &mut pair.ends;
        // What the pacer or the window still lets go goes, so that the polls have nothing to do.
        let mut packet = Vec::with_capacity(2 * PACKET);
        while end.poll_packet(now, &mut packet).is_some() {
            packet.clear();
        }
        let per_call = |spent: f64| spent / f64::from(calls);
        let packets = per_call(nanos(|| {
            for _ in 0..calls {
                assert!(black_box(end.poll_packet(now, &mut packet)).is_none());
            }
        }));
        let events = per_call(nanos(|| {
            for _ in 0..calls {
                assert!(black_box(end.poll_event()).is_none());
            }
        }));
        let messages = per_call(nanos(|| {
            for _ in 0..calls {
                assert!(black_box(end.poll_message()).is_none());
            }
        }));
        let timeouts = per_call(nanos(|| {
            for _ in 0..calls {
                black_box(end.poll_timeout());
            }
        }));
        println!(
            "{:>19} KiB {packets:>9.1} {events:>8.1} {messages:>10.1} {timeouts:>10.1}",
            bytes >> 10
        );
    }
}

/// Nanoseconds for an acknowledgement with `blocks` blocks: made by the receiver of a chunk, and taken by
/// the sender of thousands.
fn acknowledgements(blocks: usize, count: usize) {
    let mut pair = Pair::new();
    pair.fill(2 * blocks + count + 200);
    while pair.in_flight() > 1 {
        let Some((sent, answer, length)) = pair.line.pop_front() else { break };
        let answer = answer.get(..length).unwrap();
        pair.ends[0].handle_packet(pair.now, answer, Ecn::NotEct);
        pair.known = sent;
    }
    let mut packets = vec![Vec::with_capacity(2 * PACKET); 2 * blocks + count];
    for packet in &mut packets {
        pair.feed();
        while pair.ends[0].poll_packet(pair.now, packet).is_none() {
            pair.now += TICK;
            pair.ends[0].handle_timeout(pair.now);
        }
    }
    // Every other one is lost, and then none.
    let (gappy, whole) = packets.split_at(2 * blocks);
    let [from, to] = &mut pair.ends;
    let mut deliver = |packet: &Vec<u8>, answer: &mut Vec<u8>| {
        to.handle_packet(pair.now, packet, Ecn::NotEct);
        answer.clear();
        assert!(to.poll_packet(pair.now, answer).is_some());
    };
    gappy.iter().skip(1).step_by(2).for_each(|packet| deliver(packet, &mut pair.answer));
    let mut answers = vec![Vec::with_capacity(2 * PACKET); count];
    let made =
        nanos(|| whole.iter().zip(&mut answers).for_each(|(packet, to)| deliver(packet, to)));
    assert!(answers.iter().all(|answer| answer.len() == 12 + 16 + 4 * blocks));
    let taken = nanos(|| {
        answers.iter().for_each(|answer| from.handle_packet(pair.now, answer, Ecn::NotEct));
    });
    let count = f64::from(u32::try_from(count).unwrap());
    println!(
        "\nan acknowledgement with {blocks} blocks: {:.0} ns to take its chunk and make it, {:.0} ns \
         to take it",
        made / count,
        taken / count
    );
}

fn main() {
    // `--quick`, and what `cargo test` passes, do little: enough to see that all of it runs.
    let is_quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    let (turn, rounds) = if is_quick { (2_000, 1) } else { (TURN, ROUNDS) };
    curve(turn, rounds);
    idle(if is_quick { 1_000 } else { 20_000_000 });
    acknowledgements(250, if is_quick { 10 } else { 10_000 });
}
