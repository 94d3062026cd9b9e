//! Clients.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Instant, Machine};

use crate::subjects::stun::{Credential, Refusal, Transport};

/// How a client is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnClientConfig {
    /// The local address it sends from.
    pub local: SocketAddr,
    /// The server.
    pub server: SocketAddr,
    /// What carries its messages.
    pub transport: Transport,
    /// What it presents.
    pub credential: Credential,
    /// What it asks for.
    pub wish: Wish,
    /// Whether it uses the ALTERNATE-SERVER extension (RFC 8489 §10).
    pub alternate_server: bool,
    /// Whether its user name is to be kept from those who listen (RFC 8656 §21.1.6).
    pub anonymous: bool,
    /// The SOFTWARE it announces, if any.
    pub software: Option<&'static str>,
}

/// What a client asks its server for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The families of the relayed addresses.
    pub relayed: Relayed,
    /// A lifetime other than the default.
    pub lifetime: Option<Duration>,
    /// An even port, and whether the next one is to be reserved.
    pub even_port: Option<bool>,
    /// A port that was reserved.
    pub token: Option<[u8; 8]>,
    /// A relay of TCP (RFC 6062).
    pub tcp: bool,
}

/// The families of relayed addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relayed {
    /// What the server gives without being asked, or IPv4.
    #[default]
    Default,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// Both.
    Both,
}

impl TurnClientConfig {
    /// A client of `server` over UDP with all the defaults.
    #[must_use]
    pub fn new(local: SocketAddr, server: SocketAddr, credential: Credential) -> Self {
        Self {
            local,
            server,
            transport: Transport::Udp,
            credential,
            wish: Wish::default(),
            alternate_server: false,
            anonymous: false,
            software: None,
        }
    }
}

/// A TURN client as a machine.
pub trait TurnClient: Machine<Event = TurnClientEvent> {
    /// Asks for the allocation that its configuration describes.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot, or must not yet.
    fn allocate(&mut self, now: Instant) -> Result<(), Refusal>;

    /// Asks for a permission.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn permit(&mut self, now: Instant, peer: IpAddr) -> Result<(), Refusal>;

    /// Asks for a channel.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn bind_channel(&mut self, now: Instant, peer: SocketAddr) -> Result<(), Refusal>;

    /// Sends data to a peer.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn send(&mut self, now: Instant, peer: SocketAddr, payload: &[u8]) -> Result<(), Refusal>;

    /// Deletes the allocation.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn release(&mut self, now: Instant) -> Result<(), Refusal>;

    /// Asks for a connection to a peer (RFC 6062 §4.3).
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn connect_peer(&mut self, now: Instant, peer: SocketAddr) -> Result<(), Refusal> {
        let _ = (now, peer);
        Err(Refusal::Unsupported)
    }
}

/// What a client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnClientEvent {
    /// The allocation is made.
    Allocated {
        /// The relayed addresses.
        relayed: Vec<SocketAddr>,
    },
    /// The allocation could not be made.
    AllocationFailed,
    /// The allocation that was there is gone.
    Lost,
    /// A permission is made.
    Permitted {
        /// For this address.
        peer: IpAddr,
    },
    /// A permission could not be made or kept.
    PermissionFailed {
        /// For this address.
        peer: IpAddr,
    },
    /// A channel is bound.
    ChannelBound {
        /// To this peer.
        peer: SocketAddr,
    },
    /// A channel could not be bound or kept.
    ChannelFailed {
        /// To this peer.
        peer: SocketAddr,
    },
    /// Data came from a peer.
    Data {
        /// The peer.
        peer: SocketAddr,
        /// The bytes.
        payload: Vec<u8>,
    },
    /// An ICMP error about what went to a peer.
    Icmp {
        /// The peer.
        peer: SocketAddr,
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
    },
    /// A connection to a peer is there (RFC 6062).
    PeerConnected {
        /// The peer.
        peer: SocketAddr,
    },
    /// A connection to a peer could not be made, or ended.
    PeerClosed {
        /// The peer.
        peer: SocketAddr,
    },
}
