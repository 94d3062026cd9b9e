//! ICE over TCP, with connections that the test carries.

use base::{Instant, Machine, Rng, StreamCommand, StreamEnd, StreamId, StreamInput};
use rstest::rstest;

use super::support::*;
use crate::{
    Agent, Event, LocalSocket, Outgoing, Role, State, TcpType, Transport,
    candidate::priority::NetworkCost,
};

/// Two agents and the TCP connections between them, which carry bytes `cut` at a time and at once.
struct Streams {
    now: Instant,
    agents: [Agent; 2],
    listeners: Vec<(usize, StreamId, std::net::SocketAddr)>,
    /// Each end: whose, its number, and the number at the other end.
    ends: Vec<(usize, StreamId, StreamId)>,
    events: [Vec<Event>; 2],
    accepted: u64,
    cut: usize,
    connects: usize,
}

impl Streams {
    fn new(cut: usize) -> Self {
        let rng = Rng::from_seed([3; 32]);
        let now = Instant::ZERO;
        let agents = [
            Agent::new(config(Role::Controlling), rng.fork("a"), now),
            Agent::new(config(Role::Controlled), rng.fork("b"), now),
        ];
        let mut world = Self {
            now,
            agents,
            listeners: Vec::new(),
            ends: Vec::new(),
            events: [Vec::new(), Vec::new()],
            accepted: 0,
            cut,
            connects: 0,
        };
        for who in [0, 1] {
            let remote = world.agents[1 - who].local_parameters().clone();
            world.agents[who].set_remote_parameters(now, remote).unwrap();
        }
        world
    }

    fn add(&mut self, who: usize, address: &str, tcp_type: TcpType) {
        let transport = Transport::Tcp(tcp_type);
        let socket =
            LocalSocket { component: 1, address: addr(address), transport, cost: NetworkCost(0) };
        self.agents[who].add_socket(self.now, socket).unwrap();
    }

