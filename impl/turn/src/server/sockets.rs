//! The sockets that are relayed from: how they are opened, held in reserve and closed.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, SocketCommand, SocketInput, StreamCommand, StreamId};

use super::{
    Due, Server,
    allocation::{AllocationId, Relay, Side},
    event::{ClientTransport, ServerEvent},
    ports::{Ports, Want},
    quota::OwnerId,
};

/// How often another port is tried when the system says that one is in use: eight times in a row mean
/// that it is not chance.
const MAX_ATTEMPTS: u32 = 8;

/// For how long the port beside one is held: at least 30 s, RFC 8656 §7.2.
const RESERVATION_LIFETIME: Duration = Duration::from_secs(30);

/// A socket that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    id: AllocationId,
    side: Side,
    want: Want,
    attempts: u32,
    /// The port before this one, if this one is to be held in reserve.
    main: Option<u16>,
    listener: Option<StreamId>,
}

/// A socket that is held for whoever has its token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reservation {
    pub(super) bound: SocketAddr,
    seen: SocketAddr,
    owner: OwnerId,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    /// Clients.
    Clients(SocketAddr),
    /// Peers of the allocation with this address.
    Peers(SocketAddr),
}

impl Server {
    pub(super) const fn ports(&self, side: Side) -> Option<&Ports> {
        match side {
            Side::V4 => self.ports_v4.as_ref(),
            Side::V6 => self.ports_v6.as_ref(),
        }
    }

    const fn ports_mut(&mut self, side: Side) -> Option<&mut Ports> {
        match side {
            Side::V4 => self.ports_v4.as_mut(),
            Side::V6 => self.ports_v6.as_mut(),
        }
    }

    /// Whether `address` is one that this server relays from.
    pub(super) fn relays_from(&self, address: SocketAddr) -> bool {
        self.ports_v4.iter().chain(&self.ports_v6).any(|ports| ports.relays(address))
    }

    /// Whether `address` is one that this server relays from over TCP, or else over UDP. The same port of
    /// the other protocol is anybody's on this host.
    pub(super) fn relays_protocol_from(&self, address: SocketAddr, is_tcp: bool) -> bool {
        let ports = self.ports_v4.iter().chain(&self.ports_v6);
        let bound = ports.filter(|it| it.is_own(address.ip())).map(|it| it.bound(address.port()));
        let ids = bound.filter_map(|bound| self.table.of_relay(&bound));
        ids.filter_map(|id| self.table.get(id)).any(|allocation| allocation.is_tcp == is_tcp)
    }

    /// Asks for a socket to relay from.
    pub(super) fn open_relay(
        &mut self,
        now: Instant,
        id: AllocationId,
        side: Side,
        want: Want,
        attempts: u32,
    ) {
        let mut rng = std::mem::replace(&mut self.rng, base::Rng::from_seed([0; 32]));
        let drawn = self.ports_mut(side).and_then(|ports| {
            let port = ports.take(&mut rng, want)?;
            Some(ports.bound(port))
        });
        self.rng = rng;
        let Some(bound) = drawn else {
            return self.relay_failed(now, id, side);
        };
        let is_tcp = self.table.get(id).is_some_and(|allocation| allocation.is_tcp);
        let listener = is_tcp.then(|| self.next_stream());
        self.ask_for(bound, Opening { id, side, want, attempts, main: None, listener });
    }

    fn ask_for(&mut self, bound: SocketAddr, opening: Opening) {
        self.opening.insert(bound, opening);
        match opening.listener {
            Some(id) => {
                self.listeners.insert(id, Listener::Peers(bound));
                self.stream_outbox.push(StreamCommand::Listen { id, local: bound });
            }
            None => self.sockets.push_back(SocketCommand::Open { local: bound }),
        }
    }

    /// What came of a wish for a UDP socket.
    pub(super) fn socket_input(&mut self, now: Instant, input: SocketInput) {
        match input {
            SocketInput::Opened { asked, local } => {
                if self.opening.contains_key(&asked) {
                    return self.opened(now, asked);
                }
                if self.config.udp.contains(&asked) {
                    self.listening(local, ClientTransport::Udp);
                }
            }
            SocketInput::Refused { asked, in_use } => {
                if self.opening.contains_key(&asked) {
                    return self.refused(now, asked, in_use);
                }
                self.not_listening(asked, ClientTransport::Udp, in_use);
            }
        }
    }

    pub(super) fn listening(&mut self, address: SocketAddr, transport: ClientTransport) {
        if !self.served.contains(&address) {
            self.served.push(address);
        }
        self.tell(ServerEvent::Listening { address, transport });
    }

    pub(super) fn not_listening(
        &mut self,
        address: SocketAddr,
        transport: ClientTransport,
        in_use: bool,
    ) {
        self.tell(ServerEvent::NotListening { address, transport, in_use });
    }

