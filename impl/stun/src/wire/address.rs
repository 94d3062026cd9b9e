//! Attributes that carry a transport address: [RFC 8489 §14.1](https://www.rfc-editor.org/rfc/rfc8489#section-14.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0 0 0 0 0 0 0|    Family     |        (X-)Port               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            (X-)Address (32 bits or 128 bits)                  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use base::{Malformed, Reader, Writer};

use super::{AttributeType, Decode, Encode, MAGIC_COOKIE, TransactionId};

/// The family of an address: RFC 8489 §14.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Family(u8);

impl Family {
    /// Four bytes of address.
    pub const IPV4: Self = Self(0x01);
    /// Sixteen bytes of address.
    pub const IPV6: Self = Self(0x02);

    /// The family with this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The family `ip` belongs to.
    #[must_use]
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::IPV4,
            IpAddr::V6(_) => Self::IPV6,
        }
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::IPV4 => f.pad("IPv4"),
            Self::IPV6 => f.pad("IPv6"),
            Self(other) => f.pad(&format!("Family({other:#04x})")),
        }
    }
}

/// Reads an address in clear. RFC 8489 §14.1: the first byte is ignored.
fn read_plain(mut value: Reader<'_>) -> Result<SocketAddr, Malformed> {
    value.u8()?;
    let family = value.u8()?;
    let port = value.u16()?;
    let ip = match Family::new(family) {
        Family::IPV4 => IpAddr::V4(Ipv4Addr::from(value.u32()?)),
        Family::IPV6 => IpAddr::V6(Ipv6Addr::from(value.array::<16>()?)),
        _ => return Err(value.malformed("unknown address family")),
    };
    if !base::mutant::active("stun-address-longer-than-family") {
        value.finish()?;
    }
    Ok(SocketAddr::new(ip, port))
}

fn write_plain(writer: &mut Writer<'_>, address: SocketAddr) {
    writer.u8(0);
    writer.u8(Family::of(address.ip()).number());
    writer.u16(address.port());
    match address.ip() {
        IpAddr::V4(ip) => writer.bytes(&ip.octets()),
        IpAddr::V6(ip) => writer.bytes(&ip.octets()),
    }
}

/// Hides or uncovers an address: RFC 8489 §14.2. The port meets the upper half of the cookie, an
/// IPv4 address the cookie, an IPv6 address the cookie and the transaction id.
fn xor(address: SocketAddr, id: &TransactionId) -> SocketAddr {
    let [high, low, ..] = MAGIC_COOKIE.to_be_bytes();
    let port = match base::mutant::active("stun-xor-port-in-clear") {
        true => address.port(),
        false => address.port() ^ u16::from_be_bytes([high, low]),
    };
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from(u32::from(ip) ^ MAGIC_COOKIE)),
        IpAddr::V6(ip) if base::mutant::active("stun-xor-mapped-not-xored-v6") => IpAddr::V6(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) ^ mask(id))),
    };
    SocketAddr::new(ip, port)
}

/// Cookie and transaction id as the 128 bits that cover an IPv6 address.
fn mask(id: &TransactionId) -> u128 {
    let mut wide = [0; 16];
    for (to, from) in wide.iter_mut().skip(4).zip(id.as_bytes()) {
        *to = *from;
    }
    u128::from(MAGIC_COOKIE) << 96 | u128::from_be_bytes(wide)
}

