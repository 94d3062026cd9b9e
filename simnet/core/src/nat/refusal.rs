//! Why a NAT does not let a packet through.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use crate::{event::DropReason, nat::config::Filtering};

/// Why a NAT does not let a packet through. It prints as a sentence for people, with the section that
/// speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No mapping exists at the external endpoint.
    NoMapping { external: SocketAddr },
    /// The mapping's filter keeps the remote endpoint out.
    Filtered { filtering: Filtering, external: SocketAddr, remote: SocketAddr },
    /// The remote endpoint talks to the box itself, because it spoke first.
    Remembered { external: SocketAddr, remote: SocketAddr },
    /// All ports the assignment may use are taken.
    NoPort { internal: SocketAddr },
    /// The port that would be preserved is taken, and there is no other way.
    Collision { wanted: SocketAddr },
    /// The box has no external address of the family.
    NoAddress,
    /// As many mappings exist as may.
    MappingLimit(usize),
    /// The host has as many mappings as it may.
    HostLimit(usize),
    /// As many sessions exist as may.
    SessionLimit(usize),
    /// Packets to external addresses do not come back in.
    NoHairpin { external: SocketAddr },
    /// The first fragment, which holds the ports, did not come first.
    NoFirstFragment,
    /// The first fragment was refused.
    FirstFragmentRefused,
    /// No fragments pass.
    NoFragments,
    /// Too many fragments wait for their first one.
    FragmentLimit(usize),
    /// No ICMP errors pass.
    NoIcmpErrors,
    /// The quoted packet belongs to no mapping.
    UnknownQuote { source: SocketAddr, destination: SocketAddr },
    /// The ICMP error comes from an address the mapping has not sent to.
    StrangeReporter,
    /// No ICMP queries pass.
    NoIcmpQueries,
    /// The fragments do not fit together.
    BadFragments,
    /// Other fragments did not come in time.
    IncompleteFragments,
    /// The address is one of the inside too.
    Conflict { ip: IpAddr },
    /// The internal address owns no ports.
    NoShare { host: IpAddr },
    /// The box lost its state while the packet waited.
    Rebooted,
    /// Source and destination are of different families.
    MixedFamilies,
    /// No IPv6 packets pass.
    NoIpv6,
    /// A segment from inside belongs to no connection.
    Stray { source: SocketAddr, destination: SocketAddr },
    /// A segment lies outside of the window.
    OutOfWindow { far: SocketAddr },
    /// Connections are not opened from both sides at once.
    SimultaneousOpen { far: SocketAddr },
    /// The SYN came before the one from inside that it was to meet.
    EarlySyn { remote: SocketAddr },
    /// The host has as many external ports as it may.
    PortLimit(usize),
    /// The host has as many sessions as it may.
    HostSessionLimit(usize),
    /// The host asks for mappings too fast.
    RateLimit(u32),
    /// The destination is neither an external address of the box nor behind it.
    NotForUs,
}

impl Refusal {
    /// The counter it belongs to.
    pub(super) const fn reason(self) -> DropReason {
        match self {
            Self::NoMapping { .. } => DropReason::NatNoMapping,
            Self::Filtered { .. } => DropReason::NatFiltered,
            Self::NoPort { .. } | Self::Collision { .. } | Self::NoShare { .. } => {
                DropReason::NatNoPort
            }
            Self::MappingLimit(_)
            | Self::HostLimit(_)
            | Self::SessionLimit(_)
            | Self::PortLimit(_)
            | Self::HostSessionLimit(_)
            | Self::RateLimit(_) => DropReason::NatLimit,
            Self::Stray { .. } | Self::OutOfWindow { .. } | Self::SimultaneousOpen { .. } => {
                DropReason::NatTcpState
            }
            Self::EarlySyn { .. } => DropReason::NatFiltered,
            Self::NoHairpin { .. } => DropReason::NatNoHairpin,
            Self::NoFirstFragment
            | Self::FirstFragmentRefused
            | Self::NoFragments
            | Self::BadFragments
            | Self::IncompleteFragments
            | Self::FragmentLimit(_) => DropReason::NatFragment,
            Self::Rebooted => DropReason::NatRebooted,
            Self::NoIcmpQueries
            | Self::NoIcmpErrors
            | Self::UnknownQuote { .. }
            | Self::StrangeReporter => DropReason::NatIcmp,
            Self::NoAddress | Self::NoIpv6 | Self::MixedFamilies | Self::Conflict { .. } => {
                DropReason::NatUntranslatable
            }
            Self::Remembered { .. } | Self::NotForUs => DropReason::NotForUs,
        }
    }

    /// Whether it is an answer to a packet that nobody asked for.
    pub(super) const fn is_unsolicited(self) -> bool {
        matches!(self, Self::NoMapping { .. } | Self::Filtered { .. } | Self::Remembered { .. })
    }

