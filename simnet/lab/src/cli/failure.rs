//! What went wrong, and what to do next.

use std::{fmt, io, path::Path};

use lab::{Problem, Problems, artefacts::Trouble, presets::Unknown};

/// Exit code for a fault of the laboratory.
pub(crate) const FAULT: u8 = 3;
/// Exit code when the machine lacks something.
const ENVIRONMENT: u8 = 4;
/// Exit code for wrong usage.
pub(crate) const USAGE: u8 = 64;
/// Exit code for a broken input file.
const INPUT: u8 = 65;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    says: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

impl Failure {
    /// The laboratory did not do what it promises.
    pub(crate) const fn fault(says: String) -> Self {
        Self { code: FAULT, says }
    }

    /// The machine lacks something.
    pub(crate) const fn environment(says: String) -> Self {
        Self { code: ENVIRONMENT, says }
    }

    /// What was asked for does not exist.
    pub(crate) const fn usage(says: String) -> Self {
        Self { code: USAGE, says }
    }

    /// An input file is broken.
    pub(crate) fn input(path: &Path, says: &str) -> Self {
        Self { code: INPUT, says: format!("{}: {says}", path.display()) }
    }

    /// A file cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let hint = if error.kind() == io::ErrorKind::NotFound {
            "; is the path right? `lessons` lists scenarios to start from"
        } else {
            ""
        };
        Self::input(path, &format!("{error}{hint}"))
    }

    /// A file cannot be written.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::environment(format!("cannot write {}: {error}", path.display()))
    }

    /// A scenario has mistakes.
    pub(crate) fn problems(path: &Path, problems: &Problems) -> Self {
        let count = problems.iter().count();
        let what = if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") };
        Self::input(path, &format!("{what}\n\n{problems}"))
    }

    /// A scenario does not fit together.
    pub(crate) fn problem(path: &Path, problem: &Problem) -> Self {
        Self::input(path, &problem.to_string())
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Unwritable { path, source } => Self::unwritable(&path, &source),
            Trouble::Unreadable { path, source } => Self::unreadable(&path, &source),
            Trouble::Scenario { path, problems } => Self::problems(&path, &problems),
            other => Self::fault(other.to_string()),
        }
    }
}

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        Self::usage(format!(
            "{unknown}; {}\n`presets --kind {}` lists them all",
            unknown.suggestion(),
            unknown.kind
        ))
    }
}
