//! One connection.

use std::net::SocketAddr;

use base::{Instant, StreamId};

use super::{
    MAX_UNVALIDATED_FRAME,
    framing::{Deframed, Deframer, MAX_FRAME},
};
use crate::candidate::TcpType;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: StreamId,
    /// The address of our candidate until it is open, then ours.
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    /// Of our candidate.
    pub(super) tcp_type: TcpType,
    pub(super) progress: Progress,
    /// What the driver holds, as it said last.
    pub(super) unsent: usize,
    deframer: Deframer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Connecting { deadline: Instant },
    Unvalidated { deadline: Instant },
    Validated,
}

impl Connection {
    pub(super) const fn connecting(
        id: StreamId,
        local: SocketAddr,
        remote: SocketAddr,
        tcp_type: TcpType,
        deadline: Instant,
    ) -> Self {
        let progress = Progress::Connecting { deadline };
        Self { id, local, remote, tcp_type, progress, unsent: 0, deframer: Deframer::new() }
    }

    pub(super) const fn accepted(
        id: StreamId,
        local: SocketAddr,
        remote: SocketAddr,
        tcp_type: TcpType,
        deadline: Instant,
    ) -> Self {
        let progress = Progress::Unvalidated { deadline };
        Self { id, local, remote, tcp_type, progress, unsent: 0, deframer: Deframer::new() }
    }

    pub(super) const fn is_open(&self) -> bool {
        !matches!(self.progress, Progress::Connecting { .. })
    }

    pub(super) const fn is_validated(&self) -> bool {
        matches!(self.progress, Progress::Validated)
    }

    pub(super) const fn validate(&mut self) {
        if self.is_open() {
            self.progress = Progress::Validated;
        }
    }

    /// Whether somebody opened it of whom nothing is known.
    pub(super) const fn is_stranger(&self) -> bool {
        self.id.is_accepted() && matches!(self.progress, Progress::Unvalidated { .. })
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.progress {
            Progress::Connecting { deadline } | Progress::Unvalidated { deadline } => {
                Some(deadline)
            }
            Progress::Validated => None,
        }
    }

    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Whether it is the connection of that pair. An active candidate has a new port each time.
    pub(super) fn is_of(&self, local: SocketAddr, remote: SocketAddr, tcp_type: TcpType) -> bool {
        let is_local = match tcp_type {
            TcpType::Active => self.local.ip() == local.ip(),
            TcpType::Passive | TcpType::So => self.local == local,
        };
        self.tcp_type == tcp_type && self.remote == remote && is_local
    }

    pub(super) fn deframe<'a>(
        &mut self,
        bytes: &mut &'a [u8],
        scratch: &mut Vec<u8>,
    ) -> Deframed<'a> {
        let longest = if self.is_validated() { MAX_FRAME } else { MAX_UNVALIDATED_FRAME };
        self.deframer.next(bytes, scratch, longest)
    }
}
