//! Port control: hosts ask their NAT for mappings, by PCP (RFC 6887) and NAT-PMP (RFC 6886).
//!
//! A [`Nat`](crate::nat::Nat) whose configuration has `port-control` answers on UDP port 5351 of its
//! inside addresses. The messages can be built and read by whoever wants to be a client.
//!
//! | file | holds |
//! |---|---|
//! | `config.rs` | [`Config`] |
//! | `pcp.rs`, `pcp/` | [`pcp`]: messages of PCP |
//! | `natpmp.rs` | [`natpmp`]: messages of NAT-PMP |
//! | `server.rs` | what the box answers, and announces when it lost its state |
//! | `map.rs`, `peer.rs` | the two ways to ask for a mapping by PCP |
//! | `lease.rs` | who asked for what, and for how long |
//!
//! Departures: a mapping that its owner deletes ends at once, even if traffic would keep an implicit one
//! alive (RFC 6887 §15). Wildcard and "DMZ host" mappings are refused, as RFC 6887 §11.3 allows.
//! Announcements go to IPv4 neighbours alone, and there are no unsolicited mapping updates
//! (RFC 6887 §14.2). UPnP IGD is left out.

mod config;
mod lease;
mod map;
pub mod natpmp;
pub mod pcp;
mod peer;
mod server;

pub use config::Config;
pub(crate) use server::Server;

/// The port that port control servers listen on.
pub const SERVER_PORT: u16 = 5_351;
/// The port on which clients hear announcements.
pub const CLIENT_PORT: u16 = 5_350;

/// The number of UDP, as messages name protocols.
pub const UDP: u8 = 17;
/// The number of TCP.
pub const TCP: u8 = 6;
