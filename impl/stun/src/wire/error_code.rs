//! Why a request failed: ERROR-CODE and UNKNOWN-ATTRIBUTES:
//! [RFC 8489 §14.8](https://www.rfc-editor.org/rfc/rfc8489#section-14.8).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           Reserved, should be 0         |Class|     Number    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      Reason Phrase (variable)                                ..
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{AttributeType, Decode, Encode, TransactionId};

/// Most bytes of a reason phrase that are read: RFC 8489 §14.8.
const MAX_REASON: usize = 763;

/// A number from 300 to 699.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// Try another server: RFC 8489 §10.
    pub const TRY_ALTERNATE: Self = Self(300);
    /// The request made no sense: RFC 8489 §14.8.
    pub const BAD_REQUEST: Self = Self(400);
    /// The request lacked the right credential: RFC 8489 §14.8.
    pub const UNAUTHENTICATED: Self = Self(401);
    /// Not allowed: RFC 8656 §19.
    pub const FORBIDDEN: Self = Self(403);
    /// Not acceptable with this mobility ticket: RFC 8016.
    pub const MOBILITY_FORBIDDEN: Self = Self(405);
    /// An attribute that must be understood was not: RFC 8489 §14.8.
    pub const UNKNOWN_ATTRIBUTE: Self = Self(420);
    /// An allocation too many, or none: RFC 8656 §19.
    pub const ALLOCATION_MISMATCH: Self = Self(437);
    /// The nonce is too old: RFC 8489 §14.8.
    pub const STALE_NONCE: Self = Self(438);
    /// No addresses of this family: RFC 8656 §19.
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: Self = Self(440);
    /// The allocation belongs to another credential: RFC 8656 §19.
    pub const WRONG_CREDENTIALS: Self = Self(441);
    /// No relaying over this transport: RFC 8656 §19.
    pub const UNSUPPORTED_TRANSPORT_PROTOCOL: Self = Self(442);
    /// Peer and relayed address are of different families: RFC 8656 §19.
    pub const PEER_ADDRESS_FAMILY_MISMATCH: Self = Self(443);
    /// A connection to the peer exists: RFC 6062 §6.3.
    pub const CONNECTION_ALREADY_EXISTS: Self = Self(446);
    /// The peer could not be reached: RFC 6062 §6.3.
    pub const CONNECTION_TIMEOUT_OR_FAILURE: Self = Self(447);
    /// The user has all the allocations allowed: RFC 8656 §19.
    pub const ALLOCATION_QUOTA_REACHED: Self = Self(486);
    /// Both agents claim one role: RFC 8445 §16.2.
    pub const ROLE_CONFLICT: Self = Self(487);
    /// The server has a problem of its own: RFC 8489 §14.8.
    pub const SERVER_ERROR: Self = Self(500);
    /// The server is full: RFC 8656 §19.
    pub const INSUFFICIENT_CAPACITY: Self = Self(508);

    /// The code `number`, if it is from 300 to 699.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 300 && number <= 699 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The phrase the registry recommends; empty if it has none.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TRY_ALTERNATE => "Try Alternate",
            Self::BAD_REQUEST => "Bad Request",
            Self::UNAUTHENTICATED => "Unauthenticated",
            Self::FORBIDDEN => "Forbidden",
            Self::MOBILITY_FORBIDDEN => "Mobility Forbidden",
            Self::UNKNOWN_ATTRIBUTE => "Unknown Attribute",
            Self::ALLOCATION_MISMATCH => "Allocation Mismatch",
            Self::STALE_NONCE => "Stale Nonce",
            Self::ADDRESS_FAMILY_NOT_SUPPORTED => "Address Family not Supported",
            Self::WRONG_CREDENTIALS => "Wrong Credentials",
            Self::UNSUPPORTED_TRANSPORT_PROTOCOL => "Unsupported Transport Protocol",
            Self::PEER_ADDRESS_FAMILY_MISMATCH => "Peer Address Family Mismatch",
            Self::CONNECTION_ALREADY_EXISTS => "Connection Already Exists",
            Self::CONNECTION_TIMEOUT_OR_FAILURE => "Connection Timeout or Failure",
            Self::ALLOCATION_QUOTA_REACHED => "Allocation Quota Reached",
            Self::ROLE_CONFLICT => "Role Conflict",
            Self::SERVER_ERROR => "Server Error",
            Self::INSUFFICIENT_CAPACITY => "Insufficient Capacity",
            _ => "",
        }
    }

    /// Reads class and number out of the low bits of `word`.
    pub(super) fn from_word(word: u32) -> Option<Self> {
        let [_, _, class, number] = word.to_be_bytes();
        let (class, number) = (class & 0x07, number);
        if number > 99 {
            return None;
        }
        Self::new(u16::from(class) * 100 + u16::from(number))
    }

    /// Class and number as the low bits of a word.
    pub(super) fn to_word(self) -> u32 {
        u32::from(self.0 / 100) << 8 | u32::from(self.0 % 100)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// ERROR-CODE: RFC 8489 §14.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode<'a> {
    /// What went wrong.
    pub code: Code,
    /// The same for people. Text that is not UTF-8 is cut at its first bad byte: no decision hangs
    /// on it, so it is no reason to lose the code.
    pub reason: &'a str,
}

