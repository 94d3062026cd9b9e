//! Their clients.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{
    Datagram, Instant, Machine, StreamCommand, StreamId, StreamInput, StreamSecurity, Transmit,
};
use stun_proto::auth::Feature;
use turn_client_proto::{
    api::{Transmit as Theirs, TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet},
    impl_client,
    tcp::TurnClientTcp,
    udp::TurnClientUdp,
};
use turn_types::{
    AddressFamily, TransportType, TurnCredentials, prelude::DelayedTransmitBuild,
    stun::message::IntegrityAlgorithm,
};

use super::{at, from, transport};
use crate::subjects::{
    stun::{Refusal, Transport},
    turn::{Relayed, TurnClient, TurnClientConfig, TurnClientEvent, Wish},
};

impl_client!(AnyClient, (Udp, TurnClientUdp), (Tcp, TurnClientTcp));

/// The only connection of a client.
const CONTROL: StreamId = StreamId::own(0);

pub(super) struct Client {
    config: TurnClientConfig,
    /// There once there is something to allocate over.
    client: Option<AnyClient>,
    relayed: Vec<SocketAddr>,
    released: bool,
    over: bool,
    outbox: VecDeque<Vec<u8>>,
    streams: VecDeque<StreamCommand>,
    events: VecDeque<TurnClientEvent>,
    wake: Option<Instant>,
}

impl Client {
    /// A client set up as `config` says, if it can be.
    pub(super) fn new(config: &TurnClientConfig) -> Option<Self> {
        let wish = Wish { relayed: Relayed::Default, ..config.wish };
        if wish != Wish::default() || config.alternate_server {
            return None;
        }
        Some(Self {
            config: config.clone(),
            client: None,
            relayed: Vec::new(),
            released: false,
            over: false,
            outbox: VecDeque::new(),
            streams: VecDeque::new(),
            events: VecDeque::new(),
            wake: None,
        })
    }

    fn setup(&self) -> TurnConfig {
        let known = &self.config.credential;
        let mut setup = TurnConfig::new(TurnCredentials::new(&known.username, &known.password));
        setup.add_supported_integrity(IntegrityAlgorithm::Sha256);
        match self.config.wish.relayed {
            Relayed::Default | Relayed::V4 => {}
            Relayed::V6 => setup.set_address_family(AddressFamily::IPV6),
            Relayed::Both => setup.add_address_family(AddressFamily::IPV6),
        }
        if self.config.anonymous {
            setup.set_anonymous_username(Feature::Required);
        }
        setup
    }

    fn client(&mut self) -> Result<&mut AnyClient, Refusal> {
        self.client.as_mut().ok_or_else(|| Refusal::because("there is no client yet"))
    }

    /// Asks their client what is due, until it wants to wait.
    fn schedule(&mut self, now: Instant) {
        let mut created = false;
        while let Some(client) = &mut self.client {
            if let Some(transmit) = client.poll_transmit(at(now)) {
                self.send(&transmit.data);
                continue;
            }
            if let Some(event) = client.poll_event() {
                created |= self.translate(event);
                continue;
            }
            match client.poll(at(now)) {
                TurnPollRet::WaitUntil(until) if from(until) > now => {
                    self.wake = Some(from(until));
                    break;
                }
                TurnPollRet::WaitUntil(_) => {
                    let idle = client.poll_transmit(at(now));
                    if let Some(transmit) = idle {
                        self.send(&transmit.data);
                        continue;
                    }
                    self.wake = Some(now + Duration::from_millis(1));
                    break;
                }
                TurnPollRet::Closed => {
                    self.close();
                    break;
                }
                TurnPollRet::AllocateTcpSocket { .. } | TurnPollRet::TcpClose { .. } => {}
            }
        }
        if created {
            let relayed = self.relayed.clone();
            self.events.push_back(TurnClientEvent::Allocated { relayed });
        }
    }

    fn close(&mut self) {
        self.wake = None;
        if std::mem::replace(&mut self.over, true) || self.released {
            return;
        }
        self.events.push_back(match self.relayed.is_empty() {
            true => TurnClientEvent::AllocationFailed,
            false => TurnClientEvent::Lost,
        });
    }

    /// What an event means in the suite's words; says whether an address is new.
    fn translate(&mut self, event: TurnEvent) -> bool {
        let event = match event {
            TurnEvent::AllocationCreated(_, address) => {
                self.relayed.push(address);
                return true;
            }
            // Their client says of itself that it is closed when there is no address at all.
            TurnEvent::AllocationCreateFailed(_) => return false,
            TurnEvent::PermissionCreated(_, peer) => TurnClientEvent::Permitted { peer },
            TurnEvent::PermissionCreateFailed(_, peer) => {
                TurnClientEvent::PermissionFailed { peer }
            }
            TurnEvent::ChannelCreated(_, peer) => TurnClientEvent::ChannelBound { peer },
            TurnEvent::ChannelCreateFailed(_, peer) => TurnClientEvent::ChannelFailed { peer },
            TurnEvent::TcpConnected(peer) => TurnClientEvent::PeerConnected { peer },
            TurnEvent::TcpConnectFailed(peer) => TurnClientEvent::PeerClosed { peer },
        };
        self.events.push_back(event);
        false
    }

