//! PIE: RFC 8033, with waiting measured by time stamps.

use std::time::Duration;

use base::{Ecn, Instant};

use super::{
    Pie,
    discipline::Admission,
    fifo::{Fifo, Item},
    limit::Room,
};
use crate::{event::DropReason, random::Stream, slab::Slot};

/// Weight of the distance from the target, in Hz: RFC 8033 §A.
const ALPHA: f64 = 0.125;
/// Weight of the change since the last adjustment, in Hz: RFC 8033 §A.
const BETA: f64 = 1.25;
/// Nothing is dropped while no more than two packets of this size wait (RFC 8033 §4.1 leaves the size
/// open).
const MEAN_PACKET: u64 = 1_024;
/// By how much a step is divided while the probability is below: RFC 8033 §4.2.
const TUNING: [(f64, f64); 6] =
    [(1e-6, 2_048.0), (1e-5, 512.0), (1e-4, 128.0), (1e-3, 32.0), (1e-2, 8.0), (1e-1, 2.0)];

/// The controller, apart from the queue.
#[derive(Clone, Debug)]
struct Controller {
    target: f64,
    cap: bool,
    /// Probability that a packet is dropped when it comes.
    probability: f64,
    /// Waiting in seconds, at the adjustment before.
    old: f64,
}

impl Controller {
    /// RFC 8033 §4.2: an adjustment, `delay` being what packets wait now, in seconds.
    fn adjust(&mut self, delay: f64) {
        let step = ALPHA * (delay - self.target) + BETA * (delay - self.old);
        let tuned = TUNING.iter().find(|&&(below, _)| self.probability < below);
        let mut step = step / tuned.map_or(1.0, |&(_, divisor)| divisor);
        if self.cap && self.probability >= 0.1 {
            step = libm::fmin(step, 0.02); // RFC 8033 §5.5.
        }
        self.probability += step;
        if delay <= 0.0 && self.old <= 0.0 {
            self.probability *= 0.98;
        }
        self.probability = self.probability.clamp(0.0, 1.0);
        self.old = delay;
    }
}

/// A queue that drops at random as much as it takes to keep waiting at the target.
#[derive(Debug)]
pub(crate) struct PieQueue {
    controller: Controller,
    update: Duration,
    burst: Duration,
    ecn: bool,
    /// Probability from which packets are dropped even if they could be marked.
    ecn_limit: f64,
    room: Room,
    fifo: Fifo,
    dice: Stream,
    /// What the packet waited that left last; nothing if it left the queue empty.
    delay: Duration,
    /// For how long bursts are still spared.
    allowance: Duration,
    /// When the probability is adjusted next; none before the first packet.
    next: Option<Instant>,
}

impl PieQueue {
    pub(super) fn new(pie: &Pie, rate: Option<u64>, dice: Stream) -> Self {
        Self {
            controller: Controller {
                target: pie.target.as_secs_f64(),
                cap: pie.cap,
                probability: 0.0,
                old: 0.0,
            },
            update: pie.update,
            burst: pie.burst,
            ecn: pie.ecn,
            ecn_limit: f64::from(pie.ecn_percent) / 100.0,
            room: Room::new(pie.limit, rate),
            fifo: Fifo::default(),
            dice,
            delay: Duration::ZERO,
            allowance: pie.burst,
            next: None,
        }
    }

    /// Makes up for the adjustments that are due. Nothing has come or gone since, so that they see what
    /// they would have seen.
    fn advance(&mut self, now: Instant) {
        while let Some(next) = self.next
            && next <= now
        {
            self.controller.adjust(self.delay.as_secs_f64());
            self.allowance = self.allowance.saturating_sub(self.update);
            let calm = self.controller.probability <= 0.0 && self.controller.old <= 0.0;
            // With nothing to adjust the clock stops until the next packet.
            self.next = (!calm || !self.fifo.is_empty()).then(|| next + self.update);
        }
        if self.next.is_none() {
            self.next = Some(now + self.update);
        }
    }

    pub(super) fn enqueue(&mut self, now: Instant, mut item: Item) -> Admission {
        self.advance(now);
        if !self.room.takes(self.fifo.len(), self.fifo.bytes(), item.bytes.into()) {
            return Admission::Refused(DropReason::QueueFull);
        }
        let (half, probability) = (self.controller.target / 2.0, self.controller.probability);
        // RFC 8033 §4.4: congestion has gone away, so that the next burst is spared.
        if probability <= 0.0 && self.delay.as_secs_f64() < half && self.controller.old < half {
            self.allowance = self.burst;
        }
        if self.allowance.is_zero() && self.picks() {
            // RFC 8033 §5.1: marks take the place of drops while there are few of them.
            let marks = self.ecn && probability < self.ecn_limit && item.ecn != Ecn::NotEct;
            if !marks {
                return Admission::Refused(DropReason::QueueEarly);
            }
            item.mark();
        }
        self.fifo.push(item);
        Admission::Queued
    }

