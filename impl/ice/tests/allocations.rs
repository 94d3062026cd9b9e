//! Data passes an agent without allocations.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

use std::net::SocketAddr;

use base::{Datagram, Ecn, Instant, Machine, Rng};
use ice::{Agent, Config, Event, LocalSocket, Outgoing, Received, Role, State};

fn address(who: usize) -> SocketAddr {
    ["192.0.2.1:1000", "192.0.2.2:2000"][who].parse().unwrap()
}

/// Two agents that have concluded, at the moment they did.
fn connected() -> (Instant, [Agent; 2]) {
    let now = Instant::ZERO;
    let mut agents = [Role::Controlling, Role::Controlled].map(|role| {
        let mut config = Config::new(crypto::Provider::default());
        config.role = role;
        Agent::new(config, Rng::from_seed([1; 32]).fork(&role.to_string()), now)
    });
    for who in [0, 1] {
        agents[who].add_socket(now, LocalSocket::udp(1, address(who))).unwrap();
        let remote = agents[1 - who].local_parameters().clone();
        agents[who].set_remote_parameters(now, remote).unwrap();
    }
    let mut now = now;
    for _ in 0..200 {
        now += std::time::Duration::from_millis(10);
        for who in [0, 1] {
            agents[who].handle_timeout(now);
            let mut bytes = Vec::new();
            while agents[who].poll_transmit(now, &mut bytes).is_some() {
                agents[1 - who].handle_datagram(now, datagram(who, &bytes));
                bytes.clear();
            }
            while let Some(event) = agents[who].poll_event() {
                if let Event::LocalCandidate(candidate) = event {
                    agents[1 - who].add_remote_candidate(now, candidate).unwrap();
                }
            }
        }
    }
    assert!(agents.iter().all(|agent| agent.state() == State::Completed));
    (now, agents)
}

fn datagram(from: usize, payload: &[u8]) -> Datagram<'_> {
    let (source, destination) = (address(from), address(1 - from));
    Datagram { source, destination, ecn: Ecn::NotEct, payload }
}

#[test]
fn data_is_sent_and_received_without_allocations() {
    let (now, [mut one, mut other]) = connected();
    let payload = [0xab; 1_200];
    let mut buffer = Vec::with_capacity(2_000);
    let info = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            buffer.clear();
            let sent = one.send(now, 1, &payload, &mut buffer).unwrap();
            let Outgoing::Datagram(transmit) = sent else { panic!("over UDP") };
            assert_eq!((transmit.source, transmit.size), (Some(address(0)), 1_200));
            let received = other.receive(now, datagram(0, &buffer));
            assert_eq!(received, Received::Application { component: 1 });
        }
    });
    assert_eq!(info.count_total, 0);
    let counted = other.stats().pairs[0].counters;
    assert_eq!((counted.packets_received, counted.bytes_received), (1_000, 1_200_000));
}

#[test]
fn a_stranger_s_packets_cost_no_memory() {
    let (now, [_, mut agent]) = connected();
    let source = "203.0.113.9:9".parse().unwrap();
    let stranger = |payload| Datagram { source, ..datagram(0, payload) };
    let info = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            agent.receive(now, stranger(&[0xab; 1_200]));
        }
    });
    assert_eq!((info.count_total, info.bytes_current), (0, 0));
}
