//! `cargo xtask conformance`: build the suite in release mode and hand it the arguments.

use std::process::ExitCode;

use crate::process;

/// Run the conformance suite; `--help` shows its own options.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the suite as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    process::exit(process::run(&mut suite(&arguments.rest)))
}

/// The command that runs the suite. Only the mutation run needs the planted bugs compiled in.
pub(crate) fn suite(arguments: &[String]) -> std::process::Command {
    let mut command = process::cargo(["run", "--release", "--package", "peerlab-conformance"]);
    if arguments.first().is_some_and(|first| first == "mutants") {
        command.args(["--features", "mutant"]);
    }
    command.args(["--quiet", "--"]).args(arguments);
    command
}
