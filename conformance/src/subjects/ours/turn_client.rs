//! The TURN client.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use base::{Datagram, Instant, Machine, Rng, SocketError, StreamCommand, StreamInput, Transmit};
use crypto::Provider;
use turn::{Allocate, ConnectionId, Families, Outgoing, PortWish, Relay};

use crate::subjects::{
    stun::{Refusal, Transport},
    turn::{Relayed, TurnClient, TurnClientConfig, TurnClientEvent, Wish},
};

pub(super) struct Client {
    client: turn::Client,
    wish: Allocate,
    /// Connections to peers, by the peers.
    connections: Vec<(ConnectionId, SocketAddr)>,
    datagrams: VecDeque<(Transmit, Vec<u8>)>,
    streams: VecDeque<(StreamCommand, Vec<u8>)>,
    events: VecDeque<TurnClientEvent>,
}

impl Client {
    /// A client set up as `config` says, if it can be.
    pub(super) fn new(provider: Provider, config: &TurnClientConfig, rng: Rng) -> Option<Self> {
        let transport = match config.transport {
            Transport::Udp => turn::Transport::Udp,
            Transport::Tcp => turn::Transport::Tcp,
        };
        let known = &config.credential;
        let credential = stun::Credential::long_term(&known.username, &known.password).ok()?;
        let mut setup =
            turn::ClientConfig::new(provider, config.server, transport).with_credential(credential);
        if config.transport == Transport::Udp {
            setup = setup.from_local(config.local);
        }
        setup.software = config.software.map(str::to_owned);
        setup.follows_redirects = config.alternate_server;
        setup.auto_channels = false;
        setup.keepalive = None;
        Some(Self {
            client: turn::Client::new(setup, rng, Instant::ZERO),
            wish: wish(&config.wish),
            connections: Vec::new(),
            datagrams: VecDeque::new(),
            streams: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// Keeps what the client reports. The suite's clients take every connection they hear of.
    fn hear(&mut self, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            if let turn::ClientEvent::ConnectionAttempt { connection, .. } = event {
                let _ = self.client.accept(now, connection);
            }
            let event = self.translate(event);
            self.events.extend(event);
        }
    }

    fn connection(&self, peer: SocketAddr) -> Result<ConnectionId, Refusal> {
        let found = self.connections.iter().find(|(_, known)| *known == peer);
        found.map(|(id, _)| *id).ok_or_else(|| Refusal::because("no connection to the peer"))
    }

    fn hand_over(&mut self, outgoing: &Outgoing, buffer: Vec<u8>) {
        match *outgoing {
            Outgoing::Datagram(transmit) => self.datagrams.push_back((transmit, buffer)),
            Outgoing::Stream { id, size } => {
                self.streams.push_back((StreamCommand::Send { id, size }, buffer));
            }
        }
    }

    /// What an event means in the suite's words.
    fn translate(&mut self, event: turn::ClientEvent) -> Option<TurnClientEvent> {
        Some(match event {
            turn::ClientEvent::Allocated(allocation) => {
                TurnClientEvent::Allocated { relayed: allocation.relayed().collect() }
            }
            turn::ClientEvent::Failed(_) => TurnClientEvent::AllocationFailed,
            turn::ClientEvent::Lost(_) => TurnClientEvent::Lost,
            turn::ClientEvent::Permitted { peer } => TurnClientEvent::Permitted { peer },
            turn::ClientEvent::PermissionFailed { peer, .. } => {
                TurnClientEvent::PermissionFailed { peer }
            }
            turn::ClientEvent::ChannelBound { peer, .. } => TurnClientEvent::ChannelBound { peer },
            turn::ClientEvent::ChannelFailed { peer, .. } => {
                TurnClientEvent::ChannelFailed { peer }
            }
            turn::ClientEvent::Data { peer, payload, .. } => {
                TurnClientEvent::Data { peer, payload }
            }
            turn::ClientEvent::Icmp { peer, icmp } => {
                TurnClientEvent::Icmp { peer, kind: icmp.kind, code: icmp.code }
            }
            turn::ClientEvent::Connected { connection, peer } => {
                self.connections.push((connection, peer));
                TurnClientEvent::PeerConnected { peer }
            }
            turn::ClientEvent::Received { connection, bytes } => {
                let (_, peer) = self.connections.iter().find(|(id, _)| *id == connection)?;
                TurnClientEvent::Data { peer: *peer, payload: bytes }
            }
            turn::ClientEvent::Disconnected { connection, peer, .. } => {
                self.connections.retain(|(id, _)| *id != connection);
                TurnClientEvent::PeerClosed { peer }
            }
            _ => return None,
        })
    }
}

fn wish(wish: &Wish) -> Allocate {
    Allocate {
        families: match wish.relayed {
            Relayed::Default | Relayed::V4 => Families::V4,
            Relayed::V6 => Families::V6,
            Relayed::Both => Families::Dual,
        },
        relay: if wish.tcp { Relay::Tcp } else { Relay::Udp },
        port: match (wish.token, wish.even_port) {
            (Some(token), _) => PortWish::Reserved(u64::from_be_bytes(token)),
            (None, Some(true)) => PortWish::EvenAndReserve,
            (None, Some(false)) => PortWish::Even,
            (None, None) => PortWish::Any,
        },
        lifetime: wish.lifetime,
        dont_fragment: false,
    }
}

impl TurnClient for Client {
    fn allocate(&mut self, now: Instant) -> Result<(), Refusal> {
        let asked = self.client.allocate(now, self.wish).map_err(Refusal::because);
        self.hear(now);
        asked
    }

    fn permit(&mut self, now: Instant, peer: IpAddr) -> Result<(), Refusal> {
        let asked = self.client.permit(now, peer).map_err(Refusal::because);
        self.hear(now);
        asked
    }

    fn bind_channel(&mut self, now: Instant, peer: SocketAddr) -> Result<(), Refusal> {
        let asked = self.client.bind_channel(now, peer).map_err(Refusal::because);
        self.hear(now);
        asked
    }

    fn send(&mut self, now: Instant, peer: SocketAddr, payload: &[u8]) -> Result<(), Refusal> {
        let mut buffer = Vec::new();
        let outgoing = if self.wish.relay == Relay::Tcp {
            let connection = self.connection(peer)?;
            self.client.write(now, connection, payload, &mut buffer)
        } else {
            self.client.send(now, peer, payload, &mut buffer)
        };
        self.hear(now);
        let outgoing = outgoing.map_err(Refusal::because)?;
        self.hand_over(&outgoing, buffer);
        Ok(())
    }

    fn release(&mut self, now: Instant) -> Result<(), Refusal> {
        self.client.release(now);
        self.hear(now);
        Ok(())
    }

    fn connect_peer(&mut self, now: Instant, peer: SocketAddr) -> Result<(), Refusal> {
        let asked = self.client.connect_peer(now, peer);
        self.hear(now);
        asked.map(drop).map_err(Refusal::because)
    }
}

impl Machine for Client {
    type Event = TurnClientEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.client.handle_datagram(now, datagram);
        self.hear(now);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.client.handle_socket_error(now, error);
        self.hear(now);
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.client.handle_stream(now, input);
        self.hear(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
        self.hear(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if let Some((transmit, bytes)) = self.datagrams.pop_front() {
            buffer.extend(bytes);
            return Some(transmit);
        }
        self.client.poll_transmit(now, buffer)
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        if let Some((command, bytes)) = self.streams.pop_front() {
            buffer.extend(bytes);
            return Some(command);
        }
        self.client.poll_stream(now, buffer)
    }

    fn poll_event(&mut self) -> Option<TurnClientEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }
}
