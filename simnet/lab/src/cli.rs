//! Commands, and what they leave behind.
//!
//! | file | holds |
//! |---|---|
//! | `arguments.rs` | what can be asked for, and the help that teaches it |
//! | `failure.rs` | what went wrong, what to do next, the exit code |
//! | `run.rs` | `run`, `replay`, `check` |
//! | `presets.rs`, `explain.rs` | `presets`, `explain` |
//! | `matrix.rs` | `matrix` |
//! | `lessons.rs` | `lessons`, `lesson` |
//! | `plots.rs` | `plots` |
//! | `shrink.rs` | `shrink` |
//! | `wrap.rs` | paragraphs |

mod arguments;
mod explain;
mod failure;
mod lessons;
mod matrix;
mod plots;
mod presets;
mod run;
mod shrink;
mod wrap;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;

use self::{
    arguments::{Arguments, Command},
    failure::{Failure, USAGE},
};

/// What a command leaves: text for the standard output, and whether all was as it should be.
struct Done {
    text: String,
    as_expected: bool,
}

impl Done {
    const fn well(text: String) -> Self {
        Self { text, as_expected: true }
    }
}

/// Exit code when something that should hold does not.
const REGRESSION: u8 = 1;

pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let wrong = error.use_stderr();
            // Nobody is left to be told when standard error is closed.
            let _ = error.print();
            return if wrong { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match perform(&arguments.command).and_then(|done| print(&done)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(REGRESSION),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn perform(command: &Command) -> Result<Done, Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments),
        Command::Replay(arguments) => run::replay(arguments),
        Command::Shrink(arguments) => shrink::shrink(arguments),
        Command::Check(arguments) => run::check(arguments),
        Command::Matrix(arguments) => matrix::matrix(arguments),
        Command::Presets(arguments) => presets::presets(arguments),
        Command::Explain(arguments) => explain::explain(arguments),
        Command::Plots(arguments) => plots::plots(arguments),
        Command::Lessons(_) => Ok(lessons::list()),
        Command::Lesson(arguments) => lessons::lesson(arguments),
    }
}

/// Writes the text; a reader who has gone away has read enough.
fn print(done: &Done) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(done.text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::environment(format!("cannot write the answer: {error}")))
        }
        _ => Ok(done.as_expected),
    }
}
