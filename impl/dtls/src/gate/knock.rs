//! The ClientHello at the start of a datagram, or its first fragment.

use base::Reader;

use crate::{
    DropReason,
    flight::MAX_MESSAGE,
    wire::{
        ClientHello, ContentType, HandshakeHeader, HandshakeType, Message as _, ProtocolVersion,
    },
};

/// A ClientHello at the start of a datagram: the whole of it, or a first fragment.
pub(super) struct Knock<'a> {
    /// The number of the record.
    pub(super) sequence: u64,
    /// The number of the message.
    pub(super) message_seq: u16,
    /// Its body, if it is whole.
    pub(super) body: Option<&'a [u8]>,
    /// What it says; only extensions that are whole.
    pub(super) hello: ClientHello<'a>,
}

impl<'a> Knock<'a> {
    /// Reads the first record of a datagram.
    ///
    /// # Errors
    ///
    /// Why a client without a cookie gets no answer to it.
    pub(super) fn read(datagram: &'a [u8]) -> Result<Self, DropReason> {
        let (sequence, payload) = read_record(datagram).ok_or(DropReason::UnknownPeer)?;
        let mut reader = Reader::new(payload);
        let header = HandshakeHeader::read(&mut reader).map_err(|_| DropReason::BadHello)?;
        let range = header.range().ok_or(DropReason::BadHello)?;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if header.kind != HandshakeType::CLIENT_HELLO || length > MAX_MESSAGE {
            return Err(DropReason::BadHello);
        }
        if range.start > 0 {
            // It would have to be kept until the others are there.
            return Err(DropReason::HelloFragment);
        }
        let body = reader.bytes(range.len()).map_err(|_| DropReason::BadHello)?;
        let hello = if header.is_whole() {
            ClientHello::parse(body)
        } else {
            ClientHello::parse_beginning(body, length)
        };
        let hello = hello.map_err(|_| DropReason::BadHello)?;
        let body = header.is_whole().then_some(body);
        Ok(Self { sequence, message_seq: header.message_seq, body, hello })
    }

    /// Whether it is not a first fragment alone.
    pub(super) const fn is_whole(&self) -> bool {
        self.body.is_some()
    }
}

/// Whether a ClientHello, or a piece of one, is at the start of a datagram.
pub(crate) fn is_knock(datagram: &[u8]) -> bool {
    let header = read_record(datagram)
        .and_then(|(_, payload)| HandshakeHeader::read(&mut Reader::new(payload)).ok());
    header.is_some_and(|header| header.kind == HandshakeType::CLIENT_HELLO)
}

/// Number and payload of a handshake record without protection.
fn read_record(datagram: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader::new(datagram);
    let kind = ContentType::new(reader.u8().ok()?);
    let version = ProtocolVersion::new(reader.u16().ok()?);
    let [_, _, a, b, c, d, e, f] = number(&mut reader)?;
    let length = usize::from(reader.u16().ok()?);
    let payload = reader.bytes(length).ok()?;
    let sequence = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    (kind == ContentType::HANDSHAKE && version.is_dtls()).then_some((sequence, payload))
}

/// Epoch and sequence number, if the epoch is 0.
fn number(reader: &mut Reader<'_>) -> Option<[u8; 8]> {
    let number = reader.array::<8>().ok()?;
    number.starts_with(&[0, 0]).then_some(number)
}
