//! What can be wrong with the description of a world.

use std::net::IpAddr;

use crate::prefix::{BadPrefix, Prefix};

/// Why a world could not be built. [`part`](BuildError::part) says in which part of the description to
/// look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two parts have the same name.
    #[error("two parts are called `{0}`")]
    DuplicateName(String),
    /// Two interfaces of a part have the same name.
    #[error("two interfaces of `{part}` are called `{name}`")]
    DuplicateInterface {
        /// The part.
        part: String,
        /// The name.
        name: String,
    },
    /// A part is attached to something that is not a segment.
    #[error(
        "`{part}` is attached to `{segment}`, which is neither a LAN nor a wide-area network; {}",
        choices("segment", known)
    )]
    NoSuchSegment {
        /// The part.
        part: String,
        /// What it is attached to.
        segment: String,
        /// The segments there are.
        known: Vec<String>,
    },
    /// A route or link names a part that does not exist.
    #[error("no part is called `{name}`; {}", choices("part", known))]
    NoSuchPart {
        /// The name.
        name: String,
        /// The parts there are.
        known: Vec<String>,
    },
    /// A segment or a route has a prefix that is none.
    #[error("the prefix of `{part}` is wrong: {source}")]
    BadPrefix {
        /// The segment, or the part with the route.
        part: String,
        /// What is wrong.
        source: BadPrefix,
    },
    /// An address is none.
    #[error("`{text}`, an address of `{part}`, is not an IP address")]
    BadAddress {
        /// The part.
        part: String,
        /// The text.
        text: String,
    },
    /// An address lies outside the prefixes of its segment, and comes without a prefix length of its own
    /// (`192.0.2.7/32`).
    #[error(
        "`{part}` has the address {ip}, which lies outside `{segment}` ({}); write {ip}/{} if that \
         is meant",
        listed(prefixes),
        Prefix::host(*ip).length()
    )]
    AddressOutside {
        /// The part.
        part: String,
        /// The address.
        ip: IpAddr,
        /// The segment.
        segment: String,
        /// The prefixes of the segment.
        prefixes: Vec<Prefix>,
    },
    /// A segment has no address left.
    #[error("`{segment}` has no address left for `{part}`")]
    NoAddressLeft {
        /// The part that needs one.
        part: String,
        /// The segment.
        segment: String,
    },
    /// Two interfaces on one segment have the same address.
    #[error("`{part}` has the address {ip}, which `{by}` has on `{segment}` already")]
    AddressTaken {
        /// The second part.
        part: String,
        /// The address.
        ip: IpAddr,
        /// The segment.
        segment: String,
        /// The part that has it.
        by: String,
    },
    /// Two interfaces on different segments have the same address, and routers join the segments.
    #[error(
        "`{part}` on `{segment}` has the address {ip}, which `{by}` has on `{other}` already, and \
         routers join the two"
    )]
    AddressTwice {
        /// The second part.
        part: String,
        /// Its segment.
        segment: String,
        /// The address.
        ip: IpAddr,
        /// The first part.
        by: String,
        /// Its segment.
        other: String,
    },
    /// A gateway is on no segment that the part is attached to.
    #[error(
        "`{part}` reaches no gateway {gateway}: it is on none of its segments ({})",
        listed(prefixes)
    )]
    BadGateway {
        /// The part.
        part: String,
        /// The gateway.
        gateway: IpAddr,
        /// The prefixes that the part is attached to.
        prefixes: Vec<Prefix>,
    },
    /// Routers hand packets round in a circle.
    #[error("packets for {prefix} go round in a circle: {}", parts.join(" → "))]
    RouteLoop {
        /// Where the packets should go.
        prefix: Prefix,
        /// The parts they come through; the last is the first.
        parts: Vec<String>,
    },
    /// A router or box joins fewer than two segments, or a host is attached to none.
    #[error("`{0}` is attached to too few segments")]
    TooFewAttachments(String),
    /// A part has more than 255 interfaces.
    #[error("`{0}` has too many interfaces")]
    TooManyInterfaces(String),
    /// A link is described between parts that are not attached to each other.
    #[error("`{from}` and `{to}` are not attached to each other")]
    NoSuchLink {
        /// Where it begins.
        from: String,
        /// Where it ends.
        to: String,
    },
    /// A parameter of a link is out of its range.
    #[error("the link from `{from}` to `{to}` is wrong: {what}")]
    BadLink {
        /// Where it begins.
        from: String,
        /// Where it ends.
        to: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl BuildError {
    /// The part of the description that is wrong: its name, or the beginning of the link.
    #[must_use]
    pub fn part(&self) -> &str {
        match self {
            Self::DuplicateName(part)
            | Self::TooFewAttachments(part)
            | Self::TooManyInterfaces(part)
            | Self::DuplicateInterface { part, .. }
            | Self::NoSuchSegment { part, .. }
            | Self::NoSuchPart { name: part, .. }
            | Self::BadPrefix { part, .. }
            | Self::BadAddress { part, .. }
            | Self::AddressOutside { part, .. }
            | Self::NoAddressLeft { part, .. }
            | Self::AddressTaken { part, .. }
            | Self::AddressTwice { part, .. }
            | Self::BadGateway { part, .. }
            | Self::NoSuchLink { from: part, .. }
            | Self::BadLink { from: part, .. } => part,
            Self::RouteLoop { parts, .. } => parts.first().map_or("", String::as_str),
        }
    }
}

fn choices(what: &str, known: &[String]) -> String {
    if known.is_empty() {
        format!("there is no {what}")
    } else {
        format!("the {what}s are {}", known.join(", "))
    }
}

fn listed(prefixes: &[Prefix]) -> String {
    prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