    fn run_until(&mut self, end: Instant) {
        loop {
            self.drain();
            let next = self.agents.iter().filter_map(Agent::poll_timeout).min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = self.now.max(next);
            self.agents.iter_mut().for_each(|agent| agent.handle_timeout(self.now));
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let mut busy = true;
        while busy {
            busy = false;
            for who in [0, 1] {
                let mut bytes = Vec::new();
                while let Some(command) = self.agents[who].poll_stream(self.now, &mut bytes) {
                    busy = true;
                    self.act(who, command, &std::mem::take(&mut bytes));
                }
                assert_eq!(self.agents[who].poll_transmit(self.now, &mut bytes), None);
                while let Some(event) = self.agents[who].poll_event() {
                    busy = true;
                    if let Event::LocalCandidate(candidate) = &event {
                        let _ =
                            self.agents[1 - who].add_remote_candidate(self.now, candidate.clone());
                    }
                    self.events[who].push(event);
                }
            }
        }
    }

    fn tell(&mut self, who: usize, input: StreamInput<'_>) {
        self.agents[who].handle_stream(self.now, input);
    }

    fn act(&mut self, who: usize, command: StreamCommand, bytes: &[u8]) {
        match command {
            StreamCommand::Listen { id, local } => {
                self.listeners.push((who, id, local));
                self.tell(who, StreamInput::Listening { id, local });
            }
            StreamCommand::Connect { id, local, remote, .. } => {
                self.connects += 1;
                let local = match local.unwrap() {
                    local if local.port() == 0 => std::net::SocketAddr::new(local.ip(), 40_000),
                    local => local,
                };
                let listener = self.listeners.iter().find(|one| one.0 != who && one.2 == remote);
                let Some(&(_, listener, _)) = listener else {
                    self.tell(who, StreamInput::Closed { id, reason: StreamEnd::Refused });
                    return;
                };
                let other = StreamId::accepted(self.accepted);
                self.accepted += 1;
                self.ends.push((who, id, other));
                self.ends.push((1 - who, other, id));
                self.tell(who, StreamInput::Connected { id, local, remote });
                let input =
                    StreamInput::Accepted { listener, id: other, local: remote, remote: local };
                self.tell(1 - who, input);
            }
            StreamCommand::Send { id, size } => {
                assert_eq!(bytes.len(), size);
                self.carry(who, id, bytes);
            }
            StreamCommand::Close { id } | StreamCommand::Abort { id } => {
                if let Some(other) = self.other(who, id) {
                    self.ends.retain(|end| end.1 != id && end.1 != other);
                    self.tell(
                        1 - who,
                        StreamInput::Closed { id: other, reason: StreamEnd::Finished },
                    );
                }
            }
            StreamCommand::Pause { .. } | StreamCommand::Resume { .. } => {}
        }
    }

    fn other(&self, who: usize, id: StreamId) -> Option<StreamId> {
        self.ends.iter().find(|end| end.0 == who && end.1 == id).map(|end| end.2)
    }

    fn carry(&mut self, who: usize, id: StreamId, bytes: &[u8]) {
        let Some(other) = self.other(who, id) else { return };
        for piece in bytes.chunks(self.cut) {
            self.tell(1 - who, StreamInput::Received { id: other, bytes: piece });
        }
    }

    fn send(&mut self, who: usize, payload: &[u8]) {
        let mut bytes = Vec::new();
        let sent = self.agents[who].send(self.now, 1, payload, &mut bytes).unwrap();
        let Outgoing::Stream { id, size } = sent else { panic!("{sent:?}") };
        assert_eq!(size, payload.len() + 2);
        self.carry(who, id, &bytes);
        self.drain();
    }

    fn has_data(&self, who: usize, payload: &[u8]) -> bool {
        let data = Event::Data { component: 1, payload: payload.to_vec() };
        self.events[who].contains(&data)
    }

    fn states(&self) -> [State; 2] {
        [self.agents[0].state(), self.agents[1].state()]
    }
}

#[rstest]
#[case::active_controls(TcpType::Active, TcpType::Passive)]
#[case::passive_controls(TcpType::Passive, TcpType::Active)]
#[case::both_open(TcpType::So, TcpType::So)]
fn connects_over_tcp_however_the_bytes_are_cut(
    #[case] first: TcpType,
    #[case] second: TcpType,
    #[values(1, 7, 10_000)] cut: usize,
) {
    let mut world = Streams::new(cut);
    world.add(0, "192.0.2.1:1000", first);
    world.add(1, "192.0.2.2:2000", second);
    world.run_until(at(3_000));
    assert_eq!(world.states(), [State::Completed; 2], "{:?}", world.events);
    world.send(0, b"over tcp");
    world.send(1, b"and back");
    assert!(world.has_data(1, b"over tcp") && world.has_data(0, b"and back"));
    // Consent is kept over TCP too: RFC 7675 §5.1.
    world.run_until(at(120_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    let asked = world.agents[0]
        .stats()
        .pairs
        .iter()
        .map(|pair| pair.counters.consent_requests_sent)
        .sum::<u64>();
    assert!(asked >= 19, "{asked}");
    assert_eq!(world.agents[0].stats().dropped.total(), 0);
}

#[test]
fn a_restart_uses_the_connection_there_is() {
    let mut world = Streams::new(10_000);
    world.add(0, "192.0.2.1:1000", TcpType::Active);
    world.add(1, "192.0.2.2:2000", TcpType::Passive);
    world.run_until(at(2_000));
    world.agents[0].restart(world.now);
    let offer = world.agents[0].local_parameters().clone();
    world.agents[1].set_remote_parameters(world.now, offer).unwrap();
    let answer = world.agents[1].local_parameters().clone();
    world.agents[0].set_remote_parameters(world.now, answer).unwrap();
    world.run_until(at(10_000));
    assert_eq!(world.states(), [State::Completed; 2]);
    assert_eq!(world.connects, 1);
    world.send(0, b"again");
    assert!(world.has_data(1, b"again"));
}

#[test]
fn a_connection_that_ends_is_opened_again() {
    let mut world = Streams::new(10_000);
    world.add(0, "192.0.2.1:1000", TcpType::Active);
    world.add(1, "192.0.2.2:2000", TcpType::Passive);
    world.run_until(at(2_000));
    for (who, id, _) in std::mem::take(&mut world.ends) {
        world.tell(who, StreamInput::Closed { id, reason: StreamEnd::Reset });
    }
    world.run_until(at(5_000));
    assert_eq!(world.states(), [State::Completed; 2], "{:?}", world.events);
    assert_eq!(world.connects, 2);
    world.send(1, b"back again");
    assert!(world.has_data(0, b"back again"));
}

#[test]
fn a_refused_connection_fails_its_pair() {
    let mut world = Streams::new(10_000);
    world.add(0, "192.0.2.1:1000", TcpType::Active);
    let text = "candidate:1 1 tcp 1518280447 192.0.2.7 7 typ host tcptype passive";
    world.agents[0].add_remote_candidate(at(0), text.parse().unwrap()).unwrap();
    world.run_until(at(60_000));
    assert_eq!(world.agents[0].state(), State::Failed);
}

#[test]
fn data_before_a_check_ends_the_connection() {
    let mut world = Streams::new(10_000);
    world.add(1, "192.0.2.2:2000", TcpType::Passive);
    world.drain();
    let (_, listener, local) = world.listeners[0];
    let id = StreamId::accepted(77);
    let remote = addr("203.0.113.9:9");
    world.tell(1, StreamInput::Accepted { listener, id, local, remote });
    world.tell(1, StreamInput::Received { id, bytes: b"\0\x05hello" });
    let mut bytes = Vec::new();
    assert_eq!(world.agents[1].poll_stream(at(0), &mut bytes), Some(StreamCommand::Abort { id }));
    world.drain();
    assert!(!world.has_data(1, b"hello"));
}
