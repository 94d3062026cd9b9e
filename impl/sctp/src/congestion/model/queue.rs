//! How long packets wait on the path.

use std::time::Duration;

use base::Instant;

use super::Acked;

/// A queue is as long as the shortest wait in one to two of these.
const SPAN: Duration = Duration::from_millis(25);
/// Measurements that a round needs to be judged, and the rise that counts: as RFC 9406 has them.
const SAMPLES: u32 = 8;
const MIN_RISE: Duration = Duration::from_millis(4);
const MAX_RISE: Duration = Duration::from_millis(16);
const RISE_SHARE: u32 = 8;

/// The waiting time in queues, taken as the shortest round trip of the last moments less the shortest of
/// the last minutes: short bursts leave no trace in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QueueMeter {
    current: Option<Duration>,
    former: Option<Duration>,
    began: Instant,
    samples: u32,
    round_min: Option<Duration>,
}

impl QueueMeter {
    pub(super) fn on_ack(&mut self, acked: &Acked) {
        if acked.round_start {
            self.samples = 0;
            self.round_min = None;
        }
        let Some(rtt) = acked.rtt else { return };
        let age = acked.now.saturating_duration_since(self.began);
        if age >= SPAN {
            // What is older than two spans says nothing any more.
            self.former = self.current.take().filter(|_| age < SPAN * 2);
            self.began = acked.now;
        }
        let least = |known: Option<Duration>| Some(known.map_or(rtt, |known| known.min(rtt)));
        self.current = least(self.current);
        self.round_min = least(self.round_min);
        self.samples += 1;
    }

    /// The shortest wait of the last moments.
    pub(super) fn delay(&self, min_rtt: Duration) -> Duration {
        let least = match (self.current, self.former) {
            (Some(current), Some(former)) => Some(current.min(former)),
            (current, former) => current.or(former),
        };
        least.unwrap_or_default().saturating_sub(min_rtt)
    }

    /// Whether a queue has stood since the round began.
    pub(super) fn rose_in_round(&self, min_rtt: Duration) -> bool {
        let rise = (min_rtt / RISE_SHARE).clamp(MIN_RISE, MAX_RISE);
        self.samples >= SAMPLES && self.round_min.is_some_and(|least| least >= min_rtt + rise)
    }
}
