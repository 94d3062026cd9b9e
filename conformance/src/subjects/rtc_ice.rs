//! The package `rtc-ice`: another independent reading of the same specifications.
//!
//! Checks, pairs, nomination and credentials are theirs. Addresses are given to it; data goes over the pair
//! it says is selected, and is taken where it says it is good.

use base::Rng;

use super::ice::{IceAgent, IceCodec, IceConfig};
use crate::{Cap, Subject, SubjectKind, Support};

mod agent;
mod codec;

/// The subject.
#[derive(Clone, Copy, Debug)]
pub struct RtcIce;

impl Subject for RtcIce {
    fn name(&self) -> &'static str {
        "rtc-ice"
    }

    fn version(&self) -> String {
        "0.21".to_owned()
    }

    fn about(&self) -> &'static str {
        "the package rtc-ice, in process"
    }

    fn is_deterministic(&self) -> bool {
        // Transaction ids, tie-breakers and credentials are its own.
        false
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::IceAgent, SubjectKind::IceCodec]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Ipv6
            | Cap::IceLite
            | Cap::IceRestart
            | Cap::IceFailure
            | Cap::IceClose
            | Cap::IceLongFragments
            | Cap::IceConsent => Support::Yes,
            _ => Support::No,
        }
    }

    fn ice_agent(&self, config: &IceConfig, _rng: Rng) -> Option<Box<dyn IceAgent>> {
        let plain = config.components == 1
            && config.servers.is_empty()
            && !config.hides_addresses
            && config.pair_limit.is_none()
            && config.tie_breaker.is_none()
            && config.consent;
        plain.then(|| agent::Agent::new(config)).flatten().map(|agent| Box::new(agent) as _)
    }

    fn ice_codec(&self) -> Option<Box<dyn IceCodec>> {
        Some(Box::new(codec::Codec))
    }
}
