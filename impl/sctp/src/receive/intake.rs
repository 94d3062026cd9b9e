//! Whether a chunk is taken, and where it goes.

use base::Instant;

use super::{
    Receiver,
    run::{Fragment, Title},
    tsns::{Arrival, Place},
};
use crate::{DropReason, Misdeed, Tsn, wire::DataFlags};

/// Pieces that may wait out of order however small the window is.
const MIN_PIECES: usize = 4_096;

/// Bytes of window for each further piece: a sender of full packets needs one for twice as many.
const BYTES_PER_PIECE: usize = 512;

impl Receiver {
    /// Takes time in, and what was read since the last input.
    pub(super) fn hear(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let read = std::mem::take(&mut self.read);
        self.messages += read.pieces() as u64;
        self.ledger.remove(read.pieces(), read.bytes());
    }

    pub(super) fn note_immediate(&mut self, flags: DataFlags) {
        if flags.immediate {
            self.acknowledge.hurry();
        }
    }

    pub(super) fn update_window(&mut self) {
        self.is_update_due = false;
        if self.window.is_update_due(self.ledger.cost()) {
            self.acknowledge.demand();
        }
    }

    /// Takes a chunk if it is new and there is room for it. `index` is its number within its message, where
    /// it has one.
    pub(super) fn take(
        &mut self,
        now: Instant,
        tsn: Tsn,
        index: u64,
        fragment: &Fragment<'_>,
    ) -> Result<(), Misdeed> {
        let (stream, length) = (fragment.title.stream, fragment.payload.len());
        if length == 0 {
            return Err(Misdeed::NoUserData(tsn));
        }
        self.hear(now);
        let place = self.tsns.place(tsn);
        let arrival = self.tsns.arrival(place);
        if let Some(reason) = self.refusal(arrival, length, fragment.ends)? {
            self.refuse(reason, tsn);
            return Ok(());
        }
        let had_gap = self.tsns.has_gap();
        if had_gap {
            // What fills a gap is told at once too, so that the sender goes on.
            self.acknowledge.hurry();
        }
        self.tsns.insert(place);
        self.acknowledge.on_new();
        self.window.on_data(length);
        self.chunks += 1;
        if stream.get() >= self.streams {
            // RFC 9260 §6.5: it is acknowledged all the same.
            self.drops.add(DropReason::NoSuchStream);
            self.invalid_stream = Some(stream);
        } else if let Some(deferred) =
            self.deferred.as_mut().filter(|deferred| deferred.concerns(place, stream))
        {
            deferred.hold(place, index, fragment, &mut self.ledger);
        } else {
            self.put_together(place, arrival == Arrival::Next, index, fragment)?;
        }
        if had_gap || self.sequence.has_waiting() {
            self.sequence.settle(self.tsns.cumulative(), &mut self.ledger)?;
        }
        Ok(())
    }

    /// Why a chunk is not taken, if it is not.
    fn refusal(
        &mut self,
        arrival: Arrival,
        length: usize,
        ends: bool,
    ) -> Result<Option<DropReason>, Misdeed> {
        let is_full = match arrival {
            Arrival::Duplicate => return Ok(Some(DropReason::Duplicate)),
            Arrival::TooFar => return Ok(Some(DropReason::TooManyHeld)),
            Arrival::Next if !self.tsns.has_gap() => !self.has_room(length),
            // What is missing was promised room when the window counted what is beyond it. Only the cost
            // beside the bytes was not, which the number of pieces bounds.
            Arrival::Next => self.ledger.bytes() + length > self.window.limit(),
            Arrival::Ahead | Arrival::Filler if self.has_too_many_pieces() => {
                return Ok(Some(DropReason::TooManyHeld));
            }
            Arrival::Filler => self.ledger.bytes() + length > self.window.limit(),
            // RFC 9260 §6.2: what is beyond all that arrived must fit into the window.
            Arrival::Ahead => !self.has_room(length),
        };
        if !is_full {
            return Ok(None);
        }
        // Nothing that could be read makes room, and nothing that is missing completes what is held: only a
        // wider window helps.
        let is_stuck = arrival == Arrival::Next && self.unread() == 0;
        while is_stuck && self.window.widen() {
            if self.has_room(length) {
                return Ok(None);
            }
        }
        // What ends a message may make it readable, and what fills a gap may complete what is held beyond it,
        // so they may go beyond by as much as a message.
        let finishes = (ends || self.tsns.has_gap())
            && self.ledger.cost() + length <= self.window.limit() + self.longest;
        match (is_stuck, finishes) {
            (true, true) => Ok(None),
            (true, false) => Err(Misdeed::NothingFinished),
            (false, _) => Ok(Some(DropReason::WindowFull)),
        }
    }

