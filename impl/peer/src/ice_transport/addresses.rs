//! Which addresses of the host are offered: RFC 8445 §5.1.1.1.

use std::net::{IpAddr, Ipv6Addr};

use base::{Interface, InterfaceAddress, InterfaceKind};
use ice::priority::NetworkCost;

/// Most addresses of a host that are offered, so that pairs stay few. Hosts with more are routers or
/// run many containers; the first ones that the system lists are taken.
pub const MAX_ADDRESSES: usize = 16;

/// An address to open a socket on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usable {
    pub(super) ip: IpAddr,
    pub(super) cost: NetworkCost,
}

/// The addresses to offer, in the order of the interfaces.
pub(super) fn usable(interfaces: &[Interface], loopback: bool) -> Vec<Usable> {
    let mut found = Vec::new();
    for interface in interfaces {
        if interface.kind == InterfaceKind::Loopback && !loopback {
            continue;
        }
        let cost = NetworkCost::of(interface.kind);
        let good = |address: &&InterfaceAddress| {
            is_offered(address.ip, loopback) && !is_outdone(address, &interface.addresses)
        };
        found.extend(interface.addresses.iter().filter(good).map(|it| Usable { ip: it.ip, cost }));
    }
    found.truncate(MAX_ADDRESSES);
    found
}

/// Whether an interface has the address, preferred or not.
pub(super) fn has(interfaces: &[Interface], ip: IpAddr) -> bool {
    interfaces.iter().flat_map(|interface| &interface.addresses).any(|address| address.ip == ip)
}

/// RFC 8445 §5.1.1.1: no loopback, no address of a way to carry IPv4 within IPv6, none that was withdrawn
/// from use. Link-local IPv6 addresses mean nothing without the interface they are on, which a candidate
/// cannot say.
fn is_offered(ip: IpAddr, loopback: bool) -> bool {
    let special = ip.is_unspecified() || ip.is_multicast() || (ip.is_loopback() && !loopback);
    match ip {
        IpAddr::V4(ip) => !special && !ip.is_broadcast(),
        IpAddr::V6(ip) => {
            let [first, ..] = ip.segments();
            let carries_v4 = matches!(ip.segments(), [0, 0, 0, 0, 0, 0 | 0xffff, ..]);
            let site_local = first & 0xffc0 == 0xfec0;
            let unfit = carries_v4 && !ip.is_loopback();
            !(special || unfit || site_local || ip.is_unicast_link_local())
        }
    }
}

/// Whether a better address of the same interface and family makes this one unfit for new
/// conversations: it is deprecated while another is not, or it is permanent and a temporary one of the
/// same network is there, which says less about the host (RFC 8445 §5.1.1.1, RFC 8981 §3.1).
fn is_outdone(address: &InterfaceAddress, all: &[InterfaceAddress]) -> bool {
    let others = all.iter().filter(|other| {
        other.ip != address.ip
            && other.ip.is_ipv4() == address.ip.is_ipv4()
            && other.deprecated_at.is_none()
            && is_offered(other.ip, false)
    });
    let better = |other: &InterfaceAddress| {
        address.deprecated_at.is_some()
            || (other.temporary && !address.temporary && same_network(address, other))
    };
    others.into_iter().any(better)
}

fn same_network(one: &InterfaceAddress, other: &InterfaceAddress) -> bool {
    let (IpAddr::V6(a), IpAddr::V6(b)) = (one.ip, other.ip) else { return false };
    let bits = |ip: Ipv6Addr| ip.to_bits().checked_shr(128 - u32::from(one.prefix.min(128)));
    bits(a) == bits(b)
}

#[cfg(test)]
mod tests {
    use base::Instant;
    use rstest::rstest;

    use super::*;

    fn interface(kind: InterfaceKind, addresses: &[&str]) -> Interface {
        let address = |text: &&str| {
            let (text, temporary) = match text.strip_suffix(" temporary") {
                Some(text) => (text, true),
                None => (*text, false),
            };
            let (text, deprecated) = match text.strip_suffix(" deprecated") {
                Some(text) => (text, true),
                None => (text, false),
            };
            let ip: IpAddr = text.parse().unwrap();
            let deprecated_at = deprecated.then_some(Instant::ZERO);
            let prefix = if ip.is_ipv4() { 24 } else { 64 };
            InterfaceAddress { deprecated_at, temporary, ..InterfaceAddress::new(ip, prefix) }
        };
        let addresses = addresses.iter().map(address).collect();
        Interface { name: "x".into(), index: 1, kind, mtu: 1_500, addresses }
    }

    #[rstest]
    #[case::both_families(&["192.0.2.1", "2001:db8::1"], &["192.0.2.1", "2001:db8::1"])]
    #[case::loopback(&["127.0.0.1", "::1"], &[])]
    #[case::link_local(&["fe80::1", "169.254.1.1"], &["169.254.1.1"])]
    #[case::carried_ipv4(&["::ffff:192.0.2.1", "::192.0.2.1", "fec0::1"], &[])]
    #[case::temporary(&["2001:db8::1", "2001:db8::2 temporary"], &["2001:db8::2"])]
    #[case::temporary_elsewhere(
        &["2001:db8::1", "2001:db8:1::2 temporary"],
        &["2001:db8::1", "2001:db8:1::2"]
    )]
    #[case::deprecated(&["2001:db8::1 deprecated", "2001:db8::2"], &["2001:db8::2"])]
    #[case::deprecated_alone(&["2001:db8::1 deprecated"], &["2001:db8::1"])]
    #[case::deprecated_for_the_other_family(
        &["192.0.2.1 deprecated", "2001:db8::2"],
        &["192.0.2.1", "2001:db8::2"]
    )]
    fn offers_what_a_peer_can_use(#[case] addresses: &[&str], #[case] offered: &[&str]) {
        let interfaces = [interface(InterfaceKind::Ethernet, addresses)];
        let found: Vec<String> =
            usable(&interfaces, false).iter().map(|usable| usable.ip.to_string()).collect();
        assert_eq!(found, offered);
    }

    #[test]
    fn loopback_is_offered_on_demand() {
        let interfaces = [interface(InterfaceKind::Loopback, &["127.0.0.1", "::1"])];
        assert!(usable(&interfaces, false).is_empty());
        assert_eq!(usable(&interfaces, true).len(), 2);
    }

    #[test]
    fn a_host_with_many_addresses_offers_the_first_ones() {
        let all: Vec<String> = (0..40).map(|n| format!("192.0.2.{n}")).collect();
        let texts: Vec<&str> = all.iter().map(String::as_str).collect();
        let interfaces = [interface(InterfaceKind::Ethernet, &texts)];
        assert_eq!(usable(&interfaces, false).len(), MAX_ADDRESSES);
    }
}
