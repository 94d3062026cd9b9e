//! From the description to the world.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::Instant;

use super::{
    Attach, BuildError, Builder, Host as HostPlan, Part, Plan, RoutePlan, segment::Segment,
};
use crate::{
    agenda::Agenda,
    clock::LocalClock,
    firewall::Rules,
    id::{HopId, NodeId},
    middlebox::SideInfo,
    network::Network,
    node::{Hop, Host, Middle, Node, Role, Switch},
    observer::{HopInfo, NodeInfo, NodeKind, Observer, Topology},
    random::Stream,
    reassembly::Reassembly,
    route::RouteTable,
    routing::{self, Wiring},
    slab::Slab,
    table::Table,
    tally::Tally,
    tcp::{HostTcp, TcpStore},
    watch::Watch,
};

/// A world being built.
pub(super) struct Site {
    pub(super) seed: u64,
    pub(super) nodes: Table<NodeId, Node>,
    pub(super) hops: Table<HopId, Hop>,
    pub(super) segments: BTreeMap<String, Segment>,
}

pub(super) fn assemble<O: Observer>(
    builder: Builder,
    observer: O,
) -> Result<Network<O>, BuildError> {
    let mut site = Site {
        seed: builder.seed,
        nodes: Table::new(),
        hops: Table::new(),
        segments: BTreeMap::new(),
    };
    check_names(&builder.parts)?;
    let mut attached = Vec::new();
    let mut routes = builder.routes;
    for Part { name, plan } in builder.parts {
        if let Some((node, attach, gateway)) = site.place(&name, plan)? {
            let gateway = gateway.map(|gateway| RoutePlan { part: name, prefix: None, gateway });
            routes.extend(gateway);
            attached.push((node, attach));
        }
    }
    for (node, attach) in &attached {
        let part = site.nodes.at(*node).name.clone();
        for point in &attach.points {
            site.claim(&part, point)?;
        }
    }
    for (node, attach) in &attached {
        site.attach(*node, attach)?;
    }
    site.check_interfaces()?;
    for plan in builder.links {
        site.lay(&plan)?;
    }
    site.check_realms()?;
    site.fix_routes(&routes)?;
    routing::connect(&mut site.wiring());
    site.check_loops()?;
    site.finish_boxes();
    Ok(site.open(observer, !builder.without_hash))
}

fn check_names(parts: &[Part]) -> Result<(), BuildError> {
    let mut names = BTreeSet::new();
    match parts.iter().find(|part| !names.insert(&part.name)) {
        Some(part) => Err(BuildError::DuplicateName(part.name.clone())),
        None => Ok(()),
    }
}

