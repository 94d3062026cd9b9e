//! How much state there may be: RFC 6888 §3.

use serde::{Deserialize, Serialize};

/// How much state there may be. Whoever asks for more gets a named drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Mappings in all.
    pub mappings: usize,
    /// Mappings of one internal address.
    pub mappings_per_host: usize,
    /// External ports of one internal address, over all protocols (RFC 6888 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports_per_host: Option<usize>,
    /// New mappings of one internal address in a second (RFC 6888 §3); as many at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping_rate: Option<u32>,
    /// Sessions, that is permissions to send to a mapping, in all.
    pub sessions: usize,
    /// Sessions of one internal address (RFC 6888 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_per_host: Option<usize>,
    /// What the sender of a packet learns for which there was no room.
    pub exhaustion: Exhaustion,
    /// SYNs from outside that wait for one from inside
    /// ([`UnsolicitedSyn::Reject`](super::UnsolicitedSyn::Reject)).
    pub held_syns: usize,
    /// Ports that stay unused for a while after their mapping
    /// ([`Ports::hold_down`](super::Ports::hold_down)); the oldest is free again when there are more.
    pub held_down: usize,
    /// Remembered conversations with the NAT itself
    /// ([`Unsolicited::RejectAndRemember`](super::Unsolicited::RejectAndRemember)).
    pub remembered: usize,
    /// Fragmented packets on their way through at one time.
    pub fragmented: usize,
    /// Fragments that wait for their first one, in all.
    pub held_fragments: usize,
}

/// What the sender of a packet learns for which there was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exhaustion {
    /// That it is prohibited (RFC 5508 §6).
    Prohibited,
    /// That the host cannot be reached (RFC 6888 §3).
    HostUnreachable,
    /// Nothing.
    Silent,
}

impl Default for Limits {
    /// Room for every port of one address, four peers each.
    fn default() -> Self {
        Self {
            mappings: 65_536,
            mappings_per_host: 65_536,
            ports_per_host: None,
            mapping_rate: None,
            sessions: 262_144,
            sessions_per_host: None,
            exhaustion: Exhaustion::Prohibited,
            held_syns: 64,
            held_down: 65_536,
            remembered: 16_384,
            fragmented: 1_024,
            held_fragments: 256,
        }
    }
}
