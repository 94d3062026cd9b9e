//! The clocks of hosts, which may be wrong.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Serialize};

use crate::units;

/// A clock gains or loses at most this much; beyond it no clock is sold.
const MAX_PPM: i32 = 100_000;
const MILLION: u128 = 1_000_000;

/// How the clock of a host goes.
///
/// What an endpoint is told as the time, and the deadlines it asks to be woken at, are times of this
/// clock. It never goes back, and it is exact: after `t` nanoseconds it shows
/// `ahead + t × (1 000 000 + drift) / 1 000 000`, rounded down, and a timer fires at the first nanosecond
/// at which the clock shows its deadline or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Clock {
    /// What it shows when the run begins. To let one clock be behind another, let the other be ahead.
    #[serde(with = "units::duration")]
    pub ahead: Duration,
    /// Millionths that it gains; a negative number loses. Crystals are within 100, and 100,000 is the
    /// most that counts, either way.
    pub drift_ppm: i32,
}

impl Clock {
    /// A clock that begins at `ahead` and is right from then on.
    #[must_use]
    pub const fn ahead(ahead: Duration) -> Self {
        Self { ahead, drift_ppm: 0 }
    }

    /// A clock that begins right and gains so many millionths.
    #[must_use]
    pub const fn drifting(drift_ppm: i32) -> Self {
        Self { ahead: Duration::ZERO, drift_ppm }
    }
}

/// A clock at work: what it showed at some instant, and how fast it has gone since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalClock {
    /// True time at which it was set, and what it showed then.
    set: (Instant, Instant),
    /// Local nanoseconds in a million true ones.
    rate: u128,
}

impl LocalClock {
    /// `None` for a clock that is right.
    pub(crate) fn new(clock: Clock) -> Option<Self> {
        let set = (Instant::ZERO, Instant::ZERO + clock.ahead);
        (clock != Clock::default()).then(|| Self { set, rate: rate(clock.drift_ppm) })
    }

    /// A clock that is right.
    pub(crate) const fn right() -> Self {
        Self { set: (Instant::ZERO, Instant::ZERO), rate: MILLION }
    }

    /// Lets the clock drift by `ppm` from `now` on, without a jump.
    pub(crate) fn drift(self, now: Instant, ppm: i32) -> Self {
        Self { set: (now, self.local(now)), rate: rate(ppm) }
    }

    /// What it shows at `now`; before it was set, what it showed when it was.
    pub(crate) fn local(self, now: Instant) -> Instant {
        let past = u128::from(now.as_nanos().saturating_sub(self.set.0.as_nanos()));
        after(self.set.1, past * self.rate / MILLION)
    }

    /// The first instant at which it shows `local` or more; not before it was set.
    pub(crate) fn true_time(self, local: Instant) -> Instant {
        let past = u128::from(local.as_nanos().saturating_sub(self.set.1.as_nanos()));
        after(self.set.0, (past * MILLION).div_ceil(self.rate))
    }
}

fn rate(ppm: i32) -> u128 {
    let rate = 1_000_000 + ppm.clamp(-MAX_PPM, MAX_PPM);
    u128::from(rate.unsigned_abs())
}

fn after(start: Instant, nanos: u128) -> Instant {
    let nanos = u128::from(start.as_nanos()) + nanos;
    Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::random::Stream;

    const fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn a_right_clock_costs_nothing() {
        assert_eq!(LocalClock::new(Clock::default()), None);
    }

    #[rstest]
    #[case::ahead(Clock::ahead(Duration::from_secs(3)), 1_000_000_000, 4_000_000_000)]
    #[case::fast(Clock::drifting(50), 1_000_000_000, 1_000_050_000)]
    #[case::slow(Clock::drifting(-50), 1_000_000_000, 999_950_000)]
    #[case::rounded_down(Clock::drifting(1), 999_999, 999_999)]
    #[case::clamped(Clock::drifting(i32::MIN), 1_000, 900)]
    fn clocks_show(#[case] clock: Clock, #[case] now: u64, #[case] shown: u64) {
        assert_eq!(LocalClock::new(clock).unwrap().local(at(now)), at(shown));
    }

    #[test]
    fn a_deadline_is_the_first_nanosecond_that_shows_it() {
        let mut dice = Stream::new(1, "clock");
        for _ in 0..10_000 {
            let ppm = i32::try_from(dice.below(200_001)).unwrap() - MAX_PPM;
            let clock = Clock { ahead: Duration::from_nanos(dice.below(1 << 40)), drift_ppm: ppm };
            let Some(clock) = LocalClock::new(clock) else { continue };
            let clock = clock.drift(at(dice.below(1 << 50)), ppm / 2);
            let deadline = clock.set.1 + Duration::from_nanos(dice.below(1 << 50));
            let fires = clock.true_time(deadline);
            assert!(clock.local(fires) >= deadline);
            if fires > clock.set.0 {
                assert!(clock.local(at(fires.as_nanos() - 1)) < deadline, "no earlier");
            }
        }
    }

    #[test]
    fn drift_changes_without_a_jump() {
        let clock = LocalClock::new(Clock::drifting(100)).unwrap();
        let later = clock.drift(at(1_000_000_000), -100);
        assert_eq!(later.local(at(1_000_000_000)), clock.local(at(1_000_000_000)));
        assert_eq!(later.local(at(2_000_000_000)), at(2_000_000_000));
    }

    #[test]
    fn clocks_are_written_as_people_write_them() {
        let clock = Clock { ahead: Duration::from_millis(1_500), drift_ppm: -20 };
        let text = serde_json::to_string(&clock).unwrap();
        assert_eq!(text, r#"{"ahead":"1500ms","drift-ppm":-20}"#);
        assert_eq!(serde_json::from_str::<Clock>(&text).unwrap(), clock);
        assert!(serde_json::from_str::<Clock>(r#"{"drift":1}"#).is_err());
    }
}
