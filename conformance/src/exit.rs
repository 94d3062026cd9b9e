//! How the program ends: exit codes, and errors of one line.

use std::{fmt, process::ExitCode};

/// What the exit code says. The numbers are part of the contract with CI systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything is as the baseline expects.
    Equal = 0,
    /// A result is worse than the baseline expects; a replay differs from its record; a planted bug
    /// survived; two runs that should be equal are not.
    Regression = 1,
    /// A result is better than the baseline expects, or a line of the baseline fits nothing: update it.
    Stale = 2,
    /// The suite itself went wrong.
    Harness = 3,
    /// The environment lacks something: a folder that can be written, a feature of the build.
    Environment = 4,
    /// The command line makes no sense: no such case, subject, shard.
    Usage = 64,
    /// An input file is broken: registry, baseline, run, replay, list of mutants.
    Data = 65,
}

impl Exit {
    /// The graver of two ends: a broken suite says more than a regression, a regression more than a
    /// stale baseline.
    #[must_use]
    pub const fn max_by_gravity(self, other: Self) -> Self {
        if other.gravity() > self.gravity() { other } else { self }
    }

    const fn gravity(self) -> u8 {
        match self {
            Self::Equal => 0,
            Self::Stale => 1,
            Self::Regression => 2,
            Self::Harness => 3,
            Self::Environment => 4,
            Self::Data => 5,
            Self::Usage => 6,
        }
    }

    /// The meaning in a few words.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Equal => "as the baseline expects",
            Self::Regression => "worse than the baseline expects",
            Self::Stale => "the baseline is out of date",
            Self::Harness => "the suite itself went wrong",
            Self::Environment => "the environment lacks something",
            Self::Usage => "the command line makes no sense",
            Self::Data => "an input file is broken",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command cannot be carried out, in one line that ends with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the exit code will be.
    pub exit: Exit,
    /// What is wrong and what to do.
    pub line: String,
}

impl Refusal {
    /// A refusal with exit code [`Exit::Usage`].
    #[must_use]
    pub fn usage(line: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, line: line.to_string() }
    }

    /// A refusal with exit code [`Exit::Data`].
    #[must_use]
    pub fn data(line: impl fmt::Display) -> Self {
        Self { exit: Exit::Data, line: line.to_string() }
    }

    /// A refusal with exit code [`Exit::Environment`].
    #[must_use]
    pub fn environment(line: impl fmt::Display) -> Self {
        Self { exit: Exit::Environment, line: line.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Refusal {}
