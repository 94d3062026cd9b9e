//! Which of the ports of an address: RFC 4787 §4.2.

use std::net::{IpAddr, SocketAddr};

use smallvec::{SmallVec, smallvec};

use crate::{
    middlebox::Outlet,
    nat::{
        config::{Collision, FIRST_REGISTERED, Layout, Mapping, PortAssignment, Ports},
        table::{Flow, Scope},
        translate::Translator,
    },
};

/// Draws before a random assignment walks on from the last one: enough that the walk, which is not
/// uniform, only shows on a box whose ports are nearly used up.
const RANDOM_DRAWS: u32 = 16;
/// Ports that other subscribers take between two of ours, at most: beyond that nobody can tell.
const MAX_BACKGROUND: u32 = 65_536;

/// Ports at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PortSet {
    low: u16,
    stride: u16,
    count: u64,
}

impl PortSet {
    fn range(low: u16, high: u16) -> Option<Self> {
        Some(Self { low, stride: 1, count: u64::from(high.checked_sub(low)?) + 1 })
    }

    fn nth(self, index: u64) -> u16 {
        let leap = index % self.count * u64::from(self.stride);
        self.low.saturating_add(u16::try_from(leap).unwrap_or(u16::MAX))
    }

    fn index_of(self, port: u16) -> u64 {
        u64::from(port.wrapping_sub(self.low) / self.stride.max(1)) % self.count
    }
}

impl Translator {
    /// Looks for a port on one address, in the order of the assignment.
    pub(super) fn search(
        &mut self,
        address: usize,
        flow: &Flow,
        scope: Scope,
        out: &mut Outlet<'_>,
    ) -> Option<SocketAddr> {
        let ip = *self.addresses.pool.get(address)?;
        let sets: SmallVec<[PortSet; 1]> = match self.behaviour.assignment {
            PortAssignment::Block { .. } => self.blocks_of(address, flow.near.ip()),
            PortAssignment::Deterministic { ports, .. } => {
                smallvec![self.share(address, ports, flow.near.ip())?]
            }
            _ => smallvec![self.range_for(flow.near.port())?],
        };
        let picky = self.config.ports.keep_parity || self.config.ports.keep_contiguity;
        for picky in [picky, false] {
            for set in &sets {
                if let Some(found) = self.walk(ip, *set, flow, scope, picky, out) {
                    return Some(found);
                }
            }
        }
        let set = self.acquire_block(address, flow.near.ip(), sets.len(), out)?;
        self.walk(ip, set, flow, scope, false, out)
    }

    /// A random free port of the address.
    pub(in crate::nat) fn any_port(
        &self,
        ip: IpAddr,
        flow: &Flow,
        scope: Scope,
        out: &mut Outlet<'_>,
    ) -> Option<SocketAddr> {
        let set = self.range_for(flow.near.port())?;
        self.draw(ip, set, flow, scope, false, out).or_else(|| {
            let first = out.stream().below(set.count);
            let all = (first..first + set.count).map(|turn| SocketAddr::new(ip, set.nth(turn)));
            all.into_iter().find(|external| self.fits(*external, flow, scope, false))
        })
    }

    /// The first port of `set` that is free, and suits as well if `picky`.
    fn walk(
        &mut self,
        ip: IpAddr,
        set: PortSet,
        flow: &Flow,
        scope: Scope,
        picky: bool,
        out: &mut Outlet<'_>,
    ) -> Option<SocketAddr> {
        let next = self.config.ports.on_collision == Collision::Next;
        let (start, step) = match self.behaviour.assignment {
            PortAssignment::Sequential { step, start } => {
                self.leap(set, step, out);
                let first = self.next_port.or(start).unwrap_or(set.low);
                (set.index_of(first), u64::from(step.max(1)))
            }
            PortAssignment::Preserve | PortAssignment::PreserveInClass if next => {
                (set.index_of(flow.near.port()) + 1, 1)
            }
            PortAssignment::Hash if next => (hash(flow.near, set.count) + 1, 1),
            _ => {
                if let Some(found) = self.draw(ip, set, flow, scope, picky, out) {
                    return Some(found);
                }
                (out.stream().below(set.count), 1)
            }
        };
        // A step that shares a factor with the width misses ports: the second round takes them all.
        let strides = (0..set.count).map(|turn| start + turn * step);
        let all = (0..set.count).map(|turn| start + turn);
        let fits = |&port: &u16| self.fits(SocketAddr::new(ip, port), flow, scope, picky);
        let found = strides.chain(all).map(|index| set.nth(index)).find(fits)?;
        if let PortAssignment::Sequential { step, .. } = self.behaviour.assignment {
            self.next_port = Some(set.nth(set.index_of(found) + u64::from(step.max(1))));
        }
        Some(SocketAddr::new(ip, found))
    }

