//! The parts of a world: nodes and their interfaces.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, Interface, InterfaceAddress, InterfaceKind};
use serde::{Deserialize, Serialize};

use crate::{
    clock::LocalClock,
    endpoint::Endpoint,
    firewall::Rules,
    id::{HopId, NodeId, SocketId},
    link::LinkState,
    middlebox::{Middlebox, SideInfo},
    observer::NodeKind,
    path_mtu::PathMtus,
    prefix::{Prefix, number},
    random::Stream,
    reassembly::Reassembly,
    route::{Route, RouteTable},
    selection::Policy,
    tcp::HostTcp,
};

/// One interface, and the direction of its wire that leads away from it.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) node: NodeId,
    /// Its place among the interfaces of its node.
    pub(crate) side: u8,
    pub(crate) peer: HopId,
    /// Name within the node.
    pub(crate) name: String,
    /// Name with that of the node.
    pub(crate) full_name: String,
    pub(crate) kind: InterfaceKind,
    pub(crate) up: bool,
    pub(crate) mtu: u32,
    /// Rank among the default routes of its node; the order of attachment otherwise.
    pub(crate) metric: Option<u32>,
    pub(crate) addresses: Vec<InterfaceAddress>,
    pub(crate) link: LinkState,
}

impl Hop {
    pub(crate) fn has(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.ip == ip)
    }

    /// Its first address of the family that is still preferred at `now`, else its first of the family.
    pub(crate) fn address(&self, ipv6: bool, now: Instant) -> Option<IpAddr> {
        let of_family = || self.addresses.iter().filter(|address| address.ip.is_ipv6() == ipv6);
        of_family()
            .find(|address| address.deprecated_at.is_none_or(|end| now < end))
            .or_else(|| of_family().next())
            .map(|address| address.ip)
    }

    /// Whether `ip` is the broadcast address of one of its networks.
    pub(crate) fn broadcasts(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|address| {
            let prefix = Prefix::new(address.ip, address.prefix);
            prefix.and_then(Prefix::broadcast) == Some(ip)
        })
    }

    /// Its number on the node: 1 for the loopback, as on Linux, then in the order of attachment.
    pub(crate) fn index(&self) -> u32 {
        if self.kind == InterfaceKind::Loopback { 1 } else { u32::from(self.side) + 2 }
    }

    pub(crate) fn interface(&self) -> Interface {
        Interface {
            name: self.name.clone(),
            index: self.index(),
            kind: self.kind,
            mtu: self.mtu,
            addresses: if self.up { self.addresses.clone() } else { Vec::new() },
        }
    }
}

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) hops: Vec<HopId>,
    pub(crate) routes: RouteTable,
    /// Routes that the description or the caller fixed.
    pub(crate) fixed: Vec<(Prefix, Route)>,
    pub(crate) role: Role,
    /// Present if it is the middle of a segment.
    pub(crate) segment: Option<Box<Segment>>,
    /// The earliest time at which the agenda wakes the node.
    pub(crate) armed: Option<Instant>,
}

/// A LAN or a wide-area network, as its middle knows it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) wan: bool,
    pub(crate) prefixes: Vec<Prefix>,
}

/// What a node does.
#[derive(Debug)]
pub(crate) enum Role {
    Host(Box<Host>),
    Switch(Switch),
    Router,
    Middlebox(Box<Middle>),
}

impl Node {
    /// Whether it is the router in the middle of a wide-area network.
    pub(crate) fn is_wan(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.wan)
    }

    pub(crate) const fn kind(&self) -> NodeKind {
        match self.role {
            Role::Host(_) => NodeKind::Host,
            Role::Switch(_) => NodeKind::Switch,
            Role::Router => NodeKind::Router,
            Role::Middlebox(_) => NodeKind::Middlebox,
        }
    }

    pub(crate) fn host_mut(&mut self) -> Option<&mut Host> {
        match &mut self.role {
            Role::Host(host) => Some(host),
            Role::Switch(_) | Role::Router | Role::Middlebox(_) => None,
        }
    }

    pub(crate) fn host(&self) -> Option<&Host> {
        match &self.role {
            Role::Host(host) => Some(host),
            Role::Switch(_) | Role::Router | Role::Middlebox(_) => None,
        }
    }
}

/// An end of the network.
pub(crate) struct Host {
    pub(crate) endpoint: Option<Box<dyn Endpoint>>,
    /// Makes the endpoint of a host that starts again.
    pub(crate) rebirth: Option<Rebirth>,
    /// Whether it has crashed and not started again.
    pub(crate) crashed: bool,
    pub(crate) stream: Stream,
    /// Sockets by port.
    pub(crate) ports: Vec<(u16, SocketId)>,
    pub(crate) ephemeral: EphemeralPorts,
    pub(crate) model: HostModel,
    /// Whether a packet prefers the interface that has its source address.
    pub(crate) routes_by_source: bool,
    /// Its policy table for choosing addresses, if not the default one.
    pub(crate) policy: Option<Box<Policy>>,
    /// Present if its clock is not simply right.
    pub(crate) clock: Option<Box<LocalClock>>,
    /// Present if it guards itself.
    pub(crate) firewall: Option<Box<Rules>>,
    /// What it has learned of how much paths carry.
    pub(crate) path_mtus: Option<Box<PathMtus>>,
    /// The interface to itself.
    pub(crate) loopback: HopId,
    /// Whether it keeps quiet about closed ports.
    pub(crate) silent: bool,
    pub(crate) receive_queue: usize,
    pub(crate) reassembly: Reassembly,
    /// TCP, if the host uses it.
    pub(crate) tcp: Option<Box<HostTcp>>,
    pub(crate) next_identification: u32,
    /// Packets for a runner outside, if the host has one instead of sockets.
    pub(crate) tap: Option<std::collections::VecDeque<(Instant, crate::packet::Packet)>>,
}

