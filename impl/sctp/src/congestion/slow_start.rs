//! Slow start that notices a queue before it overflows: RFC 9406.

use std::time::Duration;

use super::Acked;

/// Bounds of the rise of the round-trip time that ends slow start, and its share of the round trip.
const MIN_RISE: Duration = Duration::from_millis(4);
const MAX_RISE: Duration = Duration::from_millis(16);
const RISE_SHARE: u32 = 8;
/// Measurements that a round needs to be judged.
const SAMPLES: u32 = 8;
/// In conservative slow start the window grows by one part in so many, for so many rounds.
const CAUTION: u64 = 4;
const CAUTIOUS_ROUNDS: u32 = 5;

/// HyStart++: doubling, then a cautious phase in which a rise that passes is forgiven.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SlowStart {
    samples: u32,
    round_min: Option<Duration>,
    last_min: Option<Duration>,
    caution: Option<Caution>,
    over: bool,
}

#[derive(Clone, Copy, Debug)]
struct Caution {
    /// The round trip of the round that raised the suspicion; below it, the suspicion was wrong.
    baseline: Duration,
    rounds: u32,
}

impl SlowStart {
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// By how much the window grows for so many acknowledged bytes. Packets are paced, so nothing else
    /// bounds it.
    pub(super) fn growth(&self, newly_acked: u64) -> u64 {
        if self.caution.is_some() { newly_acked / CAUTION } else { newly_acked }
    }

    pub(super) fn on_ack(&mut self, acked: &Acked) {
        if acked.round_start {
            self.begin_round();
        }
        let Some(rtt) = acked.rtt else { return };
        self.samples += 1;
        let round_min = self.round_min.map_or(rtt, |min| min.min(rtt));
        self.round_min = Some(round_min);
        if self.samples < SAMPLES {
            return;
        }
        match (&self.caution, self.last_min) {
            (Some(caution), _) if round_min < caution.baseline => self.caution = None,
            (None, Some(last_min)) => {
                let rise = (last_min / RISE_SHARE).clamp(MIN_RISE, MAX_RISE);
                if round_min >= last_min + rise {
                    self.caution = Some(Caution { baseline: round_min, rounds: 0 });
                }
            }
            _ => {}
        }
    }

    fn begin_round(&mut self) {
        self.last_min = self.round_min.take();
        self.samples = 0;
        if let Some(caution) = &mut self.caution {
            caution.rounds += 1;
            self.over = caution.rounds >= CAUTIOUS_ROUNDS;
        }
    }
}
