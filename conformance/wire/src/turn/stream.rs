//! STUN and ChannelData one after the other on a stream.

use super::ChannelData;
use crate::stun::{HEADER, Parsed};

/// Cuts messages out of a byte stream that arrives in pieces.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    bytes: Vec<u8>,
}

/// What was cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A STUN message.
    Stun(Box<Parsed>),
    /// A ChannelData message with its padding.
    Channel(ChannelData),
    /// Bytes that begin neither; everything after them is lost.
    Junk(Vec<u8>),
}

impl Stream {
    /// An empty stream.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// More bytes came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The bytes that are no whole message yet.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.bytes
    }
}

impl Iterator for Stream {
    type Item = Piece;

    /// The next whole message. Which of the two kinds it is shows in its first two bits
    /// (RFC 8656 §12.4).
    fn next(&mut self) -> Option<Piece> {
        let [first, _, high, low, ..] = *self.bytes.as_slice() else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let whole = match first >> 6 {
            0 => HEADER + length,
            1 => 4 + length.next_multiple_of(4),
            _ => return Some(Piece::Junk(std::mem::take(&mut self.bytes))),
        };
        if self.bytes.len() < whole {
            return None;
        }
        let message: Vec<u8> = self.bytes.drain(..whole).collect();
        let piece = match first >> 6 {
            0 => Parsed::read(&message).ok().map(|parsed| Piece::Stun(Box::new(parsed))),
            _ => ChannelData::read(&message).map(Piece::Channel),
        };
        Some(piece.unwrap_or(Piece::Junk(message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::{Message, TransactionId};

    #[test]
    fn messages_of_both_kinds_are_cut_at_every_byte() {
        let mut bytes = Message::request(TransactionId([3; 12])).encode();
        bytes.extend(ChannelData::new(0x4000, b"abc").padded().encode());
        bytes.extend(ChannelData::new(0x4001, b"").padded().encode());
        let mut stream = Stream::new();
        let mut pieces = Vec::new();
        for byte in &bytes {
            stream.push(&[*byte]);
            pieces.extend(stream.by_ref());
        }
        assert!(matches!(pieces.as_slice(), [
            Piece::Stun(_),
            Piece::Channel(first),
            Piece::Channel(second),
        ] if first.data == b"abc" && second.data.is_empty()));
        assert!(stream.rest().is_empty());
    }
}