macro_rules! address_attribute {
    ($(#[$docs:meta])* $name:ident, $kind:ident, xored: false) => {
        address_attribute!(@type $(#[$docs])* $name);

        impl Encode for $name {
            const TYPE: AttributeType = AttributeType::$kind;

            fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
                write_plain(writer, self.0);
            }
        }

        impl<'a> Decode<'a> for $name {
            fn read(value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
                read_plain(value).map(Self)
            }
        }
    };
    ($(#[$docs:meta])* $name:ident, $kind:ident, xored: true) => {
        address_attribute!(@type $(#[$docs])* $name);

        impl Encode for $name {
            const TYPE: AttributeType = AttributeType::$kind;
            const XORED: bool = true;

            fn write(&self, writer: &mut Writer<'_>, id: &TransactionId) {
                write_plain(writer, xor(self.0, id));
            }
        }

        impl<'a> Decode<'a> for $name {
            fn read(value: Reader<'a>, id: &TransactionId) -> Result<Self, Malformed> {
                read_plain(value).map(|address| Self(xor(address, id)))
            }
        }
    };
    (@type $(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub SocketAddr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

address_attribute! {
    /// MAPPED-ADDRESS, the reflexive address in clear, for clients of RFC 3489: RFC 8489 §14.1.
    MappedAddress, MAPPED_ADDRESS, xored: false
}
address_attribute! {
    /// XOR-MAPPED-ADDRESS, the reflexive address hidden from NATs that rewrite payloads: RFC 8489
    /// §14.2.
    XorMappedAddress, XOR_MAPPED_ADDRESS, xored: true
}
address_attribute! {
    /// ALTERNATE-SERVER, the server to try instead: RFC 8489 §14.15.
    AlternateServer, ALTERNATE_SERVER, xored: false
}
address_attribute! {
    /// RESPONSE-ORIGIN, the address a response was sent from: RFC 5780 §7.3.
    ResponseOrigin, RESPONSE_ORIGIN, xored: false
}
address_attribute! {
    /// OTHER-ADDRESS, the address a response with both changes would come from: RFC 5780 §7.4.
    OtherAddress, OTHER_ADDRESS, xored: false
}
address_attribute! {
    /// XOR-PEER-ADDRESS, the peer as the TURN server sees it: RFC 8656 §18.3.
    XorPeerAddress, XOR_PEER_ADDRESS, xored: true
}
address_attribute! {
    /// XOR-RELAYED-ADDRESS, the address the TURN server allocated: RFC 8656 §18.5.
    XorRelayedAddress, XOR_RELAYED_ADDRESS, xored: true
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::testing::{read, truncations, written};

    const ID: TransactionId = TransactionId::new([
        0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
    ]);

    #[test]
    fn reads_capture() {
        // RFC 5769 §2.2 and §2.3.
        let v4 = [0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
        let v6 = [
            0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25,
            0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        let v4: XorMappedAddress = read(&v4, &ID).unwrap();
        let v6: XorMappedAddress = read(&v6, &ID).unwrap();
        assert_eq!(v4.to_string(), "192.0.2.1:32853");
        assert_eq!(v6.to_string(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    }

    #[rstest]
    #[case::v4("192.0.2.1:32853")]
    #[case::v6("[2001:db8::1]:65535")]
    #[case::nowhere("[::]:0")]
    fn round_trips(#[case] text: &str) {
        let address: SocketAddr = text.parse().unwrap();
        let (plain, xored) = (MappedAddress(address), XorPeerAddress(address));
        assert_eq!(read(&written(&plain, &ID), &ID), Ok(plain));
        assert_eq!(read(&written(&xored, &ID), &ID), Ok(xored));
        assert_ne!(written(&plain, &ID), written(&xored, &ID));
    }

    #[test]
    fn rejects_truncated() {
        for address in ["192.0.2.1:1", "[2001:db8::1]:2"] {
            let address = XorRelayedAddress(address.parse().unwrap());
            for (length, bytes) in truncations(&written(&address, &ID)) {
                assert!(read::<XorRelayedAddress>(&bytes, &ID).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn rejects_unknown_families_and_leftovers() {
        assert!(read::<MappedAddress>(&[0, 3, 0, 1, 1, 2, 3, 4], &ID).is_err());
        assert!(read::<MappedAddress>(&[0, 1, 0, 1, 1, 2, 3, 4, 0], &ID).is_err());
        assert!(read::<MappedAddress>(&[0xff, 1, 0, 1, 1, 2, 3, 4], &ID).is_ok());
    }
}
