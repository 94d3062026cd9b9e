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
        let failed = !outcome.passed;
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
    let xtask = |words: &[&str]| {
        let mut command = process::cargo(["run", "--quiet", "--package", "xtask", "--"]);
        command.args(words);
        command
    };
    let mut docs = process::cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let step = |name, why, commands| Step { name, why, commands };
    vec![
        step(
            "fmt",
            "the layout of the code is rustfmt's",
            vec![process::cargo(["fmt", "--all", "--check"])],
        ),
        step(
            "clippy",
            "no lint of the workspace is broken, in any target",
            vec![
                process::cargo([
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--",
                    "--deny",
                    "warnings",
                ]),
                process::cargo([
                    "clippy",
                    "--package",
                    "peerlab-conformance",
                    "--features",
                    "mutant",
                    "--",
                    "--deny",
                    "warnings",
                ]),
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
        step("docs", "every public item is documented and every link leads somewhere", vec![docs]),
        step(
            "conformance",
            "the fast tier gives the verdicts of the baselines",
            vec![suite(&["run", "--tier", "fast"])],
        ),
        step(
            "determinism",
            "the same seed gives the same bytes, whatever the threads do",
            vec![suite(&["run", "--tier", "fast", "--check-determinism"])],
        ),
        step("mutants", "the suite kills every planted bug", vec![suite(&["mutants"])]),
    ]
}

struct Done {
    name: &'static str,
    passed: bool,
    took: Duration,
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a chore may read the clock"
)]
fn run_step(mut step: Step) -> Done {
    anstream::println!("\n{} {}", format!("== {}:", step.name).bold(), step.why);
    let start = std::time::Instant::now();
    let passed = step.commands.iter_mut().all(|command| {
        anstream::println!("   {}", process::spelled(command).dimmed());
        process::run(command) == 0
    });
    let done = Done { name: step.name, passed, took: start.elapsed() };
    let verdict = if passed { "passed".green().to_string() } else { "FAILED".red().to_string() };
    anstream::println!("== {}: {verdict} after {:.1} s", done.name, done.took.as_secs_f64());
    done
}

fn summarise(done: &[Done]) -> ExitCode {
    anstream::println!("\n{}", "step          verdict   seconds".bold());
    for step in done {
        let verdict = if step.passed { "passed" } else { "FAILED" };
        anstream::println!("{:13} {verdict:8} {:8.1}", step.name, step.took.as_secs_f64());
    }
    match done.iter().find(|step| !step.passed) {
        None => ExitCode::SUCCESS,
        Some(step) => {
            anstream::println!("\nRun it alone with: cargo xtask ci --only {}", step.name);
            ExitCode::FAILURE
        }
    }
}
