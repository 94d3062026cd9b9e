//! The project's own ICE as an endpoint.

use std::collections::VecDeque;

use base::{
    Datagram, Instant, Interface, Machine, SocketCommand, SocketError, SocketInput, StreamCommand,
    StreamInput, Transmit,
};
use ice::{Event, Kind, Mode, Nomination, Outgoing, Parameters, Role, State, Ufrag};
use peer::{IceServer, IceTransport, IceTransportConfig, Policy, TcpCandidates};

use super::endpoint::{IceEndpoint, IceFigures, Letter, News, Server, Setup, TurnTransport};

/// [`IceTransport`] with an ear for letters.
#[derive(Debug)]
pub struct Ours {
    transport: IceTransport,
    /// Our generation, as the other side was told.
    told: Option<Ufrag>,
    /// The generation of the other side, and the one before our restart.
    remote: Option<Ufrag>,
    former: Option<Ufrag>,
    news: VecDeque<News>,
    /// Application data that waits to be polled.
    datagrams: VecDeque<(Transmit, Vec<u8>)>,
    streams: VecDeque<(StreamCommand, Vec<u8>)>,
    connected: bool,
}

impl Ours {
    /// An endpoint as `setup` has it.
    #[must_use]
    pub fn new(setup: Setup, now: Instant) -> Self {
        let mut agent = ice::Config::new(crypto::Provider::default());
        agent.role = if setup.controlling { Role::Controlling } else { Role::Controlled };
        agent.mode = if setup.lite { Mode::Lite } else { Mode::Full };
        agent.nomination =
            if setup.aggressive { Nomination::Aggressive } else { Nomination::Regular };
        agent.renomination = setup.renomination;
        agent.pacing = setup.pace;
        let mut config = IceTransportConfig::new(agent);
        config.policy = if setup.relay_only { Policy::Relay } else { Policy::All };
        config.tcp = if setup.tcp { TcpCandidates::BOTH } else { TcpCandidates::NONE };
        config.port = setup.port;
        config.servers = setup.servers.iter().filter_map(server).collect();
        Self {
            transport: IceTransport::new(config, setup.rng, now),
            told: None,
            remote: None,
            former: None,
            news: VecDeque::new(),
            datagrams: VecDeque::new(),
            streams: VecDeque::new(),
            connected: false,
        }
    }

    /// The transport.
    #[must_use]
    pub const fn transport(&self) -> &IceTransport {
        &self.transport
    }

    fn own_ufrag(&self) -> Ufrag {
        self.transport.local_parameters().ufrag.clone()
    }

    /// Tells the other side of our generation, before anything else of it.
    fn introduce(&mut self) {
        let parameters = self.transport.local_parameters().clone();
        if self.told.replace(parameters.ufrag.clone()).as_ref() == Some(&parameters.ufrag) {
            return;
        }
        self.news.push_back(News::Tell(Letter::Parameters(parameters)));
    }

    /// Makes news of what the transport reports.
    fn digest(&mut self) {
        if self.told.is_some() {
            self.introduce();
        }
        while let Some(event) = self.transport.poll_event() {
            match event {
                Event::LocalCandidate(candidate) => {
                    let ufrag = self.own_ufrag();
                    let letter = Letter::Candidate { ufrag, candidate };
                    self.news.push_back(News::Tell(letter));
                }
                Event::GatheringFinished => {
                    let ufrag = self.own_ufrag();
                    self.news.push_back(News::Tell(Letter::End { ufrag }));
                }
                Event::State(state) => self.moved(state),
                Event::Selected { .. } => self.look(),
                Event::Data { payload, .. } => self.news.push_back(News::Data(payload)),
                _ => {}
            }
        }
    }

    fn moved(&mut self, state: State) {
        match state {
            State::Completed => self.look(),
            State::Disconnected if self.connected => {
                self.connected = false;
                self.news.push_back(News::Lost);
            }
            State::Failed => {
                self.connected = false;
                self.news.push_back(News::Failed);
            }
            _ => {}
        }
    }

    /// Reports the pair in use, once it is nominated.
    fn look(&mut self) {
        if !self.transport.state().is_connected() {
            return;
        }
        let Some(path) = self.transport.path(1).filter(|path| path.nominated) else { return };
        self.connected = true;
        let (local, remote) = (path.local_kind, path.remote_kind);
        self.news.push_back(News::Selected { local, remote });
    }

    fn hear_parameters(&mut self, now: Instant, parameters: &Parameters) {
        let is_former = Some(&parameters.ufrag) == self.former.as_ref();
        if !is_former && self.transport.set_remote_parameters(now, parameters.clone()).is_ok() {
            self.remote = Some(parameters.ufrag.clone());
        }
    }

    fn is_of_now(&self, ufrag: &Ufrag) -> bool {
        self.remote.as_ref() == Some(ufrag)
    }
}

