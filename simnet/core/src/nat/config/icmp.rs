//! What happens to ICMP messages: RFC 4787 §9, RFC 5508.

use serde::{Deserialize, Serialize};

/// What happens to ICMP errors: RFC 4787 §9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct IcmpPolicy {
    /// Which ones pass.
    pub errors: IcmpErrors,
    /// Whether the NAT itself says so when a packet is too big, its hops ran out, or no mapping can be
    /// made for it (RFC 4787 §10, RFC 5508 §6, §7).
    pub originates: bool,
}

/// Which ICMP errors pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IcmpErrors {
    /// All that quote a packet of a live mapping, whoever sends them.
    Translate,
    /// Of those, the ones whose sender the mapping has sent to (against RFC 4787 §9).
    TranslateFromContacted,
    /// None.
    Drop,
}

impl Default for IcmpPolicy {
    /// Errors pass, and the NAT sends its own.
    fn default() -> Self {
        Self { errors: IcmpErrors::Translate, originates: true }
    }
}
