//! From the description to the world.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
};

use base::{Instant, InterfaceAddress};

use super::{Attach, BuildError, Builder, Host as HostPlan, Part, Plan, Point};
use crate::{
    agenda::Agenda,
    id::{HopId, NodeId},
    middlebox::SideInfo,
    network::Network,
    node::{Hop, Host, Middle, Node, Role, Switch},
    observer::{HopInfo, NodeInfo, NodeKind, Observer, Topology},
    prefix::Prefix,
    random::Stream,
    reassembly::Reassembly,
    route::{Route, RouteTable},
    routing::{self, Wiring},
    slab::Slab,
    table::Table,
    tally::Tally,
    tcp::{HostTcp, TcpStore},
    watch::Watch,
};

/// First number that routers and boxes on a LAN get.
const FIRST_ROUTER: u64 = 1;
/// First number that everything else gets, in IPv4 and in IPv6.
const FIRST_HOST: (u64, u64) = (10, 0x10);

/// A world being built.
pub(super) struct Site {
    pub(super) seed: u64,
    pub(super) nodes: Table<NodeId, Node>,
    pub(super) hops: Table<HopId, Hop>,
    pub(super) segments: BTreeMap<String, Segment>,
}

/// A LAN or a wide-area network.
pub(super) struct Segment {
    pub(super) node: NodeId,
    pub(super) wan: bool,
    pub(super) prefixes: Vec<Prefix>,
    taken: BTreeSet<IpAddr>,
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
    for Part { name, plan } in builder.parts {
        if let Some((node, attach, gateway)) = site.place(&name, plan)? {
            attached.push((node, attach, gateway));
        }
    }
    for (node, attach, _) in &attached {
        site.claim(*node, attach)?;
    }
    for (node, attach, _) in &attached {
        site.attach(*node, attach)?;
    }
    for plan in builder.links {
        site.lay(&plan)?;
    }
    for (node, _, gateway) in &attached {
        if let Some(text) = gateway {
            let name = site.nodes.at(*node).name.clone();
            site.fix_gateway(*node, parse_ip(&name, text)?);
        }
    }
    routing::connect(&mut site.wiring());
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

fn parse_ip(part: &str, text: &str) -> Result<IpAddr, BuildError> {
    let bad = |_| BuildError::BadAddress { part: part.to_owned(), text: text.to_owned() };
    text.parse().map_err(bad)
}

impl Site {
    fn wiring(&mut self) -> Wiring<'_> {
        Wiring { nodes: &mut self.nodes, hops: &self.hops }
    }

    /// Sends what has no other route through `gateway`, before all other defaults.
    fn fix_gateway(&mut self, node: NodeId, gateway: IpAddr) {
        let Some(hop) = routing::towards(&self.wiring(), node, gateway) else { return };
        let route = Route { hop, gateway: Some(gateway), metric: 0 };
        let all = routing::everything(gateway.is_ipv6());
        self.nodes.at_mut(node).fixed.push((all, route));
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
                self.nodes.at_mut(node).wan = true;
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
            wan: false,
            armed: None,
        })
    }

    fn segment(
        &mut self,
        name: &str,
        node: NodeId,
        wan: bool,
        prefixes: &str,
    ) -> Result<(), BuildError> {
        let parsed: Result<Vec<Prefix>, _> = prefixes.split_whitespace().map(str::parse).collect();
        let prefixes =
            parsed.map_err(|source| BuildError::BadPrefix { part: name.to_owned(), source })?;
        let middle = |prefix: &Prefix| prefix.nth(FIRST_ROUTER);
        let taken = prefixes.iter().filter_map(middle).filter(|_| wan).collect();
        self.segments.insert(name.to_owned(), Segment { node, wan, prefixes, taken });
        Ok(())
    }

    /// Sets the addresses that parts ask for aside, before others are given out.
    fn claim(&mut self, node: NodeId, attach: &Attach) -> Result<(), BuildError> {
        let part = self.nodes.at(node).name.clone();
        for point in &attach.points {
            let segment = self.segments.get_mut(&point.segment).ok_or_else(|| {
                BuildError::NoSuchSegment { part: part.clone(), segment: point.segment.clone() }
            })?;
            for text in &point.addresses {
                let ip = parse_ip(&part, text)?;
                if !segment.taken.insert(ip) {
                    let segment = point.segment.clone();
                    return Err(BuildError::AddressTaken { part, ip, segment });
                }
            }
        }
        Ok(())
    }

    fn attach(&mut self, node: NodeId, attach: &Attach) -> Result<(), BuildError> {
        for (side, point) in (0..=u8::MAX).zip(&attach.points) {
            let addresses = self.addresses(node, point)?;
            self.wire(node, side, point, addresses);
        }
        Ok(())
    }

    /// The addresses of an interface: those asked for, else one of each prefix of its segment.
    fn addresses(
        &mut self,
        node: NodeId,
        point: &Point,
    ) -> Result<Vec<InterfaceAddress>, BuildError> {
        let (part, kind) = (self.nodes.at(node).name.clone(), self.nodes.at(node).kind());
        let segment = self.segments.get_mut(&point.segment).ok_or_else(|| {
            BuildError::NoSuchSegment { part: part.clone(), segment: point.segment.clone() }
        })?;
        if !point.addresses.is_empty() {
            let with_prefix = |text: &String| {
                let ip = parse_ip(&part, text)?;
                let prefix = segment.prefixes.iter().find(|prefix| prefix.contains(ip));
                let length = prefix.map_or_else(|| Prefix::host(ip).length(), |p| p.length());
                Ok(InterfaceAddress::new(ip, length))
            };
            return point.addresses.iter().map(with_prefix).collect();
        }
        let mut addresses = Vec::new();
        for prefix in &segment.prefixes {
            let first = match (kind, prefix.ip().is_ipv4()) {
                (NodeKind::Router | NodeKind::Middlebox, _) if !segment.wan => FIRST_ROUTER,
                (_, true) => FIRST_HOST.0,
                (_, false) => FIRST_HOST.1,
            };
            let free = (first..)
                .map_while(|number| prefix.nth(number))
                .find(|&ip| !segment.taken.contains(&ip) && prefix.broadcast() != Some(ip));
            let ip = free.ok_or_else(|| BuildError::NoAddressLeft {
                part: part.clone(),
                segment: point.segment.clone(),
            })?;
            segment.taken.insert(ip);
            addresses.push(InterfaceAddress::new(ip, prefix.length()));
        }
        Ok(addresses)
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

impl Segment {
    /// Addresses of the router in the middle of a wide-area network.
    pub(super) fn own_addresses(&self) -> Vec<InterfaceAddress> {
        let own = |prefix: &Prefix| {
            let ip = prefix.nth(FIRST_ROUTER)?;
            Some(InterfaceAddress::new(ip, prefix.length()))
        };
        self.prefixes.iter().filter_map(own).collect()
    }
}
