//! The ICE agent, and the reader and writer of candidates.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use ::ice::{
    Candidate, Event, LocalSocket, Outgoing, Parameters, RelayTransport, Relayed, Role, State,
    Transport,
};
use base::{Datagram, Instant, Interface, Machine, Rng, SocketError, Transmit};
use crypto::Provider;

use crate::subjects::{
    ice::{
        CandidateFields, IceAgent, IceCodec, IceConfig, IceEvent, IceParameters, IceRole, IceState,
    },
    stun::Refusal,
};

/// The agent with the data it is to send.
pub(super) struct Agent {
    agent: ::ice::Agent,
    /// Data on its way out: it leaves before anything the agent has to say.
    outbox: VecDeque<(Transmit, Vec<u8>)>,
}

impl Agent {
    pub(super) fn new(provider: Provider, config: &IceConfig, rng: Rng) -> Self {
        let mut setup = ::ice::Config::new(provider);
        setup.role = match config.role {
            IceRole::Controlling => Role::Controlling,
            IceRole::Controlled => Role::Controlled,
        };
        if config.lite {
            setup.mode = ::ice::Mode::Lite;
        }
        setup.components = config.components;
        setup.pacing = config.pacing.unwrap_or(setup.pacing);
        setup.max_pairs = config.pair_limit.unwrap_or(setup.max_pairs);
        setup.stun_servers.clone_from(&config.servers);
        setup.hides_host_addresses = config.hides_addresses;
        setup.tie_breaker = config.tie_breaker;
        setup.consent.enabled = config.consent;
        Self { agent: ::ice::Agent::new(setup, rng, Instant::ZERO), outbox: VecDeque::new() }
    }
}

fn parameters(parameters: &IceParameters) -> Result<Parameters, Refusal> {
    Ok(Parameters {
        ufrag: parameters.ufrag.parse().map_err(Refusal::because)?,
        pwd: parameters.pwd.parse().map_err(Refusal::because)?,
        options: parameters.options.join(" ").parse().map_err(Refusal::because)?,
        lite: parameters.lite,
    })
}

fn role(role: Role) -> IceRole {
    match role {
        Role::Controlling => IceRole::Controlling,
        Role::Controlled => IceRole::Controlled,
    }
}

/// What an event means in the suite's words.
fn translate(event: Event) -> IceEvent {
    match event {
        Event::LocalCandidate(candidate) => IceEvent::Candidate(candidate.to_string()),
        Event::GatheringFinished => IceEvent::GatheringFinished,
        Event::State(state) => IceEvent::State(match state {
            State::New => IceState::New,
            State::Checking => IceState::Checking,
            State::Connected => IceState::Connected,
            State::Completed => IceState::Completed,
            State::Disconnected => IceState::Disconnected,
            State::Failed => IceState::Failed,
            State::Closed => IceState::Closed,
        }),
        Event::Selected { component, path } => {
            IceEvent::Selected { component, local: path.local, remote: path.remote }
        }
        Event::RoleChanged(now) => IceEvent::Role(role(now)),
        Event::Resolve { name } => IceEvent::Resolve(name),
        Event::Data { component, payload } => IceEvent::Data { component, payload },
        other => IceEvent::Other(format!("{other:?}")),
    }
}

impl IceAgent for Agent {
    fn add_local(&mut self, now: Instant, component: u8, local: SocketAddr) -> Result<(), Refusal> {
        let socket = LocalSocket::udp(component, local);
        self.agent.add_socket(now, socket).map_err(Refusal::because)
    }

    fn host_addresses(&self, interfaces: &[Interface]) -> Result<Vec<IpAddr>, Refusal> {
        let found = ::ice::host_addresses(interfaces, Instant::ZERO);
        Ok(found.into_iter().map(|(ip, _)| ip).collect())
    }

    fn remove_local(&mut self, now: Instant, local: SocketAddr) -> Result<(), Refusal> {
        self.agent.remove_local(now, local);
        Ok(())
    }

