//! A deterministic network: hosts, LANs, routers, NATs and links on virtual time.

mod agenda;
mod builder;
mod driven;
mod endpoint;
mod event;
mod id;
pub mod laws;
mod link;
mod middlebox;
pub mod nat;
mod network;
mod node;
pub mod observe;
mod observer;
mod packet;
mod prefix;
mod random;
mod reassembly;
mod route;
mod script;
mod slab;
mod socket;
mod table;
mod tally;
mod trace;
mod watch;

pub use builder::{Attach, BuildError, Builder, Host};
pub use driven::Driven;
pub use endpoint::{Cx, Endpoint, NetworkChange};
pub use event::{DropReason, Event, NatEvent, Place};
pub use id::{HopId, NodeId, PacketId, SocketId};
pub use link::{Jitter, Link, Loss, QueueLimit};
pub use middlebox::{Action, Middlebox, Outlet, Side, SideInfo};
pub use network::Network;
pub use node::EphemeralPorts;
pub use observer::{HopInfo, NodeInfo, NodeKind, Observer, Topology};
pub use packet::{
    Body, DEFAULT_HOP_LIMIT, Fragment, IPV4_HEADER, IPV6_FRAGMENT_HEADER, IPV6_HEADER, Icmp,
    IcmpError, Packet, Protocol, Quote, UDP_HEADER, Udp,
};
pub use prefix::{BadPrefix, Prefix};
pub use random::Stream;
pub use script::Change;
pub use socket::{BindError, Received, RecvMeta};
pub use tally::Tally;
pub use trace::TraceHash;
