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
        let [kind, major, minor, a, b, c, d, e, f, g, h, rest @ ..] = bytes else {
            return Err(DropReason::MalformedRecord);
        };
        let kind = ContentType::new(*kind);
        let version = u16::from_be_bytes([*major, *minor]);
        let number = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
        let number = RecordNumber::new(number >> 48, number & 0xffff_ffff_ffff);
        let rest = if kind == ContentType::TLS12_CID { skip_id(rest, ids)? } else { rest };
        let [high, low, rest @ ..] = rest else {
            return Err(DropReason::MalformedRecord);
        };
        let payload = usize::from(u16::from_be_bytes([*high, *low]));
        let length = bytes.len() - rest.len();
        if rest.len() < payload {
            return Err(DropReason::MalformedRecord);
        }
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
        let [flags, rest @ ..] = bytes else {
            return Err(DropReason::MalformedRecord);
        };
        let has_id = flags & HAS_ID != 0;
        let rest = if has_id { skip_id(rest, ids)? } else { rest };
        let sequence_at = bytes.len() - rest.len();
        let is_wide = flags & WIDE_SEQUENCE != 0;
        // Without a length the record takes all that is left of the datagram.
        let (rest, payload) = match (is_wide, flags & HAS_LENGTH != 0, rest) {
            (false, false, [_, rest @ ..]) | (true, false, [_, _, rest @ ..]) => (rest, rest.len()),
            (false, true, [_, high, low, rest @ ..])
            | (true, true, [_, _, high, low, rest @ ..]) => {
                (rest, usize::from(u16::from_be_bytes([*high, *low])))
            }
            _ => return Err(DropReason::MalformedRecord),
        };
        let length = bytes.len() - rest.len();
        if rest.len() < payload {
            return Err(DropReason::MalformedRecord);
        }
        let epoch_bits = u64::from(flags & EPOCH_BITS);
        Ok((Self { epoch_bits, has_id, sequence_at, is_wide, length }, length + payload))
    }
}

/// What follows an id of ours. RFC 9147 §4: behind the id of somebody else nothing of a datagram counts.
fn skip_id<'a>(bytes: &'a [u8], ids: &ConnectionIds) -> Result<&'a [u8], DropReason> {
    let (id, rest) = bytes.split_at_checked(ids.id_len()).ok_or(DropReason::MalformedRecord)?;
    if ids.knows(id) { Ok(rest) } else { Err(DropReason::UnknownConnectionId) }
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
