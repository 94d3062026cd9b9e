//! `cargo xtask lab`: build the laboratory in release mode and hand it the arguments.

use std::process::ExitCode;

use crate::process;

/// Run network scenarios, compare and explain NATs; `--help` shows its own options.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the laboratory as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut command =
        process::cargo(["run", "--release", "--package", "peerlab-lab", "--quiet", "--"]);
    process::exit(process::run(command.args(&arguments.rest)))
}
