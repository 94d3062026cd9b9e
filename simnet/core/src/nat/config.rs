//! What a NAT does, in the words of RFC 4787.
//!
//! Every type here is also the form of the parameter in files: keys in kebab-case, times with units,
//! and what is left out is what the RFCs recommend.

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use crate::portcontrol;

mod fixed;
mod icmp;
mod limits;
mod meddling;
mod over_time;
mod ports;
mod serial;
mod tcp;
mod timers;

pub(super) use ports::FIRST_REGISTERED;
pub use {
    fixed::{Exempt, Fixed, Forward, Forwarded, OneToOne},
    icmp::{IcmpErrors, IcmpPolicy, Reporter, TooBig},
    limits::{Exhaustion, Limits},
    meddling::Meddling,
    over_time::{AddressChange, Deviation, OverTime, Rebind, Rebound, Trigger},
    ports::{Collision, Layout, PortAssignment, Ports},
    tcp::{MssClamp, SimultaneousOpen, Strays, TcpPolicy, UnsolicitedSyn},
    timers::{Stream, Timers},
};

/// Everything that makes one NAT behave unlike another. Addresses are not behaviour: they are those of
/// the interface on the outside, unless [`Fixed`] names others.
///
/// Start from a named configuration such as [`Config::rfc4787_ideal`] and change fields:
///
/// ```
/// use simnet::nat::{Config, Filtering, Hairpin};
///
/// let config =
///     Config { filtering: Filtering::AddressDependent, hairpin: Hairpin::None, ..Config::rfc4787_ideal() };
/// assert_eq!(config.filtering.to_string(), "address-dependent");
/// ```
///
/// In a file, whatever is not mentioned is as in [`Config::default`]:
///
/// ```
/// use simnet::nat::{Collision, Config, PortAssignment};
/// use std::time::Duration;
///
/// let config: Config = toml::from_str(
///     r#"
///     filtering = "address-and-port-dependent"
///     ports = { assignment = "preserve", on-collision = "next" }
///     timers = { udp = "30s", stream = { timeout = "2min", after = "2s" } }
///     "#,
/// )?;
/// assert_eq!(config.ports.assignment, PortAssignment::Preserve);
/// assert_eq!(config.ports.on_collision, Collision::Next);
/// assert_eq!(config.timers.udp, Duration::from_secs(30));
/// assert!(toml::from_str::<Config>("filterring = \"none\"").is_err());
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// When a new session reuses a mapping (RFC 4787 §4.1).
    pub mapping: Mapping,
    /// Who may send to a mapping from outside (RFC 4787 §5).
    pub filtering: Filtering,
    /// Whether UDP and TCP of one internal endpoint share a mapping (RFC 7857 §5) and its filter
    /// (RFC 7857 §6).
    pub share_protocols: bool,
    /// Which external port a mapping gets (RFC 4787 §4.2).
    pub ports: Ports,
    /// Which external address a mapping gets when there are several (RFC 4787 §4.1).
    pub pooling: Pooling,
    /// What happens to packets from inside to an external address (RFC 4787 §6).
    pub hairpin: Hairpin,
    /// Whether those packets must pass the filter of the mapping they go to. The definition in
    /// RFC 4787 §6 asks for an active mapping only.
    pub filter_hairpin: bool,
    /// Which packets keep a mapping alive (RFC 4787 §4.3).
    pub refresh: Refresh,
    /// How long mappings live (RFC 4787 §4.3).
    pub timers: Timers,
    /// What is different for TCP (RFC 5382).
    pub tcp: TcpPolicy,
    /// What happens to ICMP errors (RFC 4787 §9, RFC 5508 §4).
    pub icmp: IcmpPolicy,
    /// What happens to fragments that arrive (RFC 4787 §11).
    pub fragments: Fragments,
    /// What happens to packets from outside that no mapping admits.
    pub unsolicited: Unsolicited,
    /// What happens to packets to and from outside addresses that are also numbers of the inside
    /// (RFC 4787 §4.4).
    pub conflicting_addresses: Conflicting,
    /// What happens to IPv6, which needs no translation.
    pub ipv6: Ipv6,
    /// Addresses and mappings that are named here.
    pub fixed: Fixed,
    /// How hosts may ask for mappings (RFC 6887, RFC 6886); not at all if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_control: Option<portcontrol::Config>,
    /// How much state there may be.
    pub limits: Limits,
    /// What the box does to packets besides.
    pub meddling: Meddling,
    /// What changes without anyone having asked.
    pub over_time: OverTime,
}

