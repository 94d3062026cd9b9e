//! Links: what happens to packets between two interfaces, in one direction.

use std::{fmt, sync::Arc, time::Duration};

use base::Instant;

use crate::packet::Packet;

mod impairments;
mod state;

pub(crate) use impairments::{Fate, Impairments};
pub(crate) use state::LinkState;

/// One direction of a link.
///
/// A packet passes the parts in this order: queue, rate, loss, duplication, corruption, propagation
/// delay and jitter. Loss comes after the queue, so that lost packets have cost capacity and add to those
/// that congestion loses. The default is a perfect link: no part does anything, and no time
/// passes.
///
/// ```
/// use simnet::{Jitter, Link, Loss, QueueLimit};
/// use std::time::Duration;
///
/// let adsl = Link::perfect()
///     .rate(2_000_000)
///     .queue(QueueLimit::time(Duration::from_millis(300)))
///     .delay(Duration::from_millis(12))
///     .jitter(Jitter::ordered(Duration::from_millis(5)))
///     .loss(Loss::bursts(0.01, 3.0));
/// # let _ = adsl;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Link {
    pub(crate) rate: Option<u64>,
    pub(crate) overhead: u32,
    pub(crate) queue: QueueLimit,
    pub(crate) loss: Loss,
    pub(crate) losing: Vec<u64>,
    pub(crate) predicate: Option<Predicate>,
    pub(crate) duplicate: f64,
    pub(crate) corrupt: f64,
    pub(crate) mend: bool,
    pub(crate) delay: Duration,
    pub(crate) jitter: Jitter,
    pub(crate) mtu: Option<u32>,
}

impl Link {
    /// A link that does nothing to packets and takes no time.
    #[must_use]
    pub fn perfect() -> Self {
        Self::default()
    }

    /// A link of the given propagation delay, and nothing else.
    #[must_use]
    pub fn delayed(delay: Duration) -> Self {
        Self::default().delay(delay)
    }

    /// Takes `bits_per_second` of IP packets, one packet at a time; 0 takes no limit away.
    #[must_use]
    pub const fn rate(mut self, bits_per_second: u64) -> Self {
        self.rate = if bits_per_second == 0 { None } else { Some(bits_per_second) };
        self
    }

    /// Counts `bytes` more per packet against the rate: 38 for what Ethernet adds around an IP packet.
    #[must_use]
    pub const fn overhead(mut self, bytes: u32) -> Self {
        self.overhead = bytes;
        self
    }

    /// How much may wait while the link is busy; what comes after that is dropped. Without a rate
    /// nothing ever waits.
    #[must_use]
    pub const fn queue(mut self, limit: QueueLimit) -> Self {
        self.queue = limit;
        self
    }

    /// Loses packets at random.
    #[must_use]
    pub const fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Loses the packets with these numbers, counted from 1 in the order they leave.
    #[must_use]
    pub fn losing(mut self, numbers: impl IntoIterator<Item = u64>) -> Self {
        self.losing = numbers.into_iter().collect();
        self.losing.sort_unstable();
        self
    }

    /// Loses the packets that `choose` picks. It sees every packet once, in the order they leave, with
    /// the time; it must depend on nothing else, or runs do not repeat.
    #[must_use]
    pub fn losing_if(
        mut self,
        choose: impl Fn(Instant, &Packet) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Some(Predicate(Arc::new(choose)));
        self
    }

    /// Sends a packet twice with this probability.
    #[must_use]
    pub const fn duplicating(mut self, probability: f64) -> Self {
        self.duplicate = probability;
        self
    }

    /// Turns over one bit of the UDP payload with this probability. The checksum stays as it was, so
    /// that the receiving host drops the datagram.
    #[must_use]
    pub const fn corrupting(mut self, probability: f64) -> Self {
        self.corrupt = probability;
        self.mend = false;
        self
    }

    /// As [`Link::corrupting`], but with a checksum that fits the wrong bytes, so that they reach the
    /// application.
    #[must_use]
    pub const fn corrupting_unnoticed(mut self, probability: f64) -> Self {
        self.corrupt = probability;
        self.mend = true;
        self
    }

    /// Takes this long from one end to the other, besides the time of sending at the
    /// [rate](Link::rate).
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Varies the delay.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Carries IP packets of up to this many bytes; the interface at its beginning knows it.
    #[must_use]
    pub const fn mtu(mut self, bytes: u32) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// Whether anything but rate and plain delay happens to packets.
    pub(crate) fn impairs(&self) -> bool {
        self.loss != Loss::None
            || !self.losing.is_empty()
            || self.predicate.is_some()
            || self.duplicate > 0.0
            || self.corrupt > 0.0
            || self.jitter != Jitter::None
    }

