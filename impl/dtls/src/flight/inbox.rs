//! The peer's messages, put together and in order.

use std::collections::BTreeMap;

use base::Reader;

use super::reassembly::{ISLAND_COST, Reassembly};
use crate::{
    DropReason, RecordNumber,
    wire::{HandshakeHeader, HandshakeType},
};

/// Longest message that is taken, in bytes. Chains of certificates of WebRTC have 1 or 2 KiB; a chain of
/// four RSA certificates of a public server has 6.
pub(crate) const MAX_MESSAGE: usize = 32 * 1024;
/// Messages that are kept beside the next one: more than any flight has.
pub(crate) const MAX_AHEAD: u32 = 8;
/// Bytes that fragments of messages behind the next one may take, so that there is always room for the
/// next, which alone helps the handshake on.
pub(crate) const MAX_HELD_AHEAD: usize = 16 * 1024;
/// Bytes that all fragments may take.
pub(crate) const MAX_HELD: usize = 64 * 1024;

/// Takes fragments as they come and gives messages in the order in which they were sent.
///
/// Nothing here is authenticated before the handshake has keys: whatever does not fit is dropped under
/// its reason, and what is kept stays below [`MAX_HELD`].
#[derive(Debug)]
pub(crate) struct Inbox {
    /// The message to be given next; above 65,535 when the peer has used up its numbers.
    next: u32,
    /// The message that began the flight of the peer's that is now arriving.
    flight: u32,
    /// Records below this epoch bring nothing new any more.
    floor: u64,
    /// What came of the next message and of those behind it.
    held: BTreeMap<u32, Reassembly>,
}

/// A message of the peer's, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What it is.
    pub(crate) kind: HandshakeType,
    /// Its place among the peer's messages.
    pub(crate) message_seq: u16,
    /// The epoch of the records that brought it.
    pub(crate) epoch: u64,
    /// What follows its header.
    pub(crate) body: Vec<u8>,
}

/// The same, borrowed, as the handshake takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incoming<'a> {
    /// What it is.
    pub(crate) kind: HandshakeType,
    /// Its place among the peer's messages.
    pub(crate) message_seq: u16,
    /// The epoch of the records that brought it.
    pub(crate) epoch: u64,
    /// What follows its header.
    pub(crate) body: &'a [u8],
}

impl Message {
    /// The message, borrowed.
    #[must_use]
    pub(crate) fn incoming(&self) -> Incoming<'_> {
        let Self { kind, message_seq, epoch, ref body } = *self;
        Incoming { kind, message_seq, epoch, body }
    }
}

/// A place among the bytes that the peer's handshake sends: a message, and an offset in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The message.
    pub(crate) message_seq: u16,
    /// The first byte of the fragment.
    pub(crate) offset: u32,
}

/// What came of a handshake record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// It brought bytes that were not there.
    pub(crate) is_new: bool,
    /// Every fragment in it was taken or known, and belongs to the flight that is arriving: the record may
    /// be acknowledged (RFC 9147 §7).
    pub(crate) may_be_acknowledged: bool,
    /// It was not the next piece: something before it is missing (RFC 9147 §7.1).
    pub(crate) is_ahead: bool,
    /// It repeats messages of this flight that were given already.
    pub(crate) repeats_this_flight: bool,
    /// It repeats a flight before this one, at this place: the peer may have lost our answer.
    pub(crate) repeats_earlier_flight: Option<Place>,
    /// A fragment of it was dropped all the same.
    pub(crate) dropped: Option<DropReason>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::starting_at(0)
    }
}

impl Inbox {
    /// Expects the peer's message `message_seq` first: 1 after a stateless answer to number 0.
    #[must_use]
    pub(crate) fn starting_at(message_seq: u16) -> Self {
        let next = u32::from(message_seq);
        Self { next, flight: next, floor: 0, held: BTreeMap::new() }
    }

    /// Takes the payload of a handshake record.
    ///
    /// # Errors
    ///
    /// Why nothing of it was taken.
    pub(crate) fn insert(
        &mut self,
        number: RecordNumber,
        payload: &[u8],
    ) -> Result<Inserted, DropReason> {
        // The whole record is read before anything of it is taken: half of one says nothing good about
        // the other half.
        if payload.is_empty() || fragments(payload).any(|fragment| fragment.is_none()) {
            return Err(DropReason::MalformedFragment);
        }
        let mut inserted = Inserted { may_be_acknowledged: true, ..Inserted::default() };
        let mut taken = false;
        for (header, bytes) in fragments(payload).flatten() {
            match self.place(number.epoch, &header, bytes, &mut inserted) {
                Ok(()) => taken = true,
                Err(reason) => {
                    inserted.may_be_acknowledged = false;
                    inserted.dropped = inserted.dropped.or(Some(reason));
                }
            }
        }
        match inserted.dropped {
            Some(reason) if !taken => Err(reason),
            _ => Ok(inserted),
        }
    }

    /// The next message, if it is whole.
    pub(crate) fn next(&mut self) -> Option<Message> {
        let message_seq = u16::try_from(self.next).ok()?;
        if !self.held.get(&self.next)?.is_complete() {
            return None;
        }
        let whole = self.held.remove(&self.next)?;
        self.next += 1;
        let (kind, epoch) = (whole.kind, whole.epoch);
        Some(Message { kind, message_seq, epoch, body: whole.into_body() })
    }

