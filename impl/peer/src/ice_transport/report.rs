//! What a transport says of itself.

use std::{net::SocketAddr, ops::Range};

use ice::DropReason;
use stun::wire::Code;

use super::relay::{Phase, Relay};

/// What came of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was dealt with: ask for events and for what is to be sent.
    Handled,
    /// It is application data for this component, from a path that was checked.
    Application {
        /// The component.
        component: u8,
        /// Where in the datagram the data lies: all of it, unless a server relayed it.
        range: Range<usize>,
    },
    /// It was dropped, and counted.
    Dropped(DropReason),
}

/// An allocation at a TURN server, or the attempt to have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayReport {
    /// The server as it was configured.
    pub server: SocketAddr,
    /// How it is spoken to.
    pub transport: turn::Transport,
    /// The component it is for.
    pub component: u8,
    /// The local address it is for; the port means nothing over TCP.
    pub base: SocketAddr,
    /// Where it stands.
    pub state: RelayState,
    /// The relayed addresses, while it is live.
    pub relayed: Vec<SocketAddr>,
    /// What the server answered when it last refused.
    pub code: Option<Code>,
}

/// Where an allocation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelayState {
    /// It is asked for, or will be.
    Pending,
    /// It is there.
    Live,
    /// It cannot be had, for now.
    Failed,
    /// It was given back.
    Released,
}

/// Figures of a transport besides those of its [agent](super::IceTransport::agent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportStats {
    /// Allocations that the servers granted.
    pub allocations: u64,
    /// Allocations that were lost and not given back.
    pub allocations_lost: u64,
    /// Datagrams dropped because the driver did not take them: [`MAX_QUEUED`](super::MAX_QUEUED).
    pub dropped_unpolled: u64,
    /// Checks dropped because too many waited for a permission.
    pub dropped_unpermitted: u64,
    /// Checks dropped because the server refused the permission, or had no allocation any more.
    pub dropped_unrelayed: u64,
    /// Application data dropped because nobody took the events: [`MAX_EVENTS`](super::MAX_EVENTS).
    pub dropped_data: u64,
}

impl Relay {
    pub(super) fn report(&self) -> RelayReport {
        RelayReport {
            server: self.server.address,
            transport: self.server.transport.clone(),
            component: self.component,
            base: self.base,
            state: match self.phase {
                Phase::Waiting { .. } if self.is_settled => RelayState::Failed,
                Phase::Waiting { .. } | Phase::Asking | Phase::Moving => RelayState::Pending,
                Phase::Live(_) => RelayState::Live,
                Phase::GivenUp => RelayState::Failed,
                Phase::Leaving | Phase::Gone => RelayState::Released,
            },
            relayed: match &self.phase {
                Phase::Live(allocation) => allocation.relayed().collect(),
                _ => Vec::new(),
            },
            code: self.code(),
        }
    }
}
