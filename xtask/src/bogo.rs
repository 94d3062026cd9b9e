//! `cargo xtask bogo`: let BoringSSL's own test runner judge our DTLS.
//!
//! The runner is a program of BoringSSL's sources, written in Go, with a TLS stack of its own that can
//! break every rule of the protocol. It starts our shim (`conformance/bogo`) once a test and plays the
//! peer. The repository holds neither the runner nor anything of it: only the shim, the exceptions with
//! their reasons (`config.json`) and the names of the tests that must pass (`subset.txt`).
//!
//! | file | holds |
//! |---|---|
//! | `runner.rs` | where the runner comes from, and how it is started |
//! | `expectations.rs` | the committed names and exceptions |
//! | `results.rs` | what the runner wrote, held against them |
//! | `theme.rs` | which part of the protocol a test is about |

mod expectations;
mod results;
mod runner;
mod theme;

use std::process::ExitCode;

use crate::process;

/// Let BoringSSL's test runner judge our DTLS; needs the runner, named by `BOGO_RUNNER`.
///
/// Without `--all` the tests of `conformance/bogo/subset.txt` run: those that a WebRTC endpoint has a
/// use for. Each must pass, or be an exception with a reason in `conformance/bogo/config.json`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run the tests whose name fits one of these patterns, with `*` for any characters.
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Run the committed subset; that is what happens anyway, unless `--all` is given.
    #[arg(long, conflicts_with = "all")]
    subset: bool,
    /// Run every test that the runner has. Those that need what we do not have are unimplemented.
    #[arg(long)]
    all: bool,
    /// Run the exceptions too, and complain of those that pass.
    #[arg(long)]
    exceptions: bool,
    /// The cryptographic provider that the shim uses.
    #[arg(long, default_value = "aws-lc-rs", value_parser = ["aws-lc-rs", "rust-crypto"])]
    provider: String,
    /// How many tests run at once.
    #[arg(long, default_value_t = 2)]
    workers: u16,
    /// Name the tests that would run by their committed names, and stop.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let expectations = match expectations::Expectations::read() {
        Ok(expectations) => expectations,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return process::exit(DATA);
        }
    };
    let Ok(filter) = arguments.filter.iter().map(|it| expectations::glob(it)).collect() else {
        anstream::eprintln!("error: a pattern of --filter cannot be read");
        return process::exit(USAGE);
    };
    let selection = Selection { filter, all: arguments.all };
    if arguments.list {
        let names = expectations.subset.iter().filter(|name| selection.takes(name));
        names.for_each(|name| anstream::println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let Some(program) = runner::program() else {
        return process::exit(process::ENVIRONMENT);
    };
    let code = runner::build_shim();
    if code != 0 {
        return process::exit(code);
    }
    let patterns = if arguments.all && arguments.filter.is_empty() {
        Vec::new()
    } else if arguments.all {
        arguments.filter.clone()
    } else {
        expectations.subset.iter().filter(|name| selection.takes(name)).cloned().collect()
    };
    if patterns.is_empty() && !arguments.all {
        anstream::eprintln!("error: no test of the subset fits --filter; with --all, any can");
        return process::exit(USAGE);
    }
    let order = runner::Order {
        patterns,
        workers: arguments.workers,
        include_disabled: arguments.exceptions,
        provider: arguments.provider.clone(),
    };
    match runner::run(&program, &order) {
        Ok(outcome) => {
            let judged = results::judge(&outcome, &expectations, &selection);
            judged.print();
            process::exit(judged.exit_code())
        }
        Err(error) => {
            anstream::eprintln!("error: {error}");
            process::exit(HARNESS)
        }
    }
}

/// Which names are asked for.
struct Selection {
    filter: Vec<regex::Regex>,
    all: bool,
}

impl Selection {
    fn takes(&self, name: &str) -> bool {
        self.filter.is_empty() || self.filter.iter().any(|pattern| pattern.is_match(name))
    }
}

/// The suite itself went wrong.
const HARNESS: u8 = 3;
/// The command line makes no sense.
const USAGE: u8 = 64;
/// A committed file is broken.
const DATA: u8 = 65;