    /// A random port of `set`, if one is found soon: RFC 6056 §3.3.
    fn draw(
        &self,
        ip: IpAddr,
        set: PortSet,
        flow: &Flow,
        scope: Scope,
        picky: bool,
        out: &mut Outlet<'_>,
    ) -> Option<SocketAddr> {
        (0..RANDOM_DRAWS).find_map(|_| {
            let external = SocketAddr::new(ip, set.nth(out.stream().below(set.count)));
            self.fits(external, flow, scope, picky).then_some(external)
        })
    }

    fn fits(&self, external: SocketAddr, flow: &Flow, scope: Scope, picky: bool) -> bool {
        external.port() != 0
            && (!picky || self.suits(external, flow))
            && self.is_free(external, flow, scope)
    }

    /// Leaps over the ports that other subscribers took since the last assignment.
    fn leap(&mut self, set: PortSet, step: u16, out: &mut Outlet<'_>) {
        let Some(mean) = self.config.ports.background else { return };
        let elapsed = (out.now() - self.assigned_at).as_secs_f64();
        self.assigned_at = out.now();
        let (mut time, mut taken) = (out.stream().exponential() * mean.as_secs_f64(), 0);
        while time <= elapsed && taken < MAX_BACKGROUND {
            time += out.stream().exponential() * mean.as_secs_f64();
            taken += 1;
        }
        let first = self.next_port.unwrap_or(set.low);
        let leap = u64::from(taken) * u64::from(step.max(1));
        self.next_port = Some(set.nth(set.index_of(first) + leap));
    }

    /// The port that follows from the internal endpoint alone.
    pub(super) fn hashed(&self, near: SocketAddr) -> Option<u16> {
        let set = self.range_for(near.port())?;
        Some(set.nth(hash(near, set.count)))
    }

    /// RFC 7422 §2: the ports of `host` on the address, if they are there.
    fn share(&self, address: usize, ports: u16, host: IpAddr) -> Option<PortSet> {
        let (at, index) = self.deterministic(host)?;
        let low = usize::from(*self.config.ports.range.start()) + index * usize::from(ports);
        let low = u16::try_from(low).ok().filter(|_| at == address)?;
        PortSet::range(low, low.checked_add(ports.checked_sub(1)?)?)
    }

    /// The index of the address that `host` is on, and that of its share there.
    pub(super) fn deterministic(&self, host: IpAddr) -> Option<(usize, usize)> {
        let PortAssignment::Deterministic { inside, ports } = self.behaviour.assignment else {
            return None;
        };
        let IpAddr::V4(host) = host else { return None };
        let first = inside.contains(host.into()).then(|| inside.nth(0))??;
        let IpAddr::V4(first) = first else { return None };
        let index = usize::try_from(host.to_bits() - first.to_bits()).ok()?;
        let shares = self.count_of(ports)?;
        Some((index / shares, index % shares))
    }

    /// How many shares of so many ports an address has, if any.
    fn count_of(&self, ports: u16) -> Option<usize> {
        let range = &self.config.ports.range;
        let width = usize::from(range.end().checked_sub(*range.start())?) + 1;
        width.checked_div(ports.into()).filter(|count| *count > 0)
    }

    /// The blocks of `host` on the address.
    fn blocks_of(&self, address: usize, host: IpAddr) -> SmallVec<[PortSet; 1]> {
        let of_address = self.blocks.range((address, 0)..=(address, usize::MAX));
        let own = of_address.filter(|(_, owner)| **owner == host);
        own.filter_map(|((_, block), _)| self.block(*block)).collect()
    }

    /// The ports of a block.
    fn block(&self, index: usize) -> Option<PortSet> {
        let PortAssignment::Block { size, layout, .. } = self.behaviour.assignment else {
            return None;
        };
        let low = usize::from(*self.config.ports.range.start());
        let (first, stride) = match layout {
            Layout::Contiguous => (low + index * usize::from(size), 1),
            Layout::Scattered => (low + index, u16::try_from(self.count_of(size)?).ok()?),
        };
        Some(PortSet { low: u16::try_from(first).ok()?, stride, count: size.into() })
    }