    /// Time to send `bytes` of IP at the rate, rounded up to whole nanoseconds.
    pub(crate) fn serial(&self, bytes: usize) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let bits = (bytes as u64 + u64::from(self.overhead)).saturating_mul(8);
        Duration::from_nanos(bits.saturating_mul(1_000_000_000).div_ceil(rate))
    }

    /// Bytes that may wait, if that is limited.
    pub(crate) fn queue_bytes(&self) -> Option<u64> {
        match self.queue {
            QueueLimit::Bytes(bytes) => Some(bytes),
            QueueLimit::Time(time) => {
                // RFC 8868 §4.3: the queue size in bytes is the time at the rate.
                let bits = u128::from(self.rate?) * time.as_nanos() / 1_000_000_000;
                u64::try_from(bits / 8).ok()
            }
            QueueLimit::Unlimited | QueueLimit::Packets(_) => None,
        }
    }
}

/// How much may wait in the drop-tail queue before a link. The packet being sent does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueLimit {
    /// Anything.
    #[default]
    Unlimited,
    /// This many packets.
    Packets(u32),
    /// This many bytes of IP packets.
    Bytes(u64),
    /// As many bytes as the link sends in this time.
    Time(Duration),
}

impl QueueLimit {
    /// This many packets.
    #[must_use]
    pub const fn packets(count: u32) -> Self {
        Self::Packets(count)
    }

    /// This many bytes of IP packets.
    #[must_use]
    pub const fn bytes(count: u64) -> Self {
        Self::Bytes(count)
    }

    /// As many bytes as the link sends in this time.
    #[must_use]
    pub const fn time(time: Duration) -> Self {
        Self::Time(time)
    }
}

/// Loss at random.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// Nothing is lost.
    #[default]
    None,
    /// Each packet is lost with the same probability, whatever happened to others: RFC 8868 §4.4.
    Bernoulli(f64),
    /// Packets are lost in bursts: the model of Gilbert and Elliott, a Markov chain of a good and a bad
    /// state that takes one step per packet.
    GilbertElliott {
        /// Probability to go from good to bad.
        to_bad: f64,
        /// Probability to go from bad to good.
        to_good: f64,
        /// Probability that a packet is lost in the bad state.
        lost_in_bad: f64,
        /// Probability that a packet is lost in the good state.
        lost_in_good: f64,
    },
}

impl Loss {
    /// Loses the fraction `rate` of all packets, each on its own.
    #[must_use]
    pub const fn random(rate: f64) -> Self {
        Self::Bernoulli(rate)
    }

    /// Loses the fraction `rate` of all packets, in bursts that are `burst` packets long on average
    /// (at least 1): the Gilbert–Elliott model that loses everything while bad and nothing while good.
    #[must_use]
    pub fn bursts(rate: f64, burst: f64) -> Self {
        let to_good = 1.0 / burst;
        let to_bad = to_good * rate / (1.0 - rate);
        Self::GilbertElliott { to_bad, to_good, lost_in_bad: 1.0, lost_in_good: 0.0 }
    }
}

/// Variation of the delay: RFC 8868 §4.5. Each packet takes |z| longer, where z is Gaussian with mean 0,
/// cut off at a number of standard deviations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Jitter {
    /// All packets take equally long.
    #[default]
    None,
    /// Each packet on its own, so that they may overtake each other (RBPDV, RFC 8868 §4.5.1).
    Reordering {
        /// Standard deviation of z.
        deviation: Duration,
        /// Standard deviations after which z is cut off.
        cut: f64,
    },
    /// A late packet holds up those behind it (NR-BPDV, RFC 8868 §4.5.2): none arrives before its
    /// predecessor has arrived and its own bits have been sent.
    Ordered {
        /// Standard deviation of z.
        deviation: Duration,
        /// Standard deviations after which z is cut off.
        cut: f64,
    },
}

impl Jitter {
    /// Jitter that reorders, cut off at 3 standard deviations (RFC 8868 §4.5.3).
    #[must_use]
    pub const fn reordering(deviation: Duration) -> Self {
        Self::Reordering { deviation, cut: 3.0 }
    }

    /// Jitter that keeps the order, cut off at 3 standard deviations (RFC 8868 §4.5.3).
    #[must_use]
    pub const fn ordered(deviation: Duration) -> Self {
        Self::Ordered { deviation, cut: 3.0 }
    }
}

/// Chooses packets to lose.
#[derive(Clone)]
pub(crate) struct Predicate(Arc<Choice>);

type Choice = dyn Fn(Instant, &Packet) -> bool + Send + Sync;

impl Predicate {
    pub(crate) fn holds(&self, now: Instant, packet: &Packet) -> bool {
        (self.0)(now, packet)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Predicate")
    }
}
