//! Causes of errors: [RFC 9260 §3.3.10](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.10).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          Cause Code           |         Cause Length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                  Cause-Specific Information                   \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{List, ParameterType, number::number, tlv};
use crate::{StreamId, Tsn};

number! {
    /// Why a chunk or the association was refused.
    CauseCode: u16 {
        /// A stream that does not exist (RFC 9260 §3.3.10.1).
        INVALID_STREAM = 1 "invalid stream identifier",
        /// A parameter that must be there is not (RFC 9260 §3.3.10.2).
        MISSING_PARAMETER = 2 "missing mandatory parameter",
        /// A good cookie, too late (RFC 9260 §3.3.10.3).
        STALE_COOKIE = 3 "stale cookie",
        /// No room (RFC 9260 §3.3.10.4).
        OUT_OF_RESOURCE = 4 "out of resource",
        /// An address that cannot be resolved (RFC 9260 §3.3.10.5).
        UNRESOLVABLE_ADDRESS = 5 "unresolvable address",
        /// A chunk that is not known (RFC 9260 §3.3.10.6).
        UNRECOGNIZED_CHUNK = 6 "unrecognized chunk type",
        /// A field of an INIT outside its range (RFC 9260 §3.3.10.7).
        INVALID_MANDATORY_PARAMETER = 7 "invalid mandatory parameter",
        /// Parameters that are not known (RFC 9260 §3.3.10.8).
        UNRECOGNIZED_PARAMETERS = 8 "unrecognized parameters",
        /// A chunk of user data without any (RFC 9260 §3.3.10.9).
        NO_USER_DATA = 9 "no user data",
        /// A cookie that came during shutdown (RFC 9260 §3.3.10.10).
        COOKIE_WHILE_SHUTTING_DOWN = 10 "cookie received while shutting down",
        /// A restart that would add addresses (RFC 9260 §3.3.10.11).
        RESTART_WITH_NEW_ADDRESSES = 11 "restart with new addresses",
        /// The application wanted the end (RFC 9260 §3.3.10.12).
        USER_ABORT = 12 "user-initiated abort",
        /// Another breach of the protocol (RFC 9260 §3.3.10.13).
        PROTOCOL_VIOLATION = 13 "protocol violation",
        /// A way to authenticate that is not known (RFC 4895).
        UNSUPPORTED_HMAC = 0x0105 "unsupported HMAC identifier",
    }
}

/// A cause as it stands in the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawCause<'a> {
    /// What it says it is.
    pub code: CauseCode,
    whole: &'a [u8],
}

impl fmt::Debug for RawCause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawCause({} {} bytes)", self.code, self.whole.len())
    }
}

