//! The attributes: type, length, value, padding: [RFC 8489 §14](https://www.rfc-editor.org/rfc/rfc8489#section-14).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Type                  |            Length             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                         Value (variable)                ....
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::TransactionId;

/// Bytes of type and length in front of each value.
pub(crate) const ATTRIBUTE_HEADER_LENGTH: usize = 4;

/// A value that can be written as an attribute.
pub trait Encode {
    /// Its type.
    const TYPE: AttributeType;

    /// Whether the value is an address hidden behind cookie and transaction id.
    const XORED: bool = false;

    /// Writes the value, without padding.
    fn write(&self, writer: &mut Writer<'_>, id: &TransactionId);
}

/// A value that can be read from an attribute.
pub trait Decode<'a>: Encode + Sized {
    /// Reads the value, which has no padding.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not of the attribute's form; offsets count from the start of
    /// the message.
    fn read(value: Reader<'a>, id: &TransactionId) -> Result<Self, Malformed>;
}

/// An attribute as it stands in the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawAttribute<'a> {
    /// Its type.
    pub kind: AttributeType,
    /// Its value, without padding.
    pub value: &'a [u8],
}

impl fmt::Debug for RawAttribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind, self.value.len())
    }
}

/// The attributes of a message in order, each within bounds: the message was checked.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    pub(super) reader: Reader<'a>,
}

impl<'a> Attributes<'a> {
    /// The next attribute and the offset of its header.
    pub(super) fn next_at(&mut self) -> Option<(usize, RawAttribute<'a>)> {
        let at = self.reader.position();
        next_attribute(&mut self.reader).ok().flatten().map(|attribute| (at, attribute))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = RawAttribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_at().map(|(_, attribute)| attribute)
    }
}

/// Takes one attribute with its padding off `reader`; `None` at the end.
#[inline]
pub(super) fn next_attribute<'a>(
    reader: &mut Reader<'a>,
) -> Result<Option<RawAttribute<'a>>, Malformed> {
    if reader.is_empty() {
        return Ok(None);
    }
    let kind = AttributeType::new(reader.u16()?);
    let length = usize::from(reader.u16()?);
    let padded = reader.bytes(length.next_multiple_of(4))?;
    let value = padded.get(..length).unwrap_or_default();
    Ok(Some(RawAttribute { kind, value }))
}

/// What an attribute is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(u16);

impl AttributeType {
    /// The type with this number.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether a receiver that does not know it cannot process the message: RFC 8489 §14.
    #[must_use]
    pub const fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }

    /// Whether this crate can read it.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.name().is_some() && !self.is_classic()
    }

    /// Whether it left the protocol with RFC 3489; a server of that age still sends it, and its
    /// clients pass over it: RFC 8489 §11.
    #[must_use]
    pub const fn is_classic(self) -> bool {
        matches!(
            self,
            Self::RESPONSE_ADDRESS
                | Self::SOURCE_ADDRESS
                | Self::CHANGED_ADDRESS
                | Self::PASSWORD
                | Self::REFLECTED_FROM
        )
    }
}

