//! Which external port a mapping gets: RFC 4787 §4.2.

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

use super::serial;
use crate::{prefix::Prefix, units};

/// Which external port a mapping gets: RFC 4787 §4.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ports {
    /// How a port is chosen.
    pub assignment: PortAssignment,
    /// What happens when the port that was chosen has an owner already. Of the assignments,
    /// [`PortAssignment::Preserve`], [`PortAssignment::PreserveInClass`] and [`PortAssignment::Hash`] alone
    /// choose a single port; the others look for a free one from the start.
    pub on_collision: Collision,
    /// Ports that may be assigned. Preserved ports may lie outside when
    /// [`Ports::preserve_outside_range`] says so.
    #[serde(with = "serial::range")]
    pub range: RangeInclusive<u16>,
    /// Whether a preserved port may lie outside [`Ports::range`].
    pub preserve_outside_range: bool,
    /// Whether internal ports 0-1023 get external ports in that range, and the others do not
    /// (RFC 4787 §4.2.1). The low range is usable then, whatever [`Ports::range`] says.
    pub keep_class: bool,
    /// Whether even ports become even ports and odd ones odd (RFC 4787 §4.2.2), as long as any is free.
    pub keep_parity: bool,
    /// Whether port n+1 of a host becomes the external port after that of its port n
    /// (RFC 4787 §4.2.3). The port after an even one is kept free for its partner.
    pub keep_contiguity: bool,
    /// Whether mappings that depend on the destination may share an external port as long as their
    /// destinations differ (RFC 7857 §3).
    /// [`Mapping::EndpointIndependentIfPossible`](super::Mapping::EndpointIndependentIfPossible) always
    /// does.
    pub overlap_by_destination: bool,
    /// How long a port stays unused after its mapping, except by the internal endpoint that had it
    /// (RFC 6888 §3).
    #[serde(with = "units::duration")]
    pub hold_down: Duration,
    /// Mean time between ports that other subscribers take, which no packet shows:
    /// [`PortAssignment::Sequential`] leaps over them (RFC 5128 §3.5).
    #[serde(with = "units::option_duration", skip_serializing_if = "Option::is_none")]
    pub background: Option<Duration>,
}

/// How a port is chosen: RFC 4787 §4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PortAssignment {
    /// The internal port.
    Preserve,
    /// The internal port; else one of its class, which is 1-511, 512-1023 or 1024-65535.
    PreserveInClass,
    /// The port `step` after the one assigned last.
    Sequential {
        /// Distance of one port from the next; 0 counts as 1.
        step: u16,
        /// The first port; by default the first of [`Ports::range`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<u16>,
    },
    /// Any free port.
    Random,
    /// A port that follows from the internal endpoint alone, so that it survives a loss of state.
    Hash,
    /// A port of those that follow from the internal address by arithmetic, without any state
    /// (RFC 7422 §2): the addresses of `inside`, in order, own `ports` ports each.
    Deterministic {
        /// The internal addresses. Others get nothing.
        #[serde(with = "serial::text")]
        inside: Prefix,
        /// How many ports each of them owns.
        ports: u16,
    },
    /// A port of a block that belongs to the internal address as long as it has a mapping
    /// (RFC 6888 §5).
    Block {
        /// Ports in a block.
        size: u16,
        /// Blocks that an address may have.
        #[serde(default = "one")]
        blocks: u16,
        /// Which ports make a block.
        #[serde(default)]
        layout: Layout,
    },
}

/// Which ports make a block.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Neighbours.
    #[default]
    Contiguous,
    /// Ports all over the range, at equal distances.
    Scattered,
}

const fn one() -> u16 {
    1
}

/// What happens when the port that was chosen has an owner already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collision {
    /// A random free port is taken (RFC 7857 §9).
    Random,
    /// The next free port is taken.
    Next,
    /// The same port of another external address; a random one if none has it free.
    OtherAddress,
    /// The former owner loses it.
    Override,
    /// Both have it (against RFC 4787 §4.2.1).
    Overload,
    /// The packet is dropped.
    Drop,
}

impl Ports {
    /// Ports 1024-65535, assigned as `assignment` says, random ones after a collision; class and parity
    /// are not kept.
    #[must_use]
    pub const fn new(assignment: PortAssignment) -> Self {
        Self {
            assignment,
            on_collision: Collision::Random,
            range: FIRST_REGISTERED..=u16::MAX,
            preserve_outside_range: true,
            keep_class: false,
            keep_parity: false,
            keep_contiguity: false,
            overlap_by_destination: false,
            hold_down: Duration::ZERO,
            background: None,
        }
    }
}

impl Default for Ports {
    /// Random ports (RFC 7857 §9) that keep class and parity, as RFC 4787 §4.2.1 and RFC 4787 §4.2.2 ask.
    fn default() -> Self {
        Self { keep_class: true, keep_parity: true, ..Self::new(PortAssignment::Random) }
    }
}

impl PortAssignment {
    /// Each port `step` after the one before, from the first of the range on.
    #[must_use]
    pub const fn sequential(step: u16) -> Self {
        Self::Sequential { step, start: None }
    }
}

/// The first port that is not well-known: RFC 4787 §3.
pub(in crate::nat) const FIRST_REGISTERED: u16 = 1_024;
