//! Which addresses of the host are offered: RFC 8445 §5.1.1.1.

use std::net::{IpAddr, Ipv6Addr};

use base::{Instant, Interface, InterfaceAddress, InterfaceKind};

use crate::candidate::priority::NetworkCost;

/// The addresses for host candidates, each with the cost of its network, in the order to
/// [plan](crate::priority::Ranking::plan) them in: temporary IPv6 addresses first, those deprecated
/// last.
///
/// Left out are loopback, unspecified and multicast addresses, the deprecated IPv6 kinds, IPv4
/// mapped into IPv6, and, where an interface has a temporary address of a prefix, the others of
/// that prefix and the link-local ones, which would tell who we are.
///
/// ```
/// use base::{Instant, Interface, InterfaceAddress, InterfaceKind};
/// use ice::{host_addresses, priority::NetworkCost};
///
/// let interface = Interface {
///     name: "wlan0".into(),
///     index: 2,
///     kind: InterfaceKind::Wifi,
///     mtu: 1_500,
///     addresses: vec![InterfaceAddress::new("192.168.1.7".parse()?, 24)],
/// };
/// let found = host_addresses(&[interface], Instant::ZERO);
/// assert_eq!(found, [("192.168.1.7".parse()?, NetworkCost(10))]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn host_addresses(interfaces: &[Interface], now: Instant) -> Vec<(IpAddr, NetworkCost)> {
    let mut found: Vec<(u8, IpAddr, NetworkCost)> = Vec::new();
    for interface in interfaces {
        if interface.kind == InterfaceKind::Loopback {
            continue;
        }
        for address in &interface.addresses {
            let is_new = !found.iter().any(|&(_, ip, _)| ip == address.ip);
            if is_new && is_allowed(address.ip) && !is_tracked(address, &interface.addresses) {
                let deprecated = address.deprecated_at.is_some_and(|at| at <= now);
                let order = u8::from(deprecated) * 2 + u8::from(!address.temporary);
                found.push((order, address.ip, NetworkCost::of(interface.kind)));
            }
        }
    }
    found.sort_by_key(|&(order, ..)| order);
    found.into_iter().map(|(_, ip, cost)| (ip, cost)).collect()
}

fn is_allowed(ip: IpAddr) -> bool {
    if base::mutant::active("ice-any-address-offered") {
        return true;
    }
    match ip {
        IpAddr::V4(ip) => {
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast())
        }
        IpAddr::V6(ip) => {
            let [first, ..] = ip.segments();
            let is_site_local = first & 0xffc0 == 0xfec0;
            // Covers `::`, `::1` and the IPv4-compatible addresses, which are all in ::/96.
            let is_low = matches!(ip.segments(), [0, 0, 0, 0, 0, 0, _, _]);
            !(is_low || is_site_local || ip.is_multicast() || ip.to_ipv4_mapped().is_some())
        }
    }
}

/// Whether a temporary address of the same interface says as much and tells less.
fn is_tracked(address: &InterfaceAddress, all: &[InterfaceAddress]) -> bool {
    let IpAddr::V6(ip) = address.ip else {
        return false;
    };
    let temporary = || all.iter().filter(|other| other.temporary);
    let in_prefix = |other: &InterfaceAddress| match other.ip {
        IpAddr::V6(other) => prefix(other, address.prefix) == prefix(ip, address.prefix),
        IpAddr::V4(_) => false,
    };
    !address.temporary
        && (temporary().any(in_prefix) || (ip.is_unicast_link_local() && temporary().count() > 0))
}

fn prefix(ip: Ipv6Addr, length: u8) -> u128 {
    let bits = 128_u32.saturating_sub(u32::from(length));
    u128::from(ip).checked_shr(bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn address(ip: &str, temporary: bool) -> InterfaceAddress {
        InterfaceAddress { temporary, ..InterfaceAddress::new(ip.parse().unwrap(), 64) }
    }

    fn interface(kind: InterfaceKind, addresses: Vec<InterfaceAddress>) -> Interface {
        Interface { name: "eth0".into(), index: 1, kind, mtu: 1_500, addresses }
    }

    fn offered(addresses: Vec<InterfaceAddress>) -> Vec<String> {
        let interface = interface(InterfaceKind::Ethernet, addresses);
        let found = host_addresses(&[interface], Instant::ZERO);
        found.into_iter().map(|(ip, _)| ip.to_string()).collect()
    }

    #[rstest]
    #[case::loopback("127.0.0.1")]
    #[case::loopback_v6("::1")]
    #[case::unspecified("0.0.0.0")]
    #[case::compatible("::192.0.2.1")]
    #[case::mapped("::ffff:192.0.2.1")]
    #[case::site_local("fec0::1")]
    #[case::group("ff02::1")]
    fn addresses_of_no_use_to_others_are_left_out(#[case] ip: &str) {
        assert_eq!(offered(vec![address(ip, false), address("192.0.2.7", false)]), ["192.0.2.7"]);
    }

    #[test]
    fn loopback_interfaces_are_left_out_whatever_their_addresses() {
        let addresses = vec![address("192.0.2.7", false)];
        let loopback = interface(InterfaceKind::Loopback, addresses);
        assert_eq!(host_addresses(&[loopback], Instant::ZERO), []);
    }

    #[test]
    fn a_temporary_address_replaces_those_that_can_be_tracked() {
        let addresses = vec![
            address("fe80::1", false),
            address("2001:db8:0:1::7", false),
            address("2001:db8:0:2::7", false),
            address("2001:db8:0:1::99", true),
            address("192.0.2.7", false),
        ];
        assert_eq!(offered(addresses), ["2001:db8:0:1::99", "2001:db8:0:2::7", "192.0.2.7"]);
    }

    #[test]
    fn link_local_addresses_are_offered_where_nothing_else_would_be_told() {
        assert_eq!(offered(vec![address("fe80::1", false)]), ["fe80::1"]);
    }

    #[test]
    fn deprecated_addresses_come_last() {
        let mut old = address("2001:db8::7", true);
        old.deprecated_at = Some(Instant::ZERO);
        assert_eq!(offered(vec![old, address("192.0.2.7", false)]), ["192.0.2.7", "2001:db8::7"]);
    }
}
