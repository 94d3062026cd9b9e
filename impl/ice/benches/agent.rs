//! What connectivity costs: a check (made, answered, and the answer taken), a datagram of application
//! data through two agents, and a whole session from nothing to a nominated pair.
//!
//! Allocations are counted and printed before the times. For a datagram they are 0.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{hint::black_box, net::SocketAddr};

use base::{Datagram, Ecn, Instant, Machine, Rng};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crypto::Provider;
use ice::{Agent, Config, Event, LocalSocket, Outgoing, Received, Role, State};

/// Bytes of application data in a datagram.
const PAYLOAD: usize = 1_200;

const PROVIDERS: [(&str, Provider); 2] =
    [("aws-lc-rs", crypto::aws_lc_rs()), ("rust-crypto", crypto::rust_crypto())];

/// Two agents on one wire without delay.
struct Session {
    now: Instant,
    agents: [Agent; 2],
    buffer: Vec<u8>,
}

fn address(n: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + n], 1_000))
}

impl Session {
    /// Two agents that know each other's parameters and candidates.
    fn begin(provider: Provider) -> Self {
        let now = Instant::ZERO;
        let rng = Rng::from_seed([1; 32]);
        let agent = |role, n: u8| {
            let mut config = Config::new(provider);
            config.role = role;
            let mut agent = Agent::new(config, rng.fork_numbered("agent", n.into()), now);
            agent.add_socket(now, LocalSocket::udp(1, address(n))).unwrap();
            agent.finish_gathering(now);
            agent
        };
        let mut agents = [agent(Role::Controlling, 0), agent(Role::Controlled, 1)];
        let [one, other] = &mut agents;
        introduce(now, one, other);
        introduce(now, other, one);
        Self { now, agents, buffer: Vec::with_capacity(4_096) }
    }

    /// The same, with a nominated pair.
    fn connected(provider: Provider) -> Self {
        let mut session = Self::begin(provider);
        session.complete();
        session
    }

    fn complete(&mut self) {
        self.carry();
        while self.agents.iter().any(|agent| agent.state() != State::Completed) {
            self.wake();
        }
    }

    /// Goes on to the next deadline.
    fn wake(&mut self) {
        let next = self.agents.iter().filter_map(Machine::poll_timeout).min().unwrap();
        self.now = self.now.max(next);
        for agent in &mut self.agents {
            agent.handle_timeout(self.now);
        }
        self.carry();
    }

    /// Carries everything that is sent to the other; returns how many datagrams.
    fn carry(&mut self) -> u64 {
        let (mut count, mut is_quiet) = (0, false);
        while !is_quiet {
            is_quiet = true;
            for from in [0, 1] {
                let [one, other] = &mut self.agents;
                let (from, to) = if from == 0 { (one, other) } else { (other, one) };
                self.buffer.clear();
                while let Some(sent) = from.poll_transmit(self.now, &mut self.buffer) {
                    let (source, destination) = (sent.source.unwrap(), sent.destination);
                    let payload = &self.buffer;
                    to.receive(
                        self.now,
                        Datagram { source, destination, ecn: Ecn::NotEct, payload },
                    );
                    self.buffer.clear();
                    (count, is_quiet) = (count + 1, false);
                }
                while from.poll_event().is_some() {}
            }
        }
        count
    }

    /// Goes on until a check was made and answered: the next one that keeps consent.
    fn check(&mut self) {
        loop {
            let next = self.agents.iter().filter_map(Machine::poll_timeout).min().unwrap();
            self.now = self.now.max(next);
            for agent in &mut self.agents {
                agent.handle_timeout(self.now);
            }
            match self.carry() {
                0 => {}
                datagrams => {
                    assert_eq!(datagrams, 2, "a request and its answer");
                    return;
                }
            }
        }
    }

    /// One datagram from one to the other.
    fn datagram(&mut self, payload: &[u8]) {
        let [one, other] = &mut self.agents;
        self.buffer.clear();
        let sent = one.send(self.now, 1, payload, &mut self.buffer).unwrap();
        let Outgoing::Datagram(sent) = sent else { panic!("the path is UDP") };
        let (source, destination) = (sent.source.unwrap(), sent.destination);
        let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload: &self.buffer };
        let received = other.receive(self.now, datagram);
        assert!(matches!(received, Received::Application { component: 1 }), "{received:?}");
    }
}

fn introduce(now: Instant, from: &mut Agent, to: &mut Agent) {
    to.set_remote_parameters(now, from.local_parameters().clone()).unwrap();
    while let Some(event) = from.poll_event() {
        if let Event::LocalCandidate(candidate) = event {
            to.add_remote_candidate(now, candidate).unwrap();
        }
    }
    to.end_of_remote_candidates(now);
}

/// Prints what is allocated, which does not depend on the machine.
fn count_allocations() {
    const TIMES: u64 = 1_000;
    for (name, provider) in PROVIDERS {
        let mut session = Session::connected(provider);
        let payload = [0x80; PAYLOAD];
        session.datagram(&payload);
        let datagrams = allocation_counter::measure(|| {
            (0..TIMES).for_each(|_| session.datagram(&payload));
        });
        let checks = allocation_counter::measure(|| (0..TIMES).for_each(|_| session.check()));
        let idle = allocation_counter::measure(|| drop(black_box(Session::connected(provider))));
        let each = |count: u64| (count + TIMES / 2) / TIMES;
        println!(
            "{name}: {} allocations per datagram, {} per check, {} per session; \
             a session has {} bytes at most",
            each(datagrams.count_total),
            each(checks.count_total),
            idle.count_total,
            idle.bytes_max
        );
        assert_eq!(datagrams.count_total, 0, "data is sent and received without allocation");
    }
}

fn speed(c: &mut Criterion) {
    count_allocations();
    for (name, provider) in PROVIDERS {
        let mut session = Session::connected(provider);
        c.bench_function(&format!("check, {name}"), |b| b.iter(|| session.check()));
        c.bench_function(&format!("session, {name}"), |b| {
            b.iter(|| black_box(Session::connected(provider)));
        });
    }
    let mut session = Session::connected(Provider::default());
    let mut group = c.benchmark_group("datagram");
    group.throughput(Throughput::Bytes(1_200));
    let payload = [0x80; PAYLOAD];
    group.bench_function("sent and received", |b| {
        b.iter(|| session.datagram(black_box(&payload)));
    });
    group.finish();
}

criterion_group!(benches, speed);
criterion_main!(benches);
