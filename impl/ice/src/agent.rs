//! The agent.

#[expect(dead_code, reason = "the checks that use the rest follow")]
mod local;

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

use base::{Datagram, Instant, Interface, Machine, Rng, Transmit};

pub use local::{LocalSocket, MAX_LOCAL_ADDRESSES, MAX_REFLEXIVE, RelayTransport, Relayed};

use self::local::{BaseId, Locals, is_host_address};
use crate::{
    AddCandidateError, AddLocalError, Candidate, Config, Event, Mode, Options, Outgoing,
    Parameters, Path, Received, Role, SendError, SetParametersError, State, Stats,
    candidate::priority::NetworkCost,
    stats::{DropReason, Drops},
};

/// An ICE agent for one data stream with one or two components.
#[derive(Debug)]
pub struct Agent {
    config: Config,
    rng: Rng,
    now: Instant,
    state: State,
    role: Role,
    local_parameters: Parameters,
    remote_parameters: Option<Parameters>,
    locals: Locals,
    remotes: Vec<Candidate>,
    remote_is_finished: bool,
    is_finished: bool,
    events: VecDeque<Event>,
    restarts: u64,
    dropped: Drops,
}

impl Agent {
    /// An agent without addresses.
    #[must_use]
    pub fn new(config: Config, mut rng: Rng, now: Instant) -> Self {
        let config = config.in_range();
        let local_parameters = first_parameters(&config, &mut rng);
        Self {
            role: config.role,
            config,
            rng,
            now,
            state: State::New,
            local_parameters,
            remote_parameters: None,
            locals: Locals::default(),
            remotes: Vec::new(),
            remote_is_finished: false,
            is_finished: false,
            events: VecDeque::new(),
            restarts: 0,
            dropped: Drops::default(),
        }
    }

    /// Takes a socket in: it becomes a host candidate.
    ///
    /// # Errors
    ///
    /// `AddLocalError` if it is no use, or there already.
    pub fn add_socket(&mut self, now: Instant, socket: LocalSocket) -> Result<(), AddLocalError> {
        self.advance(now);
        self.check_local(socket.component, socket.address)?;
        if self.locals.has(&socket) {
            return Err(AddLocalError::Known);
        }
        let base = self.locals.add_host(&socket, None);
        self.tell_candidate(base);
        Ok(())
    }

    /// Asks one more STUN server for server-reflexive addresses.
    pub fn add_stun_server(&mut self, now: Instant, server: SocketAddr) {
        self.advance(now);
        if !self.config.stun_servers.contains(&server) {
            self.config.stun_servers.push(server);
        }
    }

    /// Takes a relayed address in.
    ///
    /// # Errors
    ///
    /// `AddLocalError` if it is no use, or there already.
    pub fn add_relayed(&mut self, now: Instant, relayed: Relayed) -> Result<(), AddLocalError> {
        self.advance(now);
        self.check_local(relayed.component, relayed.address)?;
        if self.locals.at(relayed.address).is_some() {
            return Err(AddLocalError::Known);
        }
        let base = self.locals.add_relayed(&relayed);
        self.tell_candidate(base);
        Ok(())
    }

    /// The host, or the TURN server, no longer has this address.
    pub fn remove_local(&mut self, now: Instant, address: SocketAddr) {
        self.advance(now);
        self.locals.remove(address);
    }

    /// No more addresses will be added for now.
    pub fn finish_gathering(&mut self, now: Instant) {
        self.advance(now);
        if !std::mem::replace(&mut self.is_finished, true) {
            self.events.push_back(Event::GatheringFinished);
        }
    }

    /// What the peer is to be told besides candidates.
    #[must_use]
    pub const fn local_parameters(&self) -> &Parameters {
        &self.local_parameters
    }

    /// What the peer told besides candidates.
    #[must_use]
    pub const fn remote_parameters(&self) -> Option<&Parameters> {
        self.remote_parameters.as_ref()
    }

    /// Takes the parameters of the peer.
    ///
    /// # Errors
    ///
    /// `SetParametersError` if they are of a former generation, or of no use.
    pub fn set_remote_parameters(
        &mut self,
        now: Instant,
        parameters: Parameters,
    ) -> Result<(), SetParametersError> {
        self.advance(now);
        if self.state == State::Closed {
            return Err(SetParametersError::Closed);
        }
        self.remote_parameters = Some(parameters);
        Ok(())
    }

