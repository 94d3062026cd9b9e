//! What a packet costs with little and with much in flight, what a poll with nothing to do costs, and what
//! an acknowledgement with many blocks does.
//!
//! For the curve, packets of 1,200 bytes wait in a line of as many as are to be in flight before the other
//! end gets them. What differs between the rows is the book-keeping alone: all messages share their bytes,
//! and the buffers of the line are as many in each row, used in turn, so that the packets take the same
//! place in the caches. Times are CPU time of the thread where the system tells it.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{hint::black_box, time::Duration};

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use sctp::{Algorithm, Association, Config, Ppid, SendOptions, StreamId};

const PACKET: usize = 1_200;
/// The longest message: each shares these bytes.
const MESSAGE: usize = 16 << 10;
/// What is in flight in each row, in bytes.
const ROWS: [usize; 4] = [64 << 10, 1 << 20, 4 << 20, 16 << 20];
/// Buffers of the line in every row: enough for the last.
const BUFFERS: usize = (16 << 20) / PACKET + 64;
const ROUNDS: usize = 15;
/// Packets in one turn of a row.
const TURN: usize = 60_000;
/// Time that a packet takes on the line: a gigabit in a second.
const TICK: Duration = Duration::from_nanos(9_600);

/// Two ends, and a line from the first to the second.
struct Pair {
    ends: [Association; 2],
    now: Instant,
    message: Bytes,
    /// Buffers in turn; those from `head` on, `length` of them, hold packets.
    line: Vec<Vec<u8>>,
    head: usize,
    length: usize,
    answer: Vec<u8>,
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
        let ends = ["a", "b"]
            .map(|label| Association::new(config.clone(), rng.fork(label), Instant::ZERO));
        let mut pair = Self {
            ends,
            now: Instant::ZERO,
            message: vec![0xab; MESSAGE].into(),
            line: (0..BUFFERS).map(|_| Vec::with_capacity(PACKET + 64)).collect(),
            head: 0,
            length: 0,
            answer: Vec::with_capacity(PACKET + 64),
        };
        pair.ends[0].connect(pair.now).unwrap();
        (0..20).for_each(|_| pair.step(0));
        pair
    }

    /// Fills the line up to `most` packets and delivers one.
    fn step(&mut self, most: usize) {
        let [from, to] = &mut self.ends;
        while from.total_buffered() < 2 * MESSAGE {
            let (stream, ppid) = (StreamId::new(1), Ppid::new(53));
            let (message, options) = (self.message.clone(), SendOptions::default());
            if from.send(self.now, stream, ppid, message, &options).is_err() {
                break;
            }
        }
        while self.length <= most {
            let buffer = self.line.get_mut((self.head + self.length) % BUFFERS).unwrap();
            buffer.clear();
            if from.poll_packet(self.now, buffer).is_none() {
                break;
            }
            self.length += 1;
        }
        if self.length > 0 {
            to.handle_packet(self.now, self.line.get(self.head).unwrap(), Ecn::NotEct);
            self.head = (self.head + 1) % BUFFERS;
            self.length -= 1;
        }
        while let Some(message) = to.poll_message() {
            black_box(message.payload.len());
        }
        self.answer.clear();
        while to.poll_packet(self.now, &mut self.answer).is_some() {
            from.handle_packet(self.now, &self.answer, Ecn::NotEct);
            self.answer.clear();
        }
        self.now += TICK;
        for end in &mut self.ends {
            while end.poll_event().is_some() {}
            if end.poll_timeout().is_some_and(|deadline| deadline <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }

    /// Steps until the line has been full for a while.
    fn fill(&mut self, most: usize) {
        let mut full = 0;
        for _ in 0..200 * most.max(100) {
            self.step(most);
            full = if self.length + 1 >= most { full + 1 } else { 0 };
            if full > 2 * most {
                return;
            }
        }
        panic!("the line does not fill: {} of {most}", self.length);
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
        assert!(pair.length + 8 > most, "the line was full all the time: {}", pair.length);
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

/// Leaves out `skip` packets of the line and delivers the next one, which is acknowledged at once.
fn deliver(pair: &mut Pair, skip: usize, answer: &mut Vec<u8>) {
    pair.head = (pair.head + skip) % BUFFERS;
    let [_, to] = &mut pair.ends;
    to.handle_packet(pair.now, pair.line.get(pair.head).unwrap(), Ecn::NotEct);
    pair.head = (pair.head + 1) % BUFFERS;
    pair.length -= skip + 1;
    answer.clear();
    assert!(to.poll_packet(pair.now, answer).is_some());
}

/// Nanoseconds for an acknowledgement with `blocks` blocks: made by the receiver of a chunk, and taken by
/// the sender of thousands.
fn acknowledgements(blocks: usize, count: usize) {
    let mut pair = Pair::new();
    pair.fill(2 * blocks + count + 200);
    let mut answers = vec![Vec::with_capacity(2 * PACKET); count];
    for _ in 0..blocks {
        deliver(&mut pair, 1, answers.first_mut().unwrap());
    }
    let made = nanos(|| answers.iter_mut().for_each(|answer| deliver(&mut pair, 0, answer)));
    assert!(answers.iter().all(|answer| answer.len() == 12 + 16 + 4 * blocks));
    let [from, _] = &mut pair.ends;
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