macro_rules! attribute_types {
    ($($(#[$docs:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl AttributeType {
            $($(#[$docs])* pub const $name: Self = Self($number);)*

            /// All types with a name.
            pub const NAMED: &'static [Self] = &[$(Self::$name,)*];

            /// The name in the registry, if this crate knows the type.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

attribute_types! {
    /// RFC 8489 §14.1.
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS";
    /// Of RFC 3489; no longer used.
    RESPONSE_ADDRESS = 0x0002, "RESPONSE-ADDRESS";
    /// RFC 5780 §7.2.
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST";
    /// Of RFC 3489; no longer used.
    SOURCE_ADDRESS = 0x0004, "SOURCE-ADDRESS";
    /// Of RFC 3489; no longer used.
    CHANGED_ADDRESS = 0x0005, "CHANGED-ADDRESS";
    /// RFC 8489 §14.3.
    USERNAME = 0x0006, "USERNAME";
    /// Of RFC 3489; no longer used.
    PASSWORD = 0x0007, "PASSWORD";
    /// RFC 8489 §14.5.
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY";
    /// RFC 8489 §14.8.
    ERROR_CODE = 0x0009, "ERROR-CODE";
    /// RFC 8489 §14.13.
    UNKNOWN_ATTRIBUTES = 0x000a, "UNKNOWN-ATTRIBUTES";
    /// Of RFC 3489; no longer used.
    REFLECTED_FROM = 0x000b, "REFLECTED-FROM";
    /// RFC 8656 §18.1.
    CHANNEL_NUMBER = 0x000c, "CHANNEL-NUMBER";
    /// RFC 8656 §18.2.
    LIFETIME = 0x000d, "LIFETIME";
    /// RFC 8656 §18.3.
    XOR_PEER_ADDRESS = 0x0012, "XOR-PEER-ADDRESS";
    /// RFC 8656 §18.4.
    DATA = 0x0013, "DATA";
    /// RFC 8489 §14.9.
    REALM = 0x0014, "REALM";
    /// RFC 8489 §14.10.
    NONCE = 0x0015, "NONCE";
    /// RFC 8656 §18.5.
    XOR_RELAYED_ADDRESS = 0x0016, "XOR-RELAYED-ADDRESS";
    /// RFC 8656 §18.6.
    REQUESTED_ADDRESS_FAMILY = 0x0017, "REQUESTED-ADDRESS-FAMILY";
    /// RFC 8656 §18.7.
    EVEN_PORT = 0x0018, "EVEN-PORT";
    /// RFC 8656 §18.8.
    REQUESTED_TRANSPORT = 0x0019, "REQUESTED-TRANSPORT";
    /// RFC 8656 §18.9.
    DONT_FRAGMENT = 0x001a, "DONT-FRAGMENT";
    /// RFC 7635 §6.2.
    ACCESS_TOKEN = 0x001b, "ACCESS-TOKEN";
    /// RFC 8489 §14.6.
    MESSAGE_INTEGRITY_SHA256 = 0x001c, "MESSAGE-INTEGRITY-SHA256";
    /// RFC 8489 §14.12.
    PASSWORD_ALGORITHM = 0x001d, "PASSWORD-ALGORITHM";
    /// RFC 8489 §14.4.
    USERHASH = 0x001e, "USERHASH";
    /// RFC 8489 §14.2.
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    /// RFC 8656 §18.10.
    RESERVATION_TOKEN = 0x0022, "RESERVATION-TOKEN";
    /// RFC 8445 §16.1.
    PRIORITY = 0x0024, "PRIORITY";
    /// RFC 8445 §16.1.
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE";
    /// RFC 5780 §7.6.
    PADDING = 0x0026, "PADDING";
    /// RFC 5780 §7.5.
    RESPONSE_PORT = 0x0027, "RESPONSE-PORT";
    /// RFC 6062 §6.2.1.
    CONNECTION_ID = 0x002a, "CONNECTION-ID";
    /// RFC 8656 §18.11.
    ADDITIONAL_ADDRESS_FAMILY = 0x8000, "ADDITIONAL-ADDRESS-FAMILY";
    /// RFC 8656 §18.12.
    ADDRESS_ERROR_CODE = 0x8001, "ADDRESS-ERROR-CODE";
    /// RFC 8489 §14.11.
    PASSWORD_ALGORITHMS = 0x8002, "PASSWORD-ALGORITHMS";
    /// RFC 8489 §14.16.
    ALTERNATE_DOMAIN = 0x8003, "ALTERNATE-DOMAIN";
    /// RFC 8656 §18.13.
    ICMP = 0x8004, "ICMP";
    /// RFC 8489 §14.14.
    SOFTWARE = 0x8022, "SOFTWARE";
    /// RFC 8489 §14.15.
    ALTERNATE_SERVER = 0x8023, "ALTERNATE-SERVER";
    /// RFC 8489 §14.7.
    FINGERPRINT = 0x8028, "FINGERPRINT";
    /// RFC 8445 §16.1.
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    /// RFC 8445 §16.1.
    ICE_CONTROLLING = 0x802a, "ICE-CONTROLLING";
    /// RFC 5780 §7.3.
    RESPONSE_ORIGIN = 0x802b, "RESPONSE-ORIGIN";
    /// RFC 5780 §7.4.
    OTHER_ADDRESS = 0x802c, "OTHER-ADDRESS";
    /// RFC 7635 §6.1.
    THIRD_PARTY_AUTHORIZATION = 0x802e, "THIRD-PARTY-AUTHORIZATION";
    /// RFC 8016.
    MOBILITY_TICKET = 0x8030, "MOBILITY-TICKET";
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("{:#06x}", self.0)),
        }
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_half_is_optional() {
        assert!(AttributeType::new(0x7fff).is_comprehension_required());
        assert!(!AttributeType::new(0x8000).is_comprehension_required());
    }

    #[test]
    fn knows_what_it_names_bar_the_classic_ones() {
        let unknown: Vec<_> = AttributeType::NAMED.iter().filter(|kind| !kind.is_known()).collect();
        assert!(unknown.iter().all(|kind| kind.is_classic()));
        assert_eq!(unknown.len(), 5);
        assert!(!AttributeType::new(0x7abc).is_known());
        assert_eq!(AttributeType::new(0x7abc).to_string(), "0x7abc");
        assert_eq!(AttributeType::ICE_CONTROLLED.to_string(), "ICE-CONTROLLED");
    }
}
