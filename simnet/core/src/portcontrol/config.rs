//! What a port control server allows, as data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units;

/// Which protocols a box speaks with its hosts, and what it allows them. The default speaks both and
/// lets each host ask for itself alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Whether it speaks PCP.
    pub pcp: bool,
    /// Whether it speaks NAT-PMP.
    pub nat_pmp: bool,
    /// Whether hosts may ask for inbound mappings (RFC 6887 §11).
    pub map: bool,
    /// Whether hosts may ask about outbound mappings (RFC 6887 §12).
    pub peer: bool,
    /// Whether a host may ask for mappings of another (RFC 6887 §13.1).
    pub third_party: bool,
    /// The shortest life it grants (RFC 6887 §15).
    #[serde(with = "units::duration")]
    pub shortest: Duration,
    /// The longest life it grants (RFC 6887 §15).
    #[serde(with = "units::duration")]
    pub longest: Duration,
    /// Mappings that one host may have asked for.
    pub mappings_per_host: usize,
    /// Filters of one mapping.
    pub filters: usize,
    /// How often it announces that it has lost its state (RFC 6887 §14.1.3, RFC 6886 §3.2.1); at most
    /// ten times.
    pub announcements: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pcp: true,
            nat_pmp: true,
            map: true,
            peer: true,
            third_party: false,
            shortest: Duration::from_secs(120),
            longest: Duration::from_secs(86_400),
            mappings_per_host: 64,
            filters: 8,
            announcements: 10,
        }
    }
}

impl Config {
    /// The life that is granted to who asks for this one.
    pub(super) fn grant(&self, asked: Duration) -> Duration {
        asked.clamp(self.shortest.min(self.longest), self.longest)
    }
}
