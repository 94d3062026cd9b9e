//! Links: what happens to packets between two interfaces, in one direction.

use std::time::Duration;

use base::Instant;
use serde::{Deserialize, Serialize};

use crate::{packet::Packet, units};

mod brief;
mod detour;
mod gaps;
mod impairments;
mod jitter;
mod loss;
mod predicate;
mod queue;
mod rate;
mod shaping;
mod state;
mod timeline;

pub use detour::{DelayStep, DelayTrace, Multipath, Peak, Reorder, Spikes, Swap};
pub use gaps::{Gaps, InGap, When, Window};
pub(crate) use impairments::{Fate, Flight, Impairments};
pub use jitter::Jitter;
pub use loss::{BadLossTrace, Loss, LossTrace, Markov};
use predicate::Predicate;
pub(crate) use queue::{Admission, Item, Refuse};
pub use queue::{
    Codel, DualPi2, DualScheduler, Fq, FqCodel, Pie, Priority, Queue, QueueLimit, Red,
};
pub use rate::{
    Airtime, Bearer, DeliveryTrace, Fading, Piecewise, Rate, RateStep, TokenBucket, TraceError,
};
pub(crate) use rate::{Media, Pace};
pub(crate) use shaping::Shaping;
pub(crate) use state::{LinkState, Pass};

/// One direction of a link.
///
/// A packet passes the parts in this order: policer, queue, rate, loss, duplication, corruption, propagation
/// delay and jitter. Loss comes after the queue, so that lost packets have cost capacity and add to those
/// that congestion loses. The default is a perfect link: no part does anything, and no time
/// passes.
///
/// ```
/// use simnet::{Jitter, Link, Loss, Queue, QueueLimit};
/// use std::time::Duration;
///
/// let adsl = Link::perfect()
///     .rate(2_000_000)
///     .queue(QueueLimit::time(Duration::from_millis(300)))
///     .delay(Duration::from_millis(12))
///     .jitter(Jitter::ordered(Duration::from_millis(5)))
///     .loss(Loss::bursts(0.01, 3.0));
/// let better = adsl.clone().queue(Queue::fq_codel());
/// # let _ = better;
/// ```
///
/// Files hold the same, the parts under the names of the fields:
///
/// ```
/// let text = r#"{
///     "rate": "2Mbps", "queue": "fq-codel", "delay": "12ms",
///     "jitter": { "nr-bpdv": { "std": "5ms" } }, "loss": { "bursts": { "rate": "1%", "length": 3 } }
/// }"#;
/// let link: simnet::Link = serde_json::from_str(text).unwrap();
/// assert!(link.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Link {
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) rate: Rate,
    /// Bytes that count against the rate besides those of IP.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) overhead: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) policer: Option<Box<TokenBucket>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) queue: Queue,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) gaps: Option<Box<Gaps>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) loss: Loss,
    /// Numbers of packets that are lost, in order.
    #[serde(deserialize_with = "sorted", skip_serializing_if = "is_default")]
    pub(crate) losing: Vec<u64>,
    #[serde(skip)]
    pub(crate) predicate: Option<Predicate>,
    #[serde(with = "units::fraction", skip_serializing_if = "is_default")]
    pub(crate) duplicate: f64,
    #[serde(with = "units::fraction", skip_serializing_if = "is_default")]
    pub(crate) corrupt: f64,
    /// Whether corrupted packets get a checksum that fits.
    #[serde(rename = "corrupt-unnoticed", skip_serializing_if = "is_default")]
    pub(crate) mend: bool,
    #[serde(with = "units::duration", skip_serializing_if = "is_default")]
    pub(crate) delay: Duration,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) jitter: Jitter,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) spikes: Option<Box<Spikes>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) delay_trace: Option<Box<DelayTrace>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) reorder: Option<Box<Reorder>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) swap: Option<Box<Swap>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) multipath: Option<Box<Multipath>>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) mtu: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) pmtu: Option<PathMtu>,
}

/// A smaller MTU somewhere in the middle of what the link stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PathMtu {
    /// Bytes of IP that pass.
    pub mtu: u32,
    /// Whether the sender of a longer packet that must not be fragmented is told; without, the path is a
    /// black hole for it (RFC 8899 §1).
    pub icmp: bool,
}

