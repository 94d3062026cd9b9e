//! A life of two agents on wires that lose, repeat, delay and change what they carry, between people who
//! add, remove, restart and tell wrong things.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use arbitrary::{Arbitrary, Unstructured};
use base::{Datagram, Ecn, Instant, Machine, Rng, SocketError, SocketErrorKind};
use ice::{
    Address, Agent, Candidate, Config, Event, Foundation, Kind, LocalSocket, MAX_PEER_REFLEXIVE,
    Mode, Nomination, Outgoing, Received, Role, State, Transport,
};

/// Most commands of one life.
const MAX_COMMANDS: usize = 150;
/// Addresses of each side.
const ADDRESSES: u8 = 3;

/// One of the two.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Side {
    One,
    Other,
}

#[derive(Arbitrary, Debug)]
enum Command {
    /// A socket comes.
    Add(Side, u8),
    /// A socket goes.
    Remove(Side, u8),
    /// Signalling carries everything that waits.
    Signal(Side),
    /// Signalling loses what waits.
    Forget(Side),
    /// A candidate of nobody is told.
    Invent { side: Side, host: u8, port: u16, priority: u32, kind: u8 },
    /// A name is told.
    InventName(Side, u8),
    /// A name is resolved, to something or nothing.
    Resolve(Side, u8, Option<[u8; 4]>),
    /// No more candidates.
    End(Side),
    /// No more addresses.
    Finish(Side),
    /// A new generation.
    Restart(Side),
    /// Data is sent.
    Send(Side, u8),
    /// Time passes.
    Wait(u16),
    /// Time goes on to the next deadline.
    WaitForDeadline(Side),
    /// Everything on the wire arrives.
    Deliver,
    /// The newest arrives before the others.
    Reorder,
    /// The oldest is lost.
    Lose,
    /// The oldest arrives twice.
    Repeat,
    /// The oldest comes from another address, as behind a NAT.
    Translate(u8),
    /// A bit of the oldest changes.
    Flip { at: u8, bit: u8 },
    /// The oldest comes back.
    Reflect,
    /// Anything comes.
    Inject { side: Side, from: u8, bytes: Vec<u8> },
    /// The network reports an error.
    Unreachable(Side, u8, u8),
    /// The end.
    Close(Side),
}

#[derive(Arbitrary, Debug)]
struct Setup {
    same_roles: bool,
    lite: [bool; 2],
    aggressive: [bool; 2],
    renomination: [bool; 2],
    components: bool,
    seed: u8,
}

struct OnWire {
    source: SocketAddr,
    destination: SocketAddr,
    bytes: Vec<u8>,
}

struct World {
    agents: [Agent; 2],
    now: Instant,
    wire: Vec<OnWire>,
    /// What signalling has to carry, by who sent it.
    signals: [Vec<Candidate>; 2],
    /// All data that was sent by each.
    sent: [BTreeSet<Vec<u8>>; 2],
    /// Whether bytes were made up by somebody who may share an address with the peer.
    is_forged: bool,
    states: [State; 2],
    count: u32,
}

/// Lives through a sequence of commands. Nothing grows without bound, every deadline moves, states follow
/// each other as they may, and what arrives as data was sent as data.
pub fn ice_commands(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = Setup::arbitrary(&mut input) else { return };
    let mut world = World::new(&setup);
    for _ in 0..MAX_COMMANDS {
        if input.is_empty() {
            break;
        }
        let Ok(command) = Command::arbitrary(&mut input) else { break };
        world.obey(command);
        world.collect();
    }
    world.end();
}

fn address(side: usize, n: u8) -> SocketAddr {
    let side = if side == 0 { 1 } else { 2 };
    SocketAddr::from(([192, 0, 2, side * 10 + n % ADDRESSES], 1_000))
}

fn other(side: usize) -> usize {
    1 - side
}

impl Side {
    const fn index(self) -> usize {
        match self {
            Self::One => 0,
            Self::Other => 1,
        }
    }
}

impl World {
    fn new(setup: &Setup) -> Self {
        let rng = Rng::from_seed([setup.seed; 32]);
        let agent = |side: usize, label: &str| {
            let pick = |flags: [bool; 2]| flags.get(side).copied().unwrap_or(false);
            let mut config = Config::new(crypto::rust_crypto());
            config.role = match side == 0 || setup.same_roles {
                true => Role::Controlling,
                false => Role::Controlled,
            };
            config.mode = if pick(setup.lite) { Mode::Lite } else { Mode::Full };
            config.nomination = match pick(setup.aggressive) {
                true => Nomination::Aggressive,
                false => Nomination::Regular,
            };
            config.renomination = pick(setup.renomination);
            config.components = 1 + u8::from(setup.components);
            let mut agent = Agent::new(config, rng.fork(label), Instant::ZERO);
            let _ = agent.add_socket(Instant::ZERO, LocalSocket::udp(1, address(side, 0)));
            agent
        };
        let mut world = Self {
            agents: [agent(0, "one"), agent(1, "other")],
            now: Instant::ZERO,
            wire: Vec::new(),
            signals: [Vec::new(), Vec::new()],
            sent: [BTreeSet::new(), BTreeSet::new()],
            is_forged: false,
            states: [State::New; 2],
            count: 0,
        };
        world.collect();
        world
    }

