//! The device that smoltcp sees: one packet in, packets out, as bytes whose checksums nobody reads.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::{Reader, Writer};
use bytes::Bytes;
use smoltcp::{
    phy::{self, ChecksumCapabilities, Device, DeviceCapabilities, Medium},
    time,
};

use crate::packet::{Body, IPV4_HEADER, IPV6_HEADER, Packet, TCP_HEADER, Tcp, TcpFlags};

/// Number of TCP in IP headers.
const TCP: u8 = 6;

/// One end of a connection's wire.
#[derive(Debug)]
pub(super) struct Wire {
    /// Largest IP packet in bytes.
    pub(super) mtu: usize,
    incoming: Vec<u8>,
    /// Whether `incoming` has not been read.
    waiting: bool,
    outgoing: Vec<Vec<u8>>,
}

impl Wire {
    pub(super) const fn new(mtu: usize) -> Self {
        Self { mtu, incoming: Vec::new(), waiting: false, outgoing: Vec::new() }
    }

    /// Lets smoltcp receive a packet when it is polled next, with another window in it.
    pub(super) fn put(&mut self, packet: &Packet, window: u16) {
        self.incoming.clear();
        self.waiting = encode(packet, window, &mut self.incoming);
    }

    /// What smoltcp sent since, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Packet> + '_ {
        self.outgoing.drain(..).filter_map(|bytes| decode(&Bytes::from(bytes)))
    }
}

impl Device for Wire {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: time::Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        if !std::mem::take(&mut self.waiting) {
            return None;
        }
        Some((Incoming(&self.incoming), Outgoing(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: time::Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        // Whether a checksum fits is a field of the packet and was looked at before.
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

pub(super) struct Incoming<'a>(&'a [u8]);

impl phy::RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

pub(super) struct Outgoing<'a>(&'a mut Vec<Vec<u8>>);

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut bytes = vec![0; length];
        let result = write(&mut bytes);
        self.0.push(bytes);
        result
    }
}

/// Appends the packet; false if it is not one of TCP.
fn encode(packet: &Packet, window: u16, out: &mut Vec<u8>) -> bool {
    let Body::Tcp(tcp) = &packet.body else { return false };
    let mut writer = Writer::new(out);
    let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
    match (packet.source_ip, packet.destination_ip) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            writer.u16(0x4500);
            writer.u16(short(packet.ip_length()));
            writer.u32(0x4000);
            writer.u8(packet.hop_limit);
            writer.u8(TCP);
            writer.u16(0);
            writer.bytes(&source.octets());
            writer.bytes(&destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            writer.u32(0x6000_0000);
            writer.u16(short(tcp.length()));
            writer.u8(TCP);
            writer.u8(packet.hop_limit);
            writer.bytes(&source.octets());
            writer.bytes(&destination.octets());
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    }
    writer.u16(tcp.source_port);
    writer.u16(tcp.destination_port);
    writer.u32(tcp.sequence);
    writer.u32(tcp.acknowledgment);
    // The length of the header in words of four bytes, in the upper half of the byte.
    writer.u8(u8::try_from(tcp.header_length() / 4).unwrap_or(0) << 4);
    writer.u8(tcp.flags.bits());
    writer.u16(window);
    writer.u32(0);
    writer.bytes(&tcp.options);
    writer.bytes(&tcp.payload);
    true
}

/// The packet that smoltcp wrote.
fn decode(bytes: &Bytes) -> Option<Packet> {
    let mut reader = Reader::new(bytes);
    let (ip_header, hop_limit, source, destination): (usize, u8, IpAddr, IpAddr);
    if bytes.first()? >> 4 == 4 {
        ip_header = IPV4_HEADER;
        reader.bytes(8).ok()?;
        hop_limit = reader.u8().ok()?;
        reader.bytes(3).ok()?;
        source = Ipv4Addr::from(reader.array::<4>().ok()?).into();
        destination = Ipv4Addr::from(reader.array::<4>().ok()?).into();
    } else {
        ip_header = IPV6_HEADER;
        reader.bytes(7).ok()?;
        hop_limit = reader.u8().ok()?;
        source = Ipv6Addr::from(reader.array::<16>().ok()?).into();
        destination = Ipv6Addr::from(reader.array::<16>().ok()?).into();
    }
    let source_port = reader.u16().ok()?;
    let destination_port = reader.u16().ok()?;
    let sequence = reader.u32().ok()?;
    let acknowledgment = reader.u32().ok()?;
    let header = usize::from(reader.u8().ok()? >> 4) * 4;
    let flags = TcpFlags::from_bits(reader.u8().ok()?);
    let window = reader.u16().ok()?;
    let (options, payload) = (ip_header + TCP_HEADER, ip_header + header);
    if payload < options || payload > bytes.len() {
        return None;
    }
    let segment = Tcp {
        source_port,
        destination_port,
        sequence,
        acknowledgment,
        flags,
        window,
        options: bytes.slice(options..payload),
        checksum_ok: true,
        payload: bytes.slice(payload..),
    };
    let mut packet = Packet::new(source, destination, Body::Tcp(Box::new(segment)));
    packet.dont_fragment = true;
    packet.hop_limit = hop_limit;
    Some(packet)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ipv4("10.0.0.2:5000", "12.0.0.9:443")]
    #[case::ipv6("[fd00::2]:5000", "[2001:db8::9]:443")]
    fn a_segment_comes_back_as_it_was(#[case] source: &str, #[case] destination: &str) {
        let mut segment =
            Tcp::new(TcpFlags::PSH).sequence(7).acknowledging(9).payload(&b"payload"[..]);
        segment.options = Bytes::from_static(&[2, 4, 0x05, 0xb4]);
        segment.window = 77;
        let mut packet =
            Packet::tcp(source.parse().unwrap(), destination.parse().unwrap(), segment);
        packet.hop_limit = 9;
        let mut bytes = Vec::new();
        assert!(encode(&packet, 77, &mut bytes));
        assert_eq!(bytes.len(), packet.ip_length());
        assert_eq!(decode(&bytes.into()), Some(packet));
    }

    #[test]
    fn nothing_but_tcp_is_written() {
        let packet =
            Packet::udp("10.0.0.2:1".parse().unwrap(), "10.0.0.3:1".parse().unwrap(), &b""[..]);
        assert!(!encode(&packet, 0, &mut Vec::new()));
        assert_eq!(decode(&Bytes::from_static(&[0x45, 0])), None);
    }
}
