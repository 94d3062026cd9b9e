//! A packet's room filled with chunks of user data: RFC 9260 §6.1.

use base::{Instant, Writer};

use super::{
    Forced, Sender,
    queue::{MESSAGE_OVERHEAD, NO_MESSAGE},
    ring::{MAX_SPAN, Slot, State},
    scheduler::Scheduler,
    timeout::Timer,
};
use crate::{
    Event, Mid, Ppid, Ssn, StreamId,
    congestion::Control,
    path::Rtt,
    wire::{self, DataFlags},
};

/// Bytes of a fragment below which none is cut just to fill what a packet has left.
const MIN_FRAGMENT: usize = 256;

/// With fewer full packets than this in flight, the one that closes the window asks to be acknowledged at
/// once: the receiver may be holding back the only acknowledgement that would open it.
const FEW_IN_FLIGHT: u64 = 4;

/// The bit of a chunk's flags that asks for an acknowledgement at once (RFC 9260 §3.3.1).
const IMMEDIATE: u8 = 8;

/// A packet on its way to be filled.
struct Packing<'w, 'b> {
    writer: &'w mut Writer<'b>,
    /// Bytes left.
    left: usize,
    /// Whether it holds nothing yet and has all the room a packet has.
    untouched: bool,
    /// Chunks in it.
    chunks: u32,
    /// Bytes of those.
    bytes: u64,
    /// The stream of the newest.
    stream: Option<StreamId>,
    /// Where in the writer the newest begins.
    newest_at: usize,
    /// Whether the oldest chunk that is outstanding is in it again.
    has_oldest: bool,
    /// Whether one chunk may go whatever room the peer has.
    any_window: bool,
    /// Whether no stream has anything more that may go.
    is_dry: bool,
    /// Whether the peer's window is what keeps something from going.
    is_shut: bool,
}

impl Packing<'_, '_> {
    fn took(&mut self, at: usize, stream: StreamId) {
        let size = self.writer.len() - at;
        self.left = self.left.saturating_sub(size);
        self.untouched = false;
        self.chunks += 1;
        self.bytes += size as u64;
        self.stream = Some(stream);
        self.newest_at = at;
    }
}

impl Sender {
    /// Whether [`Sender::fill`] would put something into a packet of full size.
    pub(crate) fn has_data_ready(&self, now: Instant, control: &Control) -> bool {
        self.forced.is_some()
            || self.has_work()
                && control.budget(now, self.in_flight) > 0
                && (!self.lost.is_empty() || self.window_allows(1))
    }

    /// Appends as many chunks as `room`, the windows and the pacer allow, and says how many bytes they
    /// take; 0 if there is nothing to send now, or nothing that fits. Give it all the room a packet has
    /// when nothing else is in the packet.
    pub(crate) fn fill(
        &mut self,
        now: Instant,
        room: usize,
        writer: &mut Writer<'_>,
        control: &mut Control,
        rtt: &Rtt,
    ) -> usize {
        if !self.has_work() && self.forced.is_none() {
            return 0;
        }
        if self.forced.is_none() && control.budget(now, self.in_flight) == 0 {
            self.wait_for_pacer(now, control);
            return 0;
        }
        let began = writer.len();
        let mut packet = Packing {
            newest_at: began,
            writer,
            left: room,
            untouched: room >= self.config.packet_room,
            chunks: 0,
            bytes: 0,
            stream: None,
            has_oldest: false,
            any_window: false,
            is_dry: false,
            is_shut: false,
        };
        let has_all_room = packet.untouched;
        let forced = self.forced.take();
        self.pack(now, forced, &mut packet);
        if packet.chunks == 0 {
            if !has_all_room {
                self.forced = forced;
            } else if packet.is_shut && self.flight.is_empty() && self.lost.is_empty() {
                self.arm_window_probe(now, rtt);
            }
            return 0;
        }
        self.close_packet(now, &mut packet, control, rtt);
        packet.writer.len() - began
    }

