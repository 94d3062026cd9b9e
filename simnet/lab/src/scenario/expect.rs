//! What should come of a scenario.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// What should come of a scenario. Every key is a verdict of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Expect {
    /// The host that it is about; all that have such a figure if it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Peers find a way to each other in this time.
    #[serde(with = "simnet::units::option_duration", skip_serializing_if = "Option::is_none")]
    pub connected_within: Option<Duration>,
    /// Peers find no way to each other (`true`), or some do (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_connected: Option<bool>,
    /// Types of the candidates that the first peer selects, its own and the other's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selected: Option<(String, String)>,
    /// Types of candidates that no peer selects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
    /// At the end, all peers are connected (`true`), or none is (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub still_connected: Option<bool>,
    /// What behaviour discovery says of the mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// What behaviour discovery says of the filtering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtering: Option<String>,
    /// Datagrams of flows, peers and keep-alives that arrive at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at_least: Option<u64>,
    /// Share of the datagrams of flows, peers and keep-alives that is lost at most.
    #[serde(with = "simnet::units::option_fraction", skip_serializing_if = "Option::is_none")]
    pub loss_at_most: Option<f64>,
    /// One-way delay that 95 of 100 datagrams of flows keep below.
    #[serde(
        rename = "delay-p95-at-most",
        with = "simnet::units::option_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub delay_p95_at_most: Option<Duration>,
    /// Bits per second that arrive at least.
    #[serde(with = "simnet::units::option_rate", skip_serializing_if = "Option::is_none")]
    pub goodput_at_least: Option<u64>,
    /// Figures of participants, such as `"alice.survived" = "yes"`, `"alice.checks" = "<=9"` or
    /// `"bob.delay-p95" = "<60ms"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, String>,
    /// Counts of drops by reason, such as `"nat.filtered" = ">0"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drops: BTreeMap<String, String>,
}
