//! What arrives: which numbers, whole messages, their order, and the acknowledgements that say so.
//!
//! | file | holds |
//! |---|---|
//! | `tsns.rs` | which transmission sequence numbers arrived |
//! | `intake.rs` | whether a chunk is taken, and where it goes |
//! | `run.rs`, `fragments.rs` | fragments in a row, and those that wait for others |
//! | `sequence.rs`, `interleaved.rs` | messages put together from DATA and from I-DATA |
//! | `order.rs` | the turn of each message on its stream |
//! | `deferred.rs` | what came ahead of a stream's reset |
//! | `ledger.rs`, `window.rs` | what is held, and how much more may come |
//! | `acknowledge.rs` | when an acknowledgement leaves |
//!
//! Nothing that was acknowledged is ever dropped to make room (RFC 9260 §6.2 allows it and advises against
//! it): what may come is bounded before it is taken.

mod acknowledge;
mod deferred;
mod fragments;
mod intake;
mod interleaved;
mod ledger;
#[cfg(test)]
mod model;
mod order;
mod run;
mod sequence;
#[cfg(test)]
mod tests;
mod tsns;
mod window;

use std::{collections::VecDeque, time::Duration};

use base::{Instant, Writer};

use self::{
    acknowledge::Acknowledge,
    deferred::Deferred,
    interleaved::Interleaved,
    ledger::Ledger,
    order::{Order, Width},
    run::{Fragment, Title},
    sequence::Sequence,
    tsns::Tsns,
    window::Window,
};
use crate::{
    Message, Misdeed, Ppid, StreamId, Tsn,
    stats::Drops,
    wire::{Data, DataFlags, ForwardTsn, GapBlock, IData, IForwardTsn, List, Sack},
};

/// How a receiver is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiverConfig {
    /// What the window may grow to, in bytes.
    pub(crate) max_window: u32,
    /// Longest message, in bytes; 0 for no limit but the window.
    pub(crate) max_message: usize,
    /// Streams that the peer may use.
    pub(crate) streams: u16,
    /// Longest wait of an acknowledgement.
    pub(crate) acknowledgement_delay: Duration,
}

impl ReceiverConfig {
    /// The window that the peer is told when the association is set up.
    pub(crate) fn initial_window(&self) -> u32 {
        u32::try_from(Window::new(self.max_window()).limit()).unwrap_or(u32::MAX)
    }

    fn max_window(&self) -> usize {
        usize::try_from(self.max_window).unwrap_or(usize::MAX)
    }
}

/// One direction's user data, as it arrives.
#[derive(Debug)]
pub(crate) struct Receiver {
    now: Instant,
    streams: u16,
    /// Most bytes of a message.
    longest: usize,
    interleaving: bool,
    tsns: Tsns,
    sequence: Sequence,
    interleaved: Interleaved,
    order: Order,
    deferred: Option<Deferred>,
    ready: VecDeque<Message>,
    /// What is held, messages that were read since the last input included: polls decide nothing.
    ledger: Ledger,
    /// Messages that were handed over and not read yet.
    taken: Ledger,
    /// Messages that were read since the last input.
    read: Ledger,
    /// Whether they are worth an update of the window.
    is_update_due: bool,
    window: Window,
    acknowledge: Acknowledge,
    invalid_stream: Option<StreamId>,
    /// Where the blocks of an acknowledgement are put together.
    blocks: Vec<GapBlock>,
    chunks: u64,
    messages: u64,
    drops: Drops,
}

