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
    /// The interface it came in by.
    pub hop: HopId,
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

/// What a program can set on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketOption {
    /// Forbids (or allows, as at first) to fragment what is sent. What is longer than the path is known
    /// to carry comes back as [`TooBig`](base::SocketErrorKind::TooBig).
    DontFragment(bool),
    /// The hop limit of what is sent, [`DEFAULT_HOP_LIMIT`](crate::DEFAULT_HOP_LIMIT) at first.
    HopLimit(u8),
    /// The only interface that is used for sending and receiving; `None`, as at first, for all.
    Device(Option<HopId>),
    /// Hears what is sent to a multicast group, on one interface or on all (`None`).
    Join(IpAddr, Option<HopId>),
    /// Takes a [`Join`](SocketOption::Join) of the same words back.
    Leave(IpAddr, Option<HopId>),
    /// The interface that multicasts leave by; `None`, as at first, for the one that has the socket's
    /// address, or the first that has any.
    MulticastInterface(Option<HopId>),
    /// The hop limit of multicasts, 1 at first.
    MulticastHopLimit(u8),
    /// Whether sockets of the same host that joined the group hear what is sent; they do at first.
    MulticastLoop(bool),
}

/// How a socket sends to groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Multicast {
    interface: Option<HopId>,
    hop_limit: u8,
    loops: bool,
}

/// Who a socket is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Whether the host's endpoint is called for it, rather than the caller polling it.
    pub(crate) driven: bool,
    /// Whether others may share its port.
    pub(crate) shared: bool,
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
    /// Groups it joined: on one interface, or on all.
    pub(crate) groups: Vec<(IpAddr, Option<HopId>)>,
    /// Whether others may share its port.
    pub(crate) shared: bool,
    /// The only interface it uses, if it is tied to one.
    pub(crate) device: Option<HopId>,
    pub(crate) multicast: Multicast,
    pub(crate) limit: usize,
    pub(crate) received: VecDeque<Received>,
    pub(crate) errors: VecDeque<SocketError>,
}

impl Socket {
    pub(crate) const fn new(host: NodeId, local: SocketAddr, kind: Kind, limit: usize) -> Self {
        let Kind { driven, shared } = kind;
        Self {
            host,
            local,
            driven,
            open: true,
            dont_fragment: false,
            hop_limit: crate::packet::DEFAULT_HOP_LIMIT,
            groups: Vec::new(),
            shared,
            device: None,
            multicast: Multicast { interface: None, hop_limit: 1, loops: true },
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

    pub(crate) fn set(&mut self, option: SocketOption) {
        match option {
            SocketOption::DontFragment(forbidden) => self.dont_fragment = forbidden,
            SocketOption::HopLimit(hops) => self.hop_limit = hops,
            SocketOption::Device(hop) => self.device = hop,
            SocketOption::Join(group, hop) => {
                if !self.groups.contains(&(group, hop)) {
                    self.groups.push((group, hop));
                }
            }
            SocketOption::Leave(group, hop) => self.groups.retain(|entry| *entry != (group, hop)),
            SocketOption::MulticastInterface(hop) => self.multicast.interface = hop,
            SocketOption::MulticastHopLimit(hops) => self.multicast.hop_limit = hops,
            SocketOption::MulticastLoop(loops) => self.multicast.loops = loops,
        }
    }

    /// The interface that packets must leave by, if it is tied to one.
    pub(crate) fn through(&self, group: bool) -> Option<HopId> {
        self.device.or_else(|| self.multicast.interface.filter(|_| group))
    }

    pub(crate) const fn multicast_hop_limit(&self) -> u8 {
        self.multicast.hop_limit
    }

    pub(crate) const fn loops(&self) -> bool {
        self.multicast.loops
    }

    pub(crate) fn has_joined(&self, group: IpAddr, hop: HopId) -> bool {
        let here = |wanted: &Option<HopId>| wanted.is_none_or(|wanted| wanted == hop);
        self.groups.iter().any(|(joined, wanted)| *joined == group && here(wanted))
    }

    /// Whether it takes what comes in by the interface.
    pub(crate) fn hears(&self, hop: HopId) -> bool {
        self.device.is_none_or(|device| device == hop)
    }

    pub(crate) fn report(&mut self, error: SocketError) {
        if self.errors.len() == ERROR_QUEUE {
            self.errors.pop_front();
        }
        self.errors.push_back(error);
    }
}
