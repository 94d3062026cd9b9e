//! `cargo xtask nat-oracle`: holds the simulated Linux NATs against the kernel of this machine.

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};
use oracle::{
    Fault,
    netfilter::{self, Netfilter},
    questions::{self, STREAM, UNREPLIED},
    report::{self, Difference},
    simulated::Simulated,
    subject::{self, Subject},
};
use owo_colors::OwoColorize as _;

// Dependencies of the library alone.
use {lab as _, simnet as _, socket2 as _, thiserror as _};

/// Hold the simulated Linux NATs against the NAT of this machine's kernel.
///
/// Lays out two hosts behind a box and a server outside, once in network namespaces with a ruleset of
/// netfilter and once in the simulator with the preset of the same name, asks both the same questions, and
/// compares the answers.
///
/// Needs Linux, `ip`, `nft`, `sysctl`, and the privileges to make network namespaces; where one is missing, the run
/// says so and ends with code 4. Everything it makes is removed at the end; nothing leaves the namespaces.
#[derive(Parser)]
#[command(
    name = "cargo xtask nat-oracle",
    bin_name = "cargo xtask nat-oracle",
    max_term_width = 100,
    after_help = "Examples:\n  cargo xtask nat-oracle                        every preset\n  \
                  cargo xtask nat-oracle linux-masquerade-bare  one of them, with all its answers\n\n\
                  Exit codes: 0 all answers agree, 1 some differ, 2 an answer of the kernel is not the \
                  recorded one, 3 a world broke, 4 this machine lacks something, 64 wrong usage."
)]
struct Arguments {
    /// Presets to ask about; all that have a ruleset otherwise.
    presets: Vec<String>,
    /// Name the presets that have a ruleset, and stop.
    #[arg(long)]
    list: bool,
    /// Write the kernel's answers to this folder, a file for each preset.
    #[arg(long, value_name = "DIR")]
    record: Option<std::path::PathBuf>,
    #[command(subcommand)]
    inner: Option<Inner>,
}

#[derive(Subcommand)]
enum Inner {
    /// Answer commands on standard input: what the oracle runs in each namespace.
    #[command(hide = true)]
    Agent,
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
    if matches!(arguments.inner, Some(Inner::Agent)) {
        let served = oracle::agent::serve(io::stdin().lock(), io::stdout().lock());
        return if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if arguments.list {
        for subject in subject::ALL {
            anstream::println!("{}", subject.preset);
        }
        return ExitCode::SUCCESS;
    }
    let subjects = match chosen(&arguments.presets) {
        Ok(subjects) => subjects,
        Err(unknown) => {
            anstream::eprintln!("error: no ruleset for `{unknown}`; --list names those there are");
            return ExitCode::from(64);
        }
    };
    let lacking = netfilter::lacking();
    if !lacking.is_empty() {
        anstream::eprintln!("error: this machine's kernel cannot be asked:");
        for line in lacking {
            anstream::eprintln!("  {line}");
        }
        anstream::eprintln!(
            "The presets were not compared with the kernel. The recorded answers of Linux hold them all \
             the same: cargo test -p peerlab-oracle"
        );
        return ExitCode::from(4);
    }
    ask_all(&subjects, &arguments)
}

fn chosen(presets: &[String]) -> Result<Vec<Subject>, String> {
    if presets.is_empty() {
        return Ok(subject::ALL.to_vec());
    }
    let found = presets.iter().map(|name| subject::find(name).ok_or_else(|| name.clone()));
    found.collect()
}

/// Asks about all of them at once: most of the time is spent waiting for timers of the kernel.
fn ask_all(subjects: &[Subject], arguments: &Arguments) -> ExitCode {
    anstream::println!("Linux {}: {} rulesets", netfilter::release(), subjects.len());
    anstream::eprintln!("asking all of them at once takes about half a minute …");
    let worst = std::thread::scope(|scope| {
        let asked: Vec<_> = subjects
            .iter()
            .map(|subject| (subject, scope.spawn(|| Answers::of(subject))))
            .collect();
        let verdicts = asked.into_iter().map(|(subject, thread)| {
            let answers = thread.join();
            let answers = answers.unwrap_or_else(|_| Err(Fault::Broken("it panicked".into())));
            judge(subject, answers, arguments)
        });
        verdicts.max().unwrap_or(0)
    });
    ExitCode::from(worst)
}

/// What both worlds answered, in the form that is kept.
struct Answers {
    kernel: String,
    preset: String,
}

impl Answers {
    fn of(subject: &Subject) -> Result<Self, Fault> {
        let program = std::env::current_exe().map_err(|error| Fault::Broken(error.to_string()))?;
        let mut kernel = Netfilter::new(&program, subject.preset, subject.ruleset)?;
        let kernel = report::text(&questions::ask(&mut kernel)?);
        let config = subject.config(UNREPLIED, STREAM)?;
        let preset = report::text(&questions::ask(&mut Simulated::new(config, 1)?)?);
        Ok(Self { kernel, preset })
    }
}

/// Prints where the answers differ, and returns the exit code that this deserves.
fn judge(subject: &Subject, answers: Result<Answers, Fault>, arguments: &Arguments) -> u8 {
    let answers = match answers.and_then(|answers| record(subject, answers, arguments)) {
        Ok(answers) => answers,
        Err(fault) => {
            anstream::println!("{} {}: {fault}", "broken".red(), subject.preset);
            return 3;
        }
    };
    if !arguments.presets.is_empty() {
        anstream::println!("{}", answers.kernel.trim_end());
    }
    let differing = report::differences(&answers.kernel, &answers.preset);
    if differing.is_empty() {
        let count = answers.kernel.lines().count();
        anstream::println!("{} {}: {count} answers agree", "same".green(), subject.preset);
    } else {
        tell("differ", subject, &differing, ["kernel", "preset"]);
    }
    let recorded = arguments.record.is_some();
    let drifted = report::differences(&answers.kernel, subject.measured);
    if !drifted.is_empty() && !recorded {
        tell("drifted", subject, &drifted, ["kernel", "record"]);
    }
    match (differing.is_empty(), drifted.is_empty() || recorded) {
        (false, _) => 1,
        (true, false) => 2,
        (true, true) => 0,
    }
}

/// Keeps the kernel's answers, where that was asked for.
fn record(subject: &Subject, answers: Answers, arguments: &Arguments) -> Result<Answers, Fault> {
    if let Some(folder) = &arguments.record {
        let release = netfilter::release();
        let version = release.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let path = folder.join(format!("{}.txt", subject.preset));
        std::fs::write(&path, format!("# As answered by Linux {version}.\n{}", answers.kernel))
            .map_err(|error| Fault::Broken(format!("{}: {error}", path.display())))?;
    }
    Ok(answers)
}

fn tell(word: &str, subject: &Subject, differences: &[Difference], names: [&str; 2]) {
    let [one, other] = names;
    anstream::println!("{} {}:", word.red(), subject.preset);
    for it in differences {
        anstream::println!("  {}", it.question.bold());
        anstream::println!("    {one}: {}\n    {other}: {}", it.one, it.other);
    }
}
