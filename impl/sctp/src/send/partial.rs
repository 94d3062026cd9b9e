//! Messages that are given up: RFC 3758 §3.5, RFC 7496 §3, RFC 8260 §2.3.1.

use std::collections::BTreeSet;

use base::{Instant, Writer};
use bytes::Bytes;

use super::{
    Sender,
    queue::{MESSAGE_OVERHEAD, NO_MESSAGE},
    ring::{Slot, State},
    timeout::Timer,
};
use crate::{
    Event, Mid, Reliability, Ssn, StreamId,
    path::Rtt,
    wire::{self, DataFlags, List},
};

/// Of messages that may be given up: which wait, and how far the peer was told to move on.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// Waiting messages by when they are too old.
    lifetimes: BTreeSet<(Instant, u32)>,
    /// Waiting messages that make room for others, the least urgent last.
    priorities: BTreeSet<(u32, u64, u32)>,
    /// The place up to which everything was acknowledged or given up: the Advanced.Peer.Ack.Point of
    /// RFC 3758 §3.5.
    advanced: u64,
    /// What the peer was last told of it, and when.
    told: Option<(u64, Instant)>,
    /// Whether it is to be told.
    is_due: bool,
}

impl Partial {
    /// Numbers begin anew: the peer was told nothing of them.
    pub(super) const fn forget_told(&mut self) {
        (self.advanced, self.told, self.is_due) = (0, None, false);
    }
}

impl Sender {
    /// A message began to wait.
    pub(super) fn watch(&mut self, index: u32) {
        let Some(message) = self.messages.get(index) else { return };
        if let Reliability::Priority(priority) = message.reliability {
            self.partial.priorities.insert((priority, message.arrival, index));
        }
        if let Some(deadline) = message.deadline {
            self.partial.lifetimes.insert((deadline, index));
            self.arm_lifetime();
        }
    }

    /// A message waits no more.
    pub(super) fn unwatch(&mut self, index: u32) {
        let Some(message) = self.messages.get(index) else { return };
        if let Reliability::Priority(priority) = message.reliability {
            self.partial.priorities.remove(&(priority, message.arrival, index));
        }
        if let Some(deadline) = message.deadline {
            self.partial.lifetimes.remove(&(deadline, index));
            self.arm_lifetime();
        }
    }

    fn arm_lifetime(&mut self) {
        match self.partial.lifetimes.first() {
            Some(&(deadline, _)) => self.timers.set(Timer::Lifetime as usize, deadline),
            None => self.timers.stop(Timer::Lifetime as usize),
        }
    }

    /// Waiting messages that are too old are given up (RFC 3758 §4.1 TR5).
    pub(super) fn expire_messages(&mut self, now: Instant) {
        while let Some(&(deadline, index)) = self.partial.lifetimes.first() {
            if deadline > now || base::mutant::active("sctp-lifetime-forgotten-in-queue") {
                break;
            }
            // Where the peer knows no FORWARD TSN, a message that was begun is finished.
            if !self.give_up(index) {
                self.partial.lifetimes.remove(&(deadline, index));
            }
        }
        self.arm_lifetime();
    }

    /// RFC 7496 §3.2: gives up waiting messages that are less urgent than one of `reliability`, if that
    /// makes `needed` bytes free.
    pub(super) fn make_room(&mut self, needed: usize, reliability: Reliability) -> bool {
        let mut freed = 0;
        let mut chosen = Vec::new();
        for &(priority, _, index) in self.partial.priorities.iter().rev() {
            let is_lower = match reliability {
                Reliability::Priority(mine) => priority > mine,
                _ => true,
            };
            if freed >= needed || !is_lower {
                break;
            }
            let Some(message) = self.messages.get(index) else { continue };
            if self.abandoning || !message.is_begun() {
                freed += message.payload.len() + MESSAGE_OVERHEAD;
                chosen.push(index);
            }
        }
        if freed < needed {
            return false;
        }
        for index in chosen {
            self.give_up(index);
        }
        true
    }

    /// Whether the message of the chunk at `place` is not to be sent again.
    pub(super) fn is_to_give_up(&self, now: Instant, place: u64) -> bool {
        let Some(slot) = self.ring.get(place) else { return false };
        if slot.abandoned {
            return true;
        }
        let Some(message) = self.messages.get(slot.message) else { return false };
        self.abandoning
            && match message.reliability {
                // RFC 3758 §4.1 TR4.
                Reliability::Lifetime(_) => {
                    let forgets = base::mutant::active("sctp-lifetime-forgotten-once-sent");
                    !forgets && message.deadline.is_some_and(|at| at <= now)
                }
                // RFC 7496 §3.1: once more would be once too often.
                Reliability::Retransmits(most) => {
                    let extra = u16::from(base::mutant::active("sctp-retransmits-once-too-often"));
                    slot.transmissions > most.saturating_add(extra)
                }
                Reliability::Reliable | Reliability::Priority(_) => false,
            }
    }

