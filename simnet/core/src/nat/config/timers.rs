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
        Self { udp, stream: None, well_known: Vec::new(), icmp_query: Duration::from_secs(60) }
    }
}

impl Default for Timers {
    /// Five minutes, as RFC 4787 §4.3 recommends.
    fn default() -> Self {
        Self::udp(Duration::from_secs(300))
    }
}
