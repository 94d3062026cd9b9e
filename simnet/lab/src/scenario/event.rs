//! What happens at a certain time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Link, Signalling};

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

/// What can happen to a world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// An interface, such as `alice.eth0`, goes down.
    LinkDown(String),
    /// An interface comes up.
    LinkUp(String),
    /// What lies between two parts becomes this.
    Link(Link),
    /// A NAT loses its state.
    NatReboot(String),
    /// What peers tell each other takes this long from now on.
    Signalling(Signalling),
}
