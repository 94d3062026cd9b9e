//! What the association reports becomes what channels report.

use base::Instant;
use sctp::StreamId;

use super::{Channels, Phase};
use crate::{ChannelId, CloseReason, Event, Input, State};

impl Channels {
    /// Takes all that the association has to say, and has it do what follows from it.
    pub(super) fn absorb(&mut self, now: Instant) {
        while self.absorb_once(now) {}
    }

    /// Whether there was anything.
    fn absorb_once(&mut self, now: Instant) -> bool {
        let mut heard = false;
        let mut later = Vec::new();
        while let Some(event) = self.association.poll_event() {
            heard = true;
            match event {
                sctp::Event::Connected => self.connected(),
                sctp::Event::Restarted => self.restarted(),
                // What arrived before a stream was reset belongs to the channel that was.
                event => later.push(event),
            }
        }
        while let Some(message) = self.association.take_message() {
            heard = true;
            self.take(message);
        }
        for event in later {
            self.hear(event);
        }
        self.settle(now);
        heard
    }

    fn connected(&mut self) {
        self.phase = Phase::Up;
        self.tell(Event::Connected, None);
    }

    /// RFC 9260 §5.2.4.1: the peer knows nothing any more. Channels that it never knew live on.
    fn restarted(&mut self) {
        self.unasked.clear();
        self.burnt.clear();
        self.adding = None;
        let known = self.slots.iter().filter(|(_, it)| it.state != State::Waiting);
        let known: Vec<_> = known.map(|(id, _)| *id).collect();
        for id in known {
            self.end(id, CloseReason::Restarted);
        }
        self.connected();
    }

    fn hear(&mut self, event: sctp::Event) {
        match event {
            sctp::Event::StreamsReset { incoming } => self.apply_to(&incoming, Input::PeerReset),
            sctp::Event::ResetDone { outgoing } => self.apply_to(&outgoing, Input::OwnReset),
            sctp::Event::ResetDenied { outgoing } => {
                let streams = outgoing.iter().filter_map(|stream| ChannelId::new(stream.get()));
                self.burnt.extend(streams);
                self.apply_to(&outgoing, Input::OwnReset);
            }
            sctp::Event::AssociationReset => {
                self.apply_to(&[], Input::PeerReset);
                self.apply_to(&[], Input::OwnReset);
            }
            sctp::Event::StreamsAdded { .. } => self.streams_added(),
            sctp::Event::RequestDenied => self.denied_streams(),
            sctp::Event::BufferedLow(stream) => self.drained(stream),
            sctp::Event::Writable if std::mem::take(&mut self.refused_for_room) => {
                self.tell(Event::Writable, None);
            }
            sctp::Event::Closed(reason) => self.ended(&reason),
            // The rest is between the association and whoever asks it.
            _ => {}
        }
    }

    /// Little waits on a stream. What opens channels is not the application's, which hears nothing of it.
    fn drained(&mut self, stream: StreamId) {
        let Some(id) = ChannelId::new(stream.get()) else { return };
        let channel = self.slots.get_mut(&id);
        if channel.is_some_and(|channel| std::mem::take(&mut channel.has_sent)) {
            self.tell(Event::BufferedLow(id), None);
        }
    }

    /// Something happened to these streams; to all, if none is named (RFC 6525 §4.1).
    fn apply_to(&mut self, streams: &[StreamId], input: Input) {
        let named: Vec<_> = if streams.is_empty() {
            self.slots.keys().copied().collect()
        } else {
            streams.iter().filter_map(|stream| ChannelId::new(stream.get())).collect()
        };
        for id in named {
            self.apply(id, input);
        }
    }

    /// RFC 8831 §6.2: the end of the association is the end of every channel.
    fn ended(&mut self, reason: &sctp::CloseReason) {
        self.phase = Phase::Ended;
        let early = self.slots.iter().filter(|(_, channel)| !channel.early.is_empty());
        let early: Vec<_> = early.map(|(id, _)| *id).collect();
        for id in early {
            // What came for the next channel of a number came.
            self.apply(id, Input::OwnReset);
        }
        self.unasked.clear();
        self.owing.clear();
        while let Some((id, _)) = self.slots.first_key_value() {
            self.end(*id, CloseReason::Ended(reason.clone()));
        }
        self.tell(Event::Ended(reason.clone()), None);
    }
}
