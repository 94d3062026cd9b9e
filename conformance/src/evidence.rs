//! What a case leaves behind.

use std::fmt;

use base::Instant;

use reports::model::Level;

use crate::registry::Req;

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

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { req, level, held, wanted, got, .. } = self;
        let glyph = if *held { '✓' } else { '✗' };
        write!(f, "{glyph} {level} {req}: wanted {wanted}, got {got}")
    }
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
    /// Stimuli that were sent and never arrived.
    pub undelivered: Vec<String>,
    /// Hoped-for states.
    pub sometimes: Vec<Sometimes>,
    /// Remarks for the ladder.
    pub notes: Vec<(Instant, String)>,
}

impl Evidence {
    /// Everything as lines with their times, in order of time: stimuli, remarks, assertions.
    #[must_use]
    pub fn lines(&self) -> Vec<(Instant, String)> {
        let stimuli = self.stimuli.iter().map(|(at, what)| (*at, format!("→ stimulus: {what}")));
        let notes = self.notes.iter().map(|(at, what)| (*at, format!("· {what}")));
        let assertions = self.assertions.iter().map(|a| (a.at, a.to_string()));
        let mut lines: Vec<(Instant, String)> = stimuli.chain(notes).chain(assertions).collect();
        lines.sort_by_key(|(at, _)| *at);
        lines
    }
}
