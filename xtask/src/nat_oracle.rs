//! `cargo xtask nat-oracle`: build the oracle and hand it the arguments.

use std::process::ExitCode;

use crate::process;

/// Hold the simulated Linux NATs against this machine's kernel; `--help` shows its own options.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the oracle as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut command =
        process::cargo(["run", "--release", "--package", "peerlab-oracle", "--quiet"]);
    process::exit(process::run(command.arg("--").args(&arguments.rest)))
}
