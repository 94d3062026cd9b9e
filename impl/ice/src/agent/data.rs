//! Application data, without copies: RFC 8445 §12.

use base::{Datagram, Instant, StreamCommand, Transmit};
use stun::Message;

use super::{Agent, local::BaseId, request::Via};
use crate::{
    Outgoing, PairId, Received, SendError, State, Transport, WriteError, stats::DropReason,
};

impl Agent {
    /// Takes a datagram in without copying it. What is not STUN is application data, if the sender has
    /// proved to be the peer.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>) -> Received {
        let now = self.begin(now);
        if self.state == State::Closed {
            return self.drop_for(DropReason::Closed);
        }
        if Message::is_likely(datagram.payload) {
            let Some(base) = self.locals.at(datagram.destination).cloned() else {
                return self.drop_for(DropReason::UnknownLocalAddress);
            };
            let (local, remote) = (datagram.destination, datagram.source);
            let via = Via { base, local, remote, stream: None };
            return self.handle_message(now, &via, datagram.payload);
        }
        if let Some(component) = self.take_data(now, &datagram) {
            return Received::Application { component };
        }
        match self.locals.at(datagram.destination).map(|base| (base.id, base.component)) {
            Some((base, component)) if self.is_early(base, &datagram) => {
                Received::Application { component }
            }
            Some(_) => self.drop_for(DropReason::Unvalidated),
            None => self.drop_for(DropReason::UnknownLocalAddress),
        }
    }

    /// Counts data on the pair it came on. The pairs in use are found first.
    fn take_data(&mut self, now: Instant, datagram: &Datagram<'_>) -> Option<u8> {
        let (local, remote) = (datagram.destination, datagram.source);
        let mut validated = self
            .checklist
            .iter_mut()
            .filter(|pair| pair.is_between(local, remote) && pair.is_validated());
        let pair = validated.next()?;
        pair.took_data(now, datagram.payload.len());
        Some(pair.component)
    }

    /// Whether the sender proved itself before we knew its parameters.
    fn is_early(&self, base: BaseId, datagram: &Datagram<'_>) -> bool {
        self.early.has(base, datagram.source)
    }

    /// Sends application data on the path of a component: appends it to `buffer`, and says where it goes.
    ///
    /// # Errors
    ///
    /// `SendError` if there is no path, or no consent to use it (RFC 7675 §5.1). Nothing is appended then.
    pub fn send(
        &mut self,
        now: Instant,
        component: u8,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Outgoing, SendError> {
        let now = self.begin(now);
        let path = self.component(component).path.ok_or(SendError::NoPath)?;
        self.send_on(now, path, payload, buffer)
    }

    fn send_on(
        &mut self,
        now: Instant,
        path: PairId,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<Outgoing, SendError> {
        let (expiry, dscp) = (self.consent_expiry(), self.config.dscp);
        let pair = self.checklist.get_mut(path).ok_or(SendError::NoPath)?;
        if !pair.has_consent(now, expiry) {
            return Err(SendError::NoConsent);
        }
        let outgoing = match pair.stream {
            Some(stream) => {
                let write = |out: &mut Vec<u8>| out.extend_from_slice(payload);
                match self.tcp.write(stream, buffer, write) {
                    Ok(StreamCommand::Send { id, size }) => Outgoing::Stream { id, size },
                    Err(WriteError::Full) => return Err(SendError::Full),
                    Err(WriteError::TooLong) => return Err(SendError::TooLong),
                    Ok(_) | Err(WriteError::NotOpen) => return Err(SendError::NoPath),
                }
            }
            None if pair.transport != Transport::Udp => return Err(SendError::NoPath),
            None => {
                buffer.extend_from_slice(payload);
                let transmit = Transmit { dscp, ..Transmit::new(pair.remote, payload.len()) };
                Outgoing::Datagram(transmit.from(pair.local))
            }
        };
        pair.counters.packets_sent += 1;
        pair.counters.bytes_sent += u64::try_from(payload.len()).unwrap_or(0);
        pair.counters.last_sent_at = Some(now);
        Ok(outgoing)
    }
}
