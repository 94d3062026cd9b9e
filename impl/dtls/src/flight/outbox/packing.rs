//! Fragments into records, records into a datagram.

use base::Writer;

use super::{
    Seal,
    flight::{Cursor, Flight, Item, Part},
    sent::{Piece, Pieces, Sent},
};
use crate::wire::{ContentType, HANDSHAKE_HEADER_LEN, HandshakeHeader, HandshakeType};

/// The payload of a ChangeCipherSpec (RFC 5246 §7.1).
const CHANGE_CIPHER_SPEC: &[u8] = &[1];

/// Fills one datagram.
///
/// A fragment ends where its message or the datagram does, never before: what is in fewer datagrams is
/// lost less often. Fragments of several messages under the same keys share a record (RFC 9147 §5.5, RFC
/// 6347 §4.2.3).
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// The length that the buffer may reach.
    end: usize,
    /// Its length when the datagram began.
    start: usize,
    /// The payload of a record under way; kept for its capacity.
    payload: Vec<u8>,
}

/// How a transmission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// All of the flight is in datagrams.
    Done,
    /// The datagram is full.
    Full,
}

/// A fragment to be written.
struct Fragment<'a> {
    kind: HandshakeType,
    message_seq: u16,
    body: &'a [u8],
    start: usize,
    end: usize,
}

impl Packer {
    /// Begins a datagram at `start` in the buffer, which may reach `end`.
    pub(super) const fn begin(&mut self, end: usize, start: usize) {
        (self.end, self.start) = (end, start);
    }

    /// Adds records of `flight` to the datagram until one of the two is done.
    pub(super) fn pack<S: Seal>(
        &mut self,
        flight: &mut Flight,
        sent: &mut Sent,
        seal: &mut S,
        out: &mut Vec<u8>,
    ) -> Result<Packed, S::Error> {
        let Some(mut cursor) = flight.cursor else { return Ok(Packed::Done) };
        loop {
            let Some(item) = missing(&flight.items, &mut cursor) else {
                flight.cursor = None;
                return Ok(Packed::Done);
            };
            let room = self.room(item.epoch, seal, out);
            let (kind, pieces) = match item.part {
                Part::ChangeCipherSpec => {
                    self.payload.clear();
                    if room >= CHANGE_CIPHER_SPEC.len() || out.len() == self.start {
                        self.payload.extend_from_slice(CHANGE_CIPHER_SPEC);
                        cursor = Cursor { item: cursor.item + 1, offset: 0 };
                    }
                    (ContentType::CHANGE_CIPHER_SPEC, Pieces::new())
                }
                Part::Message { .. } => {
                    // A datagram with nothing in it takes a byte, however small it is to be: otherwise
                    // nothing would ever be sent.
                    let least = if out.len() == self.start { HANDSHAKE_HEADER_LEN + 1 } else { 0 };
                    let epoch = item.epoch;
                    let pieces = self.fill(&flight.items, &mut cursor, epoch, room.max(least));
                    (ContentType::HANDSHAKE, pieces)
                }
            };
            if self.payload.is_empty() {
                flight.cursor = Some(cursor);
                return Ok(Packed::Full);
            }
            let epoch = item.epoch;
            let number = seal.seal(epoch, kind, &self.payload, out)?;
            if !pieces.is_empty() {
                sent.add(number, pieces);
            }
            flight.cursor = Some(cursor);
        }
    }

    /// Bytes of payload that one more record of `epoch` may have.
    fn room<S: Seal>(&self, epoch: u64, seal: &S, out: &[u8]) -> usize {
        let left = self.end.saturating_sub(out.len());
        left.saturating_sub(seal.overhead(epoch)).min(seal.max_payload(epoch))
    }

    /// Puts fragments of `epoch` from the cursor on into the payload, up to `room` bytes.
    fn fill(&mut self, items: &[Item], cursor: &mut Cursor, epoch: u64, room: usize) -> Pieces {
        self.payload.clear();
        let mut pieces = Pieces::new();
        while let Some(item) = missing(items, cursor) {
            let Part::Message { kind, message_seq, ref body } = item.part else { break };
            let left = room.saturating_sub(self.payload.len());
            let gap = item.arrived.gap(cursor.offset, body.len()).unwrap_or(0..0);
            let fits = left.saturating_sub(HANDSHAKE_HEADER_LEN);
            if item.epoch != epoch || left < HANDSHAKE_HEADER_LEN || (fits == 0 && !gap.is_empty())
            {
                break;
            }
            let end = gap.end.min(gap.start.saturating_add(fits));
            write(&mut self.payload, &Fragment { kind, message_seq, body, start: gap.start, end });
            pieces.push(Piece { message_seq, range: gap.start..end });
            let is_cut = end < gap.end;
            cursor.offset = end;
            if body.is_empty() {
                *cursor = Cursor { item: cursor.item + 1, offset: 0 };
            }
            if is_cut {
                break;
            }
        }
        pieces
    }
}

/// Moves the cursor to the next item of which something is missing at or after it.
fn missing<'a>(items: &'a [Item], cursor: &mut Cursor) -> Option<&'a Item> {
    loop {
        let item = items.get(cursor.item)?;
        let is_missing = match &item.part {
            Part::ChangeCipherSpec => true,
            Part::Message { body, .. } if body.is_empty() => !item.has_arrived,
            Part::Message { body, .. } => item.arrived.gap(cursor.offset, body.len()).is_some(),
        };
        if is_missing {
            return Some(item);
        }
        *cursor = Cursor { item: cursor.item + 1, offset: 0 };
    }
}

fn write(payload: &mut Vec<u8>, fragment: &Fragment<'_>) {
    let &Fragment { kind, message_seq, body, start, end } = fragment;
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let header = HandshakeHeader {
        kind,
        length: number(body.len()),
        message_seq,
        fragment_offset: number(start),
        fragment_length: number(end - start),
    };
    let mut writer = Writer::new(payload);
    header.write(&mut writer);
    writer.bytes(body.get(start..end).unwrap_or_default());
}
