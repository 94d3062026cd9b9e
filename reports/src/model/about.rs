//! What was asked for, of whom, and what the clock and the host added.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The command that makes this run again.
    pub command: String,
    /// The run seed, from which every case seed is derived.
    pub seed: Seed,
    /// The tier of cases that ran, such as `fast`.
    pub tier: String,
    /// The case filter, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Which shard of the run this is, such as `3/8`. Absent in a whole or merged run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The version of the suite.
    pub suite: String,
    /// Per specification, the version of its registry file (a hash of its content).
    pub registry: BTreeMap<String, String>,
    /// The planted bugs and which case noticed each, if the run tried them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutants: Option<Mutants>,
}

/// The planted bugs of a run, and how many of them the suite noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutants {
    /// Every planted bug that was tried.
    pub mutants: Vec<Mutant>,
}

impl Mutants {
    /// How many planted bugs a case noticed.
    #[must_use]
    pub fn killed(&self) -> usize {
        self.mutants.iter().filter(|mutant| mutant.killer.is_some()).count()
    }

    /// The share of planted bugs that a case noticed, in whole percent, rounded down.
    #[must_use]
    pub fn kill_percent(&self) -> usize {
        super::percent(self.killed(), self.mutants.len())
    }
}

/// One planted bug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// Its name, such as `stun-server-skips-fingerprint`.
    pub name: String,
    /// The requirement that it breaks.
    pub breaks: String,
    /// What it does wrong, in our words.
    pub says: String,
    /// The case that noticed it. A surviving mutant has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub killer: Option<Killer>,
}

/// The case and variant that noticed a planted bug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Killer {
    /// The case.
    pub case: String,
    /// The variant of the case; empty if it has only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The requirement whose assertion failed, if an assertion was what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
}

/// An implementation under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The name by which results refer to it, such as `ours`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line about it, for the report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What it declares to support. An undeclared capability is unknown, not absent.
    pub capabilities: BTreeMap<String, Capability>,
    /// The clock that it runs on.
    pub clock: Clock,
}

/// Whether a subject supports something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// It declares support.
    Yes,
    /// It declares that support is absent.
    No,
    /// It declares nothing, so the cases that need it run.
    Unknown,
}

impl Capability {
    /// The word that the document uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// The clock that a subject runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// Simulated time: every result can be replayed exactly.
    Virtual,
    /// Real time: the seed fixes the stimulus only.
    Wall,
}

impl Clock {
    /// The word that the document uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Virtual => "virtual",
            Self::Wall => "wall",
        }
    }
}

/// The seed of a run or of a case: a number that is written as `0x` and sixteen hexadecimal
/// digits, because a JSON number of that size loses digits in most readers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self(seed)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| {
            de::Error::custom(format!("seed `{text}` is not `0x` and hexadecimal digits"))
        })?;
        u64::from_str_radix(digits, 16).map(Self).map_err(|error| {
            de::Error::custom(format!("seed `{text}` is not a 64-bit number: {error}"))
        })
    }
}

/// What the clock and the host decided. Two identical runs differ here and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// When the run began, as an RFC 3339 date and time; empty if unknown.
    pub started: String,
    /// The host that ran it, such as `linux x86_64, 2 cores`.
    pub host: String,
    /// How long the whole run took, in microseconds.
    pub total_us: u64,
    /// How long each result took, in microseconds, by [`CaseResult::key`].
    ///
    /// [`CaseResult::key`]: super::CaseResult::key
    pub durations_us: BTreeMap<String, u64>,
}
