//! Random early detection, in its gentle form.

use base::Instant;

use super::{
    Red,
    discipline::Admission,
    fifo::{Fifo, Item},
    limit::Room,
};
use crate::{event::DropReason, link::rate::serial, random::Stream, slab::Slot};

/// While nothing waits, the average falls as if packets of this many bytes had found the queue empty.
const TYPICAL_BITS: u64 = 500 * 8;

/// A queue that drops the more, the longer it has been on average.
#[derive(Debug)]
pub(crate) struct RedQueue {
    red: Red,
    room: Room,
    fifo: Fifo,
    dice: Stream,
    average: f64,
    /// Packets since the last drop.
    count: u32,
    /// Since when nothing waits.
    idle: Option<Instant>,
    /// Seconds a typical packet takes.
    typical: f64,
}

impl RedQueue {
    pub(super) fn new(red: &Red, rate: Option<u64>, dice: Stream) -> Self {
        let typical = rate.map_or(0.0, |rate| serial(TYPICAL_BITS, rate).as_secs_f64());
        Self {
            red: red.clone(),
            room: Room::new(red.limit, rate),
            fifo: Fifo::default(),
            dice,
            average: 0.0,
            count: 0,
            idle: None,
            typical,
        }
    }

    pub(super) fn enqueue(&mut self, now: Instant, mut item: Item) -> Admission {
        self.remember(now);
        if !self.room.takes(self.fifo.len(), self.fifo.bytes(), item.bytes.into()) {
            return Admission::Refused(DropReason::QueueFull);
        }
        if self.picks() {
            self.count = 0;
            if !(self.red.ecn && item.mark()) {
                return Admission::Refused(DropReason::QueueEarly);
            }
        }
        self.idle = None;
        self.fifo.push(item);
        Admission::Queued
    }

    /// Puts the present queue into the average.
    #[expect(clippy::cast_precision_loss, reason = "bytes in a queue are far below 2^53")]
    fn remember(&mut self, now: Instant) {
        let keep = 1.0 - self.red.weight;
        match self.idle {
            Some(since) if self.typical > 0.0 => {
                let missed = (now - since).as_secs_f64() / self.typical;
                self.average *= libm::pow(keep, missed);
            }
            _ => self.average = keep * self.average + self.red.weight * self.fifo.bytes() as f64,
        }
    }

    /// The probability at the present average.
    #[expect(clippy::cast_precision_loss, reason = "bytes in a queue are far below 2^53")]
    fn probability(&self) -> f64 {
        let (min, max) = (self.red.min as f64, self.red.max as f64);
        let top = self.red.probability;
        if self.average < min {
            0.0
        } else if self.average < max {
            top * (self.average - min) / (max - min)
        } else {
            libm::fmin(top + (1.0 - top) * (self.average - max) / max, 1.0)
        }
    }

    /// Whether it is the packet's turn. Drops are spread evenly: the more packets have passed since the
    /// last one, the likelier the next.
    fn picks(&mut self) -> bool {
        let probability = self.probability();
        if probability <= 0.0 {
            self.count = 0;
            return false;
        }
        self.count = self.count.saturating_add(1);
        let passed = f64::from(self.count) * probability;
        let spread = if passed < 1.0 { probability / (1.0 - passed) } else { 1.0 };
        self.dice.chance(spread)
    }

    pub(super) fn dequeue(&mut self, now: Instant) -> Option<Item> {
        let item = self.fifo.pop();
        if self.fifo.is_empty() {
            self.idle = self.idle.or(Some(now));
        }
        item
    }

    pub(super) fn waiting(&self) -> (usize, u64) {
        (self.fifo.len(), self.fifo.bytes())
    }

    pub(super) fn drain(&mut self) -> Option<Slot> {
        self.fifo.pop().map(|item| item.slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(average: f64) -> RedQueue {
        let red = Red { weight: 1e-9, ..Red::default() };
        let mut queue = RedQueue::new(&red, Some(10_000_000), Stream::new(1, "red"));
        queue.average = average;
        queue
    }

    #[test]
    fn the_probability_climbs_gently() {
        let at = |average| queue(average).probability();
        for (average, expected) in
            [(0.0, 0.0), (29_999.0, 0.0), (60_000.0, 0.05), (90_000.0, 0.1), (135_000.0, 0.55)]
        {
            assert!((at(average) - expected).abs() < 1e-9, "{average}: {}", at(average));
        }
        assert!((at(400_000.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn drops_are_as_many_as_the_probability_says_and_spread() {
        let mut queue = queue(60_000.0);
        let mut since = 0_u32;
        let mut gaps = Vec::new();
        for _ in 0..50_000 {
            since += 1;
            let item = Item::new(Slot::numbered(0), 1_000, Instant::ZERO);
            if matches!(queue.enqueue(Instant::ZERO, item), Admission::Refused(_)) {
                gaps.push(since);
                since = 0;
            }
            queue.drain();
            queue.idle = None;
        }
        // Uniform between 1 and 1/p − 1 = 19 packets from one to the next.
        assert!(gaps.iter().all(|&gap| gap <= 20), "{:?}", gaps.iter().max());
        let mean = f64::from(gaps.iter().sum::<u32>()) / gaps.len() as f64;
        assert!((mean - 10.0).abs() < 0.4, "{mean}");
    }

    #[test]
    fn the_average_falls_while_nothing_waits() {
        let mut queue = RedQueue::new(&Red::default(), Some(10_000_000), Stream::new(1, "red"));
        queue.average = 50_000.0;
        queue.idle = Some(Instant::ZERO);
        // 400 µs for 500 bytes: a thousand of them in 400 ms, each with weight 0.002.
        queue.remember(Instant::from_nanos(400_000_000));
        assert!(
            (queue.average - 50_000.0 * 0.998_f64.powi(1_000)).abs() < 1.0,
            "{}",
            queue.average
        );
    }
}
