//! What a firewall does, as data.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::ports::PortRange;
use crate::{
    packet::{Packet, Protocol},
    prefix::Prefix,
    units,
};

/// Everything that makes one firewall behave unlike another.
///
/// The default lets everything out, the answers back in, and nothing else. In files the keys are the
/// names of the fields in kebab case, and `[[firewall.rules]]` is a rule:
///
/// ```
/// use simnet::firewall::{Action, Config};
///
/// let strict = Config { outbound: Action::Prohibit, ..Config::default() };
/// assert_eq!(strict.inbound, Action::Drop);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// What becomes of packets from inside that begin something no rule speaks of.
    pub outbound: Action,
    /// What becomes of packets from outside that begin something no rule speaks of.
    pub inbound: Action,
    /// Exceptions, the first that matches counts.
    pub rules: Vec<Rule>,
    /// Whether answers pass by themselves. Without state each packet is judged by the rules alone.
    pub stateful: bool,
    /// Who, of those outside, may send to an inside endpoint that has sent to somebody.
    pub filtering: Filtering,
    /// How long state lives.
    pub timers: Timers,
    /// Whether a TCP flow may be taken up in its middle, without a SYN having been seen.
    pub tcp_pickup: bool,
    /// What becomes of a flow that has to be TLS and is not.
    pub not_tls: NotTls,
    /// Which ICMP errors pass.
    pub icmp_errors: IcmpErrors,
    /// What happens to fragments.
    pub fragments: Fragments,
    /// A portal that holds everybody captive at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captive: Option<Captive>,
    /// How much state there may be.
    pub limits: Limits,
}

/// What becomes of a packet that begins something.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It passes, and so do the answers.
    Accept,
    /// It passes, but a TCP flow has to begin with a TLS ClientHello. Other protocols are dropped.
    AcceptTls,
    /// It vanishes.
    #[default]
    Drop,
    /// The sender learns of it as from a host without such a service: a TCP reset, else an ICMP port
    /// unreachable.
    Reject,
    /// The sender learns of it from an ICMP "administratively prohibited".
    Prohibit,
    /// As [`Action::Prohibit`] for a TCP SYN, six seconds later and only if no SYN went the other way by
    /// then, so that two hosts can open a connection at the same time (RFC 6092 §3.3.1, RFC 5382 §4.3).
    /// Other packets vanish.
    ProhibitLater,
}

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the protected side, or from the protected host.
    Outbound,
    /// To the protected side, or to the protected host.
    Inbound,
}

/// An exception: every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// What becomes of the packet.
    pub action: Action,
    /// The direction of the packet; both if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Its protocol; all if none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::serial::protocol")]
    pub protocol: Option<Protocol>,
    /// Its destination ports; all if empty. Never matched by ICMP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortRange>,
    /// Its source ports; all if empty. Never matched by ICMP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ports: Vec<PortRange>,
    /// Where it goes; everywhere if none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::serial::prefix")]
    pub destination: Option<Prefix>,
    /// Where it comes from; everywhere if none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::serial::prefix")]
    pub source: Option<Prefix>,
}

/// Who, of those outside, may send to an inside endpoint that has sent to somebody: RFC 6092 §3.2.2
/// for UDP, RFC 6092 §3.3.1 for TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Filtering {
    /// For UDP.
    pub udp: Admission,
    /// For TCP: who may begin a connection to such an endpoint.
    pub tcp: Admission,
}

/// Who may send to an inside endpoint that has sent to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Admission {
    /// Everyone.
    EndpointIndependent,
    /// Addresses it has sent to.
    AddressDependent,
    /// Addresses and ports it has sent to.
    AddressAndPortDependent,
}

/// How long state lives in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Timers {
    /// Of a UDP flow. RFC 6092 §3.2.2 asks for two minutes or more, and recommends five.
    #[serde(with = "units::duration")]
    pub udp: Duration,
    /// Of a UDP flow that nobody answered yet, if that is another time.
    #[serde(with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub udp_unanswered: Option<Duration>,
    /// Of an established TCP connection: two hours and four minutes or more (RFC 6092 §3.3.1).
    #[serde(with = "units::duration")]
    pub tcp_established: Duration,
    /// Of a TCP connection that is being opened or closed: four minutes or more (RFC 6092 §3.3.1).
    #[serde(with = "units::duration")]
    pub tcp_transitory: Duration,
    /// Of an ICMP query.
    #[serde(with = "units::duration")]
    pub icmp: Duration,
}

