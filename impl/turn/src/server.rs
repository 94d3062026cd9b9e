//! The server: RFC 8656, RFC 6062.

mod accounts;
mod config;
mod event;
mod policy;
mod stats;

use std::collections::VecDeque;

use base::{Datagram, Instant, Machine, Rng, SocketCommand, StreamCommand, StreamId, Transmit};

pub use accounts::{Accounts, MAX_SECRETS, TokenKey, Tokens};
pub use config::{Bandwidth, ConfigError, MAX_CHALLENGE, Quotas, RelayAddress, ServerConfig};
pub use event::{Client, ClientTransport, PrintableName, ReleaseReason, ServerEvent};
pub use policy::{Cidr, CidrError, Policy};
pub use stats::{DropReason, Drops, ServerStats, Traffic};

/// A TURN server.
///
/// It opens its sockets itself, with [`Machine::poll_socket`] and [`Machine::poll_stream`], those for
/// clients at birth and those to relay from when a client asks for one.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    now: Instant,
    sockets: VecDeque<SocketCommand>,
    streams: VecDeque<StreamCommand>,
    events: VecDeque<ServerEvent>,
    stats: ServerStats,
}

impl Server {
    /// A server that has served nobody yet.
    ///
    /// # Errors
    ///
    /// `ConfigError` if the parts of the configuration do not fit together.
    pub fn new(config: ServerConfig, _rng: Rng, now: Instant) -> Result<Self, ConfigError> {
        config.check()?;
        let sockets = config.udp.iter().map(|local| SocketCommand::Open { local: *local });
        let listen =
            |(n, local): (u64, &_)| StreamCommand::Listen { id: StreamId::own(n), local: *local };
        Ok(Self {
            sockets: sockets.collect(),
            streams: (0..).zip(&config.tcp).map(listen).collect(),
            config,
            now,
            events: VecDeque::new(),
            stats: ServerStats::default(),
        })
    }

    /// Makes no more allocations. Those there are live on to their end, or to `deadline`.
    pub fn drain(&mut self, now: Instant, deadline: Option<Instant>) {
        let _ = deadline;
        self.now = self.now.max(now);
        self.events.push_back(ServerEvent::Drained);
    }

    /// What the server has done so far.
    #[must_use]
    pub const fn stats(&self) -> ServerStats {
        self.stats
    }

    /// How the server is set up.
    #[must_use]
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }
}

impl Machine for Server {
    type Event = ServerEvent;

    fn handle_datagram(&mut self, now: Instant, _: Datagram<'_>) {
        self.now = self.now.max(now);
        self.stats.dropped.count(DropReason::Unexpected);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn poll_transmit(&mut self, _: Instant, _: &mut Vec<u8>) -> Option<Transmit> {
        None
    }

    fn poll_stream(&mut self, _: Instant, _: &mut Vec<u8>) -> Option<StreamCommand> {
        self.streams.pop_front()
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.sockets.pop_front()
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
