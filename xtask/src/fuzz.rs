//! `cargo xtask fuzz`: coverage-guided fuzzing of the targets that are ordinary tests as well.

use std::process::{Command, ExitCode};

use crate::process;

/// Where the libFuzzer entry points live.
const FUZZ_DIR: &str = "conformance/fuzz/libfuzzer";

/// Fuzz one target, or each in turn, guided by coverage.
///
/// The targets are functions in `conformance/fuzz` that `cargo test` also runs, over a committed corpus
/// and seeded random input. This command feeds the same functions from libFuzzer.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The target to fuzz; all of them, one after the other, if none is named.
    target: Option<String>,
    /// How long to fuzz each target, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Name the targets and stop.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let targets = targets();
    if arguments.list {
        targets.iter().for_each(|target| anstream::println!("{target}"));
        return ExitCode::SUCCESS;
    }
    if let Some(wanted) = arguments.target.as_ref().filter(|wanted| !targets.contains(wanted)) {
        anstream::eprintln!("error: no fuzz target `{wanted}`; there are {}", targets.join(", "));
        return process::exit(64);
    }
    if !tools_are_installed() {
        return process::exit(process::ENVIRONMENT);
    }
    let chosen =
        targets.iter().filter(|&name| arguments.target.as_ref().is_none_or(|it| it == name));
    for target in chosen {
        let code = fuzz(target, arguments.seconds);
        if code != 0 {
            return process::exit(code);
        }
    }
    ExitCode::SUCCESS
}

/// The targets are the files of the libFuzzer crate.
fn targets() -> Vec<String> {
    let directory = process::root().join(FUZZ_DIR).join("fuzz_targets");
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn tools_are_installed() -> bool {
    let nightly = process::succeeds(Command::new("rustc").args(["+nightly", "--version"]));
    let cargo_fuzz = process::succeeds(Command::new("cargo").args(["fuzz", "--version"]));
    if !nightly {
        anstream::eprintln!(
            "error: coverage instrumentation needs a nightly compiler; install it with `rustup \
             toolchain install nightly`"
        );
    }
    if !cargo_fuzz {
        anstream::eprintln!(
            "error: cargo-fuzz is not installed; install it with `cargo install cargo-fuzz`"
        );
    }
    nightly && cargo_fuzz
}

fn fuzz(target: &str, seconds: u32) -> u8 {
    let corpus = process::root().join("conformance/fuzz/corpus").join(target);
    let found = process::root().join("target/fuzz").join(target);
    if let Err(error) = std::fs::create_dir_all(&found) {
        anstream::eprintln!("error: cannot make {}: {error}", found.display());
        return process::ENVIRONMENT;
    }
    let mut command = Command::new("cargo");
    command.current_dir(process::root());
    // New inputs go to the first directory, so that a run leaves the committed corpus as it is.
    command.args([
        "+nightly",
        "fuzz",
        "run",
        "--fuzz-dir",
        FUZZ_DIR,
        "--sanitizer",
        "none",
        target,
    ]);
    command.arg(found).arg(corpus).args(["--", &format!("-max_total_time={seconds}")]);
    anstream::println!("{}", process::spelled(&command));
    process::run(&mut command)
}
