//! Allocate: RFC 8656 §7.2, RFC 6062 §5.1.

use std::{sync::Arc, time::Duration};

use base::Instant;
use smallvec::SmallVec;
use stun::{
    Message,
    wire::{
        AdditionalAddressFamily, AddressErrorCode, AttributeType, Code, EvenPort, Lifetime,
        RequestedAddressFamily, RequestedTransport, ReservationToken, XorMappedAddress,
        XorRelayedAddress,
    },
};

use super::{
    Due, Server,
    allocation::{Allocation, AllocationId, Outcome, Relay, Side},
    auth::Authentic,
    event::ServerEvent,
    policy,
    ports::Want,
    respond::Reply,
    stats::{DropReason, Traffic},
};

/// IP protocol numbers in REQUESTED-TRANSPORT.
const UDP: u8 = 17;
pub(super) const TCP: u8 = 6;

/// How long the driver may take to open the sockets of an allocation.
const OPENING_PATIENCE: Duration = Duration::from_secs(30);

/// What an Allocate request asks for, in order.
#[derive(Clone, Debug, Default)]
struct Wanted {
    sides: SmallVec<[Side; 2]>,
    /// A family that cannot be had, where the other one will do.
    missing: Option<(Side, Code)>,
    even: Option<bool>,
    reservation: Option<u64>,
    is_tcp: bool,
    lifetime: Option<u32>,
}

/// An allocation whose sockets are being opened.
#[derive(Debug)]
pub(super) struct Pending {
    reply: Reply,
    from: Authentic,
    lifetime: Duration,
    /// Sockets that are still to come.
    pub(super) waiting: usize,
}

impl Server {
    /// RFC 8656 §7.2, the steps in the order of the text.
    pub(super) fn allocate(
        &mut self,
        now: Instant,
        reply: Reply,
        from: Authentic,
        request: &Message<'_>,
    ) {
        if let Some(id) = self.table.of_path(&reply.path) {
            return self.allocate_again(now, id, &reply, &from);
        }
        let wanted = match self.wanted(&reply, request) {
            Ok(wanted) => wanted,
            Err(code) => return self.refuse(&reply, &from, code),
        };
        if self.config.redirect.is_some() {
            return self.redirect(&reply, &from);
        }
        let count = 1 + usize::from(wanted.even == Some(true));
        let quotas = self.config.quotas;
        // A reservation counts as an allocation, so that making them in a loop gains nothing.
        if self.owners.count(&from.credential.owner) + count > quotas.allocations_per_user {
            return self.refuse(&reply, &from, Code::ALLOCATION_QUOTA_REACHED);
        }
        if self.table.len() + self.reservations.len() + count > quotas.allocations {
            return self.refuse(&reply, &from, Code::INSUFFICIENT_CAPACITY);
        }
        self.begin_allocation(now, reply, from, &wanted);
    }

    /// A request on a path that has an allocation, or will have one.
    fn allocate_again(&mut self, now: Instant, id: AllocationId, reply: &Reply, from: &Authentic) {
        let Some(allocation) = self.table.get(id) else { return };
        let is_other = allocation.transaction != reply.id
            && !base::mutant::active("turn-server-answers-anew-on-used-path");
        if is_other || !from.is_owner(&allocation.credential) {
            return self.refuse(reply, from, Code::ALLOCATION_MISMATCH);
        }
        // RFC 8656 §7.2: the same request again gets the same answer.
        if allocation.outcome.is_open {
            self.answer_allocate(now, id, reply);
        } else {
            self.drop_for(DropReason::Repeated);
        }
    }

