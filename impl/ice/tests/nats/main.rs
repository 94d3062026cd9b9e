//! Two agents behind NATs of the simulator, with a STUN server outside.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng};
use ice::{Agent, Config, Event, LocalSocket, Role, State};
use rstest::rstest;
use simnet::{
    Attach, Driven, Host, Link, Loss, Network, NodeId,
    nat::{self, Nat},
    observe::Ladder,
};
use stun::{
    Message, Server, ServerConfig,
    wire::{Class, UseCandidate},
};

const STUN: &str = "11.0.0.9:3478";
const INSIDE: &str = "192.168.1.2:5000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One line for each message of ICE.
fn words(payload: &[u8]) -> Option<String> {
    let message = Message::parse(payload).ok()?;
    let nominates = message.get::<UseCandidate>().is_some();
    Some(match message.class() {
        Class::Request if message.has_integrity() && nominates => "check, nominates".to_owned(),
        Class::Request if message.has_integrity() => "check".to_owned(),
        Class::Request => "who am I?".to_owned(),
        Class::Success => "answer".to_owned(),
        Class::Error => "refusal".to_owned(),
        Class::Indication => "keepalive".to_owned(),
    })
}

fn agent(role: Role, seed: u64) -> Agent {
    let mut config = Config::new(crypto::Provider::default());
    config.role = role;
    config.stun_servers = vec![at(STUN)];
    let rng =
        Rng::from_seed([1; 32]).fork_numbered("agent", seed + u64::from(role == Role::Controlled));
    Agent::new(config, rng, Instant::ZERO)
}

struct World {
    net: Network<Ladder>,
    hosts: [NodeId; 2],
    states: [Vec<(Instant, State)>; 2],
}

impl World {
    /// Alice controls; 20 ms to the middle on each side.
    fn new(first: &nat::Config, second: &nat::Config, seed: u64, loss: Loss) -> Self {
        let server = Server::new(
            ServerConfig::new(crypto::Provider::default()),
            Rng::from_seed([2; 32]),
            Instant::ZERO,
        );
        let link = || Link::delayed(ms(20)).loss(loss.clone());
        let drive = |role| Driven::new(agent(role, seed)).bind(at(INSIDE));
        let net = Network::builder(seed)
            .wan("wan", "11.0.0.0/8")
            .lan("lan-a", "192.168.1.0/24")
            .lan("lan-b", "192.168.1.0/24")
            .middlebox(
                "nat-a",
                Attach::to("lan-a").and_to("wan").address("11.0.0.5"),
                Nat::new(first.clone()),
            )
            .middlebox(
                "nat-b",
                Attach::to("lan-b").and_to("wan").address("11.0.0.6"),
                Nat::new(second.clone()),
            )
            .host(
                "alice",
                Host::on("lan-a").address("192.168.1.2").endpoint(drive(Role::Controlling)),
            )
            .host("bob", Host::on("lan-b").address("192.168.1.2").endpoint(drive(Role::Controlled)))
            .host(
                "stun",
                Host::on("wan").address("11.0.0.9").endpoint(Driven::new(server).bind(at(STUN))),
            )
            .link("nat-a", "wan", link())
            .link("nat-b", "wan", link())
            .build_observed(Ladder::with_summary(words))
            .unwrap();
        let hosts = [net.node("alice"), net.node("bob")];
        Self { net, hosts, states: [Vec::new(), Vec::new()] }
    }

    fn tell<R>(&mut self, who: usize, act: impl FnOnce(&mut Agent, Instant) -> R) -> R {
        self.net.command(self.hosts[who], act).unwrap()
    }

    fn agent(&self, who: usize) -> &Agent {
        self.net.machine(self.hosts[who]).unwrap()
    }

