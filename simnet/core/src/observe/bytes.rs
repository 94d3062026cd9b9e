//! Packets as bytes, for those who want them as they would be on the wire.

use std::net::{IpAddr, SocketAddr};

use etherparse::{
    Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpDscp, IpEcn, IpFragOffset, IpNumber,
    Ipv4Header, Ipv6FragmentHeader, Ipv6Header, TcpHeader, UdpHeader,
};

use crate::packet::{
    Body, Icmp, IcmpError, Packet, Protocol, Quote, Tcp, TcpFlags, UDP_HEADER, Udp,
};

/// ICMP echo reply and request: RFC 792; ICMPv6: RFC 4443 §4.
const ECHO: [(u8, u8); 2] = [(8, 0), (128, 129)];

/// Appends `packet` as it would be on the wire, from the IP header on, with all checksums.
///
/// A first fragment has no UDP checksum, since that covers bytes that are elsewhere. A packet whose
/// source and destination are of two families has no bytes.
pub fn write_packet(packet: &Packet, out: &mut Vec<u8>) {
    let start = out.len();
    write_ip_header(packet, out);
    match &packet.body {
        Body::Udp(udp) => write_udp(packet, udp, out),
        Body::Tcp(tcp) => write_tcp(packet, tcp, out),
        Body::Trailing(bytes) => out.extend_from_slice(bytes),
        Body::Icmp(icmp) => write_icmp(packet, icmp, out),
    }
    if packet.source_ip.is_ipv6() != packet.destination_ip.is_ipv6() {
        out.truncate(start);
    }
}

fn protocol_number(protocol: Protocol, ipv6: bool) -> IpNumber {
    match (protocol, ipv6) {
        (Protocol::Udp, _) => IpNumber::UDP,
        (Protocol::Tcp, _) => IpNumber::TCP,
        (Protocol::Icmp, false) => IpNumber::ICMP,
        (Protocol::Icmp, true) => IpNumber::IPV6_ICMP,
    }
}

fn write_ip_header(packet: &Packet, out: &mut Vec<u8>) {
    let number = protocol_number(packet.protocol(), packet.is_ipv6());
    match (packet.source_ip, packet.destination_ip) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let fragment = packet.fragment;
            let mut header = Ipv4Header {
                dscp: IpDscp::try_new(packet.dscp.bits()).unwrap_or_default(),
                ecn: IpEcn::try_new(packet.ecn.bits()).unwrap_or_default(),
                total_len: short(packet.ip_length()),
                identification: fragment.map_or(0, |part| low_half(part.identification)),
                dont_fragment: packet.dont_fragment,
                more_fragments: fragment.is_some_and(|part| part.more),
                fragment_offset: offset(fragment.map_or(0, |part| part.offset)),
                time_to_live: packet.hop_limit,
                protocol: number,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv4Header::default()
            };
            header.header_checksum = header.calc_header_checksum();
            out.extend_from_slice(&header.to_bytes());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let extension = packet.header_length() - crate::packet::IPV6_HEADER;
            let header = Ipv6Header {
                traffic_class: (packet.dscp.bits() << 2) | packet.ecn.bits(),
                payload_length: short(extension + packet.body_length()),
                next_header: packet
                    .fragment
                    .map_or(number, |_| IpNumber::IPV6_FRAGMENTATION_HEADER),
                hop_limit: packet.hop_limit,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv6Header::default()
            };
            out.extend_from_slice(&header.to_bytes());
            if let Some(part) = packet.fragment {
                let id = part.identification;
                let header = Ipv6FragmentHeader::new(number, offset(part.offset), part.more, id);
                out.extend_from_slice(&header.to_bytes());
            }
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
    }
}

fn write_udp(packet: &Packet, udp: &Udp, out: &mut Vec<u8>) {
    let mut header = UdpHeader {
        source_port: udp.source_port,
        destination_port: udp.destination_port,
        length: short(UDP_HEADER + udp.payload.len()),
        checksum: 0,
    };
    if packet.fragment.is_none() {
        let checksum = match (packet.source_ip, packet.destination_ip) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                header.calc_checksum_ipv4_raw(source.octets(), destination.octets(), &udp.payload)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                header.calc_checksum_ipv6_raw(source.octets(), destination.octets(), &udp.payload)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Ok(0),
        };
        header.checksum = checksum.unwrap_or(0);
        if !udp.checksum_ok {
            // Any other value will do, except zero, which means that there is none.
            header.checksum = if header.checksum == 1 { 2 } else { header.checksum ^ 1 };
        }
    }
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(&udp.payload);
}

