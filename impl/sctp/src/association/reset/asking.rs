//! This end asks: RFC 6525 §5.1, §5.2.7.

use std::{collections::VecDeque, time::Duration};

use base::{Instant, Writer};

use super::{
    Refusal, Rooms,
    asked::{Asked, Demand},
    request::{Change, Request},
    wishes::Wishes,
};
use crate::{
    DropReason, Event, RequestNumber, StreamId, Tsn,
    send::Sender,
    wire::{
        CHUNK_HEADER, HEADER_LENGTH, OutgoingReset, Parameter, Parameters, Reconfig,
        ReconfigResponse, ReconfigResult,
    },
};

/// RFC 6525 §5.1.4: no two resets of the whole association within a maximum segment lifetime, so that no
/// number comes back while a packet may still carry it.
const ASSOCIATION_RESET_PAUSE: Duration = Duration::from_secs(30);

/// What this end asks of the peer.
#[derive(Debug)]
pub(super) struct Asking {
    next: RequestNumber,
    pub(super) wishes: Wishes,
    request: Option<Request>,
    /// A request that the peer is at, and that steps back for one that the peer waits for: else two ends
    /// that ask each other to begin anew at once would wait for each other.
    shelved: Option<Request>,
    longest_timeout: Duration,
    /// When the whole association may be reset again.
    next_association_reset: Instant,
}

impl Asking {
    pub(super) fn new(local_tsn: Tsn, longest_timeout: Duration) -> Self {
        Self {
            next: RequestNumber::new(local_tsn.get()),
            wishes: Wishes::default(),
            request: None,
            shelved: None,
            longest_timeout,
            next_association_reset: Instant::ZERO,
        }
    }

    /// Wants streams of ours to begin anew, all of them if none is named. Those that are about to already
    /// are left out.
    pub(super) fn want_reset(&mut self, streams: &[StreamId]) {
        let fresh: Vec<_> =
            streams.iter().copied().filter(|&stream| !self.is_resetting(stream)).collect();
        if streams.is_empty() || !fresh.is_empty() {
            self.wishes.outgoing.add(&fresh);
        }
    }

    /// Wants both directions to begin anew. Nothing new gets a number from now on.
    pub(super) fn want_association_reset(&mut self, sender: &mut Sender) {
        self.wishes.association = Some(self.next_association_reset);
        sender.pause_all();
    }

