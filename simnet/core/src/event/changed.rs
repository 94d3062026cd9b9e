//! What changed in the world, for those who watch.

use std::net::IpAddr;

use base::InterfaceAddress;

use crate::{
    id::{HopId, NodeId},
    observer::Topology,
    prefix::Prefix,
};

/// How the world changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// An interface got an address.
    AddressAdded {
        /// The interface.
        hop: HopId,
        /// The address.
        address: InterfaceAddress,
    },
    /// An interface lost an address.
    AddressRemoved {
        /// The interface.
        hop: HopId,
        /// The address.
        ip: IpAddr,
    },
    /// An address is no longer preferred.
    AddressDeprecated {
        /// The interface.
        hop: HopId,
        /// The address.
        ip: IpAddr,
    },
    /// An interface moved to another segment.
    Moved {
        /// The interface.
        hop: HopId,
        /// The segment.
        segment: NodeId,
    },
    /// The node got a route.
    RouteAdded {
        /// Where it leads.
        prefix: Prefix,
        /// The interface it leaves by.
        hop: HopId,
        /// The router it leads to, if it does.
        gateway: Option<IpAddr>,
    },
    /// The node lost a route.
    RouteRemoved {
        /// Where it led.
        prefix: Prefix,
        /// The interface it left by.
        hop: HopId,
    },
    /// The host learned that a path carries less than it sent.
    PathMtu {
        /// Where the path leads.
        destination: IpAddr,
        /// The largest IP packet in bytes that fits.
        mtu: u32,
    },
    /// The clock of the host gains so many millionths from now on.
    Drift {
        /// Millionths.
        ppm: i32,
    },
    /// The host crashed.
    Crashed,
    /// The host started again.
    Restarted,
    /// The host and others do not hear each other any more.
    Partitioned {
        /// The others.
        others: Vec<NodeId>,
    },
    /// The host and others hear each other again.
    Healed {
        /// The others.
        others: Vec<NodeId>,
    },
}

impl Changed {
    /// The name in traces, such as `address:add`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddressAdded { .. } => "address:add",
            Self::AddressRemoved { .. } => "address:remove",
            Self::AddressDeprecated { .. } => "address:deprecate",
            Self::Moved { .. } => "interface:move",
            Self::RouteAdded { .. } => "route:add",
            Self::RouteRemoved { .. } => "route:remove",
            Self::PathMtu { .. } => "host:path-mtu",
            Self::Drift { .. } => "host:drift",
            Self::Crashed => "host:crash",
            Self::Restarted => "host:restart",
            Self::Partitioned { .. } => "network:partition",
            Self::Healed { .. } => "network:heal",
        }
    }

    /// In words, such as `alice.eth0 gets 10.0.0.7/24`, with the names of `topology`.
    #[must_use]
    pub fn text(&self, topology: &Topology) -> String {
        let name = |hop: &HopId| topology.hop_name(*hop).to_owned();
        let names = |nodes: &[NodeId]| {
            let names: Vec<_> = nodes.iter().map(|node| topology.node_name(*node)).collect();
            names.join(", ")
        };
        match self {
            Self::AddressAdded { hop, address } => {
                format!("{} gets {}/{}", name(hop), address.ip, address.prefix)
            }
            Self::AddressRemoved { hop, ip } => format!("{} loses {ip}", name(hop)),
            Self::AddressDeprecated { hop, ip } => format!("{} deprecates {ip}", name(hop)),
            Self::Moved { hop, segment } => {
                format!("{} moves to {}", name(hop), topology.node_name(*segment))
            }
            Self::RouteAdded { prefix, hop, gateway: Some(gateway) } => {
                format!("route to {prefix} by {} through {gateway}", name(hop))
            }
            Self::RouteAdded { prefix, hop, gateway: None } => {
                format!("route to {prefix} by {}", name(hop))
            }
            Self::RouteRemoved { prefix, hop } => {
                format!("no route to {prefix} by {}", name(hop))
            }
            Self::PathMtu { destination, mtu } => {
                format!("takes the path to {destination} to carry {mtu} bytes")
            }
            Self::Drift { ppm } => format!("its clock gains {ppm} millionths from now on"),
            Self::Crashed => "crashes".to_owned(),
            Self::Restarted => "starts again".to_owned(),
            Self::Partitioned { others } => format!("cut off from {}", names(others)),
            Self::Healed { others } => format!("hears {} again", names(others)),
        }
    }
}
