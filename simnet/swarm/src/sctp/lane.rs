//! What an application sends of one direction of a flow.

use base::Instant;

use super::message::Key;

/// One direction of a flow, as its sender sees it.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// The flow, and which of its channels or streams it is at.
    pub(crate) key: Key,
    pub(crate) phase: Phase,
    /// The number of the next message.
    pub(crate) next: u32,
    /// When the next thing is to be done.
    pub(crate) due: Option<Instant>,
}

/// How far a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is no channel yet.
    Idle,
    /// Messages go out on this channel or stream.
    Sending(u16),
    /// The same, once there is room.
    Blocked(u16),
    /// All were sent, and the channel or stream is being closed or begun anew.
    Finishing(u16),
    /// All was sent and done.
    Done,
}

impl Lane {
    pub(crate) const fn new(flow: usize, direction: usize, epoch: u32) -> Self {
        let key = Key { flow, direction, epoch, round: 0 };
        Self { key, phase: Phase::Idle, next: 0, due: None }
    }

    /// The channel or stream it is at.
    pub(crate) const fn id(&self) -> Option<u16> {
        match self.phase {
            Phase::Sending(id) | Phase::Blocked(id) | Phase::Finishing(id) => Some(id),
            Phase::Idle | Phase::Done => None,
        }
    }

    /// The next round, when there is a channel again.
    pub(crate) const fn advance(&mut self, due: Instant) {
        self.key.round += 1;
        self.next = 0;
        self.phase = Phase::Idle;
        self.due = Some(due);
    }

    /// The association began anew.
    pub(crate) const fn restart(&mut self, epoch: u32, due: Option<Instant>) {
        self.key.epoch = epoch;
        self.key.round = 0;
        self.next = 0;
        self.phase = Phase::Idle;
        self.due = due;
    }
}
