//! An ICE agent with the servers it needs, as one machine.

mod addresses;
mod bases;
mod config;
mod outbox;
mod relay;
mod relays;
mod report;
mod route;

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use base::{
    Datagram, Instant, Interface, Machine, Rng, SocketCommand, SocketError, SocketInput,
    StreamCommand, StreamInput, Transmit,
};
use ice::{Agent, Candidate, Event, Outgoing, Parameters, Path, State};

pub use self::{
    addresses::MAX_ADDRESSES,
    config::{IceServer, IceTransportConfig, Policy, TcpCandidates, TurnServer},
    outbox::MAX_QUEUED,
    relays::MAX_RELAYS,
    report::{Received, RelayReport, RelayState, TransportStats},
};
use self::{bases::Bases, outbox::Outbox, relays::Relays};
pub use ice::SendError;

/// Most events that wait to be asked for. A caller that asks after everything it tells the transport
/// never sees it reached; beyond it, application data is dropped.
pub const MAX_EVENTS: usize = 4_096;

/// An ICE agent with sockets, STUN servers and TURN servers of its own.
///
/// Once it is told to [gather](IceTransport::gather), it opens a socket on every address of the host and
/// has an allocation made for each at every TURN server. What it finds it reports as
/// [`Event::LocalCandidate`], one at a time (RFC 8838), and [`Event::GatheringFinished`] when no more is to
/// be expected. From there it is the [agent](IceTransport::agent) that acts.
///
/// * **The network changes.** Sockets on addresses that are gone are closed, those on new ones opened and
///   told to the peer; servers that failed are asked again. The peer learns that it should take candidates
///   after the end of candidates by an ICE restart, which the application decides on.
/// * **An allocation is lost**, because the server or a NAT forgot it: its candidates are withdrawn, and
///   another allocation is asked for at once. An attempt that fails is repeated after 1 s, then 2, then 4,
///   then every 5 s, ten times in a row; then on restart and with the next change of the network.
/// * **An ICE restart** keeps sockets and allocations: nothing is gathered again but what failed.
/// * **Permissions** are asked for as soon as the address of a remote candidate is known, so that the first
///   check, in either direction, finds them. A channel is bound to the peer that a component sends to.
///
/// Data goes through [`send`](IceTransport::send) and [`receive`](IceTransport::receive) without being
/// copied into a queue and without memory being allocated, on direct and on relayed paths; only a TURN
/// server that is spoken to over TCP or TLS makes an [`Event::Data`] of each datagram that arrives.
#[derive(Debug)]
pub struct IceTransport {
    agent: Agent,
    config: Settings,
    now: Instant,
    /// The interfaces of the host, once they are known.
    interfaces: Option<Vec<Interface>>,
    stage: Stage,
    bases: Bases,
    relays: Relays,
    /// What the sockets that were asked for are for, in that order.
    openings: VecDeque<Opening>,
    sockets: VecDeque<SocketCommand>,
    outbox: Outbox,
    events: VecDeque<Event>,
    /// Addresses of the peer, which may send to relayed addresses.
    peers: Vec<IpAddr>,
    /// The remote ends of relayed paths in use, with the relayed addresses.
    channels: Vec<(u8, SocketAddr, SocketAddr)>,
    /// What the agent sends, and the same as it goes to a TURN server.
    scratch: Vec<u8>,
    wrapped: Vec<u8>,
    stats: TransportStats,
}

/// What of the configuration is needed later.
#[derive(Clone, Copy, Debug)]
struct Settings {
    policy: Policy,
    tcp: TcpCandidates,
    components: u8,
    port: u16,
    loopback: bool,
}

/// What the transport is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was asked for yet.
    Idle,
    /// Looking for candidates.
    Gathering,
    /// Every first attempt is over.
    Gathered,
    /// Closed; allocations are being given back.
    Closing,
    /// Closed, and nothing is left.
    Closed,
}

/// What a socket that was asked for is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    /// A base for this component.
    Base(u8),
    Relay(u32),
}

/// Most addresses of the peer for which permissions are asked before anything is sent there: one server
/// gives no more to an allocation (RFC 8656 §5 leaves the number to it; 64 is usual).
const MAX_PEERS: usize = 64;