fn write_tcp(packet: &Packet, tcp: &Tcp, out: &mut Vec<u8>) {
    let has = |flag| tcp.flags.contains(flag);
    let mut header = TcpHeader {
        acknowledgment_number: tcp.acknowledgment,
        ns: false,
        fin: has(TcpFlags::FIN),
        syn: has(TcpFlags::SYN),
        rst: has(TcpFlags::RST),
        psh: has(TcpFlags::PSH),
        ack: has(TcpFlags::ACK),
        urg: has(TcpFlags::URG),
        ece: has(TcpFlags::ECE),
        cwr: has(TcpFlags::CWR),
        ..TcpHeader::new(tcp.source_port, tcp.destination_port, tcp.sequence, tcp.window)
    };
    // More than forty bytes do not fit a header; nobody here makes them.
    let _ = header.set_options_raw(&tcp.options);
    let checksum = match (packet.source_ip, packet.destination_ip) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            header.calc_checksum_ipv4_raw(source.octets(), destination.octets(), &tcp.payload)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            header.calc_checksum_ipv6_raw(source.octets(), destination.octets(), &tcp.payload)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Ok(0),
    };
    header.checksum = checksum.unwrap_or(0) ^ u16::from(!tcp.checksum_ok);
    out.extend_from_slice(&header.to_bytes());
    out.extend_from_slice(&tcp.payload);
}

fn write_icmp(packet: &Packet, icmp: &Icmp, out: &mut Vec<u8>) {
    let ipv6 = packet.is_ipv6();
    let echo = |reply: bool| match (ipv6, reply, ECHO) {
        (false, true, _) => 0,
        (false, false, [(request, _), _]) | (true, false, [_, (request, _)]) => request,
        (true, true, [_, (_, reply)]) => reply,
    };
    let mut payload = Vec::new();
    let (kind, code, rest) = match icmp {
        Icmp::EchoRequest { identifier, sequence, payload: data } => {
            payload.extend_from_slice(data);
            (echo(false), 0, halves(*identifier, *sequence))
        }
        Icmp::EchoReply { identifier, sequence, payload: data } => {
            payload.extend_from_slice(data);
            (echo(true), 0, halves(*identifier, *sequence))
        }
        Icmp::Error { kind, quote } => {
            write_quote(quote, &mut payload);
            let (number, code) = kind.type_and_code(ipv6);
            let rest = match *kind {
                // The MTU has two bytes in ICMP, and four in ICMPv6.
                IcmpError::TooBig { mtu } if ipv6 => mtu.to_be_bytes(),
                IcmpError::TooBig { mtu } => halves(0, u16::try_from(mtu).unwrap_or(u16::MAX)),
                _ => [0; 4],
            };
            (number, code, rest)
        }
    };
    match (packet.source_ip, packet.destination_ip) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let message = Icmpv6Type::Unknown { type_u8: kind, code_u8: code, bytes5to8: rest };
            let ends = (source.octets(), destination.octets());
            let header = Icmpv6Header::with_checksum(message, ends.0, ends.1, &payload);
            if let Ok(header) = header {
                out.extend_from_slice(&header.to_bytes());
            }
        }
        _ => {
            let message = Icmpv4Type::Unknown { type_u8: kind, code_u8: code, bytes5to8: rest };
            out.extend_from_slice(&Icmpv4Header::with_checksum(message, &payload).to_bytes());
        }
    }
    out.extend_from_slice(&payload);
}

/// The IP header and the first eight bytes behind it, as far as the quote knows them: RFC 792. Lengths
/// and checksums of what was cut off are not known.
fn write_quote(quote: &Quote, out: &mut Vec<u8>) {
    let start = out.len();
    let mut about = match quote.protocol {
        Protocol::Tcp => {
            let segment = Tcp::new(TcpFlags::ACK).sequence(quote.sequence);
            Packet::tcp(quote.source, quote.destination, segment)
        }
        Protocol::Udp => Packet::udp(quote.source, quote.destination, Vec::new()),
        Protocol::Icmp => {
            let identifier = identifier(quote.source, quote.destination);
            let payload = bytes::Bytes::new();
            let echo = Icmp::EchoRequest { identifier, sequence: 0, payload };
            Packet::icmp(quote.source.ip(), quote.destination.ip(), echo)
        }
    };
    about.hop_limit = quote.hop_limit;
    write_packet(&about, out);
    out.truncate(start + about.header_length() + UDP_HEADER);
}

