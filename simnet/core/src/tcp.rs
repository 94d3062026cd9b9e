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
//! smoltcp does sequence numbers, retransmission (RFC 6298, with its least timeout of one second), flow
//! control with window scaling, Nagle's algorithm, delayed acknowledgments, Reno and Cubic. Listening with a
//! backlog, finding the connection, ports, source addresses, ICMP errors, the user timeout and the end of
//! keep-alive are here.
//!
//! # What is not there
//!
//! * ECN: smoltcp neither negotiates nor answers it; segments leave as Not-ECT, and marks are not seen.
//! * Recovery by selective acknowledgments: receivers send them, senders do not use them. Several losses
//!   in one window cost a retransmission timeout.
//! * What was lost because a path MTU is smaller than the segments is sent again, in smaller ones, when the
//!   retransmission timer fires, where it could be sent at once (RFC 1191 §6.4). The estimate is that of the
//!   host. Segment sizes can also be lowered by boxes that rewrite the option of a SYN.
//! * TIME-WAIT lasts ten seconds. A new SYN from the same port ends it early (RFC 9293 §3.10.7.4).
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
mod run;
mod state;
mod store;
mod wire;

pub(crate) use arrive::reset_for;
pub use config::{Congestion, TcpConfig};
pub(crate) use host::HostTcp;
pub use state::{TcpClosed, TcpConnectError, TcpEvent, TcpRead, TcpState, TcpStats};
pub(crate) use store::TcpStore;
