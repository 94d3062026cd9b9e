//! What was lost, by time or by count: RFC 8985 §6 with chunks for segments, and RFC 9260 §7.2.4.

use std::time::Duration;

use base::Instant;

use super::{Sender, ring::State, sack::Tally, timeout::Timer};
use crate::{congestion::Control, path::Rtt};

/// Acknowledgements that pass a chunk over until it is lost (RFC 9260 §7.2.4).
const MISSES: u8 = 3;

/// Recoveries for which a reordering window that was widened stays wide (RFC 8985 §6.2).
const WIDE_RECOVERIES: u8 = 16;

/// Packets' worth of chunks beyond a gap that are as good as waiting: the threshold of duplicates of
/// RFC 8985 §6.2, in bytes, so that one packet of many small chunks is no crowd.
const CROWD_PACKETS: u64 = 3;

/// A time of repair.
#[derive(Clone, Copy, Debug)]
struct Episode {
    /// The newest place when it began: it ends when everything up to it arrived.
    exit: u64,
    /// Whether silence began it, not an acknowledgement.
    is_timeout: bool,
    /// Chunks that were held to be lost since.
    marked: u32,
    /// Those of them that turned out to have been late.
    refuted: u32,
    /// Whether what the silence was blamed on turned out to have been late.
    is_timeout_refuted: bool,
}

/// What is known about order and loss.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// When the newest of what arrived had been sent, its place, and how long it took.
    sent_at: Instant,
    place: u64,
    elapsed: Duration,
    /// The highest place that arrived.
    highest: u64,
    /// Whether something that was sent once arrived after what was sent later.
    reordering: bool,
    /// Further quarters of a round trip that the reordering window spans.
    widened: u32,
    /// Recoveries until the window narrows again.
    wide_for: u8,
    /// Until this place arrived, further needless repetitions say nothing new.
    widened_until: Option<u64>,
    episode: Option<Episode>,
    /// Until this place arrived, no further silence is taken for delay: if that was wrong once, each chunk
    /// would wait for a timeout of its own.
    doubted_until: u64,
}

impl Recovery {
    pub(super) const fn is_repairing(&self) -> bool {
        self.episode.is_some()
    }

    /// The chunk at `place` arrived, sent at `sent_at`.
    pub(super) fn on_arrived(
        &mut self,
        place: u64,
        sent_at: Instant,
        elapsed: Duration,
        repeated: bool,
    ) {
        if (sent_at, place) > (self.sent_at, self.place) {
            (self.sent_at, self.place, self.elapsed) = (sent_at, place, elapsed);
        }
        if place > self.highest {
            self.highest = place;
        } else if !repeated {
            self.reordering = true;
        }
    }

    /// A chunk that was held to be lost had only been late; `is_oldest` says whether it was the one that
    /// everything waited for.
    pub(super) fn on_refuted(&mut self, place: u64, is_oldest: bool) {
        if place < self.highest {
            self.reordering = true;
        }
        self.highest = self.highest.max(place);
        if let Some(episode) = &mut self.episode {
            episode.refuted += 1;
            let is_believed = place > self.doubted_until;
            episode.is_timeout_refuted |= is_oldest && episode.is_timeout && is_believed;
        }
    }

    /// An acknowledgement was worked through. `base` is the oldest place that is outstanding, `next` the
    /// one that nothing has yet.
    pub(super) fn on_acknowledgement(
        &mut self,
        now: Instant,
        (base, next): (u64, u64),
        needless: bool,
        control: &mut Control,
    ) {
        if self.widened_until.is_some_and(|until| base > until) {
            self.widened_until = None;
        }
        if needless && self.widened_until.is_none() {
            self.widened_until = Some(next);
            self.widened = self.widened.saturating_add(1);
            self.wide_for = WIDE_RECOVERIES;
        }
        let Some(episode) = self.episode else { return };
        if !episode.is_timeout && episode.refuted >= episode.marked {
            self.episode = None;
            control.on_spurious(now);
        } else if base > episode.exit {
            self.episode = None;
            self.wide_for = self.wide_for.saturating_sub(1);
            if self.wide_for == 0 {
                self.widened = 0;
            }
            if !episode.is_timeout {
                control.on_recovery_end();
            }
        }
    }

    /// How long something may be overtaken before it is lost (RFC 8985 §6.2 step 4).
    fn window(&self, is_crowd: bool, rtt: &Rtt) -> Duration {
        if !self.reordering && (self.is_repairing() || is_crowd) {
            return Duration::ZERO;
        }
        let quarter = rtt.min() / 4;
        let wide = quarter.saturating_mul(self.widened.saturating_add(1));
        wide.min(rtt.smoothed().unwrap_or(wide))
    }

    /// Whether the chunk at `place`, sent at `sent_at`, was sent before something that arrived.
    fn is_overtaken(&self, place: u64, sent_at: Instant) -> bool {
        (sent_at, place) < (self.sent_at, self.place)
    }
}

