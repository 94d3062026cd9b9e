//! The wire, and what is seen on it.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    time::Duration,
};

use base::{Datagram, Ecn, Instant, Machine, Rng};
use stun::{
    Message,
    wire::{Class, UseCandidate},
};

use crate::{Agent, Candidate, Config, Event, LocalSocket, Outgoing, Role, State};

/// Says what becomes of a datagram: `None` drops it, or else where it seems to come from and goes to.
pub(crate) type Route = Box<dyn FnMut(Instant, &Sent) -> Option<(SocketAddr, SocketAddr)>>;

/// A datagram on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) by: usize,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) payload: Vec<u8>,
}

impl Sent {
    pub(crate) fn message(&self) -> Option<Message<'_>> {
        Message::parse(&self.payload).ok()
    }

    pub(crate) fn is(&self, class: Class) -> bool {
        self.message().is_some_and(|message| message.class() == class)
    }

    pub(crate) fn nominates(&self) -> bool {
        self.message().is_some_and(|message| message.get::<UseCandidate>().is_some())
    }
}

/// Two agents, 0 and 1, `delay` apart.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) agents: [Agent; 2],
    pub(crate) delay: Duration,
    pub(crate) route: Route,
    wire: BTreeMap<(Instant, u64), Sent>,
    count: u64,
    /// Of each hundred datagrams, this many arrive twice.
    pub(crate) duplicates: u64,
    pub(crate) log: Vec<Sent>,
    pub(crate) events: [Vec<(Instant, Event)>; 2],
    /// Local candidates that were not signalled yet.
    pub(crate) untold: [VecDeque<Candidate>; 2],
    /// Whether candidates are signalled as they come.
    pub(crate) trickles: bool,
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) const A: &str = "192.0.2.1:1000";
pub(crate) const B: &str = "192.0.2.2:2000";

pub(crate) fn config(role: Role) -> Config {
    let mut config = Config::new(crypto::Provider::default());
    config.role = role;
    config
}

impl World {
    /// The first agent controls.
    pub(crate) fn new() -> Self {
        Self::with(config(Role::Controlling), config(Role::Controlled))
    }

    pub(crate) fn with(a: Config, b: Config) -> Self {
        let rng = Rng::from_seed([9; 32]);
        let now = Instant::ZERO;
        Self {
            now,
            agents: [Agent::new(a, rng.fork("a"), now), Agent::new(b, rng.fork("b"), now)],
            delay: ms(50),
            route: Box::new(|_, sent| Some((sent.source, sent.destination))),
            wire: BTreeMap::new(),
            count: 0,
            duplicates: 0,
            log: Vec::new(),
            events: [Vec::new(), Vec::new()],
            untold: [VecDeque::new(), VecDeque::new()],
            trickles: true,
        }
    }

    /// Both have one address, and know each other's parameters.
    pub(crate) fn simple() -> Self {
        let mut world = Self::new();
        world.add(0, A);
        world.add(1, B);
        world.exchange();
        world
    }

    /// A world in which both have concluded.
    pub(crate) fn completed() -> Self {
        let mut world = Self::simple();
        world.run_for(ms(2_000));
        assert_eq!(world.states(), [State::Completed; 2], "{:?}", world.events);
        world
    }

    pub(crate) fn add(&mut self, who: usize, address: &str) {
        let socket = LocalSocket::udp(1, addr(address));
        self.agents[who].add_socket(self.now, socket).unwrap();
        self.drain();
    }

    /// Gives each the parameters of the other.
    pub(crate) fn exchange(&mut self) {
        for who in [0, 1] {
            let parameters = self.agents[1 - who].local_parameters().clone();
            self.agents[who].set_remote_parameters(self.now, parameters).unwrap();
        }
        self.drain();
    }

    /// The restart of `who` reaches the other, and its answer comes back.
    pub(crate) fn signal_restart(&mut self, who: usize) {
        self.drain();
        let offer = self.agents[who].local_parameters().clone();
        self.agents[1 - who].set_remote_parameters(self.now, offer).unwrap();
        let answer = self.agents[1 - who].local_parameters().clone();
        self.agents[who].set_remote_parameters(self.now, answer).unwrap();
        self.drain();
    }

    pub(crate) fn states(&self) -> [State; 2] {
        [self.agents[0].state(), self.agents[1].state()]
    }