/// Any cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A stream that does not exist.
    InvalidStream(StreamId),
    /// Parameters that must be there are not.
    MissingParameter(List<'a, ParameterType>),
    /// A good cookie, too late by so many microseconds, or 0 if that is not said.
    StaleCookie(u32),
    /// No room.
    OutOfResource,
    /// An address that cannot be resolved, as the whole parameter.
    UnresolvableAddress(&'a [u8]),
    /// A chunk that is not known, all of it but the padding.
    UnrecognizedChunk(&'a [u8]),
    /// A field of an INIT outside its range.
    InvalidMandatoryParameter,
    /// Parameters that are not known, all of them.
    UnrecognizedParameters(&'a [u8]),
    /// A chunk of user data without any, by its number.
    NoUserData(Tsn),
    /// A cookie that came during shutdown.
    CookieWhileShuttingDown,
    /// A restart that would add these addresses, as whole parameters.
    RestartWithNewAddresses(&'a [u8]),
    /// The application wanted the end, for this reason.
    UserAbort(&'a [u8]),
    /// Another breach of the protocol, perhaps with words about it.
    ProtocolViolation(&'a [u8]),
    /// Something else.
    Unknown(RawCause<'a>),
}

impl<'a> Cause<'a> {
    /// Reads the next cause and the padding after it.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not of the form that their code has, or are fewer than they say.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let tlv::Tlv { kind, mut value, whole } = tlv::read(reader)?;
        let code = CauseCode(kind);
        Ok(match code {
            CauseCode::INVALID_STREAM => Self::InvalidStream(StreamId::new(value.u16()?)),
            CauseCode::MISSING_PARAMETER => {
                let count = usize::try_from(value.u32()?).unwrap_or(usize::MAX);
                let types = value.sub(count.saturating_mul(2))?;
                Self::MissingParameter(List::read(types)?)
            }
            CauseCode::STALE_COOKIE => Self::StaleCookie(value.u32()?),
            CauseCode::OUT_OF_RESOURCE => Self::OutOfResource,
            CauseCode::UNRESOLVABLE_ADDRESS => Self::UnresolvableAddress(value.rest()),
            CauseCode::UNRECOGNIZED_CHUNK => Self::UnrecognizedChunk(value.rest()),
            CauseCode::INVALID_MANDATORY_PARAMETER => Self::InvalidMandatoryParameter,
            CauseCode::UNRECOGNIZED_PARAMETERS => Self::UnrecognizedParameters(value.rest()),
            CauseCode::NO_USER_DATA => Self::NoUserData(Tsn::new(value.u32()?)),
            CauseCode::COOKIE_WHILE_SHUTTING_DOWN => Self::CookieWhileShuttingDown,
            CauseCode::RESTART_WITH_NEW_ADDRESSES => Self::RestartWithNewAddresses(value.rest()),
            CauseCode::USER_ABORT => Self::UserAbort(value.rest()),
            CauseCode::PROTOCOL_VIOLATION => Self::ProtocolViolation(value.rest()),
            _ => Self::Unknown(RawCause { code, whole }),
        })
    }

    /// Appends the cause, padded.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let code = self.code().0;
        match *self {
            Self::InvalidStream(stream) => tlv::write(writer, code, |writer| {
                writer.u16(stream.get());
                writer.u16(0);
            }),
            Self::MissingParameter(types) => tlv::write(writer, code, |writer| {
                writer.u32(u32::try_from(types.len()).unwrap_or(u32::MAX));
                types.write(writer);
            }),
            Self::StaleCookie(number) => tlv::write(writer, code, |writer| writer.u32(number)),
            Self::NoUserData(tsn) => tlv::write(writer, code, |writer| writer.u32(tsn.get())),
            Self::UnresolvableAddress(bytes)
            | Self::UnrecognizedChunk(bytes)
            | Self::UnrecognizedParameters(bytes)
            | Self::RestartWithNewAddresses(bytes)
            | Self::UserAbort(bytes)
            | Self::ProtocolViolation(bytes) => {
                tlv::write(writer, code, |writer| writer.bytes(bytes));
            }
            Self::OutOfResource
            | Self::InvalidMandatoryParameter
            | Self::CookieWhileShuttingDown => tlv::write(writer, code, |_| ()),
            Self::Unknown(raw) => {
                writer.bytes(raw.whole);
                writer.zeros(tlv::padding(raw.whole.len()));
            }
        }
    }

    /// What it is.
    #[must_use]
    pub const fn code(&self) -> CauseCode {
        match self {
            Self::InvalidStream(_) => CauseCode::INVALID_STREAM,
            Self::MissingParameter(_) => CauseCode::MISSING_PARAMETER,
            Self::StaleCookie(_) => CauseCode::STALE_COOKIE,
            Self::OutOfResource => CauseCode::OUT_OF_RESOURCE,
            Self::UnresolvableAddress(_) => CauseCode::UNRESOLVABLE_ADDRESS,
            Self::UnrecognizedChunk(_) => CauseCode::UNRECOGNIZED_CHUNK,
            Self::InvalidMandatoryParameter => CauseCode::INVALID_MANDATORY_PARAMETER,
            Self::UnrecognizedParameters(_) => CauseCode::UNRECOGNIZED_PARAMETERS,
            Self::NoUserData(_) => CauseCode::NO_USER_DATA,
            Self::CookieWhileShuttingDown => CauseCode::COOKIE_WHILE_SHUTTING_DOWN,
            Self::RestartWithNewAddresses(_) => CauseCode::RESTART_WITH_NEW_ADDRESSES,
            Self::UserAbort(_) => CauseCode::USER_ABORT,
            Self::ProtocolViolation(_) => CauseCode::PROTOCOL_VIOLATION,
            Self::Unknown(raw) => raw.code,
        }
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        match self {
            Self::InvalidStream(stream) => write!(f, "{code} {stream}"),
            Self::MissingParameter(types) => write!(f, "{code} {types}"),
            Self::StaleCookie(number) => write!(f, "{code} {number} us"),
            Self::NoUserData(tsn) => write!(f, "{code} tsn={tsn}"),
            Self::UserAbort(bytes) | Self::ProtocolViolation(bytes) => {
                write!(f, "{code} \"{}\"", bytes.escape_ascii())
            }
            Self::UnresolvableAddress(bytes)
            | Self::UnrecognizedChunk(bytes)
            | Self::UnrecognizedParameters(bytes)
            | Self::RestartWithNewAddresses(bytes) => write!(f, "{code} len={}", bytes.len()),
            Self::OutOfResource
            | Self::InvalidMandatoryParameter
            | Self::CookieWhileShuttingDown => write!(f, "{code}"),
            Self::Unknown(raw) => write!(f, "{code} len={}", raw.whole.len() - tlv::TLV_HEADER),
        }
    }
}

/// The causes of a chunk, in the bytes of a packet or made by this side.
#[derive(Clone, Copy)]
pub struct Causes<'a> {
    wire: Reader<'a>,
    made: &'a [Cause<'a>],
}

impl<'a> Causes<'a> {
    pub(super) const fn read(wire: Reader<'a>) -> Self {
        Self { wire, made: &[] }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes({ self.wire }.rest());
        let mut last = None;
        for cause in self.made {
            last = Some(writer.len());
            cause.write(writer);
        }
        if let Some(start) = last {
            tlv::unpad(writer, start);
        }
    }

    /// The causes in order. One that cannot be read is the last.
    pub fn iter(&self) -> impl Iterator<Item = Result<Cause<'a>, Malformed>> + 'a + use<'a> {
        let mut rest = Some(self.wire);
        let wire = std::iter::from_fn(move || {
            let reader = rest.as_mut().filter(|reader| !reader.is_empty())?;
            let cause = Cause::read(reader);
            if cause.is_err() {
                rest = None;
            }
            Some(cause)
        });
        wire.chain(self.made.iter().copied().map(Ok))
    }
}

impl<'a> From<&'a [Cause<'a>]> for Causes<'a> {
    fn from(made: &'a [Cause<'a>]) -> Self {
        Self { wire: Reader::new(&[]), made }
    }
}

impl PartialEq for Causes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Causes<'_> {}

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|cause| match cause {
            Ok(cause) => write!(f, " ({cause})"),
            Err(error) => write!(f, " ({error})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{cause_laws, hex};

    #[test]
    fn reads_capture() {
        assert_eq!(cause_laws("0001 0008 0007 0000"), "invalid stream identifier 7");
        assert_eq!(
            cause_laws("0002 000a 0000 0001 0007 0000"),
            "missing mandatory parameter state cookie"
        );
        assert_eq!(cause_laws("0003 0008 0000 0009"), "stale cookie 9 us");
        assert_eq!(cause_laws("0004 0004"), "out of resource");
        assert_eq!(cause_laws("0005 000c 0005 0008 c000 0201"), "unresolvable address len=8");
        assert_eq!(cause_laws("0006 0008 5500 0004"), "unrecognized chunk type len=4");
        assert_eq!(cause_laws("0007 0004"), "invalid mandatory parameter");
        assert_eq!(cause_laws("0008 0008 7234 0004"), "unrecognized parameters len=4");
        assert_eq!(cause_laws("0009 0008 ffff fff0"), "no user data tsn=4294967280");
        assert_eq!(cause_laws("000a 0004"), "cookie received while shutting down");
        assert_eq!(cause_laws("000b 0004"), "restart with new addresses len=0");
        assert_eq!(cause_laws("000c 0007 6279 6500"), "user-initiated abort \"bye\"");
        assert_eq!(cause_laws("000d 0004"), "protocol violation \"\"");
        assert_eq!(cause_laws("0105 0006 0001 0000"), "unsupported HMAC identifier len=2");
        assert_eq!(cause_laws("7777 0005 0100 0000"), "0x7777 len=1");
    }

    #[test]
    fn a_count_beyond_the_bytes_is_refused() {
        for count in ["0000 0003", "ffff ffff", "8000 0000"] {
            let bytes = hex(&format!("0002 000c {count} 0007 0007"));
            assert!(Cause::read(&mut Reader::new(&bytes)).is_err(), "{count}");
        }
    }
}
