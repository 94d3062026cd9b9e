//! Which external endpoint a new mapping gets: RFC 4787 §4.2, and pooling (RFC 4787 §4.1).

use std::net::{IpAddr, SocketAddr};

use super::{
    address::translate_prefix,
    config::{Collision, Ipv6, Mapping, Pooling, PortAssignment, Trigger},
    refusal::Refusal,
    slab::Id,
    table::{Flow, Scope},
    translate::Translator,
};
use crate::{event::NatEvent, middlebox::Outlet};

mod ports;

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
        let addresses = self.candidates(flow, out)?;
        let paired = self.assign_from(addresses.clone(), flow, scope, out);
        match paired {
            // RFC 7857 §4: better another address than none.
            Err(Refusal::NoPort { .. }) if self.config.pooling == Pooling::SoftPaired => {
                let all = Indices { left: addresses.count, ..addresses };
                self.assign_from(all, flow, scope, out)
            }
            assigned => assigned,
        }
    }

    /// The same, from one of these addresses.
    fn assign_from(
        &mut self,
        addresses: Indices,
        flow: &Flow,
        scope: Scope,
        out: &mut Outlet<'_>,
    ) -> Result<Assigned, Refusal> {
        let internal = flow.near;
        if let Some(assigned) = self.inherit(flow, scope, &addresses) {
            return Ok(assigned);
        }
        if let Some(port) = self.chosen(internal)
            && let Some(assigned) = self.settle_for(port, flow, scope, &addresses, out)?
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

    /// The pool indices that `flow.near` may use, the preferred one first.
    fn candidates(&mut self, flow: &Flow, out: &mut Outlet<'_>) -> Result<Indices, Refusal> {
        let host = flow.near.ip();
        let count = self.addresses.pool.len();
        if count == 0 {
            return Err(Refusal::NoAddress);
        }
        if let PortAssignment::Deterministic { .. } = self.behaviour.assignment {
            let (address, _) = self.deterministic(host).ok_or(Refusal::NoShare { host })?;
            return Ok(Indices { next: address, left: 1, count });
        }
        match self.config.pooling {
            _ if base::mutant::active("nat-pooling-arbitrary") => {}
            Pooling::Arbitrary => {}
            Pooling::RoundRobin => {
                let next = self.next_address % count;
                self.next_address = next + 1;
                return Ok(Indices { next, left: count, count });
            }
            Pooling::ByDestination => {
                let next = ports::hash(SocketAddr::new(flow.far.ip(), 0), count as u64);
                let next = usize::try_from(next).unwrap_or(0);
                return Ok(Indices { next, left: 1, count });
            }
            Pooling::Paired | Pooling::SoftPaired => return Ok(self.pair(host, count)),
        }
        let first = usize::try_from(out.stream().below(count as u64)).unwrap_or(0);
        Ok(Indices { next: first, left: count, count })
    }

    /// The address of a host that has one, or the next one.
    fn pair(&mut self, host: IpAddr, count: usize) -> Indices {
        // RFC 4787 §4.1: paired. Hosts take turns, and keep their address while they have a mapping.
        let address = self.table.host(host).map_or_else(
            || {
                let address = self.next_address % count;
                self.next_address = address + 1;
                address
            },
            |host| host.address,
        );
        Indices { next: address, left: 1, count }
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

    /// The one port that the assignment chooses, whether or not it is free.
    fn chosen(&self, near: SocketAddr) -> Option<u16> {
        let ports = &self.config.ports;
        // Port zero is a legal source port that cannot be answered; it is never handed out.
        let may =
            |port: u16| port != 0 && (ports.preserve_outside_range || ports.range.contains(&port));
        match self.behaviour.assignment {
            PortAssignment::Preserve | PortAssignment::PreserveInClass => {
                Some(near.port()).filter(|port| may(*port))
            }
            PortAssignment::Hash => self.hashed(near).filter(|port| *port != 0),
            PortAssignment::Sequential { .. }
            | PortAssignment::Random
            | PortAssignment::Deterministic { .. }
            | PortAssignment::Block { .. } => None,
        }
    }

    /// The chosen port, on the first address that has it free; else what the configuration says about
    /// collisions, or nothing.
    fn settle_for(
        &mut self,
        port: u16,
        flow: &Flow,
        scope: Scope,
        addresses: &Indices,
        out: &mut Outlet<'_>,
    ) -> Result<Option<Assigned>, Refusal> {
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
            _ if self.is_held_down(wanted.external, flow) => Ok(None),
            Collision::Overload => Ok(Some(wanted)),
            _ if base::mutant::active("nat-port-overlap") => Ok(Some(wanted)),
            Collision::Override => {
                self.evict(flow, wanted.external, out);
                Ok(Some(wanted))
            }
            Collision::OtherAddress => Ok(self.elsewhere(port, flow, scope, addresses)),
            Collision::Drop => Err(Refusal::Collision { wanted: wanted.external }),
            Collision::Random | Collision::Next => Ok(None),
        }
    }

    /// The chosen port on one of the addresses that come after those the host would use.
    fn elsewhere(&self, port: u16, flow: &Flow, scope: Scope, tried: &Indices) -> Option<Assigned> {
        let others = Indices { left: tried.count, ..tried.clone() };
        others.into_iter().find_map(|address| {
            let ip = *self.addresses.pool.get(address)?;
            let external = SocketAddr::new(ip, port);
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
