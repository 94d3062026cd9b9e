//! What leaves: queues, schedulers, what is outstanding, what was lost.
//!
//! | file | holds |
//! |---|---|
//! | `queue.rs`, `streams.rs` | messages that wait, in one slab threaded by stream |
//! | `scheduler.rs` | whose turn it is |
//! | `ring.rs` | chunks that have numbers, by number, with two lists through them: in flight, to be sent again |
//! | `fill.rs` | a packet's room filled with chunks: the lost first, then new ones |
//! | `sack.rs`, `scoreboard.rs` | acknowledgements, and which places they cover |
//! | `recovery.rs` | what was lost, by time or by count |
//! | `timeout.rs` | timers, and what follows from them |
//! | `partial.rs` | messages that are given up |
//! | `reset.rs` | streams that begin anew |

mod fill;
mod partial;
mod queue;
mod recovery;
mod reset;
mod ring;
mod sack;
mod scheduler;
mod scoreboard;
mod streams;
mod timeout;

use std::collections::VecDeque;

use base::{Instant, TimerTable};
use bytes::Bytes;

pub(crate) use sack::Acknowledged;
pub use scheduler::Scheduler;

use self::{
    partial::Partial,
    queue::{MESSAGE_OVERHEAD, Message, Messages},
    recovery::Recovery,
    ring::{List, Ring},
    scheduler::Turns,
    scoreboard::Scoreboard,
    streams::Streams,
    timeout::Timer,
};
use crate::{Event, Ppid, Reliability, SendError, SendOptions, StreamId, Tsn, wire};

/// How losses are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Detection {
    /// By time: what was sent a reordering window before something that arrived is lost, and the end of a
    /// burst is probed for (RFC 8985 §6, §7, with chunks for segments).
    #[default]
    Rack,
    /// By count: what three acknowledgements passed over is lost (RFC 9260 §7.2.4).
    Misses,
}

/// How a sender is set up.
#[derive(Clone, Debug)]
pub(crate) struct SenderConfig {
    /// Most bytes that wait or are outstanding, overhead included; one message more if nothing waits.
    pub(crate) buffer: usize,
    /// Longest message; 0 for no limit.
    pub(crate) max_message: usize,
    /// How losses are noticed: [`Detection::Misses`] goes with `Algorithm::Rfc9260`.
    pub(crate) detection: Detection,
    /// Bytes of chunks that a full packet holds.
    pub(crate) packet_room: usize,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Chunks sent, repetitions included.
    pub(crate) sent: u64,
    /// Chunks sent again.
    pub(crate) repeated: u64,
    /// Messages given up.
    pub(crate) abandoned: u64,
    /// Times that the retransmission timer fired.
    pub(crate) timeouts: u64,
}

/// A packet that leaves whatever the window says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forced {
    /// The oldest of what is lost, after a timeout (RFC 9260 §6.3.3 E3).
    Timeout,
    /// Something new, or else the newest that is in flight once more (RFC 8985 §7.3).
    Probe,
    /// A chunk into a window that is shut (RFC 9260 §6.1 A).
    Window,
}

/// A probe of the end of a burst that is on its way.
#[derive(Clone, Copy, Debug)]
struct Probe {
    /// The newest place when it left.
    end: u64,
    /// The chunk that was sent again; 0 if new ones were sent.
    repeated: u64,
}

