//! What one layer says, carried to the next.

use std::net::{IpAddr, SocketAddr};

use base::{Datagram, Ecn, Machine as _, SocketCommand, StreamCommand, Transmit};
use ice::{Event, LocalSocket, Outgoing, RelayTransport, Relayed, SendError, State, Transport};
use turn::Allocation;

use super::{
    IceTransport, MAX_EVENTS, MAX_PEERS, Opening, Policy, Received, Stage, addresses,
    relay::{Consequence, Phase, Relay},
};

impl IceTransport {
    /// Carries everything that is said to whom it concerns, until nobody has anything more to say.
    pub(super) fn pump(&mut self) {
        loop {
            self.relays.act(self.now);
            if !(self.pump_relays() | self.pump_agent()) {
                break;
            }
        }
        self.note_gathered();
        self.note_closed();
    }

    /// What the TURN clients report. True if there was anything.
    fn pump_relays(&mut self) -> bool {
        let mut any = false;
        for index in 0..self.relays.len() {
            while let Some(relay) = self.relays.get_mut(index) {
                let Some(consequence) = relay.next(self.now) else { break };
                any = true;
                let id = relay.id;
                self.follow(id, consequence);
            }
        }
        any
    }

    fn follow(&mut self, id: u32, consequence: Consequence) {
        match consequence {
            Consequence::Nothing => {}
            Consequence::Gained(allocation) => self.gained(id, &allocation),
            Consequence::Lost(allocation) => {
                self.stats.allocations_lost += 1;
                self.withdraw(&allocation);
            }
            Consequence::NeedsSocket => {
                if let Some(relay) = self.relays.named(id) {
                    let local = SocketAddr::new(relay.base.ip(), 0);
                    self.open(SocketCommand::Open { local }, Opening::Relay(id));
                }
            }
            Consequence::Permitted(peer) => {
                if let Some(relay) = self.relays.named(id) {
                    for (to, payload) in relay.take_held(peer) {
                        send_held(relay, self.now, to, &payload, &mut self.outbox);
                    }
                }
            }
            Consequence::Data { relayed, peer, payload } => {
                self.hear_relayed(relayed, peer, payload)
            }
        }
    }

    fn gained(&mut self, id: u32, allocation: &Allocation) {
        self.stats.allocations += 1;
        let Some(relay) = self.relays.named(id) else { return };
        // RFC 8828 §5.2: whoever wants to be seen through relays alone does not say where it is.
        let mapped = allocation.mapped.filter(|_| self.config.policy == Policy::All);
        let reached_over = match relay.server.transport {
            turn::Transport::Udp => RelayTransport::Udp,
            turn::Transport::Dtls => RelayTransport::Dtls,
            turn::Transport::Tcp => RelayTransport::Tcp,
            turn::Transport::Tls { .. } => RelayTransport::Tls,
        };
        let (component, server) = (relay.component, relay.client.server());
        for address in allocation.relayed() {
            let relayed = Relayed { component, address, mapped, server, reached_over };
            // One address more than the agent takes is one that is not used.
            let _ = self.agent.add_relayed(self.now, relayed);
        }
        if let Some(relay) = self.relays.named(id) {
            for &peer in &self.peers {
                let _ = relay.client.permit(self.now, peer);
            }
        }
    }

    fn withdraw(&mut self, allocation: &Allocation) {
        for address in allocation.relayed() {
            self.agent.remove_local(self.now, address);
            self.channels.retain(|entry| entry.1 != address);
        }
    }

    /// A peer's datagram that came over a stream to the server.
    fn hear_relayed(&mut self, relayed: SocketAddr, peer: SocketAddr, payload: Vec<u8>) {
        let ecn = Ecn::NotEct;
        let datagram = Datagram { source: peer, destination: relayed, ecn, payload: &payload };
        let received = self.agent.receive(self.now, datagram);
        if let ice::Received::Application { component } = received {
            self.report_data(component, payload);
        }
    }

    /// What the agent wants sent and reports. True if there was anything.
    fn pump_agent(&mut self) -> bool {
        let mut any = false;
        loop {
            self.scratch.clear();
            let Some(transmit) = self.agent.poll_transmit(self.now, &mut self.scratch) else {
                break;
            };
            any = true;
            self.send_check(&transmit);
        }
        loop {
            self.scratch.clear();
            let Some(command) = self.agent.poll_stream(self.now, &mut self.scratch) else { break };
            any = true;
            self.outbox.command(command, &self.scratch);
        }
        while let Some(event) = self.agent.poll_event() {
            any = true;
            self.note_event(&event);
            match event {
                Event::Data { component, payload } => self.report_data(component, payload),
                event => self.events.push_back(event),
            }
        }
        any
    }

