//! Whose association.

use std::fmt;

use base::Rng;
/// Which controller an association of ours sends with.
pub use sctp::Algorithm;

use super::ours;
use crate::{
    Subject as _,
    subjects::{
        dcsctp::Dcsctp,
        sctp::{SctpConfig, SctpEndpoint},
        sctp_proto::SctpProto,
    },
};

/// A stack, with its congestion control where it has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stack {
    /// Ours.
    Ours(Algorithm),
    /// The package `dcsctp`.
    Dcsctp,
    /// The package `sctp-proto`.
    SctpProto,
}

impl Stack {
    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::Ours(Algorithm::ModelBased),
            Self::Ours(Algorithm::Cubic),
            Self::Ours(Algorithm::Rfc9260),
            Self::Dcsctp,
            Self::SctpProto,
        ]
    }

    /// Its name, as `--stack` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours(Algorithm::ModelBased) => "ours",
            Self::Ours(Algorithm::Cubic) => "ours-cubic",
            Self::Ours(Algorithm::Rfc9260) => "ours-rfc9260",
            Self::Dcsctp => "dcsctp",
            Self::SctpProto => "sctp-proto",
        }
    }

    /// The stack of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|stack| stack.name() == name)
    }

    pub(super) fn endpoint(self, config: &SctpConfig, rng: Rng) -> Option<Box<dyn SctpEndpoint>> {
        match self {
            Self::Ours(algorithm) => Some(Box::new(ours::Endpoint::new(algorithm, config, rng))),
            Self::Dcsctp => Dcsctp.sctp_endpoint(config, rng),
            Self::SctpProto => SctpProto.sctp_endpoint(config, rng),
        }
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
