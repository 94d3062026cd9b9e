//! The laboratory on the command line: `cargo xtask lab`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
