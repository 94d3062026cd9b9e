//! Loss, duplication, corruption and jitter of one direction of a link.

use std::time::Duration;

use base::Instant;
use bytes::Bytes;

use super::{Jitter, Link, detour::SpikeClock, jitter::Shaker, loss::Chain};
use crate::{
    event::DropReason,
    packet::{Body, Packet},
    random::Stream,
    slab::Slot,
};

/// The dice of a link that does more than carry. Each part has its own, so that a change in one leaves
/// the fate of packets in the others as it was.
#[derive(Debug)]
pub(crate) struct Impairments {
    loss: Stream,
    duplicate: Stream,
    corrupt: Stream,
    shaker: Shaker,
    spikes: SpikeClock,
    order: Stream,
    /// Packets seen.
    count: u64,
    chain: Chain,
    /// When the next packet that keeps its place arrives at the earliest.
    not_before: Instant,
    /// A packet that waits for the next one to pass, and until when.
    pub(crate) held: Option<(Slot, Instant)>,
}

/// What becomes of a packet that leaves a link's sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Carried,
    Twice,
    Lost(DropReason),
}

/// How a packet goes that is not lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flight {
    /// It arrives then, behind those that left before it.
    InOrder(Instant),
    /// It arrives then, whatever others do.
    Free(Instant),
    /// It lets the next one pass, but waits no longer than until then.
    Hold(Instant),
}

impl Impairments {
    pub(crate) fn new(seed: u64, path: &str) -> Self {
        let stream = |part: &str| Stream::new(seed, &format!("{path}/{part}"));
        Self {
            loss: stream("loss"),
            duplicate: stream("duplicate"),
            corrupt: stream("corrupt"),
            shaker: Shaker::new(stream("jitter")),
            spikes: SpikeClock::new(stream("spikes")),
            order: stream("order"),
            count: 0,
            chain: Chain::default(),
            not_before: Instant::ZERO,
            held: None,
        }
    }

    /// Decides on loss and duplication of the next packet.
    pub(crate) fn fate(&mut self, link: &Link, now: Instant, packet: &Packet) -> Fate {
        self.count += 1;
        let lost = self.chain.step(&link.loss, self.count, now, &mut self.loss);
        if link.losing.binary_search(&self.count).is_ok() {
            return Fate::Lost(DropReason::LinkList);
        }
        if link.predicate.as_ref().is_some_and(|predicate| predicate.holds(now, packet)) {
            return Fate::Lost(DropReason::LinkPredicate);
        }
        if link.gaps.as_ref().is_some_and(|gaps| gaps.loses(now)) {
            return Fate::Lost(DropReason::LinkGap);
        }
        if let Some(reason) = lost {
            return Fate::Lost(reason);
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

    /// When the packet that leaves at `now` arrives, and what it does to the order.
    pub(crate) fn flight(&mut self, link: &Link, now: Instant, bytes: usize) -> Flight {
        let mut delay = self.shaker.vary(link.jitter, link.delay);
        if let Some(spikes) = &link.spikes {
            delay += self.spikes.extra(spikes, now);
        }
        if let Some(trace) = &link.delay_trace {
            delay += trace.extra(now);
        }
        if let Some(late) = self.detour(link) {
            return Flight::Free(now + delay + late);
        }
        if link.jitter.overtakes() {
            return Flight::Free(now + delay);
        }
        if let Some(swap) = &link.swap
            && self.held.is_none()
            && self.order.chance(swap.p)
        {
            return Flight::Hold(now + swap.wait);
        }
        let at = (now + delay).max(self.not_before);
        self.not_before = match link.jitter {
            // RFC 8868 §4.5.2: not before the packet ahead, plus the time of its bits.
            Jitter::Ordered { .. } => at + link.serial(bytes),
            _ => at,
        };
        Flight::InOrder(at)
    }

    /// How late a packet is that leaves the row.
    fn detour(&mut self, link: &Link) -> Option<Duration> {
        if let Some(paths) = &link.multipath
            && self.order.chance(paths.ratio)
        {
            return Some(paths.delta);
        }
        let reorder = link.reorder.as_ref()?;
        self.order.chance(reorder.p).then_some(reorder.by)
    }
}
