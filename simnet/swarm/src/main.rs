//! Swarms on the command line: `cargo xtask sim`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