    /// Takes a candidate of the peer.
    ///
    /// # Errors
    ///
    /// `AddCandidateError` if it is of no use.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        self.advance(now);
        if self.state == State::Closed {
            return Err(AddCandidateError::Closed);
        }
        if self.remote_is_finished {
            return Err(AddCandidateError::AfterTheEnd);
        }
        if self.remotes.len() >= self.config.max_remote_candidates {
            return Err(AddCandidateError::TooMany);
        }
        self.remotes.push(candidate);
        Ok(())
    }

    /// The peer has no more candidates.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.advance(now);
        self.remote_is_finished = true;
    }

    /// What became of an [`Event::Resolve`].
    pub fn handle_resolved(&mut self, now: Instant, name: &str, ip: Option<IpAddr>) {
        self.advance(now);
        let _ = (name, ip);
    }

    /// Begins a new generation.
    pub fn restart(&mut self, now: Instant) {
        self.advance(now);
        self.restarts += 1;
        self.local_parameters = fresh_parameters(&self.config, &mut self.rng);
        self.remote_parameters = None;
        self.remotes.clear();
        self.remote_is_finished = false;
    }

    /// Ends the session. Nothing is sent from now on.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        self.state = State::Closed;
    }

    /// Takes a datagram in without copying application data.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) -> Received {
        self.advance(now);
        let reason = match self.locals.at(datagram.destination) {
            None => DropReason::UnknownLocalAddress,
            Some(_) => DropReason::Unvalidated,
        };
        self.dropped.count(reason);
        Received::Dropped(reason)
    }

    /// Sends application data.
    ///
    /// # Errors
    ///
    /// `SendError` if there is no path, or no consent to use it.
    pub fn send(
        &mut self,
        now: Instant,
        component: u8,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Outgoing, SendError> {
        self.advance(now);
        let _ = (component, payload, buffer);
        Err(SendError::NoPath)
    }

    /// What a component sends on.
    #[must_use]
    pub fn path(&self, component: u8) -> Option<Path> {
        let _ = component;
        None
    }

    /// Where the agent stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The role it has.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Everything else there is to say.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            state: self.state,
            role: self.role,
            path_changes: 0,
            restarts: self.restarts,
            pairs: Vec::new(),
            local_candidates: self.locals.candidates().cloned().collect(),
            remote_candidates: self.remotes.clone(),
            dropped: self.dropped,
        }
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn check_local(&self, component: u8, address: SocketAddr) -> Result<(), AddLocalError> {
        if self.state == State::Closed {
            return Err(AddLocalError::Closed);
        }
        if !(1..=self.config.components).contains(&component) {
            return Err(AddLocalError::NoSuchComponent);
        }
        if !is_host_address(address) {
            return Err(AddLocalError::NotUnicast);
        }
        if self.locals.is_full() {
            return Err(AddLocalError::TooMany);
        }
        Ok(())
    }

    fn tell_candidate(&mut self, base: BaseId) {
        if let Some(base) = self.locals.get(base) {
            self.events.push_back(Event::LocalCandidate(base.candidate.clone()));
        }
    }
}

fn first_parameters(config: &Config, rng: &mut Rng) -> Parameters {
    config.parameters.clone().unwrap_or_else(|| fresh_parameters(config, rng))
}

fn fresh_parameters(config: &Config, rng: &mut Rng) -> Parameters {
    let mut parameters = Parameters::generate(rng);
    parameters.lite = config.mode == Mode::Lite;
    if config.renomination {
        parameters.options.insert(Options::RENOMINATION);
    }
    parameters
}

impl Machine for Agent {
    type Event = Event;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if let Received::Application { component } = self.receive(now, datagram) {
            let payload = datagram.payload.to_vec();
            self.events.push_back(Event::Data { component, payload });
        }
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.advance(now);
        let addresses: Vec<_> = interfaces
            .iter()
            .flat_map(|interface| {
                let cost = NetworkCost::of(interface.kind);
                interface.addresses.iter().map(move |address| (address.ip, cost))
            })
            .collect();
        self.locals.plan(&addresses);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    fn poll_transmit(&mut self, _: Instant, _: &mut Vec<u8>) -> Option<Transmit> {
        None
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
