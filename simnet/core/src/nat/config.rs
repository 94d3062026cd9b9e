//! What a NAT does, in the words of RFC 4787.

use std::{net::Ipv6Addr, ops::RangeInclusive, time::Duration};

use base::Instant;

/// Everything that makes one NAT behave unlike another. Addresses are not behaviour: they are those of
/// the interface on the outside.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// When a new session reuses a mapping (RFC 4787 §4.1).
    pub mapping: Mapping,
    /// Who may send to a mapping from outside (RFC 4787 §5).
    pub filtering: Filtering,
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
    /// What happens to ICMP errors (RFC 4787 §9, RFC 5508 §4).
    pub icmp: IcmpPolicy,
    /// What happens to fragments that arrive (RFC 4787 §11).
    pub fragments: Fragments,
    /// What happens to packets from outside that no mapping admits.
    pub unsolicited: Unsolicited,
    /// What happens to IPv6, which needs no translation.
    pub ipv6: Ipv6,
    /// How much state there may be.
    pub limits: Limits,
    /// When the behaviour changes without anyone having asked (against RFC 4787 §8).
    pub deviation: Option<Deviation>,
}

/// When a new session of one internal endpoint reuses an existing mapping: RFC 4787 §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filtering {
    /// Everyone.
    EndpointIndependent,
    /// Addresses the mapping has sent to.
    AddressDependent,
    /// Addresses and ports the mapping has sent to.
    AddressAndPortDependent,
}

/// Which external port a mapping gets: RFC 4787 §4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// How a port is chosen.
    pub assignment: PortAssignment,
    /// Ports that may be assigned. [`PortAssignment::PreserveInClass`] and preserved ports may lie
    /// outside when [`Ports::preserve_outside_range`] says so.
    pub range: RangeInclusive<u16>,
    /// Whether a preserved port may lie outside [`Ports::range`].
    pub preserve_outside_range: bool,
    /// Whether internal ports 0-1023 get external ports in that range, and the others do not
    /// (RFC 4787 §4.2.1). The low range is usable then, whatever [`Ports::range`] says.
    pub keep_class: bool,
    /// Whether even ports become even ports and odd ones odd (RFC 4787 §4.2.2), as long as any is free.
    pub keep_parity: bool,
    /// Whether port n+1 of a host becomes the external port after that of its port n
    /// (RFC 4787 §4.2.3). The port after an even one is kept free for its partner.
    pub keep_contiguity: bool,
    /// Whether mappings that depend on the destination may share an external port as long as their
    /// destinations differ (RFC 7857 §3). [`Mapping::EndpointIndependentIfPossible`] always does.
    pub overlap_by_destination: bool,
}

/// How a port is chosen: RFC 4787 §4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PortAssignment {
    /// The internal port; a random one if that is taken.
    PreserveElseRandom,
    /// The internal port; the next free one if that is taken.
    PreserveElseNext,
    /// The internal port; else a random one of its class: 1-511, 512-1023 or 1024-65535.
    PreserveInClass,
    /// The internal port, at the cost of whoever had it.
    PreserveElseOverride,
    /// The internal port, shared with whoever has it (against RFC 4787 §4.2.1).
    Overload,
    /// The port `step` after the one assigned last.
    Sequential {
        /// Distance of one port from the next; 0 counts as 1.
        step: u16,
    },
    /// Any free port.
    Random,
}

/// Which external address a mapping gets when there are several: RFC 4787 §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The same for all sessions of an internal address.
    Paired,
    /// Any.
    Arbitrary,
}

/// What happens to packets from inside to an external address: RFC 4787 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hairpin {
    /// They are dropped.
    None,
    /// They come back in with the sender's internal address and port.
    InternalSource,
    /// They come back in with the sender's external address and port.
    ExternalSource,
}

/// Which packets keep a mapping alive: RFC 4787 §4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refresh {
    /// Packets from inside to outside.
    pub outbound: bool,
    /// Packets from outside that pass the filter.
    pub inbound: bool,
}