/// When a new session of one internal endpoint reuses an existing mapping: RFC 4787 §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mapping {
    /// Always.
    EndpointIndependent,
    /// If it goes to the same external address.
    AddressDependent,
    /// If it goes to the same external address and port.
    AddressAndPortDependent,
    /// Whenever the external endpoint of an earlier session leaves the packets of both apart; else
    /// another port is taken. External endpoints are shared between internal ones whose peers differ.
    /// This is how the connection tracking of Linux behaves.
    EndpointIndependentIfPossible,
}

/// Who may send to a mapping from outside: RFC 4787 §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filtering {
    /// Everyone.
    EndpointIndependent,
    /// Addresses the mapping has sent to.
    AddressDependent,
    /// Addresses and ports the mapping has sent to.
    AddressAndPortDependent,
}

/// Which external address a mapping gets when there are several: RFC 4787 §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The same for all sessions of an internal address.
    Paired,
    /// The same, but another one when it has no port left (RFC 7857 §4).
    SoftPaired,
    /// Any.
    Arbitrary,
    /// One after the other.
    RoundRobin,
    /// Always the same for a destination address, as boxes with several uplinks share out the load. It
    /// shows where mappings depend on the destination.
    ByDestination,
}

/// What happens to packets from inside to an external address: RFC 4787 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hairpin {
    /// They are dropped.
    None,
    /// They come back in with the sender's internal address and port.
    InternalSource,
    /// They come back in with the sender's external address and port.
    ExternalSource,
}

/// Which packets keep a mapping alive: RFC 4787 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Refresh {
    /// Packets from inside to outside.
    pub outbound: bool,
    /// Packets from outside that pass the filter.
    pub inbound: bool,
}

/// What happens to fragments that arrive: RFC 4787 §11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fragments {
    /// They pass in any order: those that come before the first fragment wait for it.
    OutOfOrder,
    /// They pass if the first fragment came first.
    InOrder,
    /// They are put together, and pass as one packet, which is fragmented anew if need be.
    Reassemble,
    /// None passes.
    Drop,
}

/// What happens to packets from outside that no mapping admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsolicited {
    /// They vanish.
    Drop,
    /// The sender gets an ICMP port unreachable.
    Reject,
    /// The same, but they count as a conversation with the NAT itself: a mapping made later cannot use
    /// the same port towards the same peer, and what that peer sends goes on reaching the NAT alone.
    /// Linux does so when nothing drops input; hole punching then depends on who sends first.
    RejectAndRemember,
}

/// What happens to packets to and from outside addresses that are also numbers of the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflicting {
    /// They pass as others do.
    Translate,
    /// They are dropped (against RFC 4787 §4.4).
    Drop,
}

/// What happens to IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ipv6 {
    /// It is routed as it is; packets from outside pass only as [`Config::filtering`] says, with the
    /// timers of IPv4, as home routers do.
    Filter,
    /// It is routed as it is, unconditionally.
    Route,
    /// The internal prefix is replaced by the external one without state (network prefix translation), and filtered
    /// like [`Ipv6::Filter`].
    TranslatePrefix {
        /// Prefix of the inside.
        internal: Ipv6Addr,
        /// Prefix of the outside.
        external: Ipv6Addr,
        /// Length of both in bits: 1-48, so that the checksum can be kept neutral in bits 48-63.
        length: u8,
    },
    /// Nothing passes.
    Drop,
}

impl Default for Config {
    /// What RFC 4787 recommends: [`Config::rfc4787_ideal`].
    fn default() -> Self {
        Self::rfc4787_ideal()
    }
}

impl Default for Refresh {
    /// By packets from inside only, so that nobody outside can keep a mapping alive for ever.
    fn default() -> Self {
        Self { outbound: true, inbound: false }
    }
}

macro_rules! display {
    ($type:ident: $($variant:ident => $text:literal),+) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self { $(Self::$variant => $text),+ })
            }
        }
    };
}

display!(Mapping:
    EndpointIndependent => "endpoint-independent",
    AddressDependent => "address-dependent",
    AddressAndPortDependent => "address-and-port-dependent",
    EndpointIndependentIfPossible => "endpoint-independent-if-possible");
display!(Filtering:
    EndpointIndependent => "endpoint-independent",
    AddressDependent => "address-dependent",
    AddressAndPortDependent => "address-and-port-dependent");
display!(Hairpin:
    None => "none",
    InternalSource => "internal-source",
    ExternalSource => "external-source");