    fn has_room(&self, length: usize) -> bool {
        let cost = self.ledger.cost();
        cost == 0 || cost + length <= self.window.limit()
    }

    fn has_too_many_pieces(&self) -> bool {
        let most = MIN_PIECES.max(self.window.limit() / BYTES_PER_PIECE);
        self.ledger.pieces() - self.unread() >= most
    }

    /// Messages that the application could read.
    pub(super) fn unread(&self) -> usize {
        self.ready.len() + self.taken.pieces()
    }

    /// A chunk is not taken. Whatever the reason, the peer hears at once what was (RFC 9260 §6.2).
    fn refuse(&mut self, reason: DropReason, tsn: Tsn) {
        self.drops.add(reason);
        if reason == DropReason::Duplicate {
            self.tsns.note_duplicate(tsn);
            self.acknowledge.on_duplicate();
        } else {
            self.acknowledge.hurry();
        }
    }

    /// Skips what the sender gave up; false if that is old news.
    pub(super) fn skip_to(&mut self, place: Place) -> bool {
        if place <= self.tsns.cumulative() {
            // RFC 3758 §3.6: the acknowledgement of it may have been lost.
            self.acknowledge.on_duplicate();
            return false;
        }
        self.tsns.skip_to(place);
        if !base::mutant::active("sctp-forward-tsn-unacknowledged") {
            self.acknowledge.on_new();
        }
        true
    }

    /// Puts a chunk to its message, and delivers what that completes.
    pub(super) fn put_together(
        &mut self,
        place: Place,
        is_next: bool,
        index: u64,
        fragment: &Fragment<'_>,
    ) -> Result<(), Misdeed> {
        let title = fragment.title;
        let message = if fragment.is_whole() {
            let length = fragment.payload.len();
            self.check_whole(title, length, is_next)?;
            self.ledger.add_piece(length);
            fragment.to_message()
        } else {
            let is_complete = if !self.interleaving {
                self.sequence.insert(place, fragment, is_next, &mut self.ledger)?
            } else {
                !self.is_left_over(title)?
                    && self.interleaved.insert(index, fragment, &mut self.ledger)?
            };
            if !is_complete {
                return Ok(());
            }
            let run = if self.interleaving {
                self.interleaved.take_whole(title, index)
            } else {
                self.sequence.take_whole(place)
            };
            let Some(run) = run else {
                return Ok(());
            };
            run.into_message(&mut self.ledger)
        };
        if title.unordered {
            self.ready.push_back(message);
            return Ok(());
        }
        self.order.deliver(title.number, message, &mut self.ledger, &mut self.ready)
    }

    /// A message in one piece contradicts fragments of the same message, and fragments that it cuts off.
    fn check_whole(&self, title: Title, length: usize, is_next: bool) -> Result<(), Misdeed> {
        if length > self.longest {
            return Err(Misdeed::MessageTooLong(title.stream));
        }
        if self.interleaving && self.interleaved.contains(title) {
            return Err(Misdeed::ContradictoryFragments(title.stream));
        }
        if is_next { self.sequence.check_whole() } else { Ok(()) }
    }

    /// Whether a fragment is of an interleaved message that was given up.
    fn is_left_over(&mut self, title: Title) -> Result<bool, Misdeed> {
        if self.interleaved.contains(title) {
            return Ok(false);
        }
        if title.unordered {
            return Ok(self.interleaved.is_given_up(title));
        }
        self.order.is_left_over(title.stream, title.number)
    }
}