    fn pack(&mut self, now: Instant, forced: Option<Forced>, packet: &mut Packing<'_, '_>) {
        packet.any_window = forced == Some(Forced::Window);
        // RFC 9260 §6.1 C: what is to be sent again goes before what is new.
        self.put_lost(now, packet);
        self.put_new(now, packet);
        if forced == Some(Forced::Probe) {
            let repeated = if packet.chunks == 0 { self.repeat_newest(now, packet) } else { 0 };
            if packet.chunks > 0 {
                self.note_probe(repeated);
            }
        }
    }

    /// RFC 8985 §7.3: sends the newest chunk that is in flight once more, and says its place. It is not
    /// held to be lost.
    fn repeat_newest(&mut self, now: Instant, packet: &mut Packing<'_, '_>) -> u64 {
        let place = self.flight.tail;
        let Some(slot) = self.ring.get(place) else { return 0 };
        let (state, payload) = (slot.state, slot.payload.len());
        let fits = self.chunk_size(payload) <= packet.left || packet.untouched;
        if !fits || self.is_to_give_up(now, place) {
            return 0;
        }
        self.leave_list(place, state, payload);
        packet.has_oldest |= place == self.ring.base();
        self.send(now, place, packet);
        self.counters.repeated += 1;
        place
    }

    fn has_work(&self) -> bool {
        !self.lost.is_empty() || self.queued > 0
    }

    fn put_lost(&mut self, now: Instant, packet: &mut Packing<'_, '_>) {
        while !self.lost.is_empty() {
            let place = self.lost.head;
            let Some(slot) = self.ring.get(place) else { return };
            let (size, stream) = (self.chunk_size(slot.payload.len()), StreamId::new(slot.stream));
            // RFC 9260 §6.9: a chunk that was cut for longer packets leaves as it is, alone in its own.
            if size > packet.left && !packet.untouched || self.is_apart(packet, stream) {
                return;
            }
            if self.is_to_give_up(now, place) {
                self.give_up_chunk(place);
                continue;
            }
            self.ring.unlink(&mut self.lost, place);
            packet.has_oldest |= place == self.ring.base();
            self.send(now, place, packet);
            self.counters.repeated += 1;
        }
    }

    fn put_new(&mut self, now: Instant, packet: &mut Packing<'_, '_>) {
        while self.ring.len() < MAX_SPAN {
            let Some(id) = self.turns.next(&mut self.streams, &self.messages) else {
                // Those that asked again may have nothing to send any more: then it is for the others.
                if self.begun == 0 && self.turns.release(&self.streams, &self.messages) {
                    continue;
                }
                packet.is_dry = true;
                return;
            };
            let head = self.streams.get(id).map_or(NO_MESSAGE, |stream| stream.line.head);
            let Some(message) = self.messages.get(head) else { return };
            // RFC 3758 §4.1 TR3: what is too old gets no number.
            if message.deadline.is_some_and(|deadline| deadline <= now) && self.give_up(head) {
                continue;
            }
            if self.is_too_much_begun(head) {
                self.turns.hold();
                continue;
            }
            let Some(length) = self.next_piece(id, head, packet) else {
                let must_go_on = !self.interleaving
                    && self.messages.get(head).is_some_and(super::queue::Message::is_begun);
                let is_its_packet = self.is_per_packet() && packet.stream == Some(id);
                if !must_go_on && !is_its_packet {
                    self.turns.put_back(&self.streams, &self.messages);
                }
                return;
            };
            let Some(place) = self.cut(id, head, length) else { return };
            self.send(now, place, packet);
        }
    }

    /// How much of message `head` of stream `id` goes into the packet, if any of it may.
    fn next_piece(&self, id: StreamId, head: u32, packet: &mut Packing<'_, '_>) -> Option<usize> {
        if self.is_apart(packet, id) {
            return None;
        }
        let length = self.piece(self.messages.get(head)?.payload.len(), packet)?;
        let may_go = self.window_allows(length) || std::mem::take(&mut packet.any_window);
        packet.is_shut |= !may_go;
        may_go.then_some(length)
    }

