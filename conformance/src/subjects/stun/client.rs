//! Clients.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, Machine};

use super::{Authentication, Refusal};

/// How a client is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunClientConfig {
    /// The local address it sends from.
    pub local: SocketAddr,
    /// The server.
    pub server: SocketAddr,
    /// What carries its messages.
    pub transport: Transport,
    /// What it presents.
    pub authentication: Authentication,
    /// The integrity attribute both sides are known to have; `None` if that is not known.
    pub integrity: Option<Integrity>,
    /// The SOFTWARE it announces, if any.
    pub software: Option<&'static str>,
    /// Whether the usage employs FINGERPRINT (RFC 8489 §7).
    pub fingerprint: bool,
    /// Whether it uses the ALTERNATE-SERVER extension (RFC 8489 §10).
    pub alternate_server: bool,
    /// The initial retransmission timeout, if not the default of 500 ms.
    pub rto: Option<Duration>,
    /// How often it sends a request in all, if not the default of 7.
    pub rc: Option<u32>,
    /// How many RTOs it waits after the last sending, if not the default of 16.
    pub rm: Option<u32>,
    /// How long it waits over a reliable transport, if not the default of 39.5 s.
    pub ti: Option<Duration>,
}

impl StunClientConfig {
    /// A plain client of `server` over UDP with all the defaults.
    #[must_use]
    pub const fn new(local: SocketAddr, server: SocketAddr) -> Self {
        Self {
            local,
            server,
            transport: Transport::Udp,
            authentication: Authentication::None,
            integrity: None,
            software: None,
            fingerprint: false,
            alternate_server: false,
            rto: None,
            rc: None,
            rm: None,
            ti: None,
        }
    }
}

/// What carries a client's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams that may get lost.
    Udp,
    /// A connection. The suite's network carries each message in a packet of its own, in order and
    /// without loss, which is all that matters to a transaction.
    Tcp,
}

/// An integrity attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// MESSAGE-INTEGRITY.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256.
    Sha256,
}

/// A STUN client as a machine.
pub trait StunClient: Machine<Event = ClientEvent> {
    /// Starts a Binding transaction. Transactions are numbered from 0 in the order of these calls.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn start_binding(&mut self, now: Instant) -> Result<(), Refusal>;

    /// Sends a Binding indication.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn send_indication(&mut self, now: Instant) -> Result<(), Refusal> {
        let _ = now;
        Err(Refusal::Unsupported)
    }
}

/// What a client reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// A transaction succeeded.
    Success {
        /// Its number; a retry that the client makes by itself counts to the same transaction.
        transaction: usize,
        /// The reflexive address it learnt.
        mapped: Option<SocketAddr>,
    },
    /// The server answered with an error that the client does not handle itself.
    Error {
        /// The number of the transaction.
        transaction: usize,
        /// The code, 300 to 699.
        code: u16,
    },
    /// No answer came in time.
    TimedOut {
        /// The number of the transaction.
        transaction: usize,
    },
    /// No answer came in time, but forged ones did; or one came over a reliable transport.
    IntegrityViolated {
        /// The number of the transaction.
        transaction: usize,
    },
    /// The transaction ended for another reason.
    Failed {
        /// The number of the transaction.
        transaction: usize,
        /// The reason, for people.
        reason: String,
    },
}

impl ClientEvent {
    /// The transaction it is about.
    #[must_use]
    pub const fn transaction(&self) -> usize {
        match self {
            Self::Success { transaction, .. }
            | Self::Error { transaction, .. }
            | Self::TimedOut { transaction }
            | Self::IntegrityViolated { transaction }
            | Self::Failed { transaction, .. } => *transaction,
        }
    }
}
