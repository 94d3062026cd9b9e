//! Application data, from clients to peers and back: RFC 8656 §11, §12, §14, §15.
//!
//! Nothing here allocates: this is what a server does all day.

use std::net::{IpAddr, SocketAddr};

use base::{Datagram, Ecn, Instant, SocketError, SocketErrorKind};
use stun::{
    Builder, Message,
    wire::{AttributeType, Class, Data, Icmp, Method, TransactionId, XorPeerAddress},
};

use super::{
    Server,
    allocation::{AllocationId, Path, Side},
    policy,
    stats::DropReason,
};

/// Bytes of the header of ChannelData.
const CHANNEL_HEADER: usize = 4;

/// Longest datagram that fits a Data indication: 36 bytes before it, or 48 with an IPv6 address, in a
/// message that fits a datagram.
const MAX_INDICATED: usize = 65_507 - 48;

/// Longest datagram that fits ChannelData in a datagram.
const MAX_CHANNELLED: usize = 65_507 - CHANNEL_HEADER;

impl Server {
    /// ChannelData from a client: RFC 8656 §12.6.
    pub(super) fn channel_data(&mut self, now: Instant, path: &Path, ecn: Ecn, bytes: &[u8]) {
        let Some((&[a, b, c, d], rest)) = bytes.split_first_chunk::<CHANNEL_HEADER>() else {
            return self.drop_for(DropReason::Malformed);
        };
        let number = u16::from_be_bytes([a, b]);
        let Some(data) = rest.get(..usize::from(u16::from_be_bytes([c, d]))) else {
            return self.drop_for(DropReason::Malformed);
        };
        let Some(id) = self.table.of_path(path) else {
            return self.drop_for(DropReason::NoAllocation);
        };
        let peer = self.table.get(id).and_then(|allocation| allocation.peer_of(now, number));
        match peer {
            Some(peer) => self.relay_to_peer(now, id, peer, ecn, data),
            None => self.drop_for(DropReason::NoChannel),
        }
    }

    /// A Send indication: RFC 8656 §11.2.
    pub(super) fn send_indication(
        &mut self,
        now: Instant,
        path: &Path,
        ecn: Ecn,
        message: &Message<'_>,
    ) {
        let peer: Option<XorPeerAddress> = message.get();
        let data: Option<Data<'_>> = message.get();
        let unknown = message.has_not_understood(|kind| self.understands(kind));
        let (Some(XorPeerAddress(peer)), Some(Data(data)), false) = (peer, data, unknown) else {
            return self.drop_for(DropReason::BadIndication);
        };
        let Some(id) = self.table.of_path(path) else {
            return self.drop_for(DropReason::NoAllocation);
        };
        let is_permitted = self
            .table
            .get(id)
            .is_some_and(|allocation| !allocation.is_tcp && allocation.permits(now, peer.ip()));
        if !is_permitted {
            return self.drop_for(DropReason::NoPermission);
        }
        self.relay_to_peer(now, id, peer, ecn, data);
    }

    /// Sends data on to a peer, if the policy lets it and the bandwidth suffices.
    fn relay_to_peer(
        &mut self,
        now: Instant,
        id: AllocationId,
        peer: SocketAddr,
        ecn: Ecn,
        data: &[u8],
    ) {
        if !self.permits_peer(peer, false) {
            return self.drop_for(DropReason::Forbidden);
        }
        if data.len() > MAX_CHANNELLED {
            return self.drop_for(DropReason::TooLong);
        }
        if !self.admits(now, id, data.len()) {
            return self.drop_for(DropReason::Bandwidth);
        }
        let Some(allocation) = self.table.get_mut(id) else { return };
        let Some(relay) = allocation.relay(Side::of(peer.ip())) else {
            return self.stats.dropped.count(DropReason::NoPermission);
        };
        let source = relay.bound;
        allocation.to_peers.add(data.len());
        self.stats.to_peers.add(data.len());
        self.send_datagram(source, peer, ecn, |buffer| buffer.extend_from_slice(data));
    }

    /// A datagram from a peer: RFC 8656 §11.3, §12.7.
    pub(super) fn relay_to_client(
        &mut self,
        now: Instant,
        id: AllocationId,
        datagram: Datagram<'_>,
    ) {
        let Datagram { source: peer, ecn, payload: data, .. } = datagram;
        let Some(allocation) = self.table.get(id) else { return };
        if !allocation.permits(now, peer.ip())
            && !base::mutant::active("turn-server-relays-from-strangers")
        {
            return self.drop_for(DropReason::NoPermission);
        }
        // The permission may be older than the policy.
        if !self.permits_peer(peer, false) {
            return self.drop_for(DropReason::Forbidden);
        }
        let channel = allocation
            .channel_of(now, peer)
            .filter(|_| !base::mutant::active("turn-server-indication-for-channel"));
        let path = allocation.path;
        if data.len() > if channel.is_some() { MAX_CHANNELLED } else { MAX_INDICATED } {
            return self.drop_for(DropReason::TooLong);
        }
        if path.stream.is_some_and(|stream| self.is_stream_full(stream)) {
            return self.drop_for(DropReason::StreamFull);
        }
        if !self.admits(now, id, data.len()) {
            return self.drop_for(DropReason::Bandwidth);
        }
        if let Some(allocation) = self.table.get_mut(id) {
            allocation.to_clients.add(data.len());
        }
        self.stats.to_clients.add(data.len());
        match channel {
            Some(number) => self.tell_client(&path, ecn, |buffer| {
                let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
                buffer.extend_from_slice(&number.to_be_bytes());
                buffer.extend_from_slice(&length.to_be_bytes());
                buffer.extend_from_slice(data);
                if path.stream.is_some() && !base::mutant::active("turn-server-stream-unpadded") {
                    // RFC 8656 §12.5: on a stream what follows is aligned.
                    let padding = data.len().next_multiple_of(4) - data.len();
                    buffer.extend_from_slice([0; 3].get(..padding).unwrap_or_default());
                }
            }),
            None => self.indicate(&path, ecn, peer, |builder| {
                builder.put(&Data(data));
            }),
        }
    }