impl Sender {
    /// What was sent long enough before something that arrived is lost (RFC 8985 §6.2 step 5). The list
    /// is in the order of sending, so that the first that is not lost ends the search.
    pub(super) fn detect_by_time(&mut self, now: Instant, control: &mut Control, rtt: &Rtt) {
        let before = self.in_flight;
        let is_crowd = self.gap_bytes >= CROWD_PACKETS * self.config.packet_room as u64;
        self.timers.stop(Timer::Reordering as usize);
        loop {
            let place = self.flight.head;
            let Some(slot) = self.ring.get(place) else { return };
            if !self.recovery.is_overtaken(place, slot.sent_at) {
                return;
            }
            let patience = self.recovery.elapsed + self.recovery.window(is_crowd, rtt);
            let due = slot.sent_at + patience;
            if due > now {
                self.timers.set(Timer::Reordering as usize, due);
                return;
            }
            self.begin_recovery(now, before, control);
            self.lose(now, place, control);
        }
    }

    /// What enough acknowledgements passed over is lost (RFC 9260 §7.2.4). Its cost grows with what is
    /// missing.
    pub(super) fn detect_by_misses(&mut self, now: Instant, tally: &Tally, control: &mut Control) {
        let ranges = self.scoreboard.ranges();
        // Misses count below the highest that is newly acknowledged; where recovery makes progress, below
        // the highest of all.
        let highest = match tally.advanced && self.recovery.is_repairing() {
            true => ranges.last().map_or(0, |range| range.1),
            false => tally.highest,
        };
        let before = self.in_flight;
        let mut lost = std::mem::take(&mut self.missed);
        let mut next = self.ring.base();
        for &(first, last) in ranges {
            for place in next..first.min(highest) {
                let Some(slot) = self.ring.get_mut(place) else { continue };
                if slot.state != State::Flying || slot.repeated_fast {
                    continue;
                }
                slot.misses = slot.misses.saturating_add(1);
                if slot.misses >= MISSES {
                    slot.repeated_fast = true;
                    lost.push(place);
                }
            }
            next = last + 1;
            if next > highest {
                break;
            }
        }
        for place in lost.drain(..) {
            self.begin_recovery(now, before, control);
            self.lose(now, place, control);
        }
        self.missed = lost;
    }

    /// RFC 9260 §7.2.4: the first loss begins recovery; it ends when what is outstanding now arrived.
    pub(super) fn begin_recovery(&mut self, now: Instant, in_flight: u64, control: &mut Control) {
        if self.recovery.is_repairing() {
            return;
        }
        self.recovery.episode = Some(Episode {
            exit: self.ring.next() - 1,
            is_timeout: false,
            marked: 0,
            refuted: 0,
            is_timeout_refuted: false,
        });
        control.on_recovery_start(now, in_flight);
    }

    /// Silence begins recovery: it replaces one that was under way.
    pub(super) fn begin_timeout(&mut self, now: Instant, control: &mut Control) {
        self.recovery.episode = Some(Episode {
            exit: self.ring.next() - 1,
            is_timeout: true,
            marked: 0,
            refuted: 0,
            is_timeout_refuted: false,
        });
        control.on_timeout(now);
    }

    /// The chunk at `place`, in flight until now, is lost: it goes again, or its message is given up.
    fn lose(&mut self, now: Instant, place: u64, control: &mut Control) {
        let Some(slot) = self.ring.get_mut(place) else { return };
        let (state, payload, snapshot) = (slot.state, slot.payload.len(), slot.snapshot);
        slot.state = State::Lost;
        self.leave_list(place, state, payload);
        control.on_lost(self.chunk_size(payload) as u64, &snapshot);
        if let Some(episode) = &mut self.recovery.episode {
            episode.marked += 1;
        }
        self.repeat_or_give_up(now, place);
    }

    /// If the silence turned out to be delay, what was held to be lost for it alone is in flight again.
    pub(super) fn refute_timeout(&mut self, now: Instant, control: &mut Control) {
        let refuted = self.recovery.episode.filter(|episode| episode.is_timeout_refuted);
        let Some(episode) = refuted else { return };
        self.recovery.episode = None;
        self.recovery.doubted_until = episode.exit;
        control.on_spurious(now);
        let flying = std::mem::take(&mut self.flight);
        let lost = std::mem::take(&mut self.lost);
        self.each_in(lost, |sender, place| sender.fly_again(place));
        self.each_in(flying, |sender, place| sender.ring.append(&mut sender.flight, place));
    }

    fn fly_again(&mut self, place: u64) {
        let Some(slot) = self.ring.get_mut(place) else { return };
        slot.state = State::Flying;
        let payload = slot.payload.len();
        self.in_flight += self.chunk_size(payload) as u64;
        self.flight_payload += payload as u64;
        self.ring.append(&mut self.flight, place);
    }

    /// Calls `act` for every place in `list`, which it may move elsewhere.
    fn each_in(&mut self, list: super::ring::List, mut act: impl FnMut(&mut Self, u64)) {
        let mut place = list.head;
        while place != 0 {
            let next = if place == list.tail { 0 } else { self.ring.newer(place) };
            act(self, place);
            place = next;
        }
    }
}
