//! Parameters: [RFC 9260 §3.3.2.1](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.2.1),
//! [§3.3.3.1](https://www.rfc-editor.org/rfc/rfc9260#section-3.3.3.1), and those of the extensions.
//!
//! How a parameter is framed is in `tlv.rs`. Those that change streams are in `reconfig/`.

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{
    AddStreams, AssociationReset, ChunkType, Entry, IncomingReset, List, OutgoingReset,
    ReconfigResponse, UnknownAction, number::number, tlv,
};

number! {
    /// What a parameter is.
    ParameterType: u16 {
        /// What a heartbeat carries (RFC 9260 §3.3.5).
        HEARTBEAT_INFO = 1 "heartbeat info",
        /// An address of version 4 (RFC 9260 §3.3.2.1.1).
        IPV4 = 5 "IPv4 address",
        /// An address of version 6 (RFC 9260 §3.3.2.1.2).
        IPV6 = 6 "IPv6 address",
        /// What the other end is to bring back (RFC 9260 §3.3.3.1.1).
        STATE_COOKIE = 7 "state cookie",
        /// A parameter that was not known (RFC 9260 §3.3.3.1.2).
        UNRECOGNIZED = 8 "unrecognized",
        /// Asks for a cookie that lives longer (RFC 9260 §3.3.2.1.3).
        COOKIE_PRESERVATIVE = 9 "cookie preservative",
        /// A name of a host, which nobody may send any more (RFC 9260 §3.3.2.1.4).
        HOST_NAME = 11 "host name",
        /// Types of addresses that can be used (RFC 9260 §3.3.2.1.5).
        SUPPORTED_ADDRESS_TYPES = 12 "supported address types",
        /// Asks to reset streams that the sender sends on (RFC 6525 §4.1).
        OUTGOING_RESET = 13 "outgoing reset",
        /// Asks to reset streams that the receiver sends on (RFC 6525 §4.2).
        INCOMING_RESET = 14 "incoming reset",
        /// Asks to reset all numbers (RFC 6525 §4.3).
        ASSOCIATION_RESET = 15 "association reset",
        /// Answers the others (RFC 6525 §4.4).
        RECONFIG_RESPONSE = 16 "re-configuration response",
        /// Asks for more streams to send on (RFC 6525 §4.5).
        ADD_OUTGOING = 17 "add outgoing streams",
        /// Asks for more streams to receive on (RFC 6525 §4.6).
        ADD_INCOMING = 18 "add incoming streams",
        /// Marks of the network are understood (RFC 4960 §A).
        ECN_CAPABLE = 0x8000 "ECN capable",
        /// Packets without a checksum are accepted (RFC 9653).
        ZERO_CHECKSUM = 0x8001 "zero checksum",
        /// Chance for keys (RFC 4895). Not understood.
        RANDOM = 0x8002 "random",
        /// Chunks to authenticate (RFC 4895). Not understood.
        CHUNK_LIST = 0x8003 "chunk list",
        /// How to authenticate (RFC 4895). Not understood.
        HMAC_ALGORITHM = 0x8004 "HMAC algorithm",
        /// Fills an INIT (RFC 4820 §4). Not looked at.
        PADDING = 0x8005 "padding",
        /// Types of chunks that are understood (RFC 5061).
        SUPPORTED_EXTENSIONS = 0x8008 "supported extensions",
        /// Messages may be given up (RFC 3758 §3.1).
        FORWARD_TSN_SUPPORTED = 0xc000 "forward TSN supported",
        /// What the layer above speaks (RFC 5061). Not understood.
        ADAPTATION_LAYER = 0xc006 "adaptation layer",
    }
}

impl ParameterType {
    /// What to do with a parameter of this type if the type is not known (RFC 9260 §3.2.1).
    #[must_use]
    pub const fn unknown_action(self) -> UnknownAction {
        UnknownAction::from_bits(self.0 >> 14)
    }
}

impl Entry for ParameterType {
    type Bytes = [u8; 2];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read(bytes: Self::Bytes) -> Self {
        Self(u16::from_be_bytes(bytes))
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u16(self.0);
    }
}

/// A parameter as it stands in the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawParameter<'a> {
    /// What it says it is.
    pub kind: ParameterType,
    whole: &'a [u8],
}

