//! Our messages: numbered, cut, packed, and repeated until they have arrived.

mod flight;
mod packing;
mod sent;

use std::time::Duration;

use base::Instant;
use smallvec::SmallVec;

use self::{
    flight::{Flight, Item, Part},
    packing::Packer,
    sent::Sent,
};
use super::Place;
use crate::{
    RecordNumber,
    record::{Records, SealError},
    wire::{ContentType, HandshakeType},
};

/// The first epoch of version 1.3 that is used after the handshake (RFC 9147 §6.1).
const FIRST_APPLICATION_EPOCH: u64 = 3;
/// How often a flight is sent again because the peer repeated its own. A peer repeats on a timer that
/// doubles, so an honest one stays below.
pub(crate) const MAX_REPEATS: u32 = 16;
/// Flights that wait for their acknowledgement at one time: the last one of the handshake, and of the
/// messages after it one of each kind (RFC 9147 §5.8.4), with room to spare.
pub(crate) const MAX_FLIGHTS: usize = 8;
/// The longest timeout (RFC 6347 §4.2.4.1, RFC 9147 §5.8.2).
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// The shortest first timeout. A round trip on a LAN is shorter than what a peer needs to compute.
pub(crate) const MIN_TIMEOUT: Duration = Duration::from_millis(50);
/// Sizes of datagrams that are tried when nothing came of a flight sent [`PATIENCE`] times, if nobody knows
/// what the path carries: what an IPv4 path of 576 bytes leaves, and one of 300 (RFC 9147 §4.4).
const SMALLER: [usize; 2] = [548, 252];
/// Transmissions of one size before the next smaller one is tried.
const PATIENCE: u32 = 2;
/// After how large a part of the timeout the rest of a flight is sent again when only some of it was
/// acknowledged. At once would take what is still under way for lost whenever the network reorders.
const PARTIAL_SHARE: u32 = 8;
/// How soon after a transmission a repeat of the peer's flight is not answered: what came so soon was sent
/// before ours could arrive.
const REPEAT_SHARE: u32 = 4;

/// Seals records: the record layer, as far as flights need it.
pub(crate) trait Seal {
    /// Why a record could not be sealed.
    type Error;

    /// Bytes that a record of `epoch` has beside its payload.
    fn overhead(&self, epoch: u64) -> usize;

    /// The longest payload that a record of `epoch` may have.
    fn max_payload(&self, epoch: u64) -> usize;

    /// Appends one record to `out`.
    ///
    /// # Errors
    ///
    /// If there are no keys for the epoch or no numbers left; nothing is appended then.
    fn seal(
        &mut self,
        epoch: u64,
        kind: ContentType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RecordNumber, Self::Error>;
}

impl Seal for Records {
    type Error = SealError;

    fn overhead(&self, epoch: u64) -> usize {
        Self::overhead(self, epoch)
    }

    fn max_payload(&self, epoch: u64) -> usize {
        Self::max_payload(self, epoch)
    }

    fn seal(
        &mut self,
        epoch: u64,
        kind: ContentType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RecordNumber, SealError> {
        Self::seal(self, epoch, kind, payload, out)
    }
}

/// What ends the repeating of a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The peer's next flight, or in version 1.3 its acknowledgement.
    Answer,
    /// The peer's acknowledgement alone, as for the last flight of the client in version 1.3.
    Acknowledgement,
    /// Nothing: it is sent once, and again when the peer repeats what it answers, as for the last
    /// flight of version 1.2 (RFC 6347 §4.2.4).
    Nothing,
}

/// The peer has not answered for as long as it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GaveUp;

/// What came of an acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    /// Messages that have now arrived whole.
    pub(crate) messages: SmallVec<[HandshakeType; 4]>,
    /// It names a record of a later epoch than its own, which no end that keeps the rules does during
    /// the handshake (RFC 9147 §7).
    pub(crate) is_improper: bool,
}

/// Takes the messages of flights and gives datagrams.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// The number of the next message; above 65,535 when they are used up.
    next_seq: u32,
    first_timeout: Duration,
    /// How often a flight is sent again because nothing came, before the peer is given up.
    max_timeouts: u32,
    /// Whether the size of datagrams is one the path is known to carry.
    knows_mtu: bool,
    /// How many of [`SMALLER`] were passed; the path stays what it is from flight to flight.
    step: usize,
    flights: Vec<Flight>,
    sent: Sent,
    packer: Packer,
}

impl Outbox {
    /// Sends the first message under the number 0.
    #[must_use]
    pub(crate) fn new(first_timeout: Duration) -> Self {
        Self::starting_at(0, first_timeout)
    }

