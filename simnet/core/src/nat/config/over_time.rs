//! What changes while nobody asks for it.

use base::Instant;
use serde::{Deserialize, Serialize};

use super::{Filtering, Mapping, PortAssignment, serial};

/// What changes while nobody asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OverTime {
    /// A change of behaviour (against RFC 4787 §8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<Deviation>,
}

/// A change of behaviour that nobody asked for: a non-deterministic NAT (against RFC 4787 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deviation {
    /// What sets it off.
    pub trigger: Trigger,
    /// How mappings are made and reused from then on.
    pub mapping: Mapping,
    /// How packets are filtered from then on.
    pub filtering: Filtering,
    /// How ports are assigned from then on.
    pub assignment: PortAssignment,
}

/// What makes a non-deterministic NAT change its behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The n-th time that a wanted port was taken. RFC 4787 §8 calls the behaviour after the first
    /// conflict secondary.
    Conflicts(u32),
    /// The n-th mapping.
    Mappings(u32),
    /// A point in time.
    #[serde(with = "serial::moment")]
    At(Instant),
}
