//! What an ICE endpoint is to the laboratory, whoever wrote it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use base::{Instant, Machine, Rng};
use ice::{Candidate, Kind, Parameters, Ufrag};

/// An ICE endpoint: a machine that opens its own sockets, and is told what signalling brings.
///
/// The laboratory puts it on a host, tells it to begin, and carries its letters to the other side. To have
/// another implementation of ICE on a host, implement this trait for it and hand a [`Factory`] to
/// [`matrix::run_with`](crate::matrix::run_with), or put it on the host of a world with
/// [`World::seat`](crate::World::seat).
pub trait IceEndpoint: Machine<Event = News> {
    /// Begins: looks for candidates, and tells the other side of itself in [`News::Tell`].
    fn begin(&mut self, now: Instant);

    /// A letter of the other side has come.
    fn hear(&mut self, now: Instant, letter: &Letter);

    /// Begins a new generation, if it can.
    fn restart(&mut self, now: Instant) {
        let _ = now;
    }

    /// Sends application data by the pair in use; whether it could.
    fn send(&mut self, now: Instant, payload: &[u8]) -> bool;

    /// Figures for the report.
    fn figures(&self) -> IceFigures;

    /// What it believes, in sentences, for the report.
    fn beliefs(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What one side tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// A generation begins, with these parameters: an offer or an answer.
    Parameters(Parameters),
    /// A candidate of the generation with this username fragment.
    Candidate {
        /// The username fragment of the sender.
        ufrag: Ufrag,
        /// The candidate.
        candidate: Candidate,
    },
    /// No more candidates of the generation with this username fragment.
    End {
        /// The username fragment of the sender.
        ufrag: Ufrag,
    },
}

/// What an endpoint reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A letter for the other side.
    Tell(Letter),
    /// A pair is in use: nominated, or taken for good.
    Selected {
        /// Type of the local candidate, as the endpoint knows it.
        local: Kind,
        /// Type of the remote candidate.
        remote: Kind,
    },
    /// The path answers no more.
    Lost,
    /// There is no path, and the endpoint has given up.
    Failed,
    /// Application data came.
    Data(Vec<u8>),
}

/// Figures of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IceFigures {
    /// Checks it sent, retransmissions not counted.
    pub checks: u64,
    /// Checks that were answered.
    pub answered: u64,
    /// Checks it sent again.
    pub retransmissions: u64,
    /// How often it began a new generation.
    pub restarts: u64,
    /// Bytes of application data it sent.
    pub bytes_sent: u64,
    /// Bytes of application data it received.
    pub bytes_received: u64,
}

/// How an endpoint is to be.
#[derive(Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Whether it decides which pair is used.
    pub controlling: bool,
    /// The servers that help it.
    pub servers: Vec<Server>,
    /// Whether it may be seen through relays alone.
    pub relay_only: bool,
    /// Whether it is lite.
    pub lite: bool,
    /// Whether it nominates aggressively.
    pub aggressive: bool,
    /// Whether it offers renomination.
    pub renomination: bool,
    /// Whether it has TCP candidates.
    pub tcp: bool,
    /// The UDP port it sends from; any if 0.
    pub port: u16,
    /// Time between two checks: Ta of RFC 8445 §14.2.
    pub pace: Duration,
    /// Its dice.
    pub rng: Rng,
}

/// A server that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// A STUN server.
    Stun(SocketAddr),
    /// A TURN server.
    Turn {
        /// Its address.
        address: SocketAddr,
        /// How it is spoken to.
        transport: TurnTransport,
        /// Who is served.
        username: String,
        /// With which password.
        password: String,
    },
}

/// How a TURN server is spoken to.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum TurnTransport {
    /// Over UDP.
    #[default]
    Udp,
    /// Over TCP.
    Tcp,
    /// Over TLS, which the simulator carries as TCP.
    Tls,
}

/// Makes endpoints.
pub type Factory = Arc<dyn Fn(Setup, Instant) -> Box<dyn IceEndpoint> + Send + Sync>;

impl Machine for Box<dyn IceEndpoint> {
    type Event = News;

    fn handle_datagram(&mut self, now: Instant, datagram: base::Datagram<'_>) {
        (**self).handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: base::SocketError) {
        (**self).handle_socket_error(now, error);
    }

    fn handle_stream(&mut self, now: Instant, input: base::StreamInput<'_>) {
        (**self).handle_stream(now, input);
    }

    fn handle_socket(&mut self, now: Instant, input: base::SocketInput) {
        (**self).handle_socket(now, input);
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[base::Interface]) {
        (**self).handle_interfaces(now, interfaces);
    }

    fn handle_timeout(&mut self, now: Instant) {
        (**self).handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<base::Transmit> {
        (**self).poll_transmit(now, buffer)
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<base::StreamCommand> {
        (**self).poll_stream(now, buffer)
    }

    fn poll_socket(&mut self) -> Option<base::SocketCommand> {
        (**self).poll_socket()
    }

    fn poll_event(&mut self) -> Option<News> {
        (**self).poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }
}
