//! The package `is`, the ICE agent of str0m: an independent reading of the same specifications.
//!
//! Checks, pairs, nomination and credentials are theirs. Addresses are given to it, and data goes where it
//! says; the adapter sends and takes data as their documentation asks its user to.

use ::is::IceAgent as Theirs;
use base::Rng;

use super::ice::{IceAgent, IceCodec, IceConfig};
use crate::{Cap, Subject, SubjectKind, Support};

mod agent;
mod codec;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct Str0mIce;

impl Subject for Str0mIce {
    fn name(&self) -> &'static str {
        "is"
    }

    fn version(&self) -> String {
        "0.12".to_owned()
    }

    fn about(&self) -> &'static str {
        "the package is, the ICE agent of str0m, in process"
    }

    fn is_deterministic(&self) -> bool {
        // Transaction ids and tie-breakers are its own.
        false
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::IceAgent, SubjectKind::IceCodec]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Ipv6 | Cap::IceLite | Cap::IceRestart | Cap::IceRelayed => Support::Yes,
            _ => Support::No,
        }
    }

    fn ice_agent(&self, config: &IceConfig, rng: Rng) -> Option<Box<dyn IceAgent>> {
        let plain = config.components == 1
            && config.servers.is_empty()
            && !config.hides_addresses
            && config.consent;
        plain.then(|| Box::new(agent::Agent::new(config, rng)) as Box<dyn IceAgent>)
    }

    fn ice_codec(&self) -> Option<Box<dyn IceCodec>> {
        Some(Box::new(codec::Codec))
    }
}

/// Their agent, set up.
fn agent(config: &IceConfig, credentials: ::is::IceCreds) -> Theirs {
    let mut agent = Theirs::new(credentials);
    agent.set_controlling(config.role == super::ice::IceRole::Controlling);
    agent.set_ice_lite(config.lite);
    if let Some(pacing) = config.pacing {
        agent.set_timing_advance(pacing);
    }
    if let Some(limit) = config.pair_limit {
        agent.set_max_candidate_pairs(limit);
    }
    if let Some(tie_breaker) = config.tie_breaker {
        agent.set_control_tie_breaker(tie_breaker);
    }
    agent
}
