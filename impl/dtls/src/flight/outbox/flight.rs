//! One flight of ours and its timer.

use std::time::Duration;

use base::Instant;

use super::{Expect, GaveUp, MAX_REPEATS, MAX_TIMEOUT, PARTIAL_SHARE, REPEAT_SHARE, sent::Piece};
use crate::{
    flight::{Place, ranges::Ranges},
    wire::HandshakeType,
};

/// Messages that are sent together and answered together.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) items: Vec<Item>,
    /// Meaningless until the flight is closed.
    pub(super) expect: Expect,
    /// All its messages are there.
    pub(super) is_closed: bool,
    /// Where the present transmission stands, while one is under way.
    pub(super) cursor: Option<Cursor>,
    /// Since when it waits.
    armed_at: Instant,
    /// How often the timer ran out.
    timeouts: u32,
    /// How often the peer repeated what it answers.
    repeats: u32,
    last_repeat: Option<Place>,
    /// Since when a part is known to have arrived that was not before, and nothing was sent.
    part_arrived_at: Option<Instant>,
    any_arrived: bool,
}

/// A message, or what stands between messages.
#[derive(Debug)]
pub(super) struct Item {
    /// The keys it is sent under, whenever it is sent.
    pub(super) epoch: u64,
    pub(super) part: Part,
    /// What of it was acknowledged.
    pub(super) arrived: Ranges,
    pub(super) has_arrived: bool,
}

#[derive(Debug)]
pub(super) enum Part {
    Message { kind: HandshakeType, message_seq: u16, body: Vec<u8> },
    ChangeCipherSpec,
}

/// Where the next fragment begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) item: usize,
    pub(super) offset: usize,
}

impl Item {
    pub(super) fn new(epoch: u64, part: Part) -> Self {
        Self { epoch, part, arrived: Ranges::default(), has_arrived: false }
    }
}

impl Flight {
    pub(super) const fn new() -> Self {
        Self {
            items: Vec::new(),
            expect: Expect::Nothing,
            is_closed: false,
            cursor: None,
            armed_at: Instant::ZERO,
            timeouts: 0,
            repeats: 0,
            last_repeat: None,
            part_arrived_at: None,
            any_arrived: false,
        }
    }

    /// No more messages: it is sent.
    pub(super) fn close(&mut self, now: Instant, expect: Expect) {
        (self.is_closed, self.expect) = (true, expect);
        self.send(now);
    }

    /// Begins a transmission of what is missing.
    fn send(&mut self, now: Instant) {
        self.cursor = Some(Cursor::default());
        self.armed_at = now;
        self.part_arrived_at = None;
    }

    /// Gives up the present transmission.
    pub(super) const fn stop(&mut self) {
        self.cursor = None;
    }

    pub(super) const fn is_sending(&self) -> bool {
        self.cursor.is_some()
    }

    /// How long it waits until it is sent again: twice as long each time (RFC 9147 §5.8.2).
    ///
    /// RFC 9147 §5.8.2 (departure): each flight begins with the first timeout again, though one before
    /// it was lost. What a user of a call waits for is the handshake, and one flight each round trip congests
    /// nothing.
    pub(super) fn timeout(&self, first: Duration) -> Duration {
        let is_steady = base::mutant::active("dtls-timer-not-doubled");
        let doublings = if is_steady { 0 } else { self.timeouts.min(16) };
        first.saturating_mul(1 << doublings).min(MAX_TIMEOUT)
    }

    /// When something is to be done about it.
    pub(super) fn deadline(&self, first: Duration) -> Option<Instant> {
        if !self.is_closed || self.expect == Expect::Nothing {
            return None;
        }
        let timer = self.armed_at + self.timeout(first);
        let rest = self.part_arrived_at.map(|since| since + first / PARTIAL_SHARE);
        Some(rest.map_or(timer, |rest| rest.min(timer)))
    }

