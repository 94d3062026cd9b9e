//! Streams that begin anew, and more of them: RFC 6525.
//!
//! Each end has at most one request under way. The numbers of requests go up by one, so that one that comes
//! twice is known and answered from memory: it never touches a stream again. A request that has to wait for
//! user data says so, and is answered when the data has come.
//!
//! | file | holds |
//! |---|---|
//! | `wishes.rs` | what the application wants and the peer was not asked yet |
//! | `request.rs` | the request that is under way |
//! | `asking.rs` | this end asks: what may leave when, answers, time |
//! | `asked.rs` | the peer asks: numbers, memory, what waits for data |
//! | `commands.rs` | what the application asks for |

mod asked;
mod asking;
mod commands;
mod request;
#[cfg(test)]
mod tests;
mod wishes;

use std::{collections::VecDeque, time::Duration};

use base::{Instant, Malformed, Writer};

use self::{asked::Asked, asking::Asking};
use crate::{
    Config, DropReason, Event, Misdeed, ResetError, StreamId, Tsn,
    receive::Receiver,
    send::Sender,
    wire::{Parameter, Parameters, Reconfig},
};

/// Parameters that a chunk carries at most (RFC 6525 §3.1).
const MAX_PARAMETERS: usize = 2;

/// The rooms that a change of streams concerns.
#[derive(Debug)]
pub(super) struct Rooms<'a> {
    pub(super) sender: &'a mut Sender,
    pub(super) receiver: &'a mut Receiver,
}

/// Most streams of each direction.
#[derive(Clone, Copy, Debug)]
struct Limits {
    outgoing: u16,
    incoming: u16,
}

/// Why a RE-CONFIG chunk was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is dropped.
    Drop(DropReason),
    /// Its parameters do not belong together: the peer is told, and the association goes on
    /// (RFC 6525 §3.1).
    Violation(&'static str),
    /// What waited for it breaks the protocol.
    Misdeed(Misdeed),
}

impl From<DropReason> for Refusal {
    fn from(reason: DropReason) -> Self {
        Self::Drop(reason)
    }
}

impl From<Misdeed> for Refusal {
    fn from(misdeed: Misdeed) -> Self {
        Self::Misdeed(misdeed)
    }
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::Drop(DropReason::MalformedChunk)
    }
}

/// The changes of streams of one association.
#[derive(Debug)]
pub(super) struct Resets {
    asking: Asking,
    asked: Asked,
    events: VecDeque<Event>,
}

impl Resets {
    /// Requests of each end number from its first TSN (RFC 6525 §4.1). The peer may send on
    /// `incoming_streams`, for a start.
    pub(super) fn new(
        config: &Config,
        local_tsn: Tsn,
        peer_tsn: Tsn,
        incoming_streams: u16,
    ) -> Self {
        let limits = Limits {
            outgoing: config.outgoing_streams.max(1),
            incoming: config.incoming_streams.max(1),
        };
        Self {
            asking: Asking::new(local_tsn, config.rto_max),
            asked: Asked::new(peer_tsn, incoming_streams, limits),
            events: VecDeque::new(),
        }
    }

    /// Wants streams of ours to begin anew, all of them if none is named.
    fn want_reset(&mut self, streams: &[StreamId]) {
        self.asking.want_reset(streams);
    }

    /// Wants streams of the peer's to begin anew, all of them if none is named.
    fn want_incoming_reset(&mut self, streams: &[StreamId]) {
        self.asking.wishes.incoming.add(streams);
    }

    fn want_association_reset(&mut self, sender: &mut Sender) {
        self.asking.want_association_reset(sender);
    }

    /// Wants more streams of each direction: how many there are, and how many more.
    fn want_streams(
        &mut self,
        (outgoing, more_outgoing): (u16, u16),
        (incoming, more_incoming): (u16, u16),
    ) -> Result<(), ResetError> {
        let wishes = &mut self.asking.wishes;
        let sum = |present: u16, wanted: u16, more: u16| {
            let wanted = wanted.checked_add(more).ok_or(ResetError::TooManyStreams)?;
            present.checked_add(wanted).map(|_| wanted).ok_or(ResetError::TooManyStreams)
        };
        let outgoing = sum(outgoing, wishes.add_outgoing, more_outgoing)?;
        let incoming = sum(incoming, wishes.add_incoming, more_incoming)?;
        (wishes.add_outgoing, wishes.add_incoming) = (outgoing, incoming);
        Ok(())
    }

