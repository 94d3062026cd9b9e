//! Chunks: [RFC 9260 §3.2](https://www.rfc-editor.org/rfc/rfc9260#section-3.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Chunk Type   |  Chunk Flags  |         Chunk Length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                          Chunk Value                          \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{
    Abort, CookieAck, CookieEcho, Cwr, Data, Ecne, Entry, ForwardTsn, Heartbeat, IData,
    IForwardTsn, Init, OperationError, Pad, Reconfig, Sack, Shutdown, ShutdownAck,
    ShutdownComplete, UnknownAction, number::number, tlv,
};

/// Bytes of type, flags and length.
pub const CHUNK_HEADER: usize = 4;

number! {
    /// What a chunk is.
    ChunkType: u8 {
        /// User data (RFC 9260 §3.3.1).
        DATA = 0 "DATA",
        /// Asks for an association (RFC 9260 §3.3.2).
        INIT = 1 "INIT",
        /// Answers that, with a cookie (RFC 9260 §3.3.3).
        INIT_ACK = 2 "INIT ACK",
        /// Says what arrived (RFC 9260 §3.3.4).
        SACK = 3 "SACK",
        /// Asks whether a path works (RFC 9260 §3.3.5).
        HEARTBEAT = 4 "HEARTBEAT",
        /// Says that it does (RFC 9260 §3.3.6).
        HEARTBEAT_ACK = 5 "HEARTBEAT ACK",
        /// Ends the association at once (RFC 9260 §3.3.7).
        ABORT = 6 "ABORT",
        /// Asks for an orderly end (RFC 9260 §3.3.8).
        SHUTDOWN = 7 "SHUTDOWN",
        /// Agrees to it (RFC 9260 §3.3.9).
        SHUTDOWN_ACK = 8 "SHUTDOWN ACK",
        /// Tells of an error (RFC 9260 §3.3.10).
        ERROR = 9 "ERROR",
        /// Brings a cookie back (RFC 9260 §3.3.11).
        COOKIE_ECHO = 10 "COOKIE ECHO",
        /// Says that the cookie was good (RFC 9260 §3.3.12).
        COOKIE_ACK = 11 "COOKIE ACK",
        /// Tells of a packet that the network marked (RFC 4960 §A).
        ECNE = 12 "ECNE",
        /// Answers that (RFC 4960 §A).
        CWR = 13 "CWR",
        /// Ends the orderly end (RFC 9260 §3.3.13).
        SHUTDOWN_COMPLETE = 14 "SHUTDOWN COMPLETE",
        /// Authenticates chunks (RFC 4895). Not understood.
        AUTH = 0x0f "AUTH",
        /// User data of an interleaved message (RFC 8260 §2.1).
        I_DATA = 0x40 "I-DATA",
        /// Answers a change of addresses (RFC 5061). Not understood.
        ASCONF_ACK = 0x80 "ASCONF ACK",
        /// Changes streams (RFC 6525 §3.1).
        RE_CONFIG = 0x82 "RE-CONFIG",
        /// Fills a packet (RFC 4820 §3).
        PAD = 0x84 "PAD",
        /// Moves past messages that were given up (RFC 3758 §3.2).
        FORWARD_TSN = 0xc0 "FORWARD TSN",
        /// Changes addresses (RFC 5061). Not understood.
        ASCONF = 0xc1 "ASCONF",
        /// Moves past interleaved messages that were given up (RFC 8260 §2.3.1).
        I_FORWARD_TSN = 0xc2 "I-FORWARD TSN",
    }
}

impl ChunkType {
    /// What to do with a chunk of this type if the type is not known (RFC 9260 §3.2).
    #[must_use]
    pub const fn unknown_action(self) -> UnknownAction {
        UnknownAction::from_bits((self.0 >> 6) as u16)
    }
}

impl Entry for ChunkType {
    type Bytes = [u8; 1];

    fn split(bytes: &[u8]) -> (&[Self::Bytes], &[u8]) {
        bytes.as_chunks()
    }

    fn read([byte]: Self::Bytes) -> Self {
        Self(byte)
    }

    fn write(self, writer: &mut Writer<'_>) {
        writer.u8(self.0);
    }
}

