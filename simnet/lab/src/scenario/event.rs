//! What happens at a certain time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Link, Signalling, one_or_many};

/// Something that happens at a certain time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct At {
    /// When.
    #[serde(with = "simnet::units::duration")]
    pub t: Duration,
    /// What.
    #[serde(rename = "do")]
    pub action: Do,
}

impl At {
    /// Something that happens `t` after the beginning.
    #[must_use]
    pub const fn new(t: Duration, action: Do) -> Self {
        Self { t, action }
    }
}

/// What can happen to a world. Interfaces have names such as `alice.eth0` and `home-a.outside`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// An interface goes down.
    LinkDown(String),
    /// An interface comes up.
    LinkUp(String),
    /// What lies between two parts becomes this.
    Link(Link),
    /// An interface gets an address.
    AddressAdd(InterfaceAddress),
    /// An interface loses an address.
    AddressRemove(InterfaceAddress),
    /// A host, router or box gets a route.
    RouteAdd(NodeRoute),
    /// A host, router or box loses a route.
    RouteRemove(NodeRoute),
    /// A host crashes: all it remembers is gone.
    Crash(String),
    /// A host that crashed starts again, and its role with it.
    Restart(String),
    /// A NAT loses its state.
    NatReboot(String),
    /// A NAT gets another address outside instead of those it has, as from a provider at night.
    NatAddress(NatAddress),
    /// What hosts of one side send does not reach hosts of the other.
    Partition(Sides),
    /// The partition between these two sides ends.
    Heal(Sides),
    /// What peers tell each other takes this long from now on.
    Signalling(Signalling),
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InterfaceAddress {
    /// The interface, such as `alice.eth0`.
    pub interface: String,
    /// The address.
    pub address: String,
}

/// A route of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NodeRoute {
    /// The interface to leave by, such as `edge.eth1`.
    pub interface: String,
    /// Where it leads, such as `10.0.0.0/8`.
    pub to: String,
    /// The router on that segment; nobody if the destination itself is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// The new address of a NAT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NatAddress {
    /// The NAT.
    pub nat: String,
    /// Its new address outside.
    pub address: String,
}

/// Two sides that do not hear each other: hosts, or segments with all hosts on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sides {
    /// One side.
    #[serde(deserialize_with = "one_or_many")]
    pub one: Vec<String>,
    /// The other side.
    #[serde(deserialize_with = "one_or_many")]
    pub other: Vec<String>,
}