    /// Sends what the agent says: from a socket of the host, or by way of a TURN server.
    fn send_check(&mut self, transmit: &Transmit) {
        let payload = self.scratch.get(..transmit.size).unwrap_or(&self.scratch);
        let relay = transmit.source.and_then(|source| self.relays.with_address(source));
        let Some(relay) = relay else {
            return self.outbox.push(*transmit, payload);
        };
        let mut bytes = std::mem::take(&mut self.wrapped);
        bytes.clear();
        match relay.send(self.now, transmit.destination, payload, &mut bytes) {
            Ok(Outgoing::Datagram(outer)) => self.outbox.push(outer, &bytes),
            Ok(Outgoing::Stream { id, size }) => self.outbox.send(id, size, &bytes),
            Err(turn::SendError::PermissionPending) => {
                if !relay.hold(transmit.destination, payload) {
                    self.stats.dropped_unpermitted += 1;
                }
            }
            Err(_) => self.stats.dropped_unrelayed += 1,
        }
        self.wrapped = bytes;
    }

    /// What an event of the agent means for servers.
    fn note_event(&mut self, event: &Event) {
        match event {
            Event::Selected { component, path } => {
                self.bind_channel(*component, path.local, path.remote);
            }
            // Perhaps the server has forgotten the allocation: better to know before it is needed.
            Event::State(State::Disconnected | State::Failed) => self.relays.hurry(self.now),
            _ => {}
        }
    }

    /// Lets a component that sends by way of a TURN server have a channel, and lets go of the last one.
    fn bind_channel(&mut self, component: u8, local: SocketAddr, remote: SocketAddr) {
        let old = self.channels.extract_if(.., |entry| entry.0 == component).next();
        if let Some((_, relayed, peer)) = old.filter(|entry| (entry.1, entry.2) != (local, remote))
            && let Some(relay) = self.relays.with_address(relayed)
        {
            relay.client.unbind_channel(self.now, peer);
            // The channel brought a permission along, which is kept up until nobody needs it.
            let is_needed = self.peers.contains(&peer.ip())
                || self.channels.iter().any(|one| one.1 == relayed && one.2.ip() == peer.ip());
            if !is_needed {
                relay.client.forbid(self.now, peer.ip());
            }
        }
        if let Some(relay) = self.relays.with_address(local) {
            // Without a channel data goes in indications.
            let _ = relay.client.bind_channel(self.now, remote);
            self.channels.push((component, local, remote));
        }
    }

