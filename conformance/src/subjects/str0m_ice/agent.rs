//! Their agent as a machine of the suite.

use std::{collections::VecDeque, net::SocketAddr};

use ::is::{
    Candidate, IceAgentEvent, IceConnectionState, IceCreds, Protocol,
    stun::{StunMessage, StunPacket},
};
use base::{Datagram, Instant, Machine, Rng, Transmit};

use crate::{
    clock::ForeignClock,
    subjects::{
        ice::{IceAgent, IceConfig, IceEvent, IceParameters, IceRole, IceState},
        stun::Refusal,
    },
};

pub(super) struct Agent {
    agent: ::is::IceAgent,
    clock: ForeignClock,
    lite: bool,
    role: IceRole,
    rng: Rng,
    /// Where they say data goes.
    path: Option<(SocketAddr, SocketAddr)>,
    /// Where they say data may come from.
    sources: Vec<SocketAddr>,
    outbox: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
    events: VecDeque<IceEvent>,
    wake: Option<Instant>,
}

impl Agent {
    pub(super) fn new(config: &IceConfig, mut rng: Rng) -> Self {
        let agent = super::agent(config, credentials(&mut rng));
        Self {
            agent,
            clock: ForeignClock::start(),
            lite: config.lite,
            role: config.role,
            rng,
            path: None,
            sources: Vec::new(),
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            wake: None,
        }
    }

    /// Lets them do what is due, and asks for everything they have.
    fn turn(&mut self, now: Instant) {
        self.agent.handle_timeout(self.clock.at(now));
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.agent.poll_transmit() {
            let bytes: Vec<u8> = transmit.contents.into();
            self.outbox.push_back((transmit.source, transmit.destination, bytes));
        }
        while let Some(event) = self.agent.poll_event() {
            match event {
                IceAgentEvent::IceRestart(_) => {}
                IceAgentEvent::IceConnectionStateChange(state) => {
                    self.events.push_back(IceEvent::State(translate(state)));
                }
                IceAgentEvent::DiscoveredRecv { source, .. } => self.sources.push(source),
                IceAgentEvent::NominatedSend { source, destination, .. } => {
                    self.path = Some((source, destination));
                    self.events.push_back(IceEvent::Selected {
                        component: 1,
                        local: source,
                        remote: destination,
                    });
                }
            }
        }
        let role = self.role();
        if role != self.role {
            self.role = role;
            self.events.push_back(IceEvent::Role(role));
        }
        self.wake = self.agent.poll_timeout().map(|at| self.clock.from(at));
    }

    fn add(&mut self, now: Instant, candidate: Candidate) -> Result<(), Refusal> {
        let Some(added) = self.agent.add_local_candidate(candidate) else {
            return Err(Refusal::Refused("the agent does not take it".to_owned()));
        };
        let text = added.to_sdp_string();
        self.events.push_back(IceEvent::Candidate(text));
        self.turn(now);
        Ok(())
    }
}

/// Credentials from the suite's dice, for theirs cannot be repeated: 16 and 22 characters as theirs have.
fn credentials(rng: &mut Rng) -> IceCreds {
    IceCreds { ufrag: text::<16>(rng), pass: text::<22>(rng) }
}

fn text<const N: usize>(rng: &mut Rng) -> String {
    const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let dice: [u8; N] = rng.public_array();
    let characters = dice.iter().filter_map(|byte| CHARACTERS.get(usize::from(byte & 63)));
    characters.map(|byte| char::from(*byte)).collect()
}

fn translate(state: IceConnectionState) -> IceState {
    match state {
        IceConnectionState::New => IceState::New,
        IceConnectionState::Checking => IceState::Checking,
        IceConnectionState::Connected => IceState::Connected,
        IceConnectionState::Completed => IceState::Completed,
        IceConnectionState::Disconnected => IceState::Disconnected,
    }
}

impl IceAgent for Agent {
    fn add_local(&mut self, now: Instant, _: u8, local: SocketAddr) -> Result<(), Refusal> {
        let candidate = Candidate::host(local, "udp").map_err(Refusal::because)?;
        self.add(now, candidate)
    }

    fn remove_local(&mut self, now: Instant, local: SocketAddr) -> Result<(), Refusal> {
        let gone: Vec<Candidate> =
            self.agent.local_candidates().filter(|known| known.local() == local).collect();
        for candidate in gone {
            self.agent.invalidate_candidate(&candidate);
        }
        self.turn(now);
        Ok(())
    }

    fn add_reflexive(
        &mut self,
        now: Instant,
        base: SocketAddr,
        mapped: SocketAddr,
    ) -> Result<(), Refusal> {
        let candidate =
            Candidate::server_reflexive(mapped, base, "udp").map_err(Refusal::because)?;
        self.add(now, candidate)
    }

    fn add_relayed(
        &mut self,
        now: Instant,
        relayed: SocketAddr,
        _mapped: SocketAddr,
    ) -> Result<(), Refusal> {
        let candidate = Candidate::relayed(relayed, relayed, "udp").map_err(Refusal::because)?;
        self.add(now, candidate)
    }

    fn parameters(&self) -> IceParameters {
        let IceCreds { ufrag, pass } = self.agent.local_credentials().clone();
        IceParameters { ufrag, pwd: pass, options: Vec::new(), lite: self.lite }
    }

    fn set_remote(&mut self, now: Instant, parameters: &IceParameters) -> Result<(), Refusal> {
        let IceParameters { ufrag, pwd, .. } = parameters.clone();
        self.agent.set_remote_credentials(IceCreds { ufrag, pass: pwd });
        self.turn(now);
        Ok(())
    }

    fn add_candidate(&mut self, now: Instant, candidate: &str) -> Result<(), Refusal> {
        let candidate = Candidate::from_sdp_string(candidate).map_err(Refusal::because)?;
        self.agent.add_remote_candidate(candidate);
        self.turn(now);
        Ok(())
    }

    fn restart(&mut self, now: Instant) -> Result<(), Refusal> {
        let credentials = credentials(&mut self.rng);
        self.agent.ice_restart(credentials, true);
        self.turn(now);
        Ok(())
    }

    fn send(&mut self, _now: Instant, _component: u8, payload: &[u8]) -> Result<(), Refusal> {
        let (local, remote) = self.path.ok_or_else(|| Refusal::because("no path"))?;
        self.outbox.push_back((local, remote, payload.to_vec()));
        Ok(())
    }

    fn role(&self) -> IceRole {
        if self.agent.controlling() { IceRole::Controlling } else { IceRole::Controlled }
    }

    fn selected(&self, _component: u8) -> Option<(SocketAddr, SocketAddr)> {
        self.path
    }
}

impl Machine for Agent {
    type Event = IceEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Datagram { source, destination, payload, .. } = datagram;
        // RFC 7983 §7: the first byte tells STUN from data.
        if payload.first().is_some_and(|byte| *byte < 4) {
            if let Ok(message) = StunMessage::parse(payload) {
                let packet = StunPacket { proto: Protocol::Udp, source, destination, message };
                self.agent.handle_packet(self.clock.at(now), packet);
                self.turn(now);
            }
        } else if self.sources.contains(&source) {
            self.events.push_back(IceEvent::Data { component: 1, payload: payload.to_vec() });
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.wake.is_some_and(|wake| wake <= now) {
            self.turn(now);
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
