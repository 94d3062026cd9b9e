//! Policer, queue discipline and rate of a link that has more than a fixed rate and a drop-tail queue.

use std::net::{IpAddr, SocketAddr};

use base::Instant;

use super::{
    Item, Link, Rate,
    queue::Discipline,
    rate::{Bucket, Pacer},
};
use crate::{packet::Packet, slab::Slot};

/// The parts that packets pass before they leave.
#[derive(Debug)]
pub(crate) struct Shaping {
    policer: Option<Policer>,
    pub(crate) discipline: Discipline,
    pub(crate) pacer: Pacer,
}

#[derive(Debug)]
struct Policer {
    sustained: Bucket,
    peak: Option<Bucket>,
}

/// What a peak rate allows at once: a packet as long as Ethernet carries.
const PEAK_BURST: u64 = 1_500;

impl Shaping {
    pub(crate) fn new(spec: &Link, seed: u64, path: &str) -> Self {
        let policer = spec.policer.as_ref().map(|bucket| Policer {
            sustained: Bucket::new(bucket.rate, bucket.burst),
            peak: bucket.peak.map(|peak| Bucket::new(peak, PEAK_BURST)),
        });
        Self {
            policer,
            discipline: Discipline::new(&spec.queue, spec.rate.nominal(), seed, path),
            pacer: Pacer::new(&spec.rate, spec.overhead, spec.gaps.as_deref()),
        }
    }

    /// Whether the policer lets a packet of `bytes` in.
    pub(crate) fn admits(&mut self, now: Instant, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let Some(Policer { sustained, peak }) = &mut self.policer else { return true };
        let fits = |bucket: &mut Bucket| bucket.ready(now, bytes) == Some(now);
        if !peak.as_mut().is_none_or(fits) || !sustained.conforms(now, bytes) {
            return false;
        }
        if let Some(peak) = peak {
            peak.take(now, bytes);
        }
        true
    }

    /// What the queue has to know about a packet that comes at `now`.
    pub(crate) fn item(&self, now: Instant, packet: &Packet, slot: Slot, bytes: usize) -> Item {
        let mut item = Item::new(slot, u32::try_from(bytes).unwrap_or(u32::MAX), now);
        item.ecn = packet.ecn;
        item.dscp = packet.dscp;
        if self.discipline.knows_flows() {
            item.flow = flow(packet);
        }
        item
    }

    /// Keeps the parts of `old` whose parameters are the same.
    pub(super) fn inherit(&mut self, old: &mut Self, new_spec: &Link, old_spec: &Link) {
        if new_spec.queue == old_spec.queue && new_spec.rate.nominal() == old_spec.rate.nominal() {
            std::mem::swap(&mut self.discipline, &mut old.discipline);
        }
        let paced = |spec: &Link| (spec.rate.clone(), spec.overhead, spec.gaps.clone());
        if new_spec.rate != Rate::Unlimited && paced(new_spec) == paced(old_spec) {
            std::mem::swap(&mut self.pacer, &mut old.pacer);
        }
        if new_spec.policer == old_spec.policer {
            std::mem::swap(&mut self.policer, &mut old.policer);
        }
    }
}

/// The flow of a packet, from addresses, ports and protocol (RFC 8290 §4.1): a hash by the method of
/// Fowler, Noll and Vo (FNV-1a), equal on every platform.
fn flow(packet: &Packet) -> u64 {
    let protocol = packet.protocol() as u8;
    let ends = [packet.source(), packet.destination()];
    ends.iter().fold(mix(0xCBF2_9CE4_8422_2325, &[protocol]), |hash, end: &SocketAddr| {
        let hash = match end.ip() {
            IpAddr::V4(v4) => mix(hash, &v4.octets()),
            IpAddr::V6(v6) => mix(hash, &v6.octets()),
        };
        mix(hash, &end.port().to_be_bytes())
    })
}

fn mix(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}
