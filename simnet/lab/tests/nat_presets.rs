//! Every NAT preset is what it says: RFC 5780 discovery recovers it, and it keeps the invariants of
//! RFC 4787 whatever passes through it.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng};
use lab::presets;
use simnet::{
    Attach, Driven, Host, Link, Network,
    nat::{self, Config, Filtering, Hairpin, Mapping, Nat, invariants},
};
use stun::{
    Behavior, Dependence, Discovery, DiscoveryConfig, DiscoveryEvent, Hairpinning, Lifetime,
    LifetimeSearch, NatBehavior, PortAssignment, RateLimit, Server, ServerConfig,
};

const FIRST: &str = "11.0.0.9:3478";
const SECOND: &str = "11.0.0.10:3479";
const SERVER: [&str; 4] = ["11.0.0.9:3478", "11.0.0.9:3479", "11.0.0.10:3478", "11.0.0.10:3479"];
const LOCALS: [u16; 4] = [5_000, 5_017, 6_100, 7_003];
/// How close the search for the lifetime gets.
const PRECISION: Duration = Duration::from_secs(5);

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address and port")
}

/// A client on a LAN behind the NAT, and a server with two addresses.
fn world(config: Config, seed: u64) -> Network {
    let locals: Vec<_> = LOCALS.map(|port| SocketAddr::from(([192, 168, 1, 2], port))).into();
    let mut asks = DiscoveryConfig::new(crypto::rust_crypto(), at(FIRST), locals.clone());
    let longest = config.timers.stream.map_or(config.timers.udp, |stream| stream.timeout);
    let longest = longest.max(config.timers.udp) + PRECISION * 4;
    asks.lifetime = Some(LifetimeSearch { longest, precision: PRECISION });
    let discovery = Discovery::new(asks, Rng::from_seed([5; 32]), Instant::ZERO);
    let client = locals.iter().fold(Driven::new(discovery), |driven, local| driven.bind(*local));
    let mut serves = ServerConfig::new(crypto::rust_crypto());
    serves.behavior = Some(Behavior::new(at(FIRST), at(SECOND)));
    serves.rate_limit = RateLimit { per_second: 0, burst: 0 };
    let server = Server::new(serves, Rng::from_seed([6; 32]), Instant::ZERO);
    let server = SERVER.iter().fold(Driven::new(server), |driven, local| driven.bind(at(local)));
    Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "192.168.1.0/24")
        .middlebox("nat", Attach::to("lan").and_to("wan").address("11.0.0.5"), Nat::new(config))
        .host("client", Host::on("lan").address("192.168.1.2").endpoint(client))
        .host("server", Host::on("wan").address("11.0.0.9").address("11.0.0.10").endpoint(server))
        .link("nat", "wan", Link::delayed(Duration::from_millis(10)))
        .build()
        .expect("the world fits together")
}

fn discover(config: Config, seed: u64) -> NatBehavior {
    let mut net = world(config, seed);
    let client = net.node("client");
    for _ in 0..200_000 {
        match net.machine_event::<Discovery>(client) {
            Some((_, DiscoveryEvent::Finished(found))) => return *found,
            Some((_, other)) => panic!("{other:?}"),
            None => net.step().expect("discovery has something to wait for"),
        };
    }
    panic!("discovery never ended");
}

/// What one host alone can see of how mappings are made.
fn mapping(config: &Config) -> Dependence {
    let preserved = assignment(config) == PortAssignment::Preserves;
    match config.mapping {
        // Mappings of their own, but all with the port of the host: the difference shows once another
        // host wants that port.
        _ if preserved && config.ports.overlap_by_destination => Dependence::EndpointIndependent,
        Mapping::EndpointIndependent | Mapping::EndpointIndependentIfPossible => {
            Dependence::EndpointIndependent
        }
        Mapping::AddressDependent => Dependence::AddressDependent,
        Mapping::AddressAndPortDependent => Dependence::AddressAndPortDependent,
    }
}

fn filtering(config: &Config) -> Dependence {
    match config.filtering {
        Filtering::EndpointIndependent => Dependence::EndpointIndependent,
        Filtering::AddressDependent => Dependence::AddressDependent,
        Filtering::AddressAndPortDependent => Dependence::AddressAndPortDependent,
    }
}

fn hairpin(config: &Config) -> Hairpinning {
    match config.hairpin {
        Hairpin::None => Hairpinning::Absent,
        Hairpin::InternalSource => Hairpinning::InternalSource,
        Hairpin::ExternalSource => Hairpinning::ExternalSource,
    }
}

/// What the client can see of how ports are chosen: its own are 5000 and above.
fn assignment(config: &Config) -> PortAssignment {
    let ports = &config.ports;
    let preserved = ports.preserve_outside_range || ports.range.contains(&LOCALS[0]);
    match ports.assignment {
        nat::PortAssignment::Preserve | nat::PortAssignment::PreserveInClass if preserved => {
            PortAssignment::Preserves
        }
        nat::PortAssignment::Sequential { step, .. } => {
            PortAssignment::Sequential { step: i16::try_from(step).expect("a small step") }
        }
        _ => PortAssignment::Random,
    }
}

/// A mapping lasts as long as its timer. Where conversations have a longer one, each trial may or may
/// not count as a conversation, so that the search ends somewhere between the two.
fn lasts(config: &Config, found: Lifetime) -> bool {
    let short = config.timers.udp;
    let long = config.timers.stream.map_or(short, |stream| stream.timeout.max(short));
    found.at_least <= long && found.at_most.is_none_or(|most| short <= most)
}

#[test]
fn discovery_recovers_every_preset() {
    let presets = presets::all("nat");
    assert!(presets.len() >= 40, "{} presets", presets.len());
    for preset in presets {
        let name = preset.name;
        let config = preset.nat().unwrap_or_else(|error| panic!("{name}: {error}"));
        for seed in [1, 2] {
            let found = discover(config.clone(), seed);
            assert!(found.is_translated, "{name}");
            assert_eq!(found.mapping, Some(mapping(&config)), "{name}: mapping");
            assert_eq!(found.filtering, Some(filtering(&config)), "{name}: filtering");
            assert_eq!(found.hairpin, Some(hairpin(&config)), "{name}: hairpinning");
            assert_eq!(found.port_assignment, Some(assignment(&config)), "{name}: ports");
            let lifetime = found.lifetime.unwrap();
            assert!(lasts(&config, lifetime), "{name}: {lifetime:?}");
        }
    }
}

#[test]
fn every_preset_keeps_the_invariants_of_rfc_4787() {
    for preset in presets::all("nat") {
        let name = preset.name;
        let config = preset.nat().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (mut out, mut inward) = (0, 0);
        for seed in 0..6 {
            match invariants::check(&config, seed) {
                Ok(summary) => (out, inward) = (out + summary.out, inward + summary.inward),
                Err(broken) => panic!("{name}: {broken}"),
            }
        }
        assert!(out > 100 && inward > 10, "{name}: {out} packets out, {inward} in are no proof");
    }
}
