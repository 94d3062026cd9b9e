//! Numbers and their names: classes, methods, attribute types, error codes.

use std::fmt;

/// The class of a message: two bits, spread over the type field (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Asks for nothing.
    Indication,
    /// Answers a request that was granted.
    Success,
    /// Answers a request that was refused.
    Error,
}

impl Class {
    /// All four, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Request, Self::Indication, Self::Success, Self::Error];

    /// The two bits C1 and C0 where they stand in the type field.
    #[must_use]
    pub const fn bits(self) -> u16 {
        match self {
            Self::Request => 0x0000,
            Self::Indication => 0x0010,
            Self::Success => 0x0100,
            Self::Error => 0x0110,
        }
    }

    /// The class in the two bits of a type field.
    #[must_use]
    pub const fn of(kind: u16) -> Self {
        match kind & 0x0110 {
            0x0000 => Self::Request,
            0x0010 => Self::Indication,
            0x0100 => Self::Success,
            _ => Self::Error,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Indication => "indication",
            Self::Success => "success",
            Self::Error => "error",
        })
    }
}

/// Spreads the twelve bits of `method` around the class bits (RFC 8489 §5, figure 3).
#[must_use]
pub const fn spread_method(method: u16) -> u16 {
    method & 0x000f | (method & 0x0070) << 1 | (method & 0x0f80) << 2
}

/// Gathers the twelve bits of the method from a type field.
#[must_use]
pub const fn gather_method(kind: u16) -> u16 {
    kind & 0x000f | (kind & 0x00e0) >> 1 | (kind & 0x3e00) >> 2
}

/// The name of a method, for ladders.
#[must_use]
pub fn method_name(method: u16) -> String {
    match method {
        0x001 => "Binding".to_owned(),
        0x002 => "SharedSecret".to_owned(),
        0x003 => "Allocate".to_owned(),
        0x004 => "Refresh".to_owned(),
        0x006 => "Send".to_owned(),
        0x007 => "Data".to_owned(),
        0x008 => "CreatePermission".to_owned(),
        0x009 => "ChannelBind".to_owned(),
        0x00a => "Connect".to_owned(),
        0x00b => "ConnectionBind".to_owned(),
        0x00c => "ConnectionAttempt".to_owned(),
        other => format!("method-{other:#05x}"),
    }
}

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)+) => {
        /// Attribute types by name.
        pub mod attribute {
            $($(#[$doc])* pub const $name: u16 = $number;)+
        }

        /// The name of an attribute type, or its number if it has none.
        #[must_use]
        pub fn attribute_name(kind: u16) -> String {
            match kind {
                $($number => $text.to_owned(),)+
                other => format!("{other:#06x}"),
            }
        }
    };
}

attributes! {
    /// RFC 8489 §14.1.
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS";
    /// RFC 5780 §7.2.
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST";
    /// RFC 8489 §14.3.
    USERNAME = 0x0006, "USERNAME";
    /// RFC 8489 §14.5.
    MESSAGE_INTEGRITY = 0x0008, "MI";
    /// RFC 8489 §14.8.
    ERROR_CODE = 0x0009, "ERROR-CODE";
    /// RFC 8489 §14.13.
    UNKNOWN_ATTRIBUTES = 0x000a, "UNKNOWN-ATTRIBUTES";
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
    MESSAGE_INTEGRITY_SHA256 = 0x001c, "MI-SHA256";
    /// RFC 8489 §14.12.
    PASSWORD_ALGORITHM = 0x001d, "PASSWORD-ALGORITHM";
    /// RFC 8489 §14.4.
    USERHASH = 0x001e, "USERHASH";
    /// RFC 8489 §14.2.
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    /// RFC 8656 §18.10.
    RESERVATION_TOKEN = 0x0022, "RESERVATION-TOKEN";
    /// RFC 8445 §7.1.1.
    PRIORITY = 0x0024, "PRIORITY";
    /// RFC 8445 §7.1.2.
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
    FINGERPRINT = 0x8028, "FP";
    /// RFC 8445 §7.1.3.
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    /// RFC 8445 §7.1.3.
    ICE_CONTROLLING = 0x802a, "ICE-CONTROLLING";
    /// RFC 5780 §7.3.
    RESPONSE_ORIGIN = 0x802b, "RESPONSE-ORIGIN";
    /// RFC 5780 §7.4.
    OTHER_ADDRESS = 0x802c, "OTHER-ADDRESS";
}

/// The method of RFC 8489 §5.
pub const BINDING: u16 = 0x001;

/// The magic cookie of RFC 8489 §5.
pub const COOKIE: u32 = 0x2112_a442;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binding_types_are_those_of_the_specification() {
        let kinds = Class::ALL.map(|class| spread_method(BINDING) | class.bits());
        assert_eq!(kinds, [0x0001, 0x0011, 0x0101, 0x0111]);
    }

    #[test]
    fn every_type_field_splits_and_joins() {
        for kind in 0..0x4000_u16 {
            assert_eq!(spread_method(gather_method(kind)) | Class::of(kind).bits(), kind);
        }
    }
}
