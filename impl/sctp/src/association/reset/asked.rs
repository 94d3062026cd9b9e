//! The peer asks: RFC 6525 §5.2.

use std::collections::VecDeque;

use base::Writer;

use super::{Limits, Refusal, Rooms, asking::Asking};
use crate::{
    DropReason, Event, Misdeed, RequestNumber, StreamId, Tsn,
    receive::Receiver,
    send::Sender,
    wire::{
        AddStreams, AssociationReset, IncomingReset, NextTsns, OutgoingReset, Parameter,
        Parameters, Reconfig, ReconfigResponse, ReconfigResult,
    },
};

/// Answers that wait to be sent at most. Two requests may come in one chunk; who sends more before these
/// have left asks again later, and is answered from memory.
const MAX_DUE: usize = 4;
/// Answers that are remembered: as many as there may be requests in the last chunk of the peer's.
const MAX_REMEMBERED: usize = 2;
/// Half of all numbers: RFC 6525 §5.2.4 G1 puts so much between what was and what comes.
const HALF: u32 = 1 << 31;

/// A reset that waits for user data.
#[derive(Debug)]
struct Deferred {
    number: RequestNumber,
    /// None for all.
    streams: Vec<StreamId>,
    last: Tsn,
}

/// What the peer wants us to ask for, so that the one who sends is the one who begins.
#[derive(Debug)]
pub(super) enum Demand {
    /// To begin streams of ours anew; none means all.
    Reset { streams: Vec<StreamId> },
    /// To have more streams.
    Add { count: u16 },
}

/// What the peer asked for.
#[derive(Debug)]
pub(super) struct Asked {
    /// The number of the next request.
    expected: RequestNumber,
    /// The last answers that were final, oldest first.
    memory: VecDeque<ReconfigResponse>,
    deferred: Option<Deferred>,
    demand: Option<(RequestNumber, Demand)>,
    due: VecDeque<ReconfigResponse>,
    limits: Limits,
    /// Streams that the peer may send on at present.
    incoming_streams: u16,
}

/// What a request's number says.
enum Turn {
    /// It is the next.
    New,
    /// It was answered, or is being worked at.
    Again,
}

impl Asked {
    pub(super) fn new(peer_tsn: Tsn, incoming_streams: u16, limits: Limits) -> Self {
        Self {
            expected: RequestNumber::new(peer_tsn.get()),
            memory: VecDeque::with_capacity(MAX_REMEMBERED),
            deferred: None,
            demand: None,
            due: VecDeque::new(),
            limits,
            incoming_streams,
        }
    }

