//! What has a type and a length: chunks, and the parameters and causes within them.

use crate::{F, dtls::Cursor};

/// A chunk (RFC 9260 §3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Its type: [`code::chunk`](super::code::chunk).
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its length.
    pub length: F<u16>,
    /// What follows the length.
    pub value: Vec<u8>,
    /// What fills it up to a multiple of four bytes.
    pub padding: F<Vec<u8>>,
}

impl Chunk {
    /// A chunk without flags.
    #[must_use]
    pub fn new(kind: u8, value: impl Into<Vec<u8>>) -> Self {
        Self { kind, value: value.into(), ..Self::default() }
    }

    /// The same with flags.
    #[must_use]
    pub const fn flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    /// Its bytes with padding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = self.value.len().saturating_add(4);
        let mut bytes = vec![self.kind, self.flags];
        bytes.extend(self.length.resolve(u16::try_from(length).unwrap_or(u16::MAX)));
        bytes.extend(&self.value);
        bytes.extend(self.padding.resolve(vec![0; gap(length)]));
        bytes
    }

    /// The chunk that `bytes` are; `None` if they are none, or more than one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let chunk = Self::take(&mut cursor)?;
        cursor.done(chunk)
    }

    /// The chunk at the beginning of `cursor`; `None`, with the cursor where it was, if its length makes
    /// no sense there. A last chunk may lack its padding.
    pub(super) fn take(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut ahead = *cursor;
        let (kind, flags, length) = (ahead.u8()?, ahead.u8()?, usize::from(ahead.u16()?));
        let value = ahead.take(length.checked_sub(4)?)?.to_vec();
        let padding = ahead.take(gap(length)).unwrap_or_default().to_vec();
        *cursor = ahead;
        let padding = if padding.iter().all(|byte| *byte == 0) { F::Auto } else { F::Set(padding) };
        Some(Self { kind, flags, length: F::Auto, value, padding })
    }
}

/// How many bytes are missing to a multiple of four.
pub(super) const fn gap(length: usize) -> usize {
    length.wrapping_neg() & 3
}

/// A parameter (RFC 9260 §3.2.1) or a cause of an error (RFC 9260 §3.3.10): they look the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tlv {
    /// Its type or code: [`code::parameter`](super::code::parameter), [`code::cause`](super::code::cause).
    pub kind: u16,
    /// Its length.
    pub length: F<u16>,
    /// What follows the length.
    pub value: Vec<u8>,
}

impl Tlv {
    /// One with this value.
    #[must_use]
    pub fn new(kind: u16, value: impl Into<Vec<u8>>) -> Self {
        Self { kind, length: F::Auto, value: value.into() }
    }

    /// Its bytes without padding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let length = u16::try_from(self.value.len().saturating_add(4)).unwrap_or(u16::MAX);
        let mut bytes = self.kind.to_be_bytes().to_vec();
        bytes.extend(self.length.resolve(length));
        bytes.extend(&self.value);
        bytes
    }

    /// Many in a row: all but the last are padded, whose padding counts to the chunk.
    #[must_use]
    pub fn encode_all(list: &[Self]) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::new();
        for one in list {
            bytes.resize(bytes.len() + gap(bytes.len()), 0);
            bytes.extend(one.encode());
        }
        bytes
    }

    /// Everything in `bytes`; `None` if a length makes no sense.
    #[must_use]
    pub fn read_all(bytes: &[u8]) -> Option<Vec<Self>> {
        let mut cursor = Cursor::new(bytes);
        let mut list = Vec::new();
        while !cursor.is_done() {
            let (kind, length) = (cursor.u16()?, usize::from(cursor.u16()?));
            let value = cursor.take(length.checked_sub(4)?)?;
            list.push(Self::new(kind, value));
            if !cursor.is_done() {
                cursor.take(gap(length))?;
            }
        }
        Some(list)
    }
}
