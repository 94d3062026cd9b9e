//! What translators between families do, as data.

use std::{net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Serialize};

use super::pref64::Pref64;
use crate::nat::{self, Filtering, Hairpin, Mapping, Refresh};

/// What a [`Nat64`](super::Nat64) does. The default is what RFC 6146 recommends, with open filters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The prefix under which its inside sees IPv4 addresses.
    pub prefix: Pref64,
    /// Whether private IPv4 addresses in the well-known prefix are refused, as RFC 6052 §3.1 demands.
    pub strict_well_known: bool,
    /// How it maps, filters and forgets: [`Config::nat_default`], unless a file has the key. Then what
    /// the file leaves out of it is as in [`nat::Config::default`].
    pub nat: nat::Config,
}

/// What a [`Clat`](super::Clat) does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ClatConfig {
    /// The prefix under which the NAT64 of the network hides IPv4: what RFC 7050 discovers.
    pub plat_prefix: Pref64,
    /// Which IPv6 addresses stand for its hosts.
    pub source: ClatSource,
}

/// Which IPv6 addresses stand for the hosts of a CLAT: RFC 6877 §6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClatSource {
    /// The address of its outside interface stands for this one host.
    Interface(Ipv4Addr),
    /// A prefix of its own stands for all hosts.
    Prefix(Pref64),
}

impl Config {
    /// How a NAT64 maps, filters and forgets: endpoint-independent (RFC 6146 §3.5.1), every packet
    /// starts the timer again (RFC 6146 §3.5.1), hairpins (RFC 6146 §3.8), and the times of
    /// RFC 6146 §4.
    #[must_use]
    pub fn nat_default() -> nat::Config {
        let mut config = nat::Config {
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::EndpointIndependent,
            hairpin: Hairpin::ExternalSource,
            refresh: Refresh { outbound: true, inbound: true },
            ..nat::Config::default()
        };
        config.timers.udp = Duration::from_secs(300);
        config.timers.icmp_query = Duration::from_secs(60);
        config
    }

    /// The same with address-dependent filters (RFC 6146 §3.5.1).
    #[must_use]
    pub fn address_dependent() -> Self {
        let nat = nat::Config { filtering: Filtering::AddressDependent, ..Self::nat_default() };
        Self { nat, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self { prefix: Pref64::WELL_KNOWN, strict_well_known: true, nat: Self::nat_default() }
    }
}

impl Default for ClatConfig {
    fn default() -> Self {
        // The host's end of 192.0.0.0/29, which is set aside for hosts and their CLATs.
        let host = Ipv4Addr::new(192, 0, 0, 2);
        Self { plat_prefix: Pref64::WELL_KNOWN, source: ClatSource::Interface(host) }
    }
}