    /// Makes the next request, if none is under way and one may leave.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        most: usize,
        asked: &mut Asked,
        sender: &mut Sender,
    ) {
        if self.request.as_ref().is_some_and(|request| !request.can_step_back()) {
            return;
        }
        let room = most.saturating_sub(HEADER_LENGTH + CHUNK_HEADER + OutgoingReset::HEADER);
        // RFC 6525 §5.1.2 A4: beside an answer, what is asked has to fit as well.
        let streams = (room.saturating_sub(ReconfigResponse::MAX_LENGTH) / 2).max(1);
        let mut change = Self::obey(asked, sender);
        if change.is_some() {
            self.shelved = self.request.take().or_else(|| self.shelved.take());
        } else if self.request.is_none() {
            self.request = self.shelved.take().map(Request::repeated);
        }
        if change.is_none() && self.request.is_none() {
            change = self.grant(now, streams, asked, sender);
        }
        if let Some(change) = change {
            self.request = Some(Request::new(self.next, change));
            self.next = self.next.next();
        }
    }

    /// What the peer wants asked of it.
    fn obey(asked: &mut Asked, sender: &mut Sender) -> Option<Change> {
        let is_ready = match asked.demand()? {
            (_, Demand::Add { .. }) => true,
            (_, Demand::Reset { streams }) if streams.is_empty() => {
                sender.pause_all();
                !sender.used_streams().iter().any(|&stream| sender.has_begun(stream))
            }
            (_, Demand::Reset { streams }) => {
                streams.iter().for_each(|&stream| sender.pause(stream));
                !streams.iter().any(|&stream| sender.has_begun(stream))
            }
        };
        if !is_ready {
            return None;
        }
        let last_tsn = last_assigned(sender);
        let (number, demand) = asked.take_demand()?;
        Some(match demand {
            Demand::Add { count } => Change::AddOutgoing { count, demand: Some(number) },
            Demand::Reset { streams } => {
                Change::Outgoing { streams, last_tsn, answers: number, demand: Some(number) }
            }
        })
    }

    /// What the application wants.
    fn grant(
        &mut self,
        now: Instant,
        most: usize,
        asked: &Asked,
        sender: &mut Sender,
    ) -> Option<Change> {
        let wishes = &mut self.wishes;
        if let Some(streams) = wishes.take_outgoing(most, sender) {
            if streams.is_empty() {
                sender.pause_all();
            }
            streams.iter().for_each(|&stream| sender.pause(stream));
            let (last_tsn, answers) = (last_assigned(sender), asked.last());
            return Some(Change::Outgoing { streams, last_tsn, answers, demand: None });
        }
        if wishes.add_outgoing > 0 {
            let count = std::mem::take(&mut wishes.add_outgoing);
            return Some(Change::AddOutgoing { count, demand: None });
        }
        if let Some(streams) = wishes.take_incoming(most) {
            return Some(Change::Incoming { streams });
        }
        if wishes.add_incoming > 0 {
            let count = std::mem::take(&mut wishes.add_incoming);
            return Some(Change::AddIncoming { count });
        }
        // RFC 6525 §5.1.4 C2: nothing may be outstanding.
        let is_ready = wishes.association.is_some_and(|at| at <= now)
            && sender.outstanding() == 0
            && !sender.used_streams().iter().any(|&stream| sender.has_begun(stream));
        if !is_ready {
            return None;
        }
        wishes.association = None;
        self.next_association_reset = now + ASSOCIATION_RESET_PAUSE;
        Some(Change::Association)
    }

    /// The request left.
    pub(super) fn on_sent(&mut self, now: Instant, rto: Duration) {
        let Some(request) = &mut self.request else { return };
        request.is_due = false;
        // RFC 6525 §5.1.1: the retransmission timeout, doubled each time.
        let factor = 1_u32.checked_shl(request.doublings).unwrap_or(u32::MAX);
        let timeout = rto.saturating_mul(factor).min(self.longest_timeout.max(rto));
        request.deadline = Some(now + timeout);
    }

    /// Says whether the peer left the request unanswered.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        let Some(request) = &mut self.request else {
            let due = self.wishes.association.as_mut().filter(|at| **at <= now);
            if let Some(at) = due {
                *at = Instant::ZERO;
            }
            return false;
        };
        if request.deadline.is_none_or(|deadline| deadline > now) {
            return false;
        }
        request.deadline = None;
        request.is_due = !base::mutant::active("sctp-reset-asked-once");
        if !request.is_in_progress {
            request.doublings = request.doublings.saturating_add(1);
        }
        // RFC 6525 §5.2.7 H2.
        !request.is_in_progress
    }

    /// An answer came: says which request of the peer's it settles as well, and how.
    pub(super) fn take_response(
        &mut self,
        now: Instant,
        response: &ReconfigResponse,
        rooms: &mut Rooms<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<Option<(RequestNumber, ReconfigResult)>, Refusal> {
        // RFC 6525 §5.2.7 H1: what is not being waited for is of no interest.
        let awaited = |request: &Request| {
            request.number == response.number
                && (request.deadline.is_some() || request.is_in_progress)
        };
        let request = self.request.take_if(|request| awaited(request));
        let is_shelved = request.is_none();
        let request = request.or_else(|| self.shelved.take_if(|request| awaited(request)));
        let Some(mut request) = request else { return Err(DropReason::StrayReconfig.into()) };
        if response.result == ReconfigResult::IN_PROGRESS {
            request.is_in_progress = true;
            request.doublings = 0;
            request.deadline.get_or_insert(now);
            *(if is_shelved { &mut self.shelved } else { &mut self.request }) = Some(request);
            return Ok(None);
        }
        let is_done =
            matches!(response.result, ReconfigResult::PERFORMED | ReconfigResult::NOTHING_TO_DO);
        let demand = request.change.demand();
        if is_done {
            finish(request.change, response, rooms, events)?;
        } else {
            give_up(request.change, rooms.sender, events);
        }
        Ok(demand.map(|number| (number, response.result)))
    }

    /// The peer's own request answers ours to begin its streams anew.
    pub(super) fn settle_incoming_reset(&mut self, number: RequestNumber) -> bool {
        let is_it = |request: &mut Request| {
            request.number == number && matches!(request.change, Change::Incoming { .. })
        };
        self.request.take_if(is_it).or_else(|| self.shelved.take_if(is_it)).is_some()
    }

    /// The peer's own request answers ours to have more streams.
    pub(super) fn settle_add_incoming(&mut self, added: u16) {
        let is_it = |request: &mut Request| matches!(request.change, Change::AddIncoming { count } if count == added);
        if self.request.take_if(is_it).is_none() {
            self.shelved.take_if(is_it);
        }
    }

    /// Whether the peer's request `number` made us ask for what is under way; then it leaves once more.
    pub(super) fn repeats(&mut self, number: RequestNumber) -> bool {
        let Some(request) = &mut self.request else { return false };
        let is_it = request.change.demand() == Some(number);
        request.is_due |= is_it;
        is_it
    }

    /// Whether all of `streams`, none meaning all, are being reset already (RFC 6525 §5.2.3).
    pub(super) fn covers(&self, wanted: &[StreamId]) -> bool {
        match self.request.as_ref().map(|request| &request.change) {
            Some(Change::Outgoing { streams, .. }) => {
                streams.is_empty()
                    || !wanted.is_empty() && wanted.iter().all(|stream| streams.contains(stream))
            }
            _ => false,
        }
    }

    pub(super) fn stop(&mut self) {
        self.wishes = Wishes::default();
        (self.request, self.shelved) = (None, None);
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let Some(parameter) = self.parameter() else { return };
        Reconfig { parameters: Parameters::from(std::slice::from_ref(&parameter)) }.write(writer);
    }

    pub(super) fn parameter(&self) -> Option<Parameter<'_>> {
        self.request.as_ref().map(Request::parameter)
    }

    pub(super) fn is_due(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.is_due)
    }

    /// Whether a request to reset outgoing streams is to leave.
    pub(super) fn is_reset_due(&self) -> bool {
        let request = self.request.as_ref().filter(|request| request.is_due);
        request.is_some_and(|request| matches!(request.change, Change::Outgoing { .. }))
    }

    /// Whether a request is under way.
    pub(super) const fn is_under_way(&self) -> bool {
        self.request.is_some()
    }

    pub(super) fn has_work(&self) -> bool {
        match &self.request {
            Some(request) => request.is_due,
            None => self.shelved.is_some() || !self.wishes.is_empty(),
        }
    }

    pub(super) fn is_resetting(&self, stream: StreamId) -> bool {
        if self.wishes.outgoing.contains(stream) {
            return true;
        }
        match self.request.as_ref().map(|request| &request.change) {
            Some(Change::Outgoing { streams, demand: None, .. }) => {
                streams.is_empty() || streams.binary_search(&stream).is_ok()
            }
            _ => false,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.request {
            Some(request) => request.deadline,
            None => self.wishes.association.filter(|&at| at > Instant::ZERO),
        }
    }
}

