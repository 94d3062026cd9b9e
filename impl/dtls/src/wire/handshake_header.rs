//! The header of every fragment of a handshake message:
//! [RFC 9147 §5.2](https://www.rfc-editor.org/rfc/rfc9147#section-5.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+-----------------------------------------------+
//! |     Type      |                    Length                     |
//! +---------------+---------------+-------------------------------+
//! |          Message Seq          |        Fragment Offset ..
//! +-------------------------------+-------------------------------+
//!  ..               |                Fragment Length              |
//! +-----------------+---------------------------------------------+
//! ```

use std::{fmt, ops::Range};

use base::{Malformed, Reader, Writer};

use super::HandshakeType;

/// Bytes of a header.
pub const HANDSHAKE_HEADER_LEN: usize = 12;

/// What stands in front of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandshakeHeader {
    /// What the message is.
    pub kind: HandshakeType,
    /// Bytes of the whole message, below 2²⁴.
    pub length: u32,
    /// The place of the message among those of its sender.
    pub message_seq: u16,
    /// Bytes of the message before this fragment, below 2²⁴.
    pub fragment_offset: u32,
    /// Bytes of this fragment, below 2²⁴.
    pub fragment_length: u32,
}

impl HandshakeHeader {
    /// The header of a message of `length` bytes in one piece.
    #[must_use]
    pub const fn whole(kind: HandshakeType, message_seq: u16, length: u32) -> Self {
        Self { kind, length, message_seq, fragment_offset: 0, fragment_length: length }
    }

    /// Takes a header off `reader`; the fragment follows there.
    ///
    /// # Errors
    ///
    /// `Malformed` if the header is cut off. Whether the fragment lies within its message is not
    /// checked: see [`HandshakeHeader::range`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            kind: HandshakeType::new(reader.u8()?),
            length: reader.u24()?,
            message_seq: reader.u16()?,
            fragment_offset: reader.u24()?,
            fragment_length: reader.u24()?,
        })
    }

    /// Appends the header.
    pub fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.kind.number());
        writer.u24(self.length);
        writer.u16(self.message_seq);
        writer.u24(self.fragment_offset);
        writer.u24(self.fragment_length);
    }

    /// Which bytes of the message the fragment is; `None` if it reaches beyond the end.
    #[must_use]
    pub fn range(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.fragment_offset).ok()?;
        let end = start.checked_add(usize::try_from(self.fragment_length).ok()?)?;
        (end <= usize::try_from(self.length).ok()?).then_some(start..end)
    }

    /// Whether the fragment is the whole message.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.fragment_offset == 0 && self.fragment_length == self.length
    }
}

impl fmt::Display for HandshakeHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seq={} len={}", self.kind, self.message_seq, self.length)?;
        if self.is_whole() {
            return Ok(());
        }
        let end = u64::from(self.fragment_offset) + u64::from(self.fragment_length);
        write!(f, " fragment {}..{end}", self.fragment_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 12] = [1, 0, 1, 0, 0, 7, 0, 0, 16, 0, 0, 32];

    #[test]
    fn reads_capture() {
        let header = HandshakeHeader::read(&mut Reader::new(&BYTES)).unwrap();
        assert_eq!(header.to_string(), "ClientHello seq=7 len=256 fragment 16..48");
        assert_eq!(header.range(), Some(16..48));
        let whole = HandshakeHeader::whole(HandshakeType::FINISHED, 3, 12);
        assert_eq!(whole.to_string(), "Finished seq=3 len=12");
    }

    #[test]
    fn round_trips() {
        let mut bytes = Vec::new();
        let header = HandshakeHeader::read(&mut Reader::new(&BYTES)).unwrap();
        header.write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes, BYTES);
    }

    #[test]
    fn rejects_truncated() {
        for length in 0..BYTES.len() {
            assert!(HandshakeHeader::read(&mut Reader::new(&BYTES[..length])).is_err());
        }
    }

    #[test]
    fn a_fragment_beyond_its_message_has_no_range() {
        let header = HandshakeHeader {
            fragment_offset: 0xff_ffff,
            fragment_length: 0xff_ffff,
            ..HandshakeHeader::whole(HandshakeType::FINISHED, 0, 12)
        };
        assert_eq!(header.range(), None);
    }
}