    fn agent(&mut self, side: usize) -> &mut Agent {
        let [one, other] = &mut self.agents;
        if side == 0 { one } else { other }
    }

    fn obey(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Add(side, n) => {
                let component = 1 + n / 128;
                let socket = LocalSocket::udp(component, address(side.index(), n));
                let _ = self.agent(side.index()).add_socket(now, socket);
            }
            Command::Remove(side, n) => {
                self.agent(side.index()).remove_local(now, address(side.index(), n));
            }
            Command::Signal(side) => self.signal(side.index()),
            Command::Forget(side) => self.signals_of(side.index()).clear(),
            Command::Invent { .. } | Command::InventName(..) => self.invent(&command),
            Command::Resolve(side, n, ip) => {
                self.agent(side.index()).handle_resolved(now, &name(n), ip.map(IpAddr::from));
            }
            Command::End(side) => self.agent(side.index()).end_of_remote_candidates(now),
            Command::Finish(side) => self.agent(side.index()).finish_gathering(now),
            Command::Restart(side) => self.agent(side.index()).restart(now),
            Command::Send(side, component) => self.send(side.index(), component % 3),
            Command::Wait(millis) => self.wait(Duration::from_millis(millis.into())),
            Command::WaitForDeadline(side) => {
                if let Some(deadline) = self.agent(side.index()).poll_timeout() {
                    self.wait(deadline - now);
                }
            }
            Command::Unreachable(side, from, to) => {
                let (local, remote) =
                    (address(side.index(), from), address(other(side.index()), to));
                let kind = SocketErrorKind::PortUnreachable;
                let error = SocketError { local, remote, kind };
                self.agent(side.index()).handle_socket_error(now, error);
            }
            Command::Close(side) => self.agent(side.index()).close(now),
            on_wire => self.disturb(on_wire),
        }
    }

    /// What happens on the wire.
    fn disturb(&mut self, command: Command) {
        match command {
            Command::Deliver => {
                for packet in std::mem::take(&mut self.wire) {
                    self.deliver(&packet);
                }
            }
            Command::Reorder => {
                if let Some(newest) = self.wire.pop() {
                    self.deliver(&newest);
                }
            }
            Command::Inject { side, from, bytes } => {
                self.is_forged = true;
                let source = address(other(side.index()), from);
                let destination = address(side.index(), from / 16);
                self.deliver(&OnWire { source, destination, bytes });
            }
            _ if self.wire.is_empty() => {}
            Command::Lose => {
                self.wire.remove(0);
            }
            Command::Repeat => {
                let oldest = self.wire.remove(0);
                self.deliver(&oldest);
                self.deliver(&oldest);
            }
            Command::Translate(n) => {
                let mut oldest = self.wire.remove(0);
                oldest.source = SocketAddr::from(([203, 0, 113, n], 7_000 + u16::from(n)));
                self.deliver(&oldest);
            }
            Command::Flip { at, bit } => {
                self.is_forged = true;
                if let Some(oldest) = self.wire.first_mut()
                    && let Some(byte) = oldest.bytes.get_mut(usize::from(at))
                {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Command::Reflect => {
                self.is_forged = true;
                let OnWire { source, destination, bytes } = self.wire.remove(0);
                self.deliver(&OnWire { source: destination, destination: source, bytes });
            }
            _ => {}
        }
    }

    /// Carries parameters and candidates to the other side.
    fn signal(&mut self, from: usize) {
        let now = self.now;
        let parameters = self.agent(from).local_parameters().clone();
        let candidates = std::mem::take(self.signals_of(from));
        let to = self.agent(other(from));
        let _ = to.set_remote_parameters(now, parameters);
        for candidate in candidates {
            let _ = to.add_remote_candidate(now, candidate);
        }
    }

    fn signals_of(&mut self, side: usize) -> &mut Vec<Candidate> {
        let [one, other] = &mut self.signals;
        if side == 0 { one } else { other }
    }

    fn sent_by(&mut self, side: usize) -> &mut BTreeSet<Vec<u8>> {
        let [one, other] = &mut self.sent;
        if side == 0 { one } else { other }
    }

    fn invent(&mut self, command: &Command) {
        let (side, address, priority, kind) = match *command {
            Command::Invent { side, host, port, priority, kind } => {
                let address = SocketAddr::from(([203, 0, 113, host], port));
                (side, Address::Ip(address), priority.clamp(1, (1 << 31) - 1), kind)
            }
            Command::InventName(side, n) => {
                (side, Address::Name { name: name(n), port: 1_000 }, 7, n)
            }
            _ => return,
        };
        let kind = Kind::ALL.into_iter().cycle().nth(usize::from(kind % 4)).unwrap_or(Kind::Host);
        let foundation = Foundation::numbered(priority % 5);
        let component = 1 + u16::from(priority.is_multiple_of(7));
        let candidate =
            Candidate::new(foundation, component, Transport::Udp, priority, address, kind);
        let now = self.now;
        let _ = self.agent(side.index()).add_remote_candidate(now, candidate);
    }

    fn send(&mut self, side: usize, component: u8) {
        self.count += 1;
        let payload = [&[0x80][..], &self.count.to_be_bytes()].concat();
        let mut bytes = Vec::new();
        let now = self.now;
        let state = self.agent(side).state();
        let outgoing = self.agent(side).send(now, component, &payload, &mut bytes);
        let Ok(Outgoing::Datagram(transmit)) = outgoing else { return };
        let is_idle = matches!(state, State::New | State::Closed);
        assert!(!is_idle, "nothing to send on in {state}");
        assert_eq!(bytes, payload, "data goes as it is");
        let source = transmit.source.expect("an agent knows where it sends from");
        let on_wire = OnWire { source, destination: transmit.destination, bytes };
        self.wire.push(on_wire);
        self.sent_by(side).insert(payload);
    }

    fn deliver(&mut self, packet: &OnWire) {
        let OnWire { source, destination, bytes } = packet;
        let (source, destination, now) = (*source, *destination, self.now);
        let Some(side) =
            (0..2).find(|&side| (0..ADDRESSES).any(|n| address(side, n) == destination))
        else {
            return;
        };
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: bytes };
        let received = self.agent(side).receive(now, datagram);
        if let Received::Application { .. } = received {
            let was_sent = self.sent_by(other(side)).contains(bytes);
            assert!(was_sent || self.is_forged, "data that nobody sent");
            assert!(!stun::Message::is_likely(bytes), "STUN is not data");
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let next = |agent: &Agent| agent.poll_timeout().filter(|it| *it <= until);
            let Some(deadline) = self.agents.iter().filter_map(next).min() else { break };
            self.now = self.now.max(deadline);
            for agent in &mut self.agents {
                agent.handle_timeout(self.now);
                let next = agent.poll_timeout();
                assert!(next.is_none_or(|next| next > self.now), "every deadline moves on");
            }
            self.collect();
        }
        self.now = until;
    }

    /// Takes everything out that either has to say, and looks at both.
    fn collect(&mut self) {
        for side in 0..2 {
            let now = self.now;
            let mut buffer = Vec::new();
            while let Some(transmit) = self.agent(side).poll_transmit(now, &mut buffer) {
                assert_eq!(transmit.size, buffer.len(), "the size is that of the bytes");
                assert!(stun::Message::parse(&buffer).is_ok(), "what is sent can be read");
                let source = transmit.source.expect("an agent knows where it sends from");
                let bytes = std::mem::take(&mut buffer);
                // More than this on the way is lost, as it would be.
                if self.wire.len() < 500 {
                    self.wire.push(OnWire { source, destination: transmit.destination, bytes });
                }
            }
            while let Some(event) = self.agent(side).poll_event() {
                match event {
                    Event::LocalCandidate(candidate) => self.signals_of(side).push(candidate),
                    Event::State(state) => self.enter(side, state),
                    _ => {}
                }
            }
            self.examine(side);
        }
    }

    /// The order of states of the W3C's `RTCIceTransport`: nothing follows the end, and nobody is new
    /// twice.
    fn enter(&mut self, side: usize, state: State) {
        let [one, other] = &mut self.states;
        let former = if side == 0 { one } else { other };
        assert_ne!(*former, State::Closed, "nothing follows the end");
        assert_ne!(*former, state, "a state is entered once");
        assert_ne!(state, State::New, "nobody is new again");
        *former = state;
    }

    fn examine(&mut self, side: usize) {
        let [one, other] = self.states;
        let state = if side == 0 { one } else { other };
        let agent = self.agent(side);
        assert_eq!(agent.state(), state, "every state is reported");
        let stats = agent.stats();
        assert!(stats.pairs.len() <= 100, "{} pairs", stats.pairs.len());
        assert!(stats.remote_candidates.len() <= 64 + MAX_PEER_REFLEXIVE);
        let selected = stats.pairs.iter().filter(|pair| pair.selected).count();
        assert!(selected <= 2, "one path for each component");
        if state == State::Closed {
            assert_eq!(agent.poll_timeout(), None, "what is closed sleeps");
        }
        for component in 1..=2 {
            if let Some(path) = agent.path(component) {
                let is_own = (0..ADDRESSES).any(|n| address(side, n) == path.local);
                assert!(is_own, "{} is not ours", path.local);
            }
        }
    }

    /// In the end both are left alone, and give up or sleep without any more to say than may be.
    fn end(mut self) {
        for _ in 0..120 {
            self.wait(Duration::from_secs(1));
            self.wire.clear();
        }
        for side in 0..2 {
            let now = self.now;
            let refused = self.agent(side).send(now, 1, b"\x80", &mut Vec::new()).is_err();
            let is_lite = self
                .agent(side)
                .stats()
                .pairs
                .iter()
                .all(|pair| pair.counters.consent_requests_sent == 0);
            assert!(refused || is_lite, "consent has run out on every path");
        }
    }
}

fn name(n: u8) -> String {
    format!("{n:08x}-ea17-4bcf-a596-105139dfd8bf.local")
}