    /// The chunk at `place`, which is lost and in no list, goes again or is given up.
    pub(super) fn repeat_or_give_up(&mut self, now: Instant, place: u64) {
        self.ring.append(&mut self.lost, place);
        if self.is_to_give_up(now, place) {
            self.give_up_chunk(place);
        }
    }

    /// The chunk at `place`, which is in the list of the lost, and with it its message are given up.
    pub(super) fn give_up_chunk(&mut self, place: u64) {
        let Some(slot) = self.ring.get(place) else { return };
        let index = slot.message;
        match (slot.abandoned, slot.state) {
            // Its message was given up while it was in flight.
            (true, State::Lost) => self.let_go(place),
            // Another chunk of its message was given up just now, and this one with it.
            (true, _) => {}
            (false, _) => {
                self.give_up(index);
            }
        }
    }

    /// Gives a message up: what waits of it is dropped, what was sent is not sent again, and the peer will
    /// be told to go on without it. Says false if that cannot be.
    pub(super) fn give_up(&mut self, index: u32) -> bool {
        let Some(message) = self.messages.get(index) else { return false };
        let (is_begun, is_waiting) = (message.is_begun(), !message.payload.is_empty());
        if message.abandoned || is_begun && !self.abandoning {
            return false;
        }
        let (stream, ppid) = (message.stream, message.ppid);
        self.counters.abandoned += 1;
        self.events.push_back(Event::Abandoned { stream, ppid, sent: is_begun });
        if is_waiting {
            self.drop_rest(index);
        }
        if !is_begun {
            self.messages.remove(index);
            return true;
        }
        if let Some(message) = self.messages.get_mut(index) {
            message.abandoned = true;
        }
        self.abandon_chunks(index);
        if is_waiting {
            self.put_end(index);
        }
        self.advance();
        true
    }

    /// What waits of a message waits no more.
    pub(super) fn drop_rest(&mut self, index: u32) {
        self.unwatch(index);
        let Some(message) = self.messages.get_mut(index) else { return };
        let rest = std::mem::take(&mut message.payload).len();
        let (id, is_begun, length) = (message.stream, message.is_begun(), message.length);
        self.queued -= rest;
        if let Some(stream) = self.streams.get_mut(id) {
            self.messages.unlink(&mut stream.line, index);
            let before = stream.buffered;
            stream.buffered -= rest;
            if before > stream.low_threshold && stream.buffered <= stream.low_threshold {
                self.events.push_back(Event::BufferedLow(id));
            }
        }
        if is_begun {
            self.begun = self.begun.saturating_sub(length);
            self.turns.interrupt(id, &mut self.streams, &self.messages);
            self.turns.release(&self.streams, &self.messages);
        }
        self.release(rest + MESSAGE_OVERHEAD);
    }

    /// RFC 3758 §3.5 A3: all chunks of the message are given up at once. What is in flight stays there for
    /// congestion control, until it arrives, is lost, or is passed.
    fn abandon_chunks(&mut self, index: u32) {
        let mut place = self.messages.get(index).map_or(0, |message| message.newest);
        while let Some(slot) = self.ring.get_mut(place) {
            slot.abandoned = true;
            let (is_lost, earlier) = (slot.state == State::Lost, slot.earlier);
            if is_lost {
                self.let_go(place);
            }
            if earlier == 0 {
                break;
            }
            place -= u64::from(earlier);
        }
    }

    /// The chunk at `place`, in the list of the lost, will not go again.
    fn let_go(&mut self, place: u64) {
        self.ring.unlink(&mut self.lost, place);
        let Some(slot) = self.ring.get_mut(place) else { return };
        slot.state = State::Gone;
        let freed = std::mem::take(&mut slot.payload).len();
        self.release(freed);
    }

    /// A number for the end of a message that never leaves: everything of it that was sent may have been
    /// acknowledged, and then there would be nothing for the peer to pass, and the beginning of a message
    /// would wait there for ever.
    fn put_end(&mut self, index: u32) {
        let place = self.ring.next();
        let Some(message) = self.messages.get_mut(index) else { return };
        message.newest = place;
        message.chunks += 1;
        let flags = DataFlags {
            beginning: false,
            ending: true,
            unordered: message.unordered,
            immediate: false,
        };
        let mut slot = Slot::new(Bytes::new(), flags);
        slot.number = message.number;
        slot.stream = message.stream.get();
        slot.message = index;
        slot.abandoned = true;
        self.ring.push(slot);
    }

    /// A chunk of message `index` was passed.
    pub(super) fn done_with_chunk(&mut self, index: u32) {
        if index == NO_MESSAGE {
            return;
        }
        let Some(message) = self.messages.get_mut(index) else { return };
        message.chunks -= 1;
        if message.chunks == 0 && message.payload.is_empty() {
            self.messages.remove(index);
        }
    }

