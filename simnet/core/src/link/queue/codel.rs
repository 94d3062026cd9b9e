//! CoDel: RFC 8289.

use std::time::Duration;

use base::Instant;

use super::{
    Codel,
    discipline::{Admission, Refuse},
    fifo::{Fifo, Item},
    limit::Room,
};
use crate::{event::DropReason, link::timeline::nanos, slab::Slot};

/// Parameters of the control.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) target: Duration,
    pub(super) interval: Duration,
    pub(super) mtu: u64,
    pub(super) ecn: bool,
    pub(super) ce_threshold: Option<Duration>,
}

/// The state of one queue: RFC 8289 §5.2.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Control {
    /// When waiting will have been too long for an interval, if it is too long now.
    first_above: Option<Instant>,
    /// When the next packet is dropped.
    drop_next: Instant,
    /// Packets dropped since dropping began.
    count: u32,
    /// What it was when dropping began the last time.
    last_count: u32,
    dropping: bool,
}

impl Control {
    /// The next packet of `queue`. Those that had to go are added to `refused`.
    pub(super) fn dequeue(
        &mut self,
        now: Instant,
        settings: &Settings,
        queue: &mut Fifo,
        refused: &mut Refuse,
    ) -> Option<Item> {
        let (mut item, mut too_long) = self.look(now, settings, queue);
        if self.dropping {
            // RFC 8289 §5.5: waiting is short again.
            self.dropping = too_long;
            // A large backlog may ask for several drops at one time.
            while self.dropping && now >= self.drop_next {
                self.count = self.count.wrapping_add(1);
                if signal(&mut item, settings, refused) {
                    self.drop_next = control_law(self.drop_next, self.count, settings.interval);
                    break;
                }
                (item, too_long) = self.look(now, settings, queue);
                if too_long {
                    self.drop_next = control_law(self.drop_next, self.count, settings.interval);
                } else {
                    self.dropping = false;
                }
            }
        } else if too_long {
            if !signal(&mut item, settings, refused) {
                (item, _) = self.look(now, settings, queue);
            }
            self.start(now, settings.interval);
        }
        if let (Some(threshold), Some(item)) = (settings.ce_threshold, &mut item)
            && now - item.since > threshold
        {
            item.mark();
        }
        item
    }

    /// Begins to drop. If it stopped not long ago, the rate that was right then is a good start.
    fn start(&mut self, now: Instant, interval: Duration) {
        self.dropping = true;
        let since_last = self.count.wrapping_sub(self.last_count);
        let recent = now - self.drop_next < interval * 16;
        self.count = if since_last > 1 && recent { since_last } else { 1 };
        self.drop_next = control_law(now, self.count, interval);
        self.last_count = self.count;
    }

    /// RFC 8289 §5.6: takes a packet off and says whether packets have waited too long for an interval.
    fn look(
        &mut self,
        now: Instant,
        settings: &Settings,
        queue: &mut Fifo,
    ) -> (Option<Item>, bool) {
        let Some(item) = queue.pop() else {
            self.first_above = None;
            return (None, false);
        };
        if now - item.since < settings.target || queue.bytes() <= settings.mtu {
            self.first_above = None;
            return (Some(item), false);
        }
        let since = *self.first_above.get_or_insert(now + settings.interval);
        // When it has just been set it lies ahead.
        (Some(item), now >= since)
    }
}

/// Marks the packet and says true, or drops it and says false.
fn signal(item: &mut Option<Item>, settings: &Settings, refused: &mut Refuse) -> bool {
    let Some(packet) = item else { return false };
    if settings.ecn && packet.mark() {
        return true;
    }
    refused.push((packet.slot, DropReason::QueueEarly));
    *item = None;
    false
}

/// RFC 8289 §5.6: the more packets have been dropped, the sooner the next one is.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of nanoseconds that is not negative and far below 2^53"
)]
fn control_law(from: Instant, count: u32, interval: Duration) -> Instant {
    let step = nanos(interval) as f64 / libm::sqrt(f64::from(count));
    from + Duration::from_nanos(step as u64)
}

/// One queue under control.
#[derive(Debug)]
pub(crate) struct CodelQueue {
    settings: Settings,
    room: Room,
    fifo: Fifo,
    control: Control,
}

impl CodelQueue {
    pub(super) fn new(codel: &Codel, rate: Option<u64>) -> Self {
        let Codel { target, interval, mtu, ecn, ce_threshold, limit } = *codel;
        Self {
            settings: Settings { target, interval, mtu, ecn, ce_threshold },
            room: Room::new(limit, rate),
            fifo: Fifo::default(),
            control: Control::default(),
        }
    }

