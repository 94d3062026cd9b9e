//! How a transport is set up.

use std::{net::SocketAddr, time::Duration};

use stun::{Credential, Timing, Unprepared};

/// How a transport is set up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IceTransportConfig {
    /// The agent. Its list of STUN servers is taken over, and those of `servers` added.
    pub ice: ice::Config,
    /// The servers that help, in the order of preference. Default: none.
    pub servers: Vec<IceServer>,
    /// Which candidates are offered and used. Default: all.
    pub policy: Policy,
    /// Which TCP candidates are offered (RFC 6544 §5.1). Default: none.
    pub tcp: TcpCandidates,
    /// Families of the relayed addresses that TURN servers are asked for. Default: both.
    pub relay_families: turn::Families,
    /// The local UDP port of the first component; the next one has the next port. 0 lets the system
    /// choose, which is the default.
    pub port: u16,
    /// Whether loopback addresses are offered, which RFC 8445 §5.1.1.1 rules out between hosts: for
    /// programs that test on one host. Default: off.
    pub loopback: bool,
}

impl IceTransportConfig {
    /// An agent without servers.
    #[must_use]
    pub const fn new(ice: ice::Config) -> Self {
        Self {
            ice,
            servers: Vec::new(),
            policy: Policy::All,
            tcp: TcpCandidates::NONE,
            relay_families: turn::Families::Dual,
            port: 0,
            loopback: false,
        }
    }
}

/// A server that helps peers to meet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum IceServer {
    /// A STUN server, asked how the host looks from outside.
    Stun(SocketAddr),
    /// A TURN server, asked to relay. Over UDP it is asked as a STUN server too.
    Turn(TurnServer),
}

/// A TURN server.
#[derive(Clone, Debug)]
pub struct TurnServer {
    /// Its address.
    pub address: SocketAddr,
    /// How it is spoken to. [`turn::Transport::Dtls`] needs a layer that is not here: such a server is
    /// passed over.
    pub transport: turn::Transport,
    /// Who the host is to it; anybody if `None`.
    pub credential: Option<Credential>,
    /// The timers of requests to it: [`TurnServer::TIMING`] unless they are set.
    pub timing: Timing,
}

impl TurnServer {
    /// The timers of requests to TURN servers: four retransmissions instead of six (RFC 8489 §6.2.1 lets
    /// Rc and Rm be configured). A server that answers again after a while is then heard of within 5 s
    /// instead of 24 s, because a failed allocation is tried again.
    pub const TIMING: Timing =
        Timing { rto: Duration::from_millis(500), rc: 5, rm: 8, ti: Duration::from_millis(39_500) };

    /// A server at `address`, spoken to over `transport`, that serves anybody.
    #[must_use]
    pub const fn new(address: SocketAddr, transport: turn::Transport) -> Self {
        Self { address, transport, credential: None, timing: Self::TIMING }
    }
}

impl IceServer {
    /// A TURN server with a username and a password: RFC 8489 §9.2.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn turn(
        address: SocketAddr,
        transport: turn::Transport,
        username: &str,
        password: &str,
    ) -> Result<Self, Unprepared> {
        let credential = Some(Credential::long_term(username, password)?);
        Ok(Self::Turn(TurnServer { credential, ..TurnServer::new(address, transport) }))
    }
}

/// Which candidates are offered and used: RFC 8828 §5.2, W3C `iceTransportPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// All of them.
    #[default]
    All,
    /// Relayed ones only: nothing is sent to anyone but the TURN servers, and the peer learns no address
    /// of the host.
    Relay,
}

/// Which TCP candidates are offered: RFC 6544 §5.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpCandidates {
    /// Opens connections to the peer.
    pub active: bool,
    /// Accepts connections of the peer.
    pub passive: bool,
    /// Both sides open at once.
    pub simultaneous: bool,
}

impl TcpCandidates {
    /// None.
    pub const NONE: Self = Self { active: false, passive: false, simultaneous: false };
    /// Those that work between most hosts: active and passive.
    pub const BOTH: Self = Self { active: true, passive: true, simultaneous: false };

    /// The types that are wanted.
    pub(super) fn types(self) -> impl Iterator<Item = ice::TcpType> {
        let Self { active, passive, simultaneous } = self;
        let wanted = [
            (active, ice::TcpType::Active),
            (passive, ice::TcpType::Passive),
            (simultaneous, ice::TcpType::So),
        ];
        wanted.into_iter().filter(|entry| entry.0).map(|entry| entry.1)
    }
}
