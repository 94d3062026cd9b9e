//! When the packets of a link have left.

use std::time::Duration;

use base::Instant;

use super::{Bucket, Rate, trace::Playback};
use crate::link::Gaps;

/// What a link does with the packet whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace<'a> {
    /// Its last bit leaves at this time.
    Done(Instant),
    /// It needs a turn on a medium first.
    Contend(&'a str),
    /// It never fits.
    Never,
}

/// The rate of a link at work.
#[derive(Debug)]
pub(crate) struct Pacer {
    rate: Rate,
    overhead: u32,
    gaps: Option<Box<Gaps>>,
    state: State,
}

#[derive(Debug)]
enum State {
    None,
    Bucket(Bucket),
    Playback(Playback),
}

impl Pacer {
    pub(crate) fn new(rate: &Rate, overhead: u32, gaps: Option<&Gaps>) -> Self {
        let state = match rate {
            Rate::TokenBucket(bucket) => State::Bucket(Bucket::new(bucket.rate, bucket.burst)),
            Rate::Trace(trace) => State::Playback(Playback::new(trace.clone())),
            Rate::Unlimited
            | Rate::Fixed(_)
            | Rate::Piecewise(_)
            | Rate::Airtime(_)
            | Rate::Bearer(_) => State::None,
        };
        let gaps = gaps.filter(|gaps| gaps.hold()).map(|gaps| Box::new(gaps.clone()));
        Self { rate: rate.clone(), overhead, gaps, state }
    }

    /// Whether packets ever wait.
    pub(crate) fn waits(&self) -> bool {
        self.rate != Rate::Unlimited || self.gaps.is_some()
    }

    /// When a packet of `bytes` that begins at `now` has left.
    pub(crate) fn begin(&mut self, now: Instant, bytes: usize) -> Pace<'_> {
        match &self.rate {
            Rate::Airtime(airtime) => return Pace::Contend(&airtime.medium),
            Rate::Bearer(bearer) => return Pace::Contend(&bearer.cell),
            _ => {}
        }
        let start = self.gaps.as_ref().map_or(now, |gaps| gaps.open(now));
        let bytes = bytes as u64 + u64::from(self.overhead);
        let bits = bytes.saturating_mul(8);
        let done = match (&self.rate, &mut self.state) {
            (Rate::Fixed(rate), _) => start + serial(bits, *rate),
            (Rate::Piecewise(table), _) => table.finish(start, bits),
            (Rate::TokenBucket(spec), State::Bucket(bucket)) => {
                let Some(ready) = bucket.ready(start, bytes) else { return Pace::Never };
                bucket.take(ready, bytes);
                ready + spec.peak.map_or(Duration::ZERO, |peak| serial(bits, peak))
            }
            (Rate::Trace(_), State::Playback(playback)) => playback.finish(start, bytes),
            _ => start,
        };
        Pace::Done(self.gaps.as_ref().map_or(done, |gaps| gaps.stretch(start, done)))
    }

    /// When a packet of `bytes` that has got its turn on the medium at `now` has left.
    pub(crate) fn on_air(&self, now: Instant, bytes: usize) -> Instant {
        let bits = (bytes as u64 + u64::from(self.overhead)).saturating_mul(8);
        let start = self.gaps.as_ref().map_or(now, |gaps| gaps.open(now));
        let took = match &self.rate {
            Rate::Airtime(airtime) => airtime.per_packet + serial(bits, airtime.rate),
            Rate::Bearer(bearer) => serial(bits, bearer.at(start)),
            _ => return now,
        };
        let done = start + took;
        self.gaps.as_ref().map_or(done, |gaps| gaps.stretch(start, done))
    }

    /// The rate at `now` by which a scheduler compares bearers, if this is one.
    #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
    pub(crate) fn bearer_rate(&self, now: Instant) -> Option<f64> {
        match &self.rate {
            Rate::Bearer(bearer) => Some(bearer.at(now) as f64),
            _ => None,
        }
    }
}

/// Time to send `bits`, rounded up to whole nanoseconds.
pub(crate) fn serial(bits: u64, rate: u64) -> Duration {
    Duration::from_nanos(bits.saturating_mul(1_000_000_000).div_ceil(rate.max(1)))
}