    /// Steps 3 to 9.
    fn wanted(&self, reply: &Reply, request: &Message<'_>) -> Result<Wanted, Code> {
        let bad = |_| Code::BAD_REQUEST;
        let client = reply.path.client;
        let is_loop = self.relays_from(client) || policy::is_tunnelled(client.ip());
        let transport = request.try_get::<RequestedTransport>().map_err(bad)?;
        let RequestedTransport(transport) = transport.ok_or(Code::BAD_REQUEST)?;
        let reservation = request.try_get::<ReservationToken>().map_err(bad)?;
        let even = request.try_get::<EvenPort>().map_err(bad)?.map(|EvenPort(pair)| pair);
        let family = request.try_get::<RequestedAddressFamily>().map_err(bad)?;
        let additional = request.try_get::<AdditionalAddressFamily>().map_err(bad)?;
        let lifetime = request.try_get::<Lifetime>().map_err(bad)?.map(|Lifetime(it)| it);
        let is_tcp = transport == TCP && self.config.tcp_relay;
        if transport != UDP && !is_tcp {
            return Err(Code::UNSUPPORTED_TRANSPORT_PROTOCOL);
        }
        if is_loop || self.draining.is_some() {
            // RFC 8656 §21.4 and §21.1.7: who comes out of a tunnel, or out of this very server.
            return Err(if is_loop { Code::FORBIDDEN } else { Code::INSUFFICIENT_CAPACITY });
        }
        let extras = even.is_some() || family.is_some() || additional.is_some();
        let has_df = request.has(AttributeType::DONT_FRAGMENT);
        let is_udp_only = has_df || even.is_some() || reservation.is_some();
        if is_tcp && (reply.path.stream.is_none() || is_udp_only) {
            return Err(Code::BAD_REQUEST);
        }
        if (reservation.is_some() && extras) || (family.is_some() && additional.is_some()) {
            return Err(Code::BAD_REQUEST);
        }
        let reservation = reservation.map(|ReservationToken(token)| token);
        let mut wanted = Wanted { even, reservation, is_tcp, lifetime, ..Wanted::default() };
        if let Some(token) = reservation {
            let held = self.reservations.get(&token).ok_or(Code::INSUFFICIENT_CAPACITY)?;
            wanted.sides.push(Side::of(held.bound.ip()));
            return Ok(wanted);
        }
        let family = family.map(|RequestedAddressFamily(family)| family);
        let additional = additional.map(|AdditionalAddressFamily(family)| family);
        if additional.is_some() && even == Some(true) {
            return Err(Code::BAD_REQUEST);
        }
        match additional {
            Some(family) => self.both_sides(Side::of_family(family), &mut wanted)?,
            None => {
                let side = family.map_or(Some(Side::V4), Side::of_family);
                let side = side.filter(|side| self.ports(*side).is_some());
                wanted.sides.push(side.ok_or(Code::ADDRESS_FAMILY_NOT_SUPPORTED)?);
            }
        }
        Ok(wanted)
    }

    /// Step 9: one of each family, or of one if there is no other.
    fn both_sides(&self, additional: Option<Side>, wanted: &mut Wanted) -> Result<(), Code> {
        match additional {
            Some(Side::V6) => {}
            Some(Side::V4) => return Err(Code::BAD_REQUEST),
            None => return Err(Code::ADDRESS_FAMILY_NOT_SUPPORTED),
        }
        for side in Side::BOTH {
            match self.ports(side) {
                Some(_) => wanted.sides.push(side),
                None => wanted.missing = Some((side, Code::ADDRESS_FAMILY_NOT_SUPPORTED)),
            }
        }
        Ok(())
    }

    /// Makes the allocation and asks for its sockets.
    fn begin_allocation(&mut self, now: Instant, reply: Reply, from: Authentic, wanted: &Wanted) {
        let owner = self.owners.add(now, &Arc::clone(&from.credential.owner));
        let id = self.table.insert(Allocation {
            path: reply.path,
            credential: from.credential.clone(),
            owner,
            transaction: reply.id,
            outcome: Outcome { missing: wanted.missing, ..Outcome::default() },
            v4: None,
            v6: None,
            is_tcp: wanted.is_tcp,
            permissions: Vec::new(),
            channels: Vec::new(),
            to_peers: Traffic::default(),
            to_clients: Traffic::default(),
        });
        self.note_stream_allocation(reply.path.stream, true);
        let lifetime = self.lifetime(wanted.lifetime, from.rest);
        let waiting = wanted.sides.len();
        self.pending.insert(id, Pending { reply, from, lifetime, waiting });
        self.timers.insert((now + OPENING_PATIENCE, Due::Opening(id)));
        if let Some(token) = wanted.reservation {
            return self.take_reservation(now, id, token);
        }
        let want = match wanted.even {
            None => Want::Any,
            Some(false) => Want::Even,
            Some(true) => Want::Pair,
        };
        for side in &wanted.sides {
            self.open_relay(now, id, *side, want, 0);
        }
    }

