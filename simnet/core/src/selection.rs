//! Which address to send from, and which to send to: RFC 6724.
//!
//! Both algorithms are functions of lists: [`select_source`] ranks the addresses a host could send from,
//! [`order_destinations`] those a name stands for. IPv4 takes part in the form of mapped addresses
//! (RFC 6724 §3.2).

use std::{
    cmp::Ordering,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use crate::prefix::Prefix;

/// An address that a host could send from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub ip: IpAddr,
    /// Length of its network prefix in bits.
    pub prefix: u8,
    /// Number of the interface that has it.
    pub interface: u32,
    /// Whether another should be preferred from now on.
    pub deprecated: bool,
    /// Whether it is a temporary address (RFC 8981).
    pub temporary: bool,
    /// Whether it is a home address of a mobile host; a host that is at home has none that is not.
    pub home: bool,
}

impl Candidate {
    /// A preferred, permanent address on interface 0.
    #[must_use]
    pub const fn new(ip: IpAddr, prefix: u8) -> Self {
        Self { ip, prefix, interface: 0, deprecated: false, temporary: false, home: true }
    }
}

/// Which sources suit which destinations, and which destinations are better: RFC 6724 §2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    prefix: Prefix,
    precedence: u8,
    label: u8,
}

/// RFC 6724 §2.1, the default table: prefix, its length, precedence, label.
const DEFAULT_ROWS: [(Ipv6Addr, u8, u8, u8); 9] = [
    (Ipv6Addr::LOCALHOST, 128, 50, 0),
    (Ipv6Addr::UNSPECIFIED, 0, 40, 1),
    (Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96, 35, 4),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 30, 2),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 5, 5),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, 3, 13),
    (Ipv6Addr::UNSPECIFIED, 96, 1, 3),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, 1, 11),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16, 1, 12),
];

impl Default for Policy {
    fn default() -> Self {
        let mut policy = Self { rows: Vec::new() };
        for (ip, length, precedence, label) in DEFAULT_ROWS {
            if let Some(prefix) = Prefix::new(ip.into(), length) {
                policy.set(prefix, precedence, label);
            }
        }
        policy
    }
}

/// Made once, because making it allocates.
static STANDARD: LazyLock<Policy> = LazyLock::new(Policy::default);

impl Policy {
    /// The default table of RFC 6724 §2.1, as [`Policy::default`] makes it.
    #[must_use]
    pub fn standard() -> &'static Self {
        &STANDARD
    }

    /// Gives a prefix its precedence (higher is better) and label, instead of those it had. IPv4
    /// prefixes are taken as mapped ones.
    pub fn set(&mut self, prefix: Prefix, precedence: u8, label: u8) {
        let prefix = mapped_prefix(prefix);
        self.rows.retain(|row| row.prefix != prefix);
        self.rows.push(Row { prefix, precedence, label });
        self.rows.sort_by_key(|row| u8::MAX - row.prefix.length());
    }

    /// The precedence of an address, from the longest prefix that holds it; 0 without one.
    #[must_use]
    pub fn precedence(&self, ip: IpAddr) -> u8 {
        self.row(ip).map_or(0, |row| row.precedence)
    }

    /// The label of an address, from the longest prefix that holds it.
    #[must_use]
    pub fn label(&self, ip: IpAddr) -> Option<u8> {
        self.row(ip).map(|row| row.label)
    }

    fn row(&self, ip: IpAddr) -> Option<&Row> {
        let ip = IpAddr::V6(mapped(ip));
        self.rows.iter().find(|row| row.prefix.contains(ip))
    }
}

/// The candidate to send from to `destination`, which leaves by the interface `outgoing` if that is
/// known: RFC 6724 §5. Candidates of another family than the destination do not count; of equals, the
/// first is taken.
#[must_use]
pub fn select_source<'a>(
    destination: IpAddr,
    outgoing: Option<u32>,
    candidates: impl IntoIterator<Item = &'a Candidate>,
    policy: &Policy,
) -> Option<&'a Candidate> {
    let mut best: Option<&Candidate> = None;
    for candidate in candidates {
        if candidate.ip.is_ipv4() != destination.is_ipv4() {
            continue;
        }
        let better = best.is_none_or(|best| {
            compare_sources(destination, outgoing, candidate, best, policy) == Ordering::Greater
        });
        if better {
            best = Some(candidate);
        }
    }
    best
}