    /// Whether the sender should learn that the box is short of something (RFC 5508 §6).
    pub(super) const fn is_shortage(self) -> bool {
        matches!(
            self,
            Self::NoPort { .. }
                | Self::Collision { .. }
                | Self::NoShare { .. }
                | Self::MappingLimit(_)
                | Self::HostLimit(_)
                | Self::SessionLimit(_)
                | Self::PortLimit(_)
                | Self::HostSessionLimit(_)
                | Self::RateLimit(_)
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMapping { external } => {
                write!(f, "no mapping at {external}: RFC 4787 §4.1")
            }
            Self::Filtered { filtering, external, remote } => {
                write!(f, "{filtering} filtering, {external} never sent to {remote}: RFC 4787 §5")
            }
            Self::Remembered { external, remote } => {
                write!(f, "{remote} spoke to {external} before anyone inside did: RFC 4787 §5")
            }
            Self::NoPort { internal } => {
                write!(f, "no external port is free for {internal}: RFC 4787 §4.2.1")
            }
            Self::Collision { wanted } => {
                write!(f, "{wanted} is taken, and no other port will do: RFC 4787 §4.2.1")
            }
            Self::NoAddress => f.write_str("no external address of this family: RFC 4787 §4.1"),
            Self::NoHairpin { external } => {
                write!(f, "no hairpinning to {external}: RFC 4787 §6")
            }
            Self::NoFirstFragment => {
                f.write_str("a fragment without the first one before it: RFC 4787 §11")
            }
            Self::FirstFragmentRefused => {
                f.write_str("the first fragment was refused: RFC 4787 §11")
            }
            Self::NoFragments => f.write_str("fragments do not pass: RFC 4787 §11"),
            Self::NoIcmpErrors => f.write_str("ICMP errors do not pass: RFC 4787 §9"),
            Self::UnknownQuote { source, destination } => {
                write!(f, "no mapping for the quoted {source} > {destination}: RFC 5508 §4.2")
            }
            Self::StrangeReporter => {
                f.write_str("the mapping never sent to who reports this: RFC 4787 §9")
            }
            Self::NoIcmpQueries => f.write_str("ICMP queries do not pass: RFC 5508 §3.1"),
            Self::BadFragments => f.write_str("the fragments do not fit together: RFC 4787 §11"),
            Self::IncompleteFragments => {
                f.write_str("other fragments did not come in time: RFC 4787 §11")
            }
            Self::Conflict { ip } => {
                write!(f, "{ip} is taken for a number of the inside: RFC 4787 §4.4")
            }
            Self::NoShare { host } => write!(f, "{host} owns no external ports: RFC 7422 §2"),
            Self::Rebooted => f.write_str("the box lost its state while the packet waited"),
            Self::MixedFamilies => f.write_str("addresses of two families"),
            Self::NoIpv6 => f.write_str("IPv6 does not pass"),
            Self::Stray { source, destination } => {
                write!(f, "nobody saw {source} > {destination} begin: RFC 7857 §2")
            }
            Self::OutOfWindow { far } => {
                write!(f, "outside of the window of the connection with {far}: RFC 7857 §2.2")
            }
            Self::SimultaneousOpen { far } => {
                write!(f, "the connection with {far} is being opened already: RFC 5382 §4.2")
            }
            Self::EarlySyn { remote } => {
                write!(f, "{remote} opened the connection before the inside did: RFC 5382 §4.3")
            }
            Self::NotForUs => f.write_str("not an external address of this box: RFC 4787 §4.4"),
            Self::MappingLimit(_)
            | Self::HostLimit(_)
            | Self::SessionLimit(_)
            | Self::PortLimit(_)
            | Self::HostSessionLimit(_)
            | Self::RateLimit(_)
            | Self::FragmentLimit(_) => self.write_limit(f),
        }
    }
}

impl Refusal {
    /// Which limit was reached; nothing for other reasons.
    fn write_limit(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MappingLimit(limit) => write!(f, "{limit} mappings exist already: RFC 5508 §6"),
            Self::HostLimit(limit) => {
                write!(f, "the host has {limit} mappings already: RFC 5508 §6")
            }
            Self::SessionLimit(limit) => write!(f, "{limit} sessions exist already: RFC 5508 §6"),
            Self::PortLimit(limit) => {
                write!(f, "the host has {limit} external ports already: RFC 6888 §3")
            }
            Self::HostSessionLimit(limit) => {
                write!(f, "the host has {limit} sessions already: RFC 6888 §3")
            }
            Self::RateLimit(rate) => {
                write!(f, "more than {rate} new mappings of the host in a second: RFC 6888 §3")
            }
            Self::FragmentLimit(limit) => {
                write!(f, "{limit} fragments wait already: RFC 4787 §11")
            }
            _ => Ok(()),
        }
    }
}
