//! Exchanges as text, in the manner of packetdrill.
//!
//! A script is read line by line. Everything behind `//` or `#` is for people. A line is a time and what
//! happens then:
//!
//! ```text
//! +0.0  connect()                                       a command to the endpoint
//! +0.0  > sctp: INIT[flgs=0, tag=1, a_rwnd=..., os=..., is=..., tsn=1, ...]
//! +0.1  < sctp: INIT_ACK[flgs=0, tag=2, a_rwnd=1500, os=16, is=16, tsn=1, STATE_COOKIE[len=4, val=...]]
//! +0.0  > sctp: COOKIE_ECHO[flgs=0, ...]; DATA[flgs=BE, len=1016, tsn=1, sid=0, ssn=0, ppid=0]
//! +0~0.2 > sctp: SACK[flgs=0, cum_tsn=1, a_rwnd=..., gaps=[2:3], dups=[]]
//! +1.0  silence(2.5)
//! ```
//!
//! | part | means |
//! |---|---|
//! | `+0.5` | half a second after the line before |
//! | `+0~0.2` | for what is expected: within 0.2 s after the line before |
//! | `<` | the suite sends this packet to the endpoint |
//! | `>` | the endpoint is expected to send this packet |
//! | `;` | between chunks of one packet |
//! | `name[field=value, ...]` | a chunk or a parameter with its fields |
//! | `...` as a value | anything |
//! | `...` in place of a field | other parameters may be there; fields that are not named may be anything |
//! | `flgs=BE` | flags of DATA by their letters I, U, B, E; `T` for ABORT; or a number |
//! | `gaps=[2:3, 5:5]`, `dups=[4]` | lists |
//! | `name(value, key=value)` | a command |
//!
//! Tags and numbers of the endpoint are what they are: the first that a script expects stands for the one
//! that came, and later ones are counted from there.

use std::{fmt, time::Duration};

mod lines;

/// A script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its lines in order.
    pub lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which line of the text it is, counted from 1.
    pub number: usize,
    /// How long after the line before.
    pub after: Duration,
    /// How much later than that it may happen.
    pub within: Duration,
    /// What happens.
    pub action: Action,
}

/// What happens in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The suite sends a packet.
    Send(Vec<Item>),
    /// The endpoint is expected to send one.
    Expect(Vec<Item>),
    /// A command: its name and its arguments, of which some have a key.
    Command(String, Vec<(Option<String>, Value)>),
}

/// A chunk or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Its fields in order.
    pub fields: Vec<(String, Value)>,
    /// What stands within it.
    pub items: Vec<Self>,
    /// Whether more fields and parameters may be there.
    pub is_open: bool,
}

impl Item {
    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The number that a field has; `None` if it has none or anything will do.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.field(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// The value of a field or an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Anything.
    Any,
    /// A number.
    Number(u64),
    /// Seconds, written with a point.
    Seconds(Duration),
    /// A word.
    Word(String),
    /// Many values.
    List(Vec<Self>),
    /// Two numbers with a colon between.
    Pair(u64, u64),
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What was wanted there.
    pub wanted: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: wanted {}", self.line, self.column, self.wanted)
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// [`ScriptError`] about the first line that makes no sense.
    pub fn read(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for (index, line) in text.lines().enumerate() {
            let bare = line.split("//").next().unwrap_or(line);
            let bare = bare.split('#').next().unwrap_or(bare);
            if bare.trim().is_empty() {
                continue;
            }
            script.lines.push(lines::Reader::new(bare, index + 1).line()?);
        }
        Ok(script)
    }
}

#[cfg(test)]
mod tests;
