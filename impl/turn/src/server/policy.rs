//! Which peers may be relayed to: RFC 8656 §21.2.2, §21.4.
//!
//! A relay stands inside a network that its clients do not. Whatever it will send to, they reach: the
//! loopback of its host, the machines beside it, the metadata service of its cloud. So a peer is
//! refused unless its address is an ordinary one of the Internet, in every reading of the address.

mod cidr;
mod special;

use std::net::{IpAddr, SocketAddr};

use smallvec::SmallVec;

pub use cidr::{Cidr, CidrError};

/// Most addresses that one address can be read as: itself and those embedded in it.
const MAX_READINGS: usize = 6;

/// Which peers may be relayed to.
///
/// An address is read in every way a host or a router on the path may read it: an IPv6 address that has
/// an IPv4 address embedded (mapped, compatible, 6to4, NAT64, Teredo, ISATAP) counts as both. It is
/// permitted if every reading is. A reading is
///
/// 1. refused if it is Teredo or 6to4, whatever the lists say (RFC 8656 §21.4);
/// 2. refused if `deny` has it;
/// 3. permitted if `allow` has it;
/// 4. refused if `only_allowed` is set;
/// 5. refused if it is of special purpose: all ranges of the IANA registries for IPv4 and IPv6, and
///    multicast, broadcast, reserved, site-local and IPv4-compatible addresses;
/// 6. permitted.
///
/// The server's own addresses are refused besides, but for those it relays from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks that are relayed to although they are of special purpose.
    pub allow: Vec<Cidr>,
    /// Networks that are never relayed to.
    pub deny: Vec<Cidr>,
    /// Whether nothing but `allow` is relayed to.
    pub only_allowed: bool,
}

impl Policy {
    /// Relays to the whole Internet and to nothing beside it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Relays to every address but those of RFC 8656 §21.4: for laboratories and tests, whose hosts
    /// have addresses of special purpose.
    #[must_use]
    pub fn for_laboratories() -> Self {
        Self { allow: vec![Cidr::ALL_IPV4, Cidr::ALL_IPV6], ..Self::default() }
    }

    /// Whether a peer with this address may be relayed to.
    #[must_use]
    pub fn permits(&self, ip: IpAddr) -> bool {
        readings(ip).into_iter().all(|reading| self.permits_reading(reading))
    }

    fn permits_reading(&self, ip: IpAddr) -> bool {
        let in_list = |list: &[Cidr]| list.iter().any(|cidr| cidr.contains(ip));
        let is_tunnelled =
            special::is_tunnelled(ip) && !base::mutant::active("turn-server-relays-to-tunnels");
        if is_tunnelled || in_list(&self.deny) {
            return false;
        }
        in_list(&self.allow) || !(self.only_allowed || special::is_special(ip))
    }
}

/// Whether `ip` is one of a tunnel that sends on by itself, so that a server neither serves nor sends
/// there: RFC 8656 §21.4.
pub(super) fn is_tunnelled(ip: IpAddr) -> bool {
    special::is_tunnelled(ip)
}

/// Everything that `ip` may be read as, itself first.
fn readings(ip: IpAddr) -> SmallVec<[IpAddr; MAX_READINGS]> {
    let mut readings = SmallVec::new();
    readings.push(ip);
    if let IpAddr::V6(ip) = ip
        && !base::mutant::active("turn-server-policy-blind-to-embeddings")
    {
        special::embedded(ip, |inner| readings.push(IpAddr::V4(inner)));
    }
    readings
}

/// Whether two addresses are the same host to the sockets of a system that maps IPv4 into IPv6.
pub(super) fn is_same_host(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip().to_canonical() == other.ip().to_canonical() && one.port() == other.port()
}

#[cfg(test)]
mod tests;
