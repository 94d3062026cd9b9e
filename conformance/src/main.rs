//! The command line of the conformance suite.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::cli::main()
}