/// What becomes of a flow that has to be TLS and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotTls {
    /// Both ends get a reset.
    Reset,
    /// Its packets vanish from then on.
    Drop,
}

/// Which ICMP errors pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IcmpErrors {
    /// Those that quote a packet of a living flow.
    Related,
    /// All.
    All,
    /// None: path MTU discovery and fast failure end at the firewall.
    None,
}

/// What happens to fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fragments {
    /// They go where the first one goes; those that come before it wait for it.
    OutOfOrder,
    /// They go where the first one went; those that come before it are dropped.
    InOrder,
    /// They are dropped.
    Drop,
}

/// A captive portal: until somebody accepts its terms, nothing but the portal can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Captive {
    /// When everybody is let go by himself, counted from the beginning of time; never if none.
    /// [`Firewall::release`](super::Firewall::release) lets one host go.
    #[serde(with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
    /// What captives may do, such as to ask for names and to talk to the portal. Their other conditions
    /// hold as usual; an accepted packet is then judged as that of a free host is.
    pub rules: Vec<Rule>,
    /// What becomes of everything else that captives send.
    pub action: Action,
}

/// How much state there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Flows.
    pub flows: usize,
    /// Flows of one inside address.
    pub flows_per_host: usize,
    /// Packets whose fragments are followed at a time, and fragments that wait for their first one.
    pub fragmented: usize,
    /// TCP SYNs that wait for their refusal.
    pub waiting: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            outbound: Action::Accept,
            inbound: Action::Drop,
            rules: Vec::new(),
            stateful: true,
            filtering: Filtering::default(),
            timers: Timers::default(),
            tcp_pickup: false,
            not_tls: NotTls::Reset,
            icmp_errors: IcmpErrors::Related,
            fragments: Fragments::OutOfOrder,
            captive: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Filtering {
    fn default() -> Self {
        let strict = Admission::AddressAndPortDependent;
        Self { udp: strict, tcp: strict }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            udp: Duration::from_secs(300),
            udp_unanswered: None,
            tcp_established: Duration::from_secs(7_440),
            tcp_transitory: Duration::from_secs(240),
            icmp: Duration::from_secs(60),
        }
    }
}

impl Default for Captive {
    fn default() -> Self {
        Self { until: None, rules: Vec::new(), action: Action::Reject }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { flows: 65_536, flows_per_host: 65_536, fragmented: 256, waiting: 256 }
    }
}

impl Direction {
    /// The inside and the outside address of a packet that goes this way.
    #[must_use]
    pub const fn addresses(self, packet: &Packet) -> (IpAddr, IpAddr) {
        match self {
            Self::Outbound => (packet.source_ip, packet.destination_ip),
            Self::Inbound => (packet.destination_ip, packet.source_ip),
        }
    }
}

impl Rule {
    /// A rule for everything.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self { action, ..Self::default() }
    }

    /// Whether it speaks of `packet`, which goes in `direction`.
    #[must_use]
    pub fn matches(&self, direction: Direction, packet: &Packet) -> bool {
        let among = |ranges: &[PortRange], port| {
            let has_ports = packet.protocol() != Protocol::Icmp;
            ranges.is_empty() || (has_ports && ranges.iter().any(|range| range.contains(port)))
        };
        let within = |prefix: Option<Prefix>, ip| prefix.is_none_or(|prefix| prefix.contains(ip));
        self.direction.is_none_or(|wanted| wanted == direction)
            && self.protocol.is_none_or(|protocol| protocol == packet.protocol())
            && within(self.destination, packet.destination_ip)
            && within(self.source, packet.source_ip)
            && among(&self.ports, packet.destination().port())
            && among(&self.source_ports, packet.source().port())
    }
}
