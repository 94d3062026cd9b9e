//! Attributes of behaviour discovery: [RFC 5780 §7](https://www.rfc-editor.org/rfc/rfc5780#section-7).
//! RESPONSE-ORIGIN and OTHER-ADDRESS are with the other addresses.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 A B 0|  CHANGE-REQUEST
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            Port               |          Padding              |  RESPONSE-PORT
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{AttributeType, Decode, Encode, TransactionId};

/// CHANGE-REQUEST, where the response should come from: RFC 5780 §7.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChangeRequest {
    /// From the other IP address.
    pub ip: bool,
    /// From the other port.
    pub port: bool,
}

impl fmt::Display for ChangeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match (self.ip, self.port) {
            (false, false) => "none",
            (true, false) => "ip",
            (false, true) => "port",
            (true, true) => "ip+port",
        })
    }
}

const CHANGE_IP: u32 = 0b100;
const CHANGE_PORT: u32 = 0b010;

impl Encode for ChangeRequest {
    const TYPE: AttributeType = AttributeType::CHANGE_REQUEST;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        let bit = |set: bool, bit: u32| if set { bit } else { 0 };
        writer.u32(bit(self.ip, CHANGE_IP) | bit(self.port, CHANGE_PORT));
    }
}

impl<'a> Decode<'a> for ChangeRequest {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let flags = value.u32()?;
        value.finish()?;
        Ok(Self { ip: flags & CHANGE_IP != 0, port: flags & CHANGE_PORT != 0 })
    }
}

/// RESPONSE-PORT, the port the response should go to: RFC 5780 §7.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResponsePort(pub u16);

impl Encode for ResponsePort {
    const TYPE: AttributeType = AttributeType::RESPONSE_PORT;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.u16(self.0);
        writer.u16(0);
    }
}

impl<'a> Decode<'a> for ResponsePort {
    /// The text calls the two bytes behind the port padding. Whether they count in the length of
    /// the attribute is not said and senders differ, so both forms are read.
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let port = value.u16()?;
        if !value.is_empty() {
            value.u16()?;
        }
        value.finish()?;
        Ok(Self(port))
    }
}

impl fmt::Display for ResponsePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// PADDING, as many zero bytes as make the datagram fragment: RFC 5780 §7.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Padding(pub u16);

impl Padding {
    /// Padding that fills `mtu` bytes, rounded up to a multiple of four: RFC 5780 §7.6. An MTU as
    /// large as a datagram leaves room for the rest of the message.
    #[must_use]
    pub const fn filling(mtu: u16) -> Self {
        const MOST: u16 = 65_000;
        if mtu > MOST { Self(MOST) } else { Self(mtu.next_multiple_of(4)) }
    }
}

impl Encode for Padding {
    const TYPE: AttributeType = AttributeType::PADDING;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.zeros(usize::from(self.0));
    }
}

impl<'a> Decode<'a> for Padding {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let too_long = value.malformed("padding too long");
        u16::try_from(value.rest().len()).map(Self).map_err(|_| too_long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        Builder, Class, Method,
        testing::{read, truncations, written},
    };

    const ID: TransactionId = TransactionId::new([0; 12]);

    #[test]
    fn reads_capture() {
        assert_eq!(read(&[0, 0, 0, 6], &ID), Ok(ChangeRequest { ip: true, port: true }));
        assert_eq!(read(&[0, 0, 0, 2], &ID), Ok(ChangeRequest { ip: false, port: true }));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xf9], &ID), Ok(ChangeRequest::default()));
        assert_eq!(read(&[0x12, 0x34, 9, 9], &ID), Ok(ResponsePort(0x1234)));
        assert_eq!(read(&[0x12, 0x34], &ID), Ok(ResponsePort(0x1234)));
    }

    #[test]
    fn round_trips() {
        for (ip, port) in [(false, false), (false, true), (true, false), (true, true)] {
            let change = ChangeRequest { ip, port };
            assert_eq!(read(&written(&change, &ID), &ID), Ok(change));
        }
        assert_eq!(written(&ResponsePort(1), &ID), [0, 1, 0, 0]);
        assert_eq!(read(&written(&Padding(1_500), &ID), &ID), Ok(Padding(1_500)));
    }

    #[test]
    fn padding_stays_within_a_datagram() {
        assert_eq!(
            [1_280, 1_501, 65_535].map(Padding::filling),
            [1_280, 1_504, 65_000].map(Padding)
        );
        for (length, fits) in [(65_480, true), (65_484, false), (65_535, false)] {
            let mut buffer = Vec::new();
            let mut builder = Builder::new(&mut buffer, Method::BINDING, Class::Request, ID);
            assert_eq!(builder.put(&Padding(length)).finish().is_ok(), fits, "{length}");
            builder.put(&ResponsePort(1));
            assert!(builder.len() <= 65_507);
        }
    }

    #[test]
    fn rejects_truncated() {
        for (length, bytes) in truncations(&[0, 0, 0, 6]) {
            assert!(read::<ChangeRequest>(&bytes, &ID).is_err(), "{length}");
            assert_eq!(read::<ResponsePort>(&bytes, &ID).is_ok(), length == 2, "{length}");
        }
    }
}
