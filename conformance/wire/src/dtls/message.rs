//! Handshake messages and their fragments: RFC 6347 §4.2.2, RFC 9147 §5.2.

use super::{
    body::framed,
    code::handshake,
    cursor::{Cursor, u24, vec24},
};

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The epoch of the records that carry it.
    pub epoch: u64,
    /// Its type.
    pub kind: u8,
    /// Its message_seq.
    pub seq: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether it is left out: neither sent nor part of the transcript.
    pub omitted: bool,
}

impl Message {
    /// The name of its type.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        handshake::name(self.kind)
    }

    /// As DTLS 1.2 hashes it: with the header of a single fragment (RFC 6347 §4.2.6).
    pub(super) fn hashed12(&self) -> Vec<u8> {
        framed(self.kind, self.seq, &self.body)
    }

    /// As DTLS 1.3 hashes it: with type and length alone (RFC 9147 §5.2).
    pub(super) fn hashed13(&self) -> Vec<u8> {
        [&[self.kind], &vec24(&self.body)[..]].concat()
    }

    /// The piece from `offset` of at most `length` bytes.
    #[must_use]
    pub fn fragment(&self, offset: usize, length: usize) -> Fragment {
        let data = self.body.iter().skip(offset).take(length).copied().collect();
        let (kind, seq, total) = (self.kind, self.seq, self.body.len());
        Fragment { kind, total, seq, offset, data }
    }

    /// The whole message as one piece.
    #[must_use]
    pub fn whole(&self) -> Fragment {
        self.fragment(0, self.body.len())
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The type of the message.
    pub kind: u8,
    /// The length of the whole message.
    pub total: usize,
    /// Its message_seq.
    pub seq: u16,
    /// Where the piece belongs.
    pub offset: usize,
    /// The piece.
    pub data: Vec<u8>,
}

impl Fragment {
    /// The bytes of the piece: header and data.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        [
            &[self.kind],
            &u24(self.total)[..],
            &self.seq.to_be_bytes(),
            &u24(self.offset),
            &vec24(&self.data),
        ]
        .concat()
    }

    /// Reads all pieces of a record.
    #[must_use]
    pub fn read_all(payload: &[u8]) -> Option<Vec<Self>> {
        let mut cursor = Cursor::new(payload);
        let mut all = Vec::new();
        while !cursor.is_done() {
            let (kind, total, seq) = (cursor.u8()?, cursor.u24()?, cursor.u16()?);
            let offset = cursor.u24()?;
            let data = cursor.vec24()?.to_vec();
            if offset + data.len() > total {
                return None;
            }
            all.push(Self { kind, total, seq, offset, data });
        }
        Some(all)
    }

    /// Where the piece ends.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.offset + self.data.len()
    }
}

/// Cuts a message into pieces of at most `length` bytes of body.
#[must_use]
pub fn cut(message: &Message, length: usize) -> Vec<Fragment> {
    let length = length.max(1);
    let mut pieces = vec![message.fragment(0, length)];
    let mut offset = length;
    while offset < message.body.len() {
        pieces.push(message.fragment(offset, length));
        offset += length;
    }
    pieces
}
