//! The special-purpose registries and embeddings, row by row.

use std::net::{Ipv4Addr, Ipv6Addr};

use base::Rng;
use rstest::rstest;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// One address of every range of the IANA registry for IPv4, both ends where they are known well.
const SPECIAL_V4: [&str; 33] = [
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.169.254",
    "169.254.255.255",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.0.255",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "233.252.0.1",
];

/// The same for IPv6.
const SPECIAL_V6: [&str; 29] = [
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff:fff::1",
    "5f00::1",
    "fc00::1",
    "fe80::1",
    "ff02::1",
    "::ffff:0:8.8.8.8",
    "1fff::1",
    "4000::1",
    "8000::1",
    "fe00::1",
];

/// Every way in which an IPv6 address may carry `inner`.
fn embeddings(inner: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = inner.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    vec![
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, high, c, d << 8, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0xaa00 | a, b << 8 >> 8, low, 0, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0xaaaa, a, b << 8 | c, d << 8, 0),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0xaaaa, 0, 0, high, low),
        Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !0x808, !0x808),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2a00, 1, 2, 3, 0x200, 0x5efe, high, low),
    ]
}

#[test]
fn refuses_every_special_address_of_both_families() {
    let policy = Policy::new();
    for address in SPECIAL_V4.iter().chain(&SPECIAL_V6) {
        assert!(!policy.permits(ip(address)), "{address}");
    }
    for address in ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2a00::1", "2606:4700::1"] {
        assert!(policy.permits(ip(address)), "{address}");
    }
}

#[test]
fn refuses_every_embedding_of_every_special_ipv4_address() {
    // Everything is allowed that may be, but the IPv4 ranges: only the embedded address speaks.
    let policy = Policy { allow: vec![Cidr::ALL_IPV6], ..Policy::default() };
    for inner in SPECIAL_V4 {
        let inner: Ipv4Addr = inner.parse().unwrap();
        for outer in embeddings(inner) {
            assert!(!policy.permits(IpAddr::V6(outer)), "{inner} in {outer}");
        }
    }
}

#[test]
fn an_ordinary_address_in_nat64_passes_where_nat64_is_allowed() {
    let policy = Policy { allow: vec!["64:ff9b::/96".parse().unwrap()], ..Policy::default() };
    assert!(policy.permits(ip("64:ff9b::8.8.8.8")));
    assert!(!policy.permits(ip("64:ff9b::169.254.169.254")));
}

#[rstest]
#[case::teredo("2001:0:808:808::1")]
#[case::six_to_four("2002:808:808::1")]
fn tunnels_are_refused_whatever_the_lists_say(#[case] address: &str) {
    assert!(!Policy::for_laboratories().permits(ip(address)));
    assert!(is_tunnelled(ip(address)));
}

#[test]
fn deny_wins_over_allow() {
    let policy = Policy {
        allow: vec!["10.0.0.0/8".parse().unwrap()],
        deny: vec!["10.1.0.0/16".parse().unwrap(), "8.8.8.8".parse().unwrap()],
        only_allowed: false,
    };
    assert!(policy.permits(ip("10.2.0.1")) && policy.permits(ip("1.1.1.1")));
    assert!(!policy.permits(ip("10.1.0.1")) && !policy.permits(ip("8.8.8.8")));
    assert!(!policy.permits(ip("2a00::5efe:808:808")), "a denied address in disguise");
}

#[test]
fn only_the_allowed_pass_in_allow_list_mode() {
    let allow = vec!["192.0.2.0/24".parse().unwrap()];
    let policy = Policy { allow, deny: Vec::new(), only_allowed: true };
    assert!(policy.permits(ip("192.0.2.7")));
    assert!(!policy.permits(ip("8.8.8.8")) && !policy.permits(ip("2a00::1")));
}

/// What the first and the last address of a network are as numbers, without its own arithmetic.
fn interval(network: u128, prefix: u32, width: u32) -> (u128, u128) {
    let size =
        if prefix == 0 && width == 128 { u128::MAX } else { (1_u128 << (width - prefix)) - 1 };
    (network, network.saturating_add(size))
}

#[test]
fn networks_compare_as_numbers_do() {
    let mut rng = Rng::from_seed([4; 32]);
    for _ in 0..20_000 {
        let is_v4 = rng.public_below(2) == 0;
        let width = if is_v4 { 32 } else { 128 };
        let prefix = u32::try_from(rng.public_below(u64::from(width) + 1)).unwrap();
        let wide = u128::from_be_bytes(rng.public_array());
        let narrow = if is_v4 { wide & u128::from(u32::MAX) } else { wide };
        let (first, _) = interval(0, prefix, width);
        let (_, size) = interval(0, prefix, width);
        assert_eq!(first, 0);
        let network = narrow & !size;
        let (first, last) = interval(network, prefix, width);
        // At the edges and beside them, and somewhere.
        let near =
            [first, last, first.wrapping_sub(1), last.wrapping_add(1), narrow ^ 1 << (prefix / 2)];
        let address = |bits: u128| match is_v4 {
            true => IpAddr::from(u32::try_from(bits & u128::from(u32::MAX)).unwrap().to_be_bytes()),
            false => IpAddr::from(bits.to_be_bytes()),
        };
        let cidr = Cidr::new(address(network), u8::try_from(prefix).unwrap()).unwrap();
        for bits in near {
            let bits = if is_v4 { bits & u128::from(u32::MAX) } else { bits };
            let expected = first <= bits && bits <= last;
            assert_eq!(cidr.contains(address(bits)), expected, "{cidr} {bits:x}");
        }
    }
}

#[rstest]
#[case::address("192.0.2.1", Ok("192.0.2.1/32"))]
#[case::network("2001:db8::/32", Ok("2001:db8::/32"))]
#[case::everything("0.0.0.0/0", Ok("0.0.0.0/0"))]
#[case::no_address("example.org", Err(CidrError::NoAddress))]
#[case::long_prefix("192.0.2.0/33", Err(CidrError::BadPrefix))]
#[case::wild_prefix("192.0.2.0/x", Err(CidrError::BadPrefix))]
#[case::bits_behind("192.0.2.1/24", Err(CidrError::BitsBehindPrefix))]
fn reads_networks(#[case] text: &str, #[case] expected: Result<&str, CidrError>) {
    assert_eq!(text.parse().map(|cidr: Cidr| cidr.to_string()), expected.map(str::to_owned));
}
