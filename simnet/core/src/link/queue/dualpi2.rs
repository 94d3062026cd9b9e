//! DualPI2: RFC 9332 §A.

use std::time::Duration;

use base::{Ecn, Instant};

use super::{
    DualPi2, DualScheduler,
    discipline::{Admission, Refuse},
    fifo::{Fifo, Item},
    limit::Room,
};
use crate::{event::DropReason, slab::Slot};

/// RFC 9332 §A.1: packets that may wait before the native control of the low-latency queue marks.
const MIN_PACKETS: usize = 1;

/// The controller that both queues share.
#[derive(Clone, Debug)]
struct Controller {
    target: f64,
    alpha: f64,
    beta: f64,
    coupling: f64,
    /// p′: it is squared for the classic queue and multiplied for the other.
    base: f64,
    previous: f64,
}

impl Controller {
    fn new(dual: &DualPi2) -> Self {
        let (update, rtt) = (dual.update.as_secs_f64(), dual.rtt_max.as_secs_f64());
        Self {
            target: dual.target.as_secs_f64(),
            // RFC 9332 §A.1: gains in Hz, of which the recommended defaults follow.
            alpha: 0.1 * update / (rtt * rtt),
            beta: 0.3 / rtt,
            coupling: dual.coupling,
            base: 0.0,
            previous: 0.0,
        }
    }

    /// RFC 9332 §A.2: an adjustment, `delay` being the longer waiting of both queues in seconds.
    fn adjust(&mut self, delay: f64) {
        let step = self.alpha * (delay - self.target) + self.beta * (delay - self.previous);
        self.base = (self.base + step).clamp(0.0, 1.0);
        self.previous = delay;
    }

    /// p_CL: what the low-latency queue marks on behalf of the classic one (RFC 9332 §2.1).
    fn coupled(&self) -> f64 {
        libm::fmin(self.coupling * self.base, 1.0)
    }

    /// p_C: what the classic queue drops or marks.
    fn classic(&self) -> f64 {
        self.base * self.base
    }

    /// Whether marks no longer help (RFC 9332 §A.2): the classic probability has reached 1 / k².
    fn overloaded(&self) -> bool {
        self.coupling * self.base >= 1.0
    }
}

/// Adds up probabilities and says when it is somebody's turn (RFC 9332 §A.1, `recur`).
#[derive(Clone, Copy, Debug, Default)]
struct Turns(f64);

impl Turns {
    fn next(&mut self, likelihood: f64) -> bool {
        self.0 += likelihood;
        let turn = self.0 > 1.0;
        if turn {
            self.0 -= 1.0;
        }
        turn
    }
}

/// Two queues: one for traffic that needs a queue, one for traffic that does not.
#[derive(Debug)]
pub(crate) struct DualQueue {
    controller: Controller,
    update: Duration,
    threshold: Duration,
    range: Duration,
    scheduler: DualScheduler,
    room: Room,
    low: Fifo,
    classic: Fifo,
    low_turns: Turns,
    classic_turns: Turns,
    /// Bytes that the low-latency queue has had beyond its share while the other waited.
    credit: i64,
    /// When the probability is adjusted next; none before the first packet.
    next: Option<Instant>,
}

impl DualQueue {
    pub(super) fn new(dual: &DualPi2, rate: Option<u64>) -> Self {
        Self {
            controller: Controller::new(dual),
            update: dual.update,
            threshold: dual.threshold,
            range: dual.range,
            scheduler: dual.scheduler,
            room: Room::new(dual.limit, rate),
            low: Fifo::default(),
            classic: Fifo::default(),
            low_turns: Turns::default(),
            classic_turns: Turns::default(),
            credit: 0,
            next: None,
        }
    }

    /// Makes up for the adjustments that are due. Nothing has come or gone since, so that they see what
    /// they would have seen.
    fn advance(&mut self, now: Instant) {
        while let Some(next) = self.next
            && next <= now
        {
            let age = |fifo: &Fifo| fifo.front().map_or(Duration::ZERO, |item| next - item.since);
            let delay = age(&self.classic).max(age(&self.low));
            self.controller.adjust(delay.as_secs_f64());
            let calm = self.controller.base <= 0.0 && self.controller.previous <= 0.0;
            let idle = calm && self.low.is_empty() && self.classic.is_empty();
            // With nothing to adjust the clock stops until the next packet.
            self.next = (!idle).then(|| next + self.update);
        }
        if self.next.is_none() {
            self.next = Some(now + self.update);
        }
    }

