//! One request on its way through its transactions.

use std::net::SocketAddr;

use base::Instant;

use super::{Auth, FailReason, Request, RequestId};
use crate::{
    retransmission::{Due, Retransmission},
    wire::TransactionId,
};

/// A request, with the transaction it is in.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) request_id: RequestId,
    pub(crate) request: Request,
    pub(crate) id: TransactionId,
    /// The message, the same for every retransmission.
    pub(crate) bytes: Vec<u8>,
    pub(crate) auth: Auth,
    pub(crate) phase: Phase,
    /// Whether `bytes` wait to be handed over.
    pub(crate) is_unsent: bool,
    pub(crate) attempts: Attempts,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Sent over UDP.
    Unreliable {
        /// When something is due.
        timer: Retransmission,
        /// When it was first sent.
        began_at: Instant,
        /// Whether it was sent again; its round-trip time then means nothing.
        was_resent: bool,
        /// Whether a response came that was not authentic.
        is_violated: bool,
    },
    /// Sent over a reliable transport.
    Reliable {
        /// When it was sent.
        began_at: Instant,
        /// When it fails.
        deadline: Instant,
    },
    /// Waiting to be made again after an error of the server's own.
    Waiting {
        /// Until when.
        until: Instant,
    },
}

/// What was tried for a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    /// Nonces that were stale in a row.
    pub(crate) stale_nonces: u8,
    /// Errors of the server's own.
    pub(crate) server_errors: u8,
    /// Servers it was sent to, and when.
    pub(crate) servers: Vec<(SocketAddr, Instant)>,
}

/// What is due for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionDue {
    Nothing,
    Resend,
    /// It is over, for this reason.
    TimedOut(FailReason),
    /// The wait before another attempt is over.
    TryAgain,
}

impl Transaction {
    pub(crate) fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Unreliable { timer, .. } => timer.deadline(),
            Phase::Reliable { deadline, .. } => deadline,
            Phase::Waiting { until } => until,
        }
    }

    pub(crate) fn expire(&mut self, now: Instant) -> TransactionDue {
        match &mut self.phase {
            Phase::Unreliable { timer, was_resent, is_violated, .. } => match timer.expire(now) {
                Due::Nothing => TransactionDue::Nothing,
                Due::Send => {
                    *was_resent = true;
                    self.is_unsent = true;
                    TransactionDue::Resend
                }
                Due::GiveUp if *is_violated => {
                    TransactionDue::TimedOut(FailReason::IntegrityViolated)
                }
                Due::GiveUp => TransactionDue::TimedOut(FailReason::TimedOut),
            },
            Phase::Reliable { deadline, .. } if *deadline <= now => {
                TransactionDue::TimedOut(FailReason::TimedOut)
            }
            Phase::Waiting { until } if *until <= now => TransactionDue::TryAgain,
            Phase::Reliable { .. } | Phase::Waiting { .. } => TransactionDue::Nothing,
        }
    }

    /// Whether a message between these addresses may belong to it.
    pub(crate) fn is_on_path(&self, remote: SocketAddr, local: SocketAddr) -> bool {
        self.request.any_path
            || (self.request.server == remote
                && self.request.source.is_none_or(|source| source == local))
    }

    /// Whether it waits for a response.
    pub(crate) fn is_in_flight(&self) -> bool {
        !matches!(self.phase, Phase::Waiting { .. })
    }
}