/// How long mappings live: RFC 4787 §4.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Silence after which a mapping is removed.
    pub udp: Duration,
    /// A longer life for sessions that turned out to be conversations.
    pub stream: Option<Stream>,
    /// Other lives for sessions to some well-known ports, such as 53.
    pub well_known: Vec<(u16, Duration)>,
    /// Silence after which the mapping of an ICMP query is removed (RFC 5508 §3.2).
    pub icmp_query: Duration,
}

/// A longer life for sessions that turned out to be conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Silence after which such a session is removed.
    pub timeout: Duration,
    /// Age from which a session that was answered counts as one.
    pub after: Duration,
}

/// What happens to ICMP errors: RFC 4787 §9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IcmpPolicy {
    /// Which ones pass.
    pub errors: IcmpErrors,
    /// Whether the NAT itself says so when a packet is too big, its hops ran out, or no mapping can be
    /// made for it (RFC 4787 §10, RFC 5508 §6, §7).
    pub originates: bool,
}

/// Which ICMP errors pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpErrors {
    /// All that quote a packet of a live mapping, whoever sends them.
    Translate,
    /// Of those, the ones whose sender the mapping has sent to (against RFC 4787 §9).
    TranslateFromContacted,
    /// None.
    Drop,
}

/// What happens to fragments that arrive: RFC 4787 §11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fragments {
    /// They pass in any order: those that come before the first fragment wait for it.
    OutOfOrder,
    /// They pass if the first fragment came first.
    InOrder,
    /// None passes.
    Drop,
}

/// What happens to packets from outside that no mapping admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// What happens to IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// How much state there may be. Whoever asks for more gets a named drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Mappings in all.
    pub mappings: usize,
    /// Mappings of one internal address.
    pub mappings_per_host: usize,
    /// Sessions, that is permissions to send to a mapping, in all.
    pub sessions: usize,
    /// Remembered conversations with the NAT itself ([`Unsolicited::RejectAndRemember`]).
    pub remembered: usize,
    /// Fragmented packets on their way through at one time.
    pub fragmented: usize,
    /// Fragments that wait for their first one, in all.
    pub held_fragments: usize,
}

/// A change of behaviour that nobody asked for: a non-deterministic NAT (against RFC 4787 §8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What sets it off.
    pub trigger: Trigger,
    /// How mappings are made and reused from then on.
    pub mapping: Mapping,
    /// How packets are filtered from then on.
    pub filtering: Filtering,
    /// How ports are assigned from then on.
    pub assignment: PortAssignment,
}

/// What makes a non-deterministic NAT change its behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The n-th time that a wanted port was taken. RFC 4787 §8 calls the behaviour after the first
    /// conflict secondary.
    Conflicts(u32),
    /// The n-th mapping.
    Mappings(u32),
    /// A point in time.
    At(Instant),
}

impl Ports {
    /// Ports 1024-65535, assigned as `assignment` says; class and parity are not kept.
    #[must_use]
    pub const fn new(assignment: PortAssignment) -> Self {
        Self {
            assignment,
            range: FIRST_REGISTERED..=u16::MAX,
            preserve_outside_range: true,
            keep_class: false,
            keep_parity: false,
            keep_contiguity: false,
            overlap_by_destination: false,
        }
    }
}

impl Timers {
    /// The same time for all UDP sessions.
    #[must_use]
    pub const fn udp(udp: Duration) -> Self {
        // RFC 5508 §3.2: ICMP queries live at least a minute.
        Self { udp, stream: None, well_known: Vec::new(), icmp_query: Duration::from_secs(60) }
    }
}

impl Default for Limits {
    /// Room for every port of one address, four peers each.
    fn default() -> Self {
        Self {
            mappings: 65_536,
            mappings_per_host: 65_536,
            sessions: 262_144,
            remembered: 16_384,
            fragmented: 1_024,
            held_fragments: 256,
        }
    }
}

/// The first port that is not well-known: RFC 4787 §3.
pub(super) const FIRST_REGISTERED: u16 = 1_024;

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