/// A chunk as it stands in the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawChunk<'a> {
    /// What it says it is.
    pub kind: ChunkType,
    /// Eight bits whose meaning depends on the type.
    pub flags: u8,
    whole: &'a [u8],
}

impl<'a> RawChunk<'a> {
    /// All its bytes but the padding, as they are reported when the type is not known
    /// (RFC 9260 §3.3.10.6).
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.whole
    }

    /// What follows its header.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.whole.get(CHUNK_HEADER..).unwrap_or_default()
    }

    /// Reads the next chunk and the padding after it, if it is there.
    fn read(reader: &mut Reader<'a>) -> Result<(Self, Reader<'a>), Malformed> {
        let mut ahead = *reader;
        let (kind, flags) = (ChunkType::new(ahead.u8()?), ahead.u8()?);
        let length = usize::from(ahead.u16()?);
        let Some(value) = length.checked_sub(CHUNK_HEADER) else {
            return Err(reader.malformed("chunk shorter than its header"));
        };
        let value = ahead.sub(value)?;
        let whole = reader.bytes(length)?;
        reader.bytes(tlv::padding(length).min(reader.remaining()))?;
        Ok((Self { kind, flags, whole }, value))
    }
}

impl fmt::Display for RawChunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flags, whole } = self;
        write!(f, "{kind} flags={flags:#04x} len={}", whole.len() - CHUNK_HEADER)
    }
}

impl fmt::Debug for RawChunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawChunk({self})")
    }
}