    /// Whether interleaved message `index` has to wait until others have ended: as many begun messages as
    /// fill the peer's window, and none of them whole, would leave room for the end of none
    /// (RFC 8260 §2.2.2 has the sender see to it that the receiver makes progress).
    fn is_too_much_begun(&self, index: u32) -> bool {
        if !self.interleaving || self.begun == 0 {
            return false;
        }
        let Some(message) = self.messages.get(index).filter(|message| !message.is_begun()) else {
            return false;
        };
        let is_short = self.chunk_header() + message.length <= self.config.packet_room;
        !is_short && (self.begun + message.length) as u64 > self.largest_window / 2
    }

    /// How much of a message of which `remaining` bytes are left goes into the packet.
    fn piece(&self, remaining: usize, packet: &Packing<'_, '_>) -> Option<usize> {
        // No chunk is longer than what a packet is sure to hold, even where a packet may hold more: it keeps
        // its size when the path's shrinks (RFC 9260 §6.9).
        let most = packet.left.min(self.config.packet_room) & !3;
        let most = most.checked_sub(self.chunk_header())?;
        if remaining <= most {
            return Some(remaining);
        }
        (most >= MIN_FRAGMENT || packet.untouched && most > 0).then_some(most)
    }

    /// RFC 9260 §6.1 A: whether the peer has room for `length` bytes more.
    const fn window_allows(&self, length: usize) -> bool {
        self.flight_payload + length as u64 <= self.peer_window
    }

    fn is_per_packet(&self) -> bool {
        self.turns.scheduler() == Scheduler::RoundRobinPerPacket
    }

    /// RFC 8260 §3.3: whether chunks of `stream` may not go into this packet.
    fn is_apart(&self, packet: &Packing<'_, '_>, stream: StreamId) -> bool {
        self.is_per_packet() && packet.stream.is_some_and(|other| other != stream)
    }

    /// Cuts the next `length` bytes off a message and gives them a number.
    fn cut(&mut self, id: StreamId, index: u32, length: usize) -> Option<u64> {
        let message = self.messages.get_mut(index)?;
        let stream = self.streams.get_mut(id)?;
        let ends = length == message.payload.len();
        let flags = DataFlags {
            beginning: !message.is_begun(),
            ending: ends,
            unordered: message.unordered,
            immediate: ends && message.immediate,
        };
        if flags.beginning {
            message.number = match (message.unordered, self.interleaving) {
                (false, _) => count(&mut stream.next_ordered),
                (true, true) => count(&mut stream.next_unordered),
                (true, false) => 0,
            };
        }
        let payload = if ends {
            std::mem::take(&mut message.payload)
        } else {
            message.payload.split_to(length)
        };
        let mut slot = Slot::new(payload, flags);
        slot.number = message.number;
        slot.stream = id.get();
        slot.ppid_or_fsn = match self.interleaving && !flags.beginning {
            true => message.fragment,
            false => message.ppid.get(),
        };
        message.fragment = message.fragment.wrapping_add(1);
        let (is_reliable, total) = (message.is_reliable(), message.length);
        let place = self.ring.next();
        if !message.is_reliable() {
            let back = if flags.beginning { 0 } else { place - message.newest };
            slot.earlier = u16::try_from(back).unwrap_or(0);
            slot.message = index;
            message.chunks += 1;
        }
        message.newest = place;
        self.ring.push(slot);
        self.queued -= length;
        let before = stream.buffered;
        stream.buffered -= length;
        if before > stream.low_threshold && stream.buffered <= stream.low_threshold {
            self.events.push_back(Event::BufferedLow(id));
        }
        self.turns.serve(stream, length);
        if ends {
            self.messages.unlink(&mut stream.line, index);
            if is_reliable {
                self.messages.remove(index);
            } else {
                self.unwatch(index);
            }
            self.release(MESSAGE_OVERHEAD);
        }
        if flags.beginning != ends {
            self.note_begun(flags.beginning, total);
        }
        if (ends || self.interleaving) && !self.is_per_packet() {
            self.turns.end_turn(&mut self.streams, &self.messages);
        }
        Some(place)
    }

    /// A message of `total` bytes that takes several chunks was begun, or ended.
    fn note_begun(&mut self, began: bool, total: usize) {
        if began {
            self.begun += total;
        } else {
            self.begun = self.begun.saturating_sub(total);
            self.turns.release(&self.streams, &self.messages);
        }
    }

