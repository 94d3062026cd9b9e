//! The chores of the workspace, each a subcommand: `cargo xtask help`.
//!
//! | file | chore |
//! |---|---|
//! | `ci.rs` | everything continuous integration runs, step by step |
//! | `tidy.rs` | the rules of the house that no compiler checks |
//! | `conformance.rs` | build and run the conformance suite |
//! | `bogo.rs` | let BoringSSL's test runner judge our DTLS |
//! | `nat_oracle.rs` | hold the simulated Linux NATs against the kernel's |
//! | `lab.rs` | build and run the network laboratory |
//! | `sim.rs` | build and run swarms of random worlds |
//! | `bench.rs` | benchmarks and their table |
//! | `fuzz.rs` | coverage-guided fuzzing of the committed targets |
//! | `spec.rs` | the requirement registry and the RFC texts it was read from |
//! | `process.rs` | child processes: run, time, say what was run |

mod bench;
mod bogo;
mod ci;
mod conformance;
mod fuzz;
mod lab;
mod nat_oracle;
mod process;
mod sim;
mod spec;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The chores of the Peerlab workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
#[command(
    after_help = "Start with:\n  cargo xtask conformance        what our implementation keeps and \
                        breaks, with an HTML report\n  cargo xtask lab                which NATs let two peers \
                        meet, and why\n  cargo xtask sim                thousands of random \
                        worlds, each held to its promises\n  cargo xtask ci                 what runs before a \
                        change lands\n  cargo xtask tidy --fix         mend what can be mended by \
                        machine"
)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    Ci(ci::Arguments),
    Tidy(tidy::Arguments),
    Conformance(conformance::Arguments),
    Lab(lab::Arguments),
    Sim(sim::Arguments),
    Bench(bench::Arguments),
    Bogo(bogo::Arguments),
    Fuzz(fuzz::Arguments),
    NatOracle(nat_oracle::Arguments),
    Spec(spec::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // Nobody is left to be told when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match arguments.chore {
        Chore::Ci(arguments) => ci::run(&arguments),
        Chore::Tidy(arguments) => tidy::run(&arguments),
        Chore::Conformance(arguments) => conformance::run(&arguments),
        Chore::Lab(arguments) => lab::run(&arguments),
        Chore::Sim(arguments) => sim::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Bogo(arguments) => bogo::run(&arguments),
        Chore::Fuzz(arguments) => fuzz::run(&arguments),
        Chore::NatOracle(arguments) => nat_oracle::run(&arguments),
        Chore::Spec(arguments) => spec::run(&arguments),
    }
}
