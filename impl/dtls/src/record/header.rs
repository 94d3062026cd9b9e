//! The two forms of headers.
//!
//! The long one of version 1.2, and of version 1.3 without protection (RFC 6347 §4.1, RFC 9147 §4);
//! type 25 has the id of RFC 9146 §4, every other type has none:
//!
//! ```text
//! +------+---------+-------+----------+- - - - -+--------+
//! | type | version | epoch | sequence |   id    | length |
//! |  1   |    2    |   2   |    6     | as known|   2    |
//! +------+---------+-------+----------+- - - - -+--------+
//! ```
//!
//! The unified one of protected records of version 1.3 (RFC 9147 §4), whose sequence is encrypted:
//!
//! ```text
//! +-----------------+- - - - -+----------+- - - - +
//! | 0 0 1 C S L E E |   id    | sequence | length |
//! |        1        | as known|  1 or 2  |   2    |
//! +-----------------+- - - - -+----------+- - - - +
//! ```

use base::{Malformed, Reader};

use super::connection_id::ConnectionIds;
use crate::{DropReason, RecordNumber, wire::ContentType};

/// A header of either form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Long(LongHeader),
    Unified(UnifiedHeader),
}

/// The header of version 1.2, and of version 1.3 without protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LongHeader {
    pub(super) kind: ContentType,
    pub(super) version: u16,
    pub(super) number: RecordNumber,
    /// Bytes of the header.
    pub(super) length: usize,
}

/// The header of protected records of version 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnifiedHeader {
    /// The two low bits of the epoch.
    pub(super) epoch_bits: u64,
    /// Whether there is an id; it is one of ours.
    pub(super) has_id: bool,
    /// Where the sequence stands in the header.
    pub(super) sequence_at: usize,
    /// Whether the sequence has two bytes, not one.
    pub(super) is_wide: bool,
    /// Bytes of the header.
    pub(super) length: usize,
}

impl Header {
    /// Reads the header at the start of `bytes`, and the length of the record with its header, all of
    /// which is there. An id is one of `ids`.
    pub(super) fn parse(bytes: &[u8], ids: &ConnectionIds) -> Result<(Self, usize), DropReason> {
        let first = *bytes.first().ok_or(DropReason::MalformedRecord)?;
        // RFC 9147 §4.1: the three leading bits tell the forms apart.
        if first & FIXED_BITS_MASK == FIXED_BITS {
            UnifiedHeader::parse(bytes, ids).map(|(header, total)| (Self::Unified(header), total))
        } else {
            LongHeader::parse(bytes, ids).map(|(header, total)| (Self::Long(header), total))
        }
    }
}

impl LongHeader {
    fn parse(bytes: &[u8], ids: &ConnectionIds) -> Result<(Self, usize), DropReason> {
        let mut reader = Reader::new(bytes);
        let kind = ContentType::new(reader.u8().map_err(malformed)?);
        let version = reader.u16().map_err(malformed)?;
        let epoch = u64::from(reader.u16().map_err(malformed)?);
        let high = u64::from(reader.u16().map_err(malformed)?);
        let low = u64::from(reader.u32().map_err(malformed)?);
        if kind == ContentType::TLS12_CID {
            take_id(&mut reader, ids)?;
        }
        let payload = usize::from(reader.u16().map_err(malformed)?);
        let length = reader.position();
        let _ = reader.bytes(payload).map_err(malformed)?;
        let number = RecordNumber::new(epoch, high << 32 | low);
        Ok((Self { kind, version, number, length }, length + payload))
    }

    /// The id in `head`, the bytes of this header; empty if it has none.
    pub(super) fn id<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        let (before, after) = (LONG_HEADER_LEN - 2, self.length - 2);
        head.get(before..after).unwrap_or_default()
    }
}

impl UnifiedHeader {
    fn parse(bytes: &[u8], ids: &ConnectionIds) -> Result<(Self, usize), DropReason> {
        let mut reader = Reader::new(bytes);
        let flags = reader.u8().map_err(malformed)?;
        let has_id = flags & HAS_ID != 0;
        if has_id {
            take_id(&mut reader, ids)?;
        }
        let sequence_at = reader.position();
        let is_wide = flags & WIDE_SEQUENCE != 0;
        let _ = reader.bytes(if is_wide { 2 } else { 1 }).map_err(malformed)?;
        // Without a length the record takes all that is left of the datagram.
        let payload = if flags & HAS_LENGTH == 0 {
            reader.remaining()
        } else {
            usize::from(reader.u16().map_err(malformed)?)
        };
        let length = reader.position();
        let _ = reader.bytes(payload).map_err(malformed)?;
        let epoch_bits = u64::from(flags & EPOCH_BITS);
        Ok((Self { epoch_bits, has_id, sequence_at, is_wide, length }, length + payload))
    }
}

/// Reads an id of ours. RFC 9147 §4: behind the id of somebody else nothing of a datagram counts.
fn take_id(reader: &mut Reader<'_>, ids: &ConnectionIds) -> Result<(), DropReason> {
    let id = reader.bytes(ids.id_len()).map_err(malformed)?;
    if ids.knows(id) { Ok(()) } else { Err(DropReason::UnknownConnectionId) }
}

fn malformed(_: Malformed) -> DropReason {
    DropReason::MalformedRecord
}

/// Bytes of a long header without an id.
pub(super) const LONG_HEADER_LEN: usize = 13;

/// Bytes of a unified header without an id, as this end writes it: with two bytes of sequence and the
/// length.
pub(super) const UNIFIED_HEADER_LEN: usize = 5;

/// The version in long headers: that of 1.2 in version 1.3 as well (RFC 9147 §4).
pub(super) const WIRE_VERSION: u16 = 0xfefd;

/// That of version 1.0, which the first ClientHello may bear (RFC 9147 §4).
pub(super) const OLD_WIRE_VERSION: u16 = 0xfeff;

const FIXED_BITS_MASK: u8 = 0b1110_0000;
/// What a unified header begins with.
pub(super) const FIXED_BITS: u8 = 0b0010_0000;
/// An id follows.
pub(super) const HAS_ID: u8 = 0b0001_0000;
/// The sequence has two bytes.
pub(super) const WIDE_SEQUENCE: u8 = 0b0000_1000;
/// The length follows.
pub(super) const HAS_LENGTH: u8 = 0b0000_0100;
/// The low bits of the epoch.
pub(super) const EPOCH_BITS: u8 = 0b0000_0011;