    fn add_relayed(
        &mut self,
        now: Instant,
        relayed: SocketAddr,
        mapped: SocketAddr,
    ) -> Result<(), Refusal> {
        let relayed = Relayed {
            component: 1,
            address: relayed,
            mapped: Some(mapped),
            server: SocketAddr::new(relayed.ip(), 3478),
            reached_over: RelayTransport::Udp,
        };
        self.agent.add_relayed(now, relayed).map_err(Refusal::because)
    }

    fn finish_locals(&mut self, now: Instant) {
        self.agent.finish_gathering(now);
    }

    fn parameters(&self) -> IceParameters {
        let Parameters { ufrag, pwd, options, lite } = self.agent.local_parameters();
        IceParameters {
            ufrag: ufrag.to_string(),
            pwd: pwd.to_string(),
            options: options.to_string().split_whitespace().map(str::to_owned).collect(),
            lite: *lite,
        }
    }

    fn set_remote(&mut self, now: Instant, remote: &IceParameters) -> Result<(), Refusal> {
        self.agent.set_remote_parameters(now, parameters(remote)?).map_err(Refusal::because)
    }

    fn add_candidate(&mut self, now: Instant, candidate: &str) -> Result<(), Refusal> {
        let candidate: Candidate = candidate.parse().map_err(Refusal::because)?;
        self.agent.add_remote_candidate(now, candidate).map_err(Refusal::because)
    }

    fn end_of_candidates(&mut self, now: Instant) -> Result<(), Refusal> {
        self.agent.end_of_remote_candidates(now);
        Ok(())
    }

    fn restart(&mut self, now: Instant) -> Result<(), Refusal> {
        self.agent.restart(now);
        Ok(())
    }

    fn send(&mut self, now: Instant, component: u8, payload: &[u8]) -> Result<(), Refusal> {
        let mut buffer = Vec::new();
        let outgoing = self.agent.send(now, component, payload, &mut buffer);
        match outgoing.map_err(Refusal::because)? {
            Outgoing::Datagram(transmit) => self.outbox.push_back((transmit, buffer)),
            Outgoing::Stream { .. } => return Err(Refusal::because("the path is a connection")),
        }
        Ok(())
    }

    fn role(&self) -> IceRole {
        role(self.agent.role())
    }

    fn selected(&self, component: u8) -> Option<(SocketAddr, SocketAddr)> {
        self.agent.path(component).map(|path| (path.local, path.remote))
    }

    fn resolved(
        &mut self,
        now: Instant,
        name: &str,
        address: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        self.agent.handle_resolved(now, name, address);
        Ok(())
    }

    fn close(&mut self, now: Instant) -> Result<(), Refusal> {
        self.agent.close(now);
        Ok(())
    }
}

impl Machine for Agent {
    type Event = IceEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.agent.handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.agent.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        if let Some((transmit, payload)) = self.outbox.pop_front() {
            buffer.extend(&payload);
            return Some(transmit);
        }
        self.agent.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<IceEvent> {
        self.agent.poll_event().map(translate)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.agent.poll_timeout()
    }
}

/// The reader and writer of candidates.
pub(super) struct Codec;

impl IceCodec for Codec {
    fn read(&self, text: &str) -> Result<CandidateFields, Refusal> {
        let candidate: Candidate = text.parse().map_err(Refusal::because)?;
        let (transport, tcp_type) = match candidate.transport {
            Transport::Udp => ("udp", None),
            Transport::Tcp(kind) => ("tcp", Some(kind.name().to_owned())),
        };
        let address = match candidate.address.ip() {
            Some(address) => address.ip().to_string(),
            None => candidate.address.name().unwrap_or_default().to_owned(),
        };
        Ok(CandidateFields {
            foundation: candidate.foundation.as_str().to_owned(),
            component: candidate.component,
            transport: transport.to_owned(),
            priority: candidate.priority,
            address,
            port: candidate.address.port(),
            kind: candidate.kind.name().to_owned(),
            related: candidate.related.map(|related| (related.ip().to_string(), related.port())),
            tcp_type,
        })
    }

    fn rewrite(&self, text: &str) -> Result<String, Refusal> {
        let candidate: Candidate = text.parse().map_err(Refusal::because)?;
        Ok(candidate.to_string())
    }
}
