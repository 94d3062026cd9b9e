//! A deterministic network: hosts, LANs, routers, NATs and links on virtual time.

mod event;
mod id;
mod middlebox;
pub mod nat;
mod observer;
mod packet;
mod random;

pub use event::{DropReason, Event, NatEvent, Place};
pub use id::{HopId, NodeId, PacketId, SocketId};
pub use middlebox::{Action, Middlebox, Outlet, Side, SideInfo};
pub use observer::{HopInfo, NodeInfo, NodeKind, Observer, Topology};
pub use packet::{
    Body, DEFAULT_HOP_LIMIT, Fragment, IPV4_HEADER, IPV6_FRAGMENT_HEADER, IPV6_HEADER, Icmp,
    IcmpError, Packet, Protocol, Quote, UDP_HEADER, Udp,
};
pub use random::Stream;
