//! How an agent is set up.

use std::{net::SocketAddr, time::Duration};

use base::Dscp;
use crypto::Provider;

use crate::{Parameters, TcpConfig, state::Role};

/// The default of [`Config::pacing`]: RFC 8445 §14.2.
pub const DEFAULT_PACING: Duration = Duration::from_millis(50);
/// No agent sends transactions closer together than this: RFC 8445 §14.2.
pub const MIN_PACING: Duration = Duration::from_millis(5);
/// The default of [`Config::patience`]: the time a check takes to fail with the default timers,
/// as RFC 8863 §4 recommends.
pub const DEFAULT_PATIENCE: Duration = Duration::from_millis(39_500);
/// The default of [`Config::max_pairs`]: RFC 8445 §6.1.2.5.
pub const DEFAULT_MAX_PAIRS: usize = 100;
/// The default of [`Config::max_remote_candidates`]. A host with a dozen addresses at three servers
/// stays below it.
pub const DEFAULT_MAX_REMOTE_CANDIDATES: usize = 64;

/// How an agent is set up. Every value has a default that a browser would call sensible.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The cryptography.
    pub provider: Provider,
    /// The role to begin with: the side that starts the session controls (RFC 8445 §6.1.1). Default:
    /// controlled.
    pub role: Role,
    /// Whether the agent checks, or only answers checks. Default: full.
    pub mode: Mode,
    /// How a controlling agent nominates. Default: regular.
    pub nomination: Nomination,
    /// Whether to offer renomination: with a peer that offers it too, a controlling agent moves to a
    /// better pair at any time, without restart. Default: off.
    pub renomination: bool,
    /// Components of the stream: 1, or 2 with RTCP apart. Other values are brought into range.
    pub components: u8,
    /// Ta, the time between two new checks. Default 50 ms; never below [`MIN_PACING`], whatever it says.
    pub pacing: Duration,
    /// For how long after the checks begin the agent does not give up, even with nothing left to
    /// check: the PAC timer of RFC 8863 §4. Default 39.5 s.
    pub patience: Duration,
    /// How consent is kept fresh.
    pub consent: Consent,
    /// Most pairs that are kept; those of the least priority go first. Default 100.
    pub max_pairs: usize,
    /// Most remote candidates that are taken in one generation. Default 64.
    pub max_remote_candidates: usize,
    /// Whether host candidates are told with names of multicast DNS instead of their addresses.
    /// Default: off.
    pub hides_host_addresses: bool,
    /// How TCP is used, and for how long connections are waited for. Which candidates there are depends on
    /// the sockets the agent is given.
    pub tcp: TcpConfig,
    /// STUN servers to learn server-reflexive addresses from. [`Agent::add_stun_server`] adds more.
    ///
    /// [`Agent::add_stun_server`]: crate::Agent::add_stun_server
    pub stun_servers: Vec<SocketAddr>,
    /// Username fragment, password and options of the first generation; drawn from the dice if `None`.
    pub parameters: Option<Parameters>,
    /// The tie-breaker against role conflicts; drawn from the dice if `None`.
    pub tie_breaker: Option<u64>,
    /// The traffic class of checks and their answers: that of the data (RFC 8445 §7.2.3).
    pub dscp: Dscp,
}

/// Whether an agent checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It checks, and answers checks.
    #[default]
    Full,
    /// It answers checks and sends none; for hosts with a public address: RFC 8445 §2.5. It asks for no
    /// consent, and so never notices that a path died: that is for the peer, or for what is above.
    Lite,
}

/// How a controlling agent nominates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nomination {
    /// One pair for each component, once no better one can be expected: RFC 8445 §8.1.1.
    #[default]
    Regular,
    /// Every pair with its first check, as agents of RFC 5245 do. With a peer that has the option `ice2`,
    /// which rules this out, the agent nominates regularly all the same.
    Aggressive,
}

/// How consent is kept fresh: RFC 7675 §5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Whether it is asked for at all. Without it, the agent keeps bindings alive with indications
    /// (RFC 8445 §11) and never notices that a path died. Default: on.
    pub enabled: bool,
    /// The mean time between two requests; each is drawn from 0.8 to 1.2 times that. Default 5 s; never
    /// below 5 s, so that no two requests are closer than 4 s.
    pub interval: Duration,
    /// The time after the last answer when sending must stop. Default 30 s; never above 30 s.
    pub expiry: Duration,
}

impl Default for Consent {
    fn default() -> Self {
        Self { enabled: true, interval: Self::MIN_INTERVAL, expiry: Self::MAX_EXPIRY }
    }
}

impl Consent {
    /// The least mean interval, which keeps requests 4 s apart: RFC 7675 §5.1.
    pub const MIN_INTERVAL: Duration = Duration::from_secs(5);
    /// The longest that consent lasts: RFC 7675 §5.1.
    pub const MAX_EXPIRY: Duration = Duration::from_secs(30);
}

impl Config {
    /// The defaults with the cryptography of `provider`.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            role: Role::Controlled,
            mode: Mode::Full,
            nomination: Nomination::Regular,
            renomination: false,
            components: 1,
            pacing: DEFAULT_PACING,
            patience: DEFAULT_PATIENCE,
            consent: Consent::default(),
            max_pairs: DEFAULT_MAX_PAIRS,
            max_remote_candidates: DEFAULT_MAX_REMOTE_CANDIDATES,
            hides_host_addresses: false,
            tcp: TcpConfig::default(),
            stun_servers: Vec::new(),
            parameters: None,
            tie_breaker: None,
            dscp: Dscp::DEFAULT,
        }
    }

    /// The same with every value in its range.
    pub(crate) fn in_range(mut self) -> Self {
        self.components = self.components.clamp(1, 2);
        if !base::mutant::active("ice-no-pace") {
            self.pacing = self.pacing.max(MIN_PACING);
        }
        self.max_pairs = self.max_pairs.max(1);
        self.consent.interval = self.consent.interval.max(Consent::MIN_INTERVAL);
        self.consent.expiry = self.consent.expiry.min(Consent::MAX_EXPIRY);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_setting_goes_below_what_the_texts_allow() {
        let mut config = Config::new(Provider::default());
        config.components = 0;
        config.pacing = Duration::ZERO;
        config.max_pairs = 0;
        config.consent.interval = Duration::from_secs(1);
        config.consent.expiry = Duration::from_secs(300);
        let config = config.in_range();
        assert_eq!((config.components, config.max_pairs), (1, 1));
        assert_eq!(config.pacing, MIN_PACING);
        assert_eq!(config.consent, Consent::default());
    }
}
