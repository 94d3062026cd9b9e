//! The command line.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    exit::{Exit, Refusal},
    registry::Registry,
    suite::Suite,
};

mod baseline;
mod determinism;
mod documents;
mod goodput;
mod list;
mod matrix;
mod mutants;
mod replay;
mod run;
mod script;
mod show;
mod subjects;

pub use run::{Options, RunArgs, TierChoice};

const EXAMPLES: &str = "\
Examples (`cargo xtask conformance` builds this program and runs it with the same arguments):
  cargo xtask conformance                                  the fast tier against every subject
  cargo xtask conformance --rfc 8489 --section 6.2         what one section demands
  cargo xtask conformance --filter 'stun.rtx' --subject ours --repeat 100
  cargo xtask conformance list --requirements --untested   what is not tested yet
  cargo xtask conformance show stun.rtx.schedule           a case, or a requirement
  cargo xtask conformance replay 'stun.rtx.schedule' --subject ours --seed 0x7
  cargo xtask conformance script conformance/scripts/sctp/gap.pkt --subject dcsctp
  cargo xtask conformance diff before/run.json after/run.json
  cargo xtask conformance --shard 3/8 --out part3          one of eight parts; `merge` joins them
  cargo xtask conformance matrix                           ICE agents behind pairs of NATs
  cargo xtask conformance goodput                          what SCTP associations carry over a bottleneck
  cargo xtask conformance mutants                          does the suite notice planted bugs?

Exit codes:
   0  as the baseline expects
   1  worse than the baseline, a replay that differs, a planted bug that survived
   2  better than the baseline: update it
   3  the suite itself went wrong
   4  the environment lacks something, such as a folder that can be written
  64  the command line makes no sense
  65  an input file is broken";

/// Runs the conformance suite: real protocol cases against WebRTC implementations, in a simulated
/// network on virtual time.
///
/// Without a command it runs the cases, writes run.json, JUnit XML, Markdown and HTML, and says where
/// they are. The same command always gives the same results.
#[derive(Debug, Parser)]
#[command(
    name = "peerlab-conformance",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
)]
struct Cli {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    command: Option<Command>,
    /// Read the requirements from this directory instead of those built in.
    #[arg(long, global = true, value_name = "DIR")]
    spec_dir: Option<PathBuf>,
    /// Read the baselines from this directory instead of those built in.
    #[arg(long, global = true, value_name = "DIR")]
    baseline_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run cases and write the reports (what happens without a command).
    Run {
        /// Cases to run: a pattern with `*`, an id, an id's beginning, or `case[variant]`.
        cases: Vec<String>,
        #[command(flatten)]
        options: RunArgs,
    },
    /// List cases, or requirements.
    List(list::Args),
    /// Explain a case or a requirement.
    Show {
        /// The id of a case or of a requirement.
        id: String,
    },
    /// Run one case again, print its ladder and compare it with the record.
    Replay(replay::Args),
    /// Play a script of SCTP packets, in the manner of packetdrill, against a subject.
    Script(script::Args),
    /// Compare two runs, or two subjects.
    Diff(documents::DiffArgs),
    /// Join the shards of a run.
    Merge(documents::MergeArgs),
    /// Write the reports of a run again.
    Report(documents::ReportArgs),
    /// List the subjects and what they declare, and check their adapters.
    Subjects,
    /// Plant bugs in our implementation, one at a time, and see whether a case notices.
    Mutants(mutants::Args),
    /// Run our ICE agent and those of others behind every pair of NATs, side by side.
    Matrix(matrix::Args),
    /// Measure what SCTP associations carry over a bottleneck, ours and those of others side by side.
    Goodput(goodput::Args),
    /// Maintain the lists of known deviations.
    #[command(subcommand)]
    Baseline(baseline::Command),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let mut out = anstream::stdout().lock();
    let result = main_with(std::env::args_os(), &mut out, Suite::built_in);
    let result = result.and_then(|exit| out.flush().map(|()| exit).map_err(closed));
    match result {
        Ok(exit) => exit.into(),
        Err(refusal) => {
            // Nobody listens any more, as under `| head`: nothing went wrong.
            if refusal.exit != Exit::Equal {
                anstream::eprintln!("error: {refusal}");
            }
            refusal.exit.into()
        }
    }
}

/// Runs the program with the given arguments, suite and standard output.
///
/// # Errors
///
/// A [`Refusal`], if the command cannot be carried out.
pub fn main_with(
    arguments: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    suite: impl FnOnce(Registry) -> Result<Suite, Refusal>,
) -> Result<Exit, Refusal> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error, out),
    };
    let registry = match &cli.spec_dir {
        Some(dir) => Registry::read_dir(dir),
        None => Registry::embedded(),
    };
    let mut suite = suite(registry.map_err(Refusal::data)?)?;
    if cli.baseline_dir.is_some() {
        suite.baseline_dir.clone_from(&cli.baseline_dir);
    }
    match cli.command {
        None => run::run(&suite, &cli.run, &[], out),
        Some(Command::Run { cases, options }) => run::run(&suite, &options, &cases, out),
        Some(Command::List(args)) => list::list(&suite, &args, out),
        Some(Command::Show { id }) => show::show(&suite, &id, out),
        Some(Command::Replay(args)) => replay::replay(&suite, &args, out),
        Some(Command::Script(args)) => script::script(&suite, &args, out),
        Some(Command::Diff(args)) => documents::diff(&args, out),
        Some(Command::Merge(args)) => documents::merge(&args, out),
        Some(Command::Report(args)) => documents::report(&args, out),
        Some(Command::Subjects) => subjects::subjects(&suite, out),
        Some(Command::Mutants(args)) => mutants::mutants(&suite, &args, out),
        Some(Command::Matrix(args)) => matrix::matrix(&suite, &args, out),
        Some(Command::Goodput(args)) => goodput::goodput(&args, out),
        Some(Command::Baseline(command)) => baseline::baseline(&suite, &command, out),
    }
}

/// Help and version are answers; everything else is a refusal of one line.
fn refuse_arguments(error: &clap::Error, out: &mut dyn Write) -> Result<Exit, Refusal> {
    if error.use_stderr() {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default().trim_start_matches("error: ");
        let tip = lines.find_map(|line| line.strip_prefix("tip: ")).map(|tip| format!("; {tip}"));
        return Err(Refusal::usage(format!(
            "{first}{}; --help shows what there is",
            tip.unwrap_or_default()
        )));
    }
    write!(out, "{}", error.render().ansi()).map_err(closed)?;
    Ok(Exit::Equal)
}

/// Standard output went away.
fn closed(error: io::Error) -> Refusal {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Refusal { exit: Exit::Equal, line: "the reader went away".to_owned() };
    }
    Refusal::environment(format!("standard output cannot be written ({error}); read it to the end"))
}

/// A seed: decimal, or hexadecimal after `0x`.
fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(&digits.replace('_', ""), 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("{error}; write a number such as 7 or 0x5eed"))
}

/// Where runs go unless told otherwise: below cargo's target directory.
fn default_folder(name: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    target.join("conformance").join(name)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
