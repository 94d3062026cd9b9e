//! `cargo xtask sim`: build the swarms in release mode and hand them the arguments.

use std::process::ExitCode;

use crate::process;

/// Run thousands of random worlds and hold each to its promises; `--help` shows its own options.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Handed to the swarms as they are.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut command =
        process::cargo(["run", "--release", "--package", "peerlab-swarm", "--quiet", "--"]);
    process::exit(process::run(command.args(&arguments.rest)))
}