impl Receiver {
    /// Nothing arrived; `initial` will be the first number. `interleaving` says that I-DATA was agreed on.
    pub(crate) fn new(config: &ReceiverConfig, initial: Tsn, interleaving: bool) -> Self {
        let window = config.max_window();
        let longest = if config.max_message == 0 { window } else { config.max_message };
        Self {
            now: Instant::ZERO,
            streams: config.streams,
            longest,
            interleaving,
            tsns: Tsns::new(initial),
            sequence: Sequence::new(longest),
            interleaved: Interleaved::new(longest),
            order: Order::new(if interleaving { Width::Mid } else { Width::Ssn }),
            deferred: None,
            ready: VecDeque::new(),
            ledger: Ledger::default(),
            taken: Ledger::default(),
            read: Ledger::default(),
            is_update_due: false,
            window: Window::new(window),
            acknowledge: Acknowledge::new(config.acknowledgement_delay),
            invalid_stream: None,
            blocks: Vec::new(),
            chunks: 0,
            messages: 0,
            drops: Drops::default(),
        }
    }

    // Told.

    /// A DATA chunk arrived.
    ///
    /// # Errors
    ///
    /// The misdeed that it is.
    pub(crate) fn handle_data(&mut self, now: Instant, data: &Data<'_>) -> Result<(), Misdeed> {
        if self.interleaving && !base::mutant::active("sctp-data-among-i-data") {
            return Err(Misdeed::DataWithInterleaving);
        }
        // RFC 9260 §6.6: the number of an unordered message says nothing.
        let number = if data.flags.unordered { 0 } else { u32::from(data.ssn.get()) };
        let title = Title { stream: data.stream, unordered: data.flags.unordered, number };
        self.take(now, data.tsn, 0, &fragment(title, data.flags, data.ppid, data.payload))?;
        self.note_immediate(data.flags);
        Ok(())
    }

    /// An I-DATA chunk arrived.
    ///
    /// # Errors
    ///
    /// The misdeed that it is.
    pub(crate) fn handle_i_data(&mut self, now: Instant, data: &IData<'_>) -> Result<(), Misdeed> {
        if !self.interleaving {
            return Err(Misdeed::IDataWithoutInterleaving);
        }
        let (unordered, number) = (data.flags.unordered, data.mid.get());
        let title = Title { stream: data.stream, unordered, number };
        let ppid = data.ppid().unwrap_or_default();
        let index = u64::from(data.fsn().get());
        self.take(now, data.tsn, index, &fragment(title, data.flags, ppid, data.payload))?;
        self.note_immediate(data.flags);
        Ok(())
    }

    /// A FORWARD TSN chunk arrived, which was agreed on: RFC 3758 §3.6.
    ///
    /// # Errors
    ///
    /// The misdeed that it is.
    pub(crate) fn handle_forward_tsn(
        &mut self,
        now: Instant,
        skip: &ForwardTsn<'_>,
    ) -> Result<(), Misdeed> {
        if self.interleaving && !base::mutant::active("sctp-forward-tsn-among-i-data") {
            return Err(Misdeed::WrongForwardTsn);
        }
        self.hear(now);
        let place = self.tsns.place(skip.new_cumulative);
        if !self.skip_to(place) && !base::mutant::active("sctp-forward-tsn-old-obeyed") {
            return Ok(());
        }
        if !base::mutant::active("sctp-forward-tsn-keeps-fragments") {
            self.sequence.skip_to(place, &mut self.ledger);
        }
        if base::mutant::active("sctp-forward-tsn-holds-back") {
            return Ok(());
        }
        for skipped in skip.skipped.iter().filter(|skipped| skipped.stream.get() < self.streams) {
            self.order.skip_to(skipped.stream, u32::from(skipped.ssn.get()), &mut self.ready);
        }
        self.sequence.settle(self.tsns.cumulative(), &mut self.ledger)
    }

    /// An I-FORWARD-TSN chunk arrived, which was agreed on: RFC 8260 §2.3.1.
    ///
    /// # Errors
    ///
    /// The misdeed that it is.
    pub(crate) fn handle_i_forward_tsn(
        &mut self,
        now: Instant,
        skip: &IForwardTsn<'_>,
    ) -> Result<(), Misdeed> {
        if !self.interleaving {
            return Err(Misdeed::WrongForwardTsn);
        }
        self.hear(now);
        if !self.skip_to(self.tsns.place(skip.new_cumulative)) {
            return Ok(());
        }
        for skipped in skip.skipped.iter().filter(|skipped| skipped.stream.get() < self.streams) {
            let number = skipped.mid.get();
            let title = Title { stream: skipped.stream, unordered: skipped.unordered, number };
            if !title.unordered {
                self.order.skip_to(title.stream, number, &mut self.ready);
            }
            let order = &self.order;
            let is_past = |number| order.is_past(title.stream, number);
            self.interleaved.skip_to(title, &mut self.ledger, is_past);
        }
        Ok(())
    }

