//! What a case leaves behind.

use base::Instant;

use crate::{Level, registry::Req};

/// One executed assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The requirement.
    pub req: Req,
    /// How binding it is.
    pub level: Level,
    /// Whether it held.
    pub held: bool,
    /// What the case wanted to see.
    pub wanted: String,
    /// What it saw.
    pub got: String,
    /// Virtual time of the assertion.
    pub at: Instant,
}

/// A state that a case hopes to reach in some variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sometimes {
    /// The state.
    pub what: &'static str,
    /// Whether this run reached it.
    pub reached: bool,
}

/// Everything a case recorded, in order.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Executed assertions.
    pub assertions: Vec<Assertion>,
    /// Stimuli proven delivered.
    pub stimuli: Vec<(Instant, String)>,
    /// Hoped-for states.
    pub sometimes: Vec<Sometimes>,
    /// Remarks for the ladder.
    pub notes: Vec<(Instant, String)>,
}
