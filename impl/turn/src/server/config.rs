//! How a server is set up.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use base::WallTime;
use crypto::Provider;
use stun::{RateLimit, Redirect};

use super::{accounts::Accounts, policy::Policy};

/// Longest 401 in bytes: a challenge is sent to whoever's address is in the datagram.
pub const MAX_CHALLENGE: usize = 128;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The cryptography.
    pub provider: Provider,
    /// The date at the moment of [`Server::new`](super::Server::new), for credentials that expire.
    pub wall_time: WallTime,
    /// Where clients are served over UDP. The server opens these sockets itself.
    pub udp: Vec<SocketAddr>,
    /// Where clients are served over TCP. The server listens there itself; where the driver ends TLS
    /// on an address, the server sees TCP.
    pub tcp: Vec<SocketAddr>,
    /// The IPv4 address that is relayed from; `None` if none is, and clients that want one get a 440.
    pub relay_v4: Option<RelayAddress>,
    /// The IPv6 address that is relayed from; `None` if none is.
    pub relay_v6: Option<RelayAddress>,
    /// Ports that are relayed from, first and last: RFC 8656 §7.2 wants 49152 to 65535, and no server
    /// should give away ports below 1024.
    pub relay_ports: RangeInclusive<u16>,
    /// Who is served.
    pub accounts: Accounts,
    /// Which peers may be relayed to.
    pub policy: Policy,
    /// How much everybody gets.
    pub quotas: Quotas,
    /// Lifetime of an allocation whose client asks for none, or for less: 600 s by default.
    pub default_lifetime: Duration,
    /// Longest lifetime of an allocation: 3,600 s by default.
    pub max_lifetime: Duration,
    /// How many answers to requests without a good credential one source gets: 10 a second by default.
    /// A source is an IPv4 address or an IPv6 network of 64 bits.
    pub challenge_limit: RateLimit,
    /// How many answers to Binding requests one source gets.
    pub binding_limit: RateLimit,
    /// Whether clients may have connections to peers relayed (RFC 6062). Off by default: it makes the
    /// server a proxy for TCP.
    pub tcp_relay: bool,
    /// Whether channels may have numbers up to 0x7fff, as before RFC 8656, for clients that have not heard
    /// of it. Off by default: RFC 8656 §12.2 gives them a 400.
    pub channels_of_old: bool,
    /// Whether the driver sends what goes out of relay sockets unfragmented, so that DONT-FRAGMENT can
    /// be heeded: RFC 8656 §14. Without it, requests that have the attribute get a 420.
    pub dont_fragment: bool,
    /// Where to send clients instead of giving them allocations: RFC 8656 §7.2, step 11.
    pub redirect: Option<Redirect>,
    /// Most datagrams in one [`Transmit`](base::Transmit): 1 for a driver that cannot send batches.
    pub max_segments: usize,
    /// What the server says of itself to clients with a good credential; nothing by default.
    pub software: Option<String>,
}

impl ServerConfig {
    /// A server for `accounts` at the ports of RFC 8656, that relays from nowhere yet.
    #[must_use]
    pub fn new(provider: Provider, accounts: Accounts, wall_time: WallTime) -> Self {
        Self {
            provider,
            wall_time,
            udp: Vec::new(),
            tcp: Vec::new(),
            relay_v4: None,
            relay_v6: None,
            relay_ports: 49_152..=65_535,
            accounts,
            policy: Policy::new(),
            quotas: Quotas::default(),
            default_lifetime: Duration::from_secs(600),
            max_lifetime: Duration::from_secs(3_600),
            challenge_limit: RateLimit { per_second: 10, burst: 10 },
            binding_limit: RateLimit::default(),
            tcp_relay: false,
            channels_of_old: false,
            dont_fragment: false,
            redirect: None,
            max_segments: 1,
            software: None,
        }
    }

