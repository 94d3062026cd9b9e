//! What the application asks for, and what arrives for it: RFC 6525 §6.3.

use base::Instant;

use super::{
    super::{Association, MAX_EVENTS, setup::error_chunk, shutdown::Flaw, state::State},
    Refusal, Rooms,
};
use crate::{
    DropReason, ResetError, StreamId,
    wire::{Cause, Reconfig},
};

impl Association {
    /// Begins streams anew on which this end sends, all of them if none is named.
    ///
    /// What waits on them is sent first. Until the peer has answered, which
    /// [`Event::ResetDone`](crate::Event::ResetDone) or
    /// [`Event::ResetDenied`](crate::Event::ResetDenied) tells, they take no messages. To name a stream
    /// that is being reset already changes nothing.
    ///
    /// # Errors
    ///
    /// [`ResetError`]; nothing is done then.
    pub fn reset_streams(&mut self, now: Instant, streams: &[StreamId]) -> Result<(), ResetError> {
        self.advance(now);
        let link = self.changeable()?;
        let count = link.sender.outgoing_streams();
        if streams.iter().any(|stream| stream.get() >= count) {
            return Err(ResetError::NoSuchStream);
        }
        link.resets.want_reset(streams);
        Ok(())
    }

    /// Asks the peer to begin streams anew on which it sends, all of them if none is named.
    /// [`Event::StreamsReset`](crate::Event::StreamsReset) tells when it does, and
    /// [`Event::RequestDenied`](crate::Event::RequestDenied) that it does not.
    ///
    /// # Errors
    ///
    /// [`ResetError`]; nothing is done then.
    pub fn request_reset(&mut self, now: Instant, streams: &[StreamId]) -> Result<(), ResetError> {
        self.advance(now);
        let link = self.changeable()?;
        let count = link.resets.incoming_streams();
        if streams.iter().any(|stream| stream.get() >= count) {
            return Err(ResetError::NoSuchStream);
        }
        link.resets.want_incoming_reset(streams);
        Ok(())
    }

    /// Begins everything anew, both ways, the numbers of chunks included, once what is outstanding has
    /// arrived; at most every 30 seconds (RFC 6525 §5.1.4). What waits is sent after it.
    /// [`Event::AssociationReset`](crate::Event::AssociationReset) tells both ends.
    ///
    /// # Errors
    ///
    /// [`ResetError`]; nothing is done then.
    pub fn reset_association(&mut self, now: Instant) -> Result<(), ResetError> {
        self.advance(now);
        let link = self.changeable()?;
        link.resets.want_association_reset(&mut link.sender);
        Ok(())
    }

    /// Asks for more streams: `outgoing` to send on, `incoming` that the peer may send on.
    /// [`Event::StreamsAdded`](crate::Event::StreamsAdded) tells of each direction, and
    /// [`Event::RequestDenied`](crate::Event::RequestDenied) that the peer would not.
    ///
    /// # Errors
    ///
    /// [`ResetError`]; nothing is done then.
    pub fn add_streams(
        &mut self,
        now: Instant,
        outgoing: u16,
        incoming: u16,
    ) -> Result<(), ResetError> {
        self.advance(now);
        let link = self.changeable()?;
        let (present, peer) = (link.sender.outgoing_streams(), link.resets.incoming_streams());
        link.resets.want_streams((present, outgoing), (peer, incoming))
    }

    /// The link of an association whose streams can be changed.
    fn changeable(&mut self) -> Result<&mut super::super::link::Link, ResetError> {
        let State::Established(link) = &mut self.state else {
            return Err(ResetError::NotConnected);
        };
        // RFC 6525 §5.1.1.
        if link.features.reconfig { Ok(link) } else { Err(ResetError::NotSupported) }
    }

    /// A RE-CONFIG chunk came with our tag.
    pub(in crate::association) fn take_reconfig(
        &mut self,
        chunk: &Reconfig<'_>,
    ) -> Result<(), Flaw> {
        let now = self.now;
        let is_crowded = self.events.len() >= MAX_EVENTS;
        let (State::Established(link)
        | State::ShutdownPending(link)
        | State::ShutdownReceived(link)) = &mut self.state
        else {
            return Err(DropReason::UnexpectedChunk.into());
        };
        if !link.features.reconfig {
            // As a chunk of a type that is not known, which this type says to pass over in silence.
            return Err(DropReason::UnknownChunk.into());
        }
        if is_crowded {
            // The application has not heard of what was asked before: the peer asks again.
            return Err(DropReason::TooManyAnswers.into());
        }
        let rooms = Rooms { sender: &mut link.sender, receiver: &mut link.receiver };
        let result = link.resets.handle(now, chunk, rooms);
        if result.is_ok() {
            link.heartbeats.on_alive();
        }
        self.tell_of_resets();
        match result {
            Ok(()) => Ok(()),
            Err(Refusal::Drop(reason)) => Err(reason.into()),
            Err(Refusal::Misdeed(misdeed)) => Err(misdeed.into()),
            Err(Refusal::Violation(words)) => {
                self.answer_chunk(error_chunk(&[Cause::ProtocolViolation(words.as_bytes())]));
                Err(DropReason::StrayReconfig.into())
            }
        }
    }

    /// User data came: what waited for it is done.
    pub(in crate::association) fn advance_resets(&mut self) -> Result<(), Flaw> {
        let Some(link) = self.state.standing() else { return Ok(()) };
        link.resets.advance(&mut link.receiver)?;
        self.tell_of_resets();
        Ok(())
    }

    fn tell_of_resets(&mut self) {
        while let Some(event) = self.state.link_mut().and_then(|link| link.resets.poll_event()) {
            self.tell(event);
        }
    }
}
