//! What is in the books.

use std::{
    hash::{Hash, Hasher},
    net::{IpAddr, SocketAddr},
};

use base::Instant;

use crate::{
    nat::{slab::Id, tcp::Tracked},
    packet::Protocol,
};

/// A conversation as seen from one side of the box: an endpoint there, and the one beyond the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nat) struct Flow {
    pub(in crate::nat) protocol: Protocol,
    /// The translated endpoint: internal as seen from inside, external as seen from outside.
    pub(in crate::nat) near: SocketAddr,
    /// The endpoint on the other side. ICMP queries have no port there: 0.
    pub(in crate::nat) far: SocketAddr,
}

/// Which remote endpoints a mapping serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::nat) enum Scope {
    Any,
    Address(IpAddr),
    Endpoint(SocketAddr),
}

impl Scope {
    /// Whether `remote` is one of them.
    pub(in crate::nat) fn covers(self, remote: SocketAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Address(ip) => ip == remote.ip(),
            Self::Endpoint(endpoint) => endpoint == remote,
        }
    }
}

/// How a mapping came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nat) enum Kind {
    /// A packet from inside asked for it.
    Dynamic,
    /// Somebody asked for it by name, for a time.
    Explicit,
    /// The configuration asks for it.
    Static,
}

/// An internal endpoint and the external one that stands for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::nat) struct Mapping {
    /// Of which protocol; [`Protocol::Udp`] where UDP and TCP share mappings.
    pub(in crate::nat) protocol: Protocol,
    pub(in crate::nat) kind: Kind,
    pub(in crate::nat) internal: SocketAddr,
    pub(in crate::nat) external: SocketAddr,
    pub(in crate::nat) scope: Scope,
    pub(in crate::nat) deadline: Instant,
    /// When the heap brings it up next.
    pub(in crate::nat) queued: Instant,
    /// It does not end before, whatever its sessions do.
    pub(in crate::nat) until: Instant,
    /// How many sessions it has.
    pub(in crate::nat) sessions: u32,
}

/// One remote endpoint that a mapping has sent to.
#[derive(Clone, Debug)]
pub(in crate::nat) struct Session {
    pub(in crate::nat) mapping: Id,
    /// The flow as seen from inside.
    pub(in crate::nat) inside: Flow,
    /// The flow as seen from outside.
    pub(in crate::nat) outside: Flow,
    pub(in crate::nat) born: Instant,
    pub(in crate::nat) replied: bool,
    /// What is known of a TCP connection.
    pub(in crate::nat) tcp: Tracked,
    pub(in crate::nat) deadline: Instant,
    /// When the heap brings it up next.
    pub(in crate::nat) queued: Instant,
}

/// A conversation of a remote endpoint with the box itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    pub(super) flow: Flow,
    pub(super) deadline: Instant,
}

/// What is known of an internal address.
#[derive(Clone, Copy, Debug)]
pub(in crate::nat) struct Host {
    /// Index of its external address in the pool.
    pub(in crate::nat) address: usize,
    /// How many mappings it has.
    pub(in crate::nat) mappings: usize,
    /// At how many external endpoints they are.
    pub(in crate::nat) ports: usize,
}

/// Something that ended.
#[derive(Clone, Copy, Debug)]
pub(in crate::nat) enum Ended {
    Session,
    Remembered,
    Mapping(Mapping),
}

/// An entry of the heap. At one instant sessions end before their mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timed {
    Session(Id),
    Remembered(Id),
    Mapping(Id),
}

impl Hash for Flow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        mix(self.near, state);
        mix(self.far, state);
        state.write_u8(match self.protocol {
            Protocol::Udp => 0,
            Protocol::Icmp => 1,
            Protocol::Tcp => 2,
        });
    }
}

/// Feeds an address in two words instead of the seven of the derived hash.
fn mix<H: Hasher>(address: SocketAddr, state: &mut H) {
    match address {
        SocketAddr::V4(v4) => {
            state.write_u64(u64::from(v4.ip().to_bits()) << 16 | u64::from(v4.port()));
        }
        SocketAddr::V6(v6) => {
            state.write_u128(v6.ip().to_bits());
            state.write_u16(v6.port());
        }
    }
}
