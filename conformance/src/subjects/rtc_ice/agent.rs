//! Their agent as a machine of the suite.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use ::rtc_ice::{
    agent::{Agent as Theirs, Event, agent_config::AgentConfig},
    candidate::{
        Candidate, CandidateConfig, CandidateType, candidate_host::CandidateHostConfig,
        candidate_server_reflexive::CandidateServerReflexiveConfig,
    },
    mdns::MulticastDnsMode,
    state::ConnectionState,
};
use base::{Datagram, Instant, Machine, Transmit};
use rtc_shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use sansio::Protocol as _;

use super::codec;
use crate::{
    clock::ForeignClock,
    subjects::{
        ice::{IceAgent, IceConfig, IceEvent, IceParameters, IceRole, IceState},
        stun::Refusal,
    },
};

pub(super) struct Agent {
    agent: Theirs,
    clock: ForeignClock,
    lite: bool,
    role: IceRole,
    outbox: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    events: VecDeque<IceEvent>,
    wake: Option<Instant>,
    /// When they were last told the time, so that a deadline in the past is not met twice.
    told: Option<Instant>,
}

impl Agent {
    /// An agent set up as `config` says, if it can be.
    pub(super) fn new(config: &IceConfig) -> Option<Self> {
        let clock = ForeignClock::start();
        let setup = AgentConfig {
            is_controlling: config.role == IceRole::Controlling,
            lite: config.lite,
            candidate_types: match config.lite {
                true => vec![CandidateType::Host],
                false => Vec::new(),
            },
            check_interval: config.pacing.unwrap_or_default(),
            multicast_dns_mode: MulticastDnsMode::Disabled,
            ..AgentConfig::default()
        };
        let provider = ::rtc_ice::crypto::default_provider().ok()?;
        let agent = Theirs::new(clock.at(Instant::ZERO), Arc::new(setup), provider).ok()?;
        Some(Self {
            agent,
            clock,
            lite: config.lite,
            role: config.role,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            wake: None,
            told: None,
        })
    }

    fn add(&mut self, now: Instant, candidate: Candidate) -> Result<(), Refusal> {
        let text = candidate.marshal();
        if !self.agent.add_local_candidate(candidate).map_err(Refusal::because)? {
            return Err(Refusal::because("the agent does not take it"));
        }
        self.events.push_back(IceEvent::Candidate(format!("candidate:{text}")));
        self.collect(now);
        Ok(())
    }

    fn collect(&mut self, now: Instant) {
        while let Some(message) = self.agent.poll_write() {
            let TransportContext { local_addr, peer_addr, .. } = message.transport;
            self.outbox.push_back((local_addr, peer_addr, message.message.to_vec()));
        }
        while let Some(tagged) = self.agent.poll_event() {
            let event = match tagged.event {
                Event::ConnectionStateChange(state) => IceEvent::State(translate(state)),
                Event::SelectedCandidatePairChange(local, remote) => IceEvent::Selected {
                    component: 1,
                    local: local.base_addr(),
                    remote: remote.addr(),
                },
                Event::RoleChange(true) => IceEvent::Role(IceRole::Controlling),
                Event::RoleChange(false) => IceEvent::Role(IceRole::Controlled),
                _ => continue,
            };
            self.events.push_back(event);
        }
        let wake = self.agent.poll_timeout().map(|at| self.clock.from(at));
        // A deadline in the past means at once; one they have just met means a millisecond later.
        self.wake = wake.map(|at| match self.told == Some(now) {
            true => at.max(now + Duration::from_millis(1)),
            false => at.max(now),
        });
    }
}

fn translate(state: ConnectionState) -> IceState {
    match state {
        ConnectionState::Checking => IceState::Checking,
        ConnectionState::Connected => IceState::Connected,
        ConnectionState::Completed => IceState::Completed,
        ConnectionState::Failed => IceState::Failed,
        ConnectionState::Disconnected => IceState::Disconnected,
        ConnectionState::Closed => IceState::Closed,
        _ => IceState::New,
    }
}