    /// RFC 6525 §5.2.2.
    pub(super) fn take_outgoing_reset(
        &mut self,
        request: &OutgoingReset<'_>,
        rooms: &mut Rooms<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Refusal> {
        let number = request.number;
        let Turn::New = self.turn(number, None)? else { return Ok(()) };
        if request.streams.iter().any(|stream| stream.get() >= self.incoming_streams) {
            return self.answer(number, ReconfigResult::WRONG_SSN);
        }
        if self.deferred.is_some() {
            return self.answer(number, ReconfigResult::ALREADY_IN_PROGRESS);
        }
        let streams: Vec<_> = request.streams.iter().collect();
        let is_hasty = base::mutant::active("sctp-reset-not-deferred");
        if is_hasty || rooms.receiver.has_all_up_to(request.last_tsn) {
            self.answer(number, ReconfigResult::PERFORMED)?;
            return perform(streams, rooms.receiver, events);
        }
        // RFC 6525 §5.2.2 E2.
        rooms.receiver.defer_reset(&streams, request.last_tsn);
        self.deferred = Some(Deferred { number, streams, last: request.last_tsn });
        self.answer(number, ReconfigResult::IN_PROGRESS)
    }

    /// RFC 6525 §5.2.3.
    pub(super) fn take_incoming_reset(
        &mut self,
        request: &IncomingReset<'_>,
        asking: &mut Asking,
        sender: &Sender,
    ) -> Result<(), Refusal> {
        let number = request.number;
        let Turn::New = self.turn(number, Some(asking))? else { return Ok(()) };
        let streams: Vec<_> = request.streams.iter().collect();
        if streams.iter().any(|stream| stream.get() >= sender.outgoing_streams()) {
            return self.answer(number, ReconfigResult::WRONG_SSN);
        }
        if asking.covers(&streams) {
            return self.answer(number, ReconfigResult::NOTHING_TO_DO);
        }
        if self.demand.is_some() {
            return self.answer(number, ReconfigResult::ALREADY_IN_PROGRESS);
        }
        let has_begun = streams.iter().any(|&stream| sender.has_begun(stream));
        self.demand = Some((number, Demand::Reset { streams }));
        // What we ask next is the answer; where that takes a while, the peer is told so.
        if asking.is_under_way() || has_begun {
            return self.answer(number, ReconfigResult::IN_PROGRESS);
        }
        Ok(())
    }

    /// RFC 6525 §5.2.4.
    pub(super) fn take_association_reset(
        &mut self,
        request: &AssociationReset,
        rooms: &mut Rooms<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Refusal> {
        let number = request.number;
        let Turn::New = self.turn(number, None)? else { return Ok(()) };
        let cumulative = rooms.receiver.cumulative_tsn();
        let next =
            NextTsns { sender: rooms.sender.next_tsn(), receiver: cumulative.next().add(HALF) };
        rooms.sender.reset_all(next.sender);
        rooms.receiver.restart_at(next.receiver);
        self.deferred = None;
        events.push_back(Event::AssociationReset);
        let response =
            ReconfigResponse { number, result: ReconfigResult::PERFORMED, next: Some(next) };
        self.remember(response);
        self.push_due(response)
    }

    /// RFC 6525 §5.2.5.
    pub(super) fn take_add_outgoing(
        &mut self,
        request: &AddStreams,
        receiver: &mut Receiver,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Refusal> {
        let Turn::New = self.turn(request.number, None)? else { return Ok(()) };
        let streams = self.incoming_streams.checked_add(request.count);
        let Some(streams) = streams.filter(|&streams| streams <= self.limits.incoming) else {
            return self.answer(request.number, ReconfigResult::DENIED);
        };
        if request.count == 0 {
            return self.answer(request.number, ReconfigResult::NOTHING_TO_DO);
        }
        self.incoming_streams = streams;
        receiver.set_streams(streams);
        events.push_back(Event::StreamsAdded { outgoing: 0, incoming: request.count });
        self.answer(request.number, ReconfigResult::PERFORMED)
    }

    /// RFC 6525 §5.2.6.
    pub(super) fn take_add_incoming(
        &mut self,
        request: &AddStreams,
        asking: &mut Asking,
        sender: &Sender,
    ) -> Result<(), Refusal> {
        let (number, count) = (request.number, request.count);
        let Turn::New = self.turn(number, Some(asking))? else { return Ok(()) };
        let streams = sender.outgoing_streams().checked_add(count);
        if streams.is_none_or(|streams| streams > self.limits.outgoing) {
            return self.answer(number, ReconfigResult::DENIED);
        }
        if count == 0 {
            return self.answer(number, ReconfigResult::NOTHING_TO_DO);
        }
        if self.demand.is_some() {
            return self.answer(number, ReconfigResult::ALREADY_IN_PROGRESS);
        }
        self.demand = Some((number, Demand::Add { count }));
        if asking.is_under_way() {
            return self.answer(number, ReconfigResult::IN_PROGRESS);
        }
        Ok(())
    }

    /// User data came (RFC 6525 §5.2.2 E3, E4, E5).
    pub(super) fn advance(
        &mut self,
        receiver: &mut Receiver,
        events: &mut VecDeque<Event>,
    ) -> Result<(), Misdeed> {
        let is_ready = |deferred: &mut Deferred| receiver.has_all_up_to(deferred.last);
        let Some(deferred) = self.deferred.take_if(is_ready) else { return Ok(()) };
        receiver.reset_streams(&deferred.streams)?;
        events.push_back(Event::StreamsReset { incoming: deferred.streams });
        // Where there is no room for the answer, the peer asks again.
        let _ = self.answer(deferred.number, ReconfigResult::PERFORMED);
        Ok(())
    }

    /// What a request's number says. One that is known is answered as before (RFC 6525 §5.2.1).
    fn turn(
        &mut self,
        number: RequestNumber,
        asking: Option<&mut Asking>,
    ) -> Result<Turn, Refusal> {
        if number == self.expected || base::mutant::active("sctp-reset-number-unchecked") {
            self.expected = number.next();
            return Ok(Turn::New);
        }
        if let Some(&answer) = self.memory.iter().find(|answer| answer.number == number) {
            if base::mutant::active("sctp-reset-done-twice") {
                return Ok(Turn::New);
            }
            self.push_due(answer)?;
            return Ok(Turn::Again);
        }
        if asking.is_some_and(|asking| asking.repeats(number)) {
            return Ok(Turn::Again);
        }
        let is_waiting = self.deferred.as_ref().is_some_and(|deferred| deferred.number == number)
            || self.demand.as_ref().is_some_and(|(demanded, _)| *demanded == number);
        let result = if is_waiting {
            ReconfigResult::IN_PROGRESS
        } else {
            ReconfigResult::BAD_SEQUENCE_NUMBER
        };
        self.push_due(ReconfigResponse { number, result, next: None })?;
        if is_waiting { Ok(Turn::Again) } else { Err(DropReason::StrayReconfig.into()) }
    }

    fn answer(&mut self, number: RequestNumber, result: ReconfigResult) -> Result<(), Refusal> {
        let is_wrong = base::mutant::active("sctp-reset-answer-misnumbered");
        let number = if is_wrong { number.next() } else { number };
        let response = ReconfigResponse { number, result, next: None };
        if result != ReconfigResult::IN_PROGRESS {
            self.remember(response);
        }
        self.push_due(response)
    }

    /// What came of a request that we made for the peer.
    pub(super) fn remember_settled(&mut self, number: RequestNumber, result: ReconfigResult) {
        self.remember(ReconfigResponse { number, result, next: None });
    }

    fn remember(&mut self, response: ReconfigResponse) {
        if self.memory.len() >= MAX_REMEMBERED {
            self.memory.pop_front();
        }
        self.memory.push_back(response);
    }

    fn push_due(&mut self, response: ReconfigResponse) -> Result<(), Refusal> {
        if let Some(due) = self.due.iter_mut().find(|due| due.number == response.number) {
            *due = response;
            return Ok(());
        }
        if self.due.len() >= MAX_DUE {
            return Err(DropReason::TooManyAnswers.into());
        }
        self.due.push_back(response);
        Ok(())
    }

    /// Appends a chunk with the first answers, and says how many.
    pub(super) fn write(&self, writer: &mut Writer<'_>) -> usize {
        let mut both = [Parameter::EcnCapable; super::MAX_PARAMETERS];
        let count = self.due.len().min(both.len());
        for (place, &answer) in both.iter_mut().zip(&self.due) {
            *place = Parameter::ReconfigResponse(answer);
        }
        let parameters = both.get(..count).unwrap_or_default();
        Reconfig { parameters: Parameters::from(parameters) }.write(writer);
        count
    }

    /// The first answers have left.
    pub(super) fn forget_due(&mut self, count: usize) {
        self.due.drain(..count.min(self.due.len()));
    }

    pub(super) fn stop(&mut self) {
        self.due.clear();
        self.demand = None;
    }

    pub(super) const fn incoming_streams(&self) -> u16 {
        self.incoming_streams
    }

    pub(super) fn due(&self) -> usize {
        self.due.len()
    }

    pub(super) fn first_due(&self) -> Option<Parameter<'_>> {
        self.due.front().copied().map(Parameter::ReconfigResponse)
    }

    pub(super) const fn has_demand(&self) -> bool {
        self.demand.is_some()
    }

    pub(super) fn demand(&self) -> Option<(RequestNumber, &Demand)> {
        self.demand.as_ref().map(|(number, demand)| (*number, demand))
    }

    pub(super) const fn take_demand(&mut self) -> Option<(RequestNumber, Demand)> {
        self.demand.take()
    }

    /// The number of the peer's last request.
    pub(super) const fn last(&self) -> RequestNumber {
        self.expected.add(u32::MAX)
    }
}

fn perform(
    streams: Vec<StreamId>,
    receiver: &mut Receiver,
    events: &mut VecDeque<Event>,
) -> Result<(), Refusal> {
    receiver.reset_streams(&streams)?;
    events.push_back(Event::StreamsReset { incoming: streams });
    Ok(())
}