    /// The same server, serving over UDP at `address` and relaying from its IP address.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.udp.push(address);
        match address.ip() {
            IpAddr::V4(_) => self.relay_v4 = Some(RelayAddress::new(address.ip())),
            IpAddr::V6(_) => self.relay_v6 = Some(RelayAddress::new(address.ip())),
        }
        self
    }

    /// Whether the parts fit together.
    ///
    /// # Errors
    ///
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let family = |relay: Option<RelayAddress>, is_v4: bool| {
            relay.is_none_or(|relay| relay.bind.is_ipv4() == is_v4 && relay.seen.is_ipv4() == is_v4)
        };
        if self.relay_ports.is_empty() || *self.relay_ports.start() == 0 {
            return Err(ConfigError::NoPorts);
        }
        if !family(self.relay_v4, true) || !family(self.relay_v6, false) {
            return Err(ConfigError::RelayOfOtherFamily);
        }
        if self.relay_v4.is_none() && self.relay_v6.is_none() {
            return Err(ConfigError::NoRelay);
        }
        if self.default_lifetime < MIN_LIFETIME || self.default_lifetime > self.max_lifetime {
            return Err(ConfigError::Lifetimes);
        }
        let length = self.accounts.challenge_length();
        if length > MAX_CHALLENGE {
            return Err(ConfigError::LongChallenge { length });
        }
        Ok(())
    }
}

/// Shortest default lifetime that [`ServerConfig::check`] takes: a client is to refresh a minute before
/// the end (RFC 8656 §8).
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// Why a configuration makes no server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No port to relay from.
    #[error("the range of relay ports is empty or begins with 0")]
    NoPorts,
    /// An address in the place of the other family.
    #[error("a relay address is of the other family")]
    RelayOfOtherFamily,
    /// No address to relay from.
    #[error("there is no address to relay from")]
    NoRelay,
    /// The default lifetime is below a minute, or above the longest.
    #[error("the default lifetime is not between 60 s and the longest one")]
    Lifetimes,
    /// Realm and server name make the 401 too good an amplifier.
    #[error("a challenge would have {length} bytes, more than 128: shorten realm or server name")]
    LongChallenge {
        /// Bytes of a 401.
        length: usize,
    },
}

/// An address that is relayed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RelayAddress {
    /// The address of the host.
    pub bind: IpAddr,
    /// The same as peers see it: another one if the host is behind a NAT that translates one address to
    /// one other and keeps ports.
    pub seen: IpAddr,
}

impl RelayAddress {
    /// An address that peers see as it is.
    #[must_use]
    pub const fn new(ip: IpAddr) -> Self {
        Self { bind: ip, seen: ip }
    }
}

/// How much everybody gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Allocations of one user at a time; the next one gets a 486.
    pub allocations_per_user: usize,
    /// Allocations of all users at a time; the next one gets a 508.
    pub allocations: usize,
    /// Permissions of one allocation at a time; the next one gets a 508.
    pub permissions: usize,
    /// Channels of one allocation at a time; the next one gets a 508.
    pub channels: usize,
    /// Connections to peers of one allocation at a time (RFC 6062); the next one gets a 508.
    pub connections: usize,
    /// Connections of clients and peers at a time; the next one is closed.
    pub streams: usize,
    /// Application data of one user in both directions together; what is beyond is dropped.
    pub user_bandwidth: Option<Bandwidth>,
    /// Application data of all users in both directions together; what is beyond is dropped.
    pub total_bandwidth: Option<Bandwidth>,
}

impl Default for Quotas {
    /// Ten allocations a user, 64 permissions and channels each, no limit of bandwidth.
    fn default() -> Self {
        Self {
            allocations_per_user: 10,
            allocations: 16_384,
            permissions: 64,
            channels: 64,
            connections: 16,
            streams: 4_096,
            user_bandwidth: None,
            total_bandwidth: None,
        }
    }
}

/// A rate with some room above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bytes per second in the long run.
    pub bytes_per_second: u64,
    /// Bytes in one go.
    pub burst: u64,
}

impl Bandwidth {
    /// So many bytes per second, and a quarter of a second's worth, at least 64 KiB, in one go.
    #[must_use]
    pub const fn new(bytes_per_second: u64) -> Self {
        let quarter = bytes_per_second / 4;
        Self { bytes_per_second, burst: if quarter > 65_536 { quarter } else { 65_536 } }
    }
}
