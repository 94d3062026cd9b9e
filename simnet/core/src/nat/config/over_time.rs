//! What changes while nobody asks for it.

use std::{net::IpAddr, time::Duration};

use base::Instant;
use serde::{Deserialize, Serialize};

use super::{Filtering, Mapping, PortAssignment, serial};
use crate::units;

/// What changes while nobody asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OverTime {
    /// A change of behaviour (against RFC 4787 §8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<Deviation>,
    /// Changes of the external endpoints of all dynamic mappings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebind: Option<Rebind>,
    /// When all state is lost.
    #[serde(with = "serial::moments", skip_serializing_if = "Vec::is_empty")]
    pub reboot: Vec<Instant>,
    /// When the external addresses change, which ends all mappings; in the order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressChange>,
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

/// Changes of the external endpoints of all dynamic mappings, whose sessions go on: what peers see as a
/// path that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rebind {
    /// When it happens first.
    #[serde(with = "serial::moment")]
    pub at: Instant,
    /// After how long it happens again, and so on; once only, if nothing is said.
    #[serde(default, with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub period: Option<Duration>,
    /// What changes.
    pub what: Rebound,
}

/// What a [`Rebind`] changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rebound {
    /// The port, to a random one.
    Port,
    /// The address, to the next of the pool; the port stays if it is free there.
    Address,
}

/// Other external addresses from some time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AddressChange {
    /// When they change.
    #[serde(with = "serial::moment")]
    pub at: Instant,
    /// The addresses from then on. They must be routed to the box.
    pub pool: Vec<IpAddr>,
}