    pub(super) fn enqueue(&mut self, now: Instant, mut item: Item) -> Admission {
        self.advance(now);
        let (packets, bytes) = self.waiting();
        if !self.room.takes(packets, bytes, item.bytes.into()) {
            return Admission::Refused(DropReason::QueueFull);
        }
        // RFC 9331 §5.1: ECT(1) and CE go to the low-latency queue.
        if matches!(item.ecn, Ecn::Ect1 | Ecn::Ce) {
            // RFC 9332 §A.2: checked here, because the last of a burst leaves no other behind.
            item.note = self.low.len() >= MIN_PACKETS;
            self.low.push(item);
        } else {
            self.classic.push(item);
        }
        Admission::Queued
    }

    pub(super) fn dequeue(&mut self, now: Instant, refused: &mut Refuse) -> Option<Item> {
        self.advance(now);
        loop {
            let item = if self.low_is_next(now)? {
                let item = self.low.pop()?;
                self.judge_low(now, item)
            } else {
                let item = self.classic.pop()?;
                self.judge_classic(item)
            };
            match item {
                Ok(item) => return Some(item),
                Err(slot) => refused.push((slot, DropReason::QueueEarly)),
            }
        }
    }

    /// Whether the low-latency queue has its turn; `None` if nothing waits.
    fn low_is_next(&mut self, now: Instant) -> Option<bool> {
        let (Some(low), Some(classic)) = (self.low.front(), self.classic.front()) else {
            self.credit = 0;
            let any = !self.low.is_empty() || !self.classic.is_empty();
            return any.then(|| !self.low.is_empty());
        };
        let turn = match self.scheduler {
            DualScheduler::Weighted(share) => {
                let turn = self.credit <= 0;
                let others = i64::from(share.max(2)) - 1;
                self.credit +=
                    if turn { i64::from(low.bytes) } else { -others * i64::from(classic.bytes) };
                turn
            }
            DualScheduler::TimeShifted(shift) => now - low.since + shift >= now - classic.since,
        };
        Some(turn)
    }

    /// RFC 9332 §A.2: what becomes of a low-latency packet.
    fn judge_low(&mut self, now: Instant, mut item: Item) -> Result<Item, Slot> {
        if self.controller.overloaded() {
            if self.low_turns.next(self.controller.classic()) {
                return Err(item.slot);
            }
            item.mark();
            return Ok(item);
        }
        let native = if item.note { self.native(now - item.since) } else { 0.0 };
        if self.low_turns.next(libm::fmax(native, self.controller.coupled())) {
            item.mark();
        }
        Ok(item)
    }

    /// RFC 9332 §A.2: what becomes of a classic packet.
    fn judge_classic(&mut self, mut item: Item) -> Result<Item, Slot> {
        let picked = self.classic_turns.next(self.controller.classic());
        if picked && (self.controller.overloaded() || !item.mark()) {
            return Err(item.slot);
        }
        Ok(item)
    }

    /// RFC 9332 §A.1: the ramp of the native control of the low-latency queue.
    fn native(&self, delay: Duration) -> f64 {
        if delay >= self.threshold + self.range {
            1.0
        } else if delay > self.threshold {
            (delay - self.threshold).as_secs_f64() / self.range.as_secs_f64()
        } else {
            0.0
        }
    }

    pub(super) fn waiting(&self) -> (usize, u64) {
        (self.low.len() + self.classic.len(), self.low.bytes() + self.classic.bytes())
    }

