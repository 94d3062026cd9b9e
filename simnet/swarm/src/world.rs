//! What a kind of world has to offer a swarm.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Serialize;

/// A kind of world: it draws one from a seed, lets it live, and says what came of it.
///
/// Everything follows from the seed and what is left out: the same two give the same [`Record`], on every
/// machine and on any number of threads.
pub trait World: Sync {
    /// What it is called on the command line.
    fn name(&self) -> &'static str;

    /// One line about it.
    fn about(&self) -> &'static str;

    /// The record of seeds that are known to break promises, for [`Known::parse`](crate::Known::parse).
    fn known(&self) -> &'static str {
        ""
    }

    /// What things cost in chosen worlds, as a table, if there is one.
    fn table(&self) -> Option<String> {
        None
    }

    /// Lets the world of a seed live.
    fn live(&self, seed: u64, cuts: &[String]) -> Record;

    /// Lets it live and keeps what can be drawn of it.
    fn draw(&self, seed: u64, cuts: &[String]) -> Drawn;

    /// The world in words, a line for each part.
    fn describe(&self, seed: u64, cuts: &[String]) -> Vec<String>;

    /// What can be left out of the world, what makes it smallest first.
    fn cuts(&self, seed: u64, cuts: &[String]) -> Vec<String>;
}

/// What came of a world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The seed.
    pub seed: u64,
    /// The kind of world, for tables.
    pub kind: String,
    /// How it went.
    pub outcome: Outcome,
    /// The reason that was stated for it, if it did not connect; else how it connected.
    pub detail: String,
    /// From the beginning until both sides could send, if they could.
    #[serde(serialize_with = "millis")]
    pub connected_after: Option<Duration>,
    /// From the healing of the network until data passed both ways.
    #[serde(serialize_with = "millis")]
    pub recovered_after: Option<Duration>,
    /// Kinds of faults in it.
    pub faults: Vec<&'static str>,
    /// Promises that were not kept; empty if all were.
    pub broken: Vec<Broken>,
    /// Figures for statistics, by name.
    pub figures: BTreeMap<&'static str, u64>,
    /// The hash over everything that happened.
    pub hash: String,
}

/// How a world went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Both sides were connected in the end, or when one was gone, and every promise was kept.
    Connected,
    /// They did not; a reason was stated that fits the world.
    Excused,
    /// A promise was broken.
    Failed,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The promise, by its short name.
    pub promise: &'static str,
    /// What was wanted.
    pub wanted: String,
    /// What came.
    pub got: String,
}

/// What can be drawn of a world.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// What came of it.
    pub record: Record,
    /// Files to look at: name and text.
    pub files: Vec<(&'static str, String)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connected => "connected",
            Self::Excused => "excused",
            Self::Failed => "FAILED",
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: wanted {}, got {}", self.promise, self.wanted, self.got)
    }
}

#[expect(clippy::ref_option, reason = "the shape that serde asks for")]
fn millis<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).serialize(to)
}
