//! What some boxes do to packets besides translating them.

use serde::{Deserialize, Serialize};

/// What some boxes do to packets besides translating them. Nothing of it is asked for by any RFC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Meddling {
    /// Replaces the four bytes of the translated address wherever they stand in a payload, as ALGs for
    /// H.323 and overly helpful boxes do. This is why STUN hides addresses (RFC 8489 §14.2).
    pub binary_addresses: bool,
    /// Replaces the translated address where it is written out in UDP payloads from or to these remote
    /// ports, as ALGs for SIP do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text_addresses: Vec<u16>,
    /// Takes the UDP checksum away, so that nobody notices damage done before.
    pub zero_checksum: bool,
    /// Sets the hop limit of all that passes to this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop_limit: Option<u8>,
    /// Clears the traffic class.
    pub bleach_dscp: bool,
    /// Clears the congestion mark (against RFC 3168 §5).
    pub bleach_ecn: bool,
}
