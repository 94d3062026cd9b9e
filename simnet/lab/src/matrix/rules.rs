//! Which NATs let two peers punch a hole, told from what the NATs do and nothing else.
//!
//! This is arithmetic on words, made without the simulator, so that the two can be held against each
//! other. Each peer sends from its one socket to every address of the other that it hears of, and answers
//! whatever reaches it. A check succeeds when it passes the other's filter and the answer leaves from the
//! address that was checked. From that follows, with X and Y for the two sides in either order:
//!
//! | mappings | the peers connect if |
//! |---|---|
//! | both stable | always: each opens its own filter by sending |
//! | X stable, Y not | X lets in ports of Y that it has not sent to: X filters by address at most |
//! | neither stable, one of them by address only | one filters nothing, and the other by address at most |
//! | both new for every address and port | never: each answer comes from yet another port |
//!
//! IPv6 needs no translation, so a preset is taken at its word about it (`ipv6` of its configuration): by
//! default the same box forwards IPv6 as it is and lets in what its filtering lets in, as home routers do.
//! Both peers then know their addresses, each opens its own filter by sending, and they connect by host
//! candidates, unless a box drops IPv6. A box that replaces prefixes makes a peer look different from
//! outside, always in the same way. With both families, IPv6 by host candidates comes before IPv4 by
//! reflexive ones: RFC 8445 §5.1.2.2.
//!
//! A TURN server is reached from behind every NAT, so with one all connect, over a relayed candidate if,
//! and only if, there is no other way. (A NAT that drops a family drops the way to the server too.)
//!
//! *Stable* is a mapping whose external port is the same for every destination: endpoint-independent
//! mapping (RFC 4787 §4.1), or one that depends on the destination but gives each of its mappings the
//! port of the socket.

use std::fmt;

use simnet::nat::{Collision, Config, Filtering, Ipv6, Mapping, PortAssignment};

use super::plan::{Family, Help};

/// On what the external port of a socket depends, as far as the other peer is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// On nothing.
    Stable,
    /// On the address of the destination.
    ByAddress,
    /// On address and port of the destination.
    ByEndpoint,
}

/// What matters of a NAT for punching holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// On what its external port depends.
    pub port: Port,
    /// Whom it lets in.
    pub filter: Filtering,
}

/// What should come of two peers that try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// They connect by candidates of these types: that of the first, as both see it, and that of the
    /// second.
    Connected(&'static str, &'static str),
    /// They connect by a pair with a relayed candidate, and in no other way.
    Relayed,
    /// They do not.
    NotConnected,
}

/// What should come of two peers behind these NATs.
#[must_use]
pub fn predict(one: &Config, other: &Config, family: Family, help: Help) -> Prediction {
    let mut ways = Vec::new();
    if family.has_ipv6() {
        ways.push(meet_over_ipv6(one, other));
    }
    if family.has_ipv4() {
        ways.push(Class::of(one).meets(Class::of(other)));
    }
    let direct = ways.iter().copied().find(|way| way.connects());
    let passes = |config: &Config| family.has_ipv4() || config.ipv6 != Ipv6::Drop;
    let relayed = help.transport().is_some() && passes(one) && passes(other);
    direct.unwrap_or(if relayed { Prediction::Relayed } else { Prediction::NotConnected })
}

fn meet_over_ipv6(one: &Config, other: &Config) -> Prediction {
    let seen = |config: &Config| match config.ipv6 {
        Ipv6::Filter | Ipv6::Route => Some("host"),
        Ipv6::TranslatePrefix { .. } => Some("srflx"),
        Ipv6::Drop => None,
    };
    match (seen(one), seen(other)) {
        (Some(one), Some(other)) => Prediction::Connected(one, other),
        _ => Prediction::NotConnected,
    }
}

impl Class {
    /// The class of a NAT that behaves as `config` says, while there is one socket behind it and nothing
    /// collides.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let ports = &config.ports;
        let follows =
            matches!(ports.assignment, PortAssignment::Preserve | PortAssignment::PreserveInClass);
        // The mapping for a second destination may have the port of the first.
        let shares = ports.overlap_by_destination || ports.on_collision == Collision::Overload;
        let port = match config.mapping {
            Mapping::EndpointIndependent | Mapping::EndpointIndependentIfPossible => Port::Stable,
            _ if follows && shares => Port::Stable,
            Mapping::AddressDependent => Port::ByAddress,
            Mapping::AddressAndPortDependent => Port::ByEndpoint,
        };
        Self { port, filter: config.filtering }
    }

    /// What should come of two peers, one behind a NAT of each class.
    #[must_use]
    pub fn meets(self, other: Self) -> Prediction {
        let known = |class: Self| if class.port == Port::Stable { "srflx" } else { "prflx" };
        if self.opens_for(other) {
            Prediction::Connected(known(self), known(other))
        } else {
            Prediction::NotConnected
        }
    }

    fn opens_for(self, other: Self) -> bool {
        let lenient = |class: Self| class.filter != Filtering::AddressAndPortDependent;
        let open = |class: Self| class.filter == Filtering::EndpointIndependent;
        match (self.port, other.port) {
            (Port::Stable, Port::Stable) => true,
            (Port::Stable, _) => lenient(self),
            (_, Port::Stable) => lenient(other),
            (Port::ByEndpoint, Port::ByEndpoint) => false,
            _ => (open(self) && lenient(other)) || (lenient(self) && open(other)),
        }
    }
}

