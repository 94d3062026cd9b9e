//! What crosses the socket border with every datagram.

use std::net::{IpAddr, SocketAddr};

/// A datagram that arrived, with what the network said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it, as seen here: after every NAT on the way.
    pub source: SocketAddr,
    /// The local address and port it was sent to, never a wildcard.
    pub destination: SocketAddr,
    /// The congestion mark it arrived with.
    pub ecn: Ecn,
    /// The UDP payload.
    pub payload: &'a [u8],
}

/// Where the bytes just appended to the transmit buffer go.
///
/// `poll_transmit` appends a payload to the caller's buffer and returns one of these. With
/// [`segment_size`](Transmit::segment_size) set, the payload is a batch: equal segments, the last one
/// possibly shorter, each its own datagram (UDP generic segmentation offload).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The local address and port to send from; `None` lets the socket choose.
    pub source: Option<SocketAddr>,
    /// Where to send.
    pub destination: SocketAddr,
    /// Bytes of the buffer that belong to this transmit.
    pub size: usize,
    /// Segment length in bytes of a batch, `None` for a single datagram.
    pub segment_size: Option<usize>,
    /// The congestion mark to send with.
    pub ecn: Ecn,
    /// The traffic class to send with.
    pub dscp: Dscp,
}

impl Transmit {
    /// One unmarked datagram of `size` bytes to `destination`.
    #[must_use]
    pub const fn new(destination: SocketAddr, size: usize) -> Self {
        Self {
            source: None,
            destination,
            size,
            segment_size: None,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
        }
    }

    /// The same, sent from `source`.
    #[must_use]
    pub const fn from(self, source: SocketAddr) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The local IP address to send from, if the machine chose one.
    #[must_use]
    pub fn source_ip(&self) -> Option<IpAddr> {
        self.source.map(|address| address.ip())
    }
}

/// The ECN field of the IP header: RFC 3168 §5, RFC 9331 §4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct = 0b00,
    /// ECN-capable, and asks for the L4S treatment.
    Ect1 = 0b01,
    /// ECN-capable.
    Ect0 = 0b10,
    /// Congestion experienced.
    Ce = 0b11,
}

impl Ecn {
    /// The mark in the two low bits of `byte`.
    #[must_use]
    pub const fn from_bits(byte: u8) -> Self {
        match byte & 0b11 {
            0b00 => Self::NotEct,
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// The two bits of the mark.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// The differentiated-services code point of the IP header: six bits (RFC 2474 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dscp(u8);

impl Dscp {
    /// Best effort.
    pub const DEFAULT: Self = Self(0);
    /// Expedited forwarding, for audio (RFC 8837 §5).
    pub const EF: Self = Self(46);

    /// The code point in the six low bits of `value`.
    #[must_use]
    pub const fn new(value: u8) -> Self {
        Self(value & 0x3f)
    }

    /// The six bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_survive_the_trip_through_bits() {
        for ecn in [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce] {
            assert_eq!(Ecn::from_bits(ecn.bits() | 0xfc), ecn);
        }
        assert_eq!(Dscp::new(0xff).bits(), 0x3f);
    }
}