    /// A socket to relay from is there.
    pub(super) fn opened(&mut self, now: Instant, bound: SocketAddr) {
        let Some(opening) = self.opening.remove(&bound) else { return };
        let Opening { id, side, want, main, .. } = opening;
        let Some(allocation) = self.table.get(id) else {
            return self.undo(bound, opening);
        };
        let owner = allocation.owner;
        let credential_owner = std::sync::Arc::clone(&allocation.credential.owner);
        match (want, main) {
            (Want::Pair, None) => {
                let next = SocketAddr::new(bound.ip(), bound.port() + 1);
                self.ask_for(next, Opening { main: Some(bound.port()), ..opening });
            }
            (Want::Any | Want::Even, _) => {
                let relay = self.relay_at(side, bound.port(), opening.listener);
                self.relay_opened(now, id, side, relay);
            }
            (Want::Pair, Some(main)) => {
                let token = u64::from_be_bytes(self.rng.secret_array());
                let seen = self.ports(side).map_or(bound, |ports| ports.seen(bound.port()));
                let again = self.owners.add(now, &credential_owner);
                debug_assert_eq!(again, owner, "an owner has one name");
                self.reservations.insert(token, Reservation { bound, seen, owner });
                self.timers.insert((now + RESERVATION_LIFETIME, Due::Reservation(token)));
                if let Some(allocation) = self.table.get_mut(id) {
                    allocation.outcome.reservation = Some(token);
                }
                let relay = self.relay_at(side, main, None);
                self.relay_opened(now, id, side, relay);
            }
        }
    }

    fn relay_at(&self, side: Side, port: u16, listener: Option<StreamId>) -> Relay {
        let nowhere = SocketAddr::new([0, 0, 0, 0].into(), port);
        let (bound, seen) = self
            .ports(side)
            .map_or((nowhere, nowhere), |ports| (ports.bound(port), ports.seen(port)));
        Relay { bound, seen, expires_at: Instant::MAX, listener }
    }

    /// A socket to relay from will not come. Another port is tried if that one was taken.
    pub(super) fn refused(&mut self, now: Instant, bound: SocketAddr, in_use: bool) {
        let Some(opening) = self.opening.remove(&bound) else { return };
        let Opening { id, side, want, attempts, .. } = opening;
        // The ports go back only after the next are drawn, which are then others.
        if self.table.get(id).is_none() {
            return self.give_back(bound, opening);
        }
        if in_use && attempts + 1 < MAX_ATTEMPTS {
            self.open_relay(now, id, side, want, attempts + 1);
            return self.give_back(bound, opening);
        }
        self.give_back(bound, opening);
        self.relay_failed(now, id, side);
    }

    /// Closes a socket that came too late, and gives its ports back.
    fn undo(&mut self, bound: SocketAddr, opening: Opening) {
        match opening.listener {
            Some(id) => self.stream_outbox.push(StreamCommand::Close { id }),
            None => self.sockets.push_back(SocketCommand::Close { local: bound }),
        }
        self.give_back(bound, opening);
    }

    /// Gives back the ports of a socket that was asked for: its own, and the one before or behind it.
    fn give_back(&mut self, bound: SocketAddr, opening: Opening) {
        if let Some(listener) = opening.listener {
            self.listeners.remove(&listener);
        }
        let main = SocketAddr::new(bound.ip(), opening.main.unwrap_or_else(|| bound.port()));
        if opening.main.is_some() {
            self.sockets.push_back(SocketCommand::Close { local: main });
        }
        let Some(ports) = self.ports_mut(opening.side) else { return };
        ports.give_back(main.port());
        if opening.want == Want::Pair {
            ports.give_back(main.port() + 1);
        }
    }

    /// Closes a socket that is relayed from, and gives its port back.
    pub(super) fn close_relay(&mut self, relay: &Relay) {
        match relay.listener {
            Some(id) => self.stream_outbox.push(StreamCommand::Close { id }),
            None => self.sockets.push_back(SocketCommand::Close { local: relay.bound }),
        }
        if let Some(listener) = relay.listener {
            self.listeners.remove(&listener);
        }
        if let Some(ports) = self.ports_mut(Side::of(relay.bound.ip())) {
            ports.give_back(relay.bound.port());
        }
    }

    /// Gives an allocation the socket that was held for it.
    pub(super) fn take_reservation(&mut self, now: Instant, id: AllocationId, token: u64) {
        let Some(held) = self.reservations.remove(&token) else {
            return self.relay_failed(now, id, Side::V4);
        };
        self.timers.retain(|(_, due)| *due != Due::Reservation(token));
        self.owners.remove(now, held.owner);
        let side = Side::of(held.bound.ip());
        let Reservation { bound, seen, .. } = held;
        let relay = Relay { bound, seen, expires_at: Instant::MAX, listener: None };
        self.relay_opened(now, id, side, relay);
    }

    /// Nobody came for a socket that was held.
    pub(super) fn end_reservation(&mut self, now: Instant, token: u64) {
        let Some(held) = self.reservations.remove(&token) else { return };
        self.owners.remove(now, held.owner);
        let Reservation { bound, seen, .. } = held;
        self.close_relay(&Relay { bound, seen, expires_at: now, listener: None });
    }
}
