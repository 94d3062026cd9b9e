//! Loss, duplication, corruption and jitter of one direction of a link.

use std::time::Duration;

use base::Instant;
use bytes::Bytes;

use super::{Jitter, Link, Loss};
use crate::{
    event::DropReason,
    packet::{Body, Packet},
    random::Stream,
};

/// The dice of a link that does more than carry. Each part has its own, so that a change in one leaves
/// the fate of packets in the others as it was.
#[derive(Debug)]
pub(crate) struct Impairments {
    loss: Stream,
    duplicate: Stream,
    corrupt: Stream,
    jitter: Stream,
    /// Packets seen.
    count: u64,
    /// Where the Gilbert–Elliott chain is.
    bad: bool,
    /// When the last packet arrives, and how long the bits of it take.
    last: Option<(Instant, Duration)>,
}

/// What becomes of a packet that leaves a link's sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Carried,
    Twice,
    Lost(DropReason),
}

impl Impairments {
    pub(crate) fn new(seed: u64, path: &str) -> Self {
        let stream = |part: &str| Stream::new(seed, &format!("{path}/{part}"));
        Self {
            loss: stream("loss"),
            duplicate: stream("duplicate"),
            corrupt: stream("corrupt"),
            jitter: stream("jitter"),
            count: 0,
            bad: false,
            last: None,
        }
    }

    /// Decides on loss and duplication of the next packet.
    pub(crate) fn fate(&mut self, link: &Link, now: Instant, packet: &Packet) -> Fate {
        self.count += 1;
        let lost = self.is_lost(link.loss);
        if link.losing.binary_search(&self.count).is_ok() {
            return Fate::Lost(DropReason::LinkList);
        }
        if link.predicate.as_ref().is_some_and(|predicate| predicate.holds(now, packet)) {
            return Fate::Lost(DropReason::LinkPredicate);
        }
        if lost {
            return Fate::Lost(DropReason::LinkLoss);
        }
        if link.duplicate > 0.0 && self.duplicate.chance(link.duplicate) {
            return Fate::Twice;
        }
        Fate::Carried
    }

    /// Turns over a bit of the payload if it is the packet's turn; says whether it did.
    pub(crate) fn corrupt(&mut self, link: &Link, packet: &mut Packet) -> bool {
        if link.corrupt <= 0.0 || !self.corrupt.chance(link.corrupt) {
            return false;
        }
        let payload = match &mut packet.body {
            Body::Udp(udp) => {
                udp.checksum_ok &= link.mend;
                &mut udp.payload
            }
            Body::Tcp(tcp) => {
                // The flipped bit of an empty segment is one of its header: the checksum is wrong.
                tcp.checksum_ok &= link.mend && !tcp.payload.is_empty();
                &mut tcp.payload
            }
            Body::Trailing(bytes) => {
                packet.damaged |= !link.mend;
                bytes
            }
            Body::Icmp(_) => return false,
        };
        let mut bytes = payload.to_vec();
        let bit = self.corrupt.below(bytes.len() as u64 * 8);
        if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| bytes.get_mut(at)) {
            *byte ^= 1 << (bit % 8);
        }
        *payload = Bytes::from(bytes);
        true
    }

    /// When the packet that leaves at `now` arrives, and whether it may overtake others.
    pub(crate) fn arrival(&mut self, link: &Link, now: Instant, bytes: usize) -> (Instant, bool) {
        let plain = now + link.delay;
        match link.jitter {
            Jitter::None => (plain, false),
            Jitter::Reordering { deviation, cut } => (plain + self.late(deviation, cut), true),
            Jitter::Ordered { deviation, cut } => {
                let mut at = plain + self.late(deviation, cut);
                // RFC 8868 §4.5.2: not before the packet ahead, plus the time of its bits.
                if let Some((last, serial)) = self.last {
                    at = at.max(last + serial);
                }
                self.last = Some((at, link.serial(bytes)));
                (at, false)
            }
        }
    }

    fn is_lost(&mut self, loss: Loss) -> bool {
        match loss {
            Loss::None => false,
            Loss::Bernoulli(probability) => self.loss.chance(probability),
            Loss::GilbertElliott { to_bad, to_good, lost_in_bad, lost_in_good } => {
                let turn = self.loss.chance(if self.bad { to_good } else { to_bad });
                self.bad ^= turn;
                self.loss.chance(if self.bad { lost_in_bad } else { lost_in_good })
            }
        }
    }

    /// RFC 8868 §4.5.3: the absolute value of a truncated Gaussian.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a finite number of nanoseconds that is not negative; the cast saturates"
    )]
    fn late(&mut self, deviation: Duration, cut: f64) -> Duration {
        let z = libm::fmin(libm::fabs(self.jitter.gaussian()), cut);
        let deviation = u64::try_from(deviation.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(libm::round(z * deviation as f64) as u64)
    }
}
