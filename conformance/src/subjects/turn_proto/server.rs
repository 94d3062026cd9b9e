//! Their servers, one for each address and transport, behind one machine.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{
    Datagram, Instant, Machine, Rng, SocketCommand, SocketError, SocketErrorKind, SocketInput,
    StreamCommand, StreamId, StreamInput, Transmit,
};
use turn_server_proto::{
    api::{SocketAllocateError, Transmit as Theirs, TurnServerApi, TurnServerPollRet},
    server::TurnServer as TheirServer,
};
use turn_types::{AddressFamily, TransportType, prelude::DelayedTransmitBuild};

use super::{at, family, from};
use crate::subjects::turn::{Peers, TurnServer, TurnServerConfig};

/// What goes out: from, to, bytes.
type Packet = (SocketAddr, SocketAddr, Vec<u8>);

/// A wish of one of their servers for a socket that has not been answered.
struct Wish {
    server: usize,
    transport: TransportType,
    listen: SocketAddr,
    client: SocketAddr,
    family: AddressFamily,
}

pub(super) struct Server {
    servers: Vec<TheirServer>,
    relays: Vec<IpAddr>,
    sockets: VecDeque<SocketCommand>,
    wishes: VecDeque<Wish>,
    streams: VecDeque<(StreamCommand, Vec<u8>)>,
    /// Connections of clients: our end, theirs.
    clients: Vec<(StreamId, SocketAddr, SocketAddr)>,
    outbox: VecDeque<Packet>,
    wake: Option<Instant>,
    now: Instant,
}

impl Server {
    /// A server set up as `config` says, if it can be.
    pub(super) fn new(config: &TurnServerConfig, _rng: Rng) -> Option<Self> {
        let limited = config.quotas != Default::default() || config.peers == Peers::Public;
        if limited || config.tcp_relay || config.alternate.is_some() {
            return None;
        }
        let mut server = Self {
            servers: Vec::new(),
            relays: config.relays.clone(),
            sockets: VecDeque::new(),
            wishes: VecDeque::new(),
            streams: VecDeque::new(),
            clients: Vec::new(),
            outbox: VecDeque::new(),
            wake: None,
            now: Instant::ZERO,
        };
        for (number, &local) in (0..).zip(&config.addresses) {
            server.sockets.push_back(SocketCommand::Open { local });
            server.add(config, TransportType::Udp, local);
            if config.tcp {
                let id = StreamId::own(number);
                server.streams.push_back((StreamCommand::Listen { id, local }, Vec::new()));
                server.add(config, TransportType::Tcp, local);
            }
        }
        Some(server)
    }

    fn add(&mut self, config: &TurnServerConfig, transport: TransportType, local: SocketAddr) {
        let mut server = TheirServer::new(transport, local, config.realm.to_owned());
        for user in &config.users {
            server.add_user(user.username.clone(), user.password.clone());
        }
        server.set_nonce_expiry_duration(config.nonce_lifetime);
        self.servers.push(server);
    }

    /// Gives bytes to each of the servers until one has something to send for them.
    fn give(&mut self, transport: TransportType, source: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let now = at(self.now);
        for server in &mut self.servers {
            let transmit = Theirs::new(bytes, transport, source, to);
            if let Some(answer) = server.recv(transmit, now) {
                let (transport, from, to) = (answer.transport, answer.from, answer.to);
                let bytes = answer.data.build();
                self.send(transport, from, to, bytes);
                break;
            }
        }
        self.schedule();
    }

    fn send(&mut self, transport: TransportType, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if transport == TransportType::Udp {
            self.outbox.push_back((from, to, bytes));
            return;
        }
        let client = self.clients.iter().find(|(_, local, remote)| (*local, *remote) == (from, to));
        if let Some(&(id, ..)) = client {
            self.streams.push_back((StreamCommand::Send { id, size: bytes.len() }, bytes));
        }
    }

    /// Asks their servers what is due, until all of them want to wait.
    fn schedule(&mut self) {
        self.wake = None;
        for index in 0..self.servers.len() {
            self.schedule_one(index);
        }
    }

    fn schedule_one(&mut self, index: usize) {
        let now = at(self.now);
        while let Some(server) = self.servers.get_mut(index) {
            if let Some(transmit) = server.poll_transmit(now) {
                let Theirs { data, transport, from, to } = transmit;
                self.send(transport, from, to, data);
                continue;
            }
            match server.poll(now) {
                TurnServerPollRet::WaitUntil(until) => {
                    // Their timers run out after the moment that they name.
                    let until = from(until).max(self.now) + Duration::from_millis(1);
                    self.wake = Some(self.wake.map_or(until, |wake| wake.min(until)));
                    return;
                }
                TurnServerPollRet::AllocateSocket {
                    transport,
                    listen_addr,
                    client_addr,
                    family,
                    ..
                } => {
                    let wish = Wish {
                        server: index,
                        transport,
                        listen: listen_addr,
                        client: client_addr,
                        family,
                    };
                    self.wish(wish);
                }
                TurnServerPollRet::SocketClose { transport: TransportType::Udp, listen_addr } => {
                    self.sockets.push_back(SocketCommand::Close { local: listen_addr });
                }
                TurnServerPollRet::TcpClose { local_addr, remote_addr } => {
                    self.close(local_addr, remote_addr);
                }
                TurnServerPollRet::SocketClose { .. } | TurnServerPollRet::TcpConnect { .. } => {}
            }
        }
    }

