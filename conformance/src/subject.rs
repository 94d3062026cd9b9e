//! Implementations under test.

use std::fmt;

use base::Rng;

use crate::{
    Cap, Support,
    subjects::stun::{
        Discovery, DiscoveryConfig, StunClient, StunClientConfig, StunCodec, StunServer,
        StunServerConfig,
    },
};

/// The part an implementation plays in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// Answers STUN requests.
    StunServer,
    /// Sends STUN requests.
    StunClient,
    /// Reads and writes STUN messages.
    StunCodec,
    /// Translates addresses.
    Nat,
    /// Finds out how the NATs before it behave.
    Discovery,
}

impl SubjectKind {
    /// The word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::StunServer => "stun-server",
            Self::StunClient => "stun-client",
            Self::StunCodec => "stun-codec",
            Self::Nat => "nat",
            Self::Discovery => "discovery",
        }
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An implementation under test, behind one door.
///
/// It offers the kinds it can play and declares what it can do. The makers below return `None` for a
/// kind the subject does not offer.
pub trait Subject: Send + Sync {
    /// The name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// The version of the implementation.
    fn version(&self) -> String;

    /// One line about it, for the report.
    fn about(&self) -> &'static str {
        ""
    }

    /// The kinds it offers.
    fn kinds(&self) -> &'static [SubjectKind];

    /// What it says about a capability.
    fn supports(&self, capability: Cap) -> Support;

    /// A STUN server that listens on the addresses of `config`.
    fn stun_server(&self, config: &StunServerConfig, rng: Rng) -> Option<Box<dyn StunServer>> {
        let _ = (config, rng);
        None
    }

    /// A STUN client.
    fn stun_client(&self, config: &StunClientConfig, rng: Rng) -> Option<Box<dyn StunClient>> {
        let _ = (config, rng);
        None
    }

    /// A reader and writer of STUN messages.
    fn stun_codec(&self) -> Option<Box<dyn StunCodec>> {
        None
    }

    /// A client of NAT behaviour discovery (RFC 5780 §4).
    fn discovery(&self, config: &DiscoveryConfig, rng: Rng) -> Option<Box<dyn Discovery>> {
        let _ = (config, rng);
        None
    }
}
