//! Which external endpoint a new mapping gets: RFC 4787 §4.2, and pooling (RFC 4787 §4.1).

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
};

use super::{
    address::translate_prefix,
    config::{Collision, FIRST_REGISTERED, Ipv6, Mapping, Pooling, PortAssignment, Trigger},
    refusal::Refusal,
    slab::Id,
    table::{Flow, Scope},
    translate::Translator,
};
use crate::{event::NatEvent, middlebox::Outlet};

/// Draws before a random assignment walks on from the last one: enough that the walk, which is not
/// uniform, only shows on a box whose ports are nearly used up.
const RANDOM_DRAWS: u32 = 16;

/// An external endpoint, and the index of its address in the pool.
pub(super) struct Assigned {
    pub(super) external: SocketAddr,
    pub(super) address: usize,
}

impl Translator {
    /// Chooses the external endpoint of a new mapping of `flow.near` for `scope`.
    pub(super) fn assign(
        &mut self,
        flow: &Flow,
        scope: Scope,
        out: &mut Outlet<'_>,
    ) -> Result<Assigned, Refusal> {
        let internal = flow.near;
        if let IpAddr::V6(ip) = internal.ip()
            && flow.far.is_ipv6()
        {
            let ip = match self.config.ipv6 {
                Ipv6::TranslatePrefix { internal, external, length } => {
                    translate_prefix(ip, internal, external, length)
                }
                Ipv6::Filter | Ipv6::Route | Ipv6::Drop => ip,
            };
            return Ok(Assigned {
                external: SocketAddr::new(ip.into(), internal.port()),
                address: 0,
            });
        }
        if let Some(ip) = self.addresses.dedicated(internal.ip()) {
            return Ok(Assigned { external: SocketAddr::new(ip, internal.port()), address: 0 });
        }
        let addresses = self.candidates(internal.ip(), out)?;
        if let Some(assigned) = self.inherit(flow, scope, &addresses) {
            return Ok(assigned);
        }
        if self.preserves()
            && let Some(assigned) = self.preserve(flow, scope, &addresses, out)?
        {
            return Ok(assigned);
        }
        for address in addresses {
            if let Some(external) = self.search(address, flow, scope, out) {
                return Ok(Assigned { external, address });
            }
        }
        Err(Refusal::NoPort { internal })
    }

    /// The pool indices that `host` may use, the preferred one first.
    fn candidates(&mut self, host: IpAddr, out: &mut Outlet<'_>) -> Result<Indices, Refusal> {
        let count = self.addresses.pool.len();
        if count == 0 {
            return Err(Refusal::NoAddress);
        }
        let arbitrary = self.config.pooling == Pooling::Arbitrary
            || base::mutant::active("nat-pooling-arbitrary");
        if arbitrary {
            let first = usize::try_from(out.stream().below(count as u64)).unwrap_or(0);
            return Ok(Indices { next: first, left: count, count });
        }
        // RFC 4787 §4.1: paired. Hosts take turns, and keep their address while they have a mapping.
        let address = self.table.host(host).map_or_else(
            || {
                let address = self.next_address % count;
                self.next_address = address + 1;
                address
            },
            |host| host.address,
        );
        Ok(Indices { next: address, left: 1, count })
    }

    /// An endpoint that follows from another mapping of the host: the same one where mappings share
    /// endpoints, or the neighbour where contiguity is kept.
    fn inherit(&self, flow: &Flow, scope: Scope, addresses: &Indices) -> Option<Assigned> {
        let Flow { protocol, near, .. } = *flow;
        let external_of = |id: &Id| self.table.mapping(*id).map(|mapping| mapping.external);
        let mut inherited = None;
        if self.mapping_behaviour(flow.protocol) == Mapping::EndpointIndependentIfPossible {
            inherited = self.table.mappings_of(protocol, near).first().and_then(external_of);
        }
        if inherited.is_none() && self.config.ports.keep_contiguity {
            // RFC 4787 §4.2.3: RTCP sits one above RTP, whichever of them came first.
            let even = near.port() & !1;
            let (partner, above) =
                if near.port() == even { (even | 1, false) } else { (even, true) };
            let partner = SocketAddr::new(near.ip(), partner);
            let theirs = self.table.mappings_of(protocol, partner).last().and_then(external_of)?;
            let port = if above && theirs.port() % 2 == 0 {
                theirs.port().checked_add(1)
            } else if !above && theirs.port() % 2 == 1 {
                theirs.port().checked_sub(1)
            } else {
                None
            };
            inherited = Some(SocketAddr::new(theirs.ip(), port.filter(|port| *port != 0)?));
        }
        let external = inherited.filter(|&external| self.is_free(external, flow, scope))?;
        let position = self.addresses.pool.iter().position(|ip| *ip == external.ip());
        Some(Assigned { external, address: position.unwrap_or(addresses.next) })
    }

