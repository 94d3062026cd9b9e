//! Headers and ICMP messages from one family to the other: RFC 7915.
//!
//! Hop limit, traffic class and ECN mark keep their place (RFC 7915 §4.1, §5.1); whoever forwards takes
//! the hop off. Checksums are right by construction: packets here hold fields.

use std::num::NonZeroU16;

use crate::packet::{IcmpError, Packet};

/// Bytes by which an IPv6 header is longer than one of IPv4.
pub(super) const DIFFERENCE: u32 = 20;
/// The packet size in bytes that every IPv6 link carries (RFC 8200 §5).
const MINIMUM_MTU: u32 = 1_280;
/// The same as the limit of fragments.
const FRAGMENT_SIZE: NonZeroU16 = NonZeroU16::new(1_280).expect("not zero");
/// The longest IPv4 packet in bytes that translates into one which every IPv6 link carries.
const SMALL: usize = 1_260;

/// Bytes that the links on the two sides of a translator carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mtus {
    pub(super) ipv6: u32,
    pub(super) ipv4: u32,
}

/// Makes the header of a packet, whose addresses are IPv4 already, one of IPv4: RFC 7915 §5.1.
pub(super) fn to_ipv4(packet: &mut Packet) {
    packet.split_at = None;
    match &mut packet.fragment {
        Some(fragment) => {
            fragment.identification &= 0xffff;
            packet.dont_fragment = false;
        }
        // Small packets may be fragmented on the way, because an IPv6 host that was told of a smaller
        // MTU than IPv6 has would not send smaller ones.
        None => packet.dont_fragment = packet.ip_length() > SMALL,
    }
}

/// Makes the header of a packet, whose addresses are IPv6 already, one of IPv6: RFC 7915 §4.1.
pub(super) fn to_ipv6(packet: &mut Packet) {
    // RFC 7915 §4: where IPv4 allowed fragments, the translator makes them, of a size that passes
    // everywhere.
    packet.split_at = (!packet.dont_fragment).then_some(FRAGMENT_SIZE);
}

/// What an ICMPv6 error says in ICMP: RFC 7915 §5.2.
pub(super) fn kind_to_ipv4(kind: IcmpError, mtus: Mtus) -> IcmpError {
    match kind {
        IcmpError::NetworkUnreachable => IcmpError::HostUnreachable,
        IcmpError::TooBig { mtu } => IcmpError::TooBig {
            mtu: mtu
                .saturating_sub(DIFFERENCE)
                .min(mtus.ipv4)
                .min(mtus.ipv6.saturating_sub(DIFFERENCE)),
        },
        IcmpError::HostUnreachable
        | IcmpError::PortUnreachable
        | IcmpError::Prohibited
        | IcmpError::TimeExceeded
        | IcmpError::ReassemblyTimeExceeded => kind,
    }
}

/// What an ICMP error says in ICMPv6: RFC 7915 §4.2.
pub(super) fn kind_to_ipv6(kind: IcmpError, mtus: Mtus) -> IcmpError {
    match kind {
        IcmpError::HostUnreachable => IcmpError::NetworkUnreachable,
        IcmpError::TooBig { mtu } => IcmpError::TooBig {
            mtu: mtu
                .saturating_add(DIFFERENCE)
                .min(mtus.ipv6)
                .min(mtus.ipv4.saturating_add(DIFFERENCE))
                .max(MINIMUM_MTU),
        },
        IcmpError::NetworkUnreachable
        | IcmpError::PortUnreachable
        | IcmpError::Prohibited
        | IcmpError::TimeExceeded
        | IcmpError::ReassemblyTimeExceeded => kind,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ETHERNET: Mtus = Mtus { ipv6: 1_500, ipv4: 1_500 };

    #[rstest]
    #[case::what_it_says(ETHERNET, 1_400, 1_380)]
    #[case::the_ipv4_link(Mtus { ipv6: 9_000, ipv4: 1_500 }, 8_000, 1_500)]
    #[case::the_ipv6_link(ETHERNET, 8_000, 1_480)]
    #[case::nonsense(ETHERNET, 3, 0)]
    fn reports_of_big_packets_shrink_to_ipv4(
        #[case] mtus: Mtus,
        #[case] mtu: u32,
        #[case] told: u32,
    ) {
        assert_eq!(kind_to_ipv4(IcmpError::TooBig { mtu }, mtus), IcmpError::TooBig { mtu: told });
    }

    #[rstest]
    #[case::what_it_says(ETHERNET, 1_380, 1_400)]
    #[case::the_ipv6_link(ETHERNET, 8_000, 1_500)]
    #[case::the_ipv4_link(Mtus { ipv6: 9_000, ipv4: 1_400 }, 8_000, 1_420)]
    #[case::never_below_the_minimum(ETHERNET, 576, 1_280)]
    fn reports_of_big_packets_grow_to_ipv6(
        #[case] mtus: Mtus,
        #[case] mtu: u32,
        #[case] told: u32,
    ) {
        assert_eq!(kind_to_ipv6(IcmpError::TooBig { mtu }, mtus), IcmpError::TooBig { mtu: told });
    }

    #[rstest]
    #[case::network(IcmpError::NetworkUnreachable, (3, 1), (1, 0))]
    #[case::host(IcmpError::HostUnreachable, (3, 1), (1, 0))]
    #[case::port(IcmpError::PortUnreachable, (3, 3), (1, 4))]
    #[case::prohibited(IcmpError::Prohibited, (3, 13), (1, 1))]
    #[case::time(IcmpError::TimeExceeded, (11, 0), (3, 0))]
    #[case::reassembly(IcmpError::ReassemblyTimeExceeded, (11, 1), (3, 1))]
    fn other_errors_have_counterparts(
        #[case] kind: IcmpError,
        #[case] ipv4: (u8, u8),
        #[case] ipv6: (u8, u8),
    ) {
        assert_eq!(kind_to_ipv4(kind, ETHERNET).type_and_code(false), ipv4);
        assert_eq!(kind_to_ipv6(kind, ETHERNET).type_and_code(true), ipv6);
    }
}
