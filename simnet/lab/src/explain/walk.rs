//! Behaviour discovery through one NAT, watched.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Rng};
use simnet::{
    Attach, Driven, Host, Link, Network,
    nat::{Config, Nat},
    observe::{Bindings, Ladder},
};
use stun::{
    Behavior, Discovery, DiscoveryConfig, DiscoveryEvent, NatBehavior, Server, ServerConfig, Timing,
};

use crate::render::words;

/// A client that found out what the NAT before it does, as RFC 5780 §4 says.
#[derive(Debug)]
pub struct Walk {
    /// What it found, if the server answered.
    pub found: Option<NatBehavior>,
    /// The conversation.
    pub ladder: Ladder,
    /// What the NAT remembered.
    pub bindings: Bindings,
}

/// The server's addresses; its second port is the one after that of STUN.
const SERVER: [&str; 2] = ["11.0.0.3", "11.0.1.3"];
/// Port of STUN: RFC 8489 §18.6.
const PORT: u16 = 3_478;
/// Where the client sends from.
const CLIENT: &str = "192.168.1.2";
/// As [`CLIENT`]: two sockets, so that the first can be told from the second.
const LOCAL_PORTS: [u16; 2] = [5_000, 5_001];
/// Delay between NAT and server.
const DELAY: Duration = Duration::from_millis(20);

/// Lets a client behind a NAT that behaves as `config` says discover it.
///
/// # Panics
///
/// Does not: the world is fixed, and fits together.
#[must_use]
pub fn walk(config: &Config, seed: u64) -> Walk {
    let observer = (Ladder::with_summary(words), Bindings::new());
    let [first, second] = SERVER;
    let built = Network::builder(seed)
        .wan("wan", "11.0.0.0/8")
        .lan("lan", "192.168.1.0/24")
        .middlebox(
            "nat",
            Attach::to("lan").and_to("wan").address("11.0.0.5"),
            Nat::new(config.clone()),
        )
        .host("client", Host::on("lan").address(CLIENT).endpoint(client(seed)))
        .host("server", Host::on("wan").address(first).address(second).endpoint(server(seed)))
        .link("nat", "wan", Link::delayed(DELAY))
        .build_observed(observer);
    let mut net = built.expect("the world of the walk fits together");
    net.run_for(Duration::from_secs(60));
    let node = net.node("client");
    let found = net
        .with_endpoint(node, |driven: &mut Driven<Discovery>, _| {
            std::iter::from_fn(|| driven.take_event()).find_map(|(_, event)| match event {
                DiscoveryEvent::Finished(found) => Some(*found),
                _ => None,
            })
        })
        .flatten();
    let (ladder, bindings) = net.into_observer();
    Walk { found, ladder, bindings }
}

fn client(seed: u64) -> Driven<Discovery> {
    let locals: Vec<_> = LOCAL_PORTS.iter().map(|port| at(CLIENT, *port)).collect();
    let mut config =
        DiscoveryConfig::new(crypto::Provider::default(), at(SERVER[0], PORT), locals.clone());
    // One question each: who waits for an answer that a filter keeps away need not ask seven times.
    config.probe_timing = Timing { rc: 1, rm: 2, ..Timing::default() };
    let rng = Rng::from_seed([seed.to_be_bytes()[7]; 32]);
    let driven = Driven::new(Discovery::new(config, rng, Instant::ZERO));
    locals.into_iter().fold(driven, Driven::bind)
}

fn server(seed: u64) -> Driven<Server> {
    let [first, second] = SERVER;
    let behavior = Behavior::new(at(first, PORT), at(second, PORT + 1));
    let provider = crypto::Provider::default();
    let config = ServerConfig { behavior: Some(behavior), ..ServerConfig::new(provider) };
    let rng = Rng::from_seed([!seed.to_be_bytes()[7]; 32]);
    let driven = Driven::new(Server::new(config, rng, Instant::ZERO));
    let locals = SERVER.iter().flat_map(|ip| [PORT, PORT + 1].map(|port| at(ip, port)));
    locals.fold(driven, Driven::bind)
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().expect("constants are addresses"), port)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use simnet::nat::{Filtering, Mapping};
    use stun::Dependence;

    use super::*;

    #[rstest]
    #[case::full_cone(Config::full_cone())]
    #[case::restricted(Config::restricted_cone())]
    #[case::port_restricted(Config::port_restricted_cone())]
    #[case::symmetric(Config::symmetric())]
    #[case::linux(Config::linux_masquerade())]
    fn the_walk_finds_what_was_configured(#[case] config: Config) {
        let found = walk(&config, 7).found.unwrap();
        let mapping = match config.mapping {
            Mapping::EndpointIndependent | Mapping::EndpointIndependentIfPossible => {
                Dependence::EndpointIndependent
            }
            Mapping::AddressDependent => Dependence::AddressDependent,
            Mapping::AddressAndPortDependent => Dependence::AddressAndPortDependent,
        };
        let filtering = match config.filtering {
            Filtering::EndpointIndependent => Dependence::EndpointIndependent,
            Filtering::AddressDependent => Dependence::AddressDependent,
            Filtering::AddressAndPortDependent => Dependence::AddressAndPortDependent,
        };
        assert_eq!((found.mapping, found.filtering), (Some(mapping), Some(filtering)));
    }
}
