//! Configurations with a name.

use std::time::Duration;

use super::config::{
    Config, Conflicting, Filtering, Fixed, Fragments, Hairpin, IcmpPolicy, Ipv6, Limits, Mapping,
    Meddling, OverTime, Pooling, PortAssignment, Ports, Refresh, Strays, Stream, TcpPolicy, Timers,
    Unsolicited, UnsolicitedSyn,
};

impl Config {
    /// The NAT that RFC 4787 asks for where applications matter most: endpoint-independent mapping and
    /// filtering, five minutes, hairpinning with external source, fragments in any order.
    #[must_use]
    pub fn rfc4787_ideal() -> Self {
        Self {
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::EndpointIndependent,
            share_protocols: false,
            ports: Ports::default(),
            pooling: Pooling::Paired,
            hairpin: Hairpin::ExternalSource,
            filter_hairpin: false,
            refresh: Refresh::default(),
            timers: Timers::default(),
            tcp: TcpPolicy::default(),
            icmp: IcmpPolicy::default(),
            fragments: Fragments::OutOfOrder,
            unsolicited: Unsolicited::Drop,
            conflicting_addresses: Conflicting::Translate,
            ipv6: Ipv6::Filter,
            fixed: Fixed::default(),
            port_control: None,
            limits: Limits::default(),
            meddling: Meddling::default(),
            over_time: OverTime::default(),
        }
    }

    /// The NAT that RFC 4787 asks for where security matters most: [`Config::rfc4787_ideal`] with
    /// address-dependent filtering.
    #[must_use]
    pub fn rfc4787_strict() -> Self {
        Self { filtering: Filtering::AddressDependent, ..Self::rfc4787_ideal() }
    }

    /// What RFC 3489 called a full cone NAT: every host outside may send to a mapping.
    #[must_use]
    pub fn full_cone() -> Self {
        Self::classic(Mapping::EndpointIndependent, Filtering::EndpointIndependent)
    }

    /// What RFC 3489 called a restricted cone NAT: addresses a mapping has sent to may answer.
    #[must_use]
    pub fn restricted_cone() -> Self {
        Self::classic(Mapping::EndpointIndependent, Filtering::AddressDependent)
    }

    /// What RFC 3489 called a port restricted cone NAT: addresses and ports a mapping has sent to may
    /// answer.
    #[must_use]
    pub fn port_restricted_cone() -> Self {
        Self::classic(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent)
    }

    /// What RFC 3489 called a symmetric NAT: another mapping for every destination.
    #[must_use]
    pub fn symmetric() -> Self {
        Self::symmetric_random()
    }

    /// A symmetric NAT with unpredictable ports.
    #[must_use]
    pub fn symmetric_random() -> Self {
        let filtering = Filtering::AddressAndPortDependent;
        Self {
            ports: Ports::new(PortAssignment::Random),
            ..Self::classic(Mapping::AddressAndPortDependent, filtering)
        }
    }

    /// A symmetric NAT whose next port is `step` after the last one, so that it can be guessed.
    #[must_use]
    pub fn symmetric_sequential(step: u16) -> Self {
        Self { ports: Ports::new(PortAssignment::sequential(step)), ..Self::symmetric_random() }
    }

    /// Linux with a masquerade rule, on a box whose firewall drops input: as measured on kernel 6.18.
    #[must_use]
    pub fn linux_masquerade() -> Self {
        Self {
            mapping: Mapping::EndpointIndependentIfPossible,
            filtering: Filtering::AddressAndPortDependent,
            ports: Ports::new(PortAssignment::Preserve),
            refresh: Refresh { outbound: true, inbound: true },
            timers: Timers {
                stream: Some(Stream {
                    timeout: Duration::from_secs(120),
                    after: Duration::from_secs(2),
                }),
                icmp_query: Duration::from_secs(30),
                ..Timers::udp(Duration::from_secs(30))
            },
            tcp: TcpPolicy {
                established: Duration::from_secs(432_000),
                transitory_open: Duration::from_secs(120),
                transitory_close: Duration::from_secs(120),
                after_reset: Duration::from_secs(10),
                unsolicited: UnsolicitedSyn::Drop,
                strays: Strays::Adopt,
                track_windows: true,
                ..TcpPolicy::default()
            },
            ..Self::classic(Mapping::EndpointIndependentIfPossible, Filtering::EndpointIndependent)
        }
    }

    /// [`Config::linux_masquerade`] without an input rule, as tutorials set it up: a packet from
    /// outside that arrives before the first one from inside takes the port away.
    #[must_use]
    pub fn linux_masquerade_bare() -> Self {
        let linux = Self::linux_masquerade();
        let tcp = TcpPolicy { unsolicited: UnsolicitedSyn::Reset, ..linux.tcp };
        Self { unsolicited: Unsolicited::RejectAndRemember, tcp, ..linux }
    }

    /// A NAT of the years of RFC 3489: half a minute, no hairpinning.
    fn classic(mapping: Mapping, filtering: Filtering) -> Self {
        Self {
            mapping,
            filtering,
            ports: Ports::new(PortAssignment::Preserve),
            hairpin: Hairpin::None,
            timers: Timers::udp(Duration::from_secs(30)),
            tcp: TcpPolicy { unsolicited: UnsolicitedSyn::Drop, ..TcpPolicy::default() },
            ..Self::rfc4787_ideal()
        }
    }
}
