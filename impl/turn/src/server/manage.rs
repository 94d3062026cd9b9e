//! Refresh, CreatePermission, ChannelBind, and the ends of allocations: RFC 8656 §8.2, §10.2, §12.2.

use std::net::{IpAddr, SocketAddr};

use base::{Instant, Reader};
use smallvec::SmallVec;
use stun::{
    Message,
    wire::{
        AttributeType, ChannelNumber, Code, Decode as _, Lifetime, RequestedAddressFamily,
        XorPeerAddress,
    },
};

use super::{
    Due, Server,
    accounts::Kind,
    allocate::seconds,
    allocation::{AllocationId, BindError, Side},
    auth::Authentic,
    event::{ReleaseReason, ServerEvent},
    respond::Reply,
};

/// Most addresses of one CreatePermission that are looked at: as many as a message of 1,500 bytes with
/// a credential holds. More are too many permissions in any case.
const MAX_PEERS: usize = 128;

impl Server {
    /// RFC 8656 §8.2.
    pub(super) fn refresh(
        &mut self,
        now: Instant,
        id: AllocationId,
        (reply, from): (&Reply, &Authentic),
        request: &Message<'_>,
    ) {
        let sides = match self.sides_to_refresh(id, request) {
            Ok(sides) => sides,
            Err(code) => return self.refuse(reply, from, code),
        };
        let Ok(asked) = request.try_get::<Lifetime>() else {
            return self.refuse(reply, from, Code::BAD_REQUEST);
        };
        let asked = asked.map(|Lifetime(asked)| asked);
        if from.credential.kind == Kind::Token
            && let Some(allocation) = self.table.get_mut(id)
        {
            // RFC 7635 §9: a new token takes the place of the old one.
            allocation.credential.key = from.credential.key.clone();
            allocation.credential.ends_at = from.credential.ends_at;
        }
        if asked == Some(0) {
            self.succeed(reply, |builder| {
                builder.put(&Lifetime(0));
            });
            for side in sides {
                self.remove_side(now, id, side, ReleaseReason::Deleted);
            }
            return;
        }
        let lifetime = self.lifetime(asked, from.rest);
        for side in sides {
            self.set_expiry(id, side, now + lifetime);
        }
        self.succeed(reply, |builder| {
            builder.put(&Lifetime(seconds(lifetime)));
        });
    }

    fn sides_to_refresh(
        &self,
        id: AllocationId,
        request: &Message<'_>,
    ) -> Result<SmallVec<[Side; 2]>, Code> {
        let allocation = self.table.get(id).ok_or(Code::ALLOCATION_MISMATCH)?;
        let family = request.try_get::<RequestedAddressFamily>().map_err(|_| Code::BAD_REQUEST)?;
        let has = |side: &Side| allocation.relay(*side).is_some();
        let family = family.filter(|_| !base::mutant::active("turn-server-deletes-both-families"));
        let Some(RequestedAddressFamily(family)) = family else {
            return Ok(Side::BOTH.into_iter().filter(has).collect());
        };
        let side = Side::of_family(family).filter(has);
        side.map(|side| SmallVec::from_slice(&[side])).ok_or(Code::PEER_ADDRESS_FAMILY_MISMATCH)
    }

    /// RFC 8656 §10.2.
    pub(super) fn create_permission(
        &mut self,
        now: Instant,
        id: AllocationId,
        (reply, from): (&Reply, &Authentic),
        request: &Message<'_>,
    ) {
        let ips = match self.peers_to_permit(id, request) {
            Ok(ips) => ips,
            Err(code) => return self.refuse(reply, from, code),
        };
        if !self.permit(now, id, &ips) {
            return self.refuse(reply, from, Code::INSUFFICIENT_CAPACITY);
        }
        self.succeed(reply, |_| {});
    }

    /// All addresses, if all of them may be permitted: the request is carried out as a whole or not.
    fn peers_to_permit(
        &self,
        id: AllocationId,
        request: &Message<'_>,
    ) -> Result<SmallVec<[IpAddr; 8]>, Code> {
        let allocation = self.table.get(id).ok_or(Code::ALLOCATION_MISMATCH)?;
        let mut ips = SmallVec::new();
        let transaction = request.transaction_id();
        let of_peers = request.attributes().filter(|it| it.kind == AttributeType::XOR_PEER_ADDRESS);
        for attribute in of_peers {
            let peer = XorPeerAddress::read(Reader::new(attribute.value), &transaction);
            let XorPeerAddress(peer) = peer.map_err(|_| Code::BAD_REQUEST)?;
            if ips.len() == MAX_PEERS {
                return Err(Code::INSUFFICIENT_CAPACITY);
            }
            ips.push(peer.ip());
        }
        if ips.is_empty() {
            return Err(Code::BAD_REQUEST);
        }
        if ips.iter().any(|ip| allocation.relay(Side::of(*ip)).is_none())
            && !base::mutant::active("turn-server-permits-other-family")
        {
            return Err(Code::PEER_ADDRESS_FAMILY_MISMATCH);
        }
        if !ips.iter().all(|ip| self.permits_ip(*ip)) {
            return Err(Code::FORBIDDEN);
        }
        Ok(ips)
    }