impl<'a> RawParameter<'a> {
    /// All its bytes but the padding, as they are reported when the type is not known
    /// (RFC 9260 §3.2.2).
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.whole
    }
}

impl fmt::Debug for RawParameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawParameter({} {} bytes)", self.kind, self.whole.len())
    }
}

/// Any parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// What a heartbeat carries; only its sender understands it.
    HeartbeatInfo(&'a [u8]),
    /// An address of the sender. Never acted on.
    Ipv4([u8; 4]),
    /// An address of the sender. Never acted on.
    Ipv6([u8; 16]),
    /// What the other end is to bring back.
    StateCookie(&'a [u8]),
    /// A parameter of the other end that was not known, all of it.
    Unrecognized(&'a [u8]),
    /// Milliseconds by which the cookie ought to live longer.
    CookiePreservative(u32),
    /// A name of the sender. To send one is a misdeed, which is for the receiver to say.
    HostName(&'a [u8]),
    /// Types of addresses that the sender can use, as types of parameters.
    SupportedAddressTypes(List<'a, ParameterType>),
    /// Asks to reset streams that the sender sends on.
    OutgoingReset(OutgoingReset<'a>),
    /// Asks to reset streams that the receiver sends on.
    IncomingReset(IncomingReset<'a>),
    /// Asks to reset all numbers.
    AssociationReset(AssociationReset),
    /// Answers a request to change streams.
    ReconfigResponse(ReconfigResponse),
    /// Asks for more streams to send on.
    AddOutgoing(AddStreams),
    /// Asks for more streams to receive on.
    AddIncoming(AddStreams),
    /// Marks of the network are understood.
    EcnCapable,
    /// Packets without a checksum are accepted as long as this method, by its number, finds errors.
    ZeroChecksum(u32),
    /// Types of chunks that are understood.
    SupportedExtensions(List<'a, ChunkType>),
    /// Messages may be given up.
    ForwardTsnSupported,
    /// Something else.
    Unknown(RawParameter<'a>),
}

impl<'a> Parameter<'a> {
    /// Reads the next parameter and the padding after it.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not of the form that their type has, or are fewer than they say.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let tlv::Tlv { kind, mut value, whole } = tlv::read(reader)?;
        let kind = ParameterType(kind);
        Ok(match kind {
            ParameterType::HEARTBEAT_INFO => Self::HeartbeatInfo(value.rest()),
            ParameterType::IPV4 => Self::Ipv4(value.array()?),
            ParameterType::IPV6 => Self::Ipv6(value.array()?),
            ParameterType::STATE_COOKIE => Self::StateCookie(value.rest()),
            ParameterType::UNRECOGNIZED => Self::Unrecognized(value.rest()),
            ParameterType::COOKIE_PRESERVATIVE => Self::CookiePreservative(value.u32()?),
            ParameterType::HOST_NAME => Self::HostName(value.rest()),
            ParameterType::SUPPORTED_ADDRESS_TYPES => {
                Self::SupportedAddressTypes(List::read(value)?)
            }
            ParameterType::OUTGOING_RESET => Self::OutgoingReset(OutgoingReset::parse(value)?),
            ParameterType::INCOMING_RESET => Self::IncomingReset(IncomingReset::parse(value)?),
            ParameterType::ASSOCIATION_RESET => {
                Self::AssociationReset(AssociationReset::parse(value)?)
            }
            ParameterType::RECONFIG_RESPONSE => {
                Self::ReconfigResponse(ReconfigResponse::parse(value)?)
            }
            ParameterType::ADD_OUTGOING => Self::AddOutgoing(AddStreams::parse(value)?),
            ParameterType::ADD_INCOMING => Self::AddIncoming(AddStreams::parse(value)?),
            ParameterType::ECN_CAPABLE => Self::EcnCapable,
            ParameterType::ZERO_CHECKSUM => Self::ZeroChecksum(value.u32()?),
            ParameterType::SUPPORTED_EXTENSIONS => Self::SupportedExtensions(List::read(value)?),
            ParameterType::FORWARD_TSN_SUPPORTED => Self::ForwardTsnSupported,
            _ => Self::Unknown(RawParameter { kind, whole }),
        })
    }

    /// Appends the parameter, padded.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let kind = self.kind().0;
        match *self {
            Self::HeartbeatInfo(bytes)
            | Self::StateCookie(bytes)
            | Self::Unrecognized(bytes)
            | Self::HostName(bytes) => tlv::write(writer, kind, |writer| writer.bytes(bytes)),
            Self::Ipv4(address) => tlv::write(writer, kind, |writer| writer.bytes(&address)),
            Self::Ipv6(address) => tlv::write(writer, kind, |writer| writer.bytes(&address)),
            Self::CookiePreservative(number) | Self::ZeroChecksum(number) => {
                tlv::write(writer, kind, |writer| writer.u32(number));
            }
            Self::SupportedAddressTypes(types) => {
                tlv::write(writer, kind, |writer| types.write(writer));
            }
            Self::SupportedExtensions(types) => {
                tlv::write(writer, kind, |writer| types.write(writer));
            }
            Self::OutgoingReset(it) => tlv::write(writer, kind, |writer| it.write(writer)),
            Self::IncomingReset(it) => tlv::write(writer, kind, |writer| it.write(writer)),
            Self::AssociationReset(it) => tlv::write(writer, kind, |writer| it.write(writer)),
            Self::ReconfigResponse(it) => tlv::write(writer, kind, |writer| it.write(writer)),
            Self::AddOutgoing(it) | Self::AddIncoming(it) => {
                tlv::write(writer, kind, |writer| it.write(writer));
            }
            Self::EcnCapable | Self::ForwardTsnSupported => tlv::write(writer, kind, |_| ()),
            Self::Unknown(raw) => {
                writer.bytes(raw.whole);
                writer.zeros(tlv::padding(raw.whole.len()));
            }
        }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ParameterType {
        match self {
            Self::HeartbeatInfo(_) => ParameterType::HEARTBEAT_INFO,
            Self::Ipv4(_) => ParameterType::IPV4,
            Self::Ipv6(_) => ParameterType::IPV6,
            Self::StateCookie(_) => ParameterType::STATE_COOKIE,
            Self::Unrecognized(_) => ParameterType::UNRECOGNIZED,
            Self::CookiePreservative(_) => ParameterType::COOKIE_PRESERVATIVE,
            Self::HostName(_) => ParameterType::HOST_NAME,
            Self::SupportedAddressTypes(_) => ParameterType::SUPPORTED_ADDRESS_TYPES,
            Self::OutgoingReset(_) => ParameterType::OUTGOING_RESET,
            Self::IncomingReset(_) => ParameterType::INCOMING_RESET,
            Self::AssociationReset(_) => ParameterType::ASSOCIATION_RESET,
            Self::ReconfigResponse(_) => ParameterType::RECONFIG_RESPONSE,
            Self::AddOutgoing(_) => ParameterType::ADD_OUTGOING,
            Self::AddIncoming(_) => ParameterType::ADD_INCOMING,
            Self::EcnCapable => ParameterType::ECN_CAPABLE,
            Self::ZeroChecksum(_) => ParameterType::ZERO_CHECKSUM,
            Self::SupportedExtensions(_) => ParameterType::SUPPORTED_EXTENSIONS,
            Self::ForwardTsnSupported => ParameterType::FORWARD_TSN_SUPPORTED,
            Self::Unknown(raw) => raw.kind,
        }
    }
}

impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::HeartbeatInfo(bytes)
            | Self::StateCookie(bytes)
            | Self::Unrecognized(bytes)
            | Self::HostName(bytes) => write!(f, "{kind} len={}", bytes.len()),
            Self::Ipv4(address) => std::net::Ipv4Addr::from(*address).fmt(f),
            Self::Ipv6(address) => std::net::Ipv6Addr::from(*address).fmt(f),
            Self::CookiePreservative(number) | Self::ZeroChecksum(number) => {
                write!(f, "{kind} {number}")
            }
            Self::SupportedAddressTypes(types) => write!(f, "addresses {types}"),
            Self::SupportedExtensions(types) => write!(f, "extensions {types}"),
            Self::OutgoingReset(it) => it.fmt(f),
            Self::IncomingReset(it) => it.fmt(f),
            Self::AssociationReset(it) => it.fmt(f),
            Self::ReconfigResponse(it) => it.fmt(f),
            Self::AddOutgoing(it) | Self::AddIncoming(it) => write!(f, "{kind} {it}"),
            Self::EcnCapable => f.write_str("ECN"),
            Self::ForwardTsnSupported => f.write_str("forward TSN"),
            Self::Unknown(raw) => write!(f, "{kind} len={}", raw.whole.len() - tlv::TLV_HEADER),
        }
    }
}

/// The parameters of a chunk, in the bytes of a packet or made by this side.
#[derive(Clone, Copy)]
pub struct Parameters<'a> {
    wire: Reader<'a>,
    made: &'a [Parameter<'a>],
}

impl<'a> Parameters<'a> {
    pub(super) const fn read(wire: Reader<'a>) -> Self {
        Self { wire, made: &[] }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes({ self.wire }.rest());
        let mut last = None;
        for parameter in self.made {
            last = Some(writer.len());
            parameter.write(writer);
        }
        if let Some(start) = last {
            tlv::unpad(writer, start);
        }
    }

    /// The parameters in order. One that cannot be read is the last.
    pub fn iter(&self) -> impl Iterator<Item = Result<Parameter<'a>, Malformed>> + 'a + use<'a> {
        let mut rest = Some(self.wire);
        let wire = std::iter::from_fn(move || {
            let reader = rest.as_mut().filter(|reader| !reader.is_empty())?;
            let parameter = Parameter::read(reader);
            if parameter.is_err() {
                rest = None;
            }
            Some(parameter)
        });
        wire.chain(self.made.iter().copied().map(Ok))
    }
}

impl<'a> From<&'a [Parameter<'a>]> for Parameters<'a> {
    fn from(made: &'a [Parameter<'a>]) -> Self {
        Self { wire: Reader::new(&[]), made }
    }
}

impl PartialEq for Parameters<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Parameters<'_> {}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|parameter| match parameter {
            Ok(parameter) => write!(f, " ({parameter})"),
            Err(error) => write!(f, " ({error})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::{hex, parameter_laws};

    #[test]
    fn reads_capture() {
        assert_eq!(parameter_laws("0007 0006 abcd 0000"), "state cookie len=2");
        assert_eq!(parameter_laws("0005 0008 c000 0201"), "192.0.2.1");
        assert_eq!(
            parameter_laws("0006 0014 2001 0db8 0000 0000 0000 0000 0000 0001"),
            "2001:db8::1"
        );
        assert_eq!(parameter_laws("000c 0008 0005 0006"), "addresses IPv4 address,IPv6 address");
        assert_eq!(parameter_laws("0009 0008 0000 03e8"), "cookie preservative 1000");
        assert_eq!(parameter_laws("8000 0004"), "ECN");
        assert_eq!(parameter_laws("8008 0006 82c0 0000"), "extensions RE-CONFIG,FORWARD TSN");
        assert_eq!(parameter_laws("c006 0008 0000 0001"), "adaptation layer len=4");
        assert_eq!(parameter_laws("0008 0008 1234 0004"), "unrecognized len=4");
    }

    #[test]
    fn fields_that_are_too_short_are_refused() {
        for capture in
            ["0005 0007 c000 0200", "0009 0004", "8001 0006 0000 0000", "000c 0005 0000 0000"]
        {
            assert!(Parameter::read(&mut Reader::new(&hex(capture))).is_err(), "{capture}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_the_last() {
        let bytes = hex("8000 0004 c000 0003 8000 0004");
        let parameters = Parameters::read(Reader::new(&bytes));
        assert_eq!(parameters.iter().count(), 2);
        assert!(parameters.iter().nth(1).unwrap().is_err());
    }

    #[test]
    fn the_highest_bits_say_what_to_do_with_an_unknown_type() {
        let action = |kind| ParameterType::new(kind).unknown_action();
        assert_eq!(action(0x3fff), UnknownAction::Stop);
        assert_eq!(action(0x7fff), UnknownAction::StopReport);
        assert_eq!(action(0xbfff), UnknownAction::Skip);
        assert_eq!(action(0xffff), UnknownAction::SkipReport);
    }
}