/// The eight rules of RFC 6724 §5 in their order; greater is better. Rule 5.5 needs to know which
/// router announced which prefix, which nobody here does.
fn compare_sources(
    destination: IpAddr,
    outgoing: Option<u32>,
    a: &Candidate,
    b: &Candidate,
    policy: &Policy,
) -> Ordering {
    let same = |it: &Candidate| it.ip == destination;
    let suits = |it: &Candidate| policy.label(it.ip) == policy.label(destination);
    let leaves = |it: &Candidate| outgoing.is_none_or(|interface| interface == it.interface);
    let common = |it: &Candidate| common_prefix(*it, destination);
    same(a)
        .cmp(&same(b))
        .then_with(|| compare_scopes(scope(a.ip), scope(b.ip), scope(destination)))
        .then_with(|| b.deprecated.cmp(&a.deprecated))
        .then_with(|| a.home.cmp(&b.home))
        .then_with(|| leaves(a).cmp(&leaves(b)))
        .then_with(|| suits(a).cmp(&suits(b)))
        .then_with(|| a.temporary.cmp(&b.temporary))
        .then_with(|| common(a).cmp(&common(b)))
}

/// RFC 6724 §5, rule 2: the smaller scope is better, unless it is too small for the destination.
fn compare_scopes(a: u8, b: u8, destination: u8) -> Ordering {
    match a.cmp(&b) {
        Ordering::Equal => Ordering::Equal,
        Ordering::Less if a < destination => Ordering::Less,
        Ordering::Less => Ordering::Greater,
        Ordering::Greater if b < destination => Ordering::Greater,
        Ordering::Greater => Ordering::Less,
    }
}

/// The destinations with the best first: RFC 6724 §6. `source` says what the host would send from to a
/// destination, `None` if it cannot reach it. Equals stay as they were.
#[must_use]
pub fn order_destinations(
    destinations: &[IpAddr],
    source: impl Fn(IpAddr) -> Option<Candidate>,
    policy: &Policy,
) -> Vec<IpAddr> {
    let mut ranked: Vec<(IpAddr, Option<Candidate>)> =
        destinations.iter().map(|&destination| (destination, source(destination))).collect();
    ranked.sort_by(|a, b| compare_destinations(*b, *a, policy));
    ranked.into_iter().map(|(destination, _)| destination).collect()
}

/// The rules of RFC 6724 §6 in their order; greater is better. No transport here is encapsulated, so
/// that rule 7 has nothing to say.
fn compare_destinations(
    a: (IpAddr, Option<Candidate>),
    b: (IpAddr, Option<Candidate>),
    policy: &Policy,
) -> Ordering {
    let (Some(from_a), Some(from_b)) = (a.1, b.1) else {
        return a.1.is_some().cmp(&b.1.is_some());
    };
    let (a, b) = (a.0, b.0);
    let suits = |ip: IpAddr, source: Candidate| policy.label(ip) == policy.label(source.ip);
    let length = |ip: IpAddr, source: Candidate| common_prefix(source, ip);
    (scope(a) == scope(from_a.ip))
        .cmp(&(scope(b) == scope(from_b.ip)))
        .then_with(|| from_b.deprecated.cmp(&from_a.deprecated))
        .then_with(|| from_a.home.cmp(&from_b.home))
        .then_with(|| suits(a, from_a).cmp(&suits(b, from_b)))
        .then_with(|| policy.precedence(a).cmp(&policy.precedence(b)))
        .then_with(|| scope(b).cmp(&scope(a)))
        .then_with(|| {
            if a.is_ipv4() != b.is_ipv4() {
                return Ordering::Equal;
            }
            length(a, from_a).cmp(&length(b, from_b))
        })
}

/// The scope of an address in the numbering of multicast: 2 link-local, 5 site-local, 14 global
/// (RFC 6724 §3.1). Private IPv4 addresses are global (RFC 6724 §3.2).
#[must_use]
pub const fn scope(ip: IpAddr) -> u8 {
    const LINK: u8 = 2;
    const SITE: u8 = 5;
    const GLOBAL: u8 = 14;
    match ip {
        IpAddr::V4(v4) if v4.is_loopback() || v4.is_link_local() => LINK,
        IpAddr::V4(_) => GLOBAL,
        IpAddr::V6(v6) => match v6.octets() {
            [0xff, second, ..] => second & 0x0f,
            [0xfe, second, ..] if second & 0xc0 == 0xc0 => SITE,
            _ if v6.is_unicast_link_local() || v6.is_loopback() => LINK,
            _ => GLOBAL,
        },
    }
}

/// RFC 6724 §2.2: leading bits that both addresses share, up to the length of the source's prefix.
fn common_prefix(source: Candidate, destination: IpAddr) -> u32 {
    let shared = match (source.ip, destination) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (a, b) => (mapped(a).to_bits() ^ mapped(b).to_bits()).leading_zeros(),
    };
    shared.min(u32::from(source.prefix))
}

const fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

fn mapped_prefix(prefix: Prefix) -> Prefix {
    match prefix.ip() {
        IpAddr::V4(v4) => {
            Prefix::new(v4.to_ipv6_mapped().into(), prefix.length() + 96).unwrap_or(prefix)
        }
        IpAddr::V6(_) => prefix,
    }
}

#[cfg(test)]
mod tests;