    /// Application data that the agent has put at the end of `buffer` leaves as it is, or goes into what
    /// is sent to a TURN server.
    pub(super) fn relay(
        &mut self,
        transmit: Transmit,
        payload: &[u8],
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<Outgoing, SendError> {
        let relay = transmit.source.and_then(|source| self.relays.with_address(source));
        let Some(relay) = relay else { return Ok(Outgoing::Datagram(transmit)) };
        buffer.truncate(start);
        relay.send(self.now, transmit.destination, payload, buffer).map_err(|error| match error {
            turn::SendError::TooLong => SendError::TooLong,
            turn::SendError::Congested => SendError::Full,
            _ => SendError::NoPath,
        })
    }

    /// Finds out whose a datagram is. A STUN server may have the address of a TURN server.
    pub(super) fn sort(&mut self, datagram: Datagram<'_>) -> Received {
        let Datagram { source, destination, payload, .. } = datagram;
        let whole = 0..payload.len();
        let (datagram, range) = match self.relays.speaking(destination, source) {
            None => (datagram, whole),
            Some(relay) => match relay.client.receive(self.now, datagram) {
                turn::Received::Handled => return Received::Handled,
                turn::Received::NotMine => (datagram, whole),
                turn::Received::Data { relayed, peer, range } => {
                    let payload = payload.get(range.clone()).unwrap_or_default();
                    let inner =
                        Datagram { source: peer, destination: relayed, payload, ..datagram };
                    (inner, range)
                }
            },
        };
        match self.agent.receive(self.now, datagram) {
            ice::Received::Handled => Received::Handled,
            ice::Received::Application { component } => Received::Application { component, range },
            ice::Received::Dropped(reason) => Received::Dropped(reason),
        }
    }

    pub(super) fn report_data(&mut self, component: u8, payload: Vec<u8>) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(Event::Data { component, payload });
        } else {
            self.stats.dropped_data += 1;
        }
    }

    /// The peer has this address: it may send to relayed addresses.
    pub(super) fn expect_peer(&mut self, ip: IpAddr) {
        if self.peers.len() < MAX_PEERS && !self.peers.contains(&ip) {
            self.peers.push(ip);
            self.relays.permit(self.now, ip);
        }
    }

    pub(super) fn open(&mut self, command: SocketCommand, purpose: Opening) {
        self.sockets.push_back(command);
        self.openings.push_back(purpose);
    }

    /// Opens sockets on addresses that have none.
    pub(super) fn open_bases(&mut self) {
        let is_active = matches!(self.stage, Stage::Gathering | Stage::Gathered);
        let Some(interfaces) = self.interfaces.as_ref().filter(|_| is_active) else { return };
        let usable = addresses::usable(interfaces, self.config.loopback);
        for (component, command) in
            self.bases.want(&usable, self.config.components, self.config.port)
        {
            self.open(command, Opening::Base(component));
        }
    }

    /// A socket is there.
    pub(super) fn base_opened(&mut self, component: u8, asked: SocketAddr, local: SocketAddr) {
        let Some(base) = self.bases.opened(component, asked, local) else {
            return self.sockets.push_back(SocketCommand::Close { local });
        };
        if self.config.policy == Policy::All {
            let socket = |transport, address| {
                let cost = base.cost;
                LocalSocket { component, address, transport, cost }
            };
            let _ = self.agent.add_socket(self.now, socket(Transport::Udp, local));
            for tcp in self.config.tcp.types() {
                let anywhere = SocketAddr::new(local.ip(), 0);
                let _ = self.agent.add_socket(self.now, socket(Transport::Tcp(tcp), anywhere));
            }
        }
        self.relays.plan(self.now, base.component, local);
    }

    /// Lets go of what was on addresses that are gone.
    pub(super) fn close_lost_bases(&mut self) {
        let Some(interfaces) = &self.interfaces else { return };
        let is_gone = |ip| !addresses::has(interfaces, ip);
        let (lost, relays) = (self.bases.forget(is_gone), self.relays.forget(is_gone));
        for relay in relays {
            if let Phase::Live(allocation) = relay.phase {
                self.withdraw(&allocation);
            }
            self.sockets.extend(relay.own_socket().map(|local| SocketCommand::Close { local }));
            for id in relay.streams() {
                self.outbox.command(StreamCommand::Abort { id }, &[]);
            }
        }
        for base in &lost {
            // Its TCP candidates, listeners and connections go with it.
            self.agent.remove_ip(self.now, base.ip);
        }
        for local in lost.iter().filter_map(super::bases::Base::local) {
            self.sockets.push_back(SocketCommand::Close { local });
        }
    }

    fn note_gathered(&mut self) {
        let is_over = self.stage == Stage::Gathering
            && self.interfaces.is_some()
            && self.bases.are_settled()
            && self.relays.are_settled();
        if is_over {
            self.stage = Stage::Gathered;
            self.agent.finish_gathering(self.now);
            while self.pump_agent() {}
        }
    }

    fn note_closed(&mut self) {
        if self.stage != Stage::Closing || !self.relays.are_gone() {
            return;
        }
        self.stage = Stage::Closed;
        let relays: Vec<_> = self.relays.iter().filter_map(Relay::own_socket).collect();
        let bases: Vec<_> = self.bases.forget(|_| true);
        let bases = bases.iter().filter_map(super::bases::Base::local);
        self.sockets.extend(bases.chain(relays).map(|local| SocketCommand::Close { local }));
    }
}

/// Sends a check that waited for a permission.
fn send_held(
    relay: &mut Relay,
    now: base::Instant,
    to: SocketAddr,
    payload: &[u8],
    outbox: &mut super::Outbox,
) {
    let mut bytes = Vec::new();
    match relay.send(now, to, payload, &mut bytes) {
        Ok(Outgoing::Datagram(outer)) => outbox.push(outer, &bytes),
        Ok(Outgoing::Stream { id, size }) => outbox.send(id, size, &bytes),
        Err(_) => {}
    }
}
