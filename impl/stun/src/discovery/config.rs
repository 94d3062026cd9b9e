//! How discovery is set up.

use std::{net::SocketAddr, time::Duration};

use crypto::Provider;

use crate::{Credential, Timing};

/// Most local addresses that are used.
pub const MAX_LOCAL_ADDRESSES: usize = 64;

/// How discovery is set up.
#[derive(Clone, Debug)]
pub struct DiscoveryConfig {
    /// The cryptography.
    pub provider: Provider,
    /// The server, at its primary address and port.
    pub server: SocketAddr,
    /// The local addresses to send from; no wildcards. The first is the one that is looked at. From
    /// two on, hairpinning, port assignment and lifetime can be seen; with three or more, steps of
    /// port assignment can be told from chance. None should have sent lately (RFC 5780 §4.1).
    /// Those beyond [`MAX_LOCAL_ADDRESSES`] are not used.
    pub locals: Vec<SocketAddr>,
    /// Who the client is, for servers that ask: RFC 5780 §5.2.
    pub credential: Option<Credential>,
    /// Whether requests carry FINGERPRINT, for flows shared with other protocols: RFC 5780 §5.
    pub uses_fingerprint: bool,
    /// The timers of requests that should be answered.
    pub timing: Timing,
    /// The timers of requests that a NAT may keep from being answered. Each that is costs their
    /// whole time.
    pub probe_timing: Timing,
    /// Whether to look for hairpinning.
    pub tests_hairpin: bool,
    /// The lifetimes to search, if any. This takes several times the longest.
    pub lifetime: Option<LifetimeSearch>,
    /// MTU in bytes of the outgoing interface: the length of PADDING to test fragments with, if they
    /// are to be tested (RFC 5780 §7.6).
    pub padding: Option<u16>,
}

impl DiscoveryConfig {
    /// Asks `server` about the way from `locals`: mapping, filtering, hairpinning and ports.
    #[must_use]
    pub fn new(provider: Provider, server: SocketAddr, locals: Vec<SocketAddr>) -> Self {
        Self {
            provider,
            server,
            locals,
            credential: None,
            uses_fingerprint: false,
            timing: Timing::default(),
            probe_timing: Timing { rc: 3, rm: 4, ..Timing::default() },
            tests_hairpin: true,
            lifetime: None,
            padding: None,
        }
    }
}

/// Which lifetimes to search: RFC 5780 §4.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifetimeSearch {
    /// The longest that is tried.
    pub longest: Duration,
    /// The search ends when the bounds are this close.
    pub precision: Duration,
}

impl Default for LifetimeSearch {
    /// Up to ten minutes, to within five seconds.
    fn default() -> Self {
        Self { longest: Duration::from_secs(600), precision: Duration::from_secs(5) }
    }
}
