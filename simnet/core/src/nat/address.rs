//! The addresses of a NAT: which are external, and what each becomes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use base::InterfaceAddress;

use super::config::{Fixed, Ipv6, OneToOne, OverTime};
use crate::{
    middlebox::{Outlet, Side},
    prefix::Prefix,
};

/// The addresses a NAT has on its two sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    /// External IPv4 addresses: those of the outside interface.
    pub(super) pool: Vec<IpAddr>,
    /// Pairs of an internal address and the external one that is its own.
    pub(super) one_to_one: Vec<OneToOne>,
    /// External addresses that some ports are forwarded from alone.
    forwarded: Vec<IpAddr>,
    inside: [Option<IpAddr>; 2],
    /// What is numbered on the inside.
    networks: Vec<Prefix>,
    outside_ipv6: Option<IpAddr>,
}

impl Addresses {
    /// What the configuration says of them.
    pub(super) fn new(fixed: &Fixed) -> Self {
        let forwarded = fixed.forwards.iter().filter_map(|forward| forward.external_address);
        Self {
            pool: fixed.pool.clone(),
            one_to_one: fixed.one_to_one.clone(),
            forwarded: forwarded.collect(),
            ..Self::default()
        }
    }

    /// External addresses that need not be those of an interface.
    pub(super) fn announced(&self, plan: &OverTime) -> Vec<IpAddr> {
        let pairs = self.one_to_one.iter().map(|pair| pair.external);
        let later = plan.addresses.iter().flat_map(|change| change.pool.iter().copied());
        let now = self.pool.iter().copied().chain(self.forwarded.iter().copied());
        now.chain(pairs).chain(later).collect()
    }

    /// Reads the addresses of the interfaces.
    pub(super) fn read(&mut self, fixed: &Fixed, out: &Outlet<'_>) {
        let first = |side, ipv6| {
            let is = |address: &&InterfaceAddress| address.ip.is_ipv6() == ipv6;
            out.addresses(side).iter().find(is).map(|address| address.ip)
        };
        self.pool.clear();
        let outside = out.addresses(Side::OUTSIDE).iter().map(|address| address.ip);
        if fixed.pool.is_empty() {
            self.pool.extend(outside.filter(IpAddr::is_ipv4));
        } else {
            self.pool.extend(&fixed.pool);
        }
        self.inside = [first(Side::INSIDE, false), first(Side::INSIDE, true)];
        let network = |address: &InterfaceAddress| Prefix::new(address.ip, address.prefix);
        self.networks = out.addresses(Side::INSIDE).iter().filter_map(network).collect();
        self.outside_ipv6 = first(Side::OUTSIDE, true);
    }

    /// The box's own address on `side`, of the family asked for.
    pub(super) fn own(&self, side: Side, ipv6: bool) -> Option<IpAddr> {
        match (side, ipv6) {
            (Side::INSIDE, ipv6) => self.inside.get(usize::from(ipv6)).copied().flatten(),
            (_, false) => self.pool.first().copied(),
            (_, true) => self.outside_ipv6,
        }
    }

    /// Whether `ip` is the box's own on the inside. The same number may belong to somebody else outside
    /// (RFC 4787 §4.4).
    pub(super) fn is_own_inside(&self, ip: IpAddr) -> bool {
        self.inside.contains(&Some(ip))
    }

    /// Whether `ip` is numbered as the hosts on the inside are.
    pub(super) fn is_inside(&self, ip: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(ip))
    }

    /// Whether both ends have an external address of their own, and no ports are translated between
    /// them.
    pub(super) fn is_basic(&self, internal: IpAddr, external: SocketAddr) -> bool {
        self.dedicated(internal).is_some() && self.owner(external).is_some()
    }

    /// Whether packets from inside to `ip` would have to turn around.
    pub(super) fn is_external(&self, ip: IpAddr, ipv6: Ipv6) -> bool {
        match ip {
            IpAddr::V4(_) => {
                self.pool.contains(&ip)
                    || self.one_to_one.iter().any(|pair| pair.external == ip)
                    || self.forwarded.contains(&ip)
            }
            IpAddr::V6(ip) => match ipv6 {
                Ipv6::TranslatePrefix { external, length, .. } => has_prefix(ip, external, length),
                Ipv6::Filter | Ipv6::Route | Ipv6::Drop => false,
            },
        }
    }

    /// The external address that belongs to `internal` alone.
    pub(super) fn dedicated(&self, internal: IpAddr) -> Option<IpAddr> {
        let own = self.one_to_one.iter().find(|pair| pair.internal == internal)?;
        Some(own.external)
    }

    /// The internal endpoint that owns the address of `external`.
    pub(super) fn owner(&self, external: SocketAddr) -> Option<SocketAddr> {
        let own = self.one_to_one.iter().find(|pair| pair.external == external.ip())?;
        Some(SocketAddr::new(own.internal, external.port()))
    }
}

/// What an IPv6 address becomes when the prefix `from` is replaced by `to`, as NPTv6 does it. The word
/// behind the prefix takes up the difference, so that no checksum above changes. An address outside
/// `from`, and one whose word cannot take it up, stays as it is.
pub(super) fn translate_prefix(ip: Ipv6Addr, from: Ipv6Addr, to: Ipv6Addr, length: u8) -> Ipv6Addr {
    // A word of all ones cannot be adjusted.
    let word = ip.segments()[3];
    if !has_prefix(ip, from, length) || word == u16::MAX {
        return ip;
    }
    let mask = prefix_mask(length);
    let replaced = Ipv6Addr::from_bits((to.to_bits() & mask) | (ip.to_bits() & !mask));
    let sum = |address: Ipv6Addr| {
        let [a, b, c, ..] = address.segments();
        add_ones(add_ones(a, b), c)
    };
    let difference = add_ones(sum(ip), !sum(replaced));
    let mut segments = replaced.segments();
    // All ones is written as zero, its twin in one's complement.
    segments[3] = match add_ones(word, difference) {
        u16::MAX => 0,
        adjusted => adjusted,
    };
    Ipv6Addr::from(segments)
}

fn has_prefix(ip: Ipv6Addr, prefix: Ipv6Addr, length: u8) -> bool {
    (ip.to_bits() ^ prefix.to_bits()) & prefix_mask(length) == 0
}

/// The first `length` bits, at most the 48 that leave the fourth word free.
fn prefix_mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length.min(48))).unwrap_or(0)
}

/// Addition in one's complement, as in the Internet checksum.
const fn add_ones(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + carry as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_translation_agrees_with_the_example_of_its_specification() {
        let (inner, outer) = ("fd01:203:405::".parse().unwrap(), "2001:db8:1::".parse().unwrap());
        let host: Ipv6Addr = "fd01:203:405:1::1234".parse().unwrap();
        let seen = translate_prefix(host, inner, outer, 48);
        assert_eq!(seen, "2001:db8:1:d550::1234".parse::<Ipv6Addr>().unwrap());
        assert_eq!(translate_prefix(seen, outer, inner, 48), host);
        assert_eq!(translate_prefix(seen, inner, outer, 48), seen);
    }
}