impl ErrorCode<'static> {
    /// `code` with the phrase the registry recommends.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, reason: code.reason() }
    }
}

/// Reads a reason phrase, as much of it as is text.
pub(super) fn read_reason<'a>(value: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    if value.remaining() > MAX_REASON {
        return Err(value.malformed("reason phrase too long"));
    }
    let chunk = value.rest().utf8_chunks().next();
    Ok(chunk.map(|chunk| chunk.valid()).unwrap_or_default())
}

impl Encode for ErrorCode<'_> {
    const TYPE: AttributeType = AttributeType::ERROR_CODE;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.u32(self.code.to_word());
        writer.bytes(self.reason.as_bytes());
    }
}

impl<'a> Decode<'a> for ErrorCode<'a> {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        let unknown = value.malformed("error code outside 300 to 699");
        let code = Code::from_word(value.u32()?).ok_or(unknown)?;
        Ok(Self { code, reason: read_reason(&mut value)? })
    }
}

impl fmt::Display for ErrorCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason.escape_debug())
    }
}

/// UNKNOWN-ATTRIBUTES, the types that were not understood: RFC 8489 §14.13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnknownAttributes<'a> {
    /// Pairs of bytes.
    value: &'a [u8],
}

impl<'a> UnknownAttributes<'a> {
    /// The types in order.
    pub fn types(self) -> impl Iterator<Item = AttributeType> {
        let mut reader = Reader::new(self.value);
        std::iter::from_fn(move || reader.u16().ok().map(AttributeType::new))
    }
}

impl Encode for UnknownAttributes<'_> {
    const TYPE: AttributeType = AttributeType::UNKNOWN_ATTRIBUTES;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        writer.bytes(self.value);
    }
}

impl<'a> Decode<'a> for UnknownAttributes<'a> {
    fn read(mut value: Reader<'a>, _: &TransactionId) -> Result<Self, Malformed> {
        if !value.remaining().is_multiple_of(2) {
            return Err(value.malformed("odd length"));
        }
        Ok(Self { value: value.rest() })
    }
}

/// The UNKNOWN-ATTRIBUTES of a server that did not understand `types`.
#[derive(Clone, Copy, Debug)]
pub struct NotUnderstood<'a>(pub &'a [AttributeType]);

impl Encode for NotUnderstood<'_> {
    const TYPE: AttributeType = AttributeType::UNKNOWN_ATTRIBUTES;

    fn write(&self, writer: &mut Writer<'_>, _: &TransactionId) {
        self.0.iter().for_each(|kind| writer.u16(kind.number()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{read, truncations, written};

    const ID: TransactionId = TransactionId::new([0; 12]);

    #[test]
    fn reads_capture() {
        let error: ErrorCode<'_> = read(b"\xff\xff\xfc\x01Unauthenticated", &ID).unwrap();
        assert_eq!(error, ErrorCode::new(Code::UNAUTHENTICATED));
        assert_eq!(error.to_string(), "401 Unauthenticated");
        let unknown: UnknownAttributes<'_> = read(&[0x7f, 0xff, 0, 3], &ID).unwrap();
        let types: Vec<_> = unknown.types().collect();
        assert_eq!(types, [AttributeType::new(0x7fff), AttributeType::CHANGE_REQUEST]);
    }

    #[test]
    fn round_trips() {
        for number in 300..=699 {
            let error = ErrorCode::new(Code::new(number).unwrap());
            assert_eq!(read(&written(&error, &ID), &ID), Ok(error));
        }
        let list = [AttributeType::new(1), AttributeType::new(0x7fff)];
        assert_eq!(written(&NotUnderstood(&list), &ID), [0, 1, 0x7f, 0xff]);
    }

    #[test]
    fn rejects_truncated() {
        for (length, bytes) in truncations(&[0, 0, 4, 1]) {
            assert!(read::<ErrorCode<'_>>(&bytes, &ID).is_err(), "{length}");
        }
        assert!(read::<UnknownAttributes<'_>>(&[1, 2, 3], &ID).is_err());
    }

    #[test]
    fn rejects_classes_and_numbers_out_of_range() {
        for value in [[0, 0, 2, 1], [0, 0, 7, 1], [0, 0, 4, 100], [0, 0, 0, 0]] {
            assert!(read::<ErrorCode<'_>>(&value, &ID).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_reason_that_is_no_text_does_not_hide_the_code() {
        let error: ErrorCode<'_> = read(b"\0\0\x05\0Oops\xff\xfe", &ID).unwrap();
        assert_eq!(error, ErrorCode { code: Code::SERVER_ERROR, reason: "Oops" });
    }
}