    pub(super) fn drain(&mut self) -> Option<Slot> {
        self.classic.pop().or_else(|| self.low.pop()).map(|item| item.slot)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Worked out by hand from RFC 9332 §A.1, with α = 0.16 Hz and β = 3 Hz.
    #[test]
    fn adjusts_as_worked_out_by_hand() {
        let mut controller = Controller::new(&DualPi2::default());
        assert!((controller.alpha - 0.16).abs() < 1e-12 && (controller.beta - 3.0).abs() < 1e-12);
        let steps: [(f64, f64); 4] = [
            // 0.16 · (0.035 − 0.015) + 3 · 0.035.
            (0.035, 0.108_2),
            // 0.16 · 0.02.
            (0.035, 0.111_4),
            // 0.16 · 0 + 3 · −0.02.
            (0.015, 0.051_4),
            // 0.16 · −0.015 + 3 · −0.015 = −0.0474.
            (0.0, 0.004),
        ];
        for (delay, expected) in steps {
            controller.adjust(delay);
            assert!((controller.base - expected).abs() < 1e-12, "{} {expected}", controller.base);
            // RFC 9332 §2.1: the two probabilities are coupled by k and the square.
            assert!((controller.coupled() - 2.0 * expected).abs() < 1e-12);
            assert!((controller.classic() - expected * expected).abs() < 1e-12);
        }
        for _ in 0..2 {
            controller.adjust(0.0);
        }
        assert!(controller.base.abs() < 1e-12, "never less than nothing");
    }

    fn queue(dual: &DualPi2) -> DualQueue {
        DualQueue::new(dual, Some(10_000_000))
    }

    /// Puts `count` packets of each kind in the queue with a base probability of `base`, and says what share
    /// of each is marked.
    fn shares(base: f64) -> (f64, f64) {
        let limit = super::super::QueueLimit::Unlimited;
        let mut queue = queue(&DualPi2 { limit, ..DualPi2::default() });
        queue.controller.base = base;
        let now = Instant::ZERO;
        let count = 10_000;
        for _ in 0..count {
            for ecn in [Ecn::Ect0, Ecn::Ect1] {
                let mut item = Item::new(Slot::numbered(0), 1_000, now);
                item.ecn = ecn;
                queue.enqueue(now, item);
            }
        }
        let (mut low, mut classic) = (0, 0);
        let mut refused = Refuse::default();
        while let Some(item) = queue.dequeue(now, &mut refused) {
            low += u32::from(item.marked && item.ecn == Ecn::Ect1);
            classic += u32::from(item.marked && item.ecn == Ecn::Ect0);
        }
        let share = |marked| f64::from(marked) / f64::from(count);
        (share(low), share(classic))
    }

    #[rstest]
    #[case(0.05)]
    #[case(0.1)]
    #[case(0.3)]
    #[case(0.45)]
    fn marks_are_coupled(#[case] base: f64) {
        let (low, classic) = shares(base);
        assert!((low - 2.0 * base).abs() < 2e-4, "p_L = k p′: {low}");
        assert!((classic - base * base).abs() < 2e-4, "p_C = p′²: {classic}");
    }

    #[rstest]
    #[case::below(700, 0.0)]
    #[case::at_the_foot(800, 0.0)]
    #[case::half_way(1_000, 0.5)]
    #[case::at_the_top(1_200, 1.0)]
    fn the_ramp_climbs(#[case] micros: u64, #[case] expected: f64) {
        let ramp = queue(&DualPi2::default());
        assert!((ramp.native(Duration::from_micros(micros)) - expected).abs() < 1e-9);
        let step = queue(&DualPi2 { range: Duration::ZERO, ..DualPi2::default() });
        let expected = f64::from(micros >= 800);
        assert!((step.native(Duration::from_micros(micros)) - expected).abs() < 1e-9);
    }

    fn served(scheduler: DualScheduler, count: usize) -> Vec<bool> {
        let mut queue = queue(&DualPi2 { scheduler, ..DualPi2::default() });
        for millis in 0..100 {
            for ecn in [Ecn::NotEct, Ecn::Ect1] {
                let now = Instant::from_nanos(millis * 1_000_000);
                let mut item = Item::new(Slot::numbered(0), 1_000, now);
                item.ecn = ecn;
                queue.enqueue(now, item);
            }
        }
        queue.controller.base = 0.0;
        let now = Instant::from_nanos(100_000_000);
        let next = || queue.dequeue(now, &mut Refuse::default());
        std::iter::from_fn(next).map(|item| item.ecn == Ecn::Ect1).take(count).collect()
    }

    #[test]
    fn the_classic_queue_has_its_share() {
        let order = served(DualScheduler::Weighted(16), 100);
        let classic = order.iter().filter(|&&low| !low).count();
        assert!((6..=7).contains(&classic), "one in sixteen: {classic}");
    }

    #[test]
    fn the_shift_is_the_head_start() {
        let order = served(DualScheduler::TimeShifted(Duration::from_millis(50)), 100);
        // Classic packets are 50 ms younger in the comparison: 51 of the others come first.
        assert!(order[..51].iter().all(|&low| low));
        assert!(!order[51] && order[52], "then they alternate");
    }

    #[test]
    fn overload_drops_in_both_queues() {
        let mut queue = queue(&DualPi2::default());
        queue.controller.base = 0.6;
        let now = Instant::ZERO;
        let mut refused = Refuse::default();
        let (mut marked, mut left) = (0, 0);
        for _ in 0..1_000 {
            let mut item = Item::new(Slot::numbered(0), 1_000, now);
            item.ecn = Ecn::Ect1;
            queue.enqueue(now, item);
            if let Some(item) = queue.dequeue(now, &mut refused) {
                left += 1;
                marked += u32::from(item.marked);
            }
        }
        assert_eq!(marked, left, "all that pass are marked");
        assert!((355..=365).contains(&refused.len()), "0.6² of them: {}", refused.len());
    }
}
