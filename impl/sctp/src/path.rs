//! The path: round-trip time, retransmission timeout, packet size, and whether it is alive.

mod discovery;
mod heartbeat;
mod rtt;

pub(crate) use discovery::{Discovery, DiscoveryConfig};
pub(crate) use heartbeat::{HeartbeatConfig, HeartbeatInfo, Heartbeats};
pub(crate) use rtt::{Rtt, RttConfig};