    /// Takes everything out of both agents.
    pub(crate) fn drain(&mut self) {
        loop {
            let mut busy = false;
            for who in [0, 1] {
                let mut bytes = Vec::new();
                while let Some(transmit) = self.agents[who].poll_transmit(self.now, &mut bytes) {
                    busy = true;
                    let sent = Sent {
                        at: self.now,
                        by: who,
                        source: transmit.source.unwrap(),
                        destination: transmit.destination,
                        payload: std::mem::take(&mut bytes),
                    };
                    self.put(sent);
                }
                while let Some(event) = self.agents[who].poll_event() {
                    busy = true;
                    if let Event::LocalCandidate(candidate) = &event {
                        self.untold[who].push_back(candidate.clone());
                    }
                    self.events[who].push((self.now, event));
                }
            }
            if self.trickles {
                busy |= self.signal();
            }
            if !busy {
                return;
            }
        }
    }

    pub(crate) fn put(&mut self, sent: Sent) {
        if let Some((source, destination)) = (self.route)(self.now, &sent) {
            self.count += 1;
            if self.count % 100 < self.duplicates {
                let key = (self.now + self.delay * 2, self.count + (1 << 32));
                self.wire.insert(key, Sent { source, destination, ..sent.clone() });
            }
            let key = (self.now + self.delay, self.count);
            self.wire.insert(key, Sent { source, destination, ..sent.clone() });
        }
        self.log.push(sent);
    }

    /// Tells the candidates that were not told yet.
    pub(crate) fn signal(&mut self) -> bool {
        let mut any = false;
        for who in [0, 1] {
            while let Some(candidate) = self.untold[who].pop_front() {
                any = true;
                let _ = self.agents[1 - who].add_remote_candidate(self.now, candidate);
            }
        }
        any
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    pub(crate) fn run_until(&mut self, end: Instant) {
        loop {
            self.drain();
            let wire = self.wire.keys().next().map(|key| key.0);
            let timers = self.agents.iter().filter_map(Agent::poll_timeout);
            let next = timers.chain(wire).min().unwrap_or(Instant::MAX);
            if next > end {
                break;
            }
            self.now = self.now.max(next);
            for agent in &mut self.agents {
                if agent.poll_timeout().is_some_and(|at| at <= self.now) {
                    let before = agent.poll_timeout();
                    agent.handle_timeout(self.now);
                    assert!(agent.poll_timeout() > before || agent.poll_timeout().is_none());
                }
            }
            while let Some(entry) =
                self.wire.first_entry().filter(|entry| entry.key().0 <= self.now)
            {
                let Sent { by, source, destination, payload, .. } = entry.remove();
                self.deliver(1 - by, source, destination, &payload);
            }
        }
        self.now = end;
    }

    pub(crate) fn deliver(
        &mut self,
        who: usize,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
    ) {
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
        self.agents[who].handle_datagram(self.now, datagram);
        self.drain();
    }

    /// Sends application data; `false` if the agent does not.
    pub(crate) fn send(&mut self, who: usize, payload: &[u8]) -> bool {
        let mut bytes = Vec::new();
        match self.agents[who].send(self.now, 1, payload, &mut bytes) {
            Ok(Outgoing::Datagram(transmit)) => {
                let source = transmit.source.unwrap();
                let destination = transmit.destination;
                self.put(Sent { at: self.now, by: who, source, destination, payload: bytes });
                true
            }
            _ => false,
        }
    }

    /// The states an agent went through.
    pub(crate) fn history(&self, who: usize) -> Vec<State> {
        let states = self.events[who].iter().filter_map(|(_, event)| match event {
            Event::State(state) => Some(*state),
            _ => None,
        });
        states.collect()
    }

    /// When an agent reached a state first.
    pub(crate) fn reached(&self, who: usize, state: State) -> Option<Instant> {
        let found = self.events[who].iter().find(|(_, event)| *event == Event::State(state));
        found.map(|(at, _)| *at)
    }

    /// When an agent first had a path.
    pub(crate) fn connected_at(&self, who: usize) -> Option<Instant> {
        let found = self.events[who]
            .iter()
            .find(|(_, event)| matches!(event, Event::State(state) if state.is_connected()));
        found.map(|(at, _)| *at)
    }

    pub(crate) fn has_data(&self, who: usize, payload: &[u8]) -> bool {
        self.events[who].iter().any(|(_, event)| match event {
            Event::Data { payload: got, .. } => got == payload,
            _ => false,
        })
    }
}
