//! A deterministic network: hosts, LANs, routers, NATs and links on virtual time.
//!
//! A *world* is a graph of nodes. Each *hop* is an interface of a node; two hops and the wire between
//! them carry packets, and each direction of a wire is a *link* with a rate, a queue, a delay and
//! misfortunes of its own. Hosts have sockets; LANs are switches; wide-area networks are routers with a
//! wire to everything attached; NATs and firewalls are *boxes* with an inside and an outside.
//!
//! ```
//! use simnet::{
//!     Host, Link, Loss, Network,
//!     nat::{Config, Nat},
//! };
//! use std::time::Duration;
//!
//! let mut net = Network::builder(7)
//!     .wan("wan", "11.0.0.0/8")
//!     .lan("home", "192.168.1.0/24")
//!     .nat("box", "home", "wan", Nat::new(Config::port_restricted_cone()))
//!     .host("alice", Host::on("home"))
//!     .host("server", Host::on("wan").address("11.0.0.3"))
//!     .link("box", "wan", Link::delayed(Duration::from_millis(12)).rate(10_000_000))
//!     .link_from("alice", "home", Link::perfect().loss(Loss::random(0.0)))
//!     .build()
//!     .expect("the description fits together");
//!
//! let alice = net.bind(net.node("alice"), "0.0.0.0:4000".parse().unwrap()).unwrap();
//! let server = net.bind(net.node("server"), "0.0.0.0:3478".parse().unwrap()).unwrap();
//! net.send(alice, "11.0.0.3:3478".parse().unwrap(), b"who am I?");
//! net.run_for(Duration::from_millis(50));
//!
//! let question = net.receive(server).expect("the question arrives");
//! assert_eq!(question.source.to_string(), "11.0.0.10:4000", "the outside of the box");
//! net.send(server, question.source, question.source.to_string().as_bytes());
//! net.run_for(Duration::from_millis(50));
//! assert!(net.receive(alice).is_some());
//! assert!(net.tally().is_conserved());
//! ```
//!
//! # Participants
//!
//! A host is driven by the caller, as above; or it carries an [`Endpoint`], which is called; or a
//! [`base::Machine`], wrapped as [`Driven`]. Boxes implement [`Middlebox`].
//!
//! # Promises
//!
//! * The same description and seed give the same run, to the bit, on every platform: time is whole
//!   nanoseconds, chance is one [`Stream`] per element keyed by its path, and functions of real numbers
//!   come from `libm`. The [trace hash](Network::trace_hash) says whether two runs were the same.
//! * What happens at one instant has an order: changes of the world, arrivals, links that become free,
//!   timers; and among equals, the order in which they were planned.
//! * An element that is taken away leaves the chance of all others as it was.
//! * Every packet ends delivered, dropped for a [`DropReason`], merged into another, or is in flight:
//!   [`Tally::is_conserved`].
//! * Addresses belong to interfaces. There is no global table of them, so that private networks overlap.
//! * Nothing here knows a clock, a socket, a thread or a file.
//!
//! # Departures from life
//!
//! Neighbours are known without ARP, and a missing one is reported at once. Routers know at once what
//! changes. Hosts follow the weak model of RFC 1122 §3.3.4.2 unless told otherwise, and prefer the
//! interface that has the source address, as a host with policy routing does. They believe a report of a
//! smaller path MTU only about packets of open sockets. Nobody asks who is in a group: a LAN carries a
//! multicast to everybody.
//!
//! # Map
//!
//! | file | holds |
//! |---|---|
//! | `builder.rs`, `builder/` | [`Builder`]: the description, addresses |
//! | `network.rs`, `network/` | [`Network`]: the run; links, arrivals, origins, boxes, timers, the caller |
//! | `agenda.rs`, `slab.rs`, `table.rs` | what happens next, and where things are kept |
//! | `node.rs`, `socket.rs`, `route.rs`, `routing.rs`, `prefix.rs` | the parts of hosts and routers |
//! | `clock.rs` | [`Clock`]: the clocks of hosts |
//! | `script.rs` | [`Change`]: what changes in the course of a run |
//! | `selection.rs`, `path_mtu.rs` | which address to send from, and how much a path carries |
//! | `packet.rs`, `packet/`, `reassembly.rs` | [`Packet`], ICMP, TCP, fragments |
//! | `link.rs`, `link/` | [`Link`] and its misfortunes |
//! | `tcp.rs`, `tcp/` | TCP on hosts: [`TcpConfig`], [`TcpEvent`] |
//! | `endpoint.rs`, `driven.rs`, `driven/` | [`Endpoint`], [`Driven`] |
//! | `middlebox.rs`, `nat.rs`, `nat/` | [`Middlebox`], [`nat::Nat`] |
//! | `firewall.rs`, `firewall/` | [`firewall::Firewall`] |
//! | `portcontrol.rs`, `portcontrol/` | [`portcontrol`]: hosts ask their NAT for mappings |
//! | `nat64.rs`, `nat64/` | [`nat64::Nat64`], [`nat64::Clat`] |
//! | `event.rs`, `observer.rs`, `watch.rs`, `trace.rs`, `observe/` | [`Event`], [`Observer`], and those who watch |
//! | `random.rs` | [`Stream`] |
//! | `tally.rs` | [`Tally`] |
//! | `units.rs` | [`units`]: durations, rates, sizes as people write them |
//! | `traffic.rs`, `traffic/` | [`traffic`]: flows that compete with those under test |
//! | `laws.rs`, `laws/` | [`laws`]: the laws of machines, checked |

