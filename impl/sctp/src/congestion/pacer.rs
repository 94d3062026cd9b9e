//! Packets spread over time.

use std::time::Duration;

use base::Instant;

/// Nanoseconds in a second, the scale of [`Pacer::tokens`].
const SECOND: i128 = 1_000_000_000;
/// How much of the rate may leave at once. A driver wakes at best once a millisecond, so a shorter burst
/// could not hold the rate.
const BURST: Duration = Duration::from_millis(1);
/// Packets that may leave at once at any rate: what RFC 9002 §7.7 lets a sender start with, so that short
/// messages never wait for the pacer.
const BURST_PACKETS: u64 = 10;
/// Whoever waits for the pacer waits until this much of the rate may leave, so that timers do not fire
/// once for each packet.
const QUANTUM: Duration = Duration::from_micros(250);

/// A bucket of tokens that fills at the controller's rate.
///
/// It may go into debt: what recovery sends beyond the rate is paid back before anything else leaves.
/// Tokens are kept in bytes times nanoseconds a second, so that no rounding ever loses any.
#[derive(Debug)]
pub(super) struct Pacer {
    rate: u64,
    packet: u64,
    tokens: i128,
    filled_at: Instant,
}

impl Pacer {
    pub(super) fn new(packet: u64) -> Self {
        let mut pacer = Self { rate: 0, packet, tokens: 0, filled_at: Instant::ZERO };
        pacer.tokens = pacer.capacity();
        pacer
    }

    /// Bytes that may leave now; more than are there at rate zero, which means that nothing is paced.
    pub(super) fn budget(&self, now: Instant) -> u64 {
        if self.rate == 0 {
            return u64::MAX;
        }
        let tokens = self.tokens_at(now);
        if tokens <= 0 {
            return 0;
        }
        // What is left of a token lets a whole packet go: the debt is remembered.
        u64::try_from(tokens / SECOND).unwrap_or(u64::MAX).max(self.packet)
    }

    /// When enough may leave to be worth a wake-up; `None` if something may leave now.
    pub(super) fn release(&self, now: Instant) -> Option<Instant> {
        if self.rate == 0 {
            return None;
        }
        let tokens = self.tokens_at(now);
        if tokens > 0 {
            return None;
        }
        let quantum = self.worth(QUANTUM).max(1);
        let wait = (quantum - tokens) / i128::from(self.rate) + 1;
        let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        Some(now + wait)
    }

    /// Takes `bytes` from the bucket.
    pub(super) fn on_sent(&mut self, now: Instant, bytes: u64) {
        if self.rate == 0 {
            return;
        }
        self.fill(now);
        // A debt of more than the bucket is forgiven: it can only come from packets that the pacer was
        // not asked about, and must not silence the sender.
        let owed = self.tokens - i128::from(bytes) * SECOND;
        self.tokens = owed.max(-self.capacity());
    }

    /// Fills at `rate` bytes a second from now on; 0 paces nothing.
    pub(super) fn set_rate(&mut self, now: Instant, rate: u64) {
        if rate == self.rate {
            return;
        }
        self.fill(now);
        self.rate = rate;
        self.tokens = self.tokens.min(self.capacity());
    }

    pub(super) fn set_packet_size(&mut self, bytes: u64) {
        self.packet = bytes;
    }

    fn fill(&mut self, now: Instant) {
        self.tokens = self.tokens_at(now);
        self.filled_at = self.filled_at.max(now);
    }

    fn tokens_at(&self, now: Instant) -> i128 {
        let elapsed = now.saturating_duration_since(self.filled_at);
        (self.tokens + self.worth(elapsed)).min(self.capacity())
    }

    fn capacity(&self) -> i128 {
        self.worth(BURST).max(i128::from(self.packet.saturating_mul(BURST_PACKETS)) * SECOND)
    }

    fn worth(&self, span: Duration) -> i128 {
        // A rate of 64 bits times a span of 64 bits fits, whatever they are.
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        i128::from(self.rate) * i128::from(nanos)
    }
}

#[cfg(test)]
mod tests;
