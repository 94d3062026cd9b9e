//! Channels come, change their state, and go.

use super::Channels;
use crate::{Channel, ChannelId, CloseReason, Event, Fault, Input, Next, Origin, State};

impl Channels {
    pub(super) fn insert(&mut self, id: ChannelId, channel: Channel) {
        let known = channel.is_known();
        self.live += usize::from(known);
        self.stats.channels_opened += u64::from(known);
        self.slots.insert(id, channel);
    }

    /// Something happened to a channel, if there is one of this number.
    pub(super) fn apply(&mut self, id: ChannelId, input: Input) {
        let Some(channel) = self.slots.get_mut(&id) else { return };
        let before = channel.state;
        if input == Input::PeerReset && !channel.early.is_empty() {
            // It is not this channel that the peer closes, but the next.
            channel.is_closed_early = true;
            return;
        }
        match before.after(input) {
            Next::Same => {}
            Next::State(next) => {
                channel.state = next;
                self.entered(id, before, next);
            }
            Next::Closed => self.remove(id),
        }
    }

    fn entered(&mut self, id: ChannelId, before: State, now: State) {
        match now {
            State::Open => self.tell(Event::Open(id), None),
            State::Closing => self.stop(id),
            State::HalfClosed => self.live -= usize::from(self.is_known(id)),
            State::Answering if before == State::Closing => {}
            State::Answering => {
                // RFC 8832 §6: a reset instead of an ACK says that the peer did not want the channel.
                let refused = before == State::Opening;
                let reason = if refused { CloseReason::Refused } else { CloseReason::Peer };
                if let Some(channel) = self.slots.get_mut(&id) {
                    channel.reason.get_or_insert(reason);
                }
                self.tell(Event::Closing(id), None);
                if !base::mutant::active("datachannel-close-unanswered") {
                    self.stop(id);
                }
            }
            State::Waiting | State::Opening => {}
        }
    }

    /// Nothing more is to be sent on a channel, and its own stream is to be reset.
    fn stop(&mut self, id: ChannelId) {
        self.owing.remove(&id);
        self.unasked.insert(id);
    }

    /// The peer misused a channel: RFC 8831 §6.6, RFC 8832 §6 have it closed.
    pub(super) fn fault(&mut self, id: ChannelId, fault: Fault) {
        self.stats.faults.add(fault);
        let Some(channel) = self.slots.get_mut(&id) else { return self.refuse(id, fault) };
        let waited = channel.state == State::Waiting;
        channel.reason.get_or_insert(CloseReason::Fault(fault));
        self.parts_held -= channel.parts.held();
        channel.parts.clear();
        self.apply(id, Input::Close);
        if waited {
            // The peer uses a number that it cannot know: its stream has to be reset all the same.
            self.refuse(id, fault);
        }
    }

    /// Resets a pair of streams that is no channel.
    fn refuse(&mut self, id: ChannelId, fault: Fault) {
        self.insert(id, Channel::refused(fault));
        self.stop(id);
    }

    /// A channel ends without its streams being reset.
    pub(super) fn end(&mut self, id: ChannelId, reason: CloseReason) {
        if let Some(channel) = self.slots.get_mut(&id) {
            channel.reason.get_or_insert(reason);
            for message in std::mem::take(&mut channel.early) {
                self.association.release(message.payload.len());
            }
            self.remove(id);
        }
    }

    /// Both streams are reset, or nothing was ever sent on them.
    fn remove(&mut self, id: ChannelId) {
        let Some(channel) = self.slots.remove(&id) else { return };
        self.owing.remove(&id);
        self.unasked.remove(&id);
        self.parts_held -= channel.parts.held();
        if channel.origin == Origin::Refused {
            self.ids.give_back(id);
        } else {
            *self.untold.entry(id).or_default() += 1;
            self.live -= usize::from(channel.state.has_stream());
            self.stats.channels_closed += 1;
            let reason = channel.reason.unwrap_or(CloseReason::Local);
            self.tell(Event::Closed { id, reason }, None);
        }
        for message in channel.early {
            self.take(message);
        }
        if channel.is_closed_early {
            self.apply(id, Input::PeerReset);
        }
    }
}
