//! How a window grows when nothing is lost, and shrinks when something is.

use std::time::Duration;

use base::Instant;

use crate::tcp::config::Congestion;

/// RFC 9438 §4.6: what is left of the window of Cubic after a loss.
const BETA: f64 = 0.7;
/// RFC 9438 §5: how fast Cubic grows.
const C: f64 = 0.4;
/// RFC 9438 §4.3: how fast the flow it is fair to grows.
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);

/// The state of a congestion control beyond slow start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Growth {
    /// Bytes acknowledged since the window grew last.
    Reno(u64),
    Cubic(Cubic),
    Boundless,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cubic {
    /// The window at the last loss, in segments.
    peak: f64,
    /// The window before the last loss, in segments.
    prior: f64,
    epoch: Option<Epoch>,
    /// Part of a byte that the window has grown.
    rest: f64,
}

/// The time since a loss.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    began: Instant,
    /// Seconds until the window is where it was.
    k: f64,
    /// The window of a flow of Reno, in segments.
    estimate: f64,
}

impl Growth {
    pub(super) const fn new(congestion: Congestion) -> Self {
        match congestion {
            Congestion::Reno => Self::Reno(0),
            Congestion::Cubic => {
                Self::Cubic(Cubic { peak: 0.0, prior: 0.0, epoch: None, rest: 0.0 })
            }
            Congestion::None => Self::Boundless,
        }
    }

    pub(super) const fn is_boundless(&self) -> bool {
        matches!(self, Self::Boundless)
    }

    /// The window after a loss at `window`, with `flight` bytes on the way.
    pub(super) fn reduce(&mut self, _: Instant, window: u64, flight: u64, segment: u64) -> u64 {
        let flight = flight.min(window);
        let left = match self {
            // RFC 5681 §3.1.
            Self::Reno(_) => flight / 2,
            Self::Cubic(cubic) => cubic.reduce(window, flight, segment),
            Self::Boundless => return window,
        };
        left.max(2 * segment)
    }

    /// The window after `bytes` were acknowledged.
    pub(super) fn grow(
        &mut self,
        now: Instant,
        round_trip: Duration,
        window: u64,
        bytes: u64,
        segment: u64,
    ) -> u64 {
        match self {
            // RFC 5681 §3.1: a segment for every window of bytes.
            Self::Reno(counted) => {
                *counted += bytes;
                if *counted < window {
                    return window;
                }
                *counted -= window;
                window + segment
            }
            Self::Cubic(cubic) => cubic.grow(now, round_trip, window, bytes, segment),
            Self::Boundless => window,
        }
    }
}

impl Cubic {
    fn reduce(&mut self, window: u64, flight: u64, segment: u64) -> u64 {
        let segments = share(window, segment);
        // RFC 9438 §4.7: a smaller peak than the last makes room for a newcomer.
        self.peak = if segments < self.peak { segments * (1.0 + BETA) / 2.0 } else { segments };
        self.prior = segments;
        self.epoch = None;
        whole(real(flight) * BETA)
    }

    fn grow(
        &mut self,
        now: Instant,
        round_trip: Duration,
        window: u64,
        bytes: u64,
        segment: u64,
    ) -> u64 {
        let segments = share(window, segment);
        let epoch = self.epoch.get_or_insert_with(|| {
            // RFC 9438 §4.8: without a loss before, the curve begins at its flat place.
            self.peak = self.peak.max(segments);
            Epoch { began: now, k: libm::cbrt((self.peak - segments) / C), estimate: segments }
        });
        let acknowledged = share(bytes, segment);
        let alpha = if epoch.estimate < self.prior { ALPHA } else { 1.0 };
        epoch.estimate += alpha * acknowledged / segments;
        let at = now.saturating_duration_since(epoch.began).as_secs_f64();
        let curve =
            |time: f64| C * (time - epoch.k) * (time - epoch.k) * (time - epoch.k) + self.peak;
        // RFC 9438 §4.3: below the estimate the flow is as fast as one of Reno.
        let grown = if curve(at) < epoch.estimate {
            libm::fmax(epoch.estimate, segments)
        } else {
            // RFC 9438 §4.4, §4.5: towards where the curve will be a round trip from now.
            let target = curve(at + round_trip.as_secs_f64());
            let target = libm::fmin(libm::fmax(target, segments), 1.5 * segments);
            segments + (target - segments) / segments * acknowledged
        };
        let exact = (grown - segments) * real(segment) + self.rest;
        let gain = whole(exact);
        self.rest = exact - real(gain);
        window + gain
    }
}

#[expect(clippy::cast_precision_loss, reason = "windows are far below 2^53 bytes")]
const fn real(bytes: u64) -> f64 {
    bytes as f64
}

fn share(bytes: u64, segment: u64) -> f64 {
    real(bytes) / real(segment.max(1))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a finite number of bytes that is not negative; the cast saturates"
)]
const fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = 1_000;

    /// The window after `rounds` round trips of 100 ms in which all of it is acknowledged.
    fn play(growth: &mut Growth, mut window: u64, rounds: u64, from: Instant) -> u64 {
        for round in 0..rounds {
            let now = from + Duration::from_millis(100 * round);
            for _ in 0..window / SEGMENT {
                window = growth.grow(now, Duration::from_millis(100), window, SEGMENT, SEGMENT);
            }
        }
        window
    }

    #[test]
    fn reno_grows_by_a_segment_a_round_trip_and_halves() {
        let mut reno = Growth::new(Congestion::Reno);
        assert_eq!(play(&mut reno, 20 * SEGMENT, 10, Instant::ZERO), 30 * SEGMENT);
        assert_eq!(reno.reduce(Instant::ZERO, 30_000, 30_000, SEGMENT), 15_000);
        assert_eq!(reno.reduce(Instant::ZERO, 1_000, 1_000, SEGMENT), 2_000, "RFC 5681 §3.1");
    }

    /// RFC 9438 §4.2: the curve is back at its peak after K, flat there, and steep beyond.
    #[test]
    fn cubic_is_back_at_its_peak_after_k() {
        let mut cubic = Growth::new(Congestion::Cubic);
        let window = cubic.reduce(Instant::ZERO, 200 * SEGMENT, 200 * SEGMENT, SEGMENT);
        assert_eq!(window, 140 * SEGMENT);
        let k = libm::cbrt(200.0 * (1.0 - BETA) / C);
        assert!((5.3..5.4).contains(&k));
        let mut windows = Vec::new();
        let mut now = window;
        for round in 0..90 {
            now = play(&mut cubic, now, 1, Instant::ZERO + Duration::from_millis(100 * round));
            windows.push(now / SEGMENT);
        }
        assert!((150..195).contains(&windows[15]), "{windows:?}");
        assert!((195..=201).contains(&windows[50]), "{windows:?}");
        assert!(windows[85] > 210, "{windows:?}");
    }
}
