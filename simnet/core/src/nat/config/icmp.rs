//! What happens to ICMP messages: RFC 4787 §9, RFC 5508.

use serde::{Deserialize, Serialize};

use super::Filtering;

/// What happens to ICMP messages: RFC 4787 §9, RFC 5508.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct IcmpPolicy {
    /// Whether queries pass (RFC 5508 §3.1). Their mappings serve all destinations.
    pub queries: bool,
    /// Who may answer a query, if other than for UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtering: Option<Filtering>,
    /// Which errors pass.
    pub errors: IcmpErrors,
    /// Whether the head of the packet in question, which errors quote, is translated too (RFC 5508 §4.2).
    /// Otherwise no host understands the error.
    pub translate_quote: bool,
    /// Whether the NAT itself says so when a packet is too big, its hops ran out, or no mapping can be
    /// made for it (RFC 4787 §10, RFC 5508 §6, §7).
    pub originates: bool,
    /// What happens to packets that are too long for the next link and must not be fragmented
    /// (RFC 4787 §10).
    pub too_big: TooBig,
    /// Messages of its own that the NAT sends in a second, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<u32>,
    /// Which of the NAT's addresses its messages to the inside come from.
    pub reporter: Reporter,
    /// Whether packets keep their hop limit, so that the NAT does not show in a traceroute.
    pub keeps_hop_limit: bool,
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

/// What happens to packets that are too long for the next link and must not be fragmented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooBig {
    /// They are dropped, and the sender learns what fits.
    Report,
    /// They are dropped.
    BlackHole,
    /// They are fragmented all the same, if they are of IPv4.
    Fragment,
}

/// An address of the NAT that ICMP messages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reporter {
    /// The one on the inside.
    Inside,
    /// The one on the outside.
    Outside,
}

impl Default for IcmpPolicy {
    /// Everything passes, and the NAT sends messages of its own.
    fn default() -> Self {
        Self {
            queries: true,
            filtering: None,
            errors: IcmpErrors::Translate,
            translate_quote: true,
            originates: true,
            too_big: TooBig::Report,
            rate_limit: None,
            reporter: Reporter::Inside,
            keeps_hop_limit: false,
        }
    }
}
