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
    /// Sessions, that is permissions to send to a mapping, in all.
    pub sessions: usize,
    /// Remembered conversations with the NAT itself
    /// ([`Unsolicited::RejectAndRemember`](super::Unsolicited::RejectAndRemember)).
    pub remembered: usize,
    /// Fragmented packets on their way through at one time.
    pub fragmented: usize,
    /// Fragments that wait for their first one, in all.
    pub held_fragments: usize,
}

impl Default for Limits {
    /// Room for every port of one address, four peers each.
    fn default() -> Self {
        Self {
            mappings: 65_536,
            mappings_per_host: 65_536,
            sessions: 262_144,
            remembered: 16_384,
            fragmented: 1_024,
            held_fragments: 256,
        }
    }
}