    /// A packet ends: decides on its acknowledgement.
    pub(crate) fn end_of_packet(&mut self, now: Instant) {
        self.hear(now);
        self.window.on_packet(self.now);
        // What is held and cannot be read before more arrives must not close the window for good.
        if self.window.is_tight(self.ledger.cost()) && self.unread() == 0 && self.window.widen() {
            self.acknowledge.demand();
        }
        self.acknowledge.on_packet(self.now, self.tsns.has_gap());
        self.update_window();
    }

    /// Time passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.hear(now);
        self.update_window();
        self.acknowledge.on_timeout(self.now);
    }

    /// Wants an acknowledgement to leave at once (RFC 6525 §5.2.1).
    pub(crate) const fn demand_sack(&mut self) {
        self.acknowledge.demand();
    }

    /// The round trip takes `rtt`: the window grows by what arrives in it.
    pub(crate) const fn set_rtt(&mut self, rtt: Duration) {
        self.window.set_rtt(rtt);
    }

    /// The peer may use so many streams from now on (RFC 6525 §5.2.5).
    pub(crate) const fn set_streams(&mut self, streams: u16) {
        self.streams = streams;
    }

    /// Streams that the peer may use.
    pub(crate) const fn streams(&self) -> u16 {
        self.streams
    }

    /// The peer will reset `streams`, all of them where none is named, once all up to `last` has arrived:
    /// what comes for them beyond it waits for [`Receiver::reset_streams`] (RFC 6525 §5.2.2).
    pub(crate) fn defer_reset(&mut self, streams: &[StreamId], last: Tsn) {
        if self.deferred.is_none() {
            self.deferred = Some(Deferred::new(streams, self.tsns.place(last)));
        }
    }

    /// The messages of `streams`, of all streams where none is named, are numbered from 0 again (RFC 6525
    /// §5.2.2, RFC 8260 §2.3.2).
    ///
    /// # Errors
    ///
    /// A misdeed among the chunks that waited for this.
    pub(crate) fn reset_streams(&mut self, streams: &[StreamId]) -> Result<(), Misdeed> {
        if streams.is_empty() || base::mutant::active("sctp-reset-of-one-is-of-all") {
            self.order.reset_all(&mut self.ready);
            self.interleaved.clear(&mut self.ledger);
        }
        for &stream in streams {
            self.order.reset(stream, &mut self.ready);
            self.interleaved.reset(stream, &mut self.ledger);
        }
        let Some(deferred) = self.deferred.take() else {
            return Ok(());
        };
        for (place, held) in deferred.release(&mut self.ledger) {
            self.put_together(place, false, held.index, &held.fragment())?;
        }
        self.sequence.settle(self.tsns.cumulative(), &mut self.ledger)
    }

    /// The peer begins again with the number `next`, and all streams with number 0: RFC 6525 §5.2.4. What is
    /// whole is delivered, what is not is dropped.
    pub(crate) fn restart_at(&mut self, next: Tsn) {
        self.sequence.clear(&mut self.ledger);
        self.interleaved.clear(&mut self.ledger);
        self.order.reset_all(&mut self.ready);
        if let Some(deferred) = self.deferred.take() {
            drop(deferred.release(&mut self.ledger));
        }
        self.tsns = Tsns::new(next);
    }

    /// Appends an acknowledgement of at most `room` bytes; false if not even the shortest fits. The lowest
    /// blocks come first, the highest are left out (RFC 9260 §6.7).
    pub(crate) fn write_sack(&mut self, room: usize, writer: &mut Writer<'_>) -> bool {
        let Some(room) = room.checked_sub(Sack::HEADER) else {
            return false;
        };
        let entries = room / Sack::ENTRY;
        self.blocks.clear();
        self.blocks.extend(self.tsns.blocks().take(entries));
        let duplicates = self.tsns.duplicates();
        let told = duplicates.len().min(entries - self.blocks.len());
        let offer = self.window.offer(self.ledger.cost());
        Sack {
            cumulative: self.tsns.cumulative_tsn(),
            a_rwnd: u32::try_from(offer).unwrap_or(u32::MAX),
            gaps: List::from(self.blocks.as_slice()),
            duplicates: List::from(duplicates.get(..told).unwrap_or_default()),
        }
        .write(writer);
        self.tsns.forget_duplicates();
        self.window.on_offer(offer);
        self.acknowledge.on_written();
        true
    }

    // Asked.

    /// The next message that is whole and has its turn, as read by the application: [`Receiver::release`]
    /// at once.
    pub(crate) fn poll_message(&mut self) -> Option<Message> {
        let message = self.take_message()?;
        self.release(message.payload.len());
        Some(message)
    }

    /// The next message that is whole and has its turn, still counted as held.
    pub(crate) fn take_message(&mut self) -> Option<Message> {
        let message = self.ready.pop_front()?;
        self.taken.add_piece(message.payload.len());
        Some(message)
    }

    /// The application has read a message of `length` bytes that was taken.
    ///
    /// What it occupied is free from the next input on, so that what is said does not depend on when the
    /// application reads; where that is worth telling the peer, the deadline is at once.
    pub(crate) const fn release(&mut self, length: usize) {
        if self.taken.pieces() == 0 || self.taken.bytes() < length {
            return;
        }
        self.taken.remove(1, length);
        self.read.add_piece(length);
        let cost = self.ledger.cost() - self.read.cost();
        self.is_update_due = self.window.is_update_due(cost);
    }

    /// The stream that does not exist, of a chunk that came for one: the peer is to be told (RFC 9260 §6.5).
    pub(crate) const fn take_invalid_stream(&mut self) -> Option<StreamId> {
        self.invalid_stream.take()
    }

    /// Whether an acknowledgement should leave now.
    pub(crate) const fn sack_due(&self) -> bool {
        self.acknowledge.is_due()
    }

    /// Whether something was not acknowledged yet: what leaves anyhow may take it along.
    pub(crate) const fn sack_pending(&self) -> bool {
        self.acknowledge.is_pending()
    }

    /// When [`Receiver::handle_timeout`] is due.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        if self.is_update_due { Some(self.now) } else { self.acknowledge.deadline() }
    }

    /// The last number before the first that did not arrive.
    pub(crate) fn cumulative_tsn(&self) -> Tsn {
        self.tsns.cumulative_tsn()
    }

    /// Whether all up to `tsn` arrived or was given up.
    pub(crate) fn has_all_up_to(&self, tsn: Tsn) -> bool {
        self.tsns.place(tsn) <= self.tsns.cumulative()
    }

    /// Whether some number is missing: then a SHUTDOWN chunk does not say all (RFC 9260 §6.2).
    pub(crate) fn has_gap(&self) -> bool {
        self.tsns.has_gap()
    }

    /// Chunks of user data that were taken, and messages that were read.
    pub(crate) const fn counts(&self) -> (u64, u64) {
        (self.chunks, self.messages)
    }

    /// What was dropped.
    pub(crate) const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// What all that is held costs, and what it may cost at present, in bytes.
    pub(crate) const fn held(&self) -> (usize, usize) {
        (self.ledger.cost() - self.read.cost(), self.window.limit())
    }
}

const fn fragment(title: Title, flags: DataFlags, ppid: Ppid, payload: &[u8]) -> Fragment<'_> {
    Fragment { title, begins: flags.beginning, ends: flags.ending, ppid, payload }
}
