//! Where an agent stands.

use std::fmt;

/// Where an agent stands: the states of the W3C's `RTCIceTransportState`, and what they mean here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The parameters of the peer are not known.
    #[default]
    New,
    /// Looking for a path.
    Checking,
    /// Every component has a path that carries data; the pairs are not all nominated.
    Connected,
    /// Every component has a nominated pair.
    Completed,
    /// The path of a component answers no more, and no other has taken its place. Data is still sent for
    /// as long as there is consent. See [`Agent`](crate::Agent) for the times.
    Disconnected,
    /// There is no path, and the agent has given up. A restart begins anew.
    Failed,
    /// [`Agent::close`](crate::Agent::close) was called.
    Closed,
}

/// Who chooses the pairs: RFC 8445 §6.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// This side nominates.
    Controlling,
    /// The peer nominates.
    Controlled,
}

impl Role {
    /// The other role.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

impl State {
    /// Whether data can be sent.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Completed)
    }
}

impl fmt::Display for State {
    /// As the W3C writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Completed => "completed",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Controlling => "controlling",
            Self::Controlled => "controlled",
        })
    }
}
