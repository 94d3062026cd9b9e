//! Wires between nodes and segments, and what happens on them.

use std::net::IpAddr;

use base::{InterfaceAddress, InterfaceKind};

use super::{BuildError, LinkPlan, Point, assemble::Site};
use crate::{
    id::{HopId, NodeId},
    link::{Link, LinkState},
    node::{Hop, Role},
};

impl Site {
    /// Lays a wire between a node and a segment: an interface at each end.
    pub(super) fn wire(
        &mut self,
        node: NodeId,
        side: u8,
        point: &Point,
        addresses: Vec<InterfaceAddress>,
    ) {
        let Some(segment) = self.segments.get(&point.segment) else { return };
        let (part, middle) = (self.nodes.at(node).name.clone(), segment.node);
        let name = point.name.clone().unwrap_or_else(|| match (&self.nodes.at(node).role, side) {
            (Role::Middlebox(_), 0) => "inside".to_owned(),
            (Role::Middlebox(_), 1) => "outside".to_owned(),
            _ => format!("eth{side}"),
        });
        let far_addresses = if segment.wan { segment.own_addresses() } else { Vec::new() };
        let full_name = format!("{part}.{name}");
        let mut far_name = part;
        if self.hops.iter().any(|(_, hop)| hop.node == middle && hop.name == far_name) {
            far_name.clone_from(&full_name);
        }
        let near = HopId(u32::try_from(self.hops.len()).expect("fewer than 2^32 interfaces"));
        let far = HopId(near.0 + 1);
        let path = format!("{full_name}→{}", point.segment);
        let back = format!("{}→{full_name}", point.segment);
        self.hops.push(Hop {
            node,
            side,
            peer: far,
            name,
            full_name,
            kind: point.kind,
            up: !point.down,
            mtu: point.mtu,
            metric: point.metric,
            addresses: addresses.clone(),
            link: LinkState::new(Link::perfect(), path, self.seed),
        });
        let far_side = u8::try_from(self.nodes.at(middle).hops.len()).unwrap_or(u8::MAX);
        self.hops.push(Hop {
            node: middle,
            side: far_side,
            peer: near,
            full_name: format!("{}.{far_name}", point.segment),
            name: far_name,
            kind: point.kind,
            up: true,
            mtu: point.mtu,
            metric: None,
            addresses: far_addresses,
            link: LinkState::new(Link::perfect(), back, self.seed),
        });
        self.nodes.at_mut(node).hops.push(near);
        self.nodes.at_mut(middle).hops.push(far);
        if let Role::Switch(switch) = &mut self.nodes.at_mut(middle).role {
            for address in addresses {
                switch.learn(address.ip, far);
            }
        }
    }

    /// The interface of a host to itself.
    pub(super) fn add_loopback(&mut self, node: NodeId, part: &str) -> HopId {
        let hop = HopId(u32::try_from(self.hops.len()).expect("fewer than 2^32 interfaces"));
        self.hops.push(Hop {
            node,
            side: u8::MAX,
            peer: hop,
            name: "lo".to_owned(),
            full_name: format!("{part}.lo"),
            kind: InterfaceKind::Loopback,
            up: true,
            mtu: 65_536,
            metric: None,
            addresses: vec![
                InterfaceAddress::new(IpAddr::from([127, 0, 0, 1]), 8),
                InterfaceAddress::new(std::net::Ipv6Addr::LOCALHOST.into(), 128),
            ],
            link: LinkState::new(Link::perfect(), format!("{part}.lo→{part}.lo"), self.seed),
        })
    }

    /// Gives the directions that a plan names their parameters.
    pub(super) fn lay(&mut self, plan: &LinkPlan) -> Result<(), BuildError> {
        if let Err(what) = plan.link.check() {
            let (from, to) = (plan.from.clone(), plan.to.clone());
            return Err(BuildError::BadLink { from, to, what });
        }
        let mut found = false;
        for id in self.hops.keys() {
            let (hop, peer) = (&self.hops.at(id), &self.hops.at(self.hops.at(id).peer));
            let named = |hop: &Hop, text: &str| {
                hop.full_name == text || self.nodes.at(hop.node).name == text
            };
            if id == hop.peer || !named(hop, &plan.from) || !named(peer, &plan.to) {
                continue;
            }
            found = true;
            let path = hop.link.path.clone();
            let state = LinkState::new(plan.link.clone(), path, self.seed);
            let hop = &mut self.hops.at_mut(id);
            hop.mtu = plan.link.mtu.unwrap_or(hop.mtu);
            hop.link = state;
        }
        if found {
            return Ok(());
        }
        for name in [&plan.from, &plan.to] {
            let known = self.nodes.iter().any(|(_, node)| node.name == *name);
            if !known && !self.hops.iter().any(|(_, hop)| hop.full_name == *name) {
                let known = self.nodes.iter().map(|(_, node)| node.name.clone()).collect();
                return Err(BuildError::NoSuchPart { name: name.clone(), known });
            }
        }
        Err(BuildError::NoSuchLink { from: plan.from.clone(), to: plan.to.clone() })
    }
}
