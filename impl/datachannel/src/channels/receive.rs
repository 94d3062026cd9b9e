//! Messages of the association become messages of channels.

use bytes::Bytes;
use sctp::Message;

use super::Channels;
use crate::{
    Channel, ChannelConfig, ChannelId, Data, Event, Fault, Input, Origin, PartKind, State, ppid,
    wire::{Dcep, Open},
};

/// Bytes of parts of messages that are held, of all channels together: nobody sends parts any more, and one
/// message of the longest size there was fits.
const MAX_PARTS: usize = 1 << 20;

impl Channels {
    /// A message arrived. Its bytes count against the window until [`Channels::done_with`] or, where an
    /// event carries them on, until that is polled.
    pub(super) fn take(&mut self, message: Message) {
        let Some(id) = ChannelId::new(message.stream.get()) else {
            return self.ignore(&message);
        };
        match self.slots.get_mut(&id) {
            None => self.take_unexpected(id, &message),
            // The peer began its stream anew, so that this end's was reset for it; the answer that says so
            // is still on its way.
            Some(channel) if channel.state == State::Answering => channel.early.push(message),
            Some(channel) if channel.origin == Origin::Refused => self.ignore(&message),
            Some(_) if message.ppid == ppid::DCEP => self.take_dcep(id, &message),
            Some(_) => self.take_data(id, message),
        }
    }

    fn done_with(&mut self, message: &Message) {
        self.association.release(message.payload.len());
    }

    fn ignore(&mut self, message: &Message) {
        self.stats.messages_ignored += 1;
        self.done_with(message);
    }

    /// A message on a stream that belongs to no channel: it opens one, or should not have come.
    fn take_unexpected(&mut self, id: ChannelId, message: &Message) {
        let opened = match (message.ppid, Dcep::parse(&message.payload)) {
            (ppid::DCEP, Ok(Dcep::Open(open))) => self.judge(id, message, &open),
            // Consent to a channel that was closed meanwhile.
            (ppid::DCEP, Ok(Dcep::Ack(_))) => return self.ignore(message),
            (ppid::DCEP, Ok(Dcep::Unknown { .. }))
                if base::mutant::active("datachannel-unknown-dcep-ignored") =>
            {
                return self.ignore(message);
            }
            (ppid::DCEP, Ok(Dcep::Unknown { .. })) => Err(Fault::UnknownDcep),
            (ppid::DCEP, Err(_)) => Err(Fault::MalformedDcep),
            _ => Err(Fault::NoChannel),
        };
        match opened {
            Ok(config) => {
                self.insert(id, Channel::opened(&config));
                if !base::mutant::active("datachannel-ack-withheld") {
                    self.owing.insert(id);
                }
                self.set_priority(id);
                let charge = Some(message.payload.len());
                self.tell(Event::Opened { id, config }, charge);
            }
            Err(fault) => {
                self.fault(id, fault);
                self.done_with(message);
            }
        }
    }

    /// RFC 8832 §6: the number must be one that the peer may give, and all that it asks for be valid.
    fn judge(
        &self,
        id: ChannelId,
        message: &Message,
        open: &Open<'_>,
    ) -> Result<ChannelConfig, Fault> {
        let is_lax = base::mutant::active("datachannel-parity-unchecked");
        if !self.ids.role().peer().may_open(id) && !is_lax {
            return Err(Fault::WrongParity);
        }
        if message.unordered {
            return Err(Fault::UnorderedOpen);
        }
        let config = ChannelConfig::from_open(open)?;
        if self.live >= self.max_channels {
            return Err(Fault::TooManyChannels);
        }
        Ok(config)
    }

    /// A message of the protocol that opens channels, on one that is there.
    fn take_dcep(&mut self, id: ChannelId, message: &Message) {
        match Dcep::parse(&message.payload) {
            // RFC 8832 §6 has it sent in order. One that was not says the same, and some peers send it so.
            Ok(Dcep::Ack(_)) => self.apply(id, Input::Heard),
            Ok(Dcep::Open(_)) if base::mutant::active("datachannel-stream-in-use-acknowledged") => {
                if let Some(channel) = self.slots.get_mut(&id) {
                    channel.owed = Some(Bytes::from_static(&[2]));
                    self.owing.insert(id);
                }
            }
            Ok(Dcep::Open(_)) => self.fault(id, Fault::StreamInUse),
            Ok(Dcep::Unknown { .. }) => self.fault(id, Fault::UnknownDcep),
            Err(_) => self.fault(id, Fault::MalformedDcep),
        }
        self.done_with(message);
    }

    fn take_data(&mut self, id: ChannelId, message: Message) {
        let charge = message.payload.len();
        match self.read(id, message) {
            Ok(data) => {
                self.apply(id, Input::Heard);
                match data {
                    Some(data) => self.deliver(id, data, charge),
                    None => self.association.release(charge),
                }
            }
            Err(fault) => {
                self.fault(id, fault);
                self.association.release(charge);
            }
        }
    }

    fn deliver(&mut self, id: ChannelId, data: Data, charge: usize) {
        self.stats.messages_received += 1;
        self.stats.bytes_received += u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.tell(Event::Message { id, data }, Some(charge));
    }

    /// What a message says, if it is whole with it.
    fn read(&mut self, id: ChannelId, message: Message) -> Result<Option<Data>, Fault> {
        let Some(channel) = self.slots.get_mut(&id) else { return Ok(None) };
        if message.unordered && !channel.may_come_unordered() {
            return Err(Fault::IllegalOrder);
        }
        let longest = if self.max_message == 0 { MAX_PARTS } else { self.max_message };
        let held = channel.parts.held();
        let limit = longest.min(MAX_PARTS - self.parts_held.min(MAX_PARTS) + held);
        let data = channel.read(message, limit);
        self.parts_held = self.parts_held - held + channel.parts.held();
        data
    }
}

impl Channel {
    fn read(&mut self, message: Message, limit: usize) -> Result<Option<Data>, Fault> {
        let payload = message.payload;
        match message.ppid {
            ppid::STRING => self.parts.finish(PartKind::Text, payload, limit).and_then(text),
            ppid::BINARY => self.parts.finish(PartKind::Binary, payload, limit).map(Data::Binary),
            // RFC 8831 §6.6: what such a message holds is ignored.
            ppid::STRING_EMPTY => {
                self.parts.finish(PartKind::Text, Bytes::new(), limit).and_then(text)
            }
            ppid::BINARY_EMPTY => {
                let reads = base::mutant::active("datachannel-empty-content-read");
                let nothing = if reads { payload } else { Bytes::new() };
                self.parts.finish(PartKind::Binary, nothing, limit).map(Data::Binary)
            }
            ppid::STRING_PARTIAL => return self.part(PartKind::Text, &payload, limit),
            ppid::BINARY_PARTIAL if base::mutant::active("datachannel-parts-delivered") => {
                Ok(Data::Binary(payload))
            }
            ppid::BINARY_PARTIAL => return self.part(PartKind::Binary, &payload, limit),
            _ => return Err(Fault::UnknownPpid),
        }
        .map(Some)
    }

    fn part(&mut self, kind: PartKind, part: &[u8], limit: usize) -> Result<Option<Data>, Fault> {
        if !self.is_reliable_and_ordered() {
            return Err(Fault::PartOnUnreliable);
        }
        self.parts.add(kind, part, limit).map(|()| None)
    }
}

fn text(bytes: Bytes) -> Result<Data, Fault> {
    match std::str::from_utf8(&bytes) {
        Ok(_) => Ok(Data::Text(bytes)),
        Err(_) => Err(Fault::NotUtf8),
    }
}
