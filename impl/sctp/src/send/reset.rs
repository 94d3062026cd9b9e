//! Streams, and the association, that begin anew: RFC 6525 §5.1, RFC 9260 §5.2.4.

use base::TimerTable;

use super::{
    Sender,
    partial::Partial,
    queue::Message,
    recovery::Recovery,
    ring::{List, Ring},
    scoreboard::Scoreboard,
    streams::Stream,
};
use crate::{Event, StreamId, Tsn};

impl Sender {
    /// No message of the stream begins any more (RFC 6525 §5.1.2 A1); one that was begun is finished, and
    /// what is enqueued waits.
    pub(crate) fn pause(&mut self, id: StreamId) {
        self.streams.entry(id).paused = true;
    }

    /// The stream goes on.
    pub(crate) fn resume(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.paused = false;
        if !stream.line.is_empty() {
            self.turns.activate(id, stream, &self.messages);
        }
    }

    /// No message of any stream begins any more, as [`Sender::pause`] has it for one.
    pub(crate) fn pause_all(&mut self) {
        self.all_paused = true;
        self.streams.iter_mut().for_each(|(_, stream)| stream.paused = true);
    }

    /// All streams go on.
    pub(crate) fn resume_all(&mut self) {
        self.all_paused = false;
        for id in self.used_streams() {
            self.resume(id);
        }
    }

    /// Whether a message of the stream was begun and not all of it has numbers: a request to begin the
    /// stream anew has to wait for the rest.
    pub(crate) fn has_begun(&self, id: StreamId) -> bool {
        let head = self.streams.get(id).map(|stream| stream.line.head);
        head.and_then(|head| self.messages.get(head)).is_some_and(Message::is_begun)
    }

    /// The peer agreed: the stream's messages number from 0, and it goes on (RFC 6525 §5.2.2 E4,
    /// RFC 8260 §2.3.2).
    pub(crate) fn reset(&mut self, id: StreamId) {
        let forgets_unordered = base::mutant::active("sctp-reset-keeps-interleaved-numbers");
        let forgets = base::mutant::active("sctp-reset-goes-on-counting");
        if let Some(stream) = self.streams.get_mut(id).filter(|_| !forgets) {
            stream.next_ordered = 0;
            stream.next_unordered = if forgets_unordered { stream.next_unordered } else { 0 };
        }
        self.resume(id);
    }

    /// Streams that were ever used, in order.
    pub(crate) fn used_streams(&mut self) -> Vec<StreamId> {
        self.streams.iter_mut().map(|(id, _)| id).collect()
    }

    /// How many streams there are to send on: as many as the peer takes. What waits on others is given up
    /// (RFC 9260 §5.1.1).
    pub(crate) fn set_outgoing_streams(&mut self, count: u16) {
        self.outgoing_streams = count;
        let mut beyond = Vec::new();
        for (_, stream) in self.streams.iter_mut().filter(|(id, _)| id.get() >= count) {
            let mut index = stream.line.head;
            while let Some(message) = self.messages.get(index) {
                if !message.is_begun() {
                    beyond.push(index);
                }
                index = self.messages.after(index);
            }
        }
        for index in beyond {
            self.give_up(index);
        }
    }

    /// Everything begins anew, with `initial` as the number of the first chunk. What is outstanding is
    /// given up; what waits begins again from its first byte where nothing of it was sent, and is given up
    /// where something was (RFC 6525 §5.2.4).
    pub(crate) fn reset_all(&mut self, initial: Tsn) {
        self.drop_outstanding();
        self.partial.forget_told();
        for (_, stream) in self.streams.iter_mut() {
            (stream.next_ordered, stream.next_unordered) = (0, 0);
        }
        self.ring = Ring::new(initial);
    }

    /// The association began anew on the peer's side: nothing of what was before is left
    /// (RFC 9260 §5.2.4). What the application asked for as to thresholds and priorities stays.
    pub(crate) fn restart(&mut self, initial: Tsn) {
        self.reset_all(initial);
        self.messages = super::Messages::default();
        self.partial = Partial::default();
        self.turns.clear();
        for (_, stream) in self.streams.iter_mut() {
            let Stream { low_threshold, priority, .. } = *stream;
            *stream = Stream { low_threshold, priority, ..Stream::default() };
        }
        self.all_paused = false;
        (self.queued, self.held, self.begun) = (0, 0, 0);
        self.largest_window = 0;
        self.interleaving = false;
        self.abandoning = false;
        self.timers = TimerTable::default();
        if std::mem::take(&mut self.refused) {
            self.events.push_back(Event::Writable);
        }
    }

    fn drop_outstanding(&mut self) {
        let heads: Vec<_> = self.streams.iter_mut().map(|(_, stream)| stream.line.head).collect();
        for head in heads {
            self.drop_begun(head);
        }
        while let Some(slot) = self.ring.pop() {
            let index = slot.message;
            self.release(slot.payload.len());
            self.done_with_chunk(index);
        }
        (self.flight, self.lost) = (List::default(), List::default());
        (self.in_flight, self.flight_payload, self.gap_bytes) = (0, 0, 0);
        self.scoreboard = Scoreboard::default();
        self.recovery = Recovery::default();
        (self.forced, self.probe, self.window_probes) = (None, None, 0);
    }

    /// A message that was begun and not all of which has numbers cannot be finished under new ones.
    fn drop_begun(&mut self, index: u32) {
        let Some(message) = self.messages.get(index) else { return };
        if !message.is_begun() {
            return;
        }
        let (stream, ppid) = (message.stream, message.ppid);
        self.counters.abandoned += 1;
        self.events.push_back(Event::Abandoned { stream, ppid, sent: true });
        self.drop_rest(index);
        if self.messages.get(index).is_some_and(Message::is_reliable) {
            self.messages.remove(index);
        }
    }
}