impl IceAgent for Agent {
    fn add_local(&mut self, now: Instant, component: u8, local: SocketAddr) -> Result<(), Refusal> {
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: local.ip().to_string(),
            port: local.port(),
            component: u16::from(component),
            ..CandidateConfig::default()
        };
        let candidate = CandidateHostConfig { base_config, ..CandidateHostConfig::default() };
        let candidate = candidate.new_candidate_host().map_err(Refusal::because)?;
        self.add(now, candidate)
    }

    fn add_reflexive(
        &mut self,
        now: Instant,
        base: SocketAddr,
        mapped: SocketAddr,
    ) -> Result<(), Refusal> {
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: mapped.ip().to_string(),
            port: mapped.port(),
            component: 1,
            ..CandidateConfig::default()
        };
        let candidate = CandidateServerReflexiveConfig {
            base_config,
            rel_addr: base.ip().to_string(),
            rel_port: base.port(),
            url: None,
        };
        let candidate = candidate.new_candidate_server_reflexive().map_err(Refusal::because)?;
        self.add(now, candidate)
    }

    fn parameters(&self) -> IceParameters {
        let credentials = self.agent.get_local_credentials();
        IceParameters {
            ufrag: credentials.ufrag.clone(),
            pwd: credentials.pwd.clone(),
            options: Vec::new(),
            lite: self.lite,
        }
    }

    fn set_remote(&mut self, now: Instant, parameters: &IceParameters) -> Result<(), Refusal> {
        let IceParameters { ufrag, pwd, .. } = parameters.clone();
        let controlling = self.role == IceRole::Controlling;
        self.agent
            .start_connectivity_checks(self.clock.at(now), controlling, ufrag, pwd)
            .map_err(Refusal::because)?;
        self.collect(now);
        Ok(())
    }

    fn add_candidate(&mut self, now: Instant, candidate: &str) -> Result<(), Refusal> {
        let candidate = codec::read(candidate)?;
        self.agent.add_remote_candidate(candidate).map_err(Refusal::because)?;
        self.collect(now);
        Ok(())
    }

    fn restart(&mut self, now: Instant) -> Result<(), Refusal> {
        let at = self.clock.at(now);
        self.agent.restart(at, String::new(), String::new(), true).map_err(Refusal::because)?;
        self.role = self.role();
        self.collect(now);
        Ok(())
    }

    fn send(&mut self, _now: Instant, _component: u8, payload: &[u8]) -> Result<(), Refusal> {
        let (local, remote) = self.selected(1).ok_or_else(|| Refusal::because("no path"))?;
        self.outbox.push_back((local, remote, payload.to_vec()));
        Ok(())
    }

    fn role(&self) -> IceRole {
        if self.agent.role() { IceRole::Controlling } else { IceRole::Controlled }
    }

    fn selected(&self, _component: u8) -> Option<(SocketAddr, SocketAddr)> {
        let (local, remote) = self.agent.get_selected_candidate_pair()?;
        Some((local.base_addr(), remote.addr()))
    }

    fn close(&mut self, now: Instant) -> Result<(), Refusal> {
        self.agent.close().map_err(Refusal::because)?;
        self.collect(now);
        Ok(())
    }
}

impl Machine for Agent {
    type Event = IceEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let transport = TransportContext {
            local_addr: datagram.destination,
            peer_addr: datagram.source,
            transport_protocol: TransportProtocol::UDP,
            ecn: None,
        };
        // RFC 7983 §7: the first byte tells STUN from data.
        if datagram.payload.first().is_some_and(|byte| *byte < 4) {
            let now = self.clock.at(now);
            let message = TaggedBytesMut { now, transport, message: datagram.payload.into() };
            // What they do not take they report; nothing follows from it.
            let _ = self.agent.handle_read(message);
        } else if self.agent.is_valid_non_stun_traffic(self.clock.at(now), transport) {
            let payload = datagram.payload.to_vec();
            self.events.push_back(IceEvent::Data { component: 1, payload });
        }
        self.collect(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.wake.is_some_and(|wake| wake <= now) {
            self.told = Some(now);
            // It fails only if multicast DNS does, which is off.
            let _ = self.agent.handle_timeout(self.clock.at(now));
            self.collect(now);
        }
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (from, to, bytes) = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(to, bytes.len()).from(from))
    }

    fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}