fn server(server: &Server) -> Option<IceServer> {
    match server {
        Server::Stun(address) => Some(IceServer::Stun(*address)),
        Server::Turn { address, transport, username, password } => {
            let transport = match transport {
                TurnTransport::Udp => turn::Transport::Udp,
                TurnTransport::Tcp => turn::Transport::Tcp,
                TurnTransport::Tls => turn::Transport::Tls { name: address.ip().to_string() },
            };
            IceServer::turn(*address, transport, username, password).ok()
        }
    }
}

impl IceEndpoint for Ours {
    fn begin(&mut self, now: Instant) {
        self.introduce();
        self.transport.gather(now);
        self.digest();
    }

    fn hear(&mut self, now: Instant, letter: &Letter) {
        // Letters of another generation are late, or about nothing yet: RFC 8838 §9. The transport has
        // counted what it did not take.
        match letter {
            Letter::Parameters(parameters) => self.hear_parameters(now, parameters),
            Letter::Candidate { ufrag, candidate } if self.is_of_now(ufrag) => {
                let _ = self.transport.add_remote_candidate(now, candidate.clone());
            }
            Letter::End { ufrag } if self.is_of_now(ufrag) => {
                self.transport.end_of_remote_candidates(now);
            }
            _ => {}
        }
        self.digest();
    }

    fn restart(&mut self, now: Instant) {
        self.former = self.remote.take().or_else(|| self.former.take());
        self.transport.restart(now);
        self.introduce();
        self.digest();
    }

    fn send(&mut self, now: Instant, payload: &[u8]) -> bool {
        let mut bytes = Vec::new();
        let sent = self.transport.send(now, 1, payload, &mut bytes);
        match sent {
            Ok(Outgoing::Datagram(transmit)) => self.datagrams.push_back((transmit, bytes)),
            Ok(Outgoing::Stream { id, size }) => {
                self.streams.push_back((StreamCommand::Send { id, size }, bytes));
            }
            Err(_) => {}
        }
        self.digest();
        sent.is_ok()
    }

    fn figures(&self) -> IceFigures {
        let stats = self.transport.agent().stats();
        let mut figures = IceFigures { restarts: stats.restarts, ..IceFigures::default() };
        for pair in &stats.pairs {
            let counters = &pair.counters;
            figures.checks += counters.requests_sent;
            figures.answered += counters.responses_received;
            figures.retransmissions += counters.retransmissions_sent;
            figures.bytes_sent += counters.bytes_sent;
            figures.bytes_received += counters.bytes_received;
        }
        figures
    }

    fn beliefs(&self) -> Vec<String> {
        let stats = self.transport.agent().stats();
        let shown = |candidate: &ice::Candidate| {
            let address = candidate.address.ip().map(|it| it.to_string());
            let name = || candidate.address.name().unwrap_or("nowhere").to_owned();
            format!("{} {}", candidate.kind, address.unwrap_or_else(name))
        };
        let mut all: Vec<String> = Vec::new();
        all.extend(stats.local_candidates.iter().map(|it| format!("I am at {}", shown(it))));
        all.extend(
            stats.remote_candidates.iter().map(|it| format!("the other is at {}", shown(it))),
        );
        all.extend(stats.pairs.iter().map(|pair| {
            let seen = pair.mapped.map(|it| format!(", and I look like {it}")).unwrap_or_default();
            let used = if pair.selected { ", in use" } else { "" };
            format!("{} to {}: {:?}{seen}{used}", pair.local, pair.remote, pair.state)
        }));
        for relay in self.transport.relays() {
            all.push(format!("{:?} at the relay {}", relay.state, relay.server));
        }
        all
    }
}

impl Machine for Ours {
    type Event = News;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.transport.handle_datagram(now, datagram);
        self.digest();
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.transport.handle_socket_error(now, error);
        self.digest();
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.transport.handle_stream(now, input);
        self.digest();
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        self.transport.handle_socket(now, input);
        self.digest();
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.transport.handle_interfaces(now, interfaces);
        self.digest();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.transport.handle_timeout(now);
        self.digest();
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if let Some((transmit, bytes)) = self.datagrams.pop_front() {
            buffer.extend_from_slice(&bytes);
            return Some(transmit);
        }
        self.transport.poll_transmit(now, buffer)
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        if let Some((command, bytes)) = self.streams.pop_front() {
            buffer.extend_from_slice(&bytes);
            return Some(command);
        }
        self.transport.poll_stream(now, buffer)
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.transport.poll_socket()
    }

    fn poll_event(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.transport.poll_timeout()
    }
}

/// The names of all kinds of candidates.
pub(crate) const KINDS: [&str; 4] = [
    Kind::Host.name(),
    Kind::PeerReflexive.name(),
    Kind::ServerReflexive.name(),
    Kind::Relayed.name(),
];
