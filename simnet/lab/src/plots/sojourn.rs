//! How long packets wait before a link.

use std::{collections::BTreeMap, time::Duration};

use base::Instant;
use simnet::{Event, HopId, Observer, Packet, PacketId, Place, Topology};

use super::Curve;

/// Packets before this time do not count: flows find their rate first.
const WARM_UP: Duration = Duration::from_secs(5);
/// Length of the intervals whose shortest waiting is kept: that of CoDel (RFC 8289 §4.2).
const FLOOR: Duration = Duration::from_millis(100);
/// Length of the intervals that are drawn.
const STEP: Duration = Duration::from_millis(100);

/// Sorts packets into kinds.
pub(super) type Kind = fn(&Packet) -> usize;

/// Measures what packets wait at one interface: their whole time on the link less what its delay and their
/// bits take.
#[derive(Debug)]
pub(super) struct Sojourns {
    hop_name: &'static str,
    delay: Duration,
    rate: u64,
    kind: Kind,
    hops: Option<(HopId, HopId)>,
    flying: BTreeMap<PacketId, (Instant, usize)>,
    samples: Vec<Sample>,
    /// The kinds of packets that were dropped.
    dropped: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    wait: Duration,
    bytes: usize,
    kind: usize,
}

impl Sojourns {
    /// Watches the link that leaves the interface of this name, with its delay and rate.
    pub(super) const fn at(hop_name: &'static str, delay: Duration, rate: u64, kind: Kind) -> Self {
        Self {
            hop_name,
            delay,
            rate,
            kind,
            hops: None,
            flying: BTreeMap::new(),
            samples: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// The packets of one kind, as a curve.
    pub(super) fn curve(&self, name: &str, kind: usize) -> Curve {
        let steady = |sample: &&Sample| sample.kind == kind && sample.at >= Instant::ZERO + WARM_UP;
        let samples: Vec<Sample> = self.samples.iter().filter(steady).copied().collect();
        let mut waits: Vec<f64> = samples.iter().map(|sample| millis(sample.wait)).collect();
        waits.sort_by(f64::total_cmp);
        let rank = |percent: usize| {
            let at = (waits.len() * percent).div_ceil(100).saturating_sub(1);
            waits.get(at).copied().unwrap_or(0.0)
        };
        let all: Vec<Sample> =
            self.samples.iter().filter(|sample| sample.kind == kind).copied().collect();
        // The rate is that of packets that leave in the time, whenever they came.
        let left = |sample: &Sample| (sample.at + sample.wait).elapsed();
        let end = all.iter().map(left).max().unwrap_or(WARM_UP);
        let time = end.saturating_sub(WARM_UP).as_secs_f64();
        let leaving = all.iter().filter(|sample| left(sample) > WARM_UP);
        let bytes: usize = leaving.map(|sample| sample.bytes).sum();
        Curve {
            name: name.to_owned(),
            packets: samples.len(),
            dropped: self.dropped.iter().filter(|dropped| **dropped == kind).count(),
            rate: if time > 0.0 { real(bytes) * 8.0 / time } else { 0.0 },
            mean: mean(&waits),
            p50: rank(50),
            p95: rank(95),
            p99: rank(99),
            points: intervals(&all, STEP).map(|(at, waits)| (at, mean(&waits))).collect(),
            floor: intervals(&samples, FLOOR)
                .map(|(_, waits)| waits.iter().copied().fold(f64::INFINITY, f64::min))
                .collect(),
        }
    }
}

/// Waiting of the packets of each interval that has any, with the time at which it begins.
fn intervals(samples: &[Sample], step: Duration) -> impl Iterator<Item = (f64, Vec<f64>)> {
    let mut intervals: BTreeMap<u128, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let number = sample.at.elapsed().as_nanos() / step.as_nanos();
        intervals.entry(number).or_default().push(millis(sample.wait));
    }
    let seconds = step.as_secs_f64();
    intervals.into_iter().map(move |(number, waits)| {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        (f64::from(number) * seconds, waits)
    })
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / real(values.len()) }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
const fn real(count: usize) -> f64 {
    count as f64
}

impl Observer for Sojourns {
    fn start(&mut self, topology: &Topology) {
        let hop = topology.hops.iter().find(|hop| hop.name == self.hop_name);
        self.hops = hop.map(|hop| (hop.id, hop.peer));
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        let Some((near, far)) = self.hops else { return };
        match *event {
            Event::Sent { hop, packet } if hop == near => {
                self.flying.insert(packet.id, (at, (self.kind)(packet)));
            }
            Event::Received { hop, packet } if hop == far => {
                let Some((sent, kind)) = self.flying.remove(&packet.id) else { return };
                let bytes = packet.ip_length();
                let bits = bytes as u64 * 8 * 1_000_000_000;
                let serial = Duration::from_nanos(bits.div_ceil(self.rate));
                let wait = (at - sent).saturating_sub(self.delay + serial);
                self.samples.push(Sample { at: sent, wait, bytes, kind });
            }
            Event::Dropped { place: Place::Hop(hop), packet, .. } if hop == near => {
                self.dropped.extend(self.flying.remove(&packet.id).map(|(_, kind)| kind));
            }
            _ => {}
        }
    }
}