mod agenda;
mod builder;
mod clock;
mod driven;
mod endpoint;
mod event;
pub mod firewall;
mod id;
pub mod laws;
mod link;
mod middlebox;
pub mod nat;
pub mod nat64;
mod network;
mod node;
pub mod observe;
mod observer;
mod packet;
mod path_mtu;
pub mod portcontrol;
mod prefix;
mod random;
mod reassembly;
mod route;
mod routing;
mod script;
pub mod selection;
mod slab;
mod socket;
mod table;
mod tally;
mod tcp;
mod trace;
pub mod traffic;
pub mod units;
mod watch;

pub use builder::{Attach, BuildError, Builder, Host};
pub use clock::Clock;
pub use driven::Driven;
pub use endpoint::{Cx, Endpoint, NetworkChange};
pub use event::{Changed, DropReason, Event, NatEvent, Place};
pub use id::{HopId, ListenerId, NodeId, PacketId, SocketId, TcpId};
pub use link::{
    Airtime, BadLossTrace, Bearer, Codel, DelayStep, DelayTrace, DeliveryTrace, DualPi2,
    DualScheduler, Fading, Fq, FqCodel, Gaps, InGap, Jitter, Link, Loss, LossTrace, Markov,
    Multipath, PathMtu, Peak, Pie, Piecewise, Priority, Queue, QueueLimit, Rate, RateStep, Red,
    Reorder, Spikes, Swap, TokenBucket, TraceError, When, Window,
};
pub use middlebox::{Action, Middlebox, Outlet, Side, SideInfo};
pub use network::Network;
pub use node::{EphemeralPorts, HostModel};
pub use observer::{HopInfo, NodeInfo, NodeKind, Observer, Topology};
pub use packet::{
    Body, DEFAULT_HOP_LIMIT, Fragment, IPV4_HEADER, IPV6_FRAGMENT_HEADER, IPV6_HEADER, Icmp,
    IcmpError, Packet, Protocol, Quote, TCP_HEADER, Tcp, TcpFlags, UDP_HEADER, Udp,
};
pub use prefix::{BadPrefix, Prefix};
pub use random::Stream;
pub use route::StaticRoute;
pub use script::Change;
pub use socket::{BindError, Received, RecvMeta, SocketOption};
pub use tally::Tally;
pub use tcp::{
    Congestion, TcpClosed, TcpConfig, TcpConnectError, TcpEvent, TcpRead, TcpState, TcpStats,
};
pub use trace::TraceHash;
