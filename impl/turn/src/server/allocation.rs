//! What a client has: RFC 8656 §3.2, §9, §12.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use base::{Instant, StreamId};
use stun::{
    Key,
    wire::{Algorithm, Code, Family, TransactionId},
};

use super::{
    accounts::{Account, Kind},
    event::{Client, ClientTransport, PrintableName},
    quota::OwnerId,
    stats::Traffic,
};

/// For how long a permission holds: exactly this, RFC 8656 §9.
pub const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);

/// For how long a channel is bound: RFC 8656 §12.
pub const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

/// For how long the number and the peer of a channel that has run out may not be bound otherwise, so
/// that what is still on its way does not go to somebody else: RFC 8656 §12.
pub const CHANNEL_REST: Duration = Duration::from_secs(300);

/// The path between a client and the server: the 5-tuple of RFC 8656.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    pub(super) client: SocketAddr,
    pub(super) local: SocketAddr,
    /// The connection, unless it is UDP.
    pub(super) stream: Option<StreamId>,
}

/// Names an allocation, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AllocationId {
    pub(super) slot: usize,
    /// The how-manieth allocation of all it is.
    pub(super) number: u64,
}

/// One of the two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    V4,
    V6,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(super) const fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    pub(super) fn of_family(family: Family) -> Option<Self> {
        match family {
            Family::IPV4 => Some(Self::V4),
            Family::IPV6 => Some(Self::V6),
            _ => None,
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::V4 => Family::IPV4,
            Self::V6 => Family::IPV6,
        }
    }
}

/// What an allocation is between the request and its end.
#[derive(Clone, Debug)]
pub(super) struct Allocation {
    pub(super) path: Path,
    pub(super) credential: AllocationCredential,
    pub(super) owner: OwnerId,
    /// The transaction that made it, so that its repetition is known.
    pub(super) transaction: TransactionId,
    pub(super) outcome: Outcome,
    pub(super) v4: Option<Relay>,
    pub(super) v6: Option<Relay>,
    pub(super) is_tcp: bool,
    pub(super) permissions: Vec<Permission>,
    pub(super) channels: Vec<Channel>,
    pub(super) to_peers: Traffic,
    pub(super) to_clients: Traffic,
}

/// Whose it is.
#[derive(Clone, Debug)]
pub(super) struct AllocationCredential {
    pub(super) username: Arc<str>,
    pub(super) owner: Arc<str>,
    pub(super) printable: PrintableName,
    pub(super) key: Key,
    /// What the key was made with.
    pub(super) algorithm: Algorithm,
    pub(super) kind: Kind,
    /// When it ends whatever it made, which that of a token does.
    pub(super) ends_at: Option<Instant>,
}

impl AllocationCredential {
    pub(super) fn new(now: Instant, account: &Account, algorithm: Algorithm) -> Self {
        Self {
            username: Arc::clone(&account.username),
            owner: Arc::clone(&account.owner),
            printable: PrintableName::new(&account.username),
            key: account.key.clone(),
            algorithm,
            kind: account.kind,
            ends_at: account.rest.map(|rest| now + rest),
        }
    }
}

/// What the answer to the request says, besides addresses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome {
    /// Whether its sockets are there, so that it was answered.
    pub(super) is_open: bool,
    /// The name of the port beside its own.
    pub(super) reservation: Option<u64>,
    /// The family that could not be had.
    pub(super) missing: Option<(Side, Code)>,
}

/// An address that is relayed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relay {
    /// The address as the host knows it.
    pub(super) bound: SocketAddr,
    /// The address as peers know it.
    pub(super) seen: SocketAddr,
    pub(super) expires_at: Instant,
    /// The listener, if it is TCP.
    pub(super) listener: Option<StreamId>,
}

/// A peer that may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) ip: IpAddr,
    pub(super) expires_at: Instant,
}

/// A number that stands for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    pub(super) number: u16,
    pub(super) peer: SocketAddr,
    pub(super) expires_at: Instant,
}

/// Why a channel cannot be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindError {
    /// Number or peer are bound otherwise, or were lately.
    Taken,
    /// There are enough.
    TooMany,
}