impl IceTransport {
    /// A transport that has nothing yet.
    #[must_use]
    pub fn new(config: IceTransportConfig, rng: Rng, now: Instant) -> Self {
        let IceTransportConfig { mut ice, servers, policy, tcp, relay_families, port, loopback } =
            config;
        let (stun, turn) = divide(servers);
        let mut known = std::mem::take(&mut ice.stun_servers);
        known.extend(stun);
        if policy == Policy::All {
            for server in known {
                if !ice.stun_servers.contains(&server) {
                    ice.stun_servers.push(server);
                }
            }
        }
        let components = ice.components.clamp(1, 2);
        let pacing = ice.pacing.max(ice::MIN_PACING);
        let for_relays = (ice.provider, rng.fork("relays"));
        Self {
            relays: Relays::new(turn, relay_families, for_relays, pacing),
            agent: Agent::new(ice, rng.fork("ice"), now),
            config: Settings { policy, tcp, components, port, loopback },
            now,
            interfaces: None,
            stage: Stage::Idle,
            bases: Bases::default(),
            openings: VecDeque::new(),
            sockets: VecDeque::new(),
            outbox: Outbox::default(),
            events: VecDeque::new(),
            peers: Vec::new(),
            channels: Vec::new(),
            scratch: Vec::new(),
            wrapped: Vec::new(),
            stats: TransportStats::default(),
        }
    }

    /// Begins to look for candidates; as soon as the interfaces are known, if they are not.
    pub fn gather(&mut self, now: Instant) {
        self.advance(now);
        if self.stage == Stage::Idle {
            self.stage = Stage::Gathering;
            self.open_bases();
        }
        self.pump();
    }

    /// What the peer is to be told besides candidates.
    #[must_use]
    pub const fn local_parameters(&self) -> &Parameters {
        self.agent.local_parameters()
    }

    /// Takes the parameters of the peer.
    ///
    /// # Errors
    ///
    /// As [`Agent::set_remote_parameters`].
    pub fn set_remote_parameters(
        &mut self,
        now: Instant,
        parameters: Parameters,
    ) -> Result<(), ice::SetParametersError> {
        self.advance(now);
        let result = self.agent.set_remote_parameters(self.now, parameters);
        self.pump();
        result
    }

    /// Takes a candidate of the peer.
    ///
    /// # Errors
    ///
    /// As [`Agent::add_remote_candidate`].
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), ice::AddCandidateError> {
        self.advance(now);
        let ip = candidate.address.ip().filter(|_| candidate.transport == ice::Transport::Udp);
        let result = self.agent.add_remote_candidate(self.now, candidate);
        if let (Ok(()), Some(address)) = (&result, ip) {
            self.expect_peer(address.ip());
        }
        self.pump();
        result
    }

    /// The peer has no more candidates.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.advance(now);
        self.agent.end_of_remote_candidates(self.now);
        self.pump();
    }

    /// What became of an [`Event::Resolve`].
    pub fn handle_resolved(&mut self, now: Instant, name: &str, ip: Option<IpAddr>) {
        self.advance(now);
        self.agent.handle_resolved(self.now, name, ip);
        if let Some(ip) = ip {
            self.expect_peer(ip);
        }
        self.pump();
    }

    /// Begins a new generation: RFC 8445 §9. Sockets and allocations stay, and what failed is tried again.
    pub fn restart(&mut self, now: Instant) {
        self.advance(now);
        for peer in std::mem::take(&mut self.peers) {
            self.relays.forbid(self.now, peer);
        }
        self.agent.restart(self.now);
        self.relays.hurry(self.now);
        self.open_bases();
        self.pump();
    }

    /// Ends the session: nothing is sent to the peer from now on, and allocations are given back. The
    /// sockets close when that is done.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        if !matches!(self.stage, Stage::Closing | Stage::Closed) {
            self.stage = Stage::Closing;
            self.agent.close(self.now);
            self.relays.leave(self.now);
        }
        self.pump();
    }

    /// Takes a datagram without copying application data.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) -> Received {
        self.advance(now);
        let received = self.sort(datagram);
        self.pump();
        received
    }

    /// Appends application data to `buffer` as it leaves the host, and says where it goes.
    ///
    /// # Errors
    ///
    /// `SendError` if there is no path, or no consent to use it; the buffer is then as it was.
    pub fn send(
        &mut self,
        now: Instant,
        component: u8,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Outgoing, SendError> {
        self.advance(now);
        let start = buffer.len();
        let sent = self.agent.send(self.now, component, payload, buffer);
        let sent = match sent {
            Ok(Outgoing::Datagram(transmit)) => self.relay(transmit, payload, buffer, start),
            other => other,
        };
        self.pump();
        sent
    }

    /// What a component sends on.
    #[must_use]
    pub fn path(&self, component: u8) -> Option<Path> {
        self.agent.path(component)
    }

    /// Where the agent stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.agent.state()
    }

    /// The agent, to be asked.
    #[must_use]
    pub const fn agent(&self) -> &Agent {
        &self.agent
    }

    /// The allocations, live ones and failed ones.
    pub fn relays(&self) -> impl Iterator<Item = RelayReport> + '_ {
        self.relays.iter().map(relay::Relay::report)
    }

    /// The addresses of the host that it has sockets on.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.bases.iter().filter_map(bases::Base::local)
    }

    /// Figures besides those of the agent.
    #[must_use]
    pub const fn stats(&self) -> TransportStats {
        TransportStats { dropped_unpolled: self.outbox.dropped, ..self.stats }
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }
}

