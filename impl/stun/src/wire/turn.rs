//! Attributes of TURN: [RFC 8656 §18](https://www.rfc-editor.org/rfc/rfc8656#section-18), the one of
//! RFC 6062 and the one of RFC 8016.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Channel Number         |         RFFU = 0              |  CHANNEL-NUMBER
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Family or    |                                               |  REQUESTED-ADDRESS-FAMILY,
//! |  Protocol     |            Reserved                           |  REQUESTED-TRANSPORT
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Family       |    Reserved             |Class|     Number    |  ADDRESS-ERROR-CODE
//! |      Reason Phrase (variable)                                ..
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Reserved                     |  ICMP Type  |  ICMP Code      |  ICMP
//! |                          Error Data                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{
    AttributeType, Code, Decode, Encode, Family, TransactionId,
    error_code::read_reason,
    numbers::{bytes_attribute, flag_attribute, number_attribute},
};

number_attribute! {
    /// LIFETIME, seconds until an allocation expires: RFC 8656 §18.2.
    Lifetime, LIFETIME, u32
}
number_attribute! {
    /// RESERVATION-TOKEN, which names an address held in reserve: RFC 8656 §18.10.
    ReservationToken, RESERVATION_TOKEN, u64
}
number_attribute! {
    /// CONNECTION-ID, which names a connection to a peer: RFC 6062 §6.2.1.
    ConnectionId, CONNECTION_ID, u32
}
flag_attribute! {
    /// DONT-FRAGMENT, which asks the server to set the DF bit: RFC 8656 §18.9.
    DontFragment, DONT_FRAGMENT
}
bytes_attribute! {
    /// DATA, what is relayed: RFC 8656 §18.4.
    Data, DATA
}
bytes_attribute! {
    /// MOBILITY-TICKET, by which a client keeps its allocation when its address changes: RFC 8016.
    /// Opaque to the client.
    MobilityTicket, MOBILITY_TICKET
}

/// An attribute with a value in its first bytes and reserved bytes behind it, which are zero when
/// sent and ignored when received.
macro_rules! reserved_attribute {
    ($(#[$docs:meta])* $name:ident($inner:ty), $kind:ident, $read:ident, $from:expr, $to:expr,
     reserved: $reserved:literal) => {
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $inner);

        impl Encode for $name {
            const TYPE: AttributeType = AttributeType::$kind;

            fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
                writer.$read($to(self.0));
                writer.zeros($reserved);
            }
        }

        impl<'a> Decode<'a> for $name {
            fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
                let inner = value.$read()?;
                value.bytes($reserved)?;
                value.finish()?;
                Ok(Self($from(inner)))
            }
        }
    };
}

reserved_attribute! {
    /// CHANNEL-NUMBER: RFC 8656 §18.1.
    ChannelNumber(u16), CHANNEL_NUMBER, u16, std::convert::identity, std::convert::identity,
    reserved: 2
}
reserved_attribute! {
    /// REQUESTED-ADDRESS-FAMILY: RFC 8656 §18.6.
    RequestedAddressFamily(Family), REQUESTED_ADDRESS_FAMILY, u8, Family::new, Family::number,
    reserved: 3
}
reserved_attribute! {
    /// ADDITIONAL-ADDRESS-FAMILY: RFC 8656 §18.11.
    AdditionalAddressFamily(Family), ADDITIONAL_ADDRESS_FAMILY, u8, Family::new, Family::number,
    reserved: 3
}
reserved_attribute! {
    /// REQUESTED-TRANSPORT, an IP protocol number; 17 is UDP: RFC 8656 §18.8.
    RequestedTransport(u8), REQUESTED_TRANSPORT, u8, std::convert::identity,
    std::convert::identity, reserved: 3
}
reserved_attribute! {
    /// EVEN-PORT; true asks to reserve the next port as well: RFC 8656 §18.7.
    EvenPort(bool), EVEN_PORT, u8, |byte: u8| byte & 0x80 != 0, |reserve| u8::from(reserve) << 7,
    reserved: 0
}

impl fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// ADDRESS-ERROR-CODE, why one of the families was not allocated: RFC 8656 §18.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressErrorCode<'a> {
    /// The family that was not allocated.
    pub family: Family,
    /// Why.
    pub code: Code,
    /// Why, for people.
    pub reason: &'a str,
}

