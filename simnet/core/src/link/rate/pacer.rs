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
            Rate::Unlimited | Rate::Fixed(_) | Rate::Piecewise(_) | Rate::Airtime(_) => State::None,
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
        if let Rate::Airtime(airtime) = &self.rate {
            return Pace::Contend(&airtime.medium);
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
        let Rate::Airtime(airtime) = &self.rate else { return now };
        let bits = (bytes as u64 + u64::from(self.overhead)).saturating_mul(8);
        let start = self.gaps.as_ref().map_or(now, |gaps| gaps.open(now));
        let done = start + airtime.per_packet + serial(bits, airtime.rate);
        self.gaps.as_ref().map_or(done, |gaps| gaps.stretch(start, done))
    }
}

/// Time to send `bits`, rounded up to whole nanoseconds.
pub(crate) fn serial(bits: u64, rate: u64) -> Duration {
    Duration::from_nanos(bits.saturating_mul(1_000_000_000).div_ceil(rate.max(1)))
}