    /// A RE-CONFIG chunk came.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        chunk: &Reconfig<'_>,
        mut rooms: Rooms<'_>,
    ) -> Result<(), Refusal> {
        let parameters = parameters(&chunk.parameters)?;
        let mut is_asked = false;
        for parameter in parameters.iter().flatten() {
            is_asked |= !matches!(parameter, Parameter::ReconfigResponse(_));
            self.take(now, parameter, &mut rooms)?;
        }
        if is_asked {
            // RFC 6525 §5.2.1: so that what is missing is known the sooner.
            rooms.receiver.demand_sack();
        }
        Ok(())
    }

    fn take(
        &mut self,
        now: Instant,
        parameter: &Parameter<'_>,
        rooms: &mut Rooms<'_>,
    ) -> Result<(), Refusal> {
        let Self { asking, asked, events } = self;
        match parameter {
            Parameter::OutgoingReset(request) => {
                // RFC 6525 §5.2.2 E1.
                if asking.settle_incoming_reset(request.answers) {
                    tracing::trace!(number = %request.answers, "the peer does as it was asked");
                }
                asked.take_outgoing_reset(request, rooms, events)
            }
            Parameter::IncomingReset(request) => {
                asked.take_incoming_reset(request, asking, rooms.sender)
            }
            Parameter::AssociationReset(request) => {
                asked.take_association_reset(request, rooms, events)
            }
            Parameter::AddOutgoing(request) => {
                asking.settle_add_incoming(request.count);
                asked.take_add_outgoing(request, rooms.receiver, events)
            }
            Parameter::AddIncoming(request) => {
                asked.take_add_incoming(request, asking, rooms.sender)
            }
            Parameter::ReconfigResponse(response) => {
                let settled = asking.take_response(now, response, rooms, events)?;
                if let Some((number, result)) = settled {
                    asked.remember_settled(number, result);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// User data came: what waited for it is done if that was the last of it.
    pub(super) fn advance(&mut self, receiver: &mut Receiver) -> Result<(), Misdeed> {
        self.asked.advance(receiver, &mut self.events)
    }

    /// The deadline has come. Says whether the peer left a request unanswered, which counts as an error of
    /// the path (RFC 6525 §5.1.1).
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        self.asking.handle_timeout(now)
    }

    /// Nothing is to be asked or answered any more.
    pub(super) fn stop(&mut self) {
        self.asking.stop();
        self.asked.stop();
    }

    /// Appends what is due to a packet that may be `most` bytes long; `rto` is the present retransmission
    /// timeout.
    pub(super) fn write(
        &mut self,
        now: Instant,
        most: usize,
        rto: Duration,
        writer: &mut Writer<'_>,
        sender: &mut Sender,
    ) {
        let Self { asking, asked, .. } = self;
        asking.begin(now, most, asked, sender);
        let with_request = asked.due() == 1 && asking.is_reset_due();
        if with_request {
            // RFC 6525 §3.1: these two may share a chunk.
            let before = writer.len();
            write_shared(asked, asking, writer);
            if fits(writer, before, most) {
                asked.forget_due(1);
                asking.on_sent(now, rto);
                return;
            }
        }
        while asked.due() > 0 {
            let before = writer.len();
            let count = asked.write(writer);
            if !fits(writer, before, most) {
                return;
            }
            asked.forget_due(count);
        }
        if asking.is_due() {
            let before = writer.len();
            asking.write(writer);
            if fits(writer, before, most) {
                asking.on_sent(now, rto);
            }
        }
    }

    /// Whether [`Resets::write`] has something to append, or may have: false costs nothing to say.
    pub(super) fn has_work(&self) -> bool {
        self.asked.due() > 0 || self.asking.has_work() || self.asked.has_demand()
    }

    /// Whether messages for `stream` are not taken, since it waits to begin anew.
    pub(super) fn is_resetting(&self, stream: StreamId) -> bool {
        self.asking.is_resetting(stream)
    }

    /// Streams that the peer may send on.
    const fn incoming_streams(&self) -> u16 {
        self.asked.incoming_streams()
    }

    /// When [`Resets::handle_timeout`] is to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.asking.deadline()
    }

    /// What happened.
    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

/// One chunk with the one answer that is due and the request to reset.
fn write_shared(asked: &Asked, asking: &Asking, writer: &mut Writer<'_>) {
    let (Some(answer), Some(request)) = (asked.first_due(), asking.parameter()) else { return };
    let parameters = [answer, request];
    Reconfig { parameters: Parameters::from(&parameters[..]) }.write(writer);
}

/// Whether what was appended since `before` fits, or has to go alone since it fits nowhere; takes it back if
/// not.
fn fits(writer: &mut Writer<'_>, before: usize, most: usize) -> bool {
    let fits = writer.len() <= most || before <= crate::wire::HEADER_LENGTH;
    if !fits {
        writer.truncate(before);
    }
    fits
}

/// The parameters of a chunk, if they belong together (RFC 6525 §3.1).
fn parameters<'a>(
    parameters: &Parameters<'a>,
) -> Result<[Option<Parameter<'a>>; MAX_PARAMETERS], Refusal> {
    let mut all = [None, None];
    let mut places = all.iter_mut();
    for parameter in parameters.iter() {
        let parameter = parameter?;
        if let Parameter::Unknown(raw) = parameter {
            // RFC 9260 §3.2.1.
            if raw.kind.unknown_action().stops() {
                break;
            }
            continue;
        }
        let Some(place) = places.next() else {
            return Err(Refusal::Violation("more than two parameters in RE-CONFIG"));
        };
        *place = Some(parameter);
    }
    if belongs_together(&all) {
        Ok(all)
    } else {
        Err(Refusal::Violation("parameters of RE-CONFIG that do not belong together"))
    }
}

fn belongs_together(parameters: &[Option<Parameter<'_>>; MAX_PARAMETERS]) -> bool {
    use Parameter::{
        AddIncoming, AddOutgoing, AssociationReset, IncomingReset, OutgoingReset, ReconfigResponse,
    };
    match parameters {
        [Some(one), None] => matches!(
            one,
            OutgoingReset(_)
                | IncomingReset(_)
                | AssociationReset(_)
                | AddOutgoing(_)
                | AddIncoming(_)
                | ReconfigResponse(_)
        ),
        [Some(one), Some(other)] => matches!(
            (one, other),
            (OutgoingReset(_), IncomingReset(_))
                | (IncomingReset(_), OutgoingReset(_))
                | (AddOutgoing(_), AddIncoming(_))
                | (AddIncoming(_), AddOutgoing(_))
                | (ReconfigResponse(_), OutgoingReset(_) | ReconfigResponse(_))
                | (OutgoingReset(_), ReconfigResponse(_))
        ),
        [None, _] => false,
    }
}