impl Allocation {
    pub(super) const fn relay(&self, side: Side) -> Option<&Relay> {
        match side {
            Side::V4 => self.v4.as_ref(),
            Side::V6 => self.v6.as_ref(),
        }
    }

    pub(super) const fn relay_mut(&mut self, side: Side) -> &mut Option<Relay> {
        match side {
            Side::V4 => &mut self.v4,
            Side::V6 => &mut self.v6,
        }
    }

    pub(super) fn relays(&self) -> impl Iterator<Item = &Relay> {
        self.v4.iter().chain(&self.v6)
    }

    /// Who it belongs to, for events.
    pub(super) fn client(&self) -> Client {
        Client {
            address: self.path.client,
            transport: match self.path.stream {
                None => ClientTransport::Udp,
                Some(_) => ClientTransport::Tcp,
            },
            username: self.credential.printable.clone(),
        }
    }

    /// Whether `ip` may send and be sent to. Ports do not count: RFC 8656 §9.
    pub(super) fn permits(&self, now: Instant, ip: IpAddr) -> bool {
        self.permissions.iter().any(|it| it.ip == ip && now < it.expires_at)
    }

    /// Installs or refreshes permissions for all of `ips`, or none if they would be more than `limit`.
    /// Returns those that are new.
    pub(super) fn permit(
        &mut self,
        now: Instant,
        ips: &[IpAddr],
        limit: usize,
    ) -> Option<Vec<IpAddr>> {
        self.permissions.retain(|it| now < it.expires_at);
        let mut fresh: Vec<IpAddr> = Vec::new();
        for ip in ips {
            if !self.permissions.iter().any(|it| it.ip == *ip) && !fresh.contains(ip) {
                fresh.push(*ip);
            }
        }
        if self.permissions.len() + fresh.len() > limit {
            return None;
        }
        let twice = if base::mutant::active("turn-server-permission-outlives") { 2 } else { 1 };
        let expires_at = now + PERMISSION_LIFETIME * twice;
        for permission in self.permissions.iter_mut().filter(|it| ips.contains(&it.ip)) {
            permission.expires_at = expires_at;
        }
        self.permissions.extend(fresh.iter().map(|ip| Permission { ip: *ip, expires_at }));
        Some(fresh)
    }

    /// The peer that `number` stands for.
    pub(super) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let channel = self.channels.iter().find(|it| it.number == number)?;
        (now < channel.expires_at).then_some(channel.peer)
    }

    /// The number that stands for `peer`.
    pub(super) fn channel_of(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let channel = self.channels.iter().find(|it| it.peer == peer)?;
        (now < channel.expires_at).then_some(channel.number)
    }

    /// Binds or refreshes a channel: RFC 8656 §12.2.
    pub(super) fn bind(
        &mut self,
        now: Instant,
        number: u16,
        peer: SocketAddr,
        limit: usize,
    ) -> Result<(), BindError> {
        self.channels.retain(|it| now < it.expires_at + CHANNEL_REST);
        let twice = if base::mutant::active("turn-server-channel-outlives") { 2 } else { 1 };
        let expires_at = now + CHANNEL_LIFETIME * twice;
        if let Some(channel) =
            self.channels.iter_mut().find(|it| it.number == number && it.peer == peer)
        {
            channel.expires_at = expires_at;
            return Ok(());
        }
        if self.channels.iter().any(|it| it.number == number || it.peer == peer)
            && !base::mutant::active("turn-server-channel-bound-twice")
        {
            return Err(BindError::Taken);
        }
        // Channels that rest count too, so that there are no more of both than the limit.
        if self.channels.len() >= limit {
            return Err(BindError::TooMany);
        }
        self.channels.push(Channel { number, peer, expires_at });
        Ok(())
    }

    /// Takes a family away, with its permissions and channels: RFC 8656 §8.1.
    pub(super) fn remove_side(&mut self, side: Side) -> Option<Relay> {
        self.permissions.retain(|it| Side::of(it.ip) != side);
        self.channels.retain(|it| Side::of(it.peer.ip()) != side);
        self.relay_mut(side).take()
    }
}