/// The newest number that was given to a chunk.
fn last_assigned(sender: &Sender) -> Tsn {
    sender.next_tsn().add(u32::MAX)
}

/// The peer did it (RFC 6525 §5.2.7 H4, H5, H6).
fn finish(
    change: Change,
    response: &ReconfigResponse,
    rooms: &mut Rooms<'_>,
    events: &mut VecDeque<Event>,
) -> Result<(), Refusal> {
    match change {
        Change::Outgoing { streams, .. } => {
            if streams.is_empty() {
                rooms.sender.used_streams().iter().for_each(|&stream| rooms.sender.reset(stream));
                rooms.sender.resume_all();
            }
            streams.iter().for_each(|&stream| rooms.sender.reset(stream));
            events.push_back(Event::ResetDone { outgoing: streams });
        }
        Change::Association => {
            rooms.sender.resume_all();
            // Without numbers there is nothing to begin with: as if it had refused.
            let Some(next) = response.next else {
                events.push_back(Event::RequestDenied);
                return Err(DropReason::MalformedChunk.into());
            };
            rooms.sender.reset_all(next.receiver);
            rooms.receiver.restart_at(next.sender);
            events.push_back(Event::AssociationReset);
        }
        Change::AddOutgoing { count, .. } => {
            let streams = rooms.sender.outgoing_streams().saturating_add(count);
            rooms.sender.set_outgoing_streams(streams);
            events.push_back(Event::StreamsAdded { outgoing: count, incoming: 0 });
        }
        // What the peer does next is what we asked for.
        Change::Incoming { .. } | Change::AddIncoming { .. } => {}
    }
    Ok(())
}

/// The peer did not do it (RFC 6525 §5.2.7 H3).
fn give_up(change: Change, sender: &mut Sender, events: &mut VecDeque<Event>) {
    match change {
        Change::Outgoing { streams, .. } => {
            if streams.is_empty() {
                sender.resume_all();
            }
            streams.iter().for_each(|&stream| sender.resume(stream));
            events.push_back(Event::ResetDenied { outgoing: streams });
        }
        Change::Association => {
            sender.resume_all();
            events.push_back(Event::RequestDenied);
        }
        Change::AddOutgoing { .. } | Change::Incoming { .. } | Change::AddIncoming { .. } => {
            events.push_back(Event::RequestDenied);
        }
    }
}