    /// RFC 3758 §3.5 C1, C2: moves on over what was given up.
    pub(super) fn advance(&mut self) {
        let acknowledged = self.ring.base() - 1;
        let before = self.partial.advanced;
        self.partial.advanced = before.max(acknowledged);
        while self.ring.get(self.partial.advanced + 1).is_some_and(|slot| slot.abandoned) {
            self.partial.advanced += 1;
        }
        if self.partial.advanced > before.max(acknowledged) {
            self.partial.is_due = true;
        }
        if self.partial.advanced == acknowledged {
            self.partial.is_due = false;
        }
    }

    /// An acknowledgement came. If the peer has not moved on a round trip after it was told to, it is told
    /// again (RFC 3758 §3.5 F2).
    pub(super) fn advance_after_sack(&mut self, now: Instant, rtt: &Rtt) {
        if self.ring.is_empty() {
            self.partial.is_due = false;
            return;
        }
        self.advance();
        let wait = rtt.smoothed().unwrap_or_else(|| rtt.rto());
        let is_overdue = self.partial.told.is_some_and(|(place, at)| {
            place < self.ring.base() || now.saturating_duration_since(at) > wait
        });
        if is_overdue {
            self.remind_of_forward();
        }
    }

    /// The peer is told again to move on, if it has not.
    pub(super) fn remind_of_forward(&mut self) {
        let is_once = base::mutant::active("sctp-forward-tsn-told-once");
        let was_told = self.partial.told.is_some();
        self.partial.is_due = self.partial.advanced >= self.ring.base() && !(is_once && was_told);
    }

    /// Whether the peer is to be told to move on: [`Sender::write_forward_tsn`].
    pub(crate) fn forward_tsn_due(&self) -> bool {
        self.partial.is_due
    }

    /// Appends a FORWARD TSN, or an I-FORWARD-TSN where messages are interleaved, of at most `room` bytes,
    /// and says how many it has; 0 if not even the shortest fits.
    ///
    /// The timer runs as long as the peer has not moved on (RFC 3758 §3.5 C5).
    pub(crate) fn write_forward_tsn(
        &mut self,
        now: Instant,
        room: usize,
        writer: &mut Writer<'_>,
        rtt: &Rtt,
    ) -> usize {
        let began = writer.len();
        if room < FORWARD_HEADER {
            return 0;
        }
        let entry = if self.interleaving { 8 } else { 4 };
        let most = (room - FORWARD_HEADER) / entry;
        let (place, skipped) = self.skipped(most);
        if place < self.ring.base() {
            return 0;
        }
        let new_cumulative = self.ring.tsn(place);
        if self.interleaving {
            let list: Vec<_> = skipped
                .iter()
                .map(|&(stream, unordered, number)| wire::SkippedMessage {
                    stream: StreamId::new(stream),
                    unordered,
                    mid: Mid::new(number),
                })
                .collect();
            wire::IForwardTsn { new_cumulative, skipped: List::from(&list[..]) }.write(writer);
        } else {
            let list: Vec<_> = skipped
                .iter()
                .map(|&(stream, _, number)| {
                    let [_, _, high, low] = number.to_be_bytes();
                    let ssn = Ssn::new(u16::from_be_bytes([high, low]));
                    wire::SkippedStream { stream: StreamId::new(stream), ssn }
                })
                .collect();
            wire::ForwardTsn { new_cumulative, skipped: List::from(&list[..]) }.write(writer);
        }
        // What did not fit waits until the peer has moved (RFC 3758 §3.5 C4).
        self.partial.told = Some((place, now));
        self.partial.is_due = false;
        self.run_timer(now, rtt);
        writer.len() - began
    }

    /// RFC 3758 §3.5 C4: the streams on which something is skipped, each with the newest of its numbers,
    /// and the place up to which `most` entries say it all. Unordered messages have no number in DATA.
    fn skipped(&self, most: usize) -> (u64, Vec<(u16, bool, u32)>) {
        let mut found: Vec<(u16, bool, u32)> = Vec::new();
        let mut reached = self.ring.base() - 1;
        for place in self.ring.base()..=self.partial.advanced {
            let Some(slot) = self.ring.get(place) else { break };
            let key = (slot.stream, slot.flags.unordered);
            let lists_all = base::mutant::active("sctp-forward-tsn-lists-unordered");
            if self.interleaving || !slot.flags.unordered || lists_all {
                match found.binary_search_by_key(&key, |entry| (entry.0, entry.1)) {
                    // Numbers ascend with places on each stream.
                    Ok(at) => {
                        if let Some(entry) = found.get_mut(at) {
                            entry.2 = slot.number;
                        }
                    }
                    Err(_) if found.len() >= most => break,
                    Err(at) => found.insert(at, (key.0, key.1, slot.number)),
                }
            }
            reached = place;
        }
        (reached, found)
    }
}

/// Bytes of either chunk before the first stream.
const FORWARD_HEADER: usize = 8;
