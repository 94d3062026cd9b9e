//! UDP sockets of simulated hosts.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use base::{Dscp, Ecn, Instant, SocketError};
use bytes::Bytes;

use crate::id::{HopId, NodeId};

/// Datagrams that wait in a socket until the caller takes them, unless the host says otherwise. Linux
/// has room for about as many small ones by default.
pub(crate) const DEFAULT_RECEIVE_QUEUE: usize = 256;
/// Errors that wait in a socket; older ones are forgotten, as a socket has one error to report.
const ERROR_QUEUE: usize = 16;

/// A datagram that was taken from a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// When it arrived.
    pub at: Instant,
    /// Who sent it, as seen here.
    pub source: SocketAddr,
    /// The local address and port it was sent to.
    pub destination: SocketAddr,
    /// The congestion mark it arrived with.
    pub ecn: Ecn,
    /// The traffic class it arrived with.
    pub dscp: Dscp,
    /// The hop limit it arrived with.
    pub ttl: u8,
    /// The UDP payload.
    pub payload: Bytes,
}

/// What comes with a datagram besides its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvMeta {
    /// Who sent it, as seen here.
    pub source: SocketAddr,
    /// The local address and port it was sent to.
    pub destination: SocketAddr,
    /// The congestion mark it arrived with.
    pub ecn: Ecn,
    /// The traffic class it arrived with.
    pub dscp: Dscp,
    /// The hop limit it arrived with.
    pub ttl: u8,
    /// The interface it came in by.
    pub hop: HopId,
}

/// Why a socket could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// No interface of the host has the address.
    #[error("the host does not have the address {0}")]
    NoSuchAddress(IpAddr),
    /// Another socket has the address and port.
    #[error("address {0} is in use")]
    InUse(SocketAddr),
    /// Every ephemeral port is taken.
    #[error("no ephemeral port is free")]
    NoFreePort,
    /// The host has crashed.
    #[error("the host is down")]
    HostDown,
    /// Only hosts have sockets.
    #[error("the node is not a host")]
    NotAHost,
}

/// A UDP socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) host: NodeId,
    /// Where it is bound; the address may be unspecified, the port is never 0.
    pub(crate) local: SocketAddr,
    /// Whether the host's endpoint is called for it, rather than the caller polling it.
    pub(crate) driven: bool,
    pub(crate) open: bool,
    pub(crate) dont_fragment: bool,
    pub(crate) hop_limit: u8,
    pub(crate) groups: Vec<IpAddr>,
    pub(crate) limit: usize,
    pub(crate) received: VecDeque<Received>,
    pub(crate) errors: VecDeque<SocketError>,
}

impl Socket {
    pub(crate) const fn new(host: NodeId, local: SocketAddr, driven: bool, limit: usize) -> Self {
        Self {
            host,
            local,
            driven,
            open: true,
            dont_fragment: false,
            hop_limit: crate::packet::DEFAULT_HOP_LIMIT,
            groups: Vec::new(),
            limit,
            received: VecDeque::new(),
            errors: VecDeque::new(),
        }
    }

    /// Whether it takes datagrams for `destination`.
    pub(crate) fn accepts(&self, destination: SocketAddr) -> bool {
        self.open
            && self.local.port() == destination.port()
            && self.local.is_ipv4() == destination.is_ipv4()
            && (self.local.ip().is_unspecified() || self.local.ip() == destination.ip())
    }

    /// The host is gone, and what the socket held with it.
    pub(crate) fn end(&mut self) {
        self.open = false;
        self.received.clear();
        self.errors.clear();
        self.groups.clear();
    }

    pub(crate) fn join(&mut self, group: IpAddr) {
        if !self.groups.contains(&group) {
            self.groups.push(group);
        }
    }

    pub(crate) fn report(&mut self, error: SocketError) {
        if self.errors.len() == ERROR_QUEUE {
            self.errors.pop_front();
        }
        self.errors.push_back(error);
    }
}
