//! Generations: what changes with a restart (RFC 8445 §9).

use base::{Instant, Rng};
use crypto::Provider;
use stun::Key;

use crate::{Config, Mode, Options, Parameters};

/// One side's username fragment and key.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) parameters: Parameters,
    pub(crate) key: Key,
}

/// The credentials of both sides from one restart to the next.
#[derive(Clone, Debug)]
pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) local: Credentials,
    /// `None` until the peer told them.
    pub(crate) remote: Option<Credentials>,
    /// When patience ends (RFC 8863 §4); `None` until the peer's credentials are known.
    pub(crate) patience_ends_at: Option<Instant>,
}

/// The generation before, for as long as its pairs carry data and the peer may still check them.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) generation: Generation,
    /// When it is forgotten; `None` while one of its pairs is in use.
    pub(crate) ends_at: Option<Instant>,
}

impl Credentials {
    /// `None` if the password has characters no password may have.
    pub(crate) fn new(provider: Provider, parameters: Parameters) -> Option<Self> {
        let key = Key::short_term(provider, parameters.pwd.as_str()).ok()?;
        Some(Self { parameters, key })
    }

    pub(crate) fn ufrag(&self) -> &str {
        self.parameters.ufrag.as_str()
    }
}

impl Generation {
    /// The first one, with the parameters of the configuration if it has some.
    pub(crate) fn first(config: &Config, rng: &mut Rng) -> Self {
        let given = config.parameters.clone();
        Self::with(config, 0, given.unwrap_or_else(|| fresh(config, rng)))
    }

    /// The one after `number`.
    pub(crate) fn next(config: &Config, number: u32, rng: &mut Rng) -> Self {
        let mut parameters = fresh(config, rng);
        if base::mutant::active("ice-restart-keeps-password")
            && let Ok(pwd) = "a0password0that0never0changes000".parse()
        {
            parameters.pwd = pwd;
        }
        Self::with(config, number.wrapping_add(1), parameters)
    }

    fn with(config: &Config, number: u32, parameters: Parameters) -> Self {
        let key = Key::from_bytes(config.provider, parameters.pwd.as_str().as_bytes());
        let local = Credentials { parameters, key };
        Self { number, local, remote: None, patience_ends_at: None }
    }

    /// Whether the peer has this option.
    pub(crate) fn peer_has(&self, option: &str) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.parameters.options.has(option))
    }

    /// Whether both sides know renomination.
    pub(crate) fn renominates(&self) -> bool {
        self.peer_has(Options::RENOMINATION)
            && self.local.parameters.options.has(Options::RENOMINATION)
    }
}

fn fresh(config: &Config, rng: &mut Rng) -> Parameters {
    let mut parameters = Parameters::generate(rng);
    parameters.lite = config.mode == Mode::Lite;
    if config.renomination {
        parameters.options.insert(Options::RENOMINATION);
    }
    if config.mode == Mode::Full && config.nomination == crate::Nomination::Aggressive {
        // RFC 8445 §10: who nominates as RFC 5245 does does not follow RFC 8445.
        parameters.options.remove(Options::ICE2);
    }
    parameters
}
