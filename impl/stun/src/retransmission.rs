//! When a request is sent again, and when it is given up: RFC 8489 §6.2.1.

use std::time::Duration;

use base::Instant;

/// The timing of transactions. Every value has the default of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The interval before the first retransmission to a server whose round-trip time is not known,
    /// and the least there is to any. RFC 8489 §6.2.1 asks for 500 ms or more on the Internet.
    pub rto: Duration,
    /// How often a request is sent in all (Rc): 7. At least once.
    pub rc: u8,
    /// For how many RTO to wait for an answer to the last one (Rm): 16.
    pub rm: u8,
    /// For how long to wait for an answer on a reliable transport (Ti): 39.5 s (RFC 8489 §6.2.2).
    pub ti: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { rto: Duration::from_millis(500), rc: 7, rm: 16, ti: Duration::from_millis(39_500) }
    }
}

/// What the deadline of a retransmission asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// Send the request again.
    Send,
    /// Give up.
    GiveUp,
}

/// The timer of one request over an unreliable transport.
#[derive(Clone, Copy, Debug)]
pub struct Retransmission {
    rto: Duration,
    interval: Duration,
    left: u8,
    rm: u8,
    deadline: Instant,
}

impl Retransmission {
    /// Starts the timer of a request that is sent at `now`, with an RTO of `rto`.
    #[must_use]
    pub fn start(now: Instant, rto: Duration, timing: &Timing) -> Self {
        let rc = if base::mutant::active("stun-wrong-rc") { timing.rc + 1 } else { timing.rc };
        let left = rc.saturating_sub(1);
        let mut timer = Self { rto, interval: rto, left, rm: timing.rm, deadline: now };
        timer.arm(now);
        timer
    }

    /// When something is due next.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is due at `now`; moves on if something is.
    pub fn expire(&mut self, now: Instant) -> Due {
        if now < self.deadline {
            return Due::Nothing;
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Due::GiveUp;
        };
        self.left = left;
        if !base::mutant::active("stun-wrong-rto-doubling") {
            self.interval = self.interval.saturating_mul(2);
        }
        self.arm(now);
        Due::Send
    }

    /// Waits for the next retransmission, or for the last answer if there is none left. Counted from
    /// `now`, so that a late call does not send a burst.
    fn arm(&mut self, now: Instant) {
        let wait = match self.left {
            0 => self.rto.saturating_mul(u32::from(self.rm)),
            _ => self.interval,
        };
        self.deadline = now + wait;
    }
}

/// An estimate of the round-trip time to one host: RFC 6298 §2, with 1 ms as granularity and without
/// its floor of one second (RFC 8489 §6.2.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RttEstimate {
    smoothed: Duration,
    variation: Duration,
}

/// Granularity of the clock: RFC 8489 §6.2.1 asks for 1 ms.
const GRANULARITY: Duration = Duration::from_millis(1);
/// No RTO is longer: RFC 6298 §2.5 allows a bound of at least a minute.
const MAX_RTO: Duration = Duration::from_secs(60);

impl RttEstimate {
    /// Begins with one measurement.
    pub(crate) fn first(rtt: Duration) -> Self {
        Self { smoothed: rtt, variation: rtt / 2 }
    }

    /// Takes another measurement in.
    pub(crate) fn update(&mut self, rtt: Duration) {
        self.variation = self.variation * 3 / 4 + self.smoothed.abs_diff(rtt) / 4;
        self.smoothed = self.smoothed * 7 / 8 + rtt / 8;
    }

    /// The RTO that follows, in whole milliseconds.
    pub(crate) fn rto(&self) -> Duration {
        let exact = self.smoothed + GRANULARITY.max(self.variation * 4);
        let millis = u64::try_from(exact.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        Duration::from_millis(millis).min(MAX_RTO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(timing: &Timing) -> (Vec<u128>, u128) {
        let mut timer = Retransmission::start(Instant::ZERO, timing.rto, timing);
        let mut sent = vec![0];
        loop {
            let now = timer.deadline();
            assert_eq!(timer.expire(Instant::from_nanos(now.as_nanos() - 1)), Due::Nothing);
            match timer.expire(now) {
                Due::Send => sent.push(now.elapsed().as_millis()),
                Due::GiveUp => return (sent, now.elapsed().as_millis()),
                Due::Nothing => panic!("the deadline has come"),
            }
        }
    }

    #[test]
    fn sends_and_gives_up_as_the_example_in_the_text() {
        let (sent, given_up) = schedule(&Timing::default());
        assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(given_up, 39_500);
    }

    #[test]
    fn rc_and_rm_are_configurable() {
        let (sent, given_up) = schedule(&Timing { rc: 1, rm: 3, ..Timing::default() });
        assert_eq!((sent, given_up), (vec![0], 1_500));
        let (sent, given_up) = schedule(&Timing { rc: 0, rm: 3, ..Timing::default() });
        assert_eq!((sent, given_up), (vec![0], 1_500));
    }

    #[test]
    fn a_late_call_sends_once() {
        let mut timer =
            Retransmission::start(Instant::ZERO, Duration::from_millis(500), &Timing::default());
        let late = Instant::ZERO + Duration::from_secs(20);
        assert_eq!(timer.expire(late), Due::Send);
        assert_eq!(timer.expire(late), Due::Nothing);
        assert_eq!(timer.deadline(), late + Duration::from_secs(1));
    }

    #[test]
    fn estimates_as_tcp_does() {
        let ms = Duration::from_millis;
        let mut estimate = RttEstimate::first(ms(800));
        assert_eq!(estimate.rto(), ms(2_400));
        estimate.update(ms(800));
        assert_eq!(estimate.rto(), ms(2_000));
        estimate.update(Duration::from_micros(800_001));
        assert_eq!(estimate.rto(), ms(1_701));
        assert_eq!(RttEstimate::first(ms(100_000)).rto(), MAX_RTO);
    }
}