    const fn preserves(&self) -> bool {
        match self.behaviour.assignment {
            PortAssignment::Preserve | PortAssignment::PreserveInClass => true,
            PortAssignment::Sequential { .. } | PortAssignment::Random => false,
        }
    }

    /// The internal port, on the first address that has it free; else what the assignment says about
    /// conflicts, or nothing.
    fn preserve(
        &mut self,
        flow: &Flow,
        scope: Scope,
        addresses: &Indices,
        out: &mut Outlet<'_>,
    ) -> Result<Option<Assigned>, Refusal> {
        let port = flow.near.port();
        let ports = &self.config.ports;
        // Port zero is a legal source port that cannot be answered; it is never handed out.
        if port == 0 || !(ports.preserve_outside_range || ports.range.contains(&port)) {
            return Ok(None);
        }
        let mut wanted = None;
        for address in addresses.clone() {
            let Some(&ip) = self.addresses.pool.get(address) else { continue };
            let external = SocketAddr::new(ip, port);
            if self.is_free(external, flow, scope) && !self.is_reserved(external, flow) {
                return Ok(Some(Assigned { external, address }));
            }
            wanted.get_or_insert(Assigned { external, address });
        }
        let Some(wanted) = wanted else { return Ok(None) };
        self.note_conflict(flow.near, wanted.external, out);
        match self.config.ports.on_collision {
            Collision::Overload => Ok(Some(wanted)),
            _ if base::mutant::active("nat-port-overlap") => Ok(Some(wanted)),
            Collision::Override => {
                self.evict(flow, wanted.external, out);
                Ok(Some(wanted))
            }
            Collision::OtherAddress => Ok(self.elsewhere(flow, scope, addresses)),
            Collision::Drop => Err(Refusal::Collision { wanted: wanted.external }),
            Collision::Random | Collision::Next => Ok(None),
        }
    }

    /// The internal port on one of the addresses that come after those the host would use.
    fn elsewhere(&self, flow: &Flow, scope: Scope, tried: &Indices) -> Option<Assigned> {
        let others = Indices { left: tried.count, ..tried.clone() };
        others.into_iter().find_map(|address| {
            let ip = *self.addresses.pool.get(address)?;
            let external = SocketAddr::new(ip, flow.near.port());
            let free = self.is_free(external, flow, scope) && !self.is_reserved(external, flow);
            free.then_some(Assigned { external, address })
        })
    }

    /// A conflict: RFC 4787 §8 calls what follows from it secondary behaviour.
    fn note_conflict(&mut self, internal: SocketAddr, wanted: SocketAddr, out: &mut Outlet<'_>) {
        out.event(|| NatEvent::Clash { internal, wanted });
        self.conflicts += 1;
        if let Some(Trigger::Conflicts(count)) = self.trigger()
            && self.conflicts >= count
        {
            self.deviate(out);
        }
    }

    /// Ends the mappings at `external`, whose port somebody else takes over.
    pub(super) fn evict(&mut self, flow: &Flow, external: SocketAddr, out: &mut Outlet<'_>) {
        while let Some(&id) = self.table.mappings_at(flow.protocol, external).first() {
            let Some(mapping) = self.table.remove_mapping(id) else { break };
            Self::tell_expired(&mapping, out);
        }
    }

    /// Looks for a port on one address, in the order of the assignment.
    fn search(
        &mut self,
        address: usize,
        flow: &Flow,
        scope: Scope,
        out: &mut Outlet<'_>,
    ) -> Option<SocketAddr> {
        let ip = *self.addresses.pool.get(address)?;
        let range = self.range_for(flow.near.port());
        let picky = self.config.ports.keep_parity || self.config.ports.keep_contiguity;
        if picky && let Some(found) = self.walk(ip, &range, flow, scope, true, out) {
            return Some(found);
        }
        self.walk(ip, &range, flow, scope, false, out)
    }

