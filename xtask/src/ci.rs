//! `cargo xtask ci`: what continuous integration runs, in one process, step by step.

use std::{
    process::{Command, ExitCode},
    time::Duration,
};

use owo_colors::OwoColorize as _;

use crate::{conformance, process};

/// Run everything a change must pass: what it does, how long it took, what failed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run only the steps named here.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Go on after a failed step, and fail at the end.
    #[arg(long)]
    keep_going: bool,
    /// Name the steps and stop.
    #[arg(long)]
    list: bool,
}

/// One step: its name, why it is there, and the commands it runs.
struct Step {
    name: &'static str,
    why: &'static str,
    commands: Vec<Command>,
    /// Whether a machine that lacks what the step needs passes without it, and is told so.
    optional: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let steps = steps();
    if let Some(unknown) =
        arguments.only.iter().find(|&it| steps.iter().all(|step| step.name != it))
    {
        let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
        anstream::eprintln!("error: no step `{unknown}`; the steps are {}", names.join(", "));
        return process::exit(64);
    }
    if arguments.list {
        for step in &steps {
            anstream::println!("{:12} {}", step.name.bold(), step.why);
        }
        return ExitCode::SUCCESS;
    }
    let chosen = |step: &Step| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| name == step.name)
    };
    let mut done = Vec::new();
    for step in steps.into_iter().filter(chosen) {
        let outcome = run_step(step);
        let failed = outcome.verdict == Verdict::Failed;
        done.push(outcome);
        if failed && !arguments.keep_going {
            break;
        }
    }
    summarise(&done)
}

fn steps() -> Vec<Step> {
    let suite = |words: &[&str]| {
        conformance::suite(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    };
    let clippy = |words: &[&str]| {
        let mut command = process::cargo(["clippy"]);
        command.args(words).args(["--", "--deny", "warnings"]);
        command
    };
    let step = |name, why, commands| Step { name, why, commands, optional: false };
    let mut steps = vec![
        step(
            "fmt",
            "the layout of the code is rustfmt's",
            vec![process::cargo(["fmt", "--all", "--check"])],
        ),
        step(
            "clippy",
            "no lint of the workspace is broken, in any target",
            vec![
                clippy(&["--workspace", "--all-targets"]),
                clippy(&["--package", "peerlab-conformance", "--features", "mutant"]),
            ],
        ),
        step(
            "tidy",
            "the rules of the house hold: arrows, citations, lengths, the registry",
            vec![xtask(&["tidy"]), xtask(&["spec", "check"])],
        ),
        step(
            "test",
            "every test passes, on virtual time and without a network",
            vec![process::cargo(["test", "--workspace"])],
        ),
        step(
            "docs",
            "every public item is documented and every link leads somewhere",
            vec![docs()],
        ),
        step(
            "conformance",
            "the fast tier gives the verdicts of the baselines",
            vec![suite(&["run", "--tier", "fast"])],
        ),
        step(
            "determinism",
            "the same seed gives the same bytes, whatever the build and the threads do",
            determinism(suite(&["run", "--tier", "fast", "--check-determinism"])),
        ),
        step(
            "swarm",
            "random worlds keep their promises, but for those on the record",
            vec![
                xtask(&["sim", "--seeds", "400", "ice"]),
                xtask(&["sim", "--seeds", "400", "dtls"]),
                xtask(&["sim", "--seeds", "400", "sctp"]),
            ],
        ),
        step("mutants", "the suite kills every planted bug", vec![suite(&["mutants"])]),
    ];
    steps.extend(optional_steps());
    steps
}

/// Steps that need what only some machines have.
fn optional_steps() -> [Step; 2] {
    let step = |name, why, words: &[&str]| Step {
        name,
        why,
        commands: vec![xtask(words)],
        optional: true,
    };
    [
        step(
            "bogo",
            "BoringSSL's test runner finds our DTLS as it is on record, where the runner is",
            &["bogo"],
        ),
        step(
            "nat-oracle",
            "the simulated Linux NATs answer as this kernel does, where it can be asked",
            &["nat-oracle"],
        ),
    ]
}

/// Another chore of this program.
fn xtask(words: &[&str]) -> Command {
    let mut command = process::cargo(["run", "--quiet", "--package", "xtask", "--"]);
    command.args(words);
    command
}

/// The documentation, private items included.
fn docs() -> Command {
    let mut docs = process::cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    docs
}

/// The suite's own check, and worlds with committed hashes in every build, on many threads and on one.
fn determinism(suite: Command) -> Vec<Command> {
    vec![
        suite,
        replay(&[], &[]),
        replay(&[], &["--test-threads=1"]),
        replay(&["--release"], &[]),
        replay(&["--release"], &["--test-threads=1"]),
    ]
}

/// Runs worlds whose hashes are committed, so that every build is held against the same ones.
fn replay(build: &[&str], run: &[&str]) -> Command {
    let mut command = process::cargo(["test", "--package", "peerlab-simnet", "--test", "replay"]);
    command.args(build).arg("--").args(run);
    command
}

struct Done {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    /// The machine lacks what an optional step needs; the step said what.
    NotHere,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::NotHere => "not here",
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a chore may read the clock"
)]
fn run_step(mut step: Step) -> Done {
    anstream::println!("\n{} {}", format!("== {}:", step.name).bold(), step.why);
    let start = std::time::Instant::now();
    let mut verdict = Verdict::Passed;
    for command in &mut step.commands {
        anstream::println!("   {}", process::spelled(command).dimmed());
        match process::run(command) {
            0 => continue,
            process::ENVIRONMENT if step.optional => verdict = Verdict::NotHere,
            _ => verdict = Verdict::Failed,
        }
        break;
    }
    let done = Done { name: step.name, verdict, took: start.elapsed() };
    let verdict = match verdict {
        Verdict::Passed => verdict.green().to_string(),
        Verdict::Failed => verdict.red().to_string(),
        Verdict::NotHere => verdict.yellow().to_string(),
    };
    anstream::println!("== {}: {verdict} after {:.1} s", done.name, done.took.as_secs_f64());
    done
}

fn summarise(done: &[Done]) -> ExitCode {
    anstream::println!("\n{}", "step          verdict   seconds".bold());
    for step in done {
        anstream::println!("{:13} {:8} {:8.1}", step.name, step.verdict, step.took.as_secs_f64());
    }
    match done.iter().find(|step| step.verdict == Verdict::Failed) {
        None => ExitCode::SUCCESS,
        Some(step) => {
            anstream::println!("\nRun it alone with: cargo xtask ci --only {}", step.name);
            ExitCode::FAILURE
        }
    }
}