    /// Writes the chunk at `place`, which is in no list, and counts it in flight.
    fn send(&mut self, now: Instant, place: u64, packet: &mut Packing<'_, '_>) {
        let tsn = self.ring.tsn(place);
        let Some(slot) = self.ring.get_mut(place) else { return };
        slot.state = State::Flying;
        slot.sent_at = now;
        slot.transmissions = slot.transmissions.saturating_add(1);
        slot.misses = 0;
        let at = packet.writer.len();
        let stream = StreamId::new(slot.stream);
        if self.interleaving {
            let chunk = wire::IData {
                flags: slot.flags,
                tsn,
                stream,
                mid: Mid::new(slot.number),
                ppid_or_fsn: slot.ppid_or_fsn,
                payload: &slot.payload,
            };
            chunk.write(packet.writer);
        } else {
            let [_, _, high, low] = slot.number.to_be_bytes();
            let chunk = wire::Data {
                flags: slot.flags,
                tsn,
                stream,
                ssn: Ssn::new(u16::from_be_bytes([high, low])),
                ppid: Ppid::new(slot.ppid_or_fsn),
                payload: &slot.payload,
            };
            chunk.write(packet.writer);
        }
        let payload = slot.payload.len();
        self.ring.append(&mut self.flight, place);
        self.in_flight += self.chunk_size(payload) as u64;
        self.flight_payload += payload as u64;
        packet.took(at, stream);
        self.counters.sent += 1;
    }

    fn close_packet(
        &mut self,
        now: Instant,
        packet: &mut Packing<'_, '_>,
        control: &mut Control,
        rtt: &Rtt,
    ) {
        let snapshot = control.on_sent(now, packet.bytes, self.in_flight);
        let mut place = self.flight.tail;
        for _ in 0..packet.chunks {
            if let Some(slot) = self.ring.get_mut(place) {
                slot.snapshot = snapshot;
            }
            place = self.ring.older(place);
        }
        if self.is_per_packet() && !self.must_go_on() {
            self.turns.end_turn(&mut self.streams, &self.messages);
        }
        let runs_dry = packet.is_dry && self.lost.is_empty();
        if runs_dry || self.is_window_shut(now, control) {
            // RFC 9260 §6.1: whoever has to wait for the acknowledgement asks for it.
            if let Some(flags) = packet.writer.written_mut().get_mut(packet.newest_at + 1) {
                *flags |= IMMEDIATE;
            }
        }
        let has_room = self.in_flight + self.config.packet_room as u64 <= control.window();
        if (runs_dry || packet.is_shut) && has_room {
            // What was sent shows how much there was to send, not how much the path takes.
            control.on_app_limited(self.in_flight);
        }
        self.arm_after_sending(now, packet.has_oldest, rtt);
    }

    /// Whether the stream in service has begun a message that no other may interrupt.
    fn must_go_on(&mut self) -> bool {
        if self.interleaving {
            return false;
        }
        let Some(id) = self.turns.next(&mut self.streams, &self.messages) else { return false };
        let head = self.streams.get(id).map_or(NO_MESSAGE, |stream| stream.line.head);
        self.messages.get(head).is_some_and(super::queue::Message::is_begun)
    }

    /// Whether nothing more may leave before an acknowledgement, with little in flight that could bring it.
    fn is_window_shut(&self, now: Instant, control: &Control) -> bool {
        let room = self.config.packet_room as u64;
        if self.in_flight >= FEW_IN_FLIGHT * room {
            return false;
        }
        let fits = room.saturating_sub(self.chunk_header() as u64);
        self.flight_payload + fits > self.peer_window
            || control.budget(now, self.in_flight) == 0
                && control.release(now, self.in_flight).is_none()
    }

    fn wait_for_pacer(&mut self, now: Instant, control: &Control) {
        if let Some(release) = control.release(now, self.in_flight) {
            self.timers.set(Timer::Pacer as usize, release);
        }
    }
}

/// The number at hand; the next time, the one after it.
fn count(next: &mut u32) -> u32 {
    let number = *next;
    *next = next.wrapping_add(1);
    number
}