    /// The first port of `range` that is free, and suits as well if `picky`.
    fn walk(
        &mut self,
        ip: IpAddr,
        range: &RangeInclusive<u16>,
        flow: &Flow,
        scope: Scope,
        picky: bool,
        out: &mut Outlet<'_>,
    ) -> Option<SocketAddr> {
        let (low, width) =
            (*range.start(), u64::from(range.end().checked_sub(*range.start())?) + 1);
        let nth = |offset: u64| low.saturating_add(u16::try_from(offset % width).unwrap_or(0));
        let offset_of = |port: u16| u64::from(port.wrapping_sub(low)) % width;
        let fits = |translator: &Self, port: u16| {
            let external = SocketAddr::new(ip, port);
            port != 0
                && (!picky || translator.suits(external, flow))
                && translator.is_free(external, flow, scope)
        };
        let (start, step) = match self.behaviour.assignment {
            PortAssignment::Sequential { step, start } => {
                let first = self.next_port.or(start).unwrap_or(low);
                (offset_of(first), u64::from(step.max(1)))
            }
            PortAssignment::Preserve | PortAssignment::PreserveInClass
                if self.config.ports.on_collision == Collision::Next =>
            {
                (offset_of(flow.near.port()) + 1, 1)
            }
            PortAssignment::Preserve | PortAssignment::PreserveInClass | PortAssignment::Random => {
                for _ in 0..RANDOM_DRAWS {
                    let port = nth(out.stream().below(width));
                    if fits(self, port) {
                        return Some(SocketAddr::new(ip, port));
                    }
                }
                (out.stream().below(width), 1)
            }
        };
        // A step that shares a factor with the width misses ports: the second round takes them all.
        let strides = (0..width).map(|turn| start + turn * step);
        let all = (0..width).map(|turn| start + turn);
        let found = strides.chain(all).map(nth).find(|&port| fits(self, port))?;
        if let PortAssignment::Sequential { step, .. } = self.behaviour.assignment {
            self.next_port = Some(nth(offset_of(found) + u64::from(step.max(1))));
        }
        Some(SocketAddr::new(ip, found))
    }

    /// The ports that may stand for `internal`.
    fn range_for(&self, internal: u16) -> RangeInclusive<u16> {
        let ports = &self.config.ports;
        let in_class = self.behaviour.assignment == PortAssignment::PreserveInClass;
        match internal {
            0..512 if in_class => 1..=511,
            512..FIRST_REGISTERED if in_class => 512..=FIRST_REGISTERED - 1,
            FIRST_REGISTERED.. if in_class => FIRST_REGISTERED..=u16::MAX,
            // RFC 4787 §4.2.1: the low ports keep to themselves, and so do the others.
            0..FIRST_REGISTERED if ports.keep_class => 1..=FIRST_REGISTERED - 1,
            FIRST_REGISTERED.. if ports.keep_class => {
                FIRST_REGISTERED.max(*ports.range.start())..=*ports.range.end()
            }
            _ => ports.range.clone(),
        }
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
    fn is_reserved(&self, external: SocketAddr, flow: &Flow) -> bool {
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
    pub(super) fn is_free(&self, external: SocketAddr, flow: &Flow, scope: Scope) -> bool {
        let outside = Flow { near: external, ..*flow };
        if self.table.is_remembered(&outside) {
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
        // Scopes of one kind are equal or disjoint. Kinds only mix after a change of behaviour.
        self.config.over_time.deviation.is_none()
            || holders.iter().filter_map(|id| self.table.mapping(*id)).all(|holder| {
                matches!(
                    (holder.scope, scope),
                    (Scope::Address(_), Scope::Address(_))
                        | (Scope::Endpoint(_), Scope::Endpoint(_))
                )
            })
    }
}

/// Indices into the pool, from one on and around.
#[derive(Clone)]
struct Indices {
    next: usize,
    left: usize,
    count: usize,
}

impl Iterator for Indices {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let index = self.next % self.count;
        self.next = index + 1;
        Some(index)
    }
}
