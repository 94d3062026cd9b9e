//! A bottleneck with senders that know everything: what controllers are judged by before there is an
//! association.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    time::Duration,
};

use base::{Instant, Rng};

use crate::congestion::{Algorithm, Control, Snapshot, Summary};
use crate::path::{Rtt, RttConfig};

/// Bytes of a packet, all of them chunks.
pub(super) const PACKET: u64 = 1_200;
/// Bytes a second: 100 Mbit/s.
const RATE: u64 = 12_500_000;

/// The queue of the bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// One product of rate and round trip.
    DropTail,
    /// RFC 8289 with its defaults.
    Codel,
}

/// One bottleneck and the flows through it.
pub(super) struct Lane {
    rtt: Duration,
    queue: Queue,
    /// Packets lost at random, of a million.
    loss: u64,
    rng: Rng,
    flows: Vec<Flow>,
    agenda: BinaryHeap<Reverse<(u64, u64, What)>>,
    planned: u64,
    waiting: VecDeque<(u64, usize, u64)>,
    busy: bool,
    codel: Codel,
    waits: Vec<u64>,
    watch: Option<Duration>,
    seen: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Wake(usize),
    Freed,
    Arrive(usize, u64),
    AckDelay(usize),
    Acked(usize, u64),
    Watch,
}

struct Flow {
    control: Control,
    rtt: Rtt,
    began: Instant,
    next: u64,
    out: VecDeque<Option<Out>>,
    base: u64,
    order: VecDeque<(Instant, u64)>,
    lost: BTreeSet<u64>,
    in_flight: u64,
    recovery: Option<u64>,
    wake: Option<Instant>,
    progress: Instant,
    received: Vec<u64>,
    sacks: VecDeque<Vec<u64>>,
    unacked: u32,
    highest: u64,
    delivered: u64,
    timeouts: u32,
}

#[derive(Clone, Copy)]
struct Out {
    snapshot: Snapshot,
    sent_at: Instant,
    again: bool,
    flying: bool,
}

#[derive(Default)]
struct Codel {
    first_above: u64,
    next: u64,
    count: u32,
    last_count: u32,
    dropping: bool,
}

/// What came of a run.
pub(super) struct Done {
    pub(super) shares: Vec<f64>,
    pub(super) jain: f64,
    pub(super) median: Duration,
    pub(super) most: Duration,
    pub(super) timeouts: u32,
    /// A line for each look that was asked for.
    pub(super) seen: Vec<String>,
}

impl Done {
    pub(super) fn line(&self) -> String {
        let shares: Vec<_> = self.shares.iter().map(|share| format!("{share:5.1}")).collect();
        format!(
            "{} %  jain {:.3}  queue {:5.1} / {:5.1} ms  timeouts {}",
            shares.join(" "),
            self.jain,
            self.median.as_secs_f64() * 1_000.0,
            self.most.as_secs_f64() * 1_000.0,
            self.timeouts
        )
    }
}

impl Lane {
    pub(super) fn new(rtt: Duration, queue: Queue) -> Self {
        Self {
            rtt,
            queue,
            loss: 0,
            rng: Rng::from_seed([7; 32]),
            flows: Vec::new(),
            agenda: BinaryHeap::new(),
            planned: 0,
            waiting: VecDeque::new(),
            busy: false,
            codel: Codel::default(),
            waits: Vec::new(),
            watch: None,
            seen: Vec::new(),
        }
    }

    pub(super) fn loss(mut self, of_a_million: u64) -> Self {
        self.loss = of_a_million;
        self
    }

    /// Looks at the flows as often as this.
    pub(super) fn watch(mut self, every: Duration) -> Self {
        self.watch = Some(every);
        self
    }

    pub(super) fn flow(&mut self, algorithm: Algorithm, start: Duration) {
        let index = self.flows.len();
        let began = Instant::ZERO + start + Duration::from_micros(137 * index as u64);
        let mut rtt = Rtt::new(RttConfig {
            initial: Duration::from_secs(1),
            min: Duration::from_millis(200),
            max: Duration::from_secs(10),
        });
        rtt.on_measured(began, self.rtt);
        self.flows.push(Flow {
            control: Control::new(algorithm, PACKET, &Rng::from_seed([7; 32])),
            rtt,
            began,
            next: 0,
            out: VecDeque::new(),
            base: 0,
            order: VecDeque::new(),
            lost: BTreeSet::new(),
            in_flight: 0,
            recovery: None,
            wake: None,
            progress: began,
            received: Vec::new(),
            sacks: VecDeque::new(),
            unacked: 0,
            highest: 0,
            delivered: 0,
            timeouts: 0,
        });
        self.plan(began, What::Wake(index));
    }

    pub(super) fn run(mut self, span: Duration) -> Done {
        if let Some(every) = self.watch {
            self.plan(Instant::ZERO + every, What::Watch);
        }
        self.run_until(span)
    }

