//! The headers of records: RFC 6347 §4.1, RFC 9146 §4, RFC 9147 §4.

use super::{
    code::content,
    cursor::{Cursor, vec16},
};

/// The header of a record as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Thirteen bytes, or more with a connection id.
    Plain {
        /// The content type.
        content: u8,
        /// The version.
        version: u16,
        /// The epoch.
        epoch: u16,
        /// The sequence number.
        sequence: u64,
        /// The connection id, in records of type tls12_cid.
        cid: Vec<u8>,
    },
    /// The unified header of 1.3.
    Unified {
        /// The low bits of the epoch.
        epoch_bits: u8,
        /// The sequence number, still hidden.
        sequence: Vec<u8>,
        /// The connection id.
        cid: Option<Vec<u8>>,
        /// Whether it has a length.
        has_length: bool,
    },
}

/// A record as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Its header.
    pub header: Header,
    /// The bytes of the header.
    pub head: Vec<u8>,
    /// What follows the header.
    pub body: Vec<u8>,
}

impl Raw {
    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }

    /// Whether it is protected, as far as its header says.
    #[must_use]
    pub const fn is_protected(&self) -> bool {
        match &self.header {
            Header::Plain { epoch, .. } => *epoch > 0,
            Header::Unified { .. } => true,
        }
    }
}

/// The records of a datagram, whose connection ids have `cid` bytes. What does not parse ends them.
#[must_use]
pub fn split(datagram: &[u8], cid: usize) -> (Vec<Raw>, bool) {
    let mut cursor = Cursor::new(datagram);
    let mut all = Vec::new();
    while !cursor.is_done() {
        match read(&mut cursor, cid) {
            Some(raw) => all.push(raw),
            None => return (all, false),
        }
    }
    (all, true)
}

fn read(cursor: &mut Cursor<'_>, cid: usize) -> Option<Raw> {
    let mut ahead = *cursor;
    let first = ahead.u8()?;
    let (header, length) = if first & 0xe0 == 0x20 {
        let cid = if first & 0x10 == 0 { None } else { Some(ahead.take(cid)?.to_vec()) };
        let sequence = ahead.take(if first & 8 == 0 { 1 } else { 2 })?.to_vec();
        let has_length = first & 4 != 0;
        let length = if has_length { Some(usize::from(ahead.u16()?)) } else { None };
        (Header::Unified { epoch_bits: first & 3, sequence, cid, has_length }, length)
    } else {
        let (version, epoch, sequence) = (ahead.u16()?, ahead.u16()?, ahead.u48()?);
        let cid = if first == content::TLS12_CID { ahead.take(cid)? } else { &[] };
        let length = usize::from(ahead.u16()?);
        let cid = cid.to_vec();
        (Header::Plain { content: first, version, epoch, sequence, cid }, Some(length))
    };
    let before = cursor.rest();
    let body = match length {
        Some(length) => ahead.take(length)?,
        None => ahead.rest(),
    };
    let after = ahead.rest();
    let head = before.len() - body.len() - after.len();
    *cursor = Cursor::new(after);
    Some(Raw { header, head: before.get(..head)?.to_vec(), body: body.to_vec() })
}

/// How unified headers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Whether the sequence number has two bytes, not one.
    pub long_sequence: bool,
    /// Whether there is a length.
    pub has_length: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self { long_sequence: true, has_length: true }
    }
}

/// A header of thirteen bytes, or more with a connection id, with what follows it.
pub(super) fn plain(
    (content, version): (u8, u16),
    epoch: u64,
    sequence: u64,
    cid: &[u8],
    body: &[u8],
) -> Vec<u8> {
    let version = version.to_be_bytes();
    [&[content], &version[..], &number12(epoch, sequence), cid, &vec16(body)].concat()
}

/// Epoch and sequence number in eight bytes.
pub(super) fn number12(epoch: u64, sequence: u64) -> [u8; 8] {
    (epoch << 48 | sequence & 0xffff_ffff_ffff).to_be_bytes()
}

/// A unified header in clear, for a body of this length.
pub(super) fn unified(
    shape: Shape,
    epoch: u64,
    sequence: u64,
    cid: Option<&[u8]>,
    length: usize,
) -> Vec<u8> {
    let [.., low_epoch] = epoch.to_be_bytes();
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    let first = 0x20
        | flag(cid.is_some(), 0x10)
        | flag(shape.long_sequence, 8)
        | flag(shape.has_length, 4)
        | low_epoch & 3;
    let [.., high, low] = sequence.to_be_bytes();
    let mut head = [&[first], cid.unwrap_or_default()].concat();
    if shape.long_sequence {
        head.push(high);
    }
    head.push(low);
    if shape.has_length {
        head.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    }
    head
}
