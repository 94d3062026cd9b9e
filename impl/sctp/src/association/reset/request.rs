//! The request that is under way.

use base::Instant;

use crate::{
    RequestNumber, StreamId, Tsn,
    wire::{AddStreams, AssociationReset, IncomingReset, List, OutgoingReset, Parameter},
};

/// What is asked for.
#[derive(Debug)]
pub(super) enum Change {
    /// Streams of ours begin anew; none means all (RFC 6525 §5.1.2).
    Outgoing {
        streams: Vec<StreamId>,
        last_tsn: Tsn,
        answers: RequestNumber,
        /// The peer's request that made us ask, if it was one.
        demand: Option<RequestNumber>,
    },
    /// The peer's streams begin anew; none means all (RFC 6525 §5.1.3).
    Incoming { streams: Vec<StreamId> },
    /// Everything begins anew (RFC 6525 §5.1.4).
    Association,
    /// More streams of ours (RFC 6525 §5.1.5).
    AddOutgoing {
        count: u16,
        /// The peer's request that made us ask, if it was one.
        demand: Option<RequestNumber>,
    },
    /// More streams of the peer's (RFC 6525 §5.1.6).
    AddIncoming { count: u16 },
}

impl Change {
    /// The peer's request that made us ask for this, if it was one.
    pub(super) const fn demand(&self) -> Option<RequestNumber> {
        match self {
            Self::Outgoing { demand, .. } | Self::AddOutgoing { demand, .. } => *demand,
            Self::Incoming { .. } | Self::Association | Self::AddIncoming { .. } => None,
        }
    }
}

/// A request that was not answered yet.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) number: RequestNumber,
    pub(super) change: Change,
    /// Whether it is to leave now.
    pub(super) is_due: bool,
    /// When it is to leave again; none before it first left.
    pub(super) deadline: Option<Instant>,
    /// How often the timeout is doubled.
    pub(super) doublings: u32,
    /// Whether the peer said that it is at it: then silence is no error (RFC 6525 §5.2.7 H2).
    pub(super) is_in_progress: bool,
}

impl Request {
    pub(super) const fn new(number: RequestNumber, change: Change) -> Self {
        Self { number, change, is_due: true, deadline: None, doublings: 0, is_in_progress: false }
    }

    /// Whether it may wait while something else is asked: the peer is at it, and will ask itself in turn.
    pub(super) const fn can_step_back(&self) -> bool {
        self.is_in_progress
            && matches!(self.change, Change::Incoming { .. } | Change::AddIncoming { .. })
    }

    /// The same, to leave once more.
    pub(super) const fn repeated(mut self) -> Self {
        self.is_due = true;
        self
    }

    /// As it stands in the chunk, the same each time.
    pub(super) fn parameter(&self) -> Parameter<'_> {
        let number = self.number;
        match &self.change {
            Change::Outgoing { streams, last_tsn, answers, .. } => {
                Parameter::OutgoingReset(OutgoingReset {
                    number,
                    answers: *answers,
                    last_tsn: *last_tsn,
                    streams: List::from(streams.as_slice()),
                })
            }
            Change::Incoming { streams } => Parameter::IncomingReset(IncomingReset {
                number,
                streams: List::from(streams.as_slice()),
            }),
            Change::Association => Parameter::AssociationReset(AssociationReset { number }),
            &Change::AddOutgoing { count, .. } => {
                Parameter::AddOutgoing(AddStreams { number, count })
            }
            &Change::AddIncoming { count } => Parameter::AddIncoming(AddStreams { number, count }),
        }
    }
}