    /// Sends a Data indication.
    fn indicate(
        &mut self,
        path: &Path,
        ecn: Ecn,
        peer: SocketAddr,
        put: impl FnOnce(&mut Builder<'_>),
    ) {
        let id = TransactionId::random(&mut self.rng);
        self.tell_client(path, ecn, |buffer| {
            let mut builder = Builder::new(buffer, Method::DATA, Class::Indication, id);
            builder.put(&XorPeerAddress(peer));
            put(&mut builder);
        });
    }

    fn tell_client(&mut self, path: &Path, ecn: Ecn, write: impl FnOnce(&mut Vec<u8>)) {
        match path.stream {
            Some(id) => self.send_on_stream(id, write),
            None => self.send_datagram(path.local, path.client, ecn, write),
        }
    }

    /// The network reported an error about a datagram to a peer: RFC 8656 §11.5.
    pub(super) fn peer_error(&mut self, now: Instant, error: SocketError) {
        let Some(id) = self.table.of_relay(&error.local) else { return };
        let Some(allocation) = self.table.get(id) else { return };
        let Some(icmp) = icmp_of(error.remote.ip(), error.kind) else { return };
        if !allocation.permits(now, error.remote.ip())
            && !base::mutant::active("turn-server-icmp-without-permission")
        {
            return self.drop_for(DropReason::NoPermission);
        }
        let path = allocation.path;
        self.indicate(&path, Ecn::NotEct, error.remote, |builder| {
            builder.put(&icmp);
        });
    }

    /// Whether the bandwidth of the owner, and of all, suffices for so many bytes.
    fn admits(&mut self, now: Instant, id: AllocationId, bytes: usize) -> bool {
        let Some(owner) = self.table.get(id).map(|allocation| allocation.owner) else {
            return false;
        };
        let total = self.config.quotas.total_bandwidth;
        self.owners.admits(now, owner, bytes)
            && total.is_none_or(|bandwidth| self.total.admits(now, bandwidth, bytes))
    }

    /// Whether data may be sent to a peer. This server's own addresses are refused, but for those it
    /// relays from by the same protocol: two of its clients are peers of each other.
    pub(super) fn permits_peer(&self, peer: SocketAddr, is_tcp: bool) -> bool {
        let relays = || self.relays_protocol_from(peer, is_tcp);
        if self.is_own(peer.ip()) && (self.serves(peer) || !relays()) {
            return false;
        }
        self.config.policy.permits(peer.ip())
    }

    /// The same as long as no port is known.
    pub(super) fn permits_ip(&self, ip: IpAddr) -> bool {
        let relays = self.ports_v4.iter().chain(&self.ports_v6).any(|ports| ports.is_own(ip));
        (relays || !self.is_own(ip)) && self.config.policy.permits(ip)
    }

    /// Whether it is an address of this host.
    fn is_own(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.own.contains(&ip)
            || self.served.iter().any(|served| served.ip() == ip)
            || self.ports_v4.iter().chain(&self.ports_v6).any(|ports| ports.is_own(ip))
    }

    /// Whether clients are served at this address.
    pub(super) fn serves(&self, address: SocketAddr) -> bool {
        self.served.iter().any(|served| {
            served.port() == address.port()
                && (served.ip().is_unspecified() || policy::is_same_host(*served, address))
        })
    }

    /// Whether an attribute that must be understood is.
    pub(super) fn understands(&self, kind: AttributeType) -> bool {
        match kind {
            AttributeType::DONT_FRAGMENT => self.config.dont_fragment,
            AttributeType::ACCESS_TOKEN => self.config.accounts.tokens().is_some(),
            AttributeType::CONNECTION_ID => self.config.tcp_relay,
            AttributeType::CHANGE_REQUEST
            | AttributeType::RESPONSE_PORT
            | AttributeType::PADDING => false,
            other => other.is_known(),
        }
    }
}

/// Type, code and data of the ICMP message that says so about a datagram to `ip`: RFC 8656 §11.5.
fn icmp_of(ip: IpAddr, kind: SocketErrorKind) -> Option<Icmp> {
    use SocketErrorKind as Kind;
    let (v4, v6, data) = match kind {
        Kind::NetworkUnreachable => ((3, 0), (1, 0), 0),
        Kind::HostUnreachable => ((3, 1), (1, 3), 0),
        Kind::PortUnreachable => ((3, 3), (1, 4), 0),
        Kind::Prohibited => ((3, 13), (1, 1), 0),
        Kind::TooBig { mtu } => ((3, 4), (2, 0), mtu),
        Kind::TimeExceeded => ((11, 0), (3, 0), 0),
        _ => return None,
    };
    let (kind, code) = if ip.is_ipv4() { v4 } else { v6 };
    Some(Icmp { kind, code, data })
}
