//! Servers.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use base::Machine;

use crate::subjects::stun::{Alternate, Credential};

/// How a server is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnServerConfig {
    /// Where it serves clients over UDP.
    pub addresses: Vec<SocketAddr>,
    /// Whether it also serves clients over TCP, at the same addresses and ports.
    pub tcp: bool,
    /// The realm of its users.
    pub realm: &'static str,
    /// Its users; without any it serves guests.
    pub users: Vec<Credential>,
    /// Where it relays from: one address for each family that it relays.
    pub relays: Vec<IpAddr>,
    /// The ports it relays from.
    pub ports: RangeInclusive<u16>,
    /// Whom it relays to.
    pub peers: Peers,
    /// How long a nonce stays valid.
    pub nonce_lifetime: Duration,
    /// The longest lifetime it grants.
    pub max_lifetime: Duration,
    /// What a user may have, as far as that is limited at all.
    pub quotas: Quotas,
    /// Whether it relays TCP (RFC 6062).
    pub tcp_relay: bool,
    /// Whether it keeps its cap on answers to strangers, who may have lent their address to an attack.
    pub challenge_cap: bool,
    /// Where it sends everyone, if it only redirects.
    pub alternate: Option<Alternate>,
    /// The SOFTWARE it announces, if any.
    pub software: Option<&'static str>,
}

/// Whom a server relays to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Anyone.
    Any,
    /// Addresses of the public Internet only.
    Public,
}

/// What a user may have at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Allocations of one user.
    pub allocations: Option<usize>,
    /// Permissions of one allocation.
    pub permissions: Option<usize>,
    /// Channels of one allocation.
    pub channels: Option<usize>,
    /// Relayed bytes in a second, of one user.
    pub bandwidth: Option<u64>,
}

impl TurnServerConfig {
    /// A server with defaults that listens at `address` and relays from the same IP address.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            addresses: vec![address],
            tcp: false,
            realm: "relay.example",
            users: Vec::new(),
            relays: vec![address.ip()],
            ports: 49_152..=65_535,
            peers: Peers::Any,
            nonce_lifetime: Duration::from_secs(3600),
            max_lifetime: Duration::from_secs(3600),
            quotas: Quotas::default(),
            tcp_relay: false,
            challenge_cap: false,
            alternate: None,
            software: None,
        }
    }
}

/// A TURN server as a machine. It opens all its sockets itself, those of `addresses` first of all.
/// Datagrams it sends name the local address they leave from.
pub trait TurnServer: Machine<Event = ()> {}