/// Any chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// User data.
    Data(Data<'a>),
    /// User data of an interleaved message.
    IData(IData<'a>),
    /// Asks for an association.
    Init(Init<'a>),
    /// Answers that, with a cookie.
    InitAck(Init<'a>),
    /// Says what arrived.
    Sack(Sack<'a>),
    /// Asks whether the path works.
    Heartbeat(Heartbeat<'a>),
    /// Says that it does.
    HeartbeatAck(Heartbeat<'a>),
    /// Ends the association at once.
    Abort(Abort<'a>),
    /// Tells of an error.
    Error(OperationError<'a>),
    /// Asks for an orderly end.
    Shutdown(Shutdown),
    /// Agrees to it.
    ShutdownAck(ShutdownAck),
    /// Ends the orderly end.
    ShutdownComplete(ShutdownComplete),
    /// Brings a cookie back.
    CookieEcho(CookieEcho<'a>),
    /// Says that the cookie was good.
    CookieAck(CookieAck),
    /// Tells of a packet that the network marked.
    Ecne(Ecne),
    /// Answers that.
    Cwr(Cwr),
    /// Moves past messages that were given up.
    ForwardTsn(ForwardTsn<'a>),
    /// Moves past interleaved messages that were given up.
    IForwardTsn(IForwardTsn<'a>),
    /// Changes streams.
    Reconfig(Reconfig<'a>),
    /// Fills a packet.
    Pad(Pad),
    /// Something else.
    Unknown(RawChunk<'a>),
}

impl<'a> Chunk<'a> {
    /// Reads the next chunk and the padding after it.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not of the form that their type has, or are fewer than they say.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (raw, value) = RawChunk::read(reader)?;
        let flags = raw.flags;
        Ok(match raw.kind {
            ChunkType::DATA => Self::Data(Data::parse(flags, value)?),
            ChunkType::I_DATA => Self::IData(IData::parse(flags, value)?),
            ChunkType::SACK => Self::Sack(Sack::parse(value)?),
            ChunkType::INIT => Self::Init(Init::parse(value)?),
            ChunkType::INIT_ACK => Self::InitAck(Init::parse(value)?),
            ChunkType::HEARTBEAT => Self::Heartbeat(Heartbeat::parse(value)?),
            ChunkType::HEARTBEAT_ACK => Self::HeartbeatAck(Heartbeat::parse(value)?),
            ChunkType::ABORT => Self::Abort(Abort::parse(flags, value)),
            ChunkType::ERROR => Self::Error(OperationError::parse(value)),
            ChunkType::SHUTDOWN => Self::Shutdown(Shutdown::parse(value)?),
            ChunkType::SHUTDOWN_ACK => Self::ShutdownAck(ShutdownAck),
            ChunkType::SHUTDOWN_COMPLETE => Self::ShutdownComplete(ShutdownComplete::parse(flags)),
            ChunkType::COOKIE_ECHO => Self::CookieEcho(CookieEcho::parse(value)),
            ChunkType::COOKIE_ACK => Self::CookieAck(CookieAck),
            ChunkType::ECNE => Self::Ecne(Ecne::parse(value)?),
            ChunkType::CWR => Self::Cwr(Cwr::parse(value)?),
            ChunkType::FORWARD_TSN => Self::ForwardTsn(ForwardTsn::parse(value)?),
            ChunkType::I_FORWARD_TSN => Self::IForwardTsn(IForwardTsn::parse(value)?),
            ChunkType::RE_CONFIG => Self::Reconfig(Reconfig::parse(value)),
            ChunkType::PAD => Self::Pad(Pad::parse(value)),
            _ => Self::Unknown(raw),
        })
    }

    /// Appends the chunk, padded.
    pub fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Data(chunk) => chunk.write(writer),
            Self::IData(chunk) => chunk.write(writer),
            Self::Init(chunk) => chunk.write(ChunkType::INIT, writer),
            Self::InitAck(chunk) => chunk.write(ChunkType::INIT_ACK, writer),
            Self::Sack(chunk) => chunk.write(writer),
            Self::Heartbeat(chunk) => chunk.write(ChunkType::HEARTBEAT, writer),
            Self::HeartbeatAck(chunk) => chunk.write(ChunkType::HEARTBEAT_ACK, writer),
            Self::Abort(chunk) => chunk.write(writer),
            Self::Error(chunk) => chunk.write(writer),
            Self::Shutdown(chunk) => chunk.write(writer),
            Self::ShutdownAck(chunk) => chunk.write(writer),
            Self::ShutdownComplete(chunk) => chunk.write(writer),
            Self::CookieEcho(chunk) => chunk.write(writer),
            Self::CookieAck(chunk) => chunk.write(writer),
            Self::Ecne(chunk) => chunk.write(writer),
            Self::Cwr(chunk) => chunk.write(writer),
            Self::ForwardTsn(chunk) => chunk.write(writer),
            Self::IForwardTsn(chunk) => chunk.write(writer),
            Self::Reconfig(chunk) => chunk.write(writer),
            Self::Pad(chunk) => chunk.write(writer),
            Self::Unknown(raw) => {
                writer.bytes(raw.whole);
                writer.zeros(tlv::padding(raw.whole.len()));
            }
        }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ChunkType {
        match self {
            Self::Data(_) => ChunkType::DATA,
            Self::IData(_) => ChunkType::I_DATA,
            Self::Init(_) => ChunkType::INIT,
            Self::InitAck(_) => ChunkType::INIT_ACK,
            Self::Sack(_) => ChunkType::SACK,
            Self::Heartbeat(_) => ChunkType::HEARTBEAT,
            Self::HeartbeatAck(_) => ChunkType::HEARTBEAT_ACK,
            Self::Abort(_) => ChunkType::ABORT,
            Self::Error(_) => ChunkType::ERROR,
            Self::Shutdown(_) => ChunkType::SHUTDOWN,
            Self::ShutdownAck(_) => ChunkType::SHUTDOWN_ACK,
            Self::ShutdownComplete(_) => ChunkType::SHUTDOWN_COMPLETE,
            Self::CookieEcho(_) => ChunkType::COOKIE_ECHO,
            Self::CookieAck(_) => ChunkType::COOKIE_ACK,
            Self::Ecne(_) => ChunkType::ECNE,
            Self::Cwr(_) => ChunkType::CWR,
            Self::ForwardTsn(_) => ChunkType::FORWARD_TSN,
            Self::IForwardTsn(_) => ChunkType::I_FORWARD_TSN,
            Self::Reconfig(_) => ChunkType::RE_CONFIG,
            Self::Pad(_) => ChunkType::PAD,
            Self::Unknown(raw) => raw.kind,
        }
    }
}

impl fmt::Display for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(chunk) => chunk.fmt(f),
            Self::IData(chunk) => chunk.fmt(f),
            Self::Init(chunk) | Self::InitAck(chunk) => write!(f, "{} {chunk}", self.kind()),
            Self::Sack(chunk) => chunk.fmt(f),
            Self::Heartbeat(chunk) | Self::HeartbeatAck(chunk) => {
                write!(f, "{} {chunk}", self.kind())
            }
            Self::Abort(chunk) => chunk.fmt(f),
            Self::Error(chunk) => chunk.fmt(f),
            Self::Shutdown(chunk) => chunk.fmt(f),
            Self::ShutdownAck(chunk) => chunk.fmt(f),
            Self::ShutdownComplete(chunk) => chunk.fmt(f),
            Self::CookieEcho(chunk) => chunk.fmt(f),
            Self::CookieAck(chunk) => chunk.fmt(f),
            Self::Ecne(chunk) => chunk.fmt(f),
            Self::Cwr(chunk) => chunk.fmt(f),
            Self::ForwardTsn(chunk) => chunk.fmt(f),
            Self::IForwardTsn(chunk) => chunk.fmt(f),
            Self::Reconfig(chunk) => chunk.fmt(f),
            Self::Pad(chunk) => chunk.fmt(f),
            Self::Unknown(raw) => raw.fmt(f),
        }
    }
}

/// Appends a chunk with the value that `write` appends, and pads it.
pub(super) fn write(
    writer: &mut Writer<'_>,
    kind: ChunkType,
    flags: u8,
    write: impl FnOnce(&mut Writer<'_>),
) {
    let start = writer.len();
    writer.bytes(&[kind.0, flags, 0, 0]);
    write(writer);
    tlv::finish(writer, start);
}

/// The chunks of a packet in order. One that cannot be read is the last, since nothing says where the next
/// would begin.
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'a> {
    rest: Option<Reader<'a>>,
}

impl<'a> Chunks<'a> {
    pub(super) const fn new(body: Reader<'a>) -> Self {
        Self { rest: Some(body) }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.rest.as_mut().filter(|reader| !reader.is_empty())?;
        let chunk = Chunk::read(reader);
        if chunk.is_err() {
            self.rest = None;
        }
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn a_chunk_shorter_than_its_header_ends_the_packet(#[values(0, 1, 2, 3)] length: u8) {
        let bytes = [11, 0, 0, 4, 0, 0, 0, length, 11, 0, 0, 4];
        let mut chunks = Chunks::new(Reader::new(&bytes));
        assert_eq!(chunks.next(), Some(Ok(Chunk::CookieAck(CookieAck))));
        let error = chunks.next().unwrap().unwrap_err();
        assert_eq!(error, Malformed { what: "chunk shorter than its header", at: 4 });
        assert_eq!(chunks.next(), None);
    }

    #[rstest]
    #[case::none(&[0x55, 1, 0, 5, 9], 1)]
    #[case::all(&[0x55, 1, 0, 5, 9, 0, 0, 0], 1)]
    #[case::not_zero(&[0x55, 1, 0, 5, 9, 1, 2, 3, 11, 0, 0, 4], 2)]
    fn the_last_padding_may_be_missing_and_none_is_looked_at(
        #[case] bytes: &[u8],
        #[case] count: usize,
    ) {
        let chunks: Vec<_> = Chunks::new(Reader::new(bytes)).collect::<Result<_, _>>().unwrap();
        assert_eq!(chunks.len(), count);
        let Chunk::Unknown(raw) = chunks[0] else { panic!("a type that nobody knows") };
        assert_eq!((raw.bytes(), raw.value()), (&bytes[..5], &[9][..]));
        assert_eq!(raw.to_string(), "0x55 flags=0x01 len=1");
    }

    #[test]
    fn the_highest_bits_say_what_to_do_with_an_unknown_type() {
        let action = |kind| ChunkType::new(kind).unknown_action();
        assert_eq!(action(0x3f), UnknownAction::Stop);
        assert_eq!(action(0x7f), UnknownAction::StopReport);
        assert_eq!(action(0xbf), UnknownAction::Skip);
        assert_eq!(action(0xff), UnknownAction::SkipReport);
        assert!(action(0xff).reports() && !action(0xff).stops());
    }

    #[test]
    fn types_print_their_names() {
        assert_eq!(format!("{:?}", ChunkType::I_FORWARD_TSN), "I-FORWARD TSN");
        assert_eq!(ChunkType::new(0x77).to_string(), "0x77");
    }
}