impl Prediction {
    /// Whether the peers connect.
    #[must_use]
    pub const fn connects(self) -> bool {
        matches!(self, Self::Connected(..) | Self::Relayed)
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(first, second) => write!(f, "{first}–{second}"),
            Self::Relayed => f.write_str("relay"),
            Self::NotConnected => f.write_str("no way"),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self.port {
            Port::Stable => "one port for all",
            Port::ByAddress => "a port for each address",
            Port::ByEndpoint => "a port for each address and port",
        };
        let filter = match self.filter {
            Filtering::EndpointIndependent => "lets everyone in",
            Filtering::AddressDependent => "lets in addresses it has sent to",
            Filtering::AddressAndPortDependent => "lets in addresses and ports it has sent to",
        };
        write!(f, "{port}, {filter}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PORTS: [Port; 3] = [Port::Stable, Port::ByAddress, Port::ByEndpoint];
    const FILTERS: [Filtering; 3] = [
        Filtering::EndpointIndependent,
        Filtering::AddressDependent,
        Filtering::AddressAndPortDependent,
    ];

    fn classes() -> impl Iterator<Item = Class> {
        PORTS.iter().flat_map(|&port| FILTERS.map(|filter| Class { port, filter }))
    }

    #[rstest]
    #[case::cones(Config::full_cone(), Config::port_restricted_cone(), "srflx–srflx")]
    #[case::restricted_meets_symmetric(
        Config::restricted_cone(),
        Config::symmetric(),
        "srflx–prflx"
    )]
    #[case::port_restricted_meets_symmetric(
        Config::port_restricted_cone(),
        Config::symmetric(),
        "no way"
    )]
    #[case::symmetric_meets_symmetric(Config::symmetric(), Config::symmetric(), "no way")]
    #[case::linux_meets_full_cone(Config::linux_masquerade(), Config::full_cone(), "srflx–srflx")]
    fn well_known_pairs_are_as_the_literature_has_them(
        #[case] one: Config,
        #[case] other: Config,
        #[case] outcome: &str,
    ) {
        assert_eq!(Class::of(&one).meets(Class::of(&other)).to_string(), outcome);
    }

    #[rstest]
    #[case::ipv4(Family::Ipv4, Help::Stun, "no way")]
    #[case::ipv6(Family::Ipv6, Help::Stun, "host–host")]
    #[case::dual(Family::Dual, Help::Stun, "host–host")]
    #[case::relay(Family::Ipv4, Help::TurnUdp, "relay")]
    #[case::relay_that_nobody_needs(Family::Dual, Help::TurnTcp, "host–host")]
    fn symmetric_nats_meet_over_ipv6_or_a_relay(
        #[case] family: Family,
        #[case] help: Help,
        #[case] outcome: &str,
    ) {
        let nat = Config::symmetric();
        assert_eq!(predict(&nat, &nat, family, help).to_string(), outcome);
    }

    #[test]
    fn a_box_that_drops_ipv6_leaves_ipv4() {
        let mut deaf = Config::full_cone();
        deaf.ipv6 = Ipv6::Drop;
        let cone = Config::full_cone();
        let words = |family, help| predict(&deaf, &cone, family, help).to_string();
        assert_eq!(words(Family::Ipv6, Help::Stun), "no way");
        assert_eq!(words(Family::Ipv6, Help::TurnUdp), "no way");
        assert_eq!(words(Family::Dual, Help::Stun), "srflx–srflx");
    }

    #[test]
    fn the_order_of_the_peers_does_not_decide() {
        for one in classes() {
            for other in classes() {
                let (there, back) = (one.meets(other), other.meets(one));
                assert_eq!(there.connects(), back.connects(), "{one} and {other}");
            }
        }
    }

    #[test]
    fn a_more_open_filter_never_hurts() {
        for one in classes() {
            for other in classes().filter(|other| one.meets(*other).connects()) {
                for filter in FILTERS.into_iter().filter(|filter| *filter <= one.filter) {
                    assert!(Class { filter, ..one }.meets(other).connects(), "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn forty_two_of_eighty_one_pairs_of_classes_connect() {
        let pairs = classes().flat_map(|one| classes().map(move |other| one.meets(other)));
        assert_eq!(pairs.filter(|outcome| outcome.connects()).count(), 42);
    }
}
