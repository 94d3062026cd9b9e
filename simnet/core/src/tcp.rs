//! TCP on hosts: smoltcp's sockets on simulated packets.
//!
//! Every connection has a smoltcp interface, socket set and socket of its own, made when the connection
//! begins and dropped when it ends. So a host without TCP pays one empty pointer, addresses and
//! connections are not limited by the small tables of one interface, a host may use any of its
//! addresses, and a path MTU concerns one connection. An interface without link layer is small beside the
//! buffers of its socket, and no connection is looked at when another is at work.
//!
//! # What is smoltcp's, and what is ours
//!
//! smoltcp has the states, sequence numbers, buffers, flow control with window scaling, Nagle's algorithm,
//! delayed and selective acknowledgments, and the retransmission timer (RFC 6298, never shorter than a
//! second). Congestion control and the recovery of losses are ours (`sender.rs` says why), as are listening
//! with a backlog, finding the connection, ports, source addresses, ICMP errors, the user timeout and the end
//! of keep-alive.
//!
//! # What is not there
//!
//! * ECN: smoltcp neither negotiates nor answers it; segments leave as Not-ECT, and marks are not seen.
//! * What was lost because a path MTU is smaller than the segments is sent again, in smaller ones, when the
//!   retransmission timer fires, where it could be sent at once (RFC 1191 §6.4). The estimate is that of the
//!   host. Segment sizes can also be lowered by boxes that rewrite the option of a SYN.
//! * TIME-WAIT lasts ten seconds. A new SYN from the same port ends it early (RFC 9293 §3.10.7.4).
//! * Pacing: what a window allows leaves at once. The window is not lowered after a pause.
//! * Probes for the last segments in flight: when those are lost, the timer notices.
//! * Urgent data, and the data of a SYN.
//!
//! # Bounds
//!
//! Connections per host, connections that wait at a listener, and the buffers of each connection have
//! limits in [`TcpConfig`]. What a connection still held when it ended is kept until it is read.

mod arrive;
mod caller;
mod command;
mod config;
mod connection;
mod host;
mod numbers;
mod run;
mod sender;
mod state;
mod store;
mod wire;

pub(crate) use arrive::reset_for;
pub use config::{Congestion, TcpConfig};
pub(crate) use host::HostTcp;
pub use state::{TcpClosed, TcpConnectError, TcpEvent, TcpRead, TcpState, TcpStats};
pub(crate) use store::TcpStore;