/// The identifier of a quoted ping: whichever of the two is known.
fn identifier(source: SocketAddr, destination: SocketAddr) -> u16 {
    if source.port() == 0 { destination.port() } else { source.port() }
}

fn offset(bytes: u16) -> IpFragOffset {
    IpFragOffset::try_new(bytes / 8).unwrap_or_default()
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn low_half(value: u32) -> u16 {
    let [_, _, a, b] = value.to_be_bytes();
    u16::from_be_bytes([a, b])
}

const fn halves(high: u16, low: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use etherparse::{IpSlice, SlicedPacket, TransportSlice};
    use rstest::rstest;

    use super::*;
    use crate::packet::Fragment;

    fn bytes_of(packet: &Packet) -> Vec<u8> {
        let mut out = Vec::new();
        write_packet(packet, &mut out);
        out
    }

    #[rstest]
    #[case::ipv4("10.0.0.2:5000", "12.0.0.9:3478", 28)]
    #[case::ipv6("[fd00::2]:5000", "[2001:db8::9]:3478", 48)]
    fn a_datagram_survives_a_foreign_parser(
        #[case] source: SocketAddr,
        #[case] destination: SocketAddr,
        #[case] headers: usize,
    ) {
        let mut packet = Packet::udp(source, destination, &b"payload"[..]);
        packet.dscp = base::Dscp::EF;
        packet.ecn = base::Ecn::Ect1;
        let bytes = bytes_of(&packet);
        assert_eq!(bytes.len(), packet.ip_length());
        assert_eq!(bytes.len(), headers + 7);
        let parsed = SlicedPacket::from_ip(&bytes).unwrap();
        let Some(TransportSlice::Udp(udp)) = parsed.transport else { panic!("no UDP") };
        assert_eq!((udp.source_port(), udp.destination_port()), (5_000, 3_478));
        assert_eq!(udp.payload(), b"payload");
        let again = match IpSlice::from_slice(&bytes).unwrap() {
            IpSlice::Ipv4(ip) => {
                assert_eq!(ip.header().ecn().value(), 0b01);
                let ends = (ip.header().source(), ip.header().destination());
                udp.to_header().calc_checksum_ipv4_raw(ends.0, ends.1, udp.payload())
            }
            IpSlice::Ipv6(ip) => {
                let ends = (ip.header().source(), ip.header().destination());
                udp.to_header().calc_checksum_ipv6_raw(ends.0, ends.1, udp.payload())
            }
        };
        assert_eq!(udp.checksum(), again.unwrap());
    }

    #[test]
    fn a_spoilt_datagram_has_a_wrong_checksum() {
        let mut packet =
            Packet::udp("10.0.0.2:1".parse().unwrap(), "10.0.0.3:2".parse().unwrap(), &b"x"[..]);
        let right = bytes_of(&packet);
        if let Body::Udp(udp) = &mut packet.body {
            udp.checksum_ok = false;
        }
        let wrong = bytes_of(&packet);
        assert_eq!(right[..26], wrong[..26]);
        assert_ne!(right[26..28], wrong[26..28]);
        assert_ne!(wrong[26..28], [0, 0]);
    }

    #[rstest]
    #[case::ipv4("10.0.0.2:5000", "12.0.0.9:3478", 20)]
    #[case::ipv6("[fd00::2]:5000", "[2001:db8::9]:3478", 40)]
    fn a_segment_survives_a_foreign_parser(
        #[case] source: SocketAddr,
        #[case] destination: SocketAddr,
        #[case] ip_header: usize,
        #[values(true, false)] checksum_ok: bool,
    ) {
        let mut segment =
            Tcp::new(TcpFlags::PSH).sequence(7).acknowledging(9).payload(&b"payload"[..]);
        segment.options = bytes::Bytes::from_static(&[2, 4, 0x05, 0xb4]);
        segment.checksum_ok = checksum_ok;
        let packet = Packet::tcp(source, destination, segment);
        let bytes = bytes_of(&packet);
        assert_eq!(bytes.len(), packet.ip_length());
        assert_eq!(bytes.len(), ip_header + 24 + 7);
        let parsed = SlicedPacket::from_ip(&bytes).unwrap();
        let Some(TransportSlice::Tcp(tcp)) = parsed.transport else { panic!("no TCP") };
        assert_eq!((tcp.source_port(), tcp.destination_port()), (5_000, 3_478));
        assert_eq!((tcp.sequence_number(), tcp.acknowledgment_number()), (7, 9));
        assert_eq!((tcp.psh(), tcp.ack(), tcp.syn()), (true, true, false));
        assert_eq!((tcp.options(), tcp.payload()), (&[2, 4, 0x05, 0xb4][..], &b"payload"[..]));
        let right = match IpSlice::from_slice(&bytes).unwrap() {
            IpSlice::Ipv4(ip) => {
                assert!(ip.header().dont_fragment());
                let ends = (ip.header().source(), ip.header().destination());
                tcp.to_header().calc_checksum_ipv4_raw(ends.0, ends.1, tcp.payload())
            }
            IpSlice::Ipv6(ip) => {
                let ends = (ip.header().source(), ip.header().destination());
                tcp.to_header().calc_checksum_ipv6_raw(ends.0, ends.1, tcp.payload())
            }
        };
        assert_eq!(tcp.checksum() == right.unwrap(), checksum_ok);
    }

    #[test]
    fn an_icmp_error_quotes_the_sequence_number_of_a_segment() {
        let ends = ("10.0.0.2:5000".parse().unwrap(), "12.0.0.9:443".parse().unwrap());
        let about = Packet::tcp(ends.0, ends.1, Tcp::new(TcpFlags::SYN).sequence(0x0102_0304));
        let reporter = "11.0.0.1".parse().unwrap();
        let error = about.icmp_error(reporter, IcmpError::HostUnreachable).unwrap();
        let bytes = bytes_of(&error);
        assert_eq!(bytes.len(), error.ip_length());
        assert_eq!(bytes[20 + 8 + 9], 6, "the protocol of the quoted packet");
        assert_eq!(bytes[20 + 8 + 20..], [0x13, 0x88, 0x01, 0xbb, 1, 2, 3, 4]);
    }

    #[rstest]
    #[case::ipv4("10.0.0.2:5000", "12.0.0.9:3478", "11.0.0.1")]
    #[case::ipv6("[fd00::2]:5000", "[2001:db8::9]:3478", "2001:db8::1")]
    fn an_icmp_error_quotes_ports(
        #[case] source: SocketAddr,
        #[case] destination: SocketAddr,
        #[case] reporter: IpAddr,
    ) {
        let about = Packet::udp(source, destination, &b"payload"[..]);
        let error = about.icmp_error(reporter, IcmpError::TooBig { mtu: 1_280 }).unwrap();
        let bytes = bytes_of(&error);
        assert_eq!(bytes.len(), error.ip_length());
        let parsed = SlicedPacket::from_ip(&bytes).unwrap();
        let quoted = match parsed.transport {
            Some(TransportSlice::Icmpv4(icmp)) => {
                assert_eq!(icmp.bytes5to8(), [0, 0, 5, 0]);
                icmp.payload().to_vec()
            }
            Some(TransportSlice::Icmpv6(icmp)) => {
                assert_eq!(icmp.bytes5to8(), [0, 0, 5, 0]);
                icmp.payload().to_vec()
            }
            other => panic!("{other:?}"),
        };
        let inner = SlicedPacket::from_ip(&quoted).unwrap();
        let Some(TransportSlice::Udp(udp)) = inner.transport else { panic!("no UDP") };
        assert_eq!((udp.source_port(), udp.destination_port()), (5_000, 3_478));
    }

    #[test]
    fn a_later_fragment_says_where_it_belongs() {
        let ends = ("10.0.0.2".parse().unwrap(), "12.0.0.9".parse().unwrap());
        let mut packet = Packet::new(ends.0, ends.1, Body::Trailing(vec![7; 16].into()));
        packet.fragment = Some(Fragment { identification: 0x1_2345, offset: 1_480, more: false });
        let bytes = bytes_of(&packet);
        let parsed = Ipv4Header::from_slice(&bytes).unwrap().0;
        assert_eq!(parsed.fragment_offset.byte_offset(), 1_480);
        assert_eq!((parsed.identification, parsed.more_fragments), (0x2345, false));
        assert_eq!(bytes.len(), 36);
    }
}
