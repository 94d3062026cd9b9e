//! Packets (RFC 9260 §3).

use super::{Chunk, crc32c};
use crate::{F, dtls::Cursor};

/// A packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The port of the sender.
    pub source: u16,
    /// The port of the receiver.
    pub destination: u16,
    /// The verification tag.
    pub tag: u32,
    /// The checksum, which is the least significant byte first on the wire (RFC 9260 §A). When it is
    /// read, it is left to the codec if it is right.
    pub checksum: F<u32>,
    /// The chunks.
    pub chunks: Vec<Chunk>,
    /// Bytes after the last whole chunk.
    pub trailing: Vec<u8>,
}

impl Packet {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut head = self.source.to_be_bytes().to_vec();
        head.extend(self.destination.to_be_bytes());
        head.extend(self.tag.to_be_bytes());
        let mut body: Vec<u8> = self.chunks.iter().flat_map(Chunk::encode).collect();
        body.extend(&self.trailing);
        let right = crc32c(&[&head, &[0; 4], &body]).swap_bytes();
        let checksum = match &self.checksum {
            F::Set(value) => F::Set(value.swap_bytes()),
            F::Xor(mask) => F::Xor(mask.swap_bytes()),
            other => other.clone(),
        };
        head.extend(checksum.resolve(right));
        head.extend(body);
        head
    }

    /// The packet that `bytes` are; `None` if they are shorter than a common header.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let (source, destination) = (cursor.u16()?, cursor.u16()?);
        let tag = u32::from_be_bytes(cursor.array()?);
        let head = bytes.get(..8)?;
        let field = u32::from_le_bytes(cursor.array()?);
        let right = crc32c(&[head, &[0; 4], bytes.get(12..)?]);
        let checksum = if field == right { F::Auto } else { F::Set(field) };
        let mut chunks = Vec::new();
        while let Some(chunk) = Chunk::take(&mut cursor) {
            chunks.push(chunk);
        }
        let trailing = cursor.rest().to_vec();
        Some(Self { source, destination, tag, checksum, chunks, trailing })
    }

    /// The types of its chunks.
    #[must_use]
    pub fn kinds(&self) -> Vec<u8> {
        self.chunks.iter().map(|chunk| chunk.kind).collect()
    }

    /// Its first chunk of this type.
    #[must_use]
    pub fn find(&self, kind: u8) -> Option<&Chunk> {
        self.chunks.iter().find(|chunk| chunk.kind == kind)
    }

    /// Whether it has a chunk of this type.
    #[must_use]
    pub fn has(&self, kind: u8) -> bool {
        self.find(kind).is_some()
    }

    /// The same with this checksum.
    #[must_use]
    pub fn checksum(mut self, checksum: F<u32>) -> Self {
        self.checksum = checksum;
        self
    }

    /// The same with this verification tag.
    #[must_use]
    pub const fn tag(mut self, tag: u32) -> Self {
        self.tag = tag;
        self
    }

    /// The same with another chunk at its end.
    #[must_use]
    pub fn with(mut self, chunk: impl Into<Chunk>) -> Self {
        self.chunks.push(chunk.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sctp::code;

    #[test]
    fn what_is_written_is_read_again() {
        let packet = Packet { source: 5000, destination: 5001, tag: 7, ..Packet::default() }
            .with(Chunk::new(code::chunk::COOKIE_ACK, []))
            .with(Chunk::new(code::chunk::DATA, *b"123456789012345").flags(3));
        let bytes = packet.encode();
        assert_eq!(bytes.len(), 12 + 4 + 20);
        assert_eq!(Packet::read(&bytes), Some(packet));
    }

    #[test]
    fn a_spoiled_checksum_shows() {
        let packet = Packet { tag: 1, ..Packet::default() }.checksum(F::Xor(1));
        let read = Packet::read(&packet.encode()).unwrap();
        assert!(matches!(read.checksum, F::Set(_)));
        let zero = Packet::read(&packet.checksum(F::Set(0)).encode()).unwrap();
        assert_eq!(zero.checksum, F::Set(0));
    }

    #[test]
    fn a_length_that_makes_no_sense_leaves_the_rest_unread() {
        let mut bad = Chunk::new(code::chunk::DATA, [1, 2]);
        bad.length = F::Set(3);
        let packet = Packet::default().with(Chunk::new(code::chunk::COOKIE_ACK, [])).with(bad);
        let read = Packet::read(&packet.encode()).unwrap();
        assert_eq!(read.kinds(), [code::chunk::COOKIE_ACK]);
        assert_eq!(read.trailing.len(), 8);
    }
}