    fn close(&mut self, local: SocketAddr, remote: SocketAddr) {
        let place = self.clients.iter().position(|(_, l, r)| (*l, *r) == (local, remote));
        if let Some(place) = place {
            let (id, ..) = self.clients.remove(place);
            self.streams.push_back((StreamCommand::Close { id }, Vec::new()));
        }
    }

    /// Asks for the socket, if there is an address of the family.
    fn wish(&mut self, wish: Wish) {
        let relay = self.relays.iter().find(|ip| family(ip.is_ipv4()) == wish.family);
        match relay {
            Some(&ip) => {
                self.sockets.push_back(SocketCommand::Open { local: SocketAddr::new(ip, 0) });
                self.wishes.push_back(wish);
            }
            None => self.grant(&wish, Err(SocketAllocateError::AddressFamilyNotSupported)),
        }
    }

    fn grant(&mut self, wish: &Wish, socket: Result<SocketAddr, SocketAllocateError>) {
        let now = at(self.now);
        if let Some(server) = self.servers.get_mut(wish.server) {
            server.allocated_socket(
                wish.transport,
                wish.listen,
                wish.client,
                TransportType::Udp,
                wish.family,
                socket,
                now,
            );
        }
    }
}

impl TurnServer for Server {}

impl Machine for Server {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.now = now;
        let Datagram { source, destination, payload, .. } = datagram;
        self.give(TransportType::Udp, source, destination, payload);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.now = now;
        let Some(packet) = icmp(&error) else { return };
        let family = family(error.local.is_ipv4());
        for server in &mut self.servers {
            if let Some(transmit) = server.recv_icmp(family, &packet, at(now)) {
                let Theirs { data, transport, from, to } = transmit;
                self.send(transport, from, to, data);
                break;
            }
        }
        self.schedule();
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.now = now;
        match input {
            StreamInput::Accepted { id, local, remote, .. } => {
                self.clients.push((id, local, remote));
            }
            StreamInput::Received { id, bytes } => {
                let client = self.clients.iter().find(|(known, ..)| *known == id).copied();
                if let Some((_, local, remote)) = client {
                    self.give(TransportType::Tcp, remote, local, bytes);
                }
            }
            StreamInput::Closed { id, .. } => {
                let place = self.clients.iter().position(|(known, ..)| *known == id);
                if let Some(place) = place {
                    let (_, local, remote) = self.clients.remove(place);
                    self.give(TransportType::Tcp, remote, local, &[]);
                }
            }
            _ => {}
        }
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        self.now = now;
        let (asked, granted) = match input {
            SocketInput::Opened { asked, local } => (asked, Ok(local)),
            SocketInput::Refused { asked, .. } => {
                (asked, Err(SocketAllocateError::InsufficientCapacity))
            }
        };
        // What they listen at has a port of its own; what they relay from is asked for with port 0.
        if asked.port() == 0
            && let Some(wish) = self.wishes.pop_front()
        {
            self.grant(&wish, granted);
        }
        self.schedule();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.schedule();
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (from, to, bytes) = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(to, bytes.len()).from(from))
    }

    fn poll_stream(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let (command, bytes) = self.streams.pop_front()?;
        buffer.extend(bytes);
        Some(command)
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.sockets.pop_front()
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}

/// The ICMP packet behind an error, as they want to read it.
fn icmp(error: &SocketError) -> Option<Vec<u8>> {
    let v4 = error.local.is_ipv4();
    let (kind, code, data): (u8, u8, u32) = match (error.kind, v4) {
        (SocketErrorKind::PortUnreachable, true) => (3, 3, 0),
        (SocketErrorKind::PortUnreachable, false) => (1, 4, 0),
        (SocketErrorKind::HostUnreachable, true) => (3, 1, 0),
        (SocketErrorKind::HostUnreachable, false) => (1, 3, 0),
        (SocketErrorKind::NetworkUnreachable, true) => (3, 0, 0),
        (SocketErrorKind::NetworkUnreachable, false) => (1, 0, 0),
        (SocketErrorKind::Prohibited, true) => (3, 13, 0),
        (SocketErrorKind::Prohibited, false) => (1, 1, 0),
        (SocketErrorKind::TooBig { mtu }, true) => (3, 4, mtu),
        (SocketErrorKind::TooBig { mtu }, false) => (2, 0, mtu),
        (SocketErrorKind::TimeExceeded, true) => (11, 0, 0),
        (SocketErrorKind::TimeExceeded, false) => (3, 0, 0),
        _ => return None,
    };
    let mut packet = vec![kind, code, 0, 0];
    packet.extend(data.to_be_bytes());
    match (error.local.ip(), error.remote.ip()) {
        (IpAddr::V4(local), IpAddr::V4(remote)) => {
            packet.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
            packet.extend(local.octets());
            packet.extend(remote.octets());
        }
        (IpAddr::V6(local), IpAddr::V6(remote)) => {
            packet.extend([0x60, 0, 0, 0, 0, 8, 17, 64]);
            packet.extend(local.octets());
            packet.extend(remote.octets());
        }
        _ => return None,
    }
    packet.extend(error.local.port().to_be_bytes());
    packet.extend(error.remote.port().to_be_bytes());
    packet.extend([0, 8, 0, 0]);
    Some(packet)
}