/// Everything that leaves as user data.
#[derive(Debug)]
pub(crate) struct Sender {
    config: SenderConfig,
    outgoing_streams: u16,
    /// Whether messages are interleaved: I-DATA instead of DATA (RFC 8260 §2.2.1).
    interleaving: bool,
    /// Whether the peer knows that messages may be given up (RFC 3758 §3.3).
    abandoning: bool,
    /// Whether no message of any stream may begin (RFC 6525 §5.1.4 C2).
    all_paused: bool,
    streams: Streams,
    messages: Messages,
    turns: Turns,
    arrivals: u64,
    /// Bytes of messages that were not cut.
    queued: usize,
    /// Bytes charged against the buffer.
    held: usize,
    /// Whether a message was refused for want of room since there was some.
    refused: bool,
    ring: Ring,
    flight: List,
    lost: List,
    /// Bytes of chunks in flight, headers and padding included.
    in_flight: u64,
    /// Bytes of messages in flight.
    flight_payload: u64,
    /// What the peer had room for when it last said.
    peer_window: u64,
    /// The most that it ever said.
    largest_window: u64,
    /// Bytes of interleaved messages that were begun and not all of which were cut.
    begun: usize,
    scoreboard: Scoreboard,
    /// Bytes of chunks that are acknowledged by gap blocks only.
    gap_bytes: u64,
    recovery: Recovery,
    /// Room to collect places in.
    missed: Vec<u64>,
    forced: Option<Forced>,
    probe: Option<Probe>,
    /// Whether the copy that a probe sent is what arrived.
    was_repaired: bool,
    /// Probes of a shut window since it was last seen to move.
    window_probes: u32,
    /// Whether an acknowledgement came since the retransmission timer last fired.
    heard_since_timeout: bool,
    partial: Partial,
    timers: TimerTable<{ Timer::COUNT }>,
    counters: Counters,
    events: VecDeque<Event>,
}

impl Sender {
    /// A sender whose first chunk has the number `initial`.
    pub(crate) fn new(config: &SenderConfig, initial: Tsn, outgoing_streams: u16) -> Self {
        Self {
            config: config.clone(),
            outgoing_streams,
            interleaving: false,
            abandoning: false,
            all_paused: false,
            streams: Streams::default(),
            messages: Messages::default(),
            turns: Turns::default(),
            arrivals: 0,
            queued: 0,
            held: 0,
            refused: false,
            ring: Ring::new(initial),
            flight: List::default(),
            lost: List::default(),
            in_flight: 0,
            flight_payload: 0,
            peer_window: 0,
            largest_window: 0,
            begun: 0,
            scoreboard: Scoreboard::default(),
            gap_bytes: 0,
            recovery: Recovery::default(),
            missed: Vec::new(),
            forced: None,
            probe: None,
            was_repaired: false,
            window_probes: 0,
            heard_since_timeout: false,
            partial: Partial::default(),
            timers: TimerTable::default(),
            counters: Counters::default(),
            events: VecDeque::new(),
        }
    }

    /// Messages are interleaved from the first chunk on (RFC 8260 §2.2.1).
    pub(crate) fn interleave(&mut self) {
        self.interleaving = true;
    }

    /// The peer knows FORWARD TSN, or I-FORWARD-TSN where messages are interleaved (RFC 3758 §3.3).
    pub(crate) fn allow_abandoning(&mut self) {
        self.abandoning = true;
    }

    /// What the peer has room for, as its INIT or INIT ACK says (RFC 9260 §6.2.1 A).
    pub(crate) fn set_peer_window(&mut self, bytes: u32) {
        self.peer_window = u64::from(bytes);
        self.largest_window = self.largest_window.max(self.peer_window);
    }

    /// Bytes of chunks that a full packet holds from now on. Chunks that have numbers stay as they are
    /// (RFC 9260 §6.9).
    pub(crate) fn set_packet_room(&mut self, bytes: usize) {
        self.config.packet_room = bytes;
    }

    /// Takes a message, to be sent when it is its turn.
    ///
    /// # Errors
    ///
    /// The message is empty or too long, there is no such stream, or the buffer is full.
    pub(crate) fn enqueue(
        &mut self,
        now: Instant,
        id: StreamId,
        ppid: Ppid,
        payload: Bytes,
        options: &SendOptions,
    ) -> Result<(), SendError> {
        self.admit(id, payload.len(), options.reliability)?;
        let length = payload.len();
        self.arrivals += 1;
        let mut message = Message::new(id, ppid, payload);
        message.unordered = options.unordered;
        message.immediate = options.immediate;
        message.reliability = options.reliability;
        message.arrival = self.arrivals;
        if let Reliability::Lifetime(lifetime) = options.reliability {
            message.deadline = Some(now + lifetime);
        }
        let index = self.messages.insert(message);
        self.queued += length;
        self.held += length + MESSAGE_OVERHEAD;
        let stream = self.streams.entry(id);
        stream.buffered += length;
        stream.paused |= self.all_paused;
        self.messages.append(&mut stream.line, index);
        if !stream.paused {
            self.turns.activate(id, stream, &self.messages);
        }
        if options.reliability != Reliability::Reliable {
            self.watch(index);
        }
        Ok(())
    }