    fn run_until(&mut self, span: Duration) -> Done {
        while let Some(Reverse((at, _, what))) = self.agenda.pop() {
            if u128::from(at) > span.as_nanos() {
                break;
            }
            let now = Instant::from_nanos(at);
            match what {
                What::Wake(flow) => self.wake(now, flow),
                What::Freed => self.freed(now),
                What::Arrive(flow, number) => self.arrive(now, flow, number),
                What::AckDelay(flow) => self.ack(now, flow),
                What::Acked(flow, _) => self.acked(now, flow),
                What::Watch => self.look(now),
            }
        }
        let end = Instant::ZERO + span;
        let rates: Vec<f64> = self
            .flows
            .iter()
            .map(|flow| {
                let time = (end - flow.began).as_secs_f64();
                flow.delivered as f64 / time / RATE as f64 * 100.0
            })
            .collect();
        let sum: f64 = rates.iter().sum();
        let squares: f64 = rates.iter().map(|rate| rate * rate).sum();
        self.waits.sort_unstable();
        let at =
            |part: usize| Duration::from_nanos(self.waits[(self.waits.len() - 1) * part / 100]);
        Done {
            jain: sum * sum / (rates.len() as f64 * squares),
            shares: rates,
            median: at(50),
            most: at(95),
            timeouts: self.flows.iter().map(|flow| flow.timeouts).sum(),
            seen: std::mem::take(&mut self.seen),
        }
    }

    fn look(&mut self, now: Instant) {
        let waiting = self.waiting.len() as u64 * PACKET * 1_000_000 / RATE;
        let mut line = format!("{now:>11} queue {waiting:>6} us");
        for flow in &self.flows {
            line += &format!(
                "  window {:>6} flight {:>6} delivered {:>6}",
                flow.control.window() / PACKET,
                flow.in_flight / PACKET,
                flow.delivered / PACKET
            );
        }
        self.seen.push(line);
        if let Some(every) = self.watch {
            self.plan(now + every, What::Watch);
        }
    }

    fn plan(&mut self, at: Instant, what: What) {
        self.planned += 1;
        self.agenda.push(Reverse((at.as_nanos(), self.planned, what)));
    }

    fn wake(&mut self, now: Instant, index: usize) {
        let flow = &mut self.flows[index];
        if flow.wake.is_some_and(|at| at <= now) {
            flow.wake = None;
        }
        if flow.in_flight > 0 && now - flow.progress >= flow.rtt.rto() {
            flow.timeouts += 1;
            flow.progress = now;
            flow.rtt.back_off();
            flow.control.on_timeout(now);
            flow.recovery = None;
            for (offset, out) in flow.out.iter_mut().enumerate() {
                if let Some(out) = out
                    && out.flying
                {
                    out.flying = false;
                    flow.control.on_lost(PACKET, &out.snapshot);
                    flow.lost.insert(flow.base + offset as u64);
                }
            }
            flow.order.clear();
            flow.in_flight = 0;
        }
        self.send(now, index);
    }

    fn send(&mut self, now: Instant, index: usize) {
        loop {
            let flow = &mut self.flows[index];
            if flow.control.budget(now, flow.in_flight) == 0 {
                break;
            }
            let again = flow.lost.pop_first();
            let number = again.unwrap_or(flow.next);
            flow.in_flight += PACKET;
            if flow.in_flight == PACKET {
                flow.progress = now;
            }
            let snapshot = flow.control.on_sent(now, PACKET, flow.in_flight);
            let out = Out { snapshot, sent_at: now, again: again.is_some(), flying: true };
            match again {
                Some(number) => flow.out[index_of(number - flow.base)] = Some(out),
                None => {
                    flow.next += 1;
                    flow.out.push_back(Some(out));
                }
            }
            flow.order.push_back((now, number));
            self.offer(now, index, number);
        }
        let flow = &mut self.flows[index];
        let release = flow.control.release(now, flow.in_flight);
        let timer = (flow.in_flight > 0).then(|| flow.progress + flow.rtt.rto());
        if let Some(at) = release.into_iter().chain(timer).min()
            && flow.wake.is_none_or(|wake| at < wake)
        {
            flow.wake = Some(at);
            self.plan(at, What::Wake(index));
        }
    }

    fn offer(&mut self, now: Instant, flow: usize, number: u64) {
        if self.rng.public_below(1_000_000) < self.loss {
            return;
        }
        let room = match self.queue {
            Queue::DropTail => self.product(),
            Queue::Codel => 1_000,
        };
        if self.waiting.len() >= room {
            return;
        }
        self.waiting.push_back((now.as_nanos(), flow, number));
        if !self.busy {
            self.freed(now);
        }
    }

    /// Packets in a round trip of the full rate.
    fn product(&self) -> usize {
        let bytes = self.rtt.as_nanos() * u128::from(RATE) / 1_000_000_000;
        usize::try_from(bytes / u128::from(PACKET)).unwrap()
    }

    fn freed(&mut self, now: Instant) {
        let Some((flow, number)) = self.take(now.as_nanos()) else {
            self.busy = false;
            return;
        };
        self.busy = true;
        let done = now + Duration::from_nanos(PACKET * 1_000_000_000 / RATE);
        self.plan(done, What::Freed);
        self.plan(done + self.rtt / 2, What::Arrive(flow, number));
    }