impl Site {
    pub(super) fn wiring(&mut self) -> Wiring<'_> {
        Wiring { nodes: &mut self.nodes, hops: &self.hops }
    }

    /// Makes the node of a part; says how it is attached if it is not itself a segment.
    fn place(
        &mut self,
        name: &str,
        plan: Plan,
    ) -> Result<Option<(NodeId, Attach, Option<String>)>, BuildError> {
        let seed = self.seed;
        let placed = match plan {
            Plan::Wan { prefixes } => {
                let node = self.node(name, Role::Router);
                self.segment(name, node, true, &prefixes)?;
                return Ok(None);
            }
            Plan::Lan { prefixes, isolating } => {
                let node = self.node(name, Role::Switch(Switch::new(isolating)));
                self.segment(name, node, false, &prefixes)?;
                return Ok(None);
            }
            Plan::Host(plan) => self.place_host(name, plan),
            Plan::Router(attach) => (self.node(name, Role::Router), attach, None),
            Plan::Middlebox(attach, middlebox) => {
                let middle = Middle {
                    middlebox: middlebox.0,
                    stream: Stream::new(seed, name),
                    sides: Vec::new(),
                    held: 0,
                    next_identification: 0,
                };
                (self.node(name, Role::Middlebox(Box::new(middle))), attach, None)
            }
        };
        let least = if self.nodes.at(placed.0).kind() == NodeKind::Host { 1 } else { 2 };
        if placed.1.points.len() < least {
            return Err(BuildError::TooFewAttachments(name.to_owned()));
        }
        if placed.1.points.len() > usize::from(u8::MAX) {
            return Err(BuildError::TooManyInterfaces(name.to_owned()));
        }
        Ok(Some(placed))
    }

    fn place_host(&mut self, name: &str, plan: HostPlan) -> (NodeId, Attach, Option<String>) {
        let mut stream = Stream::new(self.seed, name);
        let next_identification = stream.u32();
        let host = Host {
            endpoint: plan.endpoint.0,
            rebirth: plan.rebirth.0,
            crashed: false,
            stream,
            ports: Vec::new(),
            ephemeral: plan.ephemeral,
            model: plan.model,
            routes_by_source: plan.routes_by_source,
            policy: plan.policy,
            clock: LocalClock::new(plan.clock).map(Box::new),
            firewall: plan.firewall.map(|config| Box::new(Rules::new(*config))),
            path_mtus: None,
            loopback: HopId(0),
            silent: plan.silent,
            receive_queue: plan.receive_queue,
            reassembly: Reassembly::default(),
            tcp: plan.tcp.map(|config| Box::new(HostTcp::new(*config))),
            next_identification,
            tap: None,
        };
        let node = self.node(name, Role::Host(Box::new(host)));
        let loopback = self.add_loopback(node, name);
        if let Some(host) = self.nodes.at_mut(node).host_mut() {
            host.loopback = loopback;
        }
        (node, plan.attach, plan.gateway)
    }

    fn node(&mut self, name: &str, role: Role) -> NodeId {
        self.nodes.push(Node {
            name: name.to_owned(),
            hops: Vec::new(),
            routes: RouteTable::default(),
            fixed: Vec::new(),
            role,
            segment: None,
            armed: None,
        })
    }

    fn attach(&mut self, node: NodeId, attach: &Attach) -> Result<(), BuildError> {
        for (side, point) in (0..=u8::MAX).zip(&attach.points) {
            let addresses = self.addresses(node, point)?;
            self.wire(node, side, point, addresses);
        }
        Ok(())
    }

    fn finish_boxes(&mut self) {
        for id in self.nodes.keys() {
            let side = |&hop: &HopId| SideInfo {
                mtu: self.hops.at(hop).mtu,
                addresses: self.hops.at(hop).addresses.clone(),
            };
            let sides = self.nodes.at(id).hops.iter().map(side).collect();
            if let Role::Middlebox(middle) = &mut self.nodes.at_mut(id).role {
                middle.sides = sides;
            }
        }
    }

    fn topology(&self) -> Topology {
        let node = |(id, node): (NodeId, &Node)| NodeInfo {
            id,
            name: node.name.clone(),
            kind: node.kind(),
        };
        let hop = |(id, hop): (HopId, &Hop)| HopInfo {
            id,
            node: hop.node,
            peer: hop.peer,
            name: hop.full_name.clone(),
            kind: hop.kind,
            mtu: hop.mtu,
            addresses: hop.addresses.clone(),
        };
        Topology {
            seed: self.seed,
            nodes: self.nodes.iter().map(node).collect(),
            hops: self.hops.iter().map(hop).collect(),
        }
    }

    /// Lets time begin.
    fn open<O: Observer>(self, observer: O, hash: bool) -> Network<O> {
        let topology = self.topology();
        let mut network = Network {
            now: Instant::ZERO,
            agenda: Agenda::default(),
            packets: Slab::default(),
            nodes: self.nodes,
            hops: self.hops,
            sockets: Table::new(),
            tcp: TcpStore::new(),
            changes: Vec::new(),
            watch: Watch::new(observer, hash),
            tally: Tally::default(),
            next_id: 1,
            next_router_identification: 0,
            topology,
            outbox: Vec::new(),
            actions: Vec::new(),
            errors: VecDeque::new(),
            wakes: 0,
            partitions: Vec::new(),
            media: crate::link::Media::default(),
        };
        network.start();
        network
    }
}
