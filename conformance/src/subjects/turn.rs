//! What the suite asks of a TURN implementation, kind by kind.
//!
//! Servers and clients are machines: the network carries their datagrams and connections, the sockets
//! and connections they ask for come to be on their host, virtual time is told to them. Everything that
//! crosses this border is bytes, addresses and plain words; no type of any implementation does.

mod client;
mod server;

pub use client::{Relayed, TurnClient, TurnClientConfig, TurnClientEvent, Wish};
pub use server::{Peers, Quotas, TurnServer, TurnServerConfig};