    fn send(&mut self, bytes: &[u8]) {
        if self.config.transport == Transport::Tcp {
            self.streams.push_back(StreamCommand::Send { id: CONTROL, size: bytes.len() });
        }
        self.outbox.push_back(bytes.to_vec());
    }

    fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        let Some(client) = &mut self.client else { return };
        let carried = transport(self.config.transport);
        let transmit = Theirs::new(bytes, carried, source, self.config.local);
        match client.recv(transmit, at(now)) {
            TurnRecvRet::PeerData(data) => {
                let (peer, payload) = (data.peer, data.data().to_vec());
                self.events.push_back(TurnClientEvent::Data { peer, payload });
            }
            TurnRecvRet::PeerIcmp { peer, icmp_type, icmp_code, .. } => {
                let event = TurnClientEvent::Icmp { peer, kind: icmp_type, code: icmp_code };
                self.events.push_back(event);
            }
            TurnRecvRet::Handled | TurnRecvRet::Ignored(_) => {}
        }
        while let Some(data) = self.client.as_mut().and_then(|client| client.poll_recv(at(now))) {
            let (peer, payload) = (data.peer, data.data().to_vec());
            self.events.push_back(TurnClientEvent::Data { peer, payload });
        }
        self.schedule(now);
    }
}

impl TurnClient for Client {
    fn allocate(&mut self, now: Instant) -> Result<(), Refusal> {
        if self.client.is_some() || !self.streams.is_empty() {
            return Err(Refusal::because("one of their clients makes one allocation"));
        }
        let TurnClientConfig { local, server, .. } = self.config;
        match self.config.transport {
            Transport::Udp => {
                let client = TurnClientUdp::allocate(local, server, self.setup());
                self.client = Some(client.into());
                self.schedule(now);
            }
            Transport::Tcp => self.streams.push_back(StreamCommand::Connect {
                id: CONTROL,
                local: Some(local),
                remote: server,
                security: StreamSecurity::Plain,
            }),
        }
        Ok(())
    }

    fn permit(&mut self, now: Instant, peer: IpAddr) -> Result<(), Refusal> {
        let asked = self.client()?.create_permission(TransportType::Udp, peer, at(now));
        self.schedule(now);
        asked.map_err(Refusal::because)
    }

    fn bind_channel(&mut self, now: Instant, peer: SocketAddr) -> Result<(), Refusal> {
        let asked = self.client()?.bind_channel(TransportType::Udp, peer, at(now));
        self.schedule(now);
        asked.map_err(Refusal::because)
    }

    fn send(&mut self, now: Instant, peer: SocketAddr, payload: &[u8]) -> Result<(), Refusal> {
        let sent = self.client()?.send_to(TransportType::Udp, peer, payload, at(now));
        if let Some(transmit) = sent.map_err(Refusal::because)? {
            let bytes = transmit.data.build();
            Self::send(self, &bytes);
        }
        self.schedule(now);
        Ok(())
    }

    fn release(&mut self, now: Instant) -> Result<(), Refusal> {
        let asked = self.client()?.delete(at(now));
        self.released = true;
        self.schedule(now);
        asked.map_err(Refusal::because)
    }
}

impl Machine for Client {
    type Event = TurnClientEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.receive(now, datagram.source, datagram.payload);
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        match input {
            StreamInput::Connected { local, remote, .. } => {
                self.config.local = local;
                let client = TurnClientTcp::allocate(local, remote, self.setup());
                self.client = Some(client.into());
                self.schedule(now);
            }
            StreamInput::Received { bytes, .. } => self.receive(now, self.config.server, bytes),
            StreamInput::Closed { .. } => {
                self.receive(now, self.config.server, &[]);
                self.close();
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.wake.is_some_and(|wake| wake <= now) {
            self.schedule(now);
        }
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if self.config.transport == Transport::Tcp {
            return None;
        }
        let bytes = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(self.config.server, bytes.len()).from(self.config.local))
    }

    fn poll_stream(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let command = self.streams.pop_front()?;
        if matches!(command, StreamCommand::Send { .. }) {
            buffer.extend(self.outbox.pop_front().unwrap_or_default());
        }
        Some(command)
    }

    fn poll_event(&mut self) -> Option<TurnClientEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}
