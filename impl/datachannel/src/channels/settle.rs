//! What channels want of the association: messages that open them, streams reset, streams added.

use base::Instant;
use bytes::Bytes;
use sctp::{ResetError, SendOptions};

use super::{Channels, Phase};
use crate::{ChannelId, CloseReason, Input, State, ppid};

impl Channels {
    /// Asks the association for all that is wanted of it and can be had now.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.phase != Phase::Up {
            return;
        }
        if !self.owing.is_empty() {
            self.pay(now);
        }
        if !self.unasked.is_empty() {
            self.ask_for_resets(now);
        }
    }

    /// Sends what opens channels or agrees to them, as far as there are streams and room.
    fn pay(&mut self, now: Instant) {
        let streams = self.association.outgoing_streams();
        let mut beyond = None;
        for id in self.owing.clone() {
            if id.get() >= streams || self.wants_incoming(id) {
                beyond = Some(id);
            } else if !self.pay_one(now, id) {
                return;
            }
        }
        if let Some(highest) = beyond.filter(|_| self.adding.is_none()) {
            self.add_streams(now, highest);
        }
    }

    /// Whether the peer has no stream on which it could answer.
    fn wants_incoming(&self, id: ChannelId) -> bool {
        let waits = self.slots.get(&id).is_some_and(|it| it.state == State::Waiting);
        waits && id.get() >= self.association.incoming_streams()
    }

    /// False if there is no room.
    fn pay_one(&mut self, now: Instant, id: ChannelId) -> bool {
        let owed = self.slots.get(&id).and_then(|channel| channel.owed.clone());
        self.set_priority(id);
        if let Some(owed) = owed
            && !self.send_dcep(now, id, owed)
        {
            return false;
        }
        self.owing.remove(&id);
        let Some(channel) = self.slots.get_mut(&id) else { return true };
        let input = if channel.owed.take().is_some() { Input::Asked } else { Input::Ready };
        self.apply(id, input);
        true
    }

    /// RFC 8832 §6: these messages go in order and are reliable, whatever the channel is.
    fn send_dcep(&mut self, now: Instant, id: ChannelId, payload: Bytes) -> bool {
        let mut options = SendOptions::default();
        if base::mutant::active("datachannel-open-unreliable")
            && let Some(channel) = self.slots.get(&id)
        {
            options = SendOptions { unordered: false, ..channel.options() };
        }
        self.association.send(now, id.stream(), ppid::DCEP, payload, &options).is_ok()
    }

    pub(super) fn set_priority(&mut self, id: ChannelId) {
        if let Some(channel) = self.slots.get(&id) {
            self.association.set_priority(id.stream(), channel.priority);
        }
    }

    /// RFC 8831 §6.7: closing a channel is resetting its outgoing stream.
    fn ask_for_resets(&mut self, now: Instant) {
        let streams: Vec<_> = self.unasked.iter().map(|id| id.stream()).collect();
        match self.association.reset_streams(now, &streams) {
            Ok(()) => self.unasked.clear(),
            // When one of those that are under way is done, or the association is up or gone.
            Err(ResetError::TooMany | ResetError::NotConnected) => {}
            Err(error) => {
                for id in std::mem::take(&mut self.unasked) {
                    self.reset_one(now, id, error);
                }
            }
        }
    }

    /// One of several streams cannot be reset: each by itself.
    fn reset_one(&mut self, now: Instant, id: ChannelId, error: ResetError) {
        let asked = match error {
            ResetError::NoSuchStream => self.association.reset_streams(now, &[id.stream()]),
            error => Err(error),
        };
        match asked {
            Ok(()) => {}
            Err(ResetError::TooMany | ResetError::NotConnected) => {
                self.unasked.insert(id);
            }
            // Nothing was ever sent on a stream that is not there.
            Err(ResetError::NoSuchStream) => self.apply(id, Input::OwnReset),
            // The peer cannot reset streams: the channel is closed without it, and its number never used
            // again.
            Err(_) => {
                self.burnt.insert(id);
                let reason = CloseReason::Local;
                self.end(id, reason);
            }
        }
    }

    /// RFC 8831 §6.2: streams are added for a channel whose number is beyond those negotiated.
    fn add_streams(&mut self, now: Instant, highest: ChannelId) {
        let wanted = highest.get() + 1;
        let outgoing = wanted.saturating_sub(self.association.outgoing_streams());
        let incoming = wanted.saturating_sub(self.association.incoming_streams());
        match self.association.add_streams(now, outgoing, incoming) {
            Ok(()) => self.adding = Some(highest),
            Err(ResetError::TooMany | ResetError::NotConnected) => {}
            Err(_) => self.denied_streams(),
        }
    }

    /// There are more streams, at least in one direction.
    pub(super) fn streams_added(&mut self) {
        let both = self.association.outgoing_streams().min(self.association.incoming_streams());
        self.adding = self.adding.filter(|highest| highest.get() >= both);
    }

    /// There will be no more streams: what cannot live without is closed.
    pub(super) fn denied_streams(&mut self) {
        self.adding = None;
        let streams = self.association.outgoing_streams();
        let beyond = |id: &ChannelId| id.get() >= streams || self.wants_incoming(*id);
        let without: Vec<_> = self.owing.iter().copied().filter(beyond).collect();
        for id in without {
            self.end(id, CloseReason::NoStream);
        }
    }
}
