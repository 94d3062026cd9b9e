//! The TURN server.

use base::{
    Datagram, Instant, Machine, Rng, SocketCommand, SocketError, SocketInput, StreamCommand,
    StreamInput, Transmit, WallTime,
};
use crypto::Provider;
use stun::{RateLimit, Redirect};
use turn::server::{Accounts, Bandwidth, Policy, Quotas, RelayAddress};

use crate::subjects::turn::{Peers, TurnServer, TurnServerConfig};

pub(super) struct Server(turn::Server);

/// More than any case wants of anything.
const PLENTY: usize = 10_000;

impl Server {
    /// A server set up as `config` says, if it can be.
    pub(super) fn new(provider: Provider, config: &TurnServerConfig, rng: Rng) -> Option<Self> {
        let mut accounts = Accounts::new(config.realm).ok()?;
        for user in &config.users {
            accounts = accounts.with_user(provider, &user.username, &user.password).ok()?;
        }
        accounts.nonce_lifetime = config.nonce_lifetime;
        accounts.offers_anonymity = true;
        let mut server = turn::ServerConfig::new(provider, accounts, WallTime::UNIX_EPOCH);
        server.udp.clone_from(&config.addresses);
        if config.tcp {
            server.tcp.clone_from(&config.addresses);
        }
        for ip in &config.relays {
            let relay = Some(RelayAddress::new(*ip));
            match ip.is_ipv4() {
                true => server.relay_v4 = relay,
                false => server.relay_v6 = relay,
            }
        }
        server.relay_ports = config.ports.clone();
        server.policy = match config.peers {
            Peers::Any => Policy::for_laboratories(),
            Peers::Public => Policy::new(),
        };
        server.quotas = quotas(config);
        server.max_lifetime = config.max_lifetime;
        if !config.challenge_cap {
            server.challenge_limit = RateLimit { per_second: 0, burst: 0 };
        }
        server.tcp_relay = config.tcp_relay;
        server.redirect = config.alternate.map(|alternate| Redirect {
            ipv4: Some(alternate.v4),
            ipv6: Some(alternate.v6),
            domain: None,
        });
        server.software = config.software.map(str::to_owned);
        turn::Server::new(server, rng, Instant::ZERO).ok().map(Self)
    }
}

fn quotas(config: &TurnServerConfig) -> Quotas {
    let wanted = config.quotas;
    Quotas {
        allocations_per_user: wanted.allocations.unwrap_or(PLENTY),
        permissions: wanted.permissions.unwrap_or(PLENTY),
        channels: wanted.channels.unwrap_or(PLENTY),
        user_bandwidth: wanted.bandwidth.map(Bandwidth::new),
        ..Quotas::default()
    }
}

impl TurnServer for Server {}

impl Machine for Server {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.0.handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.0.handle_socket_error(now, error);
    }

    fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) {
        self.0.handle_stream(now, input);
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        self.0.handle_socket(now, input);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.0.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.0.poll_transmit(now, buffer)
    }

    fn poll_stream(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<StreamCommand> {
        self.0.poll_stream(now, buffer)
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.0.poll_socket()
    }

    fn poll_event(&mut self) -> Option<()> {
        self.0.poll_event().map(drop)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }
}
