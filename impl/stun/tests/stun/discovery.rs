//! Discovery through simulated NATs: what is configured is what is found.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng};
use rstest::rstest;
use simnet::{
    Attach, Driven, Host, Link, Network,
    nat::{self, Config, Filtering, Hairpin, Mapping, Nat, Ports, Refresh, Timers},
};
use stun::{
    Behavior, Dependence, Discovery, DiscoveryConfig, DiscoveryEvent, DiscoveryFailure, FailReason,
    Hairpinning, LifetimeSearch, NatBehavior, PortAssignment, RateLimit,
};

use crate::support::{at, provider, server};

const FIRST: &str = "11.0.0.9:3478";
const SECOND: &str = "11.0.0.10:3479";
const LOCALS: [u16; 4] = [5_000, 5_017, 6_100, 7_003];

/// A client on a LAN behind a NAT, and a server with two addresses.
fn discover(
    nat: Config,
    serves: bool,
    change: impl FnOnce(&mut DiscoveryConfig),
) -> (DiscoveryEvent, Instant) {
    let locals: Vec<SocketAddr> =
        LOCALS.iter().map(|port| SocketAddr::from(([192, 168, 1, 2], *port))).collect();
    let mut config = DiscoveryConfig::new(provider(), at(FIRST), locals.clone());
    change(&mut config);
    let discovery = Discovery::new(config, Rng::from_seed([5; 32]), Instant::ZERO);
    let client = locals.iter().fold(Driven::new(discovery), |driven, local| driven.bind(*local));
    let server = server(|config| {
        config.behavior = Some(Behavior::new(at(FIRST), at(SECOND)));
        config.rate_limit = RateLimit { per_second: 0, burst: 0 };
    });
    let mut host = Host::on("wan").address("11.0.0.9").address("11.0.0.10");
    if serves {
        let all = ["11.0.0.9:3478", "11.0.0.9:3479", "11.0.0.10:3478", "11.0.0.10:3479"];
        let driven = all.iter().fold(Driven::new(server), |driven, local| driven.bind(at(local)));
        host = host.endpoint(driven);
    }
    let mut net = Network::builder(11)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "192.168.1.0/24")
        .middlebox("nat", Attach::to("lan").and_to("wan").address("11.0.0.5"), Nat::new(nat))
        .host("client", Host::on("lan").address("192.168.1.2").endpoint(client))
        .host("server", host)
        .link("nat", "wan", Link::delayed(Duration::from_millis(10)))
        .build()
        .unwrap();
    let client = net.node("client");
    for _ in 0..100_000 {
        if let Some((at, event)) = net.machine_event::<Discovery>(client) {
            return (event, at);
        }
        net.step().unwrap();
    }
    panic!("discovery never ended");
}

fn found(nat: Config, change: impl FnOnce(&mut DiscoveryConfig)) -> NatBehavior {
    match discover(nat, true, change).0 {
        DiscoveryEvent::Finished(found) => *found,
        other => panic!("{other:?}"),
    }
}

fn random() -> Config {
    Config { ports: Ports::new(nat::PortAssignment::Random), ..Config::rfc4787_ideal() }
}

#[rstest]
fn finds_what_is_configured(
    #[values(
        (Mapping::EndpointIndependent, Dependence::EndpointIndependent),
        (Mapping::AddressDependent, Dependence::AddressDependent),
        (Mapping::AddressAndPortDependent, Dependence::AddressAndPortDependent)
    )]
    mapping: (Mapping, Dependence),
    #[values(
        (Filtering::EndpointIndependent, Dependence::EndpointIndependent),
        (Filtering::AddressDependent, Dependence::AddressDependent),
        (Filtering::AddressAndPortDependent, Dependence::AddressAndPortDependent)
    )]
    filtering: (Filtering, Dependence),
    #[values(
        (Hairpin::None, Hairpinning::Absent),
        (Hairpin::InternalSource, Hairpinning::InternalSource),
        (Hairpin::ExternalSource, Hairpinning::ExternalSource)
    )]
    hairpin: (Hairpin, Hairpinning),
    #[values(
        (nat::PortAssignment::Preserve, PortAssignment::Preserves),
        (nat::PortAssignment::sequential(1), PortAssignment::Sequential { step: 1 }),
        (nat::PortAssignment::sequential(2), PortAssignment::Sequential { step: 2 }),
        (nat::PortAssignment::Random, PortAssignment::Random)
    )]
    ports: (nat::PortAssignment, PortAssignment),
) {
    let config = Config {
        mapping: mapping.0,
        filtering: filtering.0,
        hairpin: hairpin.0,
        ports: Ports::new(ports.0),
        ..Config::rfc4787_ideal()
    };
    let found = found(config, |_| {});
    assert!(found.is_translated);
    assert_eq!(found.mapping, Some(mapping.1));
    assert_eq!(found.filtering, Some(filtering.1));
    assert_eq!(found.hairpin, Some(hairpin.1));
    assert_eq!(found.port_assignment, Some(ports.1));
}

#[rstest]
#[case::thirty(30)]
#[case::two_minutes(120)]
#[case::five_minutes(300)]
fn brackets_the_lifetime(#[case] seconds: u64) {
    let lifetime = Duration::from_secs(seconds);
    let refresh = Refresh { outbound: true, inbound: false };
    let config = Config { timers: Timers::udp(lifetime), refresh, ..random() };
    let found = found(config, |config| config.lifetime = Some(LifetimeSearch::default()));
    let bracket = found.lifetime.unwrap();
    let at_most = bracket.at_most.unwrap();
    assert!(bracket.at_least <= lifetime && lifetime <= at_most, "{bracket:?}");
    assert!(at_most - bracket.at_least <= Duration::from_secs(6), "{bracket:?}");
}

#[test]
fn a_lifetime_beyond_the_search_has_no_upper_bound() {
    let config = Config { timers: Timers::udp(Duration::from_secs(900)), ..random() };
    let found = found(config, |config| config.lifetime = Some(LifetimeSearch::default()));
    let bracket = found.lifetime.unwrap();
    assert_eq!((bracket.at_least, bracket.at_most), (Duration::from_secs(600), None));
}

#[rstest]
#[case::pass(nat::Fragments::OutOfOrder, true)]
#[case::stopped(nat::Fragments::Drop, false)]
fn sees_whether_fragments_pass(#[case] fragments: nat::Fragments, #[case] passes: bool) {
    let config = Config { fragments, ..random() };
    let found = found(config, |config| config.padding = Some(1_500));
    assert_eq!(found.passes_fragments, Some(passes));
}

#[test]
fn without_a_server_there_is_no_connectivity() {
    let (event, _) = discover(random(), false, |_| {});
    let DiscoveryEvent::Failed(DiscoveryFailure::NoConnectivity(reason)) = event else {
        panic!("{event:?}");
    };
    assert!(matches!(reason, FailReason::TimedOut | FailReason::Unreachable(_)));
}

#[test]
fn without_a_local_address_there_is_nothing_to_do() {
    let config = DiscoveryConfig::new(provider(), at(FIRST), Vec::new());
    let mut discovery = Discovery::new(config, Rng::from_seed([5; 32]), Instant::ZERO);
    let event = base::Machine::poll_event(&mut discovery);
    assert_eq!(event, Some(DiscoveryEvent::Failed(DiscoveryFailure::NoLocalAddress)));
    assert_eq!(base::Machine::poll_timeout(&discovery), None);
}