    /// Installs or refreshes permissions; false if they would be too many.
    fn permit(&mut self, now: Instant, id: AllocationId, ips: &[IpAddr]) -> bool {
        let limit = self.config.quotas.permissions;
        let Some(allocation) = self.table.get_mut(id) else { return false };
        let Some(fresh) = allocation.permit(now, ips, limit) else { return false };
        let client = allocation.client();
        for peer in fresh {
            self.tell(ServerEvent::Permitted { client: client.clone(), peer });
        }
        true
    }

    /// RFC 8656 §12.2.
    pub(super) fn channel_bind(
        &mut self,
        now: Instant,
        id: AllocationId,
        (reply, from): (&Reply, &Authentic),
        request: &Message<'_>,
    ) {
        let (number, peer) = match self.channel_to_bind(id, request) {
            Ok(channel) => channel,
            Err(code) => return self.refuse(reply, from, code),
        };
        let limit = self.config.quotas.channels;
        let Some(allocation) = self.table.get_mut(id) else { return };
        let was_bound = allocation.channels.iter().any(|it| it.number == number);
        let code = match allocation.bind(now, number, peer, limit) {
            Err(BindError::Taken) => Some(Code::BAD_REQUEST),
            Err(BindError::TooMany) => Some(Code::INSUFFICIENT_CAPACITY),
            Ok(()) if self.permit(now, id, &[peer.ip()]) => None,
            Ok(()) => {
                if let Some(allocation) = self.table.get_mut(id).filter(|_| !was_bound) {
                    allocation.channels.retain(|it| it.number != number);
                }
                Some(Code::INSUFFICIENT_CAPACITY)
            }
        };
        match code {
            Some(code) => self.refuse(reply, from, code),
            None => self.succeed(reply, |_| {}),
        }
    }

    fn channel_to_bind(
        &self,
        id: AllocationId,
        request: &Message<'_>,
    ) -> Result<(u16, SocketAddr), Code> {
        let allocation = self.table.get(id).ok_or(Code::ALLOCATION_MISMATCH)?;
        let number: Option<ChannelNumber> = request.get();
        let peer: Option<XorPeerAddress> = request.get();
        let (Some(ChannelNumber(number)), Some(XorPeerAddress(peer))) = (number, peer) else {
            return Err(Code::BAD_REQUEST);
        };
        let last =
            if self.config.channels_of_old || base::mutant::active("turn-server-channel-0x5000") {
                0x7fff
            } else {
                0x4fff
            };
        if !(0x4000..=last).contains(&number) || peer.port() == 0 || allocation.is_tcp {
            return Err(Code::BAD_REQUEST);
        }
        if allocation.relay(Side::of(peer.ip())).is_none() {
            return Err(Code::PEER_ADDRESS_FAMILY_MISMATCH);
        }
        if !self.permits_peer(peer, false) {
            return Err(Code::FORBIDDEN);
        }
        Ok((number, peer))
    }

    /// Sets when an address of an allocation is taken away.
    pub(super) fn set_expiry(&mut self, id: AllocationId, side: Side, at: Instant) {
        let Some(allocation) = self.table.get_mut(id) else { return };
        let Some(relay) = allocation.relay_mut(side) else { return };
        let late = if base::mutant::active("turn-server-never-expires") { 86_400 } else { 0 };
        let at = at + std::time::Duration::from_secs(late);
        let before = std::mem::replace(&mut relay.expires_at, at);
        self.timers.remove(&(before, Due::Relay(id, side)));
        self.timers.insert((at, Due::Relay(id, side)));
    }

    /// Takes an address from an allocation, and ends it with the last one.
    pub(super) fn remove_side(
        &mut self,
        now: Instant,
        id: AllocationId,
        side: Side,
        reason: ReleaseReason,
    ) {
        let Some(allocation) = self.table.get(id) else { return };
        let Some(relay) = allocation.relay(side).copied() else { return };
        if allocation.relays().count() == 1 {
            return self.release(now, id, reason);
        }
        self.table.remove_side(id, side);
        self.timers.remove(&(relay.expires_at, Due::Relay(id, side)));
        self.close_relay(&relay);
    }

    /// Ends an allocation and says so.
    pub(super) fn release(&mut self, now: Instant, id: AllocationId, reason: ReleaseReason) {
        let Some(allocation) = self.table.get(id) else { return };
        let event = ServerEvent::Released {
            client: allocation.client(),
            relayed: allocation.relays().map(|relay| relay.seen).collect(),
            reason,
            to_peers: allocation.to_peers,
            to_clients: allocation.to_clients,
        };
        let was_open = allocation.outcome.is_open;
        self.forget_allocation(now, id);
        if was_open {
            self.tell(event);
        }
        self.check_drained();
    }

    /// Gives back everything an allocation has.
    pub(super) fn forget_allocation(&mut self, now: Instant, id: AllocationId) {
        self.close_connections(id);
        let Some(allocation) = self.table.remove(id) else { return };
        self.pending.remove(&id);
        for relay in allocation.relays() {
            self.timers.remove(&(relay.expires_at, Due::Relay(id, Side::of(relay.bound.ip()))));
            self.close_relay(relay);
        }
        self.owners.remove(now, allocation.owner);
        self.note_stream_allocation(allocation.path.stream, false);
        self.watch_idle(now, allocation.path.stream);
    }
}
