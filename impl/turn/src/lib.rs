//! TURN, the protocol by which a host has a server relay for it: RFC 8656.
//!
//! An *allocation* is an address at the server, the *relayed* address, that works for the client. *Peers*
//! send to it, and what they send comes to the client; the client sends to peers from it. A *permission*
//! lets the address of a peer through, a *channel* saves bytes on the way between client and server.
//! [`Client`] and [`Server`] are machines without I/O ([`base::Machine`]).
//!
//! It follows RFC 8656, with both families of addresses, TCP allocations (RFC 6062), URIs (RFC 7065)
//! and access tokens (RFC 7635).
//!
//! | file | holds |
//! |---|---|
//! | `channel.rs` | [`ChannelMessage`], [`Channel`]: ChannelData as bytes |
//! | `credential.rs` | [`time_limited_password`] and what goes with it |
//! | `client.rs`, `client/` | [`Client`]: one path to one server |
//! | `server.rs`, `server/` | [`Server`]: a machine that relays, [`server`]: how it is set up and what it tells |

mod channel;
mod client;
mod credential;
pub mod server;

pub use channel::{CHANNEL_HEADER_LENGTH, Channel, ChannelMessage};
pub use client::{
    Advice, Allocate, AllocateError, AllocateFailure, Allocation, Client, ClientConfig, ClientDrop,
    ClientDrops, ClientEvent, ClientStats, ConnectionId, DisconnectReason, Families, LostReason,
    MAX_CHANNELS, MAX_CONNECTING, MAX_CONNECTIONS, MAX_EVENTS, MAX_PERMISSIONS, MAX_UNSENT,
    Outgoing, PeerError, PortWish, Received, Relay, SendError, Transport,
};
pub use credential::{time_limited_expiry, time_limited_password, time_limited_username};
pub use server::{Server, ServerConfig, ServerEvent, ServerStats};
