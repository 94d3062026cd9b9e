//! Addresses of special purpose, and IPv4 addresses within IPv6 addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Cidr;

/// The IANA IPv4 Special-Purpose Address Registry, and what no unicast peer can have.
const SPECIAL_IPV4: [Cidr; 18] = [
    Cidr::v4([0, 0, 0, 0], 8),       // This network: RFC 791 §3.2.
    Cidr::v4([10, 0, 0, 0], 8),      // Private use.
    Cidr::v4([100, 64, 0, 0], 10),   // Shared address space of carriers.
    Cidr::v4([127, 0, 0, 0], 8),     // Loopback.
    Cidr::v4([169, 254, 0, 0], 16),  // Link-local, where clouds have their metadata.
    Cidr::v4([172, 16, 0, 0], 12),   // Private use.
    Cidr::v4([192, 0, 0, 0], 24),    // IETF protocol assignments: DS-Lite, NAT64 discovery.
    Cidr::v4([192, 0, 2, 0], 24),    // Documentation.
    Cidr::v4([192, 31, 196, 0], 24), // AS112.
    Cidr::v4([192, 52, 193, 0], 24), // Automatic multicast tunnelling.
    Cidr::v4([192, 88, 99, 0], 24),  // Relays of 6to4.
    Cidr::v4([192, 168, 0, 0], 16),  // Private use.
    Cidr::v4([192, 175, 48, 0], 24), // AS112.
    Cidr::v4([198, 18, 0, 0], 15),   // Benchmarks.
    Cidr::v4([198, 51, 100, 0], 24), // Documentation.
    Cidr::v4([203, 0, 113, 0], 24),  // Documentation.
    Cidr::v4([224, 0, 0, 0], 4),     // Multicast.
    Cidr::v4([240, 0, 0, 0], 4),     // Reserved, and limited broadcast.
];

/// The IANA IPv6 Special-Purpose Address Registry, and what no unicast peer can have.
const SPECIAL_IPV6: [Cidr; 15] = [
    Cidr::v6([0; 8], 96), // Unspecified, loopback, IPv4-compatible.
    Cidr::v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), // IPv4-mapped.
    Cidr::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), // NAT64.
    Cidr::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), // NAT64 of a network of its own.
    Cidr::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), // Discard.
    Cidr::v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64), // Dummy prefix.
    Cidr::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // IETF protocol assignments, Teredo among them.
    Cidr::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // Documentation.
    Cidr::v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112.
    Cidr::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // Documentation.
    Cidr::v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), // Segment routing.
    Cidr::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), // Unique local.
    Cidr::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), // Link-local.
    Cidr::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), // Site-local, of old.
    Cidr::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), // Multicast.
];

/// Teredo and 6to4.
const TUNNELLED: [Cidr; 2] =
    [Cidr::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Cidr::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16)];

/// Where NAT64 translates for the Internet: RFC 6052 §2.1.
const NAT64: Cidr = Cidr::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
/// Where it does so for a network of its own, with a prefix of any length.
const NAT64_LOCAL: Cidr = Cidr::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
/// Addresses whose last 32 bits are an IPv4 address: compatible, mapped, translated.
const ENDS_IN_IPV4: [Cidr; 4] = [
    Cidr::v6([0; 8], 96),
    Cidr::v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    Cidr::v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96),
    NAT64,
];

/// Where IPv6 addresses of ordinary hosts are: nothing else is given out.
const GLOBAL_UNICAST: Cidr = Cidr::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Whether `ip` is of special purpose.
pub(super) fn is_special(ip: IpAddr) -> bool {
    let ranges: &[Cidr] = if ip.is_ipv4() { &SPECIAL_IPV4 } else { &SPECIAL_IPV6 };
    let is_unassigned = ip.is_ipv6() && !GLOBAL_UNICAST.contains(ip);
    is_unassigned || ranges.iter().any(|range| range.contains(ip)) || is_tunnelled(ip)
}

/// Whether `ip` is the end of an automatic tunnel.
pub(super) fn is_tunnelled(ip: IpAddr) -> bool {
    TUNNELLED.iter().any(|range| range.contains(ip))
}

/// Tells `found` of every IPv4 address that `ip` may stand for.
pub(super) fn embedded(ip: Ipv6Addr, mut found: impl FnMut(Ipv4Addr)) {
    let outer = IpAddr::V6(ip);
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = ip.octets();
    let last = Ipv4Addr::new(m, n, o, p);
    if ENDS_IN_IPV4.iter().any(|range| range.contains(outer)) {
        found(last);
    }
    if NAT64_LOCAL.contains(outer) {
        // RFC 6052 §2.2: behind prefixes of 48, 56, 64 and 96 bits, around the zero byte at 64.
        found(Ipv4Addr::new(g, h, j, k));
        found(Ipv4Addr::new(h, j, k, l));
        found(Ipv4Addr::new(j, k, l, m));
        found(last);
    }
    match [a, b, c, d] {
        [0x20, 0x02, ..] => found(Ipv4Addr::new(c, d, e, f)),
        // Teredo: the server in clear, the client inverted.
        [0x20, 0x01, 0, 0] => {
            found(Ipv4Addr::new(e, f, g, h));
            found(Ipv4Addr::new(!m, !n, !o, !p));
        }
        _ => {}
    }
    // ISATAP, behind any prefix; one bit tells whether the address is unique in the world.
    if matches!([i, j, k, l], [0 | 2, 0, 0x5e, 0xfe]) {
        found(last);
    }
}