fn sorted<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let mut numbers = Vec::<u64>::deserialize(from)?;
    numbers.sort_unstable();
    Ok(numbers)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    pub fn rate(mut self, bits_per_second: u64) -> Self {
        self.rate =
            if bits_per_second == 0 { Rate::Unlimited } else { Rate::Fixed(bits_per_second) };
        self
    }

    /// Takes packets at a rate that may change.
    #[must_use]
    pub fn paced(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Counts `bytes` more per packet against the rate: 38 for what Ethernet adds around an IP packet.
    #[must_use]
    pub const fn overhead(mut self, bytes: u32) -> Self {
        self.overhead = bytes;
        self
    }

    /// Drops what comes faster than the bucket fills, before the queue.
    #[must_use]
    pub fn policed(mut self, bucket: TokenBucket) -> Self {
        self.policer = Some(Box::new(bucket));
        self
    }

    /// What waits while the link is busy, and what is dropped or marked. Without a rate nothing ever
    /// waits.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Queue>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Sends nothing in certain times.
    #[must_use]
    pub fn gaps(mut self, gaps: Gaps) -> Self {
        self.gaps = Some(Box::new(gaps));
        self
    }

    /// Loses packets at random.
    #[must_use]
    pub fn loss(mut self, loss: Loss) -> Self {
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
        self.predicate = Some(Predicate::new(choose));
        self
    }

    /// Sends a packet twice with this probability.
    #[must_use]
    pub const fn duplicating(mut self, probability: f64) -> Self {
        self.duplicate = probability;
        self
    }

    /// Turns over one bit of the payload with this probability. The checksum stays as it was, so
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

    /// Takes longer in certain times. Packets keep their order.
    #[must_use]
    pub fn spikes(mut self, spikes: Spikes) -> Self {
        self.spikes = Some(Box::new(spikes));
        self
    }

    /// Adds recorded delays. Packets keep their order.
    #[must_use]
    pub fn delay_trace(mut self, trace: DelayTrace) -> Self {
        self.delay_trace = Some(Box::new(trace));
        self
    }

    /// Delivers some packets so late that others overtake them.
    #[must_use]
    pub fn reordering(mut self, p: f64, by: Duration) -> Self {
        self.reorder = Some(Box::new(Reorder { p, by }));
        self
    }

    /// Lets packets change places with the one behind them with probability `p`; where none comes, they
    /// go on after `wait`.
    #[must_use]
    pub fn swapping(mut self, p: f64, wait: Duration) -> Self {
        self.swap = Some(Box::new(Swap { p, wait }));
        self
    }

    /// Sends a share of the packets over a path that is longer by `delta`.
    #[must_use]
    pub fn multipath(mut self, ratio: f64, delta: Duration) -> Self {
        self.multipath = Some(Box::new(Multipath { ratio, delta }));
        self
    }

    /// Carries IP packets of up to this many bytes; the interface at its beginning knows it.
    #[must_use]
    pub const fn mtu(mut self, bytes: u32) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// Carries IP packets of up to this many bytes, which the interface at its beginning does not know:
    /// longer ones get as far as the middle. IPv4 packets that may be fragmented are; of the others, the
    /// sender is told if `icmp`.
    #[must_use]
    pub const fn path_mtu(mut self, mtu: u32, icmp: bool) -> Self {
        self.pmtu = Some(PathMtu { mtu, icmp });
        self
    }

    /// Whether the parameters make sense.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), &'static str> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let shares = [
            self.duplicate,
            self.corrupt,
            self.reorder.as_ref().map_or(0.0, |reorder| reorder.p),
            self.swap.as_ref().map_or(0.0, |swap| swap.p),
            self.multipath.as_ref().map_or(0.0, |paths| paths.ratio),
        ];
        let narrow = |mtu: Option<u32>| mtu.is_some_and(|mtu| mtu < 68);
        let complaints = [
            self.rate.complaint(),
            self.policer.as_ref().and_then(|bucket| bucket.complaint()),
            self.queue.complaint(),
            self.gaps.as_ref().and_then(|gaps| gaps.complaint()),
            self.loss.complaint(),
            self.jitter.complaint(),
            self.spikes.as_ref().and_then(|spikes| spikes.complaint()),
            self.delay_trace.as_ref().and_then(|trace| trace.complaint()),
            (!shares.into_iter().all(share)).then_some("a probability lies between 0 and 1"),
            (narrow(self.mtu) || narrow(self.pmtu.map(|path| path.mtu)))
                .then_some("IPv4 needs an MTU of at least 68 bytes"),
        ];
        complaints.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    /// Whether anything but rate and plain delay happens to packets.
    pub(crate) fn impairs(&self) -> bool {
        self.loss != Loss::None
            || !self.losing.is_empty()
            || self.predicate.is_some()
            || self.duplicate > 0.0
            || self.corrupt > 0.0
            || self.jitter != Jitter::None
            || self.spikes.is_some()
            || self.delay_trace.is_some()
            || self.reorder.is_some()
            || self.swap.is_some()
            || self.multipath.is_some()
            || self.gaps.as_ref().is_some_and(|gaps| !gaps.hold())
    }

    /// Whether more than a fixed rate and a drop-tail queue decides when packets leave.
    pub(crate) fn is_shaped(&self) -> bool {
        !matches!(self.rate, Rate::Unlimited | Rate::Fixed(_))
            || !matches!(self.queue, Queue::DropTail(_))
            || self.policer.is_some()
            || self.pmtu.is_some()
            || self.gaps.as_ref().is_some_and(|gaps| gaps.hold())
    }

    /// Time to send `bytes` of IP at the (nominal) rate, rounded up to whole nanoseconds.
    pub(crate) fn serial(&self, bytes: usize) -> Duration {
        let rate = match &self.rate {
            Rate::Fixed(rate) => Some(*rate),
            other => other.nominal(),
        };
        let Some(rate) = rate else { return Duration::ZERO };
        rate::serial((bytes as u64 + u64::from(self.overhead)).saturating_mul(8), rate)
    }
}