/// STUN servers, and TURN servers: those that are reached over UDP are STUN servers as well.
fn divide(servers: Vec<IceServer>) -> (Vec<SocketAddr>, Vec<TurnServer>) {
    let (mut stun, mut turn): (Vec<SocketAddr>, Vec<TurnServer>) = (Vec::new(), Vec::new());
    for server in servers {
        match server {
            IceServer::Stun(address) => stun.push(address),
            IceServer::Turn(TurnServer { transport: turn::Transport::Dtls, .. }) => {}
            IceServer::Turn(server) => {
                if server.transport == turn::Transport::Udp {
                    stun.push(server.address);
                }
                let same = |known: &TurnServer| {
                    known.address == server.address && known.transport == server.transport
                };
                if !turn.iter().any(same) {
                    turn.push(server);
                }
            }
        }
    }
    (stun, turn)
}

impl Machine for IceTransport {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if let Received::Application { component, range } = self.receive(now, datagram) {
            let payload = datagram.payload.get(range).unwrap_or_default().to_vec();
            self.report_data(component, payload);
        }
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.advance(now);
        self.relays.handle_socket_error(self.now, error);
        self.agent.handle_socket_error(self.now, error);
        self.pump();
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.advance(now);
        let is_over = matches!(self.stage, Stage::Closing | Stage::Closed);
        if let (true, StreamInput::Accepted { id, .. }) = (is_over, input) {
            // It came before the listener was closed.
            self.outbox.command(StreamCommand::Abort { id }, &[]);
        } else if !self.relays.handle_stream(self.now, input) {
            self.agent.handle_stream(self.now, input);
        }
        self.pump();
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        self.advance(now);
        let is_over = matches!(self.stage, Stage::Closing | Stage::Closed);
        match (self.openings.pop_front(), input) {
            // It was asked for before the end.
            (Some(_), SocketInput::Opened { local, .. }) if is_over => {
                self.sockets.push_back(SocketCommand::Close { local });
            }
            (Some(_), SocketInput::Refused { .. }) if is_over => {}
            (Some(Opening::Base(component)), SocketInput::Opened { asked, local }) => {
                self.base_opened(component, asked, local);
            }
            (Some(Opening::Base(component)), SocketInput::Refused { asked, in_use }) => {
                if let Some(again) = self.bases.refused(component, asked, in_use) {
                    self.open(again, Opening::Base(component));
                }
            }
            (Some(Opening::Relay(id)), SocketInput::Opened { local, .. }) => {
                match self.relays.named(id) {
                    Some(relay) => {
                        let before = relay.own_socket();
                        relay.move_to(self.now, local);
                        let close = before.map(|local| SocketCommand::Close { local });
                        self.sockets.extend(close);
                    }
                    None => self.sockets.push_back(SocketCommand::Close { local }),
                }
            }
            (Some(Opening::Relay(id)), SocketInput::Refused { .. }) => {
                if let Some(relay) = self.relays.named(id) {
                    relay.stay();
                }
            }
            (None, _) => {}
        }
        self.pump();
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.advance(now);
        self.interfaces = Some(interfaces.to_vec());
        self.agent.handle_interfaces(self.now, interfaces);
        self.close_lost_bases();
        self.open_bases();
        if self.stage != Stage::Idle {
            self.relays.hurry(self.now);
        }
        self.pump();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        if self.poll_timeout().is_none_or(|at| at > self.now) {
            return;
        }
        self.agent.handle_timeout(self.now);
        self.relays.handle_timeout(self.now);
        self.pump();
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.outbox.take(buffer).or_else(|| self.relays.poll_transmit(self.now.max(now), buffer))
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        let waiting = self.outbox.take_command(buffer);
        waiting.or_else(|| self.relays.poll_stream(self.now.max(now), buffer))
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.sockets.pop_front()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.agent.poll_timeout(), self.relays.poll_timeout()].into_iter().flatten().min()
    }
}
