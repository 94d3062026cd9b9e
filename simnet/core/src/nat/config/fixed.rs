//! Addresses and mappings that the configuration names.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::serial;
use crate::{packet::Protocol, prefix::Prefix};

/// Addresses and mappings that the configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Fixed {
    /// External IPv4 addresses; if there are none here, those of the interface on the outside. They must
    /// be routed to the box.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pool: Vec<IpAddr>,
    /// Internal addresses with an external one of their own, all ports preserved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_to_one: Vec<OneToOne>,
    /// External ports that lead to an internal endpoint, whoever sends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<Forward>,
    /// The internal host that gets what no mapping admits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dmz_host: Option<IpAddr>,
    /// Destinations to and from which nothing is translated (RFC 6888 §3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<Exempt>,
}

/// An internal address with an external one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OneToOne {
    /// The host's address.
    pub internal: IpAddr,
    /// The address that stands for it alone. It need not be one of an interface, but must be routed here.
    pub external: IpAddr,
}

/// An external port that leads to an internal endpoint. What that endpoint sends comes from this port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Forward {
    /// Of which protocol.
    pub protocol: Forwarded,
    /// The port.
    pub external_port: u16,
    /// Its address; by default the first external one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_address: Option<IpAddr>,
    /// Where it leads.
    pub internal: SocketAddr,
}

/// What a [`Forward`] forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forwarded {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// UDP and TCP.
    Both,
}

impl Forwarded {
    /// The protocols.
    pub(in crate::nat) const fn protocols(self) -> &'static [Protocol] {
        match self {
            Self::Udp => &[Protocol::Udp],
            Self::Tcp => &[Protocol::Tcp],
            Self::Both => &[Protocol::Udp, Protocol::Tcp],
        }
    }
}

/// Destinations to and from which nothing is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exempt {
    /// Their addresses.
    #[serde(with = "serial::text")]
    pub destination: Prefix,
    /// Their port, if only one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl Exempt {
    /// Whether `remote` is one of them.
    pub(in crate::nat) fn covers(&self, remote: SocketAddr) -> bool {
        self.destination.contains(remote.ip()) && self.port.is_none_or(|port| port == remote.port())
    }
}
