//! One channel.

mod parts;
mod state;

use base::Writer;
use bytes::Bytes;
use sctp::{Message, SendOptions};

pub use self::state::{Input, State};
pub(crate) use self::{
    parts::{PartKind, Parts},
    state::Next,
};
use crate::{ChannelConfig, CloseReason, Fault};

/// What is kept of a channel. Its label and protocol are not: the application has them.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) state: State,
    pub(crate) origin: Origin,
    /// Whether the application has yet to fetch the event that tells of it.
    pub(crate) is_new: bool,
    ordered: bool,
    reliability: crate::Reliability,
    pub(crate) priority: u16,
    /// What must be sent before anything else: the OPEN, or the ACK.
    pub(crate) owed: Option<Bytes>,
    /// Whether the application has sent something since it was told that little waits.
    pub(crate) has_sent: bool,
    /// Parts of a message whose last part has not come.
    pub(crate) parts: Parts,
    /// Why it is being closed.
    pub(crate) reason: Option<CloseReason>,
    /// What the peer sent after its stream was reset and before this end's was: it belongs to the next
    /// channel of this number.
    pub(crate) early: Vec<Message>,
    /// Whether it has reset its stream again after that: it has closed the next channel.
    pub(crate) is_closed_early: bool,
}

/// Where a channel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This end asked the peer for it.
    Local,
    /// The peer asked for it.
    Peer,
    /// Nobody asked: both knew.
    Negotiated,
    /// The peer should not have: nobody was told of it, and its streams are being reset.
    Refused,
}

impl Channel {
    pub(crate) fn new(config: &ChannelConfig) -> Self {
        let negotiated = config.negotiated.is_some();
        let owed = (!negotiated).then(|| {
            let open = config.to_open();
            let mut bytes = Vec::with_capacity(open.size());
            open.write(&mut Writer::new(&mut bytes));
            bytes.into()
        });
        let origin = if negotiated { Origin::Negotiated } else { Origin::Local };
        Self { owed, ..Self::with(State::Waiting, origin, config) }
    }

    /// One that the peer opened. RFC 8832 §6: it is told that this end agrees.
    pub(crate) fn opened(config: &ChannelConfig) -> Self {
        let mut bytes = Vec::new();
        crate::wire::Ack.write(&mut Writer::new(&mut bytes));
        Self { owed: Some(bytes.into()), ..Self::with(State::Open, Origin::Peer, config) }
    }

    /// A pair of streams that is to be reset and never was a channel.
    pub(crate) fn refused(fault: Fault) -> Self {
        let nothing = ChannelConfig::default();
        let reason = Some(CloseReason::Fault(fault));
        Self { reason, ..Self::with(State::Closing, Origin::Refused, &nothing) }
    }

    fn with(state: State, origin: Origin, config: &ChannelConfig) -> Self {
        Self {
            state,
            origin,
            is_new: origin == Origin::Peer,
            ordered: config.ordered,
            reliability: config.reliability,
            priority: config.priority.get(),
            owed: None,
            has_sent: false,
            parts: Parts::default(),
            reason: None,
            early: Vec::new(),
            is_closed_early: false,
        }
    }

    /// Whether the application was told of it, or told us.
    pub(crate) fn is_known(&self) -> bool {
        self.origin != Origin::Refused
    }

    /// Whether the application can speak of it.
    pub(crate) fn is_told(&self) -> bool {
        self.is_known() && !self.is_new
    }

    /// How user data travels. RFC 8832 §6: in order until the peer has been heard on the channel, since it
    /// may not know the channel before.
    pub(crate) fn options(&self) -> SendOptions {
        SendOptions {
            unordered: !self.ordered
                && (self.state != State::Opening
                    || base::mutant::active("datachannel-unordered-before-answer")),
            reliability: self.reliability.below(),
            immediate: false,
        }
    }

    /// Whether parts of messages can be put together: the channel loses none and keeps their order.
    pub(crate) fn is_reliable_and_ordered(&self) -> bool {
        self.ordered && self.reliability == crate::Reliability::Reliable
    }

    /// RFC 8831 §6.6: a message without order on a channel that has order is an error. Of a negotiated
    /// channel each side has its own idea.
    pub(crate) fn may_come_unordered(&self) -> bool {
        !self.ordered || self.origin == Origin::Negotiated
    }
}