    /// Both gather, and signal through a server that takes no time.
    fn start(&mut self) {
        self.net.run_for(ms(1));
        for who in [0, 1] {
            let other = self.agent(1 - who).local_parameters().clone();
            self.tell(who, |agent, now| {
                agent.set_remote_parameters(now, other).unwrap();
                agent.add_socket(now, LocalSocket::udp(1, at(INSIDE))).unwrap();
                agent.finish_gathering(now);
            });
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.net.now() + time;
        while self.net.now() < end {
            self.net.run_for(ms(1));
            for who in [0, 1] {
                while let Some((when, event)) = self.net.machine_event::<Agent>(self.hosts[who]) {
                    match event {
                        Event::LocalCandidate(candidate) => {
                            let _ = self.tell(1 - who, |agent, now| {
                                agent.add_remote_candidate(now, candidate)
                            });
                        }
                        Event::GatheringFinished => {
                            self.tell(1 - who, |agent, now| agent.end_of_remote_candidates(now));
                        }
                        Event::State(state) => self.states[who].push((when, state)),
                        _ => {}
                    }
                }
            }
        }
    }

    fn connected(&self, who: usize) -> Option<Duration> {
        let found = self.states[who].iter().find(|(_, state)| state.is_connected());
        found.map(|(when, _)| when.elapsed())
    }

    fn ended(&self) -> [State; 2] {
        [self.agent(0).state(), self.agent(1).state()]
    }
}

type Preset = fn() -> nat::Config;

const CONES: [Preset; 3] =
    [nat::Config::full_cone, nat::Config::restricted_cone, nat::Config::port_restricted_cone];

#[rstest]
fn connects_through_any_two_cones(
    #[values(0, 1, 2)] first: usize,
    #[values(0, 1, 2)] second: usize,
) {
    let mut world = World::new(&CONES[first](), &CONES[second](), 1, Loss::default());
    world.start();
    world.run_for(Duration::from_secs(10));
    assert_eq!(world.ended(), [State::Completed; 2]);
    // The STUN server is 40 ms away, and the peer 80 ms: one round trip to learn the address, one or two
    // to be let in.
    for who in [0, 1] {
        let connected = world.connected(who).unwrap();
        assert!(connected <= ms(40 + 3 * 80), "{connected:?}");
    }
}

#[rstest]
#[case::full_cone(nat::Config::full_cone())]
#[case::restricted_cone(nat::Config::restricted_cone())]
fn a_symmetric_nat_reaches_a_cone_that_does_not_look_at_ports(#[case] cone: nat::Config) {
    for swapped in [false, true] {
        let symmetric = nat::Config::symmetric();
        let (first, second) = if swapped { (&symmetric, &cone) } else { (&cone, &symmetric) };
        let mut world = World::new(first, second, 1, Loss::default());
        world.start();
        world.run_for(Duration::from_secs(10));
        assert_eq!(world.ended(), [State::Completed; 2]);
        let remote = world.agent(usize::from(swapped)).path(1).unwrap().remote_kind;
        assert_eq!(remote, ice::Kind::PeerReflexive);
    }
}

#[test]
fn two_symmetric_nats_fail_with_a_reason_and_not_before_patience_ends() {
    let symmetric = nat::Config::symmetric_random();
    let mut world = World::new(&symmetric, &symmetric, 1, Loss::default());
    world.start();
    world.run_for(Duration::from_secs(90));
    assert_eq!(world.ended(), [State::Failed; 2]);
    let failed = world.states[0].last().unwrap().0.elapsed();
    assert!((ms(39_500)..ms(80_000)).contains(&failed), "{failed:?}");
}

#[test]
fn loss_of_thirty_percent_delays_and_does_not_prevent() {
    let mut times = Vec::new();
    for seed in 0..20 {
        let cone = nat::Config::port_restricted_cone();
        let mut world = World::new(&cone, &cone, seed, Loss::random(0.16));
        world.start();
        world.run_for(Duration::from_secs(30));
        assert!(world.ended().iter().all(|state| *state != State::Failed), "{seed}");
        times.push(world.connected(0).unwrap());
    }
    times.sort();
    assert!(times[10] < ms(2_500), "{times:?}");
}

#[test]
fn the_ladder_of_two_cones() {
    let cone = nat::Config::port_restricted_cone();
    let mut world = World::new(&cone, &cone, 1, Loss::default());
    world.start();
    world.run_for(ms(700));
    assert_eq!(world.ended(), [State::Completed; 2]);
    insta::assert_snapshot!(world.net.observer().render());
}