    /// The peer's flight has come to its end and is being answered: what comes next is its next flight,
    /// and what comes again of this one says that our answer may be lost.
    pub(crate) const fn end_flight(&mut self) {
        self.flight = self.next;
    }

    /// New keys are in use: from here on, messages come in records of `epoch` or later. Forgets what an
    /// earlier one brought of messages that were not given yet, and says whether that was anything, which
    /// a peer that keeps the rules never has under way (RFC 8446 §5.1).
    pub(crate) fn raise_floor(&mut self, epoch: u64) -> bool {
        self.floor = self.floor.max(epoch);
        let before = self.held.len();
        let floor = self.floor;
        self.held.retain(|_, message| message.epoch >= floor);
        self.held.len() < before
    }

    /// Whether anything has come of messages that were not given yet, in records of `epoch`.
    #[must_use]
    pub(crate) fn holds(&self, epoch: u64) -> bool {
        self.held.values().any(|message| message.epoch == epoch)
    }

    /// Whether part of a message or a message out of order waits for more.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Bytes held, as [`MAX_HELD`] counts them.
    #[must_use]
    pub(crate) fn held(&self) -> usize {
        self.held.values().map(|message| message.held() + ISLAND_COST).sum()
    }

    /// Takes one fragment.
    fn place(
        &mut self,
        epoch: u64,
        header: &HandshakeHeader,
        bytes: &[u8],
        inserted: &mut Inserted,
    ) -> Result<(), DropReason> {
        let seq = u32::from(header.message_seq);
        if seq < self.next {
            // RFC 9147 §5.2: an old message is discarded; that it came is all it says.
            self.note_repeat(seq, header, inserted);
            return Ok(());
        }
        let range = header.range().ok_or(DropReason::MalformedFragment)?;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE {
            return Err(DropReason::MessageTooLong);
        }
        if seq > self.next + MAX_AHEAD {
            return Err(DropReason::MessageTooFarAhead);
        }
        if epoch < self.floor {
            return Err(DropReason::Unprotected);
        }
        if bytes.is_empty() && length > 0 && !self.held.contains_key(&seq) {
            // An empty fragment brings nothing, so nothing is kept for it.
            return Ok(());
        }
        self.check_room(seq, bytes.len())?;
        let is_ahead = self.is_ahead(seq, range.start);
        let message = self.message(seq, epoch, header.kind, length)?;
        inserted.is_new |= message.add(range, bytes)? || length == 0;
        inserted.is_ahead |= is_ahead;
        Ok(())
    }

    const fn note_repeat(&self, seq: u32, header: &HandshakeHeader, inserted: &mut Inserted) {
        if seq >= self.flight {
            inserted.repeats_this_flight = true;
            return;
        }
        // RFC 9147 §7: acknowledgements cover the present flight alone.
        inserted.may_be_acknowledged = false;
        if inserted.repeats_earlier_flight.is_none() {
            let place = Place { message_seq: header.message_seq, offset: header.fragment_offset };
            inserted.repeats_earlier_flight = Some(place);
        }
    }

    /// Whether something is missing before `offset` of message `seq`.
    fn is_ahead(&self, seq: u32, offset: usize) -> bool {
        let before_it = (self.next..seq)
            .all(|before| self.held.get(&before).is_some_and(Reassembly::is_complete));
        !before_it || offset > self.held.get(&seq).map_or(0, Reassembly::prefix)
    }

    /// Keeps to the limits, with room in reserve for the next message.
    fn check_room(&self, seq: u32, more: usize) -> Result<(), DropReason> {
        let cost = |(_, message): (&u32, &Reassembly)| message.held() + ISLAND_COST;
        let more = more + 2 * ISLAND_COST;
        let all = self.held.iter().map(cost).sum::<usize>();
        let ahead =
            self.held.iter().filter(|(held, _)| **held > self.next).map(cost).sum::<usize>();
        let fits = all + more <= MAX_HELD && (seq == self.next || ahead + more <= MAX_HELD_AHEAD);
        if fits { Ok(()) } else { Err(DropReason::TooManyHandshakeBytes) }
    }

    /// The message that a fragment belongs to, if the two agree about it.
    fn message(
        &mut self,
        seq: u32,
        epoch: u64,
        kind: HandshakeType,
        length: usize,
    ) -> Result<&mut Reassembly, DropReason> {
        let message = self.held.entry(seq).or_insert_with(|| Reassembly::new(kind, length, epoch));
        if epoch > message.epoch {
            // Under later keys, it is the truth: whoever sent the other did not have them.
            *message = Reassembly::new(kind, length, epoch);
        }
        if message.epoch != epoch || message.kind != kind || message.length != length {
            return Err(DropReason::ContradictoryFragment);
        }
        Ok(message)
    }
}

/// The fragments of a record, `None` for what cannot be read; nothing follows that.
fn fragments(payload: &[u8]) -> impl Iterator<Item = Option<(HandshakeHeader, &[u8])>> {
    let mut reader = Reader::new(payload);
    let mut broken = false;
    std::iter::from_fn(move || {
        if broken || reader.is_empty() {
            return None;
        }
        let fragment = read_fragment(&mut reader);
        broken = fragment.is_none();
        Some(fragment)
    })
}

fn read_fragment<'a>(reader: &mut Reader<'a>) -> Option<(HandshakeHeader, &'a [u8])> {
    let header = HandshakeHeader::read(reader).ok()?;
    let range = header.range()?;
    Some((header, reader.bytes(range.len()).ok()?))
}

#[cfg(test)]
mod tests;