    fn admit(
        &mut self,
        id: StreamId,
        length: usize,
        reliability: Reliability,
    ) -> Result<(), SendError> {
        if length == 0 {
            return Err(SendError::Empty);
        }
        if self.config.max_message != 0 && length > self.config.max_message {
            return Err(SendError::TooLong);
        }
        if id.get() >= self.outgoing_streams {
            return Err(SendError::NoSuchStream);
        }
        let total = self.held + length + MESSAGE_OVERHEAD;
        let excess = total.saturating_sub(self.config.buffer);
        if self.held > 0 && excess > 0 && !self.make_room(excess, reliability) {
            self.refused = true;
            return Err(SendError::QueueFull);
        }
        Ok(())
    }

    /// Wants to know when no more than `bytes` of a stream's messages wait to be sent for the first time.
    pub(crate) fn set_low_threshold(&mut self, id: StreamId, bytes: usize) {
        self.streams.entry(id).low_threshold = bytes;
    }

    /// Sets a stream's weight in fair queueing and its rank among priorities: more is more urgent.
    pub(crate) fn set_priority(&mut self, id: StreamId, priority: u16) {
        self.streams.entry(id).priority = priority;
        self.turns.reorder(&self.streams, &self.messages);
    }

    /// Chooses whose turn it is by other rules.
    pub(crate) fn set_scheduler(&mut self, scheduler: Scheduler) {
        self.turns.set_scheduler(scheduler, &self.streams, &self.messages);
    }

    /// What happened that the application should know.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether [`Sender::poll_event`] has one.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When [`Sender::handle_timeout`] is to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// How many streams there are to send on.
    pub(crate) fn outgoing_streams(&self) -> u16 {
        self.outgoing_streams
    }

    /// Bytes of a stream's messages that wait to be sent for the first time.
    pub(crate) fn buffered(&self, id: StreamId) -> usize {
        self.streams.get(id).map_or(0, |stream| stream.buffered)
    }

    /// The same of all streams.
    pub(crate) fn total_buffered(&self) -> usize {
        self.queued
    }

    /// Chunks that have numbers and are not acknowledged up to.
    pub(crate) fn outstanding(&self) -> usize {
        self.ring.len()
    }

    /// Bytes of chunks in flight; what is held to be lost is not.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Whether nothing waits and nothing is outstanding.
    pub(crate) fn is_idle(&self) -> bool {
        self.queued == 0 && self.ring.is_empty()
    }

    /// The number that the next new chunk gets.
    pub(crate) fn next_tsn(&self) -> Tsn {
        self.ring.tsn(self.ring.next())
    }

    /// Whether the chunk with this number was sent more than once, as far as it is still outstanding.
    pub(crate) fn was_repeated(&self, tsn: Tsn) -> bool {
        let slot = self.ring.place(tsn).and_then(|place| self.ring.get(place));
        slot.is_some_and(|slot| slot.transmissions > 1)
    }

    /// The newest number up to which the peer acknowledged everything.
    pub(crate) fn cumulative_tsn(&self) -> Tsn {
        self.ring.tsn(self.ring.base() - 1)
    }

    /// What the peer had room for when it last said.
    pub(crate) fn peer_window(&self) -> u64 {
        self.peer_window
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Bytes of a chunk before its payload.
    const fn chunk_header(&self) -> usize {
        if self.interleaving { wire::IData::HEADER } else { wire::Data::HEADER }
    }

    /// Bytes of a chunk in a packet, padding included.
    const fn chunk_size(&self, payload: usize) -> usize {
        (self.chunk_header() + payload).next_multiple_of(4)
    }

    /// `bytes` of the buffer are free again.
    fn release(&mut self, bytes: usize) {
        self.held -= bytes;
        if self.refused && self.held <= self.config.buffer / 2 {
            self.refused = false;
            self.events.push_back(Event::Writable);
        }
    }
}

#[cfg(test)]
mod tests;
