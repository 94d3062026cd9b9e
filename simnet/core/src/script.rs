//! Changes of the world that are planned ahead.

use std::net::IpAddr;

use base::InterfaceAddress;

use crate::{
    id::{HopId, NodeId},
    link::Link,
    prefix::Prefix,
    route::StaticRoute,
};

/// A change of the world: [at once](crate::Network::change), or at a
/// [certain time](crate::Network::schedule).
///
/// Endpoints hear of changes of their host as a [`NetworkChange`](crate::NetworkChange), boxes through
/// [`Middlebox::handle_addresses`](crate::Middlebox::handle_addresses), observers as
/// [`Changed`](crate::Changed).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// The interface comes up, unless it is a port of a segment that its neighbour has
    /// [left](Change::Move).
    Up(HopId),
    /// The interface goes down: nothing leaves or arrives, and its addresses are not listed. Sockets
    /// stay as they are.
    Down(HopId),
    /// The direction away from the interface gets new parameters, which pass [`Link::check`]; the run
    /// panics if they do not.
    Link(HopId, Box<Link>),
    /// The interface gets an address. Neighbours, routers and the wide-area network know at once. On an
    /// address it has already the new prefix and deprecation count.
    AddAddress(HopId, InterfaceAddress),
    /// The interface loses an address. Sockets bound to it stay, but what they send ends in
    /// [`AddressNotAvailable`](base::SocketErrorKind::AddressNotAvailable).
    RemoveAddress(HopId, IpAddr),
    /// The address is deprecated from now on: new conversations prefer another (RFC 6724 §5).
    Deprecate(HopId, IpAddr),
    /// The interface of a host, router or box leaves its segment and is attached to another: a telephone
    /// that goes from one wireless network to the next. What is on the old wire is lost. It gets these
    /// addresses, or without any one of each prefix of the new segment; routes that were fixed for it are
    /// gone. The parameters of its links stay; a [`Change::Link`] gives it others. What is no segment is
    /// not moved to.
    Move(HopId, NodeId, Vec<InterfaceAddress>),
    /// The node gets a route.
    AddRoute(NodeId, StaticRoute),
    /// The node loses the route to the prefix by the interface, whoever made it.
    RemoveRoute(NodeId, Prefix, HopId),
    /// The clock of the host gains so many millionths from now on, or loses them if negative
    /// ([`Clock`](crate::Clock)). It does not jump.
    Drift(NodeId, i32),
    /// The host crashes: its sockets, its endpoint, and all they remember are gone at once, without a
    /// farewell, and packets for it end as [`HostDown`](crate::DropReason::HostDown). Other nodes do not
    /// crash.
    Crash(NodeId),
    /// The crashed host starts again: with the endpoint that
    /// [`Host::endpoint_from`](crate::Host::endpoint_from) makes, otherwise with none.
    Restart(NodeId),
    /// Whatever hosts of one side send does not reach hosts of the other, either way, even through
    /// boxes. A LAN or wide-area network stands for the hosts attached to it; routers and boxes do not
    /// count. Packets end at the host they would reach, so that boxes on the way see them.
    Partition(Vec<NodeId>, Vec<NodeId>),
    /// Takes back the partition between these two sides.
    Heal(Vec<NodeId>, Vec<NodeId>),
}