    /// Gives `host`, which has `held` blocks, another one if there is one.
    fn acquire_block(
        &mut self,
        address: usize,
        host: IpAddr,
        held: usize,
        out: &mut Outlet<'_>,
    ) -> Option<PortSet> {
        let PortAssignment::Block { size, blocks, .. } = self.behaviour.assignment else {
            return None;
        };
        let count = self.count_of(size).filter(|_| held < usize::from(blocks))?;
        let first = usize::try_from(out.stream().below(count as u64)).unwrap_or(0);
        // A block is free when its owner has no mapping left.
        let index = (first..first + count).map(|turn| turn % count).find(|index| {
            let owner = self.blocks.get(&(address, *index));
            owner.is_none_or(|owner| *owner != host && self.table.host(*owner).is_none())
        })?;
        self.blocks.insert((address, index), host);
        self.block(index)
    }

    /// The ports that may stand for `internal`.
    fn range_for(&self, internal: u16) -> Option<PortSet> {
        let Ports { range, keep_class, .. } = &self.config.ports;
        let in_class = self.behaviour.assignment == PortAssignment::PreserveInClass;
        let (low, high) = match internal {
            0..512 if in_class => (1, 511),
            512..FIRST_REGISTERED if in_class => (512, FIRST_REGISTERED - 1),
            FIRST_REGISTERED.. if in_class => (FIRST_REGISTERED, u16::MAX),
            // RFC 4787 §4.2.1: the low ports keep to themselves, and so do the others.
            0..FIRST_REGISTERED if *keep_class => (1, FIRST_REGISTERED - 1),
            FIRST_REGISTERED.. if *keep_class => {
                (FIRST_REGISTERED.max(*range.start()), *range.end())
            }
            _ => (*range.start(), *range.end()),
        };
        PortSet::range(low, high)
    }

    /// Whether `external` keeps the promises about parity and contiguity.
    fn suits(&self, external: SocketAddr, flow: &Flow) -> bool {
        let ports = &self.config.ports;
        let parity = external.port() % 2 == flow.near.port() % 2
            || base::mutant::active("nat-port-parity-lost");
        if ports.keep_contiguity {
            let pair = SocketAddr::new(external.ip(), external.port() ^ 1);
            let alone = self.table.mappings_at(flow.protocol, pair).is_empty();
            return parity && alone && !self.is_reserved(external, flow);
        }
        !ports.keep_parity || parity
    }

    /// Whether `external` is kept for the partner of the port below it, and `flow` is not that.
    pub(super) fn is_reserved(&self, external: SocketAddr, flow: &Flow) -> bool {
        if !self.config.ports.keep_contiguity || external.port().is_multiple_of(2) {
            return false;
        }
        let below = SocketAddr::new(external.ip(), external.port() - 1);
        let holder = self.table.mappings_at(flow.protocol, below).first();
        holder.and_then(|id| self.table.mapping(*id)).is_some_and(|holder| {
            let partner = SocketAddr::new(holder.internal.ip(), holder.internal.port() | 1);
            holder.internal.port() % 2 == 0 && partner != flow.near
        })
    }

    /// Whether a mapping for `scope` may have `external` beside those that exist.
    pub(in crate::nat) fn is_free(&self, external: SocketAddr, flow: &Flow, scope: Scope) -> bool {
        let outside = Flow { near: external, ..*flow };
        if self.table.is_remembered(&outside) || self.is_held_down(external, flow) {
            return false;
        }
        let holders = self.table.mappings_at(flow.protocol, external);
        let shared = scope != Scope::Any
            && (self.config.ports.overlap_by_destination
                || self.mapping_behaviour(flow.protocol) == Mapping::EndpointIndependentIfPossible);
        if !shared {
            return holders.is_empty();
        }
        if self.table.is_taken(flow.protocol, external, scope) {
            return false;
        }
        // Scopes of one kind are equal or disjoint. Kinds mix after a change of behaviour, where TCP is
        // not mapped as UDP is, and where mappings are asked for by name.
        let config = &self.config;
        let mixed = config.over_time.deviation.is_some()
            || config.share_protocols && config.tcp.mapping.is_some()
            || self.table.has_names();
        !mixed
            || holders.iter().filter_map(|id| self.table.mapping(*id)).all(|holder| {
                matches!(
                    (holder.scope, scope),
                    (Scope::Address(_), Scope::Address(_))
                        | (Scope::Endpoint(_), Scope::Endpoint(_))
                )
            })
    }
}

/// A number below `bound` that follows from an endpoint alone: RFC 6056 §3.3.3, without the destination
/// where it stands for an internal one.
pub(super) fn hash(near: SocketAddr, bound: u64) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut state = crate::nat::hash::Mixer::default();
    match near.ip() {
        IpAddr::V4(ip) => ip.to_bits().hash(&mut state),
        IpAddr::V6(ip) => ip.to_bits().hash(&mut state),
    }
    near.port().hash(&mut state);
    state.finish() % bound
}