/// Makes an endpoint.
pub(crate) type Rebirth = Box<dyn FnMut() -> Box<dyn Endpoint>>;

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("ports", &self.ports).finish_non_exhaustive()
    }
}

impl Host {
    /// What its clock shows at `now`.
    #[inline]
    pub(crate) fn local(&self, now: Instant) -> Instant {
        self.clock.as_ref().map_or(now, |clock| clock.local(now))
    }

    /// When its clock will show `local`.
    #[inline]
    pub(crate) fn true_time(&self, local: Instant) -> Instant {
        self.clock.as_ref().map_or(local, |clock| clock.true_time(local))
    }

    /// When its endpoint is to be woken.
    pub(crate) fn endpoint_deadline(&self) -> Option<Instant> {
        Some(self.true_time(self.endpoint.as_ref()?.poll_timeout()?))
    }

    /// Sockets bound to `port`.
    #[inline]
    pub(crate) fn on_port(&self, port: u16) -> &[(u16, SocketId)] {
        let from = self.ports.partition_point(|entry| entry.0 < port);
        let rest = self.ports.get(from..).unwrap_or_default();
        let count = rest.iter().take_while(|entry| entry.0 == port).count();
        rest.get(..count).unwrap_or_default()
    }

    pub(crate) fn enter_port(&mut self, port: u16, socket: SocketId) {
        let at = self.ports.partition_point(|entry| entry.0 <= port);
        self.ports.insert(at, (port, socket));
    }
}

/// Whether interfaces of a host stand for each other: RFC 1122 §3.3.4.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostModel {
    /// The host takes packets for any of its addresses on any interface, and sends from any address by
    /// any interface, as Linux does.
    #[default]
    Weak,
    /// A packet is taken only on the interface that has its destination, and leaves only by the one that
    /// has its source.
    Strong,
}

/// How a host picks ports for sockets that ask for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EphemeralPorts {
    /// At random from 49152 to 65535, from the host's own stream (RFC 6056 §3.3.1).
    Random,
    /// One after the other, from this one on.
    Sequential(u16),
}

/// The middle of a LAN.
#[derive(Debug)]
pub(crate) struct Switch {
    /// Whether hosts cannot reach each other, only routers and boxes.
    pub(crate) isolating: bool,
    /// Who has which address: what ARP and neighbour discovery would find out.
    neighbours: Vec<(bool, u128, HopId)>,
}

impl Switch {
    pub(crate) const fn new(isolating: bool) -> Self {
        Self { isolating, neighbours: Vec::new() }
    }

    pub(crate) fn learn(&mut self, ip: IpAddr, port: HopId) {
        let key = (ip.is_ipv6(), number(ip));
        match self.neighbours.binary_search_by_key(&key, |entry| (entry.0, entry.1)) {
            // The last to claim an address has it, as with gratuitous ARP.
            Ok(at) => {
                if let Some(entry) = self.neighbours.get_mut(at) {
                    entry.2 = port;
                }
            }
            Err(at) => self.neighbours.insert(at, (key.0, key.1, port)),
        }
    }

    pub(crate) fn forget(&mut self, ip: IpAddr, port: HopId) {
        let key = (ip.is_ipv6(), number(ip), port);
        self.neighbours.retain(|&entry| entry != key);
    }

    #[inline]
    pub(crate) fn find(&self, ip: IpAddr) -> Option<HopId> {
        let key = (ip.is_ipv6(), number(ip));
        let at = self.neighbours.binary_search_by_key(&key, |entry| (entry.0, entry.1)).ok()?;
        self.neighbours.get(at).map(|entry| entry.2)
    }
}

/// A NAT or a firewall.
pub(crate) struct Middle {
    pub(crate) middlebox: Box<dyn Middlebox>,
    pub(crate) stream: Stream,
    pub(crate) sides: Vec<SideInfo>,
    /// Packets it was given and has not given back.
    pub(crate) held: u64,
    pub(crate) next_identification: u32,
}

impl std::fmt::Debug for Middle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Middle").field("sides", &self.sides).finish_non_exhaustive()
    }
}

/// The address and port with its port replaced.
pub(crate) const fn with_port(address: SocketAddr, port: u16) -> SocketAddr {
    let mut address = address;
    address.set_port(port);
    address
}