impl Encode for AddressErrorCode<'_> {
    const TYPE: AttributeType = AttributeType::ADDRESS_ERROR_CODE;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.u32(u32::from(self.family.number()) << 24 | self.code.to_word());
        writer.bytes(self.reason.as_bytes());
    }
}

impl<'a> Decode<'a> for AddressErrorCode<'a> {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let unknown = value.malformed("error code outside 300 to 699");
        let word = value.u32()?;
        let [family, ..] = word.to_be_bytes();
        let code = Code::from_word(word).ok_or(unknown)?;
        Ok(Self { family: Family::new(family), code, reason: read_reason(&mut value)? })
    }
}

/// ICMP, why a datagram to the peer was lost: RFC 8656 §18.13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Icmp {
    /// Type of the ICMP message.
    pub kind: u8,
    /// Code of the ICMP message.
    pub code: u8,
    /// MTU of the next hop in bytes if the datagram was too big, else 0.
    pub data: u32,
}

impl Encode for Icmp {
    const TYPE: AttributeType = AttributeType::ICMP;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.u16(0);
        writer.u8(self.kind);
        writer.u8(self.code);
        writer.u32(self.data);
    }
}

impl<'a> Decode<'a> for Icmp {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        value.u16()?;
        let icmp = Self { kind: value.u8()?, code: value.u8()?, data: value.u32()? };
        value.finish()?;
        Ok(icmp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{read, truncations, written};

    const ID: TransactionId = TransactionId::new([0; 12]);

    #[test]
    fn reads_capture() {
        assert_eq!(read(&[0x40, 0x01, 0xff, 0xff], &ID), Ok(ChannelNumber(0x4001)));
        assert_eq!(read(&[17, 1, 2, 3], &ID), Ok(RequestedTransport(17)));
        assert_eq!(read(&[2, 0, 0, 0], &ID), Ok(RequestedAddressFamily(Family::IPV6)));
        assert_eq!(read(&[0xff], &ID), Ok(EvenPort(true)));
        assert_eq!(read(&[0, 0, 2, 0x58], &ID), Ok(Lifetime(600)));
        let icmp = Icmp { kind: 3, code: 4, data: 1_280 };
        assert_eq!(read(&[9, 9, 3, 4, 0, 0, 5, 0], &ID), Ok(icmp));
    }

    #[test]
    fn round_trips() {
        let code = Code::ADDRESS_FAMILY_NOT_SUPPORTED;
        let error = AddressErrorCode { family: Family::IPV6, code, reason: code.reason() };
        assert_eq!(read(&written(&error, &ID), &ID), Ok(error));
        let icmp = Icmp { kind: 2, code: 0, data: 1_280 };
        assert_eq!(read(&written(&icmp, &ID), &ID), Ok(icmp));
        assert_eq!(written(&ChannelNumber(0x4001), &ID), [0x40, 0x01, 0, 0]);
        assert_eq!(written(&AdditionalAddressFamily(Family::IPV6), &ID), [2, 0, 0, 0]);
        assert_eq!(written(&EvenPort(true), &ID), [0x80]);
        assert_eq!(read(&written(&Data(b"abc"), &ID), &ID), Ok(Data(b"abc")));
        assert_eq!(read(&written(&MobilityTicket(b""), &ID), &ID), Ok(MobilityTicket(b"")));
        assert_eq!(written(&ReservationToken(1), &ID), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(written(&ConnectionId(1), &ID), [0, 0, 0, 1]);
        assert_eq!(read(&written(&DontFragment, &ID), &ID), Ok(DontFragment));
    }

    #[test]
    fn rejects_truncated() {
        for (length, bytes) in truncations(&[0, 0, 4, 40]) {
            assert!(read::<ChannelNumber>(&bytes, &ID).is_err(), "{length}");
            assert!(read::<Lifetime>(&bytes, &ID).is_err(), "{length}");
            assert!(read::<RequestedTransport>(&bytes, &ID).is_err(), "{length}");
            assert!(read::<AddressErrorCode<'_>>(&bytes, &ID).is_err(), "{length}");
            assert_eq!(read::<EvenPort>(&bytes, &ID).is_ok(), length == 1, "{length}");
        }
        for (length, bytes) in truncations(&[0; 8]) {
            assert!(read::<Icmp>(&bytes, &ID).is_err(), "{length}");
            assert!(read::<ReservationToken>(&bytes, &ID).is_err(), "{length}");
        }
    }
}