    /// RFC 8033 §4.1: whether it is the packet's turn to be dropped.
    fn picks(&mut self) -> bool {
        let Controller { target, probability, old, .. } = self.controller;
        let idle =
            (old < target / 2.0 && probability < 0.2) || self.fifo.bytes() <= 2 * MEAN_PACKET;
        !idle && self.dice.chance(probability)
    }

    pub(super) fn dequeue(&mut self, now: Instant) -> Option<Item> {
        self.advance(now);
        let item = self.fifo.pop();
        self.delay = match &item {
            Some(item) if !self.fifo.is_empty() => now - item.since,
            _ => Duration::ZERO,
        };
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

    /// The probability after each adjustment, worked out by hand from RFC 8033 §4.2 with a target of 15 ms.
    #[test]
    fn adjusts_as_worked_out_by_hand() {
        let mut controller = Controller { target: 0.015, cap: true, probability: 0.0, old: 0.0 };
        let steps: [(f64, f64); 8] = [
            // 0.125 · (0.1 − 0.015) + 1.25 · 0.1 = 0.135625; ÷ 2048.
            (0.1, 6.622_314_453_125e-5),
            // 0.125 · 0.085 = 0.010625, ÷ 128 (below 0.0001) = 8.30078125e-5.
            (0.1, 1.492_309_570_312_5e-4),
            // 0.125 · 0.285 + 1.25 · 0.2 = 0.285625; ÷ 32 (below 0.001) = 0.00892578125.
            (0.3, 9.075_012_207_031_25e-3),
            // 0.125 · 0.985 + 1.25 · 0.7 = 0.998125; ÷ 8 (below 0.01) = 0.124765625.
            (1.0, 0.133_840_637_207_031_25),
            // 0.125 · 0.985 = 0.123125, at 0.1 or more cut to 0.02.
            (1.0, 0.153_840_637_207_031_25),
            // 0.125 · (0.9 − 0.015) + 1.25 · (0.9 − 1) = −0.014375.
            (0.9, 0.139_465_637_207_031_25),
            // 0.125 · −0.015 + 1.25 · −0.9 = −1.126875: no less than nothing.
            (0.0, 0.0),
            (0.0, 0.0),
        ];
        for (number, (delay, expected)) in steps.into_iter().enumerate() {
            controller.adjust(delay);
            let found = controller.probability;
            assert!((found - expected).abs() < 1e-12, "step {number}: {found}, not {expected}");
        }
    }

    #[test]
    fn what_is_left_decays_when_nothing_waits() {
        let mut controller = Controller { target: 0.015, cap: true, probability: 0.5, old: 0.0 };
        controller.adjust(0.0);
        // 0.5 − 0.125 · 0.015, of which 98 % stay.
        assert!((controller.probability - 0.98 * (0.5 - 0.001_875)).abs() < 1e-12);
    }

    fn flood(pie: &Pie, ecn: Ecn, millis: u64) -> (Vec<u64>, Vec<u64>) {
        let mut queue = PieQueue::new(pie, None, Stream::new(1, "pie"));
        let (mut dropped, mut marked) = (Vec::new(), Vec::new());
        for now in 0..millis {
            let at = Instant::from_nanos(now * 1_000_000);
            for _ in 0..2 {
                let mut item = Item::new(Slot::numbered(0), 1_000, at);
                item.ecn = ecn;
                if queue.enqueue(at, item) == Admission::Refused(DropReason::QueueEarly) {
                    dropped.push(now);
                }
            }
            let item = queue.dequeue(at);
            marked.extend(item.filter(|item| item.marked).map(|_| now));
        }
        (dropped, marked)
    }

    #[test]
    fn a_burst_is_spared() {
        let pie = Pie { limit: super::super::QueueLimit::Unlimited, ..Pie::default() };
        let (dropped, _) = flood(&pie, Ecn::NotEct, 3_000);
        // The allowance of 150 ms ends at the tenth adjustment after waiting was noticed.
        assert!(dropped.iter().all(|&at| at >= 150), "{dropped:?}");
        assert!(dropped.len() > 500, "then half of the packets have to go: {}", dropped.len());
    }

    #[test]
    fn few_are_marked_and_many_are_dropped() {
        let limit = super::super::QueueLimit::Unlimited;
        let pie = Pie { ecn: true, limit, ..Pie::default() };
        let (dropped, marked) = flood(&pie, Ecn::Ect0, 3_000);
        assert!(!marked.is_empty(), "while the probability is below 10 %");
        assert!(dropped.len() > 500, "nobody reacts to marks here: {}", dropped.len());
        let (_, none) = flood(&pie, Ecn::NotEct, 3_000);
        assert_eq!(none, [0_u64; 0], "those that know no ECN are never marked");
    }
}