    /// Sends the first message under the number `message_seq`: 1 after a stateless answer.
    #[must_use]
    pub(crate) fn starting_at(message_seq: u16, first_timeout: Duration) -> Self {
        Self {
            next_seq: u32::from(message_seq),
            first_timeout: first_timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT),
            max_timeouts: crate::DEFAULT_MAX_TIMEOUTS,
            knows_mtu: false,
            step: 0,
            flights: Vec::new(),
            sent: Sent::default(),
            packer: Packer::default(),
        }
    }

    /// Opens a flight. The one before has been answered, or no answer is waited for; flights that wait for
    /// an acknowledgement go on waiting.
    pub(crate) fn begin_flight(&mut self) {
        self.flights.retain(|flight| flight.expect == Expect::Acknowledgement && flight.is_closed);
        if self.flights.len() >= MAX_FLIGHTS {
            // Callers ask `is_waiting_for` first; the oldest is what matters least.
            self.flights.remove(0);
        }
        self.flights.push(Flight::new());
    }

    /// Adds a message to the open flight, to be sent under the keys of `epoch`, and says its number.
    pub(crate) fn push(&mut self, epoch: u64, kind: HandshakeType, body: &[u8]) -> u16 {
        let message_seq = u16::try_from(self.next_seq).unwrap_or(u16::MAX);
        self.next_seq += 1;
        self.add(Item::new(epoch, Part::Message { kind, message_seq, body: body.to_vec() }));
        message_seq
    }

    /// Adds a ChangeCipherSpec to the open flight, which is sent and repeated like a message (RFC 6347
    /// §4.2.4) but has no number.
    pub(crate) fn push_change_cipher_spec(&mut self, epoch: u64) {
        self.add(Item::new(epoch, Part::ChangeCipherSpec));
    }

    /// Closes the open flight and has it sent.
    pub(crate) fn end_flight(&mut self, now: Instant, expect: Expect) {
        if let Some(flight) = self.flights.last_mut().filter(|flight| !flight.is_closed) {
            flight.close(now, expect);
        }
    }

    /// The number that the next message gets; `None` when they are used up.
    #[must_use]
    pub(crate) fn next_message_seq(&self) -> Option<u16> {
        u16::try_from(self.next_seq).ok()
    }

    /// The peer has begun to answer: what it answers has arrived (RFC 9147 §7.2).
    ///
    /// In version 1.2, call it when the whole answer is there and no flight follows it: parts of an answer
    /// stop nothing (RFC 6347 §4.2.4).
    pub(crate) fn answered(&mut self, now: Instant) {
        let first = self.first_timeout;
        for flight in &self.flights {
            self.first_timeout = self.first_timeout.max(flight.round_trip_timeout(now, first));
        }
        self.flights.retain(|flight| flight.expect != Expect::Answer || !flight.is_closed);
    }

    /// Nothing that was sent will be sent again.
    pub(crate) fn clear(&mut self) {
        self.flights.clear();
    }

    /// The peer repeated the flight that ours answers, or a part of it at `place`: sends ours again, once
    /// for each time and not too often. Says whether it does.
    pub(crate) fn repeat(&mut self, now: Instant, place: Place) -> bool {
        let first = self.first_timeout;
        self.flights
            .iter_mut()
            .filter(|flight| flight.is_closed)
            .any(|flight| flight.repeat(now, place, first))
    }

    /// An acknowledgement came in a record of `epoch`. What it names is not sent again, and the rest of a
    /// flight soon is (RFC 9147 §7.2).
    pub(crate) fn handle_ack(
        &mut self,
        now: Instant,
        epoch: u64,
        numbers: &[RecordNumber],
    ) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        if base::mutant::active("dtls-13-acks-ignored") {
            return acknowledged;
        }
        for &number in numbers {
            // After the handshake the directions change their keys apart, and the peer's epoch may be the
            // lower one.
            if number.epoch > epoch && epoch < FIRST_APPLICATION_EPOCH {
                acknowledged.is_improper = true;
                continue;
            }
            for piece in self.sent.take(number) {
                let whole = self.flights.iter_mut().find_map(|flight| flight.arrived(now, &piece));
                acknowledged.messages.extend(whole);
            }
        }
        self.flights.retain(|flight| !flight.has_arrived());
        acknowledged
    }

    /// Begins to send again what is due, and says whether because a timer ran out.
    ///
    /// # Errors
    ///
    /// If a flight was sent as often as it may be.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Result<bool, GaveUp> {
        let (first, max) = (self.first_timeout, self.max_timeouts);
        let mut timed_out = false;
        for flight in &mut self.flights {
            timed_out |= flight.handle_timeout(now, first, max)?;
        }
        Ok(timed_out)
    }

    /// When [`Outbox::handle_timeout`] is due.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.flights.iter().filter_map(|flight| flight.deadline(self.first_timeout)).min()
    }

    /// Whether there is a datagram to send.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn has_more(&self) -> bool {
        self.flights.iter().any(Flight::is_sending)
    }

    /// Appends the next datagram to `out`, at most `room` bytes; says whether there was one.
    ///
    /// A part of the datagram may be there already: it is the caller's, who counts it off `room`. Were the
    /// room too small for any fragment, one of a byte is sent all the same.
    ///
    /// # Errors
    ///
    /// What the record layer says; the flight is not sent any further then.
    pub(crate) fn poll<S: Seal>(
        &mut self,
        seal: &mut S,
        room: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, S::Error> {
        self.shrink();
        let room = self.datagram_size(room);
        let start = out.len();
        self.packer.begin(start + room, start);
        for flight in self.flights.iter_mut().filter(|flight| flight.is_sending()) {
            let packed = self.packer.pack(flight, &mut self.sent, seal, out);
            if packed.inspect_err(|_| flight.stop())? == packing::Packed::Full {
                break;
            }
        }
        Ok(out.len() > start)
    }

    /// The largest datagram to make where the path is said to carry `mtu` bytes.
    #[must_use]
    pub(crate) fn datagram_size(&self, mtu: usize) -> usize {
        let smaller = self.step.checked_sub(1).and_then(|step| SMALLER.get(step));
        smaller.map_or(mtu, |&smaller| smaller.min(mtu))
    }

    /// Whether the size that [`Outbox::poll`] is given is one that the path is known to carry: then it is
    /// kept to, however often a flight is lost.
    pub(crate) const fn set_knows_mtu(&mut self, knows: bool) {
        self.knows_mtu = knows;
        self.step = 0;
    }

    /// Sets the first timeout of a flight; timers that run are stretched to it (RFC 9147 §5.8.2).
    pub(crate) fn set_first_timeout(&mut self, timeout: Duration) {
        self.first_timeout = timeout.clamp(MIN_TIMEOUT, MAX_TIMEOUT);
    }

    /// Sets how often a flight is sent again because nothing came, before the peer is given up.
    pub(crate) const fn set_max_timeouts(&mut self, most: u32) {
        self.max_timeouts = most;
    }

    /// The round-trip time is known from elsewhere: the timeout is half as long again (RFC 9147 §5.8.2).
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.set_first_timeout(rtt.saturating_add(rtt / 2));
    }

    /// The timeout of the flight that waits longest, or else of the next one.
    #[must_use]
    pub(crate) fn timeout(&self) -> Duration {
        let waiting = self.flights.iter().filter(|flight| flight.is_closed);
        waiting.map(|flight| flight.timeout(self.first_timeout)).max().unwrap_or(self.first_timeout)
    }

    /// Whether anything is repeated until it is answered or acknowledged.
    #[must_use]
    pub(crate) fn is_waiting(&self) -> bool {
        self.flights.iter().any(|flight| flight.expect != Expect::Nothing)
    }

    /// Whether nothing that was sent is repeated until it is answered or acknowledged.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        !self.is_waiting()
    }

    /// Whether a message of this kind has not arrived yet, as far as is known.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn is_waiting_for(&self, kind: HandshakeType) -> bool {
        self.flights.iter().any(|flight| flight.has(kind))
    }

    /// Bytes held.
    #[must_use]
    pub(crate) fn held(&self) -> usize {
        self.flights.iter().map(Flight::held).sum::<usize>() + self.sent.held()
    }

    fn add(&mut self, item: Item) {
        match self.flights.last_mut() {
            Some(flight) if !flight.is_closed => flight.items.push(item),
            _ => {
                self.begin_flight();
                self.add(item);
            }
        }
    }

    /// Tries smaller datagrams once a flight was sent often enough without an answer.
    ///
    /// A ClientHello goes round through the sizes: a server that asks for a cookie and keeps nothing of
    /// strangers can answer it only whole.
    fn shrink(&mut self) {
        if self.knows_mtu {
            return;
        }
        let rounds = |flight: &Flight| usize::try_from((flight.attempts() - 1) / PATIENCE).ok();
        if let Some(hello) = self.flights.iter().find(|flight| flight.is_hello()) {
            self.step = rounds(hello).unwrap_or(0) % (SMALLER.len() + 1);
            return;
        }
        let most = self.flights.iter().filter_map(rounds).max().unwrap_or(0);
        self.step = self.step.max(most.min(SMALLER.len()));
    }
}

#[cfg(test)]
mod tests;
