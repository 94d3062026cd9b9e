//! What the suite asks of an ICE agent, and of a reader and writer of candidates.
//!
//! An agent is a machine: the network carries its datagrams, virtual time is told to it. Candidates cross
//! this border as the text of RFC 8839 §5.1, parameters as plain strings.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Instant, Interface, Machine};

use super::stun::Refusal;

/// Which side nominates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceRole {
    /// Picks the pair that is used.
    Controlling,
    /// Goes along.
    Controlled,
}

impl IceRole {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// How an agent is to be set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceConfig {
    /// The role it begins with.
    pub role: IceRole,
    /// Whether it is lite.
    pub lite: bool,
    /// How many components it has, 1 or 2.
    pub components: u8,
    /// Ta; its own default if `None`.
    pub pacing: Option<Duration>,
    /// Most candidate pairs it keeps; its own default if `None`.
    pub pair_limit: Option<usize>,
    /// STUN servers it asks for reflexive addresses.
    pub servers: Vec<SocketAddr>,
    /// Whether host candidates show mDNS names in place of addresses.
    pub hides_addresses: bool,
    /// Its tie-breaker; drawn if `None`.
    pub tie_breaker: Option<u64>,
    /// Whether it asks for consent (RFC 7675 §5.1).
    pub consent: bool,
}

impl IceConfig {
    /// A full agent with one component and nothing special.
    #[must_use]
    pub const fn new(role: IceRole) -> Self {
        Self {
            role,
            lite: false,
            components: 1,
            pacing: None,
            pair_limit: None,
            servers: Vec::new(),
            hides_addresses: false,
            tie_breaker: None,
            consent: true,
        }
    }
}

/// What one side tells the other besides candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IceParameters {
    /// The username fragment.
    pub ufrag: String,
    /// The password.
    pub pwd: String,
    /// The options, such as `ice2`; empty if the subject does not say.
    pub options: Vec<String>,
    /// Whether this side is lite.
    pub lite: bool,
}

/// An ICE agent for one data stream.
pub trait IceAgent: Machine<Event = IceEvent> {
    /// Gives it a local address to send from, on which its datagrams arrive.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not want it.
    fn add_local(&mut self, now: Instant, component: u8, local: SocketAddr) -> Result<(), Refusal>;

    /// Which addresses of a host it takes for candidates, best first.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it leaves that to its user.
    fn host_addresses(&self, interfaces: &[Interface]) -> Result<Vec<IpAddr>, Refusal> {
        let _ = interfaces;
        Err(Refusal::Unsupported)
    }

    /// Takes a local address away.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn remove_local(&mut self, now: Instant, local: SocketAddr) -> Result<(), Refusal> {
        let _ = (now, local);
        Err(Refusal::Unsupported)
    }

    /// Tells it what a STUN server said that one of its addresses looks like.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot be told.
    fn add_reflexive(
        &mut self,
        now: Instant,
        base: SocketAddr,
        mapped: SocketAddr,
    ) -> Result<(), Refusal> {
        let _ = (now, base, mapped);
        Err(Refusal::Unsupported)
    }

    /// Gives it a relayed address that a layer below has: what it sends from there arrives from there.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn add_relayed(
        &mut self,
        now: Instant,
        relayed: SocketAddr,
        mapped: SocketAddr,
    ) -> Result<(), Refusal> {
        let _ = (now, relayed, mapped);
        Err(Refusal::Unsupported)
    }

    /// Says that no further local addresses come.
    fn finish_locals(&mut self, now: Instant) {
        let _ = now;
    }

    /// Its own parameters.
    fn parameters(&self) -> IceParameters;

    /// Tells it the other side's parameters.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not take them.
    fn set_remote(&mut self, now: Instant, parameters: &IceParameters) -> Result<(), Refusal>;

    /// Tells it a candidate of the other side: a text such as
    /// `candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host`.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it does not take it.
    fn add_candidate(&mut self, now: Instant, candidate: &str) -> Result<(), Refusal>;

    /// Says that the other side has no further candidates.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it knows no such thing.
    fn end_of_candidates(&mut self, now: Instant) -> Result<(), Refusal> {
        let _ = now;
        Err(Refusal::Unsupported)
    }

    /// Restarts: it has new parameters afterwards, and wants the other side's new ones.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn restart(&mut self, now: Instant) -> Result<(), Refusal>;

    /// Sends data over the path it has.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it has none, or may not use it.
    fn send(&mut self, now: Instant, component: u8, payload: &[u8]) -> Result<(), Refusal>;

    /// Its present role.
    fn role(&self) -> IceRole;

    /// The selected pair of a component: its own base and the other side's address.
    fn selected(&self, component: u8) -> Option<(SocketAddr, SocketAddr)>;

    /// Answers [`IceEvent::Resolve`].
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it never asks.
    fn resolved(
        &mut self,
        now: Instant,
        name: &str,
        address: Option<IpAddr>,
    ) -> Result<(), Refusal> {
        let _ = (now, name, address);
        Err(Refusal::Unsupported)
    }

    /// Ends the session.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it cannot.
    fn close(&mut self, now: Instant) -> Result<(), Refusal> {
        let _ = now;
        Err(Refusal::Unsupported)
    }
}

/// How an agent says it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceState {
    /// Nothing to check yet.
    New,
    /// Checks are under way.
    Checking,
    /// There is a usable path.
    Connected,
    /// There is a path, and nothing is left to check.
    Completed,
    /// The path does not answer just now.
    Disconnected,
    /// There is no path.
    Failed,
    /// Ended by command.
    Closed,
}

impl IceState {
    /// Whether data can flow.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Completed)
    }
}

/// What an agent reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IceEvent {
    /// A local candidate for the other side, as text.
    Candidate(String),
    /// All local candidates have been reported.
    GatheringFinished,
    /// It stands differently.
    State(IceState),
    /// A path is selected.
    Selected {
        /// The component.
        component: u8,
        /// Its own base.
        local: SocketAddr,
        /// The other side's address.
        remote: SocketAddr,
    },
    /// Its role has changed.
    Role(IceRole),
    /// It wants to know the address behind a name.
    Resolve(String),
    /// Data from the other side.
    Data {
        /// The component.
        component: u8,
        /// The bytes.
        payload: Vec<u8>,
    },
    /// Something else, for people.
    Other(String),
}

/// A candidate as a subject reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateFields {
    /// The foundation.
    pub foundation: String,
    /// The component.
    pub component: u16,
    /// The transport in lower case.
    pub transport: String,
    /// The priority.
    pub priority: u32,
    /// IP address or name.
    pub address: String,
    /// The port.
    pub port: u16,
    /// `host`, `srflx`, `prflx` or `relay`.
    pub kind: String,
    /// raddr and rport.
    pub related: Option<(String, u16)>,
    /// `active`, `passive` or `so`.
    pub tcp_type: Option<String>,
}

/// A reader and writer of candidates.
pub trait IceCodec {
    /// Reads a candidate.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the text is none.
    fn read(&self, text: &str) -> Result<CandidateFields, Refusal>;

    /// Reads a candidate and writes it again.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the text is none, or it cannot write.
    fn rewrite(&self, text: &str) -> Result<String, Refusal>;
}