    pub(super) fn enqueue(&mut self, item: Item) -> Admission {
        if !self.room.takes(self.fifo.len(), self.fifo.bytes(), item.bytes.into()) {
            return Admission::Refused(DropReason::QueueFull);
        }
        self.fifo.push(item);
        Admission::Queued
    }

    pub(super) fn dequeue(&mut self, now: Instant, refused: &mut Refuse) -> Option<Item> {
        self.control.dequeue(now, &self.settings, &mut self.fifo, refused)
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
    use base::Ecn;

    use super::*;

    const fn ms(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn queue(ecn: bool) -> CodelQueue {
        CodelQueue::new(
            &Codel { ecn, limit: super::super::QueueLimit::Unlimited, ..Codel::default() },
            None,
        )
    }

    /// A packet each millisecond comes and one leaves every `every` milliseconds: when are they dropped?
    fn drops(mut queue: CodelQueue, every: u64, until: u64, ecn: Ecn) -> Vec<(u64, bool)> {
        let mut drops = Vec::new();
        for now in 0..until {
            let mut item = Item::new(Slot::numbered(0), 1_000, ms(now));
            item.ecn = ecn;
            queue.enqueue(item);
            if now % every == 0 {
                let mut refused = Refuse::default();
                let item = queue.dequeue(ms(now), &mut refused);
                drops.extend(refused.iter().map(|_| (now, false)));
                drops.extend(item.filter(|item| item.marked).map(|_| (now, true)));
            }
        }
        drops
    }

    #[test]
    fn drops_come_faster_by_the_square_root() {
        // Waiting passes 5 ms at t = 10 with one departure every two milliseconds; the first drop comes
        // 100 ms later, the following 100/√1, 100/√2, … after it, at the next even millisecond.
        let times: Vec<u64> =
            drops(queue(false), 2, 700, Ecn::NotEct).iter().map(|d| d.0).collect();
        // 110, 210, 280.7, 338.4, 388.4, 433.2, 474.0, 511.8, 547.1, 580.5, 612.1, 642.2.
        let expected = [110, 210, 282, 340, 390, 434, 474, 512, 548, 582, 614, 644];
        assert_eq!(times.get(..12), Some(&expected[..]));
    }

    #[test]
    fn marks_come_where_drops_would() {
        let marks = drops(queue(true), 2, 300, Ecn::Ect0);
        assert!(marks.iter().all(|mark| mark.1));
        let times: Vec<u64> = marks.iter().map(|mark| mark.0).collect();
        assert_eq!(times, [110, 210, 282]);
        // 110 + 100 + 70.7 + 57.7 = 338.4.
        assert!(drops(queue(true), 2, 300, Ecn::NotEct).iter().all(|drop| !drop.1), "not capable");
    }

    #[test]
    fn short_waiting_and_a_single_packet_are_left_alone() {
        assert_eq!(drops(queue(false), 1, 1_000, Ecn::NotEct), []);
        // One packet at a time waits for a second: less than an MTU is behind it.
        let mut queue = queue(false);
        for now in 1..100 {
            queue.enqueue(Item::new(Slot::numbered(0), 1_000, ms(1_000 * (now - 1))));
            let mut refused = Refuse::default();
            assert!(queue.dequeue(ms(1_000 * now), &mut refused).is_some());
            assert!(refused.is_empty());
        }
    }

    #[test]
    fn dropping_stops_when_waiting_is_short_and_resumes_where_it_was() {
        let settings = queue(false).settings;
        let mut control = Control::default();
        let mut fifo = Fifo::default();
        let mut refused = Refuse::default();
        for now in (0..400).step_by(2) {
            // Everything has waited for 20 ms.
            while fifo.len() < 10 {
                fifo.push(Item::new(Slot::numbered(0), 1_000, Instant::from_nanos(0)));
            }
            control.dequeue(ms(now + 20), &settings, &mut fifo, &mut refused);
        }
        assert!(control.dropping);
        let reached = control.count;
        assert!(reached > 3, "{reached}");
        let mut short = Fifo::default();
        short.push(Item::new(Slot::numbered(0), 1_000, ms(420)));
        short.push(Item::new(Slot::numbered(0), 1_000, ms(420)));
        short.push(Item::new(Slot::numbered(0), 1_000, ms(420)));
        control.dequeue(ms(421), &settings, &mut short, &mut refused);
        assert!(!control.dropping);
        // Too long again within 16 intervals: the count goes on from where it was.
        for now in [500, 601] {
            control.dequeue(ms(now), &settings, &mut fifo, &mut refused);
        }
        assert!(control.dropping);
        assert_eq!(control.count, reached - 1, "what was dropped since it began the last time");
    }
}