    /// The lifetime that a client gets who asks for `asked` seconds: RFC 8656 §7.2, RFC 7635 §9.
    pub(super) fn lifetime(&self, asked: Option<u32>, rest: Option<Duration>) -> Duration {
        let asked = Duration::from_secs(asked.unwrap_or(0).into());
        let least = match base::mutant::active("turn-server-lifetime-below-default") {
            true => Duration::from_secs(1),
            false => self.config.default_lifetime,
        };
        let lifetime = asked.min(self.config.max_lifetime).max(least);
        let lifetime = rest.map_or(lifetime, |rest| lifetime.min(rest));
        Duration::from_secs(lifetime.as_secs())
    }

    /// A socket of an allocation is there.
    pub(super) fn relay_opened(
        &mut self,
        now: Instant,
        id: AllocationId,
        side: Side,
        relay: Relay,
    ) {
        self.table.add_relay(id, side, relay);
        self.one_less_to_wait_for(now, id);
    }

    /// A socket of an allocation will not come.
    pub(super) fn relay_failed(&mut self, now: Instant, id: AllocationId, side: Side) {
        if let Some(allocation) = self.table.get_mut(id) {
            allocation.outcome.missing = Some((side, Code::INSUFFICIENT_CAPACITY));
        }
        self.one_less_to_wait_for(now, id);
    }

    fn one_less_to_wait_for(&mut self, now: Instant, id: AllocationId) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.waiting = pending.waiting.saturating_sub(1);
        if pending.waiting == 0 {
            self.finish_allocation(now, id);
        }
    }

    /// Answers the request, now that it is known what the client gets.
    pub(super) fn finish_allocation(&mut self, now: Instant, id: AllocationId) {
        let Some(pending) = self.pending.remove(&id) else { return };
        let Some(allocation) = self.table.get_mut(id) else { return };
        allocation.outcome.is_open = true;
        let sides: SmallVec<[Side; 2]> =
            Side::BOTH.into_iter().filter(|side| allocation.relay(*side).is_some()).collect();
        if sides.is_empty() {
            self.forget_allocation(now, id);
            return self.refuse(&pending.reply, &pending.from, Code::INSUFFICIENT_CAPACITY);
        }
        let client = allocation.client();
        let relayed = allocation.relays().map(|relay| relay.seen).collect();
        for side in sides {
            self.set_expiry(id, side, now + pending.lifetime);
        }
        self.stats.allocated += 1;
        self.tell(ServerEvent::Allocated { client, relayed, lifetime: pending.lifetime });
        self.answer_allocate(now, id, &pending.reply);
    }

    fn answer_allocate(&mut self, now: Instant, id: AllocationId, reply: &Reply) {
        let Some(allocation) = self.table.get(id) else { return };
        let relays: SmallVec<[Relay; 2]> = allocation.relays().copied().collect();
        let outcome = allocation.outcome;
        let client = reply.path.client;
        let expires_at = relays.iter().map(|relay| relay.expires_at).min().unwrap_or(now);
        self.succeed(reply, |builder| {
            for relay in relays {
                builder.put(&XorRelayedAddress(relay.seen));
            }
            builder.put(&Lifetime(seconds(expires_at - now)));
            builder.put_some(outcome.reservation.map(ReservationToken).as_ref());
            builder.put(&XorMappedAddress(client));
            let missing = outcome.missing.map(|(side, code)| AddressErrorCode {
                family: side.family(),
                code,
                reason: code.reason(),
            });
            builder.put_some(missing.as_ref());
        });
    }
}

/// Whole seconds, as LIFETIME has them.
pub(super) fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