    /// What leaves the queue next.
    fn take(&mut self, now: u64) -> Option<(usize, u64)> {
        const INTERVAL: u64 = 100_000_000;
        loop {
            let (entered, flow, number) = self.waiting.pop_front()?;
            let wait = now - entered;
            if self.queue == Queue::DropTail {
                self.waits.push(wait);
                return Some((flow, number));
            }
            let codel = &mut self.codel;
            let above = wait >= 5_000_000 && self.waiting.len() > 1;
            let ok = if !above {
                codel.first_above = 0;
                false
            } else if codel.first_above == 0 {
                codel.first_above = now + INTERVAL;
                false
            } else {
                now >= codel.first_above
            };
            let step = |count: u32| INTERVAL * 1_000 / (1_000_000 * u64::from(count)).isqrt();
            if codel.dropping {
                if !ok {
                    codel.dropping = false;
                } else if now >= codel.next {
                    codel.count += 1;
                    codel.next += step(codel.count);
                    continue;
                }
            } else if ok {
                codel.dropping = true;
                let delta = codel.count - codel.last_count;
                codel.count = if delta > 1 && now.saturating_sub(codel.next) < 16 * INTERVAL {
                    delta
                } else {
                    1
                };
                codel.next = now + step(codel.count);
                codel.last_count = codel.count;
                continue;
            }
            self.waits.push(wait);
            return Some((flow, number));
        }
    }

    fn arrive(&mut self, now: Instant, index: usize, number: u64) {
        let flow = &mut self.flows[index];
        flow.received.push(number);
        flow.delivered += PACKET;
        flow.unacked += 1;
        let gap = number != flow.highest;
        flow.highest = flow.highest.max(number + 1);
        if flow.unacked >= 2 || gap {
            self.ack(now, index);
        } else {
            self.plan(now + Duration::from_millis(25), What::AckDelay(index));
        }
    }

    fn ack(&mut self, now: Instant, index: usize) {
        let flow = &mut self.flows[index];
        flow.unacked = 0;
        if flow.received.is_empty() {
            return;
        }
        let list = std::mem::take(&mut flow.received);
        flow.sacks.push_back(list);
        let half = self.rtt / 2;
        self.plan(now + half, What::Acked(index, 0));
    }

    fn acked(&mut self, now: Instant, index: usize) {
        let flow = &mut self.flows[index];
        let Some(list) = flow.sacks.pop_front() else { return };
        let prior = flow.in_flight;
        let mut newest: Option<(Instant, bool)> = None;
        for number in list {
            let Some(slot) =
                number.checked_sub(flow.base).and_then(|at| flow.out.get_mut(index_of(at)))
            else {
                continue;
            };
            let Some(out) = slot.take() else { continue };
            if out.flying {
                flow.in_flight -= PACKET;
            }
            flow.lost.remove(&number);
            flow.control.on_delivered(now, &out.snapshot, out.sent_at, PACKET);
            if newest.is_none_or(|(at, _)| out.sent_at >= at) {
                newest = Some((out.sent_at, out.again));
            }
        }
        let before = flow.base;
        while flow.out.front().is_some_and(Option::is_none) {
            flow.out.pop_front();
            flow.base += 1;
        }
        let Some((sent_at, again)) = newest else { return };
        flow.progress = now;
        let any = flow.notice_losses(sent_at);
        if flow.recovery.is_some_and(|point| flow.base >= point) {
            flow.recovery = None;
            flow.control.on_recovery_end();
        }
        if any && flow.recovery.is_none() {
            flow.recovery = Some(flow.next);
            flow.control.on_recovery_start(now, prior);
        }
        let rtt = (!again).then(|| now - sent_at);
        if let Some(rtt) = rtt {
            flow.rtt.on_measured(now, rtt);
        }
        let summary = Summary {
            now,
            prior_in_flight: prior,
            in_flight: flow.in_flight,
            rtt,
            cumulative_advanced: flow.base > before,
        };
        flow.control.on_sack_done(&summary, &flow.rtt);
        self.send(now, index);
    }
}

impl Flow {
    /// What left before `sent_at` and is still out is lost; says whether anything is.
    fn notice_losses(&mut self, sent_at: Instant) -> bool {
        let mut any = false;
        while let Some(&(at, number)) = self.order.front()
            && at < sent_at
        {
            self.order.pop_front();
            let Some(slot) =
                number.checked_sub(self.base).and_then(|at| self.out.get_mut(index_of(at)))
            else {
                continue;
            };
            if let Some(out) = slot
                && out.flying
                && out.sent_at == at
            {
                out.flying = false;
                self.in_flight -= PACKET;
                self.control.on_lost(PACKET, &out.snapshot);
                self.lost.insert(number);
                any = true;
            }
        }
        any
    }
}

fn index_of(number: u64) -> usize {
    usize::try_from(number).unwrap()
}