    /// Sends it again if that is due, and says whether because its timer ran out.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        first: Duration,
        max: u32,
    ) -> Result<bool, GaveUp> {
        if self.deadline(first).is_none_or(|deadline| now < deadline) {
            return Ok(false);
        }
        if now < self.armed_at + self.timeout(first) {
            self.send(now);
            return Ok(false);
        }
        if self.timeouts >= max {
            return Err(GaveUp);
        }
        self.timeouts += 1;
        self.send(now);
        Ok(true)
    }

    /// The peer repeated what this answers; says whether it is sent again.
    ///
    /// RFC 9147 §5.8.1: not if the peer acknowledged any of it. A repeat right after a transmission was
    /// under way before that could arrive; but of a last flight, which has no timer, the first one is
    /// answered at once, and so is each that begins anew.
    pub(super) fn repeat(&mut self, now: Instant, place: Place, first: Duration) -> bool {
        if self.any_arrived || self.is_sending() || self.repeats >= MAX_REPEATS {
            return false;
        }
        let rests = now < self.armed_at + self.timeout(first) / REPEAT_SHARE;
        let is_anew = self.last_repeat.is_none_or(|last| place <= last);
        if rests && (self.expect != Expect::Nothing || !is_anew) {
            return false;
        }
        self.repeats += 1;
        self.last_repeat = Some(place);
        self.send(now);
        true
    }

    /// A piece was acknowledged; says which message is whole by that.
    pub(super) fn arrived(&mut self, now: Instant, piece: &Piece) -> Option<HandshakeType> {
        let item =
            self.items.iter_mut().find(|item| item.message_seq() == Some(piece.message_seq))?;
        let Part::Message { kind, body, .. } = &item.part else { return None };
        item.arrived.add(piece.range.clone());
        self.any_arrived = true;
        let whole = !item.has_arrived && item.arrived.covers(body.len());
        item.has_arrived |= whole;
        let kind = *kind;
        self.part_arrived_at = self.part_arrived_at.or(Some(now));
        whole.then_some(kind)
    }

    /// Whether every message of it was acknowledged.
    pub(super) fn has_arrived(&self) -> bool {
        self.is_closed && self.any_arrived && self.items.iter().all(|item| item.has_arrived)
    }

    /// Whether a message of this kind is in it and has not arrived.
    #[cfg(test)]
    pub(super) fn has(&self, wanted: HandshakeType) -> bool {
        let is_it = |item: &Item| match item.part {
            Part::Message { kind, .. } => kind == wanted && !item.has_arrived,
            Part::ChangeCipherSpec => false,
        };
        self.items.iter().any(is_it)
    }

    /// What the time it took to be answered says about the first timeout: longer, if at all. It is never
    /// shortened by a measurement, since the next answer may take the peer more to compute; who knows
    /// the round trip says so (RFC 9147 §5.8.2).
    pub(super) fn round_trip_timeout(&self, now: Instant, first: Duration) -> Duration {
        if !self.is_closed || self.expect != Expect::Answer || self.attempts() > 1 {
            return first;
        }
        let round_trip = now.saturating_duration_since(self.armed_at);
        (round_trip + round_trip / 2).min(MAX_TIMEOUT)
    }

    /// Whether it is a ClientHello.
    pub(super) fn is_hello(&self) -> bool {
        let is_it = |item: &Item| match item.part {
            Part::Message { kind, .. } => kind == HandshakeType::CLIENT_HELLO,
            Part::ChangeCipherSpec => false,
        };
        self.items.iter().any(is_it)
    }

    /// How often it was sent without word that any of it had arrived.
    pub(super) const fn attempts(&self) -> u32 {
        1 + self.timeouts + self.repeats
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let body = |item: &Item| match &item.part {
            Part::Message { body, .. } => body.len(),
            Part::ChangeCipherSpec => 0,
        };
        self.items.iter().map(|item| size_of::<Item>() + body(item)).sum()
    }
}

impl Item {
    pub(super) const fn message_seq(&self) -> Option<u16> {
        match self.part {
            Part::Message { message_seq, .. } => Some(message_seq),
            Part::ChangeCipherSpec => None,
        }
    }
}
