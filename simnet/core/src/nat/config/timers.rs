//! How long mappings live: RFC 4787 §4.3.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::serial;
use crate::units;

/// How long mappings live: RFC 4787 §4.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Timers {
    /// Silence after which a UDP mapping is removed.
    #[serde(with = "units::duration")]
    pub udp: Duration,
    /// A longer life for sessions that turned out to be conversations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Stream>,
    /// Other lives for sessions to some well-known ports, such as 53.
    #[serde(with = "serial::by_port")]
    pub well_known: Vec<(u16, Duration)>,
    /// Silence after which the mapping of an ICMP query is removed (RFC 5508 §3.2).
    #[serde(with = "units::duration")]
    pub icmp_query: Duration,
    /// How long a mapping stays after the last of its sessions.
    #[serde(with = "units::duration")]
    pub linger: Duration,
    /// Whether a mapping has one timer for all its remote endpoints: permissions to send to it then last
    /// as long as the mapping. Else each remote endpoint has a timer of its own. UDP alone is concerned.
    pub per_mapping: bool,
    /// Lives are longer by up to this much, by chance.
    #[serde(with = "units::duration")]
    pub jitter: Duration,
    /// What has ended is removed at the next multiple of this time, as boxes do that sweep their tables;
    /// 0 removes it at once.
    #[serde(with = "units::duration")]
    pub sweep: Duration,
}

/// A longer life for sessions that turned out to be conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stream {
    /// Silence after which such a session is removed.
    #[serde(with = "units::duration")]
    pub timeout: Duration,
    /// Age from which a session that was answered counts as one.
    #[serde(with = "units::duration")]
    pub after: Duration,
}

impl Timers {
    /// The same time for all UDP sessions.
    #[must_use]
    pub const fn udp(udp: Duration) -> Self {
        // RFC 5508 §3.2: ICMP queries live at least a minute.
        Self {
            udp,
            stream: None,
            well_known: Vec::new(),
            icmp_query: Duration::from_secs(60),
            linger: Duration::ZERO,
            per_mapping: false,
            jitter: Duration::ZERO,
            sweep: Duration::ZERO,
        }
    }
}

impl Default for Timers {
    /// Five minutes, as RFC 4787 §4.3 recommends.
    fn default() -> Self {
        Self::udp(Duration::from_secs(300))
    }
}
